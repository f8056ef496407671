//! What the exchanges of one link share: the session, the revision, the tools that want headers, and the way to the connection.
//!
//! Understands messages as far as the transport must (which request is answered), and hands them on as they came.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use url::Url;

use super::cause;
use super::headers::{self, Tools};
use crate::config::TransportChoice;
use crate::ids::Seq;
use crate::mcp::auth::Authorizer;
use crate::mcp::transport::meddler::Meddler;
use crate::mcp::transport::stdio::id_of;
use crate::mcp::transport::{IN_PLACE, Inbound, send_heavy};
use crate::mcp::weight;
use crate::mcp::wire::record::{Carried, Direction, Headers, WireKind, classify_value};
use crate::mcp::wire::redact::MASK;
use crate::mcp::wire::tap::ConnectionTap;

/// The header of a session.
pub(super) const SESSION: &str = "mcp-session-id";

/// What the exchanges of one link share.
pub struct Shared {
    /// The client with the configured headers.
    pub http: reqwest::Client,
    /// The server's URL.
    pub url: Url,
    /// Which transport the configuration asks for.
    pub choice: TransportChoice,
    /// Who we are; nobody when the configuration says it by a header.
    pub authorizer: Option<Authorizer>,
    /// The configured headers, for the tap: names without values.
    pub configured: Headers,
    /// Sees everything that passes.
    pub tap: ConnectionTap,
    /// The faults of the lab.
    pub faults: Meddler,
    /// The way to the connection.
    pub reports: mpsc::Sender<Inbound>,
    /// Becomes true once no request of the server can be missed.
    pub settle: watch::Sender<bool>,
    /// What has been learned.
    pub known: Mutex<Known>,
}

/// What a link learns of its server.
#[derive(Default)]
pub struct Known {
    session: Option<HeaderValue>,
    revision: Option<HeaderValue>,
    tools: Tools,
    /// `initialize` was sent over this link.
    pub has_handshake: bool,
    /// It has answered a request.
    pub lives: bool,
    /// It has given a stream for a GET, so that it knows this way.
    pub has_stream: bool,
}

/// The request that an exchange is to bring the answer to.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its id.
    pub id: i64,
    /// Its method.
    pub method: String,
}

impl Asked {
    /// What a message asks; nothing for a notification or an answer.
    pub fn of(message: &Value) -> Option<Self> {
        Some(Self {
            method: method_of(message)?.to_owned(),
            id: message.get("id")?.as_i64()?,
        })
    }
}

/// The number of the request's record, kept with its answer.
#[derive(Debug, Clone, Copy)]
pub struct Exchange(pub Seq);

/// The record of the request that this answers.
pub fn exchange_of(response: &Response) -> Seq {
    let exchange = response.extensions().get::<Exchange>();
    exchange.map_or(Seq::default(), |exchange| exchange.0)
}

/// Headers for the tap; what is marked as a secret is none of its business.
pub fn listed(headers: &HeaderMap) -> Headers {
    let one = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = match value.is_sensitive() {
            true => MASK.to_owned(),
            false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        (name.to_string(), value)
    };
    headers.iter().map(one).collect()
}

/// The method of a message.
pub fn method_of(message: &Value) -> Option<&str> {
    message.get("method")?.as_str()
}

/// What came of a text that should be a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The answer that was asked for.
    Answer,
    /// Something else, which has been handed on.
    Other,
    /// No message at all: why.
    Broken(String),
}

impl Shared {
    /// What is known, for a moment; never held while something is awaited.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports to the connection.
    pub async fn report(&self, inbound: Inbound) {
        let bytes = match &inbound {
            Inbound::Message(message) => weight::of_value(message),
            Inbound::Stray(line) | Inbound::Written { line, .. } => line.len(),
            Inbound::Unreadable { .. }
            | Inbound::Sent(_)
            | Inbound::Meddled(_)
            | Inbound::Failed { .. }
            | Inbound::Closed(_) => 0,
        };
        send_heavy(&self.reports, inbound, bytes, IN_PLACE).await;
    }

    /// No request of the server can be missed any more, or none is to be waited for.
    pub fn settled(&self) {
        self.settle.send_replace(true);
    }

    /// Whether this session has a name.
    pub fn has_session(&self) -> bool {
        self.known().session.is_some()
    }

    /// The session and revision of the era with a handshake.
    pub fn session_headers(&self) -> HeaderMap {
        let known = self.known();
        let mut all = HeaderMap::new();
        if let Some(session) = &known.session {
            all.insert(SESSION, session.clone());
        }
        if let Some(revision) = &known.revision {
            all.insert("mcp-protocol-version", revision.clone());
        }
        all
    }

    /// The headers of a message, and whether it goes into a session.
    pub fn headers_of(&self, message: &Value) -> (HeaderMap, bool) {
        if self.is_modern(message) {
            let known = self.known();
            let revision = headers::revision_of(message);
            let revision = revision.or(known.revision.as_ref().and_then(|r| r.to_str().ok()));
            return (headers::of(message, revision, &known.tools), false);
        }
        // A new session is asked for without the name of an old one.
        if method_of(message) == Some("initialize") {
            return (HeaderMap::new(), false);
        }
        (self.session_headers(), self.has_session())
    }

    /// Whether a message is of the era without a handshake: it says so itself, or belongs to a link that never had one.
    pub fn is_modern(&self, message: &Value) -> bool {
        headers::revision_of(message).is_some()
            || (method_of(message) != Some("initialize") && !self.known().has_handshake)
    }

    /// Keeps the name that a server gives the session.
    pub fn session_began(&self, response: &Response) {
        let session = response.headers().get(SESSION).cloned();
        self.known().session = session.map(|mut session| {
            session.set_sensitive(true);
            session
        });
    }

    /// Takes in a text that should be a message, or a batch of them.
    pub async fn hear(&self, text: &str, asked: Option<&Asked>, carried: Carried) -> Heard {
        if weight::is_too_much(text) {
            self.record(WireKind::NotJson, text, carried).await;
            return Heard::Broken(weight::too_much());
        }
        let value = match serde_json::from_str::<Value>(text) {
            Ok(value) => value,
            Err(error) => {
                self.record(WireKind::NotJson, text, carried).await;
                return Heard::Broken(cause::no_json("a message", &error));
            }
        };
        self.record(classify_value(&value), text, carried).await;
        match value {
            Value::Array(batch) => {
                let mut heard = Heard::Other;
                for value in batch {
                    match self.message(value, asked).await {
                        Heard::Other => {}
                        better => heard = better,
                    }
                }
                heard
            }
            value => self.single(value, text, asked).await,
        }
    }

    /// One message, past the faults of the lab.
    async fn single(&self, value: Value, text: &str, asked: Option<&Asked>) -> Heard {
        if !self.faults.is_on() {
            return self.message(value, asked).await;
        }
        match self.faults.at_answer(&value) {
            Some((plan, struck)) => self.meddled(text, value, (plan, &struck), asked).await,
            None => {
                let heard = self.message(value, asked).await;
                self.faults.passed();
                heard
            }
        }
    }

    async fn record(&self, kind: WireKind, text: &str, carried: Carried) {
        self.tap
            .carried(Direction::In, kind, text.len(), text, Some(carried))
            .await;
    }

    /// Hands one message on.
    pub async fn message(&self, mut value: Value, asked: Option<&Asked>) -> Heard {
        let kind = classify_value(&value);
        let is_answer = matches!(kind, WireKind::Response { .. } | WireKind::Error { .. });
        if kind == WireKind::NotMessage {
            let of = value.get("id").and_then(id_of);
            if of.is_some() && of == asked.map(|asked| asked.id) {
                let why = "the server sent an answer with neither `result` nor `error`";
                return Heard::Broken(why.to_owned());
            }
            self.report(Inbound::Stray(value.to_string())).await;
            return Heard::Other;
        }
        let mut heard = Heard::Other;
        if is_answer {
            self.learn(&value);
        }
        if let Some(asked) = asked.filter(|_| is_answer) {
            // A server that refuses before it reads cannot repeat the id; this exchange has one question.
            if matches!(value.get("id"), None | Some(Value::Null)) {
                value["id"] = asked.id.into();
            }
            if value.get("id").and_then(id_of) == Some(asked.id) {
                self.learn_tools(&value, asked);
                heard = Heard::Answer;
            }
        }
        self.report(Inbound::Message(value)).await;
        heard
    }

    /// What the transport itself needs of an answer: that there is one, and the revision from the first behind `initialize`.
    fn learn(&self, answer: &Value) {
        let mut known = self.known();
        known.lives = true;
        if known.has_handshake && known.revision.is_none() {
            let result = answer.get("result");
            let revision = result.and_then(|result| result.get("protocolVersion")?.as_str());
            known.revision = revision.and_then(|revision| HeaderValue::from_str(revision).ok());
        }
    }

    fn learn_tools(&self, answer: &Value, asked: &Asked) {
        if let Some(result) = answer
            .get("result")
            .filter(|_| asked.method == "tools/list")
        {
            self.known().tools.learn(result);
        }
    }

    /// Tells that a request failed alone.
    pub async fn failed(&self, asked: &Asked, may_have_left: bool, why: String) {
        let id = asked.id;
        self.report(Inbound::Failed {
            id,
            may_have_left,
            why,
        })
        .await;
    }
}
