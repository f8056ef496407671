//! Lines of JSON chained by their hashes: what both records of calls are written in, that of a served server and that of this client.
//!
//! `line` (a line's form), `walk` (whether a log is whole) and `mend` (what a start does about a torn or a missing end) are pure;
//! `files` finds and reads the files of a log. Imports nothing; `servers`, which import nothing else of the crate, may name it.

pub mod files;
mod line;
mod mend;
mod walk;

pub use files::{beside, head, older};
pub use line::{Head, Line, append, canonical, hex, read, sha256};
pub use mend::{compare, mend};
pub use walk::{Broken, Report, Walk};
