//! SQLite behind the tools.

pub mod complaint;
pub mod guard;
pub mod source;
