//! The rules between calls and a server that may be ill: how often, how many, and when not at all.
//!
//! Pure machines; time comes as an argument. The host holds one of each for each server.

pub mod breaker;
pub mod cache;
pub mod limiter;
pub mod retry;
