//! The wire as OTLP in JSON: the body of an `ExportTraceServiceRequest`, as collectors read it from files and at `/v1/traces`.
//!
//! A span for each request with its answer: ids in hexadecimal and times as texts, as the protocol's JSON has them. What came with
//! a `traceparent` stands in that trace; the rest of a file is one trace of its own. The names of the attributes are those of the
//! semantic conventions for MCP, as in the traces that the program sends.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Wall;
use crate::ids::Moment;
use crate::mcp::wire::exchange::{Exchange, Exchanges};

/// Of the kinds of spans.
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// Of a span's status.
const ERROR: u8 = 2;

pub(super) fn document(found: &Exchanges<'_>, wall: &Wall, seed: &str) -> Value {
    let trace = hex(&format!("trace {seed}"), 16);
    let spans: Vec<Value> = found
        .all
        .iter()
        .filter(|one| !one.is_notification)
        .map(|one| span(one, wall, &trace))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    json!({ "resourceSpans": [{
        "resource": { "attributes": [text("service.name", "mcpdeck"), text("service.version", version)] },
        "scopeSpans": [{
            "scope": { "name": "mcpdeck", "version": version },
            "spans": spans,
        }],
    }] })
}

fn span(one: &Exchange<'_>, wall: &Wall, own_trace: &str) -> Value {
    let request = one.request;
    let end = one
        .answer
        .as_ref()
        .map_or(request.at, |answer| answer.record.at);
    let parent = one.params.as_ref().and_then(parent);
    let (trace, parent) = match &parent {
        Some((trace, parent)) => (trace.as_str(), parent.as_str()),
        None => (own_trace, ""),
    };
    let name = match one.about().filter(|_| one.method != "resources/read") {
        Some(about) => format!("{} {about}", one.method),
        None => one.method.to_owned(),
    };
    json!({
        "traceId": trace,
        "spanId": hex(&format!("{trace} {} {}", request.server, request.seq), 8),
        "parentSpanId": parent,
        "name": name,
        "kind": if one.from_us { CLIENT } else { SERVER },
        "startTimeUnixNano": wall.nanos(request.at),
        "endTimeUnixNano": wall.nanos(Moment(end.0.max(request.at.0))),
        "attributes": attributes(one),
        "status": status(one),
    })
}

fn attributes(one: &Exchange<'_>) -> Vec<Value> {
    let request = one.request;
    let mut all = vec![
        text("mcp.method.name", one.method),
        text("mcpdeck.server", request.server.as_str()),
        number("mcpdeck.request.bytes", request.bytes),
    ];
    if let crate::mcp::wire::record::WireKind::Request { id, .. } = &request.kind {
        all.push(text("jsonrpc.request.id", id.trim_matches('"')));
    }
    if let Some(about) = one.about() {
        all.push(match one.method {
            "tools/call" => text("gen_ai.tool.name", about),
            "prompts/get" => text("gen_ai.prompt.name", about),
            _ => text("mcp.resource.uri", about),
        });
    }
    if let Some(answer) = &one.answer {
        all.push(number("mcpdeck.response.bytes", answer.record.bytes));
    }
    if let Some(kind) = error(one) {
        all.push(text("error.type", &kind));
    }
    all
}

/// What went wrong, by the conventions' names.
fn error(one: &Exchange<'_>) -> Option<String> {
    match one.answer.as_ref().map(|answer| &answer.result) {
        None => Some("no_answer".to_owned()),
        Some(Ok(result)) => {
            (result.get("isError") == Some(&Value::Bool(true))).then(|| "tool_error".to_owned())
        }
        Some(Err(error)) => Some(
            error
                .get("code")
                .map_or("error".to_owned(), Value::to_string),
        ),
    }
}

fn status(one: &Exchange<'_>) -> Value {
    let said = one
        .answer
        .as_ref()
        .and_then(|answer| answer.result.as_ref().err());
    let said = said.and_then(|error| error.get("message")?.as_str());
    match error(one) {
        Some(kind) => json!({ "code": ERROR, "message": said.unwrap_or(&kind) }),
        None => json!({}),
    }
}

/// The trace and the span that a request says it belongs to (W3C Trace Context).
fn parent(params: &Value) -> Option<(String, String)> {
    let header = params.pointer("/_meta/traceparent")?.as_str()?;
    let mut parts = header.split('-').skip(1);
    let (trace, span) = (parts.next()?, parts.next()?);
    let is_id = |text: &str, len| {
        let is_hex = text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
        // Zeros alone are no id: a collector drops the span.
        is_hex && text.bytes().any(|b| b != b'0')
    };
    (is_id(trace, 32) && is_id(span, 16)).then(|| (trace.to_owned(), span.to_owned()))
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn number(key: &str, value: usize) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

/// So many bytes of a text's digest: the same file gives the same ids.
fn hex(seed: &str, bytes: usize) -> String {
    let digest = Sha256::digest(seed.as_bytes());
    digest
        .iter()
        .take(bytes)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_that_is_none_is_not_taken_for_one() {
        let parent = |header: &str| parent(&json!({ "_meta": { "traceparent": header } }));
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let good = parent(&format!("00-{trace}-{span}-01"));
        assert_eq!(good, Some((trace.to_owned(), span.to_owned())));
        let zeros = "0".repeat(32);
        for header in [
            format!("00-{zeros}-{span}-01"),
            format!("00-{trace}-{}-01", &zeros[..16]),
            format!("00-{trace}"),
            "x".to_owned(),
        ] {
            assert_eq!(parent(&header), None, "{header}");
        }
    }
}
