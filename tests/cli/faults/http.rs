//! Faults of servers behind HTTP: a raw server that is well but for one thing.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Handle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::run::{self, Fault};
use crate::deck::{Deck, blocking, quoted};
use crate::endpoint::{Endpoint, Gate, Reply, Seen};

/// What the server does otherwise than a good one.
type Deviation = fn(&Seen) -> Option<Reply>;

/// How a fault shows.
enum Shows {
    /// The server does not come up; the words a person reads.
    Away(&'static [&'static str]),
    /// The agent's call ends so; the exit code and the words of a call by hand.
    Ends(&'static str, i32, &'static [&'static str]),
}
use Shows::{Away, Ends};

const NOTHING: Deviation = |_| None;

/// Name, further keys, the URL (empty: the raw server's), what is wrong, how it shows.
type Row = (&'static str, &'static str, &'static str, Deviation, Shows);

const ROWS: &[Row] = &[
    (
        "nothing is wrong over HTTP",
        "",
        "",
        NOTHING,
        Ends("ok", 0, &["there"]),
    ),
    (
        "nobody listens",
        "",
        "http://127.0.0.1:1/mcp",
        NOTHING,
        Away(&["127.0.0.1:1"]),
    ),
    (
        "there is no such host",
        "",
        "http://no-such-host.invalid/mcp",
        NOTHING,
        Away(&["no-such-host.invalid"]),
    ),
    (
        "is silent where TLS is wanted",
        "",
        "https:",
        NOTHING,
        Away(&["in time"]),
    ),
    (
        "shows a certificate that nobody knows",
        "",
        "tls:",
        NOTHING,
        Away(&["certificate"]),
    ),
    (
        "wants a sign-in at the start (401)",
        "",
        "",
        |seen| begins(seen).then(|| text(401, "who are you?")),
        Away(&["401"]),
    ),
    (
        "forbids the start (403)",
        "",
        "",
        |seen| begins(seen).then(|| text(403, "not you")),
        Away(&["403"]),
    ),
    (
        "is not found (404)",
        "",
        "",
        |seen| begins(seen).then(|| text(404, "no such page")),
        Away(&["404"]),
    ),
    (
        "wants fewer requests at the start (429)",
        "startup_timeout_sec = 5",
        "",
        |seen| begins(seen).then(|| text(429, "slow down")),
        Away(&["429"]),
    ),
    (
        "fails at the start (500)",
        "",
        "",
        |seen| begins(seen).then(|| text(500, "oh dear")),
        Away(&["500"]),
    ),
    (
        "its gateway fails at the start (502)",
        "",
        "",
        |seen| begins(seen).then(|| page(502)),
        Away(&["502"]),
    ),
    (
        "is overloaded at the start (503)",
        "startup_timeout_sec = 5",
        "",
        |seen| begins(seen).then(|| text(503, "later")),
        Away(&["503"]),
    ),
    (
        "is a page for people",
        "",
        "",
        |seen| begins(seen).then(|| page(200)),
        Away(&["text/html"]),
    ),
    (
        "answers the start with nothing (204)",
        "",
        "",
        |seen| begins(seen).then(|| text(204, "")),
        Away(&["bad"]),
    ),
    (
        "redirects to another host at the start",
        "",
        "",
        |seen| begins(seen).then(elsewhere),
        Away(&["redirect"]),
    ),
    (
        "redirects in a circle",
        "",
        "",
        |seen| begins(seen).then(|| text(307, "").header("location", "/mcp")),
        Away(&["redirect"]),
    ),
    (
        "never answers the start",
        "startup_timeout_sec = 1",
        "",
        |seen| begins(seen).then(|| text(200, "").held(&Gate::new())),
        Away(&["bad"]),
    ),
    (
        "its list is a page for people",
        "startup_timeout_sec = 5",
        "",
        |seen| is(seen, "tools/list").then(|| page(200)),
        Ends("invalid", 3, &["tools/list failed"]),
    ),
    (
        "fails when it is asked for its tools",
        "startup_timeout_sec = 5",
        "",
        |seen| is(seen, "tools/list").then(|| text(500, "oh dear")),
        Ends("invalid", 3, &["tools/list failed"]),
    ),
    (
        "wants a sign-in in a call (401)",
        "",
        "",
        |seen| calls(seen).then(|| text(401, "who are you?")),
        Ends("not sent", 3, &["401"]),
    ),
    (
        "forbids a call (403)",
        "",
        "",
        |seen| calls(seen).then(|| text(403, "not this one")),
        Ends("not sent", 3, &["403"]),
    ),
    (
        "has lost the session in a call (404)",
        "",
        "",
        |seen| calls(seen).then(|| text(404, "no such session")),
        Ends("not sent", 3, &["session"]),
    ),
    (
        "wants fewer requests for ever (429)",
        "",
        "",
        |seen| calls(seen).then(|| text(429, "slow down").header("retry-after", "0")),
        Ends("not sent", 3, &["429"]),
    ),
    (
        "wants fewer requests for an hour (429)",
        "",
        "",
        |seen| calls(seen).then(|| text(429, "slow down").header("retry-after", "3600")),
        Ends("not sent", 3, &["429"]),
    ),
    (
        "fails in a call (500)",
        "",
        "",
        |seen| calls(seen).then(|| text(500, "oh dear")),
        Ends("outcome unknown", 3, &["500"]),
    ),
    (
        "its gateway fails in a call (502)",
        "",
        "",
        |seen| calls(seen).then(|| page(502)),
        Ends("outcome unknown", 3, &["502"]),
    ),
    (
        "closes half a stream",
        "",
        "",
        |seen| calls(seen).then(|| Reply::stream("")),
        Ends("outcome unknown", 3, &["outcome unknown"]),
    ),
    (
        "cuts the connection in the middle of an answer",
        "",
        "",
        |seen| calls(seen).then(|| half(seen).then_cut()),
        Ends("outcome unknown", 3, &["outcome unknown"]),
    ),
    (
        "cuts the connection in the middle of an event",
        "",
        "",
        |seen| calls(seen).then(|| Reply::stream("data: {\"jsonrpc\":\"2.0\",\"id\"").then_cut()),
        Ends("outcome unknown", 3, &["outcome unknown"]),
    ),
    (
        "never answers a call",
        "tool_timeout_sec = 1",
        "",
        |seen| calls(seen).then(|| text(200, "").held(&Gate::new())),
        Ends("timed out", 3, &["no answer within 1"]),
    ),
    (
        "sends heartbeats for ever",
        "tool_timeout_sec = 1",
        "",
        |seen| {
            calls(seen)
                .then(|| Reply::stream(": still here\n\n".repeat(1000)).then_wait(&Gate::new()))
        },
        Ends("timed out", 3, &["no answer within 1"]),
    ),
    (
        "drips its answer byte by byte",
        "",
        "",
        |seen| calls(seen).then(|| good(seen).split(1)),
        Ends("ok", 0, &["there"]),
    ),
    (
        "drips its event byte by byte",
        "",
        "",
        |seen| calls(seen).then(|| event(&answer(seen)).split(1)),
        Ends("ok", 0, &["there"]),
    ),
    (
        "answers to another id over HTTP",
        "tool_timeout_sec = 1",
        "",
        |seen| {
            calls(seen)
                .then(|| Reply::json(200, &json!({ "jsonrpc": "2.0", "id": 4711, "result": {} })))
        },
        Ends("outcome unknown", 3, &["outcome unknown"]),
    ),
    (
        "answers a call with a page for people",
        "",
        "",
        |seen| calls(seen).then(|| page(200)),
        Ends("outcome unknown", 3, &["text/html"]),
    ),
    (
        "answers a call with nothing",
        "",
        "",
        |seen| calls(seen).then(|| Reply::new(200, "application/json", "")),
        Ends("outcome unknown", 3, &["outcome unknown"]),
    ),
    (
        "answers a call with 202",
        "",
        "",
        |seen| calls(seen).then(|| text(202, "")),
        Ends("outcome unknown", 3, &["outcome unknown"]),
    ),
    (
        "answers what is no UTF-8",
        "",
        "",
        |seen| calls(seen).then(|| Reply::new(200, "application/json", vec![0xff, 0xfe, 0, 0x80])),
        Ends("unreadable", 3, &["outcome unknown"]),
    ),
    (
        "answers nested 200,000 deep over HTTP",
        "",
        "",
        |seen| calls(seen).then(|| Reply::new(200, "application/json", deep(seen))),
        Ends("unreadable", 3, &["outcome unknown"]),
    ),
    (
        "answers with 20 MB",
        "",
        "",
        |seen| calls(seen).then(|| Reply::new(200, "application/json", long(seen))),
        Ends("unreadable", 3, &["16"]),
    ),
    (
        "sends an event of 20 MB",
        "",
        "",
        |seen| {
            calls(seen)
                .then(|| Reply::stream([b"data: ".to_vec(), long(seen), b"\n\n".to_vec()].concat()))
        },
        Ends("unreadable", 3, &["16"]),
    ),
    (
        "answers in a batch over HTTP",
        "",
        "",
        |seen| calls(seen).then(|| Reply::json(200, &json!([answer(seen)]))),
        Ends("ok", 0, &["there"]),
    ),
    (
        "redirects a call to another host",
        "",
        "",
        |seen| calls(seen).then(elsewhere),
        Ends("not sent", 3, &["Redirect"]),
    ),
    (
        "sends 10,000 events that are none before its answer",
        "",
        "",
        |seen| {
            calls(seen).then(|| {
                Reply::stream(
                    "data: noise\n\n".repeat(10_000) + &format!("data: {}\n\n", answer(seen)),
                )
            })
        },
        Ends("unreadable", 3, &["outcome unknown"]),
    ),
    (
        "sends events of types, ids and retries that nobody knows",
        "",
        "",
        |seen| {
            calls(seen).then(|| {
                Reply::stream(format!(
                    "event: wish\nid: \0\nretry: never\ndata: {}\n\nevent: message\ndata: {}\n\n",
                    json!({}),
                    answer(seen)
                ))
            })
        },
        Ends("ok", 0, &["there"]),
    ),
];

pub fn count() -> usize {
    ROWS.len()
}

fn is(seen: &Seen, method: &str) -> bool {
    seen.method == "POST" && seen.body["method"] == method
}

fn begins(seen: &Seen) -> bool {
    is(seen, "initialize") || is(seen, "server/discover") || seen.method == "GET"
}

fn calls(seen: &Seen) -> bool {
    is(seen, "tools/call")
}

fn text(status: u16, words: &str) -> Reply {
    Reply::new(status, "text/plain", words)
}

fn page(status: u16) -> Reply {
    Reply::new(status, "text/html", "<html><h1>Sign in, please</h1></html>")
}

fn elsewhere() -> Reply {
    text(307, "").header("location", "http://127.0.0.2:1/mcp")
}

fn result(seen: &Seen, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": seen.body["id"], "result": result })
}

fn answer(seen: &Seen) -> Value {
    result(
        seen,
        json!({ "content": [{ "type": "text", "text": "there" }] }),
    )
}

fn good(seen: &Seen) -> Reply {
    Reply::json(200, &answer(seen))
}

fn event(value: &Value) -> Reply {
    Reply::stream(format!("data: {value}\n\n"))
}

fn half(seen: &Seen) -> Reply {
    let whole = answer(seen).to_string();
    Reply::new(
        200,
        "application/json",
        &whole.as_bytes()[..whole.len() / 2],
    )
}

fn deep(seen: &Seen) -> String {
    let (open, close) = ("[".repeat(200_000), "]".repeat(200_000));
    format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":{{"content":{open}{close}}}}}"#,
        seen.body["id"]
    )
}

fn long(seen: &Seen) -> Vec<u8> {
    let text = "x".repeat(20_000_000);
    result(
        seen,
        json!({ "content": [{ "type": "text", "text": text }] }),
    )
    .to_string()
    .into_bytes()
}

/// What a good server of the old era says.
fn well(seen: &Seen) -> Reply {
    let tool = json!({ "name": "do", "inputSchema": { "type": "object" } });
    match (
        seen.method.as_str(),
        seen.body["method"].as_str().unwrap_or_default(),
    ) {
        ("POST", "initialize") => Reply::json(
            200,
            &result(
                seen,
                json!({
                    "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                    "serverInfo": { "name": "raw", "version": "1" },
                }),
            ),
        )
        .header("mcp-session-id", "abc"),
        ("POST", "server/discover") => text(400, "no session"),
        ("POST", "tools/list") => Reply::json(200, &result(seen, json!({ "tools": [tool] }))),
        ("POST", "tools/call") => good(seen),
        ("POST", "ping") => Reply::json(200, &result(seen, json!({}))),
        ("POST", _) => text(202, ""),
        ("GET", _) => text(405, ""),
        _ => text(200, ""),
    }
}

fn fault(row: &Row) -> Fault {
    let (name, keys, _, _, shows) = row;
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let mut fault = Fault {
        name: (*name).to_owned(),
        keys: (*keys).to_owned(),
        ..Fault::default()
    };
    match shows {
        Away(words) => fault.away = own(words),
        Ends(ends, code, words) => {
            (fault.ends, fault.code, fault.says) = ((*ends).to_owned(), *code, own(words));
        }
    }
    fault
}

/// A socket with TLS and a certificate of nobody; it lives as long as the runtime.
async fn stranger() -> String {
    let file = |name: &str| format!("{}/tests/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let certificate =
        CertificateDer::from_pem_file(file("test-only-one.cert.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(file("test-only-one.key.pem")).expect("a key");
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate and its key");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(socket).await {
                    let _refused = stream.read(&mut [0; 16]).await;
                }
            });
        }
    });
    format!("https://{address}/mcp")
}

/// The table of a server behind HTTP: the raw server of the row of that name is started first, and lives as long as the test.
fn table(deck: &Deck, fault: &Fault, kept: &std::sync::Mutex<Vec<Endpoint>>) -> String {
    let row = ROWS.iter().find(|row| row.0 == fault.name);
    let Some((_, _, url, deviation, _)) = row else {
        return super::table::stdio(deck, fault);
    };
    let deviation = *deviation;
    let raw = Handle::current().block_on(Endpoint::start(move |seen| {
        deviation(seen).unwrap_or_else(|| well(seen))
    }));
    let url = match *url {
        "" => format!("{}/mcp", raw.root()),
        "https:" => format!("{}/mcp", raw.root().replace("http:", "https:")),
        "tls:" => Handle::current().block_on(stranger()),
        url => url.to_owned(),
    };
    kept.lock().expect("no poison").push(raw);
    format!("url = {}", quoted(&url))
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_behind_http() {
    let faults: Vec<Fault> = ROWS.iter().map(fault).collect();
    let kept = std::sync::Mutex::default();
    blocking(|| run::play_all(&faults, |deck, fault| table(deck, fault, &kept)));
}
