//! Connections against real child processes and real sockets.
#![allow(clippy::unwrap_used)]

#[path = "../support/until.rs"]
mod until;

mod auth;
mod auth_site;
mod http;
mod stdio;
mod support;
mod wire_log;
