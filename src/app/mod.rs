//! The state of the terminal program and how it changes: keys become intents, intents change state or become host commands.
//!
//! Pure: no terminal, no clock. `terminal` feeds it events and carries out its effects; `view` draws it.

pub mod asker;
pub mod browse;
pub mod composer;
pub mod dialog;
pub mod effect;
pub mod event;
pub mod fields;
pub mod form;
mod fuzzy;
pub mod inspector;
pub mod intent;
pub mod key;
pub mod keymap;
pub mod mention;
mod notice;
pub mod palette;
pub mod picture;
mod reach;
pub mod recorded;
pub mod replay;
pub mod slash;
pub mod state;
pub mod suggest;
pub mod template;
mod undo;
mod update;
pub mod viewport;

pub use browse::Shelf;
pub use effect::{AppEffect, Save};
pub use event::{AppEvent, Mouse, MouseKind};
pub use inspector::{InspectTab, Inspector};
pub use intent::{
    Choice, Inspecting, Intent, Keeping, Move, Reaching, SessionKey, SignKey, TrustKey,
};
pub use key::{Code, Key};
pub use keymap::Context;
pub use state::{
    Anchor, App, AskPane, CallsPane, ChatPane, Detail, Focus, Here, Measured, Opening, Overlay,
    Pane, Reach, ServersPane, Spot, Toast,
};
