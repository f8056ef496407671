//! The keys that verify tokens: read from a file or a key set, checked once, chosen by `kid`.
//!
//! `set` and `jwk` are pure; `source` reads files and keeps a key set fresh, `fetch` asks a URL. A key that is too weak for its
//! algorithm, or could be taken for another kind of key, is refused when it is read and not when a token comes: RSA below 2048 bits,
//! a secret below 256 bits or in PEM, a set with two keys of one `kid`, with private keys, or with secrets beside public keys.
//!
//! A set comes from a file, by https, or by http from loopback; no redirects, 10 s, 256 KiB. It is read again at an unknown `kid` and
//! every 10 minutes, at most twice a minute; one that could not be read for a day is not trusted any more.

mod fetch;
mod jwk;
mod set;
mod source;

pub use set::{KeySet, secret};
pub use source::Source;
