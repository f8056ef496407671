//! What a run leaves behind: the record of calls, the log, the figures; and no secret in any of them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::deck::Deck;

const SECRET: &str = "hunter2-is-no-password";
const TOKEN: &str = "ghp_0123456789012345678901";

/// A server that answers, one that says that it failed, and one that ends in the middle of a call.
fn deck() -> Deck {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    let tools = "[[tools]]\nname = 'add'\ninputSchema = { type = 'object' }\n";
    let good = format!("[start]\nstderr = ['{TOKEN}']\n{tools}");
    deck.scripted(
        "good",
        &good,
        &format!("env = {{ API_TOKEN = \"{SECRET}\" }}"),
    );
    let bad = format!(
        "{tools}[[on]]\nmethod = 'tools/call'\nresult = {{ isError = true, content = [] }}\n"
    );
    deck.scripted("bad", &bad, "");
    let dies = format!("{tools}[[on]]\nmethod = 'tools/call'\nexit = 1\n");
    deck.scripted("dies", &dies, "");
    deck
}

/// Everything below the data folder, as one text.
fn data(deck: &Deck) -> String {
    let mut text = String::new();
    let mut folders = vec![deck.home.data_dir()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => text.push_str(&String::from_utf8_lossy(
                    &std::fs::read(path).expect("a file"),
                )),
            }
        }
    }
    text
}

fn calls(text: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text.lines().map(parse).collect()
}

#[test]
fn each_call_is_in_the_record_with_who_decided_and_what_came_of_it() {
    let deck = deck();
    let none = deck.run(&["audit", "verify"]).expect(0);
    assert_eq!(none.out, "there is no record yet: no call has been made\n");
    deck.run(&["call", "good", "add", &format!("key={SECRET}")])
        .expect(0);
    deck.run(&["call", "bad", "add"]).expect(1);
    deck.run(&["call", "dies", "add"]).expect(3);
    let shown = deck.run(&["audit", "show", "--json"]).expect(0);
    let seen: Vec<_> = calls(&shown.out)
        .iter()
        .map(|call| {
            let word = |name: &str| call[name].as_str().unwrap_or("-").to_owned();
            let sent = call["sent"].as_bool().expect("whether it was sent");
            (
                word("server"),
                word("outcome"),
                word("ruled_by"),
                word("error"),
                sent,
            )
        })
        .collect();
    let line = |server: &str, outcome: &str, by: &str, error: &str, sent| {
        let [server, outcome, by, error] = [server, outcome, by, error].map(str::to_owned);
        (server, outcome, by, error, sent)
    };
    assert_eq!(
        seen,
        [
            line("good", "ok", "hand", "-", true),
            line("bad", "error", "hand", "tool_error", true),
            line("dies", "outcome unknown", "hand", "outcome_unknown", true),
        ],
        "{shown}"
    );
    // Of three processes, one after the other: one chain.
    let verified = deck.run(&["audit", "verify"]).expect(0);
    // Each says that it opened the record, that it sent a call, and how that ended.
    assert!(verified.out.starts_with("whole: 9 lines"), "{verified}");
    let only = deck
        .run(&["audit", "show", "--server", "bad", "--since", "1h"])
        .expect(0);
    assert_eq!(only.out.lines().count(), 1, "{only}");
    assert!(
        only.out.contains("bad.add") && only.out.contains("error"),
        "{only}"
    );
    // By its number, as the time line in the terminal names it; of three runs, each counts from 1.
    let numbered = deck.run(&["audit", "show", "--call", "1"]).expect(0);
    assert_eq!(numbered.out.lines().count(), 3, "{numbered}");
    assert!(
        numbered.out.contains("made by hand as call 1;"),
        "{numbered}"
    );
    let none = deck.run(&["audit", "show", "--call", "2"]).expect(0);
    assert_eq!(none.out, "", "{none}");
    let csv = deck.run(&["audit", "export"]).expect(0);
    assert_eq!(csv.out.lines().count(), 4, "{csv}");
    assert!(csv.out.starts_with("time,run,call,by,server,"), "{csv}");
    let json = deck
        .run(&["audit", "export", "--json", "--server", "dies"])
        .expect(0);
    let json: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(1));
}

#[test]
fn a_changed_record_is_found_and_not_exported() {
    let deck = deck();
    deck.run(&["call", "good", "add"]).expect(0);
    deck.run(&["audit", "export"]).expect(0);
    let file = deck.home.data_dir().join("audit/calls.jsonl");
    let text = std::fs::read_to_string(&file).expect("the record");
    std::fs::write(&file, text.replace("\"tool\":\"add\"", "\"tool\":\"adD\"")).expect("a change");
    let verified = deck.run(&["audit", "verify"]).expect(1);
    assert!(
        verified.err.contains("the record is not whole"),
        "{verified}"
    );
    deck.run(&["audit", "export"]).expect(1);
    let shown = deck.run(&["audit", "show"]).expect(0);
    assert!(shown.err.contains("not as they were written"), "{shown}");
}

#[test]
fn a_record_that_cannot_be_written_is_said_and_the_call_is_made() {
    let deck = deck();
    std::fs::write(deck.home.data_dir().join("audit"), "in the way").expect("a file");
    let ran = deck.run(&["call", "good", "add"]);
    assert!(
        ran.err.contains("record of calls could not be written"),
        "{ran}"
    );
    assert!(!ran.out.is_empty(), "{ran}");
}

#[test]
fn the_log_tells_what_happened_and_holds_no_secret() {
    let deck = deck();
    let ran = deck
        .run(&[
            "call",
            "good",
            "add",
            &format!("key={SECRET}"),
            &format!("other={TOKEN}"),
        ])
        .expect(0);
    // The control: the server got both, and echoed them.
    assert!(ran.out.contains(SECRET) && ran.out.contains(TOKEN), "{ran}");
    let kept = data(&deck);
    for part in [
        "started",
        "configuration read",
        "state=\"ready\"",
        "call ended",
        "outcome=\"ok\"",
    ] {
        assert!(kept.contains(part), "no {part:?} in\n{kept}");
    }
    for secret in [SECRET, TOKEN] {
        assert!(!kept.contains(secret), "{secret:?} is in\n{kept}");
    }
    // Not to the terminal.
    assert!(!ran.err.contains("call ended"), "{ran}");
}

#[test]
fn the_level_of_the_log_is_the_persons() {
    for (level, variable, expected) in [
        ("off", None, false),
        ("off", Some("info"), true),
        ("info", Some("off"), false),
    ] {
        let deck = Deck::new(&format!(
            "[model]\nprovider = \"none\"\n[log]\nlevel = \"{level}\"\n"
        ));
        let mut command = deck.command(&["list"]);
        if let Some(variable) = variable {
            command.env("MCPDECK_LOG", variable);
        }
        assert!(command.output().expect("mcpdeck list").status.success());
        let logs = deck.home.data_dir().join("logs");
        assert_eq!(logs.exists(), expected, "{level} {variable:?}");
    }
    let deck = Deck::new("[log]\nlevel = \"loud\"\n");
    let ran = deck.run(&["list"]).expect(2);
    assert!(
        ran.err.contains("log.level") || ran.err.contains("`level`"),
        "{ran}"
    );
}

/// What a page is answered, head and all.
fn get(address: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the door");
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn the_figures_are_there_while_it_runs_for_this_machine_alone() {
    let deck = Deck::new("");
    deck.scripted(
        "slow",
        "[[tools]]\nname = 'wait'\ninputSchema = { type = 'object' }\n\
         [[on]]\nmethod = 'tools/call'\nstderr = ['called']\nsilent = true\n",
        "approve = \"never\"",
    );
    let script = "opening = 'x'\nfallback = 'x'\npace_ms = 0\n[[reply]]\nprompt = 'go'\n\
        [[reply.step]]\ncall = { tool = 'slow.wait', arguments = {} }\n\
        [[reply.step]]\nsay = 'done'\n";
    let script = deck.home.write("model.toml", script);
    deck.add(&format!(
        "[model]\nprovider = \"scripted\"\nscript = {script:?}"
    ));
    let mut child = deck.start(&["ask", "--json", "go", "--metrics", "0"]);
    let mut said = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let address = said.by_ref().map_while(Result::ok).find_map(|line| {
        Some(
            line.strip_prefix("metrics: http://")?
                .strip_suffix("/metrics")?
                .to_owned(),
        )
    });
    let address = address.expect("where the figures are");
    // Once the model has made its calls they are counted.
    let events = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let made = events
        .map_while(Result::ok)
        .find(|line| line.contains("slow.wait") || line.contains("\"wait\""));
    assert!(made.is_some());
    let page = get(&address, &address);
    child.kill().expect("its end");
    child.wait().expect("its end");
    for line in [
        "mcpdeck_client_server_up{server=\"slow\"} 1",
        "mcpdeck_client_server_tools{server=\"slow\"} 1",
        "mcpdeck_client_model_up 1",
        "mcpdeck_client_turns_total{reason=\"answered\"} 0",
        "# EOF",
    ] {
        assert!(page.contains(line), "no {line:?} in\n{page}");
    }
}

#[test]
fn an_address_for_others_has_to_be_meant() {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    let ran = deck.run(&["list", "--metrics", "0.0.0.0:0"]).expect(2);
    assert!(ran.err.contains("--metrics-any-host"), "{ran}");
    let ran = deck
        .run(&["list", "--metrics", "0.0.0.0:0", "--metrics-any-host"])
        .expect(0);
    assert!(ran.err.contains("other machines can read"), "{ran}");
    let ran = deck.run(&["list", "--metrics", "no address"]).expect(2);
    assert!(ran.err.contains("is no address"), "{ran}");
}

#[test]
fn a_served_server_has_metrics_by_the_same_flag_and_the_same_rule() {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    let serve = ["serve", "filesystem", "."];
    let with = |flags: &[&'static str]| deck.run(&[&serve, flags].concat()).expect(2).err;
    let pipe = with(&["--metrics", "0"]);
    assert!(pipe.contains("give it --http as well"), "{pipe}");
    let open = with(&["--http", "0", "--metrics", "0.0.0.0:0"]);
    assert!(open.contains("--metrics-any-host"), "{open}");
    let none = with(&["--http", "0", "--metrics", "no address"]);
    assert!(none.contains("is no address"), "{none}");
}
