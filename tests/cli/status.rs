//! `status` and `check`: verdicts, figures, true causes with one fix each, and the exit codes that CI goes by.

use std::io::{BufRead as _, BufReader};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::deck::{Deck, blocking, finished, model_at, quoted};
use crate::endpoint::{Endpoint, Reply};

const TOOL: &str = "[[tools]]\nname = 'echo'\ninputSchema = { type = 'object' }\n";
const ENDS: &str = "[start]\nstderr = ['reading', 'DB_URL missing']\nexit = 1\n";
const NO_MODEL: &str = "[model]\nprovider = \"none\"\n";

/// A server that is well, and one that lacks a variable.
fn mixed() -> Deck {
    let deck = Deck::new(NO_MODEL);
    deck.scripted("good", TOOL, "");
    deck.scripted("ends", ENDS, "");
    deck
}

fn by_name(lines: &[Value], name: &str) -> Value {
    let found = lines.iter().find(|line| line["server"] == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {lines:?}"))
        .clone()
}

#[test]
fn the_servers_are_a_table_of_figures_and_verdicts() {
    let ran = mixed().run(&["status"]).expect(3);
    let lines: Vec<&str> = ran.out.lines().collect();
    let head: Vec<&str> = lines[0].split_whitespace().collect();
    let names = [
        "server", "up", "p50", "p95", "errors", "tools", "tokens", "memory", "verdict",
    ];
    assert_eq!(head, names, "{ran}");
    assert!(
        lines[1].starts_with("good  ") && lines[1].ends_with("  healthy"),
        "{ran}"
    );
    assert!(
        lines[2].ends_with("stopped: exit 1 \"DB_URL missing\""),
        "{ran}"
    );
    // The last column begins where its name does: both words have seven letters.
    let wide = |line: &str| line.chars().count();
    assert_eq!(wide(lines[0]), wide(lines[1]), "{ran}");
    assert!(ran.err.contains("1 of 2 servers not well"), "{ran}");
    mixed().run(&["status", "good"]).expect(0);
    let none = Deck::new(NO_MODEL).run(&["status"]).expect(0);
    assert!(none.err.contains("no servers are configured"), "{none}");
}

#[test]
fn as_json_each_server_is_a_line_with_all_its_figures() {
    let ran = mixed().run(&["status", "--json"]).expect(3);
    let lines = ran.events();
    let good = by_name(&lines, "good");
    assert_eq!(
        (&good["state"], &good["grade"], &good["verdict"]),
        (&json!("ready"), &json!("healthy"), &json!("healthy"))
    );
    assert_eq!(
        (&good["latency_of"], &good["tools"]),
        (&json!("probes"), &json!(1))
    );
    assert!(good["latency"]["p95_ms"].is_number(), "{good}");
    assert!(good["tool_tokens"].as_u64() > Some(0), "{good}");
    if cfg!(target_os = "linux") {
        assert_eq!(good["processes"]["count"], 1, "{good}");
        assert!(
            good["processes"]["resident"].as_u64() > Some(1_000_000),
            "{good}"
        );
    }
    let ends = by_name(&lines, "ends");
    assert_eq!(
        (&ends["grade"], &ends["cause"]),
        (&json!("down"), &json!("down"))
    );
    assert_eq!(ends["failure"]["exit"], "exit code 1");
}

#[test]
fn a_watch_tells_each_change_on_a_line() {
    let deck = Deck::new(NO_MODEL);
    // The second time that it is asked it ends, and it comes back.
    let script = format!("{TOOL}[[on]]\nmethod = 'ping'\nexit = 4\n");
    deck.scripted("flaps", &script, "");
    let mut child = deck.start(&["status", "--watch"]);
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let mut next = || {
        let line = lines.next().expect("a further line").expect("a line");
        line.split_once("flaps  ").expect("its name").1.to_owned()
    };
    assert_eq!(next(), "healthy");
    assert!(next().starts_with("stopped: exit 4, next try in "));
    assert_eq!(next(), "healthy");
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("an id"), Signal::INT).expect("a signal");
    assert_eq!(finished(child).code, Some(130));
}

#[test]
fn a_watch_takes_over_an_edited_configuration_and_says_what_is_wrong_with_it() {
    let deck = Deck::new(NO_MODEL);
    deck.scripted("stays", TOOL, "");
    let mut child = deck.start(&["status", "--watch"]);
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let mut next = || lines.next().expect("a further line").expect("a line");
    let mut said = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let mut said = || said.next().expect("a further line").expect("a line");
    assert!(next().ends_with("  stays  healthy"));
    deck.scripted("comes", TOOL, "");
    assert_eq!(said(), "the configuration was read again");
    // The one that stays is not started anew, or it would be told again.
    assert!(next().ends_with("  comes  healthy"));
    deck.add("[mcp_servers.wrong");
    let error = said();
    assert!(
        error.starts_with("error: ") && error.contains("mcp.toml"),
        "{error}"
    );
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("an id"), Signal::INT).expect("a signal");
    assert_eq!(child.wait().expect("its end").code(), Some(130));
    assert!(lines.next().is_none(), "nothing else has changed");
}

#[test]
fn the_doctor_names_the_cause_and_one_fix_for_each() {
    let deck = mixed();
    deck.add("[mcp_servers.absent]\ncommand = \"no-such-program-here\"\n");
    deck.add("[mcp_servers.off]\ncommand = \"x\"\nenabled = false\n");
    deck.scripted("odd", "[[tools]]\nname = 'a'\ninputSchema = { type = 'object' }\n[[tools]]\ndescription = 'nameless'\n", "");
    let ran = deck.run(&["check"]).expect(3);
    for expected in [
        "ok      good    1 tool, answers in ",
        "failed  ends    ",
        "(exit code 1): DB_URL missing\n        fix: add `env_vars = [\"DB_URL\"]` to [mcp_servers.ends], and set `DB_URL` ",
        "failed  absent  the command `no-such-program-here` was not found",
        "–       off     switched off\n",
        "odd     odd     1 tool, answers in ",
        "–       model   switched off\n",
    ] {
        assert!(ran.out.contains(expected), "no {expected:?} in {ran}");
    }
    assert_eq!(ran.err, "");
    let fixes = ran
        .out
        .lines()
        .filter(|line| line.contains("fix: "))
        .count();
    assert_eq!(fixes, 3, "{ran}");
}

#[test]
fn the_doctor_is_content_without_a_model_that_nobody_configured() {
    let deck = Deck::new(NO_MODEL);
    deck.scripted("good", TOOL, "");
    let ran = deck.run(&["check"]).expect(0);
    assert!(ran.out.contains("–       model  switched off"), "{ran}");
    let json = deck.run(&["check", "--json"]).expect(0).json();
    assert_eq!(json["exit_code"], 0);
    assert_eq!(json["servers"][0]["outcome"], "ok");
    assert_eq!(json["model"]["outcome"], "skipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tries_the_model_that_is_configured() {
    let list = json!({ "object": "list", "data": [{ "id": "test", "object": "model" }] });
    let endpoint = Endpoint::with(vec![Reply::json(200, &list)]).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    let ran = blocking(|| deck.run(&["check"])).expect(0);
    assert!(
        ran.out.starts_with("ok      model  test at 127.0.0.1"),
        "{ran}"
    );
    assert!(
        endpoint
            .seen()
            .iter()
            .all(|request| request.path.ends_with("/models")),
        "it asks for the list alone"
    );

    let other = format!(
        "[model]\nbase_url = {}\nname = \"tset\"\n",
        quoted(&endpoint.base_url())
    );
    let ran = blocking(|| Deck::new(&other).run(&["check"])).expect(0);
    assert!(
        ran.out
            .contains("fix: set `name` in [model] to one of them: test"),
        "{ran}"
    );

    let refusal = json!({ "error": { "message": "no key" } });
    let endpoint = Endpoint::with(vec![Reply::json(401, &refusal)]).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    let ran = blocking(|| deck.run(&["check"])).expect(4);
    assert!(
        ran.out.contains("wants a key") && ran.out.contains("fix: set the variable"),
        "{ran}"
    );

    let deck = Deck::new(&model_at("http://127.0.0.1:1/v1"));
    let ran = blocking(|| deck.run(&["check"])).expect(4);
    assert!(ran.out.contains("fix: start the endpoint"), "{ran}");
    deck.scripted("ends", ENDS, "");
    blocking(|| deck.run(&["check"])).expect(3);
}

#[test]
fn a_change_of_verdict_is_an_event_of_ask() {
    let deck = Deck::new(NO_MODEL);
    deck.scripted("good", TOOL, "");
    deck.scripted("ends", ENDS, "");
    let ran = deck.run(&["ask", "--json", "x"]).expect(4);
    let expected = json!({
        "type": "verdict", "server": "ends", "grade": "down", "cause": "down",
        "words": "stopped: exit 1 \"DB_URL missing\"",
    });
    assert_eq!(
        ran.of_type("verdict"),
        [expected],
        "that one comes up well is no news"
    );
}
