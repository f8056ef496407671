//! The host alone: events in, state and effects out, without a clock, a task or a socket.

mod approval;
mod asks;
mod audit;
mod cache;
mod calls;
mod compact;
mod extras;
mod health;
mod interrupt;
mod lab;
mod lists;
mod obedient;
mod pins;
mod policies;
mod previews;
mod properties;
mod reload;
mod returning;
mod servers;
mod sessions;
mod soak;
mod stage;
mod trail;
mod turn;
