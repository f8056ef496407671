//! What an HTTP error means: in words, for the request and for the connection. Pure.

use std::error::Error;

use rmcp::transport::streamable_http_client::StreamableHttpError;

use super::HttpError;
use crate::mcp::convert::excerpt;
use crate::mcp::failure::{Failure, FailureKind};

/// What an error comes to.
pub struct Verdict {
    /// In words.
    pub failure: Failure,
    /// Whether the server may have acted on the request.
    pub may_have_left: bool,
    /// Whether the connection is of no more use.
    pub is_fatal: bool,
}

/// Judges an error of one exchange.
pub fn of(error: &HttpError) -> Verdict {
    match error {
        StreamableHttpError::Client(error) => network(error),
        StreamableHttpError::AuthRequired(_) => sign_in(401),
        StreamableHttpError::InsufficientScope(_) => sign_in(403),
        StreamableHttpError::HttpStatus(status) => status_of(status.status, ""),
        StreamableHttpError::SessionExpired => Verdict {
            may_have_left: false,
            ..fatal(Failure::new(
                FailureKind::Http,
                "the server no longer knows the session (HTTP 404)",
            ))
        },
        StreamableHttpError::UnexpectedServerResponse(words) => match status_in(words) {
            Some((status, body)) => status_of(status, body),
            None => alone(
                FailureKind::Protocol,
                format!("the server answered {words}"),
            ),
        },
        StreamableHttpError::UnexpectedContentType(kind) => {
            let kind = kind.as_deref().unwrap_or("nothing that names its type");
            let mut verdict = alone(
                FailureKind::Protocol,
                format!(
                    "the server answered with {}, which is no MCP",
                    excerpt(kind)
                ),
            );
            verdict.failure.hint = Some(
                "check that `url` is the server's MCP endpoint, often ending in /mcp".to_owned(),
            );
            verdict
        }
        StreamableHttpError::TransportChannelClosed => Verdict {
            may_have_left: true,
            ..fatal(Failure::new(
                FailureKind::Stopped,
                "the connection was closed",
            ))
        },
        other => alone(FailureKind::Protocol, other.to_string()),
    }
}

fn fatal(failure: Failure) -> Verdict {
    Verdict {
        failure,
        may_have_left: true,
        is_fatal: true,
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

/// `HTTP 404 Not Found: ...`, as the library words it.
fn status_in(words: &str) -> Option<(u16, &str)> {
    let rest = words.strip_prefix("HTTP ")?;
    let status = rest.get(..3)?.parse().ok()?;
    let body = rest.split_once(": ").map_or("", |(_, body)| body);
    Some((status, body))
}

fn status_of(status: u16, body: &str) -> Verdict {
    if matches!(status, 401 | 403) {
        return sign_in(status);
    }
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("");
    let mut message = format!("the server answered HTTP {status} {reason}");
    if !body.trim().is_empty() {
        message.push_str(&format!(": {}", excerpt(body.trim())));
    }
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
    verdict.failure.hint = hint.map(str::to_owned);
    verdict
}

fn sign_in(status: u16) -> Verdict {
    let (words, hint) = match status {
        401 => (
            "the server wants a sign-in (HTTP 401)",
            "set `bearer_token_env_var` or `env_http_headers` in the server's table; OAuth is not spoken yet",
        ),
        _ => (
            "the server refuses this account (HTTP 403)",
            "check that the token has the rights that the server asks for",
        ),
    };
    Verdict {
        may_have_left: false,
        ..fatal(Failure {
            hint: Some(hint.to_owned()),
            ..Failure::new(FailureKind::NeedsSignIn, words)
        })
    }
}

fn network(error: &reqwest::Error) -> Verdict {
    let chain = causes(error);
    let has = |word: &str| chain.to_ascii_lowercase().contains(word);
    let (message, hint) = if has("connection refused") {
        (
            "the connection was refused: nothing listens there".to_owned(),
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

/// The innermost causes, where the true one stands; the outer ones only repeat the URL.
fn causes(error: &reqwest::Error) -> String {
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
