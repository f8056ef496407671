//! Streams of events under watch: the tap sees each event, and what the library swallows is noticed: an event that is no message, a
//! stream that ends without the answer, and one odd tool that would cost the worker all of them.

use futures::stream::{self, StreamExt};
use rmcp::model::ServerJsonRpcMessage;
use rmcp::transport::common::client_side_sse::BoxedSseResponse;
use rmcp::transport::streamable_http_client::StreamableHttpPostResponse;
use serde_json::Value;

use super::HttpError;
use super::client::TappedClient;
use crate::mcp::transport::Inbound;
use crate::mcp::transport::stdio::id_of;
use crate::mcp::wire::record::{Direction, WireKind, classify_value};

/// What a watched stream knows.
pub struct Watch {
    client: TappedClient,
    waiting: Option<i64>,
    resumable: bool,
}

impl Watch {
    /// A watch on a stream that must answer this request.
    pub fn new(client: TappedClient, waiting: Option<i64>) -> Self {
        Self {
            client,
            waiting,
            resumable: false,
        }
    }

    /// The same stream, each event seen, and its tools made usable for the worker.
    pub fn over_stream(self, stream: BoxedSseResponse) -> BoxedSseResponse {
        stream::unfold((stream, self), |(mut stream, mut watch)| async {
            match stream.next().await {
                Some(Ok(mut event)) => {
                    watch.resumable |= event.id.as_ref().is_some_and(|id| !id.is_empty());
                    let data = event.data.take().filter(|data| !data.trim().is_empty());
                    event.data = match data {
                        Some(data) => Some(watch.event(&data).await.unwrap_or(data)),
                        None => None,
                    };
                    Some((Ok(event), (stream, watch)))
                }
                Some(Err(error)) => {
                    let why = format!("the server's stream broke: {error}");
                    watch.over(&why).await;
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
        .boxed()
    }

    /// Sees one event; gives what the worker gets in its place, where that differs.
    async fn event(&mut self, data: &str) -> Option<String> {
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
                usable_tools(&value).map(|value| value.to_string())
            }
            Err(error) => {
                record(WireKind::NotJson).await;
                if let Some(id) = self.waiting {
                    let why = format!("the server sent an event that is no valid JSON ({error})");
                    let id = Some(id);
                    self.client.report(Inbound::Unreadable { id, why }).await;
                }
                None
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

/// Reads a stream up to its answer and gives that as if it had come alone; what comes before goes to the connection. For
/// `tools/list`: the worker can miss the tools of a stream that ends at once, and would then leave out their headers.
pub async fn answer_alone(
    mut stream: BoxedSseResponse,
    session: Option<String>,
    client: &TappedClient,
) -> Result<StreamableHttpPostResponse, HttpError> {
    while let Some(event) = stream.next().await {
        let Some(data) = event?.data else {
            continue;
        };
        match serde_json::from_str(&data) {
            Ok(message @ (ServerJsonRpcMessage::Response(_) | ServerJsonRpcMessage::Error(_))) => {
                return Ok(StreamableHttpPostResponse::Json(message, session));
            }
            Ok(_) => {
                if let Ok(value) = serde_json::from_str(&data) {
                    client.report(Inbound::Message(value)).await;
                }
            }
            Err(_) => {}
        }
    }
    Err(HttpError::UnexpectedEndOfStream)
}

/// An answer to `tools/list` with only those tools that the worker can read, where it holds others: it learns from them which
/// arguments go into headers. The connection reads the whole answer by itself.
pub fn usable_tools(message: &Value) -> Option<Value> {
    let tools = message.get("result")?.get("tools")?.as_array()?;
    let readable =
        |tool: &&Value| serde_json::from_value::<rmcp::model::Tool>((*tool).clone()).is_ok();
    let usable: Vec<Value> = tools.iter().filter(readable).cloned().collect();
    if usable.len() == tools.len() {
        return None;
    }
    let mut message = message.clone();
    message["result"]["tools"] = usable.into();
    Some(message)
}
