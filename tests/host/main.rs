//! The host alone: events in, state and effects out, without a clock, a task or a socket.

mod approval;
mod asks;
mod calls;
mod extras;
mod interrupt;
mod properties;
mod returning;
mod servers;
mod soak;
mod stage;
mod turn;
