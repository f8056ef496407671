//! What is kept of a sign-in: tokens, and the client that they were given to. One record for one server and its issuer.
//!
//! Its `Debug` shows no secret. Written and read by `store` alone, as JSON.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A token that ends within this many seconds is taken for one that has ended: a request takes time.
const SOON: u64 = 30;

/// What is kept for one server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The server's URL. A record is of no use for any other.
    pub server: String,
    /// The authorization server that gave it out. Nothing in here is ever sent to another.
    pub issuer: String,
    /// Who we are there.
    pub client: Client,
    /// The token; absent after a refresh that was refused.
    pub access_token: Option<String>,
    /// What gets the next one.
    pub refresh_token: Option<String>,
    /// When the token ends, in seconds since 1970.
    pub expires_at: Option<u64>,
    /// What it is good for.
    pub scopes: Vec<String>,
}

/// Who we are at an authorization server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Our id.
    pub id: String,
    /// Our secret, where one was given out.
    pub secret: Option<String>,
    /// The redirect URI that it was registered with; absent when it was not registered by us.
    pub redirect: Option<String>,
}

impl Record {
    /// A record of what a token endpoint has answered, as JSON. `scopes` are those that it has granted.
    pub fn of(
        server: &str,
        issuer: &str,
        client: Client,
        answer: &Value,
        scopes: Vec<String>,
    ) -> Self {
        let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
        let lasts = answer.get("expires_in").and_then(Value::as_u64);
        Self {
            server: server.to_owned(),
            issuer: issuer.to_owned(),
            client,
            access_token: text("access_token"),
            refresh_token: text("refresh_token"),
            expires_at: lasts.map(|lasts| now().saturating_add(lasts)),
            scopes,
        }
    }

    /// Whether its token can be sent.
    pub fn is_fresh(&self) -> bool {
        let ends = |at: u64| at <= now().saturating_add(SOON);
        self.access_token.is_some() && !self.expires_at.is_some_and(ends)
    }

    /// The answer of a token endpoint that would have led to this record.
    pub fn answer(&self) -> Value {
        json!({
            "access_token": self.access_token.as_deref().unwrap_or_default(),
            "token_type": "bearer",
            "refresh_token": self.refresh_token,
        })
    }

    /// The record without its tokens: who we are stays.
    #[must_use]
    pub fn without_tokens(&self) -> Self {
        Self {
            access_token: None,
            refresh_token: None,
            expires_at: None,
            ..self.clone()
        }
    }

    /// Everything in it that must not be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        [&self.access_token, &self.refresh_token, &self.client.secret]
            .into_iter()
            .filter_map(Option::as_deref)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("server", &self.server)
            .field("issuer", &self.issuer)
            .field("client", &self.client)
            .field("expires_at", &self.expires_at)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
