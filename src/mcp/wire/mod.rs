//! The truth on the wire: every message and every stray line of every server, in order.
//!
//! `record` is the plain data, `lines` cuts bytes into lines, `log` is a bounded ring (all pure); `tap` sees everything that passes
//! and `file` writes it down; `redact` takes out secrets before anything reaches a file.

pub mod file;
pub mod lines;
pub mod log;
pub mod record;
pub mod redact;
pub mod secrets;
pub mod tap;

pub use file::WireFile;
pub use log::WireLog;
pub use tap::Tap;
