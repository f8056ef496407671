//! What can go wrong with an exchange, and what it means: in words, for the request and for the connection. Pure.

use std::error::Error;
use std::time::Duration;

use serde_json::Value;

use crate::mcp::convert::excerpt;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::transport::LONGEST_MESSAGE;
use crate::text::human;

/// Why an exchange did not come to its answer.
#[derive(Debug)]
pub enum Trouble {
    /// Held back before it left: nobody waits for it.
    HeldBack,
    /// The network.
    Network(reqwest::Error),
    /// HTTP 401 or 403, and no token helps.
    SignIn {
        /// Which of the two.
        status: u16,
        /// Why, where the authorizer said; else the configured credentials were refused.
        why: Option<String>,
    },
    /// HTTP 401, and the token cannot be renewed as long as the authorization server is not there.
    NotRenewed(String),
    /// HTTP 404 to a request of a session: there is no such session any more.
    SessionOver,
    /// Another status.
    Status(Box<Refused>),
    /// An answer of a type that is no message.
    ContentType(Option<String>),
    /// An answer without a body to a request that wants one.
    NoAnswer(u16),
    /// Messages came, but not the answer.
    OtherAnswer,
    /// The answer cannot be read.
    Unreadable(String),
    /// The stream with the answer is over without it.
    NoMore(&'static str),
    /// The stream with the answer broke, and this is why it could not be resumed.
    Unresumed(Box<Trouble>),
    /// A stream of the old transport that names no endpoint.
    NoEndpoint(String),
    /// A message of the new era for the old transport.
    TooNew,
}

/// A refusal by a status.
#[derive(Debug, Default)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// The beginning of its body.
    pub body: String,
    /// The JSON-RPC error in it, where there is one.
    pub error: Option<Value>,
    /// How long the server asks to wait.
    pub wait: Option<Duration>,
    /// Where it redirects to.
    pub place: Option<String>,
}

/// What an error comes to.
pub struct Verdict {
    /// In words.
    pub failure: Failure,
    /// Whether the server may have acted on the request.
    pub may_have_left: bool,
    /// Whether the connection is of no more use.
    pub is_fatal: bool,
}

/// Judges the trouble of one exchange.
pub fn of(trouble: &Trouble) -> Verdict {
    let protocol = |message: String| alone(FailureKind::Protocol, message);
    match trouble {
        Trouble::HeldBack => Verdict {
            may_have_left: false,
            ..protocol("the request was held back".to_owned())
        },
        Trouble::Network(error) => network(error),
        Trouble::SignIn { status, why } => sign_in(*status, why.as_deref()),
        Trouble::NotRenewed(why) => not_renewed(why),
        Trouble::SessionOver => Verdict {
            may_have_left: false,
            is_fatal: true,
            ..alone(
                FailureKind::Http,
                "the server no longer knows the session (HTTP 404)".to_owned(),
            )
        },
        Trouble::Status(refused) => status_of(refused),
        Trouble::ContentType(kind) => content_type(kind.as_deref()),
        Trouble::NoAnswer(status) => protocol(format!(
            "the server took the request (HTTP {status}) and gave no answer to it"
        )),
        Trouble::OtherAnswer => protocol(
            "the server answered with a message that is no answer to the request".to_owned(),
        ),
        Trouble::Unreadable(why) => protocol(why.clone()),
        Trouble::NoMore(why) => protocol((*why).to_owned()),
        Trouble::Unresumed(inner) => unresumed(inner),
        Trouble::NoEndpoint(why) => protocol(why.clone()),
        Trouble::TooNew => Verdict {
            may_have_left: false,
            ..protocol(
                "the HTTP+SSE transport of 2024-11-05 has only the era with `initialize`"
                    .to_owned(),
            )
        },
    }
}

/// The words for an event or body that is too long.
pub fn too_long(what: &str) -> String {
    format!(
        "the server sent {what} of more than {} MiB",
        LONGEST_MESSAGE / 1024 / 1024
    )
}

/// The words for a message that is no JSON.
pub fn no_json(what: &str, error: &serde_json::Error) -> String {
    format!("the server sent {what} that is no valid JSON ({error})")
}

/// The end of the old transport's one stream.
pub fn stream_over(why: &str) -> Failure {
    Failure {
        hint: Some("look at the server's logs and at the network".to_owned()),
        ..Failure::new(
            FailureKind::Network,
            format!("the server's stream is over: {why}"),
        )
    }
}

/// A failure of one request that says nothing of the next.
fn alone(kind: FailureKind, message: String) -> Verdict {
    Verdict {
        failure: Failure::new(kind, message),
        may_have_left: true,
        is_fatal: false,
    }
}

fn content_type(kind: Option<&str>) -> Verdict {
    let kind = kind.unwrap_or("nothing that names its type");
    let words = format!(
        "the server answered with {}, which is no MCP",
        excerpt(kind)
    );
    let mut verdict = alone(FailureKind::Protocol, words);
    let hint = "check that `url` is the server's MCP endpoint, often ending in /mcp";
    verdict.failure.hint = Some(hint.to_owned());
    verdict
}

/// What came of the resuming is told; that the request itself has left is certain.
fn unresumed(inner: &Trouble) -> Verdict {
    let mut verdict = of(inner);
    verdict.may_have_left = true;
    verdict.failure.message = format!(
        "the stream broke before the answer and could not be resumed: {}",
        verdict.failure.message
    );
    verdict
}

fn status_of(refused: &Refused) -> Verdict {
    let status = refused.status;
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("");
    let mut message = format!("the server answered HTTP {status} {reason}");
    if let Some(place) = &refused.place {
        message.push_str(&format!(" to {}", excerpt(place)));
    }
    if !refused.body.trim().is_empty() {
        message.push_str(&format!(": {}", excerpt(refused.body.trim())));
    }
    let asks = refused.wait.map(|wait| {
        let wait = human::duration(wait);
        format!("the server asks to wait {wait}: try again after that")
    });
    let hint = match status {
        300..=399 => {
            Some("the server redirects to another place: put that URL into `url` if you trust it")
        }
        404 | 405 => Some("check that `url` is the server's MCP endpoint, often ending in /mcp"),
        429 => Some("the server limits requests: wait, then restart it"),
        500..=599 => Some("the fault is at the server: look at its logs, or try again later"),
        _ => None,
    };
    let mut verdict = alone(FailureKind::Http, message);
    verdict.failure.hint = asks.or(hint.map(str::to_owned));
    if let Some(wait) = refused.wait {
        let words = format!(" (it asks to wait {})", human::duration(wait));
        verdict.failure.message.push_str(&words);
    }
    // Nothing of a request that was sent elsewhere whole, or turned away for the number of requests, has run.
    verdict.may_have_left = !matches!(status, 307 | 308 | 429);
    verdict
}

fn sign_in(status: u16, why: Option<&str>) -> Verdict {
    let (words, hint) = match status {
        401 => (
            "the server wants a sign-in (HTTP 401)",
            "set `bearer_token_env_var` or `env_http_headers` in the server's table, or sign in with `mcpdeck login`",
        ),
        _ => (
            "the server refuses this account (HTTP 403)",
            "check that the account or token has the rights that the server asks for",
        ),
    };
    Verdict {
        may_have_left: false,
        is_fatal: true,
        failure: Failure {
            hint: Some(hint.to_owned()),
            ..Failure::new(FailureKind::NeedsSignIn, why.unwrap_or(words))
        },
    }
}

fn not_renewed(why: &str) -> Verdict {
    let hint = "the sign-in still holds: it is renewed once its authorization server answers again";
    let mut verdict = alone(FailureKind::Network, why.to_owned());
    verdict.failure.hint = Some(hint.to_owned());
    Verdict {
        may_have_left: false,
        is_fatal: true,
        ..verdict
    }
}

fn network(error: &reqwest::Error) -> Verdict {
    let chain = causes(error);
    let has = |word: &str| chain.to_ascii_lowercase().contains(word);
    let (message, hint) = if has("connection refused") {
        (
            format!(
                "the connection was refused: nothing listens {}",
                place(error)
            ),
            "start the server, or correct host and port in `url`",
        )
    } else if has("dns error") || has("failed to lookup address") {
        (
            "the host name could not be resolved".to_owned(),
            "correct the host in `url`, or check the network",
        )
    } else if error.is_timeout() || has("timed out") {
        (
            "the host did not answer in time".to_owned(),
            "check host and network",
        )
    } else if error.is_connect() && error.url().is_some_and(|url| url.scheme() == "https") {
        // The host was reached, so what failed is the handshake; the library has no word of its own for that.
        (
            format!("no secure connection: {chain}"),
            "check the server's certificate, and that `https:` is right",
        )
    } else {
        (
            format!("the exchange broke off: {chain}"),
            "check the server and the network",
        )
    };
    let unreached = error.is_connect();
    Verdict {
        may_have_left: !unreached,
        is_fatal: unreached,
        failure: Failure {
            hint: Some(hint.to_owned()),
            ..Failure::new(FailureKind::Network, message)
        },
    }
}

/// `at 127.0.0.1:3000`, where that is known.
fn place(error: &reqwest::Error) -> String {
    let place = |url: &reqwest::Url| {
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        Some(format!("at {host}:{port}"))
    };
    error.url().and_then(place).unwrap_or("there".to_owned())
}

/// The innermost causes, where the true one stands; the outer ones only repeat the URL.
pub fn causes(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push(cause.to_string());
        source = cause.source();
    }
    match words.is_empty() {
        true => "no further cause given".to_owned(),
        false => words.join(": "),
    }
}
