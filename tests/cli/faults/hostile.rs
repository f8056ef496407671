//! Every naughty text through every entry (names, titles, descriptions, schemas, results, errors, progress, logs, stderr,
//! questions, resources, prompts, the handshake, HTTP bodies, the model) and every exit without panes: words, JSON, the wire log.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::run;
use crate::aftermath;
use crate::deck::{Deck, Ran, blocking, calls, chunk, model_at, quoted, says};
use crate::endpoint::{Endpoint, Reply};
use crate::naughty;

/// All of them on lines of their own, for what a server can say only once.
fn joined(texts: &[String]) -> String {
    texts.join("\n")
}

fn block(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// Results that hold every text in every field.
fn results(texts: &[String]) -> Value {
    let mut content: Vec<Value> = texts.iter().map(|text| block(text)).collect();
    for text in texts.iter().take(200) {
        content.push(json!({ "type": "resource_link", "uri": text, "name": text, "title": text, "description": text, "mimeType": text }));
        content.push(json!({ "type": "resource", "resource": { "uri": text, "mimeType": text, "text": text } }));
        content.push(json!({ "type": text, text: text }));
    }
    json!({ "content": content })
}

/// A notification for each text.
fn told(method: &str, params: impl Fn(&str) -> Value, texts: &[String]) -> Vec<String> {
    let line = |text: &String| {
        json!({ "jsonrpc": "2.0", "method": method, "params": params(text) }).to_string()
    };
    texts.iter().map(line).collect()
}

/// The script of the server, as TOML.
fn script(texts: &[String]) -> String {
    let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
    let all = joined(texts);
    let mut tools: Vec<Value> = ["do", "fail", "refuse", "ask"].map(tool).to_vec();
    tools.extend(texts.iter().map(|text| json!({
        "name": text, "title": text, "description": text, "annotations": { "title": text },
        "inputSchema": { "type": "object", "properties": { text.as_str(): { "type": "string", "description": text } } },
    })));
    let resources: Vec<Value> = texts.iter().map(|text| json!({ "uri": text, "name": text, "title": text, "description": text, "mimeType": text })).collect();
    let templates: Vec<Value> = texts
        .iter()
        .map(|text| json!({ "uriTemplate": text, "name": text, "description": text }))
        .collect();
    let mut prompts = vec![json!({ "name": "write" })];
    prompts.extend(texts.iter().map(|text| json!({ "name": text, "title": text, "description": text, "arguments": [{ "name": text, "description": text, "required": true }] })));
    let contents: Vec<Value> = texts
        .iter()
        .map(|text| json!({ "uri": text, "mimeType": "text/plain", "text": text }))
        .collect();
    let messages: Vec<Value> = texts
        .iter()
        .map(|text| json!({ "role": "user", "content": block(text) }))
        .collect();
    let mut lines = told(
        "notifications/message",
        |text| json!({ "level": "error", "logger": text, "data": text }),
        texts,
    );
    lines.extend(told(
        "notifications/message",
        |text| json!({ "level": text, "data": { text: [text] } }),
        texts,
    ));
    // Noise that is no message, too.
    lines.extend(
        texts
            .iter()
            .filter(|text| !text.contains(['\n', '\r']))
            .cloned(),
    );
    let progress: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| json!({ "progress": number, "total": 9999, "message": text }))
        .collect();
    let ask = json!({ "jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": {
        "message": all, "requestedSchema": { "type": "object", "properties": { "a": { "type": "string", "title": all, "description": all, "enum": texts } }, "required": ["a"] } } });
    let on = |rule: Value| rule;
    let script = json!({
        "capabilities": { "tools": {}, "resources": {}, "prompts": {}, "logging": {} },
        "tools": tools,
        "start": { "stderr": texts },
        "on": [
            on(json!({ "method": "initialize", "result": { "protocolVersion": "2025-11-25", "instructions": all,
                "capabilities": { "tools": {}, "resources": {}, "prompts": {}, "logging": {} },
                "serverInfo": { "name": all, "version": all, "title": all } } })),
            on(json!({ "method": "resources/list", "result": { "resources": resources } })),
            on(json!({ "method": "resources/templates/list", "result": { "resourceTemplates": templates } })),
            on(json!({ "method": "prompts/list", "result": { "prompts": prompts } })),
            on(json!({ "method": "resources/read", "result": { "contents": contents } })),
            on(json!({ "method": "prompts/get", "result": { "description": all, "messages": messages } })),
            on(json!({ "method": "tools/call", "tool": "do", "stdout": lines, "stderr": texts, "progress": progress, "result": results(texts) })),
            on(json!({ "method": "tools/call", "tool": "fail", "result": { "isError": true, "content": [block(&all)], "structuredContent": { "a": texts } } })),
            on(json!({ "method": "tools/call", "tool": "refuse", "error": { "code": -32000, "message": all, "data": texts } })),
            on(json!({ "method": "tools/call", "tool": "ask", "stdout": [ask.to_string()], "wait_for": "q", "result": { "content": [block("asked")] } })),
            on(json!({ "method": "logging/setLevel", "result": {} })),
        ],
    });
    toml::to_string(&script).expect("TOML")
}

/// The model: calls, and then an answer that is every text, one a fragment.
fn replies(texts: &[String]) -> Vec<Reply> {
    let arguments = json!({ "all": joined(texts) });
    let mut answer: Vec<Value> = texts
        .iter()
        .map(|text| {
            chunk(
                &json!({ "content": format!("{text}\n"), "reasoning_content": text }),
                None,
            )
        })
        .collect();
    answer.push(chunk(&json!({}), Some("stop")));
    vec![
        Reply::chunks(&calls("s__do", &arguments)),
        Reply::chunks(&calls("s__fail", &arguments)),
        Reply::chunks(&calls("s__refuse", &arguments)),
        Reply::chunks(&calls(&format!("s__{}", joined(texts)), &arguments)),
        Reply::chunks(&answer),
    ]
}

/// What is wrong with a run, whatever it printed.
fn wrong(what: &str, ran: &Ran) -> Vec<String> {
    let mut wrong = aftermath::text(&format!("{what}: stdout"), &ran.out);
    wrong.extend(aftermath::text(&format!("{what}: stderr"), &ran.err));
    if ran.out.is_empty() && ran.err.is_empty() {
        wrong.push(format!("{what}: nothing at all"));
    }
    if ran.code.is_none_or(|code| code > 4) {
        wrong.push(format!("{what}: exit code {:?}", ran.code));
    }
    wrong
}

/// Every exit of the server of [`script`].
fn exits(deck: &Deck, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let uri = "a://1";
    for args in [
        &["list"][..],
        &["list", "s"],
        &["list", "--json"],
        &["call", "s", "do", "--log-level", "debug"],
        &["call", "s", "do", "--json"],
        &["call", "s", "fail"],
        &["call", "s", "fail", "--json"],
        &["call", "s", "refuse"],
        &["call", "s", "refuse", "--json"],
        &["call", "s", "ask"],
        &["read", "s", uri],
        &["read", "s", uri, "--json"],
        &["prompt", "s", "write"],
        &["prompt", "s", "write", "--json"],
        &["list", "bodies"],
        &["list", "bodies", "--json"],
    ] {
        let ran = run::watched(deck.start(args)).ran;
        found.extend(wrong(&args.join(" "), &ran));
        if args.contains(&"--json") && args[0] != "call" {
            let parsed: Result<Value, _> = serde_json::from_str(&ran.out);
            found.extend(
                parsed
                    .err()
                    .map(|error| format!("{args:?}: {error}: {}", aftermath::tail(&ran.out))),
            );
        }
    }
    // JSON is escaped and not cleaned: whoever reads it gets what was said.
    let ran = run::watched(deck.start(&["call", "s", "do", "--json"])).ran;
    let value: Value = serde_json::from_str(&ran.out).unwrap_or_default();
    let content = value["content"].as_array().cloned().unwrap_or_default();
    for (text, block) in texts.iter().zip(&content) {
        if block["text"] != text.as_str() {
            found.push(format!("{text:?} became {block}"));
        }
    }
    if content.len() < texts.len() {
        found.push(format!("{} blocks of {}", content.len(), texts.len()));
    }
    found
}

/// What is written down and shown later: sessions, the record of calls, the log, and how the servers are.
fn records(deck: &Deck) -> Vec<String> {
    let mut found = Vec::new();
    let sessions = run::watched(deck.start(&["sessions", "list", "--json"])).ran;
    let listed: Value = serde_json::from_str(&sessions.out).unwrap_or_default();
    let all = listed["sessions"].as_array().cloned().unwrap_or_default();
    let ids: Vec<&str> = all.iter().filter_map(|one| one["id"].as_str()).collect();
    let mut runs: Vec<Vec<&str>> = vec![
        vec!["sessions", "list"],
        vec!["sessions", "list", "--json"],
        vec!["status"],
        vec!["status", "--json"],
        vec!["check"],
        vec!["check", "--json"],
        vec!["audit", "show"],
        vec!["logs"],
    ];
    for id in ids {
        runs.push(vec!["sessions", "show", id]);
        runs.push(vec!["sessions", "export", id, "--json"]);
    }
    for args in runs {
        let ran = run::watched(deck.start(&args)).ran;
        found.extend(wrong(&args.join(" "), &ran));
    }
    for path in aftermath::files(&deck.home.data_dir()) {
        let text = std::fs::read(deck.home.data_dir().join(&path)).unwrap_or_default();
        // A conversation is kept as it was, to be gone on with; it is no text for a terminal, `sessions show` is.
        let is_words = !path.starts_with("sessions")
            && path
                .extension()
                .is_some_and(|ext| ext == "log" || ext == "jsonl");
        if is_words {
            let text = String::from_utf8_lossy(&text);
            found.extend(aftermath::text(&path.display().to_string(), &text));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_naughty_text_goes_through_every_entry_and_every_exit() {
    let texts = naughty::all();
    assert!(texts.len() >= 300, "{} texts", texts.len());
    let all = joined(&texts);
    let bodies = Endpoint::start(move |_| {
        Reply::new(500, "text/plain", all.clone()).header("x-words", "plain")
    })
    .await;
    let queue = Mutex::new(Vec::new());
    let (again, steps) = (texts.clone(), replies(&texts));
    // Each run begins again with the first step.
    let model = Endpoint::start(move |seen| {
        let said = seen.body["messages"].as_array().map_or(0, |all| {
            all.iter().filter(|one| one["role"] == "assistant").count()
        });
        queue.lock().expect("no poison").push(said);
        steps[said.min(steps.len() - 1)].clone()
    })
    .await;
    let deck = Deck::new(&model_at(&model.base_url()));
    deck.scripted("s", &script(&again), "");
    deck.add(&format!(
        "[mcp_servers.bodies]\nurl = {}",
        quoted(&format!("{}/mcp", bodies.root()))
    ));
    let log = deck.home.path("wire.jsonl");
    let found = blocking(|| {
        let mut found = exits(&deck, &texts);
        for args in [
            &["ask", "--approve-all", "go"][..],
            &["ask", "--approve-all", "--json", "go"],
            &["ask", "go"],
        ] {
            let path = log.to_string_lossy();
            let args = [&["--wire-log", &*path], args].concat();
            let ran = run::watched(deck.start(&args)).ran;
            found.extend(wrong(&args[2..].join(" "), &ran));
        }
        found.extend(records(&deck));
        let written = std::fs::read_to_string(&log).expect("a wire log");
        for line in written.lines() {
            found.extend(aftermath::text("the wire log", line));
        }
        if written.lines().count() < texts.len() {
            found.push("the wire log is short".into());
        }
        found
    });
    assert_eq!(found, Vec::<String>::new());
}

/// The words of an endpoint that refuses.
#[tokio::test(flavor = "multi_thread")]
async fn naughty_errors_of_models_are_cleaned() {
    let texts = naughty::all();
    let bodies = [
        Reply::json(
            401,
            &json!({ "error": { "message": joined(&texts), "code": joined(&texts) } }),
        ),
        Reply::new(400, "text/plain", joined(&texts)),
        Reply::stream(format!(
            "data: {}\n\n",
            json!({ "error": { "message": joined(&texts) } })
        )),
        Reply::chunks(&calls(&joined(&texts), &json!({}))),
        Reply::chunks(&says(&joined(&texts))),
    ];
    let mut found = Vec::new();
    for body in bodies {
        let endpoint = Endpoint::with(vec![body, Reply::chunks(&says("done"))]).await;
        let deck = Deck::new(&model_at(&endpoint.base_url()));
        for args in [&["ask", "go"][..], &["ask", "--json", "go"]] {
            let ran = blocking(|| run::watched(deck.start(args))).ran;
            found.extend(wrong(args[1], &ran));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// The known-bad control: an exit that prints what it got fails the same check, for most of what is not plain.
#[test]
fn an_exit_that_prints_raw_text_is_caught() {
    let texts = naughty::all();
    let raw = |text: &String| {
        wrong(
            "raw",
            &Ran {
                code: Some(0),
                out: text.clone(),
                err: "x".into(),
            },
        )
    };
    let caught = texts.iter().filter(|text| !raw(text).is_empty()).count();
    assert!(caught >= 200, "{caught} of {} texts", texts.len());
}
