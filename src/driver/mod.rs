//! Carries out the host's effects and answers with events. Decides nothing.
//!
//! `perform` never waits: what takes time runs in a task of its own and reports on the one channel of [`crate::host::HostEvent`]s.

mod calls;
pub mod clock;
pub mod eras;
pub mod headless;
mod keep;
mod model;
mod perform;
pub mod pins;
mod saving;
mod sign_ins;
mod stream;
mod timers;
mod wake;

pub use clock::Clock;
pub use perform::{Driver, Options, Receivers};
