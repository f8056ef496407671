//! The messages that this client writes. Pure.

use serde_json::{Map, Value, json};

use crate::ids::CallId;
use crate::mcp::request::{ListKind, Method};
use crate::mcp::status::Era;

/// The revision without a handshake.
pub const MODERN: &str = "2026-07-28";
/// The last revision with `initialize`: what goes into that request, never the newest one.
pub const LEGACY: &str = "2025-11-25";

/// What this client is.
fn client_info() -> Value {
    json!({ "name": "mcpdeck", "version": env!("CARGO_PKG_VERSION") })
}

/// What it can do: nothing is declared that is not served.
fn capabilities() -> Value {
    json!({})
}

/// A request with the metadata of its era. `progress` asks for progress under the request's own id.
pub fn request(
    era: Era,
    id: i64,
    method: &str,
    params: Map<String, Value>,
    progress: bool,
) -> Value {
    let mut params = params;
    let mut meta = Map::new();
    if progress {
        meta.insert("progressToken".to_owned(), id.into());
    }
    if era == Era::Modern {
        let mut put = |key: &str, value: Value| {
            meta.insert(format!("io.modelcontextprotocol/{key}"), value);
        };
        put("protocolVersion", MODERN.into());
        put("clientInfo", client_info());
        put("clientCapabilities", capabilities());
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

/// `initialize`.
pub fn initialize(id: i64) -> Value {
    let params = json!({
        "protocolVersion": LEGACY,
        "capabilities": capabilities(),
        "clientInfo": client_info(),
    });
    json!({ "jsonrpc": "2.0", "id": id, "method": "initialize", "params": params })
}

/// `notifications/initialized`.
pub fn initialized() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
}

/// `server/discover`.
pub fn discover(id: i64) -> Value {
    request(Era::Modern, id, "server/discover", Map::new(), false)
}

/// One page of a list.
pub fn list(era: Era, id: i64, kind: ListKind, cursor: Option<&str>) -> Value {
    let mut params = Map::new();
    if let Some(cursor) = cursor {
        params.insert("cursor".to_owned(), cursor.into());
    }
    request(era, id, kind.wire(), params, false)
}

/// A call; the arguments are moved in as they are.
pub fn call(era: Era, id: i64, method: Method, of: &str, arguments: Map<String, Value>) -> Value {
    let params = match method {
        Method::Tool | Method::Prompt => {
            let mut params = Map::new();
            params.insert("name".to_owned(), of.into());
            params.insert("arguments".to_owned(), arguments.into());
            params
        }
        Method::Resource => arguments,
    };
    request(era, id, method.wire(), params, true)
}

/// `subscriptions/listen` for changes of the tools.
pub fn listen_to_tools(id: i64) -> Value {
    let mut params = Map::new();
    params.insert(
        "notifications".to_owned(),
        json!({ "toolsListChanged": true }),
    );
    request(Era::Modern, id, "subscriptions/listen", params, false)
}

/// The cheapest request of the era that a living server answers.
pub fn probe(era: Era, id: i64) -> Value {
    match era {
        Era::Legacy => request(era, id, "ping", Map::new(), false),
        Era::Modern => discover(id),
    }
}

/// `notifications/cancelled`.
pub fn cancelled(id: i64, reason: &str) -> Value {
    let mut params = Map::new();
    params.insert("requestId".to_owned(), id.into());
    params.insert("reason".to_owned(), reason.into());
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })
}

/// The answer to a request of the server: an empty result for `ping`, otherwise that there is no such method here.
pub fn answer(request: &Value) -> Value {
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    let method = request.get("method").and_then(Value::as_str).unwrap_or("");
    if method == "ping" {
        return json!({ "jsonrpc": "2.0", "id": id, "result": {} });
    }
    let message = format!("this client does not serve {method}");
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": message } })
}

/// The call's number as a reason that a person can find in the server's log.
pub fn cancel_reason(call: CallId) -> String {
    format!("call {call} was cancelled by the user")
}
