//! Frames as people see them, at three sizes, and what must hold for any frame at all.

#[path = "../support/naughty.rs"]
mod naughty;

mod asks;
mod attach;
mod follow;
mod frames;
mod hide;
mod hostile;
mod kept;
mod meaning;
mod mouse;
mod overview;

mod offers;
#[cfg(feature = "images")]
mod pictures;
mod properties;
mod reach;
mod sessions;
mod speed;
mod stage;
mod unknown;
mod wire;
