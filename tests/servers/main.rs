//! The bundled servers as any host meets them: the real binary as a child process, a real client over its pipes.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../support/until.rs"]
mod until;

mod client;
mod conformance;
mod contents;
mod copies;
mod crm;
#[cfg(feature = "postgres")]
mod crm_postgres;
mod crm_store;
mod database;
mod database_changes;
mod escapes;
mod files;
mod guard;
mod handshake;
mod http;
mod journal;
mod killed;
mod names;
mod reading;
mod roots;
mod special;
mod sql_attacks;
mod sql_generator;
mod trash;
mod undo;
