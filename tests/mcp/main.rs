//! Connections against real child processes and real sockets.
#![allow(clippy::unwrap_used)]

mod stdio;
mod support;
