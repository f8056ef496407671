//! Connections against real child processes and real sockets.
#![allow(clippy::unwrap_used)]

#[path = "../support/auth_site.rs"]
mod auth_site;
#[path = "../support/until.rs"]
mod until;

mod auth;
mod http;
mod stdio;
mod support;
mod wire_log;
