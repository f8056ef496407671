//! The keys that verify tokens: read from a file or a key set, checked once, chosen by `kid`.
//!
//! `set` and `jwk` are pure; `source` reads files and keeps a key set fresh, `fetch` asks a URL. A key that is too weak for its
//! algorithm, or could be taken for another kind of key, is refused when it is read and not when a token comes.

mod fetch;
mod jwk;
mod set;
mod source;

pub use set::{KeySet, secret};
pub use source::Source;
