//! The model: one request and one stream of events, whichever adapter is behind.
//!
//! Pure: `request`, `event`, `error`, `call_id`, `assemble` with its helpers `merge`, `think` and `fallback`, `script`, `recorded`, `listing`.
//! Impure: `openai` (the only door to `async_openai`), `http`, `detect`, `scripted` (a clock).

pub mod assemble;
pub mod call_id;
pub mod detect;
pub mod error;
pub mod event;
pub mod fallback;
mod http;
pub mod listing;
pub mod merge;
pub mod openai;
pub mod recorded;
pub mod request;
pub mod script;
pub mod scripted;
pub mod think;

pub use call_id::CallIds;
pub use error::{ModelError, ModelErrorKind};
pub use event::{Completion, Finish, ModelEvent, Usage};
pub use request::{Message, ModelCall, ModelRequest, ToolOffer, Wishes};
pub use script::{Script, ScriptError};
