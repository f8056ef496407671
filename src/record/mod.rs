//! A session in a file: what `--record` writes and `replay`, `compare`, `export`, `serve replay` and the replayed model read.
//!
//! JSON lines: a [`Header`], then entries in the order in which they happened, each with its moment. `form` says what a line is,
//! `held` takes secrets out of what comes in pieces, `read` makes a recording of lines (all pure); `file` writes and reads files.
//! Knows nothing of the host and the app: a body is JSON here, and whoever is above gives it a type.

pub mod file;
pub mod form;
pub mod held;
pub mod read;

pub use file::Sink;
pub use form::{Clean, Entry, Header, Kind, Lost, What};
pub use held::{Said, Source};
pub use read::{Reader, Recording};
