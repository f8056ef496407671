//! Connections against real child processes and real sockets.
#![allow(clippy::unwrap_used)]

#[path = "../support/until.rs"]
mod until;

mod http;
mod stdio;
mod stdio_asks;
mod stdio_errands;
mod support;
mod wire_log;
