//! mcpdeck: an agent, the wire and server health of MCP servers in one terminal.
//!
//! # The map of the house
//!
//! Imports go downwards only; `tests/house.rs` holds that.
//!
//! | layer | what it is | pure |
//! |---|---|---|
//! | [`cli`] | arguments in, words and exit code out; the only layer that prints | no |
//! | [`terminal`] | raw mode, keys, frame pacing, the loop of the terminal program | no |
//! | [`view`] | [`app::App`] to frame | yes |
//! | [`app`] | state of the terminal program, intents, keymap, composer, update | yes |
//! | [`driver`] | carries out effects; owns tasks, channels, timers, files | no |
//! | [`host`] | servers, calls and agent as one machine | yes |
//! | [`agent`] | turn, transcript, model; the model adapters are impure | mostly |
//! | [`mcp`] | one server: lifecycle, tools, health, wire; connections and transports are impure | mostly |
//! | [`config`] | `mcp.toml` to [`config::Config`]; only `load` is impure | mostly |
//! | [`ids`], [`text`] | newtypes; cleaning, wrapping, human sizes | yes |
//! | [`record`] | a session in a file: its lines, and what hides secrets in them; only `file` is impure | mostly |
//! | [`chain`] | lines chained by their hashes, for the records of calls | mostly |
//!
//! Aside stand the [`servers`] that the binary carries: they import nothing of the above but [`chain`], and only `cli` starts them.
//!
//! # The way of the data
//!
//! A key becomes an [`app`] intent, an intent a [`host`] command, a command a list of effects; the [`driver`] carries them out and
//! answers with events; `handle(event, now)` changes the state; the [`view`] draws it. Headless subcommands are the same path
//! with a shorter end.

#![warn(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod agent;
pub mod app;
pub mod chain;
pub mod cli;
pub mod config;
pub mod driver;
pub mod host;
pub mod ids;
pub mod mcp;
pub mod record;
pub mod servers;
pub mod terminal;
pub mod text;
pub mod view;
