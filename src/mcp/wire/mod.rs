//! The truth on the wire: every message and every stray line of every server, in order.
//!
//! `record` is the plain data, `lines` cuts bytes into lines, `about` reads what it
//! asks, `exchange` ties answers to requests, `log` is a bounded ring (all pure); `tap` sees
//! everything that passes, `file` writes it down and `live` brings it to whoever looks; `redact` takes out secrets, which `passed` and
//! `hiding` see to before anything is written or seen.

pub mod about;
pub mod exchange;
pub mod file;
mod hiding;
pub mod lines;
pub mod live;
pub mod log;
mod passed;
pub mod record;
mod recorded;
pub mod redact;
pub mod secrets;
pub mod tap;

pub use file::WireFile;
pub use log::WireLog;
pub use tap::Tap;
