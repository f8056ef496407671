//! Who we are to a server at a URL that wants a sign-in: tokens, and what follows from a refusal.
//!
//! The HTTP transports ask it for a token before each request and tell it of each refusal. It never shows anything to anybody and
//! never sends a token to another origin than the server's own.

use crate::config::Secret;

/// The credentials for one server. Cheap to clone; all clones share what is known.
#[derive(Debug, Clone, Default)]
pub struct Authorizer {}

/// What follows from a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is a new token: the request, which was refused and so has not run, can be sent again.
    Retry,
    /// A person has to sign in first.
    SignIn {
        /// Why, as a sentence.
        why: String,
    },
}

impl Authorizer {
    /// The token to send, refreshed where that is due; none when there is none, and then the request goes out without one.
    pub async fn token(&self) -> Option<Secret> {
        None
    }

    /// The server has refused a request with 401 or 403 and this `WWW-Authenticate`. `sent` is the token that it refused.
    pub async fn refused(
        &self,
        status: u16,
        challenge: Option<&str>,
        sent: Option<&Secret>,
    ) -> Verdict {
        let _not_used_yet = (challenge, sent);
        Verdict::SignIn {
            why: format!("the server wants a sign-in (HTTP {status})"),
        }
    }
}
