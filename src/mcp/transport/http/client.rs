//! One HTTP exchange up to the head of its answer: tokens, redirects, waits, and the tap on each step.
//!
//! A request goes out again only when the answer proves that it has not run. No header ever goes to another origin.

use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    USER_AGENT, WWW_AUTHENTICATE,
};
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use url::Url;

use super::again::{Again, retry_after};
use super::cause::{self, Refused, Trouble};
use super::shared::{Exchange, Shared, exchange_of, listed, method_of};
use crate::config::{HttpLaunch, Secret};
use crate::ids::Seq;
use crate::mcp::auth::Verdict;
use crate::mcp::transport::{Inbound, Outgoing};
use crate::mcp::wire::record::{Carried, Direction, Headers, WireKind, classify_value};
use crate::mcp::wire::redact::MASK;
use crate::mcp::wire::secrets::masked_url;

/// How long a connection to the host may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept: less than the five seconds after which many servers close it, because a request that
/// meets the close is lost.
const KEPT_IDLE: Duration = Duration::from_secs(4);
/// After how much silence the network is asked whether the other side is still there; a laptop that slept must notice.
const ALIVE: Duration = Duration::from_secs(30);
/// What a POST may be answered with.
const BOTH: &str = "application/json, text/event-stream";
/// The most redirects in a row.
const MOST_REDIRECTS: usize = 5;
/// How much of the body of a refusal is read, and how long.
const REFUSAL: (usize, Duration) = (1024 * 1024, Duration::from_secs(5));
/// How much of a body that nobody needs is read, and how long.
const DRAIN: (usize, Duration) = (64 * 1024, Duration::from_millis(500));

/// An exchange to be made.
pub struct Request<'a> {
    /// The HTTP method.
    pub verb: Method,
    /// Where to.
    pub url: Url,
    /// Its headers beside those that every request has.
    pub headers: HeaderMap,
    /// What a POST carries.
    pub message: Option<&'a Outgoing>,
}

/// A client with the configured headers. It follows no redirect by itself, and asks for a server on this machine without a proxy.
pub fn http_client(launch: &HttpLaunch, url: &Url) -> Result<reqwest::Client, String> {
    let mut headers = HeaderMap::new();
    let name = concat!("mcpdeck/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(name));
    for (name, value) in &launch.headers {
        let bad = |what: &str| format!("the header `{name}` has {what}");
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("no valid name"))?;
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| bad("a value that is not allowed"))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    let mut builder = reqwest::Client::builder();
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder
        .default_headers(headers)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(KEPT_IDLE)
        .tcp_keepalive(ALIVE)
        .tcp_keepalive_interval(ALIVE / 3)
        .tcp_keepalive_retries(3)
        .retry(reqwest::retry::never())
        .referer(false)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| format!("no HTTP client could be made: {error}"))
}

/// The configured headers as the tap may know them: each value may be a key.
pub fn configured(launch: &HttpLaunch) -> Headers {
    let one = |name: &String| (name.to_ascii_lowercase(), MASK.to_owned());
    launch.headers.keys().map(one).collect()
}

/// Whether the configuration says by a header who we are.
pub fn has_credentials(launch: &HttpLaunch) -> bool {
    let mut names = launch.headers.keys();
    names.any(|name| name.eq_ignore_ascii_case(AUTHORIZATION.as_str()))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Shared {
    /// Makes an exchange. What comes back is any answer that is neither a redirect, a wait nor a refused token.
    pub(super) async fn exchange(&self, request: &Request<'_>) -> Result<Response, Trouble> {
        let body = request.message.map(|outgoing| Bytes::from(outgoing.text()));
        let mut again = Again::default();
        loop {
            let token = match &self.authorizer {
                Some(authorizer) => authorizer.token().await,
                None => None,
            };
            if let Some(token) = &token {
                self.tap.learn(token.expose());
            }
            if request.message.is_some_and(|it| !it.gate.pass()) {
                return Err(Trouble::HeldBack);
            }
            let response = self.follow(request, body.as_ref(), token.as_ref()).await?;
            let wait = match response.status().as_u16() {
                status @ (401 | 403) => {
                    self.refused_token(status, &response, token.as_ref(), &mut again)
                        .await?;
                    Duration::ZERO
                }
                429 | 503 => {
                    let wait = wait_of(&response);
                    match wait.filter(|wait| proves_unrun(request, &response) && again.after(*wait))
                    {
                        Some(wait) => wait,
                        None => return Ok(response),
                    }
                }
                _ => return Ok(response),
            };
            if request.message.is_some_and(|it| !it.gate.not_yet()) {
                return Err(Trouble::HeldBack);
            }
            drop(response);
            sleep(wait).await;
        }
    }

    /// The server refused who we are: comes back when there is something else to try.
    async fn refused_token(
        &self,
        status: u16,
        response: &Response,
        sent: Option<&Secret>,
        again: &mut Again,
    ) -> Result<(), Trouble> {
        let Some(authorizer) = &self.authorizer else {
            return Err(Trouble::SignIn { status, why: None });
        };
        let challenges = response.headers().get_all(WWW_AUTHENTICATE);
        let challenges: Vec<&str> = challenges.iter().filter_map(|c| c.to_str().ok()).collect();
        let challenge = (!challenges.is_empty()).then(|| challenges.join(", "));
        match authorizer.refused(status, challenge.as_deref(), sent).await {
            Verdict::Retry if again.with_new_token() => Ok(()),
            Verdict::Retry => Err(Trouble::SignIn {
                status,
                why: Some(format!(
                    "the server refuses each new token that it gave (HTTP {status})"
                )),
            }),
            // In it may be words of the server, and in them what it was sent.
            Verdict::Later { why } => Err(Trouble::NotRenewed(self.tap.redacted(&why))),
            Verdict::SignIn { why } => Err(Trouble::SignIn {
                status,
                why: Some(self.tap.redacted(&why)),
            }),
        }
    }

    /// Sends a request and follows redirects that keep method and origin.
    async fn follow(
        &self,
        request: &Request<'_>,
        body: Option<&Bytes>,
        token: Option<&Secret>,
    ) -> Result<Response, Trouble> {
        let mut url = request.url.clone();
        for _ in 0..MOST_REDIRECTS {
            let mut headers = request.headers.clone();
            if body.is_some() {
                headers.insert(ACCEPT, HeaderValue::from_static(BOTH));
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            let exchange = self.leaves(request, &url, &headers, token.is_some()).await;
            let mut sending = self
                .http
                .request(request.verb.clone(), url.clone())
                .headers(headers);
            if let Some(body) = body {
                sending = sending.body(body.clone());
            }
            if let Some(token) = token {
                sending = sending.bearer_auth(token.expose());
            }
            let answer = match self.refused_by_lab(request).await {
                Some(refusal) => Ok(refusal),
                None => sending.send().await,
            };
            self.answered(&request.verb, exchange, &answer).await;
            let mut response = answer.map_err(Trouble::Network)?;
            response.extensions_mut().insert(Exchange(exchange));
            match same_origin_target(&url, &response) {
                Some(target) => url = target,
                None => return Ok(response),
            }
        }
        let body = "it redirects in a circle".to_owned();
        Err(Trouble::Status(Box::new(Refused {
            status: 308,
            body,
            ..Refused::default()
        })))
    }

    /// The tap and the connection see a request leave.
    async fn leaves(
        &self,
        request: &Request<'_>,
        url: &Url,
        headers: &HeaderMap,
        signed: bool,
    ) -> Seq {
        let mut headers = listed(headers);
        if signed {
            headers.push((AUTHORIZATION.to_string(), "Bearer ***".to_owned()));
        }
        headers.extend(self.configured.iter().cloned());
        let carried = Carried::Request {
            method: request.verb.to_string(),
            url: url.to_string(),
            headers,
        };
        let Some(outgoing) = request.message else {
            let last = request.headers.get("last-event-id");
            let last = last.and_then(|id| id.to_str().ok());
            let text = match last {
                Some(id) => format!("{}, Last-Event-ID: {id}", request.verb),
                None => request.verb.to_string(),
            };
            return self.http_record(Direction::Out, &text, carried).await;
        };
        let message = &outgoing.message;
        let text = outgoing.text();
        let kind = classify_value(message);
        let exchange = self
            .tap
            .carried(Direction::Out, kind, text.len(), &text, Some(carried))
            .await;
        self.faults.sent(message);
        let id = method_of(message).and_then(|_| message.get("id")?.as_i64());
        if let Some(id) = id.filter(|_| outgoing.raw.is_none()) {
            self.report(Inbound::Sent(id)).await;
        }
        exchange
    }

    async fn answered(
        &self,
        verb: &Method,
        request: Seq,
        answer: &Result<Response, reqwest::Error>,
    ) {
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                let text = format!("{verb}: {}", cause::causes(error));
                let body = Carried::Body { request };
                self.http_record(Direction::In, &text, body).await;
                return;
            }
        };
        let status = response.status().as_u16();
        let mut text = format!("{verb}: HTTP {status}");
        for name in [CONTENT_TYPE, WWW_AUTHENTICATE, RETRY_AFTER, LOCATION] {
            for value in response.headers().get_all(&name) {
                let value = String::from_utf8_lossy(value.as_bytes());
                let value = match name == LOCATION {
                    true => masked_url(&value),
                    false => value.into_owned(),
                };
                text.push_str(&format!(", {name}: {value}"));
            }
        }
        let carried = Carried::Response {
            request,
            status,
            headers: listed(response.headers()),
        };
        self.http_record(Direction::In, &text, carried).await;
    }

    async fn http_record(&self, direction: Direction, text: &str, carried: Carried) -> Seq {
        let kind = WireKind::Http {
            status: carried.status(),
        };
        self.tap
            .carried(direction, kind, 0, text, Some(carried))
            .await
    }

    /// A refusal with the beginning of its body, which the tap sees too.
    pub(super) async fn refusal(&self, response: Response) -> Refused {
        let status = response.status().as_u16();
        let wait = wait_of(&response);
        let place = target(response.url(), &response).filter(|_| (300..400).contains(&status));
        let request = exchange_of(&response);
        let body = body_of(response, REFUSAL.0);
        let body = match timeout(REFUSAL.1, body).await {
            Ok(Ok(body) | Err(BodyTrouble::TooLong(body))) => body,
            Ok(Err(BodyTrouble::Network(_))) | Err(_) => Vec::new(),
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        let value = serde_json::from_str::<Value>(&body).ok();
        if !body.trim().is_empty() {
            let kind = value.as_ref().map_or(WireKind::NotJson, classify_value);
            let carried = Some(Carried::Body { request });
            self.tap
                .carried(Direction::In, kind, body.len(), &body, carried)
                .await;
        }
        Refused {
            status,
            error: value.filter(|value| matches!(classify_value(value), WireKind::Error { .. })),
            body: self.tap.redacted(&body),
            wait,
            place: place.map(|place| masked_url(place.as_str())),
        }
    }
}

/// Whether the answer proves that the request has not run, or it would not matter: 429 turns away for the number of requests; 503
/// may come from a proxy whose server died over the request.
fn proves_unrun(request: &Request<'_>, response: &Response) -> bool {
    let reads = |method: &str| {
        method.ends_with("/list")
            || matches!(
                method,
                "initialize" | "server/discover" | "ping" | "resources/read"
            )
    };
    let method = request.message.map(|outgoing| method_of(&outgoing.message));
    response.status() == 429
        || match method {
            Some(method) => method.is_some_and(reads),
            None => request.verb == Method::GET,
        }
}

fn wait_of(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    retry_after(value, Utc::now())
}

fn target(from: &Url, response: &Response) -> Option<Url> {
    let place = response.headers().get(LOCATION)?.to_str().ok()?;
    from.join(place).ok()
}

fn same_origin_target(from: &Url, response: &Response) -> Option<Url> {
    let keeps_method = matches!(response.status().as_u16(), 307 | 308);
    let target = target(from, response).filter(|_| keeps_method)?;
    (target.origin() == from.origin()).then_some(target)
}

/// Why a body could not be read whole.
pub enum BodyTrouble {
    /// It is longer than the limit; this is its beginning.
    TooLong(Vec<u8>),
    /// The connection broke.
    Network(reqwest::Error),
}

/// Reads what nobody needs, so that the connection can be used again; one that does not end soon is closed.
pub async fn drain(response: Response) {
    let _closed_if_not = timeout(DRAIN.1, body_of(response, DRAIN.0)).await;
}

/// A body of at most so many bytes.
pub async fn body_of(mut response: Response, most: usize) -> Result<Vec<u8>, BodyTrouble> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(BodyTrouble::Network)? {
        if body.len() + bytes.len() > most {
            return Err(BodyTrouble::TooLong(body));
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}
