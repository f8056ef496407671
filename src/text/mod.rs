//! Text on its way out: cleaning what others wrote, wrapping it by graphemes and columns, and human sizes.
//!
//! Pure: strings in, strings out. Called by every layer that shows or prints something.

pub mod clean;
pub mod diff;
pub mod human;
pub mod json;
mod nearest;
pub mod sh;
pub mod wrap;

pub use nearest::nearest;
