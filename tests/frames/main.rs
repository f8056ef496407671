//! Frames as people see them, at three sizes, and what must hold for any frame at all.

mod asks;
mod frames;
mod kept;
#[cfg(feature = "images")]
mod pictures;
mod properties;
mod reach;
mod sessions;
mod speed;
mod stage;
