//! Connections against real child processes and real sockets.
#![allow(clippy::unwrap_used)]

#[path = "../support/auth_site.rs"]
mod auth_site;
#[path = "../support/until.rs"]
mod until;

mod auth;
mod faults;
mod http;
mod http_modern;
mod http_old;
mod http_refusals;
mod http_sessions;
mod http_support;
mod stdio;
mod stdio_asks;
mod stdio_eras;
mod stdio_errands;
mod stdio_lists;
mod stdio_streams;
mod stdio_tasks;
mod supervise;
mod support;
mod wire_frames;
mod wire_log;
