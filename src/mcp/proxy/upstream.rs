//! Clients over HTTP in front of a server at a URL: each exchange passes as it is, streams as they come.
//!
//! Impure. Method, query, headers and body go on; only what belongs to a single connection stays behind. Nothing is repeated, no
//! redirect followed. The tap sees the messages of both bodies, each event of a stream, and the exchange itself.

use std::collections::VecDeque;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode};
use url::Url;

use crate::config::HttpLaunch;
use crate::ids::Seq;
use crate::mcp::transport::LONGEST_MESSAGE;
use crate::mcp::transport::http::events::Parser;
use crate::mcp::transport::http::shared::listed;
use crate::mcp::transport::http::{cause::causes, client, usable_url};
use crate::mcp::wire::lines::head;
use crate::mcp::wire::record::{Carried, Direction, WireKind, classify};
use crate::mcp::wire::secrets::masked_url;
use crate::mcp::wire::tap::ConnectionTap;

/// What holds for one connection alone (RFC 9110, 7.6.1), and what each side says of itself.
const ONE_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authorization"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The server behind.
#[derive(Debug)]
pub struct Upstream {
    url: Url,
    http: reqwest::Client,
    tap: ConnectionTap,
}

impl Upstream {
    /// A server at a URL; its configured headers go with each request.
    ///
    /// # Errors
    /// When the URL or a header cannot be used, as a sentence.
    pub fn new(launch: &HttpLaunch, tap: ConnectionTap) -> Result<Self, String> {
        let url = usable_url(launch).map_err(|failure| failure.message)?;
        let http = client::http_client(launch, &url)?;
        Ok(Self { url, http, tap })
    }

    /// Passes one exchange on.
    pub async fn pass(
        &self,
        method: Method,
        query: Option<&str>,
        headers: HeaderMap,
        body: Bytes,
    ) -> Response {
        let url = self.with(query);
        let exchange = self.asked(&method, &url, &headers, &body).await;
        let mut passed = without_hop(headers);
        for own in [HOST, CONTENT_LENGTH, ACCEPT_ENCODING] {
            passed.remove(own);
        }
        let request = self.http.request(method.clone(), url.clone());
        let sent = request.headers(passed).body(body).send().await;
        match sent {
            Ok(response) => {
                self.answered(exchange, &response).await;
                self.answer(response, exchange)
            }
            Err(error) => {
                let why = causes(&error.without_url());
                self.failed(exchange, &why).await;
                let text = format!(
                    "mcpdeck proxy: {} cannot be reached: {why}\n",
                    masked_url(url.as_str())
                );
                plain(StatusCode::BAD_GATEWAY, text)
            }
        }
    }

    /// The URL with what the client asks for in it.
    fn with(&self, query: Option<&str>) -> Url {
        let mut url = self.url.clone();
        if let Some(query) = query {
            let query = match url.query() {
                Some(own) => format!("{own}&{query}"),
                None => query.to_owned(),
            };
            url.set_query(Some(&query));
        }
        url
    }

    /// The tap sees the request; gives the number by which its exchange is known.
    async fn asked(&self, method: &Method, url: &Url, headers: &HeaderMap, body: &Bytes) -> Seq {
        let carried = Some(Carried::Request {
            method: method.to_string(),
            url: url.to_string(),
            headers: listed(headers),
        });
        let text = String::from_utf8_lossy(body);
        let (kind, text) = match text.is_empty() {
            true => {
                let line = format!("{method} {}", masked_url(url.as_str()));
                (WireKind::Http { status: None }, line.into())
            }
            false => (classify(Direction::Out, &text), text),
        };
        let size = body.len();
        self.tap
            .carried(Direction::Out, kind, size, &text, carried)
            .await
    }

    /// The tap sees the head of the answer.
    async fn answered(&self, request: Seq, response: &reqwest::Response) {
        let status = response.status();
        let carried = Some(Carried::Response {
            request,
            status: status.as_u16(),
            headers: listed(response.headers()),
        });
        let kind = WireKind::Http {
            status: Some(status.as_u16()),
        };
        let text = status.to_string();
        self.tap
            .carried(Direction::In, kind, 0, &text, carried)
            .await;
    }

    /// The tap sees that there is no answer.
    async fn failed(&self, request: Seq, why: &str) {
        let kind = WireKind::Http { status: None };
        let carried = Some(Carried::Body { request });
        self.tap.carried(Direction::In, kind, 0, why, carried).await;
    }

    /// The answer with its body as a stream.
    fn answer(&self, response: reqwest::Response, exchange: Seq) -> Response {
        let status = response.status();
        let headers = without_hop(response.headers().clone());
        let is_stream = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"));
        let seen = match is_stream {
            true => Seen::Events(Parser::new(LONGEST_MESSAGE)),
            false => Seen::Whole(Vec::new()),
        };
        let body = Passing {
            response,
            seen: Some(seen),
            tap: self.tap.clone(),
            exchange,
        };
        let body = stream::unfold(body, |mut body| async move {
            let piece = body.next().await?;
            Some((piece, body))
        });
        let mut answer = Response::new(Body::from_stream(body));
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        answer
    }
}

/// A body on its way to the client.
struct Passing {
    response: reqwest::Response,
    /// What the tap has seen of it; nothing once it can see no more.
    seen: Option<Seen>,
    tap: ConnectionTap,
    exchange: Seq,
}

enum Seen {
    Events(Parser),
    Whole(Vec<u8>),
}

impl Passing {
    async fn next(&mut self) -> Option<Result<Bytes, reqwest::Error>> {
        match self.response.chunk().await {
            Ok(Some(bytes)) => {
                self.see(&bytes).await;
                Some(Ok(bytes))
            }
            Ok(None) => {
                if let Some(Seen::Whole(bytes)) = self.seen.take()
                    && !bytes.is_empty()
                {
                    let request = self.exchange;
                    let text = String::from_utf8_lossy(&bytes);
                    self.record(&text, Carried::Body { request }).await;
                }
                None
            }
            Err(error) => {
                self.seen = None;
                Some(Err(error))
            }
        }
    }

    async fn see(&mut self, bytes: &[u8]) {
        let mut events = VecDeque::new();
        let goes_on = match &mut self.seen {
            Some(Seen::Events(parser)) => parser.feed(bytes, &mut events).is_ok(),
            Some(Seen::Whole(whole)) => {
                whole.extend_from_slice(bytes);
                whole.len() <= LONGEST_MESSAGE
            }
            None => return,
        };
        for event in events {
            let wait = event.retry.map(|wait| wait.as_millis());
            let carried = Carried::Event {
                request: self.exchange,
                name: event.name,
                id: event.id,
                retry_ms: wait.and_then(|wait| u64::try_from(wait).ok()),
            };
            let text = event.data.unwrap_or_default();
            self.record(&text, carried).await;
        }
        if !goes_on {
            self.seen = None;
            let kind = WireKind::NotJson;
            let text = "a body or an event of more than 16 MiB passes unseen";
            self.tap
                .record(Direction::In, kind, LONGEST_MESSAGE + 1, text)
                .await;
        }
    }

    async fn record(&self, text: &str, carried: Carried) {
        let kind = match text.is_empty() {
            true => WireKind::Http { status: None },
            false => classify(Direction::In, text),
        };
        let text = head(text, LONGEST_MESSAGE);
        self.tap
            .carried(Direction::In, kind, text.len(), text, Some(carried))
            .await;
    }
}

/// The headers that go on: none that holds for this connection alone, by its nature or because `Connection` names it.
fn without_hop(mut headers: HeaderMap) -> HeaderMap {
    let named = headers.get_all(CONNECTION).iter();
    let named = named.filter_map(|value| value.to_str().ok());
    let named: Vec<String> = named
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for name in &ONE_HOP {
        headers.remove(name);
    }
    for name in named {
        headers.remove(name.as_str());
    }
    headers
}

/// An answer of our own in words.
pub fn plain(status: StatusCode, text: String) -> Response {
    let mut answer = Response::new(Body::from(text));
    *answer.status_mut() = status;
    let kind = http::HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_holds_for_one_connection_stays_behind() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("mcp-session-id", "s"),
            ("authorization", "Bearer t"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let passed = without_hop(headers);
        let mut names: Vec<&str> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "mcp-session-id"]);
    }
}
