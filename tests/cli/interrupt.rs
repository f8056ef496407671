//! Ctrl-C and SIGTERM: the program ends soon, the server is told, and the exit code names the signal.

use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::deck::{BIN, Deck, Ran, blocking, chunk, finished, model_at, quoted};
use crate::endpoint::{Endpoint, Gate, Reply};
use crate::eras::ERAS;

/// The promise is a second; the rest is for a machine that has much else to do.
const SOON: Duration = Duration::from_secs(3);

const SLOW: &str = "[[tools]]\nname = 'slow'\ninputSchema = { type = 'object' }\n\
                    [[on]]\nmethod = 'tools/call'\nstderr = ['at work']\nsilent = true\n";

/// A deck whose server `s` never answers a call, and whose stdin is also written to a file.
fn slow(era: &str) -> Deck {
    let deck = Deck::new("");
    let script = deck
        .home
        .write("s.script.toml", &format!("era = \"{era}\"\n{SLOW}"));
    let line = format!(
        "tee {} | {BIN} serve scripted {}",
        deck.home.work().join("heard").display(),
        script.display()
    );
    deck.add(&format!(
        "[mcp_servers.s]\ncommand = \"sh\"\nargs = [\"-c\", {}]\napprove = \"never\"\nprotocol = \"{era}\"\n",
        quoted(&line)
    ));
    deck
}

fn heard(deck: &Deck) -> String {
    std::fs::read_to_string(deck.home.work().join("heard")).unwrap_or_default()
}

/// Waits until the server has heard of a call.
fn wait_for_call(deck: &Deck) {
    let started = Instant::now();
    while !heard(deck).contains("tools/call") {
        assert!(started.elapsed() < Duration::from_secs(20), "no call came");
        std::thread::yield_now();
    }
}

/// Sends the signal and waits for the end, which must come soon.
#[track_caller]
fn end_by(signal: Signal, child: Child) -> Ran {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    let sent = Instant::now();
    kill_process(pid, signal).expect("a signal");
    let ran = finished(child);
    assert!(
        sent.elapsed() < SOON,
        "{:?} until the end\n{ran}",
        sent.elapsed()
    );
    ran
}

#[test]
fn test_cases_that_are_interrupted_leave_no_report() {
    let deck = slow("modern");
    let case = "server = 's'\n[[case]]\nname = 'waits'\ncall = 'slow'\n";
    deck.home.write("cases.toml", case);
    let child = deck.start(&["test", "cases.toml", "--junit", "out.xml"]);
    wait_for_call(&deck);
    assert!(deck.home.work().join("out.xml").exists());
    end_by(Signal::INT, child).expect(130);
    assert!(!deck.home.work().join("out.xml").exists());
}

#[test]
fn a_slow_call_by_hand_is_cancelled_in_both_eras() {
    for (signal, code, era) in [
        (Signal::INT, 130, "legacy"),
        (Signal::INT, 130, "modern"),
        (Signal::TERM, 143, "legacy"),
        (Signal::HUP, 129, "modern"),
    ] {
        let deck = slow(era);
        let child = deck.start(&["call", "s", "slow"]);
        wait_for_call(&deck);
        let ran = end_by(signal, child).expect(code);
        assert!(
            heard(&deck).contains("notifications/cancelled"),
            "{}",
            heard(&deck)
        );
        assert_eq!(
            (ran.out.as_str(), ran.err.as_str()),
            ("", "error: interrupted\n")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_the_model_is_cancelled_and_the_events_are_complete_in_both_eras() {
    let call = json!({
        "index": 0, "id": "call00001", "type": "function",
        "function": { "name": "s__slow", "arguments": "{}" },
    });
    let call = chunk(&json!({ "tool_calls": [call] }), Some("tool_calls"));
    for era in ERAS {
        let endpoint = Endpoint::with(vec![Reply::chunks(std::slice::from_ref(&call))]).await;
        let deck = slow(era);
        deck.add(&model_at(&endpoint.base_url()));
        let ran = blocking(|| {
            let child = deck.start(&["ask", "--json", "x"]);
            wait_for_call(&deck);
            end_by(Signal::INT, child)
        });
        let ran = ran.expect(130);
        assert!(
            heard(&deck).contains("notifications/cancelled"),
            "{}",
            heard(&deck)
        );
        let results = ran.of_type("tool_result");
        assert_eq!(results.len(), 1, "{ran}");
        assert_eq!(results[0]["outcome"], "cancelled", "{ran}");
        assert_eq!(ran.turn_end()["stop_reason"], "interrupted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_the_model_is_dropped() {
    let begin = format!(
        "data: {}\n\n",
        chunk(&json!({ "content": "Once upon" }), None)
    );
    for (signal, code, args) in [
        (Signal::INT, 130, &["ask", "--json", "x"][..]),
        (Signal::TERM, 143, &["ask", "x"]),
    ] {
        let gate = Gate::new();
        let endpoint = Endpoint::with(vec![Reply::stream(begin.clone()).then_wait(&gate)]).await;
        let deck = Deck::new(&model_at(&endpoint.base_url()));
        let child = deck.start(args);
        endpoint.wait_for_requests(1).await;
        let ran = blocking(|| end_by(signal, child)).expect(code);
        endpoint.wait_for_hang_ups(1).await;
        if args.contains(&"--json") {
            assert_eq!(ran.turn_end()["stop_reason"], "interrupted");
            assert_eq!(ran.of_type("error"), Vec::<serde_json::Value>::new());
        }
    }
}

#[test]
fn servers_that_are_still_starting_do_not_hold_it() {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    let told = deck.home.work().join("told");
    let line = format!("echo here > {}; exec sleep 60", told.display());
    deck.add(&format!(
        "[mcp_servers.s]\ncommand = \"sh\"\nargs = [\"-c\", {}]\n",
        quoted(&line)
    ));
    for args in [&["list"][..], &["ask", "x"], &["call", "s", "x"]] {
        let _gone = std::fs::remove_file(&told);
        let child = deck.start(args);
        let started = Instant::now();
        while !told.exists() {
            assert!(started.elapsed() < Duration::from_secs(20), "no server");
            std::thread::yield_now();
        }
        end_by(Signal::INT, child).expect(130);
    }
}
