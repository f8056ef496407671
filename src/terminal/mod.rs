//! The terminal itself: raw mode, keys, pacing, the loop.
//!
//! Impure, and the only door to crossterm and to ratatui's terminal. `run` joins the app, the driver's channels and the view;
//! `guard` gives the terminal back on every way out. Decides nothing: what a key means is the app's.

pub mod browser;
mod canvas;
pub mod clipboard;
mod guard;
mod input;
mod notify;
mod pace;
#[cfg(feature = "images")]
mod pictures;
pub mod recording;
mod replay;
mod run;
mod saving;
mod signals;
pub mod theme;

pub use guard::Guard;
pub use recording::Recording;
pub use replay::replay;
pub use run::{Ended, Outside, run};
