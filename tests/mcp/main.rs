//! Connections against real child processes and real sockets.
#![allow(clippy::unwrap_used)]

#[path = "../support/until.rs"]
mod until;

mod http;
mod stdio;
mod stdio_asks;
mod stdio_eras;
mod stdio_errands;
mod stdio_lists;
mod stdio_streams;
mod stdio_tasks;
mod support;
mod wire_log;
