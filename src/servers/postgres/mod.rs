//! PostgreSQL for the servers that can stand on it: from a URL to a bounded pool of checked connections. The database server and
//! the CRM use it; what they ask the server is their own affair.
//!
//! - `address` reads the URL, the password file and the variables that libpq's users know; `tls` says what `sslmode` means.
//! - `dial` makes one connection, meters what it receives and cancels what runs on it.
//! - `pool` lends connections for one piece of work, bounded in time and ended by the client's word, and gives back clean ones.
//! - `role` looks at start whether the role can do more than it should; `words` puts the server's errors into sentences.
//!
//! Blocking from the outside: the connections live on a small runtime of their own, so that a tool is a plain function.

mod address;
mod dial;
mod passfile;
mod pool;
mod role;
mod tls;
mod words;

pub use address::Address;
pub use dial::ANSWER_LIMIT;
pub use pool::{Postgres, Trouble};
pub use role::Role;
pub use words::in_words;
