//! The bundled servers as any host meets them: the real binary as a child process, a real client over its pipes.

#![allow(clippy::unwrap_used, missing_docs)]

mod client;
mod database;
mod database_changes;
mod escapes;
mod files;
mod handshake;
mod sql_attacks;
mod sql_generator;
