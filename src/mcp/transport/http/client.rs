//! The HTTP client under the worker, with a tap on what it carries both ways.
//!
//! It keeps results as they came, because the library's types would lose what they do not know.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::common::client_side_sse::BoxedSseResponse;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::watch::{Watch, answer_alone, usable_tools};
use super::{HttpError, cause, request_id};
use crate::mcp::failure::Failure;
use crate::mcp::transport::Inbound;
use crate::mcp::wire::record::{Direction, WireKind, classify_value};
use crate::mcp::wire::tap::ConnectionTap;

/// Results that may wait for the worker to hand over their typed form; more than that are forgotten.
const RAW_KEPT: usize = 64;

/// The client that the worker uses.
#[derive(Clone)]
pub struct TappedClient {
    http: reqwest::Client,
    /// The tap of the connection.
    pub tap: ConnectionTap,
    reports: mpsc::Sender<Inbound>,
    settle: Arc<watch::Sender<bool>>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    raw: HashMap<String, Value>,
    trouble: Option<Failure>,
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

    /// What went wrong in the last exchange.
    pub fn last_trouble(&self) -> Option<Failure> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.trouble.clone()
    }

    fn trouble(&self, failure: Option<Failure>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.trouble = failure;
    }

    /// Keeps a result as it came until the worker hands over its typed form.
    pub fn keep_raw(&self, message: &Value) {
        let (Some(id), Some(result)) = (message.get("id"), message.get("result")) else {
            return;
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.raw.len() >= RAW_KEPT {
            kept.raw.clear();
        }
        kept.raw.insert(id.to_string(), result.clone());
    }

    /// Reports to the connection.
    pub async fn report(&self, inbound: Inbound) {
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
                self.trouble(None);
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
                let text = format!("{what}: {}", failure.message);
                self.trouble(Some(failure));
                self.exchange(Direction::In, status, &text).await;
            }
        }
    }

    /// Records an answer that came whole, and gives it as the worker can use it.
    async fn body(&self, message: ServerJsonRpcMessage) -> ServerJsonRpcMessage {
        let Ok(value) = serde_json::to_value(&message) else {
            return message;
        };
        let text = value.to_string();
        let kind = classify_value(&value);
        self.tap
            .record(Direction::In, kind, text.len(), &text)
            .await;
        self.keep_raw(&value);
        let usable = usable_tools(&value).and_then(|value| serde_json::from_value(value).ok());
        usable.unwrap_or(message)
    }

    /// Records how a POST was answered; gives the answer for the worker and whether it began a session.
    async fn seen(
        &self,
        response: Result<StreamableHttpPostResponse, HttpError>,
        id: Option<i64>,
    ) -> (Result<StreamableHttpPostResponse, HttpError>, bool) {
        match response {
            Ok(StreamableHttpPostResponse::Json(message, session)) => {
                self.answered("POST", Ok(200)).await;
                let has_session = session.is_some();
                let message = self.body(message).await;
                let response = StreamableHttpPostResponse::Json(message, session);
                (Ok(response), has_session)
            }
            Ok(StreamableHttpPostResponse::Sse(stream, session)) => {
                self.answered("POST", Ok(200)).await;
                let has_session = session.is_some();
                let response = StreamableHttpPostResponse::Sse(self.watched(stream, id), session);
                (Ok(response), has_session)
            }
            Ok(accepted) => {
                self.answered("POST", Ok(202)).await;
                (Ok(accepted), false)
            }
            Err(error) => {
                self.answered("POST", Err(&error)).await;
                (Err(error), false)
            }
        }
    }

    /// A stream whose events pass the tap. `answers` is the request that it must answer.
    fn watched(&self, stream: BoxedSseResponse, answers: Option<i64>) -> BoxedSseResponse {
        Watch::new(self.clone(), answers).over_stream(stream)
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
        let is = |method: &str| value.get("method").is_some_and(|asked| asked == method);
        let (is_initialize, is_list) = (is("initialize"), is("tools/list"));
        let response = self
            .http
            .post_message_with_max_sse_event_size(uri, message, session_id, auth, headers, most)
            .await;
        let (response, session) = self.seen(response, id).await;
        if is_initialize && !session {
            // Without a session there is no stream to wait for.
            let _nobody_waits = self.settle.send(true);
        }
        match response {
            Ok(StreamableHttpPostResponse::Sse(stream, session)) if is_list => {
                answer_alone(stream, session, self).await
            }
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
