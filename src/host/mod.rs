//! Servers, calls and agent as one pure machine.
