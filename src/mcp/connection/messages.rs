//! The messages that this client writes. Pure.

use serde_json::{Map, Value, json};

use crate::ids::CallId;
use crate::mcp::ask::Reply;
use crate::mcp::request::{Errand, ListKind, Method, Reference};
use crate::mcp::status::Era;

/// The revision without a handshake.
pub const MODERN: &str = "2026-07-28";
/// The last revision with `initialize`: what goes into that request, never the newest one.
pub const LEGACY: &str = "2025-11-25";
/// The extension by which a server may carry a call as a task.
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// What this client is.
fn client_info() -> Value {
    json!({ "name": "mcpdeck", "version": env!("CARGO_PKG_VERSION") })
}

/// What it can do: nothing is declared that is not served. Sampling never includes our conversation, so `context` is not there.
fn capabilities(era: Era) -> Value {
    let sampling = json!({ "tools": {} });
    let elicitation = json!({ "form": {}, "url": {} });
    match era {
        Era::Legacy => json!({
            "roots": { "listChanged": true },
            "sampling": sampling,
            "elicitation": elicitation,
        }),
        Era::Modern => json!({
            "roots": {},
            "sampling": sampling,
            "elicitation": elicitation,
            "extensions": { TASKS: {} },
        }),
    }
}

/// How this client speaks to one server.
#[derive(Debug, Clone)]
pub struct Voice {
    /// The era.
    pub era: Era,
    /// The revision agreed on.
    pub revision: String,
    /// The least level of log messages that is asked for with each request, in the era that has it so.
    pub log_level: Option<String>,
}

impl Voice {
    /// A request with the metadata of its era. `progress` asks for progress under the request's own id.
    pub fn request(
        &self,
        id: i64,
        method: &str,
        mut params: Map<String, Value>,
        progress: bool,
    ) -> Value {
        // What the caller put there stays beside what belongs there in any case.
        let mut meta = match params.remove("_meta") {
            Some(Value::Object(meta)) => meta,
            _ => Map::new(),
        };
        if progress {
            meta.insert("progressToken".to_owned(), id.into());
        }
        if self.era == Era::Modern {
            let mut put = |key: &str, value: Value| {
                meta.insert(format!("io.modelcontextprotocol/{key}"), value);
            };
            put("protocolVersion", MODERN.into());
            put("clientInfo", client_info());
            put("clientCapabilities", capabilities(Era::Modern));
            if let Some(level) = &self.log_level {
                put("logLevel", level.as_str().into());
            }
        }
        if !meta.is_empty() {
            params.insert("_meta".to_owned(), meta.into());
        }
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if let Some(message) = message.as_object_mut().filter(|_| !params.is_empty()) {
            message.insert("params".to_owned(), params.into());
        }
        message
    }

    /// One page of a list.
    pub fn list(&self, id: i64, kind: ListKind, cursor: Option<&str>) -> Value {
        let cursor = cursor.map(|cursor| ("cursor".to_owned(), cursor.into()));
        self.request(id, kind.wire(), cursor.into_iter().collect(), false)
    }

    /// A call, with what it carries besides its own parameters.
    pub fn call(
        &self,
        id: i64,
        (method, of): (Method, &str),
        arguments: Map<String, Value>,
        extras: Map<String, Value>,
    ) -> Value {
        let mut params = match method {
            Method::Tool | Method::Prompt => {
                let mut params = Map::new();
                params.insert("name".to_owned(), of.into());
                params.insert("arguments".to_owned(), arguments.into());
                params
            }
            Method::Resource => arguments,
        };
        params.extend(extras);
        self.request(id, method.wire(), params, true)
    }

    /// A request about a task: `tasks/get`, `tasks/result` or `tasks/cancel`.
    pub fn task(&self, id: i64, method: &str, task: &str) -> Value {
        self.request(id, method, one("taskId", task.into()), false)
    }

    /// `tasks/update`.
    pub fn update_task(&self, id: i64, task: &str, responses: Map<String, Value>) -> Value {
        let mut params = one("taskId", task.into());
        params.insert("inputResponses".to_owned(), responses.into());
        self.request(id, "tasks/update", params, false)
    }

    /// `subscriptions/listen`. It asks for no log messages: they never come that way.
    pub fn listen(&self, id: i64, filter: Value) -> Value {
        let quiet = Self {
            log_level: None,
            ..self.clone()
        };
        quiet.request(
            id,
            "subscriptions/listen",
            one("notifications", filter),
            false,
        )
    }

    /// An errand that is a request.
    pub fn errand(&self, id: i64, errand: &Errand) -> Value {
        let (method, params) = match errand {
            Errand::Complete {
                of,
                argument,
                value,
                context,
            } => {
                let of = match of {
                    Reference::Prompt { name } => json!({ "type": "ref/prompt", "name": name }),
                    Reference::Template { uri_template } => {
                        json!({ "type": "ref/resource", "uri": uri_template })
                    }
                };
                let mut params = one("ref", of);
                let argument = json!({ "name": argument, "value": value });
                params.insert("argument".to_owned(), argument);
                // The revisions before do not know it.
                if !context.is_empty() && self.revision.as_str() >= "2025-06-18" {
                    let context = json!({ "arguments": context });
                    params.insert("context".to_owned(), context);
                }
                ("completion/complete", params)
            }
            // The session sends it as it stands.
            Errand::Raw { frame } => return serde_json::from_str(frame).unwrap_or_default(),
            Errand::Preview { tool, arguments } => return self.preview(id, tool, arguments),
            Errand::Subscribe { uri } => ("resources/subscribe", one("uri", uri.as_str().into())),
            Errand::Unsubscribe { uri } => {
                ("resources/unsubscribe", one("uri", uri.as_str().into()))
            }
            Errand::SetLogLevel { level } => {
                ("logging/setLevel", one("level", level.as_str().into()))
            }
        };
        self.request(id, method, params, false)
    }

    /// A call that shows what another one would do. Nobody answers questions for it, such as which folders a server may know of:
    /// it says that this client can do nothing of the kind, so that none comes.
    fn preview(&self, id: i64, tool: &str, arguments: &str) -> Value {
        let mut params = one("name", tool.into());
        let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
        params.insert("arguments".to_owned(), arguments);
        let mut message = self.request(id, Method::Tool.wire(), params, false);
        let can = "/params/_meta/io.modelcontextprotocol~1clientCapabilities";
        if let Some(can) = message.pointer_mut(can) {
            *can = json!({});
        }
        message
    }

    /// The cheapest request of the era that a living server answers.
    pub fn probe(&self, id: i64) -> Value {
        match self.era {
            Era::Legacy => self.request(id, "ping", Map::new(), false),
            Era::Modern => discover(id),
        }
    }
}

fn one(key: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value)])
}

/// `initialize`, with the newest revision that has it or one that the server has named.
pub fn initialize(id: i64, revision: &str) -> Value {
    let params = json!({
        "protocolVersion": revision,
        "capabilities": capabilities(Era::Legacy),
        "clientInfo": client_info(),
    });
    json!({ "jsonrpc": "2.0", "id": id, "method": "initialize", "params": params })
}

/// `notifications/initialized`.
pub fn initialized() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
}

/// `notifications/roots/list_changed`.
pub fn roots_changed() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed" })
}

/// `server/discover`.
pub fn discover(id: i64) -> Value {
    let voice = Voice {
        era: Era::Modern,
        revision: MODERN.to_owned(),
        log_level: None,
    };
    voice.request(id, "server/discover", Map::new(), false)
}

/// `notifications/cancelled`.
pub fn cancelled(id: i64, reason: &str) -> Value {
    let mut params = Map::new();
    params.insert("requestId".to_owned(), id.into());
    params.insert("reason".to_owned(), reason.into());
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })
}

/// The answer to a request of the server.
pub fn answer(id: &Value, reply: Reply) -> Value {
    match reply {
        Reply::Result { value } => json!({ "jsonrpc": "2.0", "id": id, "result": value }),
        Reply::Error { code, message } => {
            let error = json!({ "code": code, "message": message });
            json!({ "jsonrpc": "2.0", "id": id, "error": error })
        }
    }
}

/// The call's number as a reason that a person can find in the server's log.
pub fn cancel_reason(call: CallId) -> String {
    format!("call {call} was cancelled by the user")
}
