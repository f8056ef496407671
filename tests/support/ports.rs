//! Loopback ports for tests that start servers of their own.
//!
//! Where the server can be given a bound listener, bind port 0 and ask for the address: that has no race. These are for
//! programs that only take a number.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::net::{Ipv4Addr, TcpListener};

/// A port that was free a moment ago. Another program can take it before it is used; the kernel hands out the least recently
/// used ones, which makes that rare.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    listener
        .local_addr()
        .expect("the port of a listener")
        .port()
}

/// A port that is held and never answered on: connections are made by the kernel and nobody accepts them.
pub fn silent_port() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    let port = listener
        .local_addr()
        .expect("the port of a listener")
        .port();
    (listener, port)
}
