//! Servers, calls and agent as one pure machine: `command` and `handle` in, effects out.
//!
//! No clock, environment, file or task: time is an argument, effects are data. The driver carries them out; every front end
//! (terminal or headless) works on the same [`Host`].

mod agent;
mod approval;
pub mod arguments;
mod asks;
mod attach;
pub mod audit;
mod book;
pub mod call;
mod calls;
pub mod command;
mod compact;
pub mod context;
mod dispatch;
pub mod effect;
mod errands;
pub mod event;
pub mod fix;
pub mod form;
pub mod keep;
pub mod lab;
mod linting;
mod log;
mod machine;
mod offer;
mod offline;
pub mod outcome;
mod own_tools;
mod pins;
pub mod preview;
pub mod question;
pub mod recorded;
pub mod server;
mod servers;
pub mod session;
mod sign_in;
mod state;
pub mod step;
pub mod trail;
pub mod unknown;

pub use asks::Answers;
pub use audit::{AuditEnd, AuditFrame, AuditRecord};
pub use call::{CallEnd, CallState, Origin, ProgressMessage, Ruler, Ruling, ToolCall};
pub use command::Command;
pub use compact::Compacting;
pub use effect::Effect;
pub use event::{HostEvent, ModelLabel, SignInEvent};
pub use keep::{Keep, KeptLists};
pub use lab::LabCommand;
pub use pins::{Flags, Held};
pub use preview::Preview;
pub use question::{About, Answer, Question};
pub use server::{CacheUse, LastEnd, ListState, Load, LogLine, ProcessUse, Server, Undeclared};
pub use session::{Saving, SessionCommand, SessionEvent, SessionWish};
pub use state::{
    ErrandState, Host, ModelState, RememberedEra, Root, SamplingState, Settings, SignInState,
};
pub use step::Step;

pub use crate::agent::turn::{StopReason, TurnState};
