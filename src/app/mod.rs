//! The state of the terminal program and how it changes: keys become intents, intents change state or become host commands.
//!
//! Pure: no terminal, no clock. `terminal` feeds it events and carries out its effects; `view` draws it.

pub mod composer;
pub mod palette;
pub mod state;

pub use state::{
    Anchor, App, AskPane, CallsPane, ChatPane, Detail, Focus, Measured, Overlay, Pane, ServersPane,
    Toast,
};
