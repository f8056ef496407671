//! The host alone: events in, state and effects out, without a clock, a task or a socket.

mod approval;
mod asks;
mod audit;
mod calls;
mod extras;
mod interrupt;
mod properties;
mod returning;
mod servers;
mod stage;
mod turn;
