//! Frames as people see them, at three sizes, and what must hold for any frame at all.

#[path = "../support/naughty.rs"]
mod naughty;

mod asks;
mod frames;
mod hide;
mod hostile;
mod kept;
mod meaning;
#[cfg(feature = "images")]
mod pictures;
mod properties;
mod reach;
mod sessions;
mod speed;
mod stage;
mod unknown;
