//! The host alone: events in, state and effects out, without a clock, a task or a socket.

mod approval;
mod asks;
mod calls;
mod extras;
mod interrupt;
mod obedient;
mod pins;
mod previews;
mod properties;
mod returning;
mod servers;
mod stage;
mod turn;
