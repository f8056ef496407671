//! One MCP server as a client sees it: its lifecycle, its tools, its health and what goes over the wire.
//!
//! Pure: `tool`, `resource`, `prompt`, `listing`, `request`, `ask`, `result`, `status`, `event`, `failure`, `fault`, `lifecycle`, `catalog`, `health`, `convert`, `param_headers`, `policy`, `verdict`, `pins`, `flags`, `lint`, `start`, and of `wire`
//! `record`, `lines`, `redact` and `log`. Impure, and the only door to `rmcp` outside `servers`: `auth`, `connection`, `transport`, and of
//! `wire` `tap` and `file`; `proxy`, where another's client is in front, but for its `guard`, `ring` and `route`.

pub mod ask;
pub mod auth;
pub mod catalog;
pub mod connection;
pub mod convert;
pub mod event;
pub mod failure;
pub mod fault;
pub mod flags;
pub mod health;
pub mod lifecycle;
pub mod lint;
pub mod listing;
pub mod param_headers;
pub mod pins;
pub mod policy;
pub mod prompt;
pub mod proxy;
pub mod request;
pub mod resource;
pub mod result;
pub mod start;
pub mod status;
pub mod tool;
pub mod transport;
pub mod verdict;
pub mod weight;
pub mod wire;
