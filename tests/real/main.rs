//! The program as built against MCP servers that others wrote: the pinned npm packages of `.ci/npm`.
//!
//! Gated by `MCPDECK_TEST_NPM`, the folder where they are installed; `.ci/suites/npm.sh` prepares it. Without the variable each
//! test says that it is skipped and passes, because plain `cargo test` needs the Rust toolchain alone.

#[path = "../support/home.rs"]
mod home;
#[path = "../support/ports.rs"]
mod ports;
#[path = "../support/until.rs"]
mod until;

mod deck;
mod everything;
mod files;
mod model;
mod nginx;
mod npm;
mod prompts;
mod session;
mod trouble;
