//! Connections against real child processes and real sockets.
#![allow(clippy::unwrap_used)]

mod http;
mod stdio;
mod stdio_asks;
mod stdio_errands;
mod support;
mod wire_log;
