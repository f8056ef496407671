//! Servers, calls and agent as one pure machine: `command` and `handle` in, effects out.
//!
//! No clock, environment, file or task: time is an argument, effects are data. The driver carries them out; every front end
//! (terminal or headless) works on the same [`Host`].

pub mod call;
pub mod command;
pub mod effect;
pub mod event;
pub mod question;
pub mod server;
mod state;

pub use call::{CallEnd, CallState, Origin, ToolCall};
pub use command::Command;
pub use effect::Effect;
pub use event::{HostEvent, ModelLabel};
pub use question::{Answer, Question};
pub use server::{LogLine, Server};
pub use state::{Host, ModelState, Settings, TurnState};
