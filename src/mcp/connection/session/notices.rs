//! What a server says without being asked and without asking: progress, log lines, changes, the end of a question or a task.

use serde_json::{Map, Value};

use super::Session;
use crate::mcp::convert;
use crate::mcp::event::{CallEvent, ServerEvent};
use crate::mcp::request::ListKind;
use crate::mcp::transport::stdio;

/// The metadata under which a server says to which stream of changes a notification belongs.
const STREAM: &str = "io.modelcontextprotocol/subscriptionId";

const TOOLS: [ListKind; 1] = [ListKind::Tools];
const PROMPTS: [ListKind; 1] = [ListKind::Prompts];
/// The protocol has one word for both.
const RESOURCES: [ListKind; 2] = [ListKind::Resources, ListKind::Templates];

impl Session {
    pub(super) async fn notification(&mut self, message: &Value) {
        let none = Value::Object(Map::new());
        let params = message.get("params").unwrap_or(&none);
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        let method = message.get("method").and_then(Value::as_str);
        match method.unwrap_or_default() {
            "notifications/progress" => self.progress(params).await,
            "notifications/message" => {
                let (level, text) = convert::log_message(params);
                self.reporter.event(ServerEvent::Log { level, text }).await;
            }
            "notifications/tools/list_changed" => self.changed(params, &TOOLS).await,
            "notifications/prompts/list_changed" => self.changed(params, &PROMPTS).await,
            "notifications/resources/list_changed" => self.changed(params, &RESOURCES).await,
            "notifications/resources/updated" => {
                if self.is_of_a_stream(params).await
                    && let Some(uri) = text("uri").map(str::to_owned)
                {
                    let updated = ServerEvent::ResourceUpdated { uri };
                    self.reporter.event(updated).await;
                }
            }
            "notifications/subscriptions/acknowledged" => {
                self.acknowledged(stream(params), params).await;
            }
            "notifications/cancelled" => self.cancelled(params).await,
            "notifications/elicitation/complete" => {
                if let Some(id) = text("elicitationId").map(str::to_owned) {
                    self.visit_done(&id);
                    self.reporter.event(ServerEvent::UrlDone { id }).await;
                }
            }
            "notifications/tasks" | "notifications/tasks/status" => {
                if let Some(call) = text("taskId").and_then(|task| self.call_of_task(task)) {
                    self.take_report(call, params).await;
                }
            }
            // Others concern what was not declared; the tap has them.
            _ => {}
        }
    }

    async fn changed(&mut self, params: &Value, kinds: &[ListKind]) {
        if !self.is_of_a_stream(params).await {
            return;
        }
        for kind in kinds {
            self.reporter.event(ServerEvent::Changed(*kind)).await;
        }
    }

    /// Whether a notification belongs to a stream of ours, or to none, as in the old era. The first word on a new stream is as
    /// good as its acknowledgement.
    async fn is_of_a_stream(&mut self, params: &Value) -> bool {
        let Some(id) = stream(params) else {
            return true;
        };
        let is_ours = self.streams.owns(id);
        self.stream_stands(id, None).await;
        is_ours
    }

    /// A server takes back a question of its own, or ends a stream of changes.
    async fn cancelled(&mut self, params: &Value) {
        let Some(id) = params.get("requestId") else {
            return;
        };
        self.ask_cancelled(id).await;
        let stream = stdio::id_of(id).filter(|id| self.streams.owns(*id));
        if let Some(id) = stream
            && let Some(pending) = self.pending.remove(&id)
        {
            let answer = super::Answer::Result(Value::Null);
            self.stream_ended(id, pending.asked, answer).await;
        }
    }

    async fn progress(&mut self, params: &Value) {
        let token = params.get("progressToken").and_then(stdio::id_of);
        let Some(token) = token else {
            return;
        };
        self.sent(token).await;
        let call = self.tokens.get(&token).copied();
        let Some(call) = call.and_then(|id| self.calls.get_mut(&id)) else {
            return;
        };
        call.heard();
        if let Some(progress) = convert::progress(params) {
            let id = call.request.call;
            self.reporter.call(id, CallEvent::Progress(progress)).await;
        }
    }
}

fn stream(params: &Value) -> Option<i64> {
    params
        .get("_meta")
        .and_then(|meta| meta.get(STREAM))
        .and_then(stdio::id_of)
}
