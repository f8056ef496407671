//! The HTTP client under the worker, with a tap on what it carries both ways.
//!
//! It also notices what the library swallows: a stream event that is no message, a stream that ends without the answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{self, BoxStream, StreamExt};
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::common::client_side_sse::BoxedSseResponse;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::{HttpError, cause, request_id};
use crate::mcp::transport::Inbound;
use crate::mcp::transport::stdio::id_of;
use crate::mcp::wire::record::{Direction, WireKind, classify_value};
use crate::mcp::wire::tap::ConnectionTap;

/// Results that may wait for the worker to hand over their typed form; more than that are forgotten.
const RAW_KEPT: usize = 64;

/// The client that the worker uses.
#[derive(Clone)]
pub struct TappedClient {
    http: reqwest::Client,
    tap: ConnectionTap,
    reports: mpsc::Sender<Inbound>,
    settle: Arc<watch::Sender<bool>>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    raw: HashMap<String, Value>,
    trouble: Option<String>,
}

impl TappedClient {
    /// Wraps a client. `settle` becomes true once no request of the server can be missed any more.
    pub fn new(
        http: reqwest::Client,
        tap: ConnectionTap,
        reports: mpsc::Sender<Inbound>,
        settle: watch::Sender<bool>,
    ) -> Self {
        Self {
            http,
            tap,
            reports,
            settle: Arc::new(settle),
            kept: Arc::default(),
        }
    }

    /// The result with this id as it came over a stream; it is given once.
    pub fn raw_result(&self, id: &Value) -> Option<Value> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.raw.remove(&id.to_string())
    }

    /// The last thing that went wrong.
    pub fn last_trouble(&self) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.trouble.clone()
    }

    fn trouble(&self, why: String) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.trouble = Some(why);
    }

    fn keep_raw(&self, message: &Value) {
        let (Some(id), Some(result)) = (message.get("id"), message.get("result")) else {
            return;
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.raw.len() >= RAW_KEPT {
            kept.raw.clear();
        }
        kept.raw.insert(id.to_string(), result.clone());
    }

    async fn report(&self, inbound: Inbound) {
        let _connection_gone = self.reports.send(inbound).await;
    }

    async fn exchange(&self, direction: Direction, status: Option<u16>, text: &str) {
        let kind = WireKind::Http { status };
        self.tap.record(direction, kind, 0, text).await;
    }

    /// Records how an exchange was answered.
    async fn answered(&self, what: &str, outcome: Result<u16, &HttpError>) {
        match outcome {
            Ok(status) => {
                self.exchange(
                    Direction::In,
                    Some(status),
                    &format!("{what}: HTTP {status}"),
                )
                .await;
            }
            Err(error) => {
                let status = status_of(error);
                let failure = cause::of(error).failure;
                self.trouble(failure.message.clone());
                self.exchange(
                    Direction::In,
                    status,
                    &format!("{what}: {}", failure.message),
                )
                .await;
            }
        }
    }

    async fn body(&self, message: &ServerJsonRpcMessage) {
        if let Ok(value) = serde_json::to_value(message) {
            let text = value.to_string();
            let kind = classify_value(&value);
            self.tap
                .record(Direction::In, kind, text.len(), &text)
                .await;
        }
    }

    /// A stream whose events pass the tap. `answers` is the request that it must answer.
    fn watched(&self, stream: BoxedSseResponse, answers: Option<i64>) -> BoxedSseResponse {
        let watch = Watch {
            client: self.clone(),
            waiting: answers,
            resumable: false,
        };
        let watched: BoxStream<'static, _> =
            stream::unfold((stream, watch), |(mut stream, mut watch)| async {
                match stream.next().await {
                    Some(Ok(event)) => {
                        watch.resumable |= event.id.as_ref().is_some_and(|id| !id.is_empty());
                        if let Some(data) =
                            event.data.as_deref().filter(|data| !data.trim().is_empty())
                        {
                            watch.event(data).await;
                        }
                        Some((Ok(event), (stream, watch)))
                    }
                    Some(Err(error)) => {
                        watch
                            .over(&format!("the server's stream broke: {error}"))
                            .await;
                        Some((Err(error), (stream, watch)))
                    }
                    None => {
                        watch
                            .over("the server closed the stream without the answer")
                            .await;
                        None
                    }
                }
            })
            .boxed();
        watched
    }
}

/// What a watched stream knows.
struct Watch {
    client: TappedClient,
    waiting: Option<i64>,
    resumable: bool,
}

impl Watch {
    async fn event(&mut self, data: &str) {
        let record = |kind| {
            self.client
                .tap
                .record(Direction::In, kind, data.len(), data)
        };
        match serde_json::from_str::<Value>(data) {
            Ok(value) => {
                record(classify_value(&value)).await;
                if value.get("method").is_none() && value.get("id").is_some() {
                    self.client.keep_raw(&value);
                    if value.get("id").and_then(id_of) == self.waiting {
                        self.waiting = None;
                    }
                }
            }
            Err(error) => {
                record(WireKind::NotJson).await;
                if let Some(id) = self.waiting {
                    let why = format!("the server sent an event that is no valid JSON ({error})");
                    let id = Some(id);
                    self.client.report(Inbound::Unreadable { id, why }).await;
                }
            }
        }
    }

    /// The stream is over. Where it can be resumed the worker does that; else nobody would answer.
    async fn over(&mut self, why: &str) {
        if let Some(id) = self.waiting.take().filter(|_| !self.resumable) {
            let why = why.to_owned();
            let failed = Inbound::Failed {
                id,
                may_have_left: true,
                why,
            };
            self.client.report(failed).await;
        }
    }
}

fn status_of(error: &HttpError) -> Option<u16> {
    match error {
        StreamableHttpError::AuthRequired(_) => Some(401),
        StreamableHttpError::InsufficientScope(_) => Some(403),
        StreamableHttpError::SessionExpired => Some(404),
        StreamableHttpError::ServerDoesNotSupportSse => Some(405),
        StreamableHttpError::HttpStatus(status) => Some(status.status),
        StreamableHttpError::UnexpectedServerResponse(words) => {
            words.strip_prefix("HTTP ")?.get(..3)?.parse().ok()
        }
        StreamableHttpError::Client(error) => error.status().map(|status| status.as_u16()),
        _ => None,
    }
}

type Headers = HashMap<HeaderName, HeaderValue>;

impl StreamableHttpClient for TappedClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let most = crate::mcp::transport::LONGEST_MESSAGE;
        self.post_message_with_max_sse_event_size(uri, message, session_id, auth, headers, most)
            .await
    }

    async fn post_message_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth: Option<String>,
        headers: Headers,
        most: usize,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let value = serde_json::to_value(&message)?;
        let text = value.to_string();
        self.tap
            .record(Direction::Out, classify_value(&value), text.len(), &text)
            .await;
        let id = request_id(&value);
        if let Some(id) = id {
            self.report(Inbound::Sent(id)).await;
        }
        let is_initialize = value
            .get("method")
            .is_some_and(|method| method == "initialize");
        let response = self
            .http
            .post_message_with_max_sse_event_size(uri, message, session_id, auth, headers, most)
            .await;
        let session = match &response {
            Ok(StreamableHttpPostResponse::Json(message, session)) => {
                self.answered("POST", Ok(200)).await;
                self.body(message).await;
                session.is_some()
            }
            Ok(StreamableHttpPostResponse::Sse(_, session)) => {
                self.answered("POST", Ok(200)).await;
                session.is_some()
            }
            Ok(_) => {
                self.answered("POST", Ok(202)).await;
                false
            }
            Err(error) => {
                self.answered("POST", Err(error)).await;
                false
            }
        };
        if is_initialize && !session {
            // Without a session there is no stream to wait for.
            let _nobody_waits = self.settle.send(true);
        }
        match response {
            Ok(StreamableHttpPostResponse::Sse(stream, session)) => Ok(
                StreamableHttpPostResponse::Sse(self.watched(stream, id), session),
            ),
            other => other,
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<(), HttpError> {
        self.exchange(Direction::Out, None, "DELETE").await;
        let deleted = self
            .http
            .delete_session(uri, session_id, auth, headers)
            .await;
        self.answered("DELETE", deleted.as_ref().map(|()| 200))
            .await;
        deleted
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event: Option<String>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<BoxedSseResponse, HttpError> {
        let most = crate::mcp::transport::LONGEST_MESSAGE;
        self.get_stream_with_max_sse_event_size(uri, session_id, last_event, auth, headers, most)
            .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event: Option<String>,
        auth: Option<String>,
        headers: Headers,
        most: usize,
    ) -> Result<BoxedSseResponse, HttpError> {
        self.exchange(Direction::Out, None, "GET").await;
        let stream = self
            .http
            .get_stream_with_max_sse_event_size(uri, session_id, last_event, auth, headers, most)
            .await;
        let _nobody_waits = self.settle.send(true);
        self.answered("GET", stream.as_ref().map(|_| 200)).await;
        Ok(self.watched(stream?, None))
    }
}
