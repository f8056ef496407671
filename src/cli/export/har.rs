//! The wire as HTTP Archive 1.2 (<http://www.softwareishard.com/blog/har-12-spec/>).
//!
//! MCP is not HTTP on every wire, so each entry is an exchange of JSON-RPC in HTTP's words, with a URL that leads nowhere:
//! `mcp://SERVER/METHOD`, behind it `?name=` the tool or prompt or `?uri=` the resource; `mcp://SERVER/client/METHOD` for what the
//! server asks the client. The status is 200 for a result, 500 for a JSON-RPC error, 202 for a notification, and 0, as viewers show
//! a request without answer.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::Wall;
use crate::mcp::wire::exchange::{Answer, Exchange, Exchanges};

pub(super) fn document(found: &Exchanges<'_>, wall: &Wall) -> Value {
    let entries: Vec<Value> = found.all.iter().map(|one| entry(one, wall)).collect();
    let version = env!("CARGO_PKG_VERSION");
    json!({ "log": {
        "version": "1.2",
        "creator": { "name": "mcpdeck", "version": version },
        "entries": entries,
        "comment": "MCP over any transport in the words of HTTP; the URLs mcp://SERVER/METHOD lead nowhere",
    } })
}

fn entry(one: &Exchange<'_>, wall: &Wall) -> Value {
    let millis = one.took().map_or(0.0, |took| took.as_secs_f64() * 1e3);
    let query = query(one);
    let (status, says) = status(one);
    let (text, bytes) = match &one.answer {
        Some(Answer { record, .. }) => (record.text.as_str(), record.bytes),
        None => ("", 0),
    };
    json!({
        "startedDateTime": wall.text(one.request.at),
        "time": millis,
        "request": {
            "method": "POST",
            "url": url(one, &query),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{ "name": "Content-Type", "value": "application/json" }],
            "queryString": query.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
            "postData": { "mimeType": "application/json", "params": [], "text": one.request.text },
            "headersSize": -1,
            "bodySize": one.request.bytes,
        },
        "response": {
            "status": status,
            "statusText": says,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{ "name": "Content-Type", "value": "application/json" }],
            "content": { "size": bytes, "mimeType": "application/json", "text": text },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": bytes,
        },
        "cache": {},
        "timings": { "send": 0, "wait": millis, "receive": 0 },
        "connection": one.request.generation.to_string(),
        "comment": comment(one),
    })
}

/// From whom to whom, and what of the answer is not there.
fn comment(one: &Exchange<'_>) -> String {
    let way = match one.from_us {
        true => "from the client to the server",
        false => "from the server to the client",
    };
    match one.answer.as_ref().map(|answer| answer.record) {
        Some(record) if record.is_cut() => format!(
            "{way}; the answer is cut: {} of {} bytes are kept",
            record.text.len(),
            record.bytes
        ),
        Some(_) | None => way.to_owned(),
    }
}

fn query<'e>(one: &'e Exchange<'_>) -> Vec<(&'static str, &'e str)> {
    let of = |name: &'static str| {
        let value = one.params.as_ref()?.get(name)?.as_str()?;
        Some((name, value))
    };
    ["name", "uri"].into_iter().filter_map(of).collect()
}

fn url(one: &Exchange<'_>, query: &[(&str, &str)]) -> String {
    let side = if one.from_us { "" } else { "client/" };
    let server: String =
        form_urlencoded::byte_serialize(one.request.server.as_str().as_bytes()).collect();
    let path: Vec<String> = one
        .method
        .split('/')
        .map(|part| form_urlencoded::byte_serialize(part.as_bytes()).collect())
        .collect();
    let mut url = format!("mcp://{server}/{side}{}", path.join("/"));
    if !query.is_empty() {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        url.push('?');
        url.push_str(&query);
    }
    url
}

fn status(one: &Exchange<'_>) -> (u16, String) {
    match one.answer.as_ref().map(|answer| &answer.result) {
        _ if one.is_notification => (202, "Notification".to_owned()),
        None => (0, String::new()),
        Some(Ok(result)) if result.get("isError") == Some(&Value::Bool(true)) => {
            (200, "Tool error".to_owned())
        }
        Some(Ok(_)) => (200, "OK".to_owned()),
        Some(Err(error)) => {
            let code = error.get("code").and_then(Value::as_i64).unwrap_or(0);
            (500, format!("JSON-RPC error {code}"))
        }
    }
}
