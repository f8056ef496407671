//! The saved session: what of a conversation is kept, how it is read again, and how one goes on with it.
//!
//! Pure. `keep` makes lines of what became final in the transcript and the calls; the driver's `sessions` writes them and reads
//! them back; `read` and `record` put them together; `resume` makes them the conversation again. What is written is never
//! changed: a file only grows.

mod bound;
mod export;
mod keep;
pub mod line;
pub mod read;
pub mod record;
mod resume;
mod state;
pub mod summary;

pub use bound::MOST;
pub(super) use keep::Keeper;
pub use line::{CallLine, FORMAT, Header, Line, Stage, StepLine, Written};
pub use read::Reading;
pub use record::{Record, name};
pub use resume::SessionCommand;
pub use state::{Saving, SessionEvent, SessionState, SessionWish, SessionWrite, Shelf, Summary};
