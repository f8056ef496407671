//! Whose each session is: its id alone opens it to nobody, since ids pass through logs and proxies that tokens do not.
//!
//! Asked by `gate` where sessions are kept. A session of somebody else is answered like one that is not there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, StatusCode};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

use crate::servers::http::answer::Refused;

/// Where a session is named, by the client and by the library.
const HEADER: &str = "mcp-session-id";

/// The subject that opened each session.
#[derive(Debug, Default)]
pub struct Owners(Mutex<HashMap<String, String>>);

impl Owners {
    /// Whether `subject` opened the session that a request names, if it names one.
    ///
    /// # Errors
    /// 400 where it names several, 404 where it is somebody else's or nobody's.
    pub fn check(&self, headers: &HeaderMap, subject: &str) -> Result<(), Refused> {
        let mut named = headers.get_all(HEADER).iter();
        let Some(session) = named.next() else {
            return Ok(());
        };
        if named.next().is_some() {
            let why = "the request has more than one `Mcp-Session-Id` header";
            return Err(Refused::new(StatusCode::BAD_REQUEST, why));
        }
        let owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = session.to_str().ok().and_then(|id| owners.get(id));
        if owner.is_some_and(|owner| owner == subject) {
            return Ok(());
        }
        let why = "there is no such session; begin a new one with `initialize`";
        Err(Refused::new(StatusCode::NOT_FOUND, why))
    }

    /// Notes the session that an answer opens for `subject`, and forgets those that are over.
    pub async fn note(&self, answer: &HeaderMap, subject: &str, sessions: &LocalSessionManager) {
        let Some(id) = answer.get(HEADER).and_then(|id| id.to_str().ok()) else {
            return;
        };
        let open = sessions.sessions.read().await;
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owners.retain(|id, _| open.contains_key(id.as_str()));
        owners.insert(id.to_owned(), subject.to_owned());
    }
}
