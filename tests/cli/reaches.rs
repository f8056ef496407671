//! What the protocol has and only a made-up server shows in both of its eras: folders, a page to visit, tasks, progress, changes.
//! Once by hand from a script, once by the agent; each looks at what went over the wire.

use serde_json::Value;

use crate::deck::{Deck, Ran, blocking, model_at, quoted, says};
use crate::endpoint::{Endpoint, Reply};
use crate::eras::{ERAS, PAGE, script};

/// What the agent is asked, and what it then does; a call's answer is what it says.
const AGENT: &str = r#"
opening = "o"
fallback = "nothing"
pace_ms = 0
[[reply]]
prompt = "folders"
[[reply.step]]
call = { tool = "s.folders", arguments = {} }
[[reply.step]]
say = "{{ results[0].text }}"
[[reply]]
prompt = "visit"
[[reply.step]]
call = { tool = "s.visit", arguments = {} }
[[reply.step]]
say = "{{ results[0].text }}"
[[reply]]
prompt = "task"
[[reply.step]]
call = { tool = "s.long", arguments = {} }
[[reply.step]]
say = "{{ results[0].text }}"
[[reply]]
prompt = "template"
[[reply.step]]
call = { tool = "s.hello", arguments = {} }
[[reply.step]]
call = { tool = "mcpdeck.list_resources", arguments = {} }
[[reply.step]]
say = "{{ results[1].text }}"
"#;

/// The server as `s` in one era, and a script for a model.
fn deck(era: &str) -> Deck {
    let deck = Deck::new("");
    let keys = format!("protocol = \"{era}\"\ntool_timeout_sec = 2\n");
    deck.scripted("s", &script(era), &keys);
    let agent = deck.home.write("agent.toml", AGENT);
    let agent = quoted(&agent.to_string_lossy());
    deck.add(&format!(
        "[model]\nprovider = \"scripted\"\nscript = {agent}"
    ));
    deck
}

/// Runs it, and gives what went out to the server besides.
fn logged(deck: &Deck, args: &[&str]) -> (Ran, String) {
    let log = deck.home.work().join("wire.jsonl");
    let _none_yet = std::fs::remove_file(&log);
    let ran = deck.run(&[&["--wire-log", "wire.jsonl"], args].concat());
    let text = std::fs::read_to_string(log).expect("the log");
    let records = text.lines().map(|line| {
        let record: Value = serde_json::from_str(line).expect("a line of JSON");
        record
    });
    let out = records.filter(|record| record["direction"] == "out");
    let texts: Vec<String> = out
        .map(|record| record["text"].as_str().unwrap_or_default().to_owned())
        .collect();
    (ran, texts.join("\n"))
}

/// The command of one of the ways: a tool by hand, or what the agent is asked.
fn command<'a>(way: &str, tool: &'a str, prompt: &'a str) -> [&'a str; 3] {
    match way {
        "call" => ["call", "s", tool],
        _ => ["ask", prompt, "--approve-all"],
    }
}

#[test]
fn roots_are_told_only_where_a_flag_names_them_in_both_eras() {
    roots("call");
}

#[test]
fn roots_are_told_to_a_call_of_the_agent_in_both_eras() {
    roots("ask");
}

#[track_caller]
fn roots(way: &str) {
    for era in ERAS {
        let deck = deck(era);
        let root = deck.home.work().to_string_lossy().into_owned();
        let args = command(way, "folders", "folders");
        let (ran, out) = logged(&deck, &[&args[..], &["--root", &root]].concat());
        let ran = ran.expect(0);
        assert!(ran.out.contains("it was answered"), "{era}: {ran}");
        assert!(out.contains(&format!("file://{root}")), "{era}: {out}");
        let (_, out) = logged(&deck, &args);
        assert!(!out.contains("file://"), "{era}: {out}");
    }
}

#[test]
fn a_page_is_shown_and_visited_only_by_a_flag_in_both_eras() {
    page("call");
}

#[test]
fn a_page_of_the_agents_call_is_visited_only_by_a_flag_in_both_eras() {
    page("ask");
}

#[track_caller]
fn page(way: &str) {
    for era in ERAS {
        let deck = deck(era);
        let args = command(way, "visit", "visit");
        let (ran, out) = logged(&deck, &[&args[..], &["--accept-urls"]].concat());
        let ran = ran.expect(0);
        assert!(ran.out.contains("it was answered"), "{era}: {ran}");
        assert!(ran.err.contains(PAGE), "{era}: {ran}");
        assert!(out.contains("\"accept\""), "{era}: {out}");
        let (_, out) = logged(&deck, &args);
        assert!(!out.contains("\"accept\""), "{era}: {out}");
    }
}

#[test]
fn a_task_runs_to_its_result_in_both_eras() {
    task("call");
}

#[test]
fn a_task_of_the_agent_runs_to_its_result_in_both_eras() {
    task("ask");
}

#[track_caller]
fn task(way: &str) {
    for era in ERAS {
        let (ran, out) = logged(&deck(era), &command(way, "long", "task"));
        let ran = ran.expect(0);
        assert!(ran.out.contains("the task is done"), "{era}: {ran}");
        assert!(out.contains("tasks/get"), "{era}: {out}");
    }
}

#[test]
fn progress_keeps_a_call_alive_in_both_eras() {
    for era in ERAS {
        let deck = deck(era);
        let ran = deck.run(&["call", "s", "steps"]).expect(0);
        assert_eq!(ran.out, "all the steps\n", "{era}");
        // The control: without progress the same limit ends a call.
        let ran = deck.run(&["call", "s", "slow"]).expect(3);
        assert_eq!(ran.out, "", "{era}");
    }
}

#[test]
fn templates_are_listed_in_both_eras() {
    for era in ERAS {
        let ran = deck(era).run(&["list", "s"]).expect(0);
        assert!(ran.out.contains("a://{number}"), "{era}: {ran}");
    }
}

#[test]
fn the_agent_is_told_of_templates_in_both_eras() {
    for era in ERAS {
        let args = ["ask", "template", "--approve-all"];
        let ran = deck(era).run(&args).expect(0);
        assert!(ran.out.contains("a://{number}"), "{era}: {ran}");
    }
}

#[test]
fn a_resource_is_watched_in_both_eras() {
    for era in ERAS {
        let ran = deck(era)
            .run(&["watch", "s", "a://1", "--count", "1"])
            .expect(0);
        assert_eq!(ran.out, "a://1\n", "{era}");
    }
}

#[test]
fn a_mentioned_resource_is_read_for_the_agent_in_both_eras() {
    for era in ERAS {
        let args = ["ask", "What says @s:a://1 to you?"];
        let (ran, out) = logged(&deck(era), &args);
        ran.expect(0);
        assert_eq!(out.matches("resources/read").count(), 1, "{era}: {out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_server_reach_the_model_in_both_eras() {
    for (era, method, hello) in [
        (
            "legacy",
            "initialize",
            r#"protocolVersion = "2025-11-25", serverInfo = { name = "s", version = "1" }"#,
        ),
        (
            "modern",
            "server/discover",
            r#"resultType = "complete", supportedVersions = ["2026-07-28"], ttlMs = 0, cacheScope = "private""#,
        ),
    ] {
        let endpoint = Endpoint::with(vec![Reply::chunks(&says("Well."))]).await;
        let deck = Deck::new(&model_at(&endpoint.base_url()));
        let script = format!(
            "era = \"{era}\"\n[[on]]\nmethod = \"{method}\"\n\
             result = {{ {hello}, capabilities = {{ tools = {{}} }}, instructions = \"Mind the gap.\" }}\n"
        );
        deck.scripted("s", &script, &format!("protocol = \"{era}\"\n"));
        blocking(|| deck.run(&["ask", "x"])).expect(0);
        let seen = endpoint.seen();
        let first = seen[0].body["messages"][0].to_string();
        assert!(first.contains("Mind the gap."), "{era}: {first}");
    }
}
