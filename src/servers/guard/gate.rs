//! The door of the HTTP side: from a request's headers to the caller, or to the answer that turns it away.
//!
//! What is told to a stranger says only what kind of thing is wrong; the detail goes to the audit. What the answers follow, in MCP's
//! basic/authorization of 2025-11-25 and 2026-07-28:
//!
//! - 401 with `resource_metadata`, and `error="invalid_token"` when there was a token: "Protected Resource Metadata Discovery
//!   Requirements", "Error Handling", "Token Handling"; no error code without a token: RFC 6750, 3.1. It names no scope: the body is
//!   not read before the token is known, so what is wanted is not known; a client then asks for `scopes_supported`.
//! - 403 with `error="insufficient_scope"`, the scope that this call needs and nothing else, and `resource_metadata`: "Runtime
//!   Insufficient Scope Errors".
//! - The metadata: RFC 9728, 2; MCP asks for at least one authorization server: the issuer if it is an https URL, or those given.
//! - 429 with `Retry-After`: RFC 6585, 4.

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::servers::guard::limits::seconds;
use crate::servers::guard::token::claims::is_scope;
use crate::servers::guard::token::{self, Fault};
use crate::servers::guard::{Caller, Guard, Tokens};

/// The scopes that a client may ask for; a single tool's is told when it is missing.
const SCOPES: [&str; 3] = ["tool:*", "resources", "prompts"];

/// What a request wants, as far as the door must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need<'a> {
    /// Any valid token will do: a handshake, a list, a ping.
    Token,
    /// A call of the named tool.
    Tool(&'a str),
    /// To read a resource.
    Resources,
    /// To get a prompt.
    Prompts,
}

impl<'a> Need<'a> {
    /// What a JSON-RPC method with `params.name` needs.
    pub fn of(method: &str, name: Option<&'a str>) -> Self {
        match method {
            "tools/call" => Self::Tool(name.unwrap_or_default()),
            "resources/read" | "resources/subscribe" => Self::Resources,
            "prompts/get" => Self::Prompts,
            _ => Self::Token,
        }
    }
}

/// The answer that turns a request away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// 401, 403, 429, or 503 when tokens cannot be checked.
    pub status: StatusCode,
    /// `WWW-Authenticate` or `Retry-After`.
    pub headers: Box<HeaderMap>,
    /// A sentence without details.
    pub message: String,
}

/// The door.
#[derive(Debug)]
pub struct Gate {
    guard: Arc<Guard>,
    metadata_url: String,
}

/// Why a token does not let its bearer in.
enum Stop {
    /// The token is not good.
    Token(Fault),
    /// It was good once. Whose it is stands in the record.
    Revoked(Caller),
    /// What it must be held against cannot be had.
    Unready(String),
}

impl Gate {
    /// A door before `guard`, whose protected-resource metadata is at `metadata_url`.
    pub fn new(guard: Arc<Guard>, metadata_url: impl Into<String>) -> Self {
        Self {
            guard,
            metadata_url: metadata_url.into(),
        }
    }

    /// Whether a token is asked for; if not, everybody is `Caller::local`.
    pub fn asks_for_tokens(&self) -> bool {
        self.guard.asks_for_tokens()
    }

    /// Who calls: the one look at the token that a request gets.
    ///
    /// # Errors
    /// The token is missing or not good, or cannot be checked; the denial is the answer.
    pub async fn identify(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Denial> {
        let Some(tokens) = &self.guard.tokens else {
            return Ok(Caller::local());
        };
        let known = known(tokens, headers, SystemTime::now()).await;
        known.map(Arc::new).map_err(|stop| self.turn_away(stop))
    }

    /// The caller with what it wants counted, if it may.
    ///
    /// # Errors
    /// It may not, or too often; the denial is the answer.
    pub fn permit(&self, caller: Arc<Caller>, need: Need<'_>) -> Result<Arc<Caller>, Denial> {
        let Some(scope) = need.scope() else {
            return Ok(caller);
        };
        if !need.permitted(&caller) {
            self.guard.denied(&caller, need.name(), "scope");
            return Err(self.insufficient(&scope));
        }
        let name = need.name().unwrap_or_default();
        if let Err(wait) = self.guard.limits.count(&caller.subject, name) {
            self.guard.denied(&caller, need.name(), "rate");
            return Err(too_many(seconds(wait)));
        }
        Ok(Arc::new(caller.as_ref().clone().with_ticket(name)))
    }

    /// The protected-resource metadata (RFC 9728) of the server at `resource_url`; served to everybody.
    pub fn metadata(&self, resource_url: &str) -> Value {
        let servers = self.guard.tokens.as_ref().map(|t| t.servers.as_slice());
        json!({
            "resource": resource_url,
            "authorization_servers": servers.unwrap_or_default(),
            "bearer_methods_supported": ["header"],
            "scopes_supported": SCOPES,
        })
    }

    fn turn_away(&self, stop: Stop) -> Denial {
        let (status, message, challenge) = match &stop {
            Stop::Token(Fault::Missing) => {
                (StatusCode::UNAUTHORIZED, "a token is needed", Some(""))
            }
            Stop::Token(_) | Stop::Revoked(_) => (
                StatusCode::UNAUTHORIZED,
                "the token is not valid",
                Some("error=\"invalid_token\", "),
            ),
            Stop::Unready(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "tokens cannot be checked right now",
                None,
            ),
        };
        let (bearer, detail) = match stop {
            Stop::Token(fault) => (None, format!("token: {fault}")),
            Stop::Revoked(caller) => (Some(caller), format!("token: {}", Fault::Revoked)),
            Stop::Unready(why) => (None, format!("token: {why}")),
        };
        let bearer = bearer.as_ref();
        self.guard.record_denial(bearer, None, &detail);
        let mut headers = HeaderMap::new();
        if let Some(error) = challenge {
            let url = quoted(&self.metadata_url);
            let text = format!("Bearer {error}resource_metadata=\"{url}\"");
            put(&mut headers, header::WWW_AUTHENTICATE, &text);
        }
        Denial {
            status,
            headers: Box::new(headers),
            message: message.to_owned(),
        }
    }

    fn insufficient(&self, scope: &str) -> Denial {
        let url = quoted(&self.metadata_url);
        let text = format!(
            "Bearer error=\"insufficient_scope\", scope=\"{scope}\", resource_metadata=\"{url}\""
        );
        let mut headers = HeaderMap::new();
        put(&mut headers, header::WWW_AUTHENTICATE, &text);
        Denial {
            status: StatusCode::FORBIDDEN,
            headers: Box::new(headers),
            message: format!("the token does not permit this; it needs the scope `{scope}`"),
        }
    }
}

impl Need<'_> {
    /// As limits and records name it; none for what is not a call.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Token => None,
            Self::Tool(name) => Some(name),
            Self::Resources => Some("resources/read"),
            Self::Prompts => Some("prompts/get"),
        }
    }

    /// The scope that permits it; a name that can be none in a scope gets the general one.
    fn scope(&self) -> Option<String> {
        match self {
            Self::Token => None,
            Self::Tool(name) if is_scope(name) && name.len() <= 128 => Some(format!("tool:{name}")),
            Self::Tool(_) => Some("tool:*".to_owned()),
            Self::Resources => Some("resources".to_owned()),
            Self::Prompts => Some("prompts".to_owned()),
        }
    }

    fn permitted(&self, caller: &Caller) -> bool {
        match self {
            Self::Token => true,
            Self::Tool(name) => caller.may_call(name),
            Self::Resources => caller.may_read(),
            Self::Prompts => caller.may_prompt(),
        }
    }
}

/// Whose token this is, at the time `now`.
async fn known(tokens: &Tokens, headers: &HeaderMap, now: SystemTime) -> Result<Caller, Stop> {
    let token = bearer(headers).map_err(Stop::Token)?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_err(|_| Stop::Unready("the clock stands before 1970".to_owned()))?;
    let now = now.as_secs();
    let stale = || Stop::Unready("the keys could not be read for a day".to_owned());
    let keys = tokens.source.keys().await.ok_or_else(stale)?;
    let mut checked = token::check(token, &keys, &tokens.expected, now);
    // The issuer may have a new key; one look for that, however many tokens name keys that are not there.
    if checked == Err(Fault::UnknownKey) && tokens.source.refresh().await {
        let keys = tokens.source.keys().await.ok_or_else(stale)?;
        checked = token::check(token, &keys, &tokens.expected, now);
    }
    let claims = checked.map_err(Stop::Token)?;
    let listed = match &tokens.denied {
        Some(list) => list.holds(&claims).map_err(Stop::Unready)?,
        None => false,
    };
    let mut caller = Caller::new(claims.subject, Some(claims.scopes));
    caller.token = claims.id;
    if listed {
        return Err(Stop::Revoked(caller));
    }
    Ok(caller)
}

/// The token of a request: in one `Authorization` header, and nowhere else.
fn bearer(headers: &HeaderMap) -> Result<&str, Fault> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let value = all.next().ok_or(Fault::Missing)?;
    if all.next().is_some() {
        return Err(Fault::Authorization);
    }
    let value = value.to_str().map_err(|_| Fault::Authorization)?;
    let (scheme, token) = value.split_once(' ').ok_or(Fault::Authorization)?;
    let token = token.trim_start_matches(' ');
    let one = !token.is_empty() && !token.contains([' ', '\t', ',']);
    if !scheme.eq_ignore_ascii_case("bearer") || !one {
        return Err(Fault::Authorization);
    }
    Ok(token)
}

fn too_many(seconds: u64) -> Denial {
    let mut headers = HeaderMap::new();
    put(&mut headers, header::RETRY_AFTER, &seconds.to_string());
    Denial {
        status: StatusCode::TOO_MANY_REQUESTS,
        headers: Box::new(headers),
        message: format!("too many calls; try again in {seconds} s"),
    }
}

/// What may stand in a quoted string.
fn quoted(text: &str) -> String {
    let fits = |c: &char| (' '..='~').contains(c) && !matches!(c, '"' | '\\');
    text.chars().filter(fits).collect()
}

fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
