//! The database server on a real PostgreSQL: `.ci/suites/postgres.sh` makes a scratch cluster and runs this.
//!
//! Gated by `MCPDECK_TEST_POSTGRES`, a superuser's URL; without it each test says that it is skipped and passes, because plain
//! `cargo test` needs the Rust toolchain alone.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, missing_docs)]

// Not all of it is needed here.
#[allow(dead_code)]
#[path = "../servers/client.rs"]
mod client;

mod attacks;
mod changes;
mod cluster;
mod life;
mod restart;
mod role;
mod statements;
mod tables;
