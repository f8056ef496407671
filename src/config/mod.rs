//! `mcp.toml`: what the files, the flags and the environment say, as one resolved [`Config`].
//!
//! The way: `load` finds and reads the files (the only impure part), `file` is the TOML as people write it, `resolve` turns
//! it into plain data with every default in place. One bad server becomes a [`BrokenServer`] and stops nothing.

pub mod secret;
pub mod server;
pub mod settings;

pub use secret::Secret;
pub use server::{
    Access, ApprovePolicy, Bundled, HttpLaunch, Launch, ProtocolChoice, ServerSpec, StdioLaunch,
    TransportChoice,
};
pub use settings::{
    AllowRule, BrokenServer, Config, Limits, ModelMode, ModelSettings, Provider, ThemeChoice,
    UiSettings,
};
