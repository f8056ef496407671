//! `--record`, and what is made of its file: `replay`, `compare`, `export`, `serve replay`, and the model that a recording plays.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::deck::{BIN, Deck, Ran};

const SECRET: &str = "hunter2-is-no-password";

/// A model that calls a tool and then answers.
const MODEL: &str = r#"
opening = "a script"
fallback = "I do not know"
pace_ms = 0

[[reply]]
prompt = "log me in"
when = ["log me in"]
[[reply.step]]
call = { tool = "s.login", arguments = { user = "ana", password = "opensesame" } }
on_error = "no"
[[reply.step]]
say = "You are in."
"#;

const TOOL: &str =
    "[[tools]]\nname = 'login'\ndescription = 'Logs in.'\ninputSchema = { type = 'object' }\n";

fn server(reply: &str) -> String {
    format!("[start]\nstderr = ['key {SECRET}']\n{TOOL}{reply}")
}

/// A scripted server whose environment holds a secret, called once, with `--record`.
fn called(deck: &Deck, file: &str, arguments: &[&str]) -> Ran {
    let args = [
        &["--record", file, "call", "--accept-tools=s", "s", "login"],
        arguments,
    ]
    .concat();
    deck.run(&args)
}

fn with_server(reply: &str) -> Deck {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    deck.scripted(
        "s",
        &server(reply),
        &format!("env = {{ API_TOKEN = \"{SECRET}\" }}"),
    );
    deck
}

fn text(deck: &Deck, file: &str) -> String {
    fs::read_to_string(deck.home.work().join(file)).expect("a file")
}

#[test]
fn a_recording_has_a_header_its_entries_in_order_and_no_secret() {
    let deck = with_server("");
    let ran = called(&deck, "r.jsonl", &["user=ana", "password=opensesame"]).expect(0);
    // The control: the server got the password, and echoed it.
    assert!(ran.out.contains("opensesame"), "{ran}");
    let path = deck.home.work().join("r.jsonl");
    let mode = fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = text(&deck, "r.jsonl");
    for secret in [SECRET, "opensesame"] {
        assert!(!text.contains(secret), "{secret:?} is in\n{text}");
    }
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(lines[0]["mcpdeck_recording"], 1);
    assert_eq!(lines[0]["kind"], "headless");
    assert_eq!(lines[0]["program"], env!("CARGO_PKG_VERSION"));
    for name in ["start", "command", "host", "wire", "end"] {
        assert!(
            lines.iter().any(|line| line.get(name).is_some()),
            "no {name} in {text}"
        );
    }
    assert!(
        text.contains("ana") && text.contains("tools/call"),
        "{text}"
    );
    assert!(lines.last().is_some_and(|last| last.get("end").is_some()));
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let deck = with_server("");
    deck.home.write("r.jsonl", "mine");
    let ran = called(&deck, "r.jsonl", &[]).expect(2);
    assert!(
        ran.err.contains("r.jsonl: the file is there already"),
        "{ran}"
    );
    assert!(ran.err.contains("hint: give a new file"), "{ran}");
    assert_eq!(text(&deck, "r.jsonl"), "mine");
    let ran = called(&deck, "no/such/r.jsonl", &[]).expect(2);
    assert!(
        ran.err
            .contains("cannot write the recording no/such/r.jsonl"),
        "{ran}"
    );
}

#[test]
fn a_file_that_was_cut_off_is_read_to_its_last_whole_line_and_a_bad_one_is_named() {
    let deck = with_server("");
    called(&deck, "r.jsonl", &["user=ana"]).expect(0);
    let whole = text(&deck, "r.jsonl");
    let ran = deck.run(&["replay", "r.jsonl", "--transcript"]).expect(0);
    assert!(ran.err.is_empty(), "nothing to say of a whole one: {ran}");

    let count = whole.lines().count();
    deck.home.write("cut.jsonl", &whole[..whole.len() - 7]);
    let ran = deck.run(&["replay", "cut.jsonl", "--transcript"]).expect(0);
    assert!(
        ran.err.contains(&format!("breaks off in line {count}")),
        "{ran}"
    );

    let mut lines: Vec<&str> = whole.lines().collect();
    lines[3] = "{\"at\":1,\"host\":{\"Nobody\":1}}";
    deck.home.write("bad.jsonl", &(lines.join("\n") + "\n"));
    let ran = deck.run(&["replay", "bad.jsonl", "--transcript"]).expect(2);
    assert!(
        ran.err.contains("line 4 is not as this version writes it"),
        "{ran}"
    );
    deck.home.write("other.jsonl", "{\"a\":1}\n");
    let ran = deck
        .run(&["replay", "other.jsonl", "--transcript"])
        .expect(2);
    assert!(
        ran.err.contains("line 1: this is no recording of mcpdeck"),
        "{ran}"
    );
    let ran = deck
        .run(&["export", "other.jsonl", "--format", "har"])
        .expect(2);
    assert!(
        ran.err
            .contains("line 1 is of no recording and no wire log"),
        "{ran}"
    );
    let ran = deck.run(&["replay", "none.jsonl"]).expect(2);
    assert!(ran.err.contains("none.jsonl: it cannot be read"), "{ran}");
}

#[test]
fn a_recorded_server_answers_as_then_and_says_what_it_never_heard() {
    let deck = with_server(
        "[[on]]\nmethod = 'tools/call'\ntimes = 1\nresult = { content = [{ type = 'text', text = 'first' }] }\n\
         [[on]]\nmethod = 'tools/call'\nresult = { content = [{ type = 'text', text = 'second' }] }\n",
    );
    called(&deck, "r.jsonl", &["user=ana", "password=opensesame"]).expect(0);
    let served = ["serve", "replay", "r.jsonl"].map(str::to_owned);
    let call = |id: u64, arguments: Value| {
        let params =
            json!({ "name": "login", "arguments": arguments, "_meta": { "progressToken": id } });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
    };
    let lines = [
        json!({ "id": "a", "method": "ping" }).to_string(),
        // The recorded password is a mask, which fits any.
        call(1, json!({ "password": "another", "user": "ana" })),
        call(2, json!({ "user": "ana", "password": "another" })),
        call(3, json!({ "user": "binh", "password": "x" })),
        json!({ "id": 4, "method": "prompts/get", "params": { "name": "p" } }).to_string(),
        "no JSON".to_owned(),
    ];
    let args: Vec<&str> = served.iter().map(String::as_str).collect();
    let ran = deck
        .run_with_stdin(&args, &(lines.join("\n") + "\n"))
        .expect(0);
    let said: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(said.len(), 6, "{ran}");
    assert_eq!(
        said[0],
        json!({ "jsonrpc": "2.0", "id": "a", "result": {} })
    );
    for (answer, id) in [(&said[1], 1), (&said[2], 2)] {
        assert_eq!(answer["id"], id);
        // One was recorded: it is given again.
        assert_eq!(answer["result"]["content"][0]["text"], "first", "{answer}");
    }
    assert_eq!(said[3]["error"]["code"], -32602);
    let message = said[3]["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("of the 1 recorded the nearest is"),
        "{message}"
    );
    assert_eq!(said[3]["error"]["data"]["params"]["name"], "login");
    assert_eq!(said[4]["error"]["code"], -32601);
    let message = said[4]["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("no prompts/get was recorded; what was is"),
        "{message}"
    );
    assert_eq!(said[5]["error"]["code"], -32700);

    let ran = deck
        .run(&["serve", "replay", "r.jsonl", "--server", "x"])
        .expect(2);
    assert!(ran.err.contains("no server `x` was recorded"), "{ran}");
    assert!(ran.err.contains("the recorded servers are s"), "{ran}");
}

#[test]
fn an_agent_runs_again_on_its_recording_alone_and_compare_finds_nothing() {
    let deck = Deck::demo();
    let prompt = "Find every `.py` file below here";
    let first = deck
        .run(&["--record", "one.jsonl", "ask", prompt])
        .expect(0);
    assert!(first.out.contains("9 files"), "{first}");
    fs::remove_dir_all(deck.home.work().join("demo")).expect("the demo's folder");

    let mut config =
        "roots = [\".\"]\n[model]\nprovider = \"replay\"\nrecording = \"one.jsonl\"\n".to_owned();
    for name in ["files", "shop", "crm"] {
        config.push_str(&format!(
            "[mcp_servers.{name}]\ncommand = {BIN:?}\nargs = [\"serve\", \"replay\", \"one.jsonl\", \"--server\", \"{name}\"]\napprove = \"never\"\n"
        ));
    }
    deck.home.write("again.toml", &config);
    let run = |args: &[&str]| {
        let args = [&["--config", "again.toml"], args].concat();
        let mut command = deck.home.command(BIN);
        crate::deck::ran(command.args(args).stdin(std::process::Stdio::null()))
    };
    let again = run(&["--record", "two.jsonl", "ask", prompt]).expect(0);
    assert_eq!(again.out, first.out);
    let transcript = |file: &str| run(&["replay", file, "--transcript"]).expect(0).out;
    assert_eq!(transcript("one.jsonl"), transcript("two.jsonl"));
    let same = run(&["compare", "one.jsonl", "two.jsonl"]).expect(0);
    assert!(same.out.contains("no difference"), "{same}");

    // Another question gets the recorded answer, and that it is another is said.
    let other = run(&["--record", "three.jsonl", "ask", "Anything else"]).expect(0);
    assert!(other.out.contains("9 files"), "{other}");
    let words = transcript("three.jsonl");
    assert!(
        words.contains("Request 1 is not the recorded one: another is the last message"),
        "{words}"
    );
    // The same by a flag, without a line in the configuration.
    fs::write(
        deck.home.work().join("again.toml"),
        config.replace("provider = \"replay\"\nrecording = \"one.jsonl\"", ""),
    )
    .expect("the configuration");
    let flag = run(&["--model-recording", "one.jsonl", "ask", prompt]).expect(0);
    assert_eq!(flag.out, first.out);
}

#[test]
fn where_no_session_runs_none_is_said_to_be_recorded() {
    let deck = with_server("");
    for args in [&["attach", "17"][..], &["config", "check"]] {
        let args = [&["--record", "r.jsonl"], args].concat();
        let ran = deck.run(&args).expect(2);
        assert!(ran.err.contains("--record keeps a session"), "{ran}");
    }
    assert!(!deck.home.work().join("r.jsonl").exists());
}

#[test]
fn what_differs_between_two_sessions_is_said_and_is_an_exit_code() {
    let answer = |text: &str| {
        format!(
            "[[on]]\nmethod = 'tools/call'\nresult = {{ content = [{{ type = 'text', text = '{text}' }}] }}\n"
        )
    };
    let deck = with_server(&answer("welcome"));
    called(&deck, "one.jsonl", &["user=ana"]).expect(0);
    called(&deck, "same.jsonl", &["user=ana"]).expect(0);
    let script = server(&answer("go away")).replace("Logs in.", "Logs in and sends mail.");
    deck.home.write("s.script.toml", &script);
    called(&deck, "two.jsonl", &["user=ana"]).expect(0);
    called(&deck, "three.jsonl", &["user=binh"]).expect(0);

    let same = deck.run(&["compare", "one.jsonl", "same.jsonl"]).expect(0);
    assert!(
        same.out
            .contains("no difference: the same tools, and 1 call with"),
        "{same}"
    );
    // Of tools that nobody listed it is not said that they are the same.
    let head = text(&deck, "one.jsonl");
    let head = head.lines().next().expect("a header");
    deck.home.write("head.jsonl", &format!("{head}\n"));
    let none = deck.run(&["compare", "head.jsonl", "head.jsonl"]).expect(0);
    assert!(
        none.out.contains("no difference: no tools to compare"),
        "{none}"
    );
    // A server that has lost all of them, and one that does not say.
    let list = |result: &str| {
        let script = format!("[[on]]\nmethod = 'tools/list'\n{result}\n");
        deck.home.write("s.script.toml", &script);
        let file = format!("{}.jsonl", result.len());
        deck.run(&["--record", &file, "list", "s"]).expect(0);
        deck.run(&["compare", "one.jsonl", &file]).expect(1).out
    };
    let lost = list("result = { tools = [] }");
    assert!(lost.contains("- s.login: gone"), "{lost}");
    let refused = list("error = { code = -32000, message = 'boom' }");
    assert!(
        refused.contains("~ server s\n  tools/list\n    was  answered\n    is   ")
            && refused.contains("boom")
            && !refused.contains("gone"),
        "{refused}"
    );
    let two = deck.run(&["compare", "one.jsonl", "two.jsonl"]).expect(1);
    for words in [
        "~ s.login",
        "{+ and sends mail+}",
        "result.content[0].text",
        "was  \"welcome\"",
        "is   \"go away\"",
        "Median times",
    ] {
        assert!(two.out.contains(words), "no {words:?} in {two}");
    }
    let three = deck
        .run(&["compare", "two.jsonl", "three.jsonl", "--json"])
        .expect(1);
    let value: Value = serde_json::from_str(&three.out).expect("JSON");
    assert_eq!(value["differs"], true);
    assert_eq!(value["tools"], json!([]));
    let sides: Vec<&Value> = value["calls"]
        .as_array()
        .expect("calls")
        .iter()
        .map(|c| &c["in"])
        .collect();
    assert_eq!(sides, ["old", "new"]);
}

/// A server with a prompt and a resource, and what it says of them.
fn offering(version: &str, prompt: &str, uri: &str, answer: &str) -> String {
    let on =
        |method: &str, result: &str| format!("[[on]]\nmethod = '{method}'\nresult = {result}\n");
    [
        "capabilities = { prompts = {}, resources = {} }\n".to_owned(),
        on(
            "initialize",
            &format!("{{ protocolVersion = '2025-11-25', serverInfo = {{ name = 's', version = '{version}' }}, capabilities = {{ prompts = {{}}, resources = {{}} }} }}"),
        ),
        on(
            "prompts/list",
            &format!("{{ prompts = [{{ name = 'greet', description = '{prompt}' }}] }}"),
        ),
        on(
            "prompts/get",
            &format!("{{ messages = [{{ role = 'user', content = {{ type = 'text', text = '{answer}' }} }}] }}"),
        ),
        on(
            "resources/list",
            &format!("{{ resources = [{{ uri = '{uri}', name = 'a' }}] }}"),
        ),
        on("resources/templates/list", "{ resourceTemplates = [] }"),
    ]
    .concat()
}

#[test]
fn prompts_resources_and_what_a_server_says_of_itself_are_compared_where_both_have_them() {
    let deck = with_server("");
    let keep = |script: String, file: &str, asked: &[&str]| {
        deck.home.write("s.script.toml", &script);
        let args = [&["--record", file], asked].concat();
        deck.run(&args).expect(0);
    };
    let one = offering("1", "Says hello.", "a:1", "Hello!");
    let two = offering("2", "Says goodbye.", "a:2", "Goodbye!");
    keep(one.clone(), "one.jsonl", &["list", "s"]);
    keep(one.clone(), "same.jsonl", &["list", "s"]);
    keep(two.clone(), "two.jsonl", &["list", "s"]);
    deck.run(&["compare", "one.jsonl", "same.jsonl"]).expect(0);
    let other = deck.run(&["compare", "one.jsonl", "two.jsonl"]).expect(1);
    for words in [
        "~ server s\n  serverInfo.version\n    was  \"1\"\n    is   \"2\"",
        "~ prompt s.greet\n  description\n    was  \"Says hello.\"",
        "- resource s.a:1: gone",
        "+ resource s.a:2: new",
    ] {
        assert!(other.out.contains(words), "no {words:?} in {other}");
    }
    let json = deck
        .run(&["compare", "one.jsonl", "two.jsonl", "--json"])
        .expect(1);
    let json: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json["offers"].as_array().map(Vec::len), Some(4), "{json}");

    // What was got counts as what was called does.
    keep(one, "got.jsonl", &["prompt", "s", "greet"]);
    keep(two, "got2.jsonl", &["prompt", "s", "greet"]);
    let got = deck.run(&["compare", "got.jsonl", "got2.jsonl"]).expect(1);
    assert!(
        got.out.contains("~ s prompt greet") && got.out.contains("is   \"Goodbye!\""),
        "{got}"
    );
}

#[test]
fn the_wire_is_exported_as_har_and_as_otlp_from_a_recording_and_from_a_wire_log() {
    let deck = with_server("");
    let args = [
        "--record",
        "r.jsonl",
        "--wire-log",
        "w.jsonl",
        "call",
        "s",
        "login",
        "user=ana",
    ];
    deck.run(&args).expect(0);
    for file in ["r.jsonl", "w.jsonl"] {
        let ran = deck.run(&["export", file, "--format", "har"]).expect(0);
        let har: Value = serde_json::from_str(&ran.out).expect("JSON");
        assert_eq!(har["log"]["version"], "1.2");
        let entries = har["log"]["entries"].as_array().expect("entries");
        let call = entries
            .iter()
            .find(|entry| entry["request"]["url"] == "mcp://s/tools/call?name=login")
            .unwrap_or_else(|| panic!("{har:#}"));
        assert_eq!(call["response"]["status"], 200);
        for entry in entries {
            holds_har(entry);
        }
        let ran = deck.run(&["export", file, "--format", "otlp"]).expect(0);
        let otlp: Value = serde_json::from_str(&ran.out).expect("JSON");
        let spans = &otlp["resourceSpans"][0]["scopeSpans"][0]["spans"];
        let spans = spans.as_array().expect("spans");
        let call = spans.iter().find(|span| span["name"] == "tools/call login");
        let call = call.unwrap_or_else(|| panic!("{otlp:#}"));
        let hex = |name: &str| call[name].as_str().unwrap_or_default().len();
        assert_eq!((hex("traceId"), hex("spanId")), (32, 16));
        let nanos = |name: &str| call[name].as_str().unwrap_or_default().parse::<u64>().ok();
        let (start, end) = (nanos("startTimeUnixNano"), nanos("endTimeUnixNano"));
        assert!(start.is_some() && start <= end, "{call}");
        assert_eq!(call["status"], json!({}));
    }
    deck.run(&["export", "r.jsonl", "--format", "har", "-o", "x.har"])
        .expect(0);
    assert!(text(&deck, "x.har").contains("\"creator\""));
    let ran = deck
        .run(&["export", "r.jsonl", "--format", "har", "-o", "x.har"])
        .expect(2);
    assert!(ran.err.contains("cannot write x.har"), "{ran}");
}

/// What HAR 1.2 says that each entry must have.
fn holds_har(entry: &Value) {
    for place in [
        "/startedDateTime",
        "/time",
        "/cache",
        "/timings/send",
        "/timings/wait",
        "/timings/receive",
        "/request/method",
        "/request/url",
        "/request/httpVersion",
        "/request/cookies",
        "/request/headers",
        "/request/queryString",
        "/request/headersSize",
        "/request/bodySize",
        "/request/postData/mimeType",
        "/request/postData/text",
        "/response/status",
        "/response/statusText",
        "/response/httpVersion",
        "/response/cookies",
        "/response/headers",
        "/response/content/size",
        "/response/content/mimeType",
        "/response/redirectURL",
        "/response/headersSize",
        "/response/bodySize",
    ] {
        assert!(entry.pointer(place).is_some(), "no {place} in {entry:#}");
    }
}

#[test]
fn a_headless_session_is_drawn_as_frames_too() {
    let deck = Deck::new("");
    let script = deck.home.write("model.toml", MODEL);
    deck.add(&format!(
        "[model]\nprovider = \"scripted\"\nscript = {script:?}\n"
    ));
    deck.scripted("s", &server(""), "approve = \"never\"");
    deck.run(&["--record", "r.jsonl", "ask", "log me in"])
        .expect(0);
    let ran = deck
        .run(&["replay", "r.jsonl", "--frames", "frames"])
        .expect(0);
    assert!(
        ran.err.contains("nobody saw them when it was recorded"),
        "{ran}"
    );
    let mut frames: Vec<_> = fs::read_dir(deck.home.work().join("frames"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    frames.sort();
    assert!(frames.len() > 5);
    let last = fs::read_to_string(frames.last().expect("a frame")).expect("a frame");
    assert!(last.contains("You are in."), "{last}");
    assert!(!last.contains("opensesame"), "{last}");
}

#[test]
fn a_difference_far_in_a_long_text_is_shown() {
    let deck = with_server("");
    for (file, end) in [("a.jsonl", '1'), ("b.jsonl", '2')] {
        let text = format!("{}{end}", "A".repeat(5000));
        let reply = format!(
            "[[on]]\nmethod = 'tools/call'\nresult = {{ content = [{{ type = 'text', text = '{text}' }}] }}\n"
        );
        deck.home.write("s.script.toml", &server(&reply));
        called(&deck, file, &[]).expect(0);
    }
    let ran = deck.run(&["compare", "a.jsonl", "b.jsonl"]).expect(1);
    assert!(
        ran.out.contains("AAA1\"\n") && ran.out.contains("AAA2\"\n"),
        "{ran}"
    );
    assert!(ran.out.len() < 1000, "{ran}");
}

/// A full disk is no success, and whoever has read enough is no error.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_to_stdout_is_told() {
    let deck = with_server("");
    called(&deck, "one.jsonl", &[]).expect(0);
    for args in [
        &["export", "one.jsonl", "--format", "har"][..],
        &["list", "s", "--json"],
        &["call", "s", "login"],
    ] {
        let full = fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("a full disk");
        let child = deck
            .command(args)
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn();
        let ran = crate::deck::finished(child.expect("mcpdeck")).expect(3);
        assert!(ran.err.contains("stdout could not be written"), "{ran}");
    }
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let child = deck
        .command(&["list", "s"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn();
    crate::deck::finished(child.expect("mcpdeck")).expect(0);
}
