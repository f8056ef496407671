//! The program as built against MCP servers that others wrote: the pinned packages of `.ci/npm` and `.ci/pypi`.
//!
//! Gated by `MCPDECK_TEST_NPM`, the folder where they are installed, and `MCPDECK_TEST_PYPI`; `.ci/suites/npm.sh` and `pypi.sh`
//! prepare them. Without its variable each test says that it is skipped and passes, because plain `cargo test` needs the Rust
//! toolchain alone.

#[path = "../support/home.rs"]
mod home;
#[path = "../support/ports.rs"]
mod ports;
// Not all of it is needed here.
#[allow(dead_code, clippy::unwrap_used)]
#[path = "../mcp/support.rs"]
mod support;
#[path = "../support/until.rs"]
mod until;

mod deck;
mod everything;
mod features;
mod files;
mod headless;
mod model;
mod nginx;
mod npm;
mod prometheus;
mod prompts;
mod proxy;
mod pypi;
mod servers;
mod session;
mod trouble;
mod wire;
