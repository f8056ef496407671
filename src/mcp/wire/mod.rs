//! The truth on the wire: every message and every stray line of every server, in order.
//!
//! `record` is the plain data, `log` a bounded ring of it (both pure); `tap` reads the byte streams; `redact` takes out secrets
//! before anything is written to a file.

pub mod log;
pub mod record;
