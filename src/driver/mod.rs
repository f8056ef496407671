//! Carries out the host's effects and answers with events. Decides nothing.
//!
//! `perform` never waits: what takes time runs in a task of its own and reports on the one channel of [`crate::host::HostEvent`]s.

mod audit;
mod calls;
pub mod clock;
pub mod eras;
pub mod headless;
mod keep;
mod lab;
pub mod lists;
pub mod metrics;
mod model;
mod perform;
pub mod pins;
mod reports;
mod saving;
pub mod sessions;
mod sign_ins;
mod stream;
mod timers;
pub mod touched;
pub mod traces;
mod wake;
pub mod watching;
mod witness;

pub use clock::Clock;
pub use perform::{Driver, Options, Receivers};
pub use witness::Records;
