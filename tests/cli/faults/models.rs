//! Faults of models: endpoints that refuse, break off, mumble or never end, over a real socket, beside a server that is well.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::run;
use crate::aftermath;
use crate::deck::{Deck, blocking, calls, chunk, model_at, says};
use crate::endpoint::{Endpoint, Gate, Reply};

/// A server that is well.
const GOOD: &str = "[[tools]]\nname = 'echo'\ninputSchema = { type = 'object', properties = { n = { type = 'integer' } } }\n";

/// A fault: its name, further keys of `[model]`, what the endpoint answers in turn (the last one again and again), the exit
/// code, the reason for which the turn stopped, and words that a person reads.
struct Fault {
    name: String,
    keys: &'static str,
    replies: Vec<Reply>,
    code: i32,
    stopped: &'static str,
    words: &'static [&'static str],
}

fn row(
    name: impl Into<String>,
    replies: Vec<Reply>,
    code: i32,
    stopped: &'static str,
    words: &'static [&'static str],
) -> Fault {
    Fault {
        name: name.into(),
        keys: "",
        replies,
        code,
        stopped,
        words,
    }
}

impl Fault {
    fn with(mut self, keys: &'static str) -> Self {
        self.keys = keys;
        self
    }
}

fn failed(name: impl Into<String>, reply: Reply, words: &'static [&'static str]) -> Fault {
    row(name, vec![reply], 4, "model_failed", words)
}

/// The endpoint goes wrong and the turn comes to its answer all the same.
fn survived(name: impl Into<String>, replies: Vec<Reply>) -> Fault {
    row(name, replies, 0, "answered", &["done"])
}

fn done() -> Reply {
    Reply::chunks(&says("done"))
}

fn complaint(message: &str, code: &str) -> Value {
    json!({ "error": { "message": message, "type": "some_error", "code": code } })
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

fn call(name: &str, arguments: &str) -> Reply {
    let call = json!({
        "index": 0, "id": "call00001", "type": "function",
        "function": { "name": name, "arguments": arguments },
    });
    Reply::chunks(&[
        chunk(&json!({ "role": "assistant", "tool_calls": [call] }), None),
        chunk(&json!({}), Some("tool_calls")),
    ])
}

/// Every status that an endpoint may refuse with.
fn statuses() -> Vec<Fault> {
    let rows: [(u16, &[&str]); 13] = [
        (400, &["HTTP 400"]),
        (401, &["HTTP 401"]),
        (402, &["HTTP 402"]),
        (403, &["HTTP 403"]),
        (404, &["404"]),
        (408, &["HTTP 408"]),
        (413, &["is longer than"]),
        (418, &["HTTP 418"]),
        (429, &["HTTP 429"]),
        (500, &["HTTP 500"]),
        (502, &["HTTP 502"]),
        (503, &["HTTP 503"]),
        (504, &["HTTP 504"]),
    ];
    let fault = |(status, words): (u16, &'static [&'static str])| {
        let body = complaint("not today", "none");
        let reply = Reply::json(status, &body).header("retry-after", "0");
        failed(format!("refuses with {status}"), reply, words)
    };
    rows.into_iter().map(fault).collect()
}

/// A stream that ends in each place where one can.
fn cuts() -> Vec<Fault> {
    let begin = event(&chunk(
        &json!({ "role": "assistant", "content": "So" }),
        None,
    ));
    let call = json!({ "tool_calls": [{
        "index": 0, "id": "call00001", "type": "function",
        "function": { "name": "good__echo", "arguments": "{\"n\": " },
    }] });
    let viet = "data: {\"choices\":[{\"delta\":{\"content\":\"Ti\u{1ebf}ng".as_bytes();
    let places: Vec<(&str, Vec<u8>)> = vec![
        ("before its first byte", Vec::new()),
        ("in the name of a field", b"da".to_vec()),
        ("behind the name of a field", b"data: ".to_vec()),
        ("in an object", b"data: {\"choices\":[{\"del".to_vec()),
        (
            "in a string",
            b"data: {\"choices\":[{\"delta\":{\"content\":\"Ha".to_vec(),
        ),
        (
            "in an escape",
            b"data: {\"choices\":[{\"delta\":{\"content\":\"Ha\\u00".to_vec(),
        ),
        ("in a character", viet[..viet.len() - 4].to_vec()),
        (
            "behind a line and before its event is whole",
            begin.trim_end().as_bytes().to_vec(),
        ),
        ("between two events", begin.clone().into_bytes()),
        (
            "in the arguments of a call",
            (begin.clone() + &event(&chunk(&call, None))).into_bytes(),
        ),
    ];
    let fault = |(place, bytes): (&str, Vec<u8>)| {
        let whole = begin.clone().into_bytes();
        let text = if bytes.starts_with(&whole) {
            bytes
        } else {
            [whole, bytes].concat()
        };
        failed(
            format!("breaks off {place}"),
            Reply::stream(text).then_cut(),
            &["ended before its end"],
        )
    };
    places.into_iter().map(fault).collect()
}

/// Streams that are whole and wrong.
fn streams() -> Vec<Fault> {
    let text = event(&chunk(&json!({ "content": "So" }), None));
    let fragments: String = (0..100_000)
        .map(|number| {
            event(&chunk(
                &json!({ "content": if number == 0 { "done" } else { "" } }),
                None,
            ))
        })
        .collect();
    let arguments: String = std::iter::once("{\"n\": 1".to_owned())
        .chain((0..100_000).map(|_| " ".to_owned()))
        .chain(["}".to_owned()])
        .enumerate()
        .map(|(number, piece)| {
            let call = match number {
                0 => json!({ "index": 0, "id": "call00001", "type": "function", "function": { "name": "good__echo", "arguments": piece } }),
                _ => json!({ "index": 0, "function": { "arguments": piece } }),
            };
            event(&chunk(&json!({ "tool_calls": [call] }), None))
        })
        .collect();
    let end = event(&chunk(&json!({}), Some("tool_calls"))) + "data: [DONE]\n\n";
    let endless = event(&chunk(&json!({ "content": "na ".repeat(20_000) }), None)).repeat(40);
    vec![
        failed(
            "says an error inside a 200",
            Reply::json(200, &complaint("the GPU is on fire", "500")),
            &["the GPU is on fire"],
        ),
        failed(
            "says an error inside a stream",
            Reply::stream(text.clone() + &event(&complaint("the GPU is on fire", "500"))),
            &["the GPU is on fire"],
        ),
        failed(
            "says that the conversation is too long",
            Reply::json(
                400,
                &complaint(
                    "This model's maximum context length is 4096 tokens",
                    "context_length_exceeded",
                ),
            ),
            &["is longer than"],
        ),
        failed(
            "answers with a page for people",
            Reply::new(200, "text/html", "<html>Sign in</html>"),
            &["error"],
        ),
        failed(
            "answers with nothing",
            Reply::new(200, "application/json", ""),
            &["error"],
        ),
        failed(
            "sends what is no JSON in the middle",
            Reply::stream(text.clone() + "data: {broken\n\n" + &text),
            &["error"],
        ),
        failed(
            "sends what is no UTF-8",
            Reply::stream([text.clone().into_bytes(), b"data: \xff\xfe\n\n".to_vec()].concat()),
            &["error"],
        ),
        failed(
            "says nothing at all",
            Reply::stream("").held(&Gate::new()),
            &["within 1"],
        )
        .with("[limits]\nfirst_byte_sec = 1"),
        failed(
            "falls silent in the middle",
            Reply::stream(text.clone()).then_wait(&Gate::new()),
            &["1"],
        )
        .with("[limits]\nfirst_byte_sec = 1"),
        failed(
            "redirects elsewhere",
            Reply::new(307, "text/plain", "").header("location", "http://127.0.0.2:1/v1"),
            &["error"],
        ),
        row(
            "answers without end",
            vec![Reply::stream(endless).then_wait(&Gate::new())],
            4,
            "length",
            &["cut at 2 MiB"],
        ),
        failed(
            "sends a line without end",
            Reply::stream(format!("data: {}", "x".repeat(3 << 20))).then_wait(&Gate::new()),
            &["a line of more than 2 MiB"],
        ),
        survived("is told byte by byte", vec![done().split(1)]),
        survived(
            "sends 100,000 fragments of text",
            vec![Reply::stream(
                fragments + &event(&chunk(&json!({}), Some("stop"))) + "data: [DONE]\n\n",
            )],
        ),
        survived(
            "sends a call in 100,000 fragments",
            vec![Reply::stream(arguments + &end), done()],
        ),
        survived(
            "fails once and then answers",
            vec![
                Reply::json(503, &complaint("later", "x")).header("retry-after", "0"),
                done(),
            ],
        ),
        survived(
            "sends comments and fields that nobody knows",
            vec![Reply::stream(format!(
                ": ping\n\nevent: wish\nid: 5\nretry: never\ndata: {}\n\n{}",
                chunk(&json!({ "content": "done", "aura": { "colour": 7 } }), None),
                event(&chunk(&json!({}), Some("stop"))) + "data: [DONE]\n\n"
            ))],
        ),
    ]
}

/// Calls that nobody can make sense of.
fn odd_calls() -> Vec<Fault> {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = json!({ "n": 1, "text": "x".repeat(1_000_000) }).to_string();
    let odd = |name: &str, tool: &str, arguments: &str| {
        survived(name, vec![call(tool, arguments), done()])
    };
    vec![
        odd("calls a tool that nobody has", "good__wish", "{}"),
        odd("calls a server that nobody has", "nobody__echo", "{}"),
        row(
            "calls a tool without a name",
            vec![call("", "{}")],
            0,
            "answered",
            &["without a name"],
        ),
        odd(
            "calls a tool whose name moves the cursor",
            "good__\u{1b}[2J\u{202e}",
            "{}",
        ),
        odd(
            "writes arguments that are no JSON",
            "good__echo",
            "{\"n\": ",
        ),
        odd(
            "writes arguments that are no object",
            "good__echo",
            "[1, 2]",
        ),
        odd(
            "writes arguments twice over",
            "good__echo",
            "{\"n\": 1}{\"n\": 1}",
        ),
        odd(
            "writes arguments of another type",
            "good__echo",
            "{\"n\": \"many\"}",
        ),
        odd("writes arguments nested 100,000 deep", "good__echo", &deep),
        odd("writes a megabyte of arguments", "good__echo", &long),
        odd("writes no arguments", "good__echo", ""),
        row(
            "makes the same call for ever",
            vec![call("good__echo", "{\"n\": 1}")],
            4,
            "repeated",
            &["without an answer"],
        ),
        row(
            "makes calls for ever",
            (0..60)
                .map(|n| Reply::chunks(&calls("good__echo", &json!({ "n": n }))))
                .collect(),
            4,
            "step_limit",
            &["limit of steps"],
        ),
        row(
            "stops at its own length",
            vec![Reply::chunks(&[
                chunk(&json!({ "content": "So" }), None),
                chunk(&json!({}), Some("length")),
            ])],
            4,
            "length",
            &["cut for its length"],
        ),
        row(
            "is filtered",
            vec![Reply::chunks(&[
                chunk(&json!({ "content": "So" }), None),
                chunk(&json!({}), Some("content_filter")),
            ])],
            4,
            "filtered",
            &["filtered"],
        ),
    ]
}

fn all() -> Vec<Fault> {
    [statuses(), cuts(), streams(), odd_calls()]
        .into_iter()
        .flatten()
        .collect()
}

pub fn count() -> usize {
    all().len()
}

fn play(fault: &Fault) -> (Vec<String>, u64) {
    let runtime = tokio::runtime::Handle::current();
    let endpoint = runtime.block_on(Endpoint::with(fault.replies.clone()));
    let deck = Deck::new(&(model_at(&endpoint.base_url()) + fault.keys + "\n"));
    deck.scripted("good", GOOD, "");
    let root = deck.home.path("");
    let before = aftermath::files(&root);
    let seen = run::watched(deck.start(&["ask", "--json", "--approve-all", "go"]));
    let mut wrong = run::aftermath(&deck, "ask", &seen.ran, fault.code);
    wrong.extend(run::records(&deck, &seen.ran));
    wrong.extend(aftermath::litter(&root, &before));
    for words in fault.words {
        if !seen.ran.out.contains(words) && !seen.ran.err.contains(words) {
            let (out, err) = (
                aftermath::tail(&seen.ran.out),
                aftermath::tail(&seen.ran.err),
            );
            wrong.push(format!("no {words:?} in\n{out}\n{err}"));
        }
    }
    let parsed: Result<Vec<Value>, _> = seen.ran.out.lines().map(serde_json::from_str).collect();
    let Ok(events) = parsed else {
        wrong.push("a line that is no JSON".to_owned());
        return (wrong, seen.peak);
    };
    let ids = |kind: &str| {
        let of = events.iter().filter(|event| event["type"] == kind);
        let mut ids: Vec<u64> = of.filter_map(|event| event["call"].as_u64()).collect();
        ids.sort_unstable();
        ids
    };
    if ids("tool_call") != ids("tool_result") {
        wrong.push(format!(
            "calls {:?} and their ends {:?}",
            ids("tool_call"),
            ids("tool_result")
        ));
    }
    let last = events.last().cloned().unwrap_or_default();
    if last["type"] != "turn_end" || last["stop_reason"] != fault.stopped {
        wrong.push(format!("the end is {last}"));
    }
    (wrong, seen.peak)
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_misbehave() {
    let faults = all();
    let calm = blocking(|| {
        play(&survived(
            "nothing is wrong",
            vec![call("good__echo", "{\"n\": 1}"), done()],
        ))
    });
    assert_eq!(calm.0, Vec::<String>::new(), "without a fault");
    let only = std::env::var("MCPDECK_FAULT").unwrap_or_default();
    let queue = Mutex::new(faults.iter().filter(|fault| fault.name.contains(&only)));
    let failed = Mutex::new(Vec::new());
    let runtime = tokio::runtime::Handle::current();
    blocking(|| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let _inside = runtime.enter();
                    loop {
                        let next = queue.lock().expect("no poison").next();
                        let Some(fault) = next else {
                            return;
                        };
                        let (mut wrong, peak) = play(fault);
                        if peak > calm.1 + aftermath::MOST_MEMORY {
                            wrong.push(format!(
                                "{} MB at its most, {} MB without the fault",
                                peak / 1024,
                                calm.1 / 1024
                            ));
                        }
                        println!("{:>5} MB  {}", peak / 1024, fault.name);
                        if !wrong.is_empty() {
                            let report = format!("=== {}\n{}", fault.name, wrong.join("\n"));
                            failed.lock().expect("no poison").push(report);
                        }
                    }
                });
            }
        });
    });
    let failed = failed.into_inner().expect("no poison");
    assert!(
        failed.is_empty(),
        "{} of {} faults:\n{}",
        failed.len(),
        faults.len(),
        failed.join("\n")
    );
}
