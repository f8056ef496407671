//! `mcp.toml`: what the files, the flags and the environment say, as one resolved [`Config`].
//!
//! The way: `load` finds and reads the files (the only impure part), `file` is the TOML as people write it, `resolve` turns
//! it into plain data with every default in place. `cases` reads test files in the same way. One bad server becomes a [`BrokenServer`] and stops nothing.

pub mod cases;
mod environment;
mod error;
mod expand;
pub mod file;
mod import;
mod load;
pub mod oauth;
pub mod policy;
mod reader;
pub mod resolve;
pub mod rules;
pub mod secret;
pub mod server;
pub mod settings;
pub mod trust;

pub use environment::{Environment, Flags, PASSED_ON};
pub use error::{ConfigError, Place, Problem};
pub use import::{ImportError, import};
pub use load::{Look, folder_file, load, load_explained, load_permitted, look};
pub use oauth::{Grant, IdentityProvider, KeySource, OauthSettings, SigningAlgorithm};
pub use policy::{Confinement, Enforcement, Policy};
pub use resolve::{ModelOrigin, Resolved};
pub use rules::save_allow_rule;
pub use secret::Secret;
pub use server::{
    Access, ApprovePolicy, Bundled, HttpLaunch, LOG_LEVELS, Launch, ProtocolChoice, ServerSpec,
    StdioLaunch, StoreUrl, TransportChoice,
};
pub use settings::{
    AllowRule, BrokenServer, Config, Limits, LogLevel, ModelMode, ModelSettings, Notify, Provider,
    ThemeChoice, UiSettings,
};
pub use trust::{Asks, FolderFile, News, Permitted, TrustBook};
