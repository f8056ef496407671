//! The host alone: events in, state and effects out, without a clock, a task or a socket.

mod approval;
mod asks;
mod cache;
mod calls;
mod compact;
mod extras;
mod health;
mod interrupt;
mod lists;
mod properties;
mod returning;
mod servers;
mod sessions;
mod stage;
mod turn;
