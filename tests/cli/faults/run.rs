//! One fault of a server through the real binary, and what must hold after it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::aftermath;
use crate::deck::{Deck, Ran, chunk, model_at, says};
use crate::endpoint::{Endpoint, Reply};
use crate::until::until;

/// No run may take longer, whatever the fault.
const LIMIT: Duration = Duration::from_secs(100);
/// So many faults at a time: most of them wait.
const AT_ONCE: usize = 4;
/// What the issue gives a server's processes to be gone.
const GONE: Duration = Duration::from_secs(10);

/// A server that is well, beside the bad one.
const GOOD: &str = "[[tools]]\nname = 'echo'\ninputSchema = { type = 'object' }\n";

/// A fault and what is expected of it.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Its name, a sentence without its subject.
    pub name: String,
    /// Further keys of the server's table in `mcp.toml`.
    pub keys: String,
    /// The command instead of the scripted server; `{mcpdeck}` and `{script}` stand for their paths.
    pub command: Option<Vec<String>>,
    /// What it plays.
    pub script: String,
    /// The server does not come up, and this is what a person reads of it.
    pub away: Vec<String>,
    /// The server comes up, and `list` says this of it.
    pub lists: Vec<String>,
    /// What a person reads when the tool is called by hand.
    pub says: Vec<String>,
    /// The exit code of a call by hand.
    pub code: i32,
    /// How the agent's last call ends.
    pub ends: String,
    /// So many steps of the agent; 1 by default.
    pub calls: Option<u32>,
}

/// A run with what was seen of it while it lived.
#[derive(Debug)]
pub struct Seen {
    pub ran: Ran,
    /// The most memory that it held, in kB.
    pub peak: u64,
}

/// Starts it and reads it to its end, looking at its memory with each line that it prints.
pub fn watched(mut child: Child) -> Seen {
    let pid = child.id();
    let mut err = child.stderr.take().expect("stderr");
    let errs = std::thread::spawn(move || {
        let mut all = Vec::new();
        err.read_to_end(&mut all).expect("stderr");
        all
    });
    let (over, ended) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        // Over is when the sender goes, too.
        if ended.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            let _gone = kill_process(pid.expect("a pid"), Signal::KILL);
        }
    });
    let mut out = Vec::new();
    let mut peak = 0;
    let mut lines = BufReader::new(child.stdout.take().expect("stdout"));
    while lines.read_until(b'\n', &mut out).is_ok_and(|read| read > 0) {
        peak = peak.max(aftermath::memory(pid, "VmHWM").unwrap_or(0));
    }
    let err = errs.join().expect("stderr");
    let status = child.wait().expect("the end of mcpdeck");
    drop(over);
    watchdog.join().expect("the watchdog");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Seen {
        ran: Ran {
            code: status.code(),
            out: text(out),
            err: text(err),
        },
        peak,
    }
}

/// What every run must be, whatever happened.
pub fn aftermath(deck: &Deck, what: &str, ran: &Ran, code: i32) -> Vec<String> {
    let mut wrong = Vec::new();
    if ran.code != Some(code) {
        let (out, err) = (aftermath::tail(&ran.out), aftermath::tail(&ran.err));
        wrong.push(format!(
            "{what}: exit code {:?} instead of {code}\n--- stdout\n{out}\n--- stderr\n{err}",
            ran.code
        ));
    }
    wrong.extend(aftermath::text(&format!("{what}: stdout"), &ran.out));
    wrong.extend(aftermath::text(&format!("{what}: stderr"), &ran.err));
    wrong.extend(left_running(deck).map(|words| format!("{what}: {words}")));
    wrong
}

/// The records of the one `ask` of a deck: the audit tells the calls that the events tell, each sent one with its end, and the
/// session loads.
pub fn records(deck: &Deck, ran: &Ran) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = |text: &str| -> Vec<Value> {
        let parsed = text.lines().map(serde_json::from_str);
        parsed.filter_map(Result::ok).collect()
    };
    let calls = |lines: &[Value], key: &str, kind: &str| -> Vec<u64> {
        let of = lines.iter().filter(|line| line[key] == kind);
        let mut ids: Vec<u64> = of.filter_map(|line| line["call"].as_u64()).collect();
        ids.sort_unstable();
        ids
    };
    let events = lines(&ran.out);
    let told = calls(&events, "type", "tool_result");
    let file = deck.home.data_dir().join("audit/calls.jsonl");
    let audit = lines(&std::fs::read_to_string(&file).unwrap_or_default());
    let (sent, ended) = (
        calls(&audit, "event", "sent"),
        calls(&audit, "event", "ended"),
    );
    if ended != told || sent.iter().any(|call| !ended.contains(call)) {
        wrong.push(format!(
            "audit: {sent:?} sent and {ended:?} ended, told were {told:?}"
        ));
    }
    let sessions = deck.run(&["sessions", "list", "--json"]);
    let listed: Value = serde_json::from_str(&sessions.out).unwrap_or_default();
    let listed = listed["sessions"].as_array().cloned().unwrap_or_default();
    if sessions.code != Some(0) || listed.iter().any(|one| !one["trouble"].is_null()) {
        wrong.push(format!("the session does not load: {sessions}"));
    }
    if let Some(id) = events.last().and_then(|end| end["session"]["id"].as_str())
        && !listed.iter().any(|one| one["id"] == id)
    {
        wrong.push(format!("the session {id} is not there: {sessions}"));
    }
    wrong
}

/// What still runs of a deck after the time that it has to go.
fn left_running(deck: &Deck) -> Option<String> {
    let home = deck.home.path("");
    let now = || aftermath::processes(&home);
    if now().is_empty() {
        return None;
    }
    let mut left = Vec::new();
    let began = Instant::now();
    Handle::current().block_on(until("a look at the processes", GONE * 3, async || {
        left = now();
        left.is_empty() || began.elapsed() > GONE
    }));
    for (pid, _) in &left {
        // Not for the next case to trip over.
        let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw);
        let _gone = pid.map(|pid| kill_process(pid, Signal::KILL));
    }
    (!left.is_empty()).then(|| format!("still running: {left:?}"))
}

/// The steps of a model that calls the bad server and the good one, so many times, and then is done.
fn replies(steps: u32) -> Vec<Reply> {
    let step = |number: u32| {
        let call = |index: u32, name: &str| {
            json!({
                "index": index, "id": format!("call{number:03}{index:03}"), "type": "function",
                "function": { "name": name, "arguments": json!({ "n": number }).to_string() },
            })
        };
        let calls = [call(0, "bad__do"), call(1, "good__echo")];
        let delta = json!({ "role": "assistant", "tool_calls": calls });
        Reply::chunks(&[chunk(&delta, None), chunk(&json!({}), Some("tool_calls"))])
    };
    let steps = (1..=steps).map(step);
    steps.chain([Reply::chunks(&says("done"))]).collect()
}

/// How the agent fared: one end for each call, the good server as if nothing were wrong, and the answer came.
fn agent(fault: &Fault, ran: &Ran) -> Vec<String> {
    let mut wrong = Vec::new();
    let parsed: Result<Vec<Value>, _> = ran.out.lines().map(serde_json::from_str).collect();
    let Ok(events) = parsed else {
        return vec![format!(
            "ask: a line that is no JSON: {}",
            aftermath::tail(&ran.out)
        )];
    };
    let of = |kind: &'static str| events.iter().filter(move |event| event["type"] == kind);
    let mut ends: BTreeMap<u64, usize> = BTreeMap::new();
    for call in of("tool_call") {
        ends.insert(call["call"].as_u64().unwrap_or_default(), 0);
    }
    for result in of("tool_result") {
        *ends
            .entry(result["call"].as_u64().unwrap_or_default())
            .or_default() += 1;
    }
    let steps = fault.calls.unwrap_or(1);
    if ends.len() != 2 * steps as usize || ends.values().any(|count| *count != 1) {
        wrong.push(format!("ask: calls and how often they ended: {ends:?}"));
    }
    let good = of("tool_result").filter(|result| result["server"] == "good");
    let well = good
        .clone()
        .filter(|result| result["outcome"] == "ok")
        .count();
    if well != steps as usize {
        wrong.push(format!(
            "ask: the good server answered {well} times: {:?}",
            good.collect::<Vec<_>>()
        ));
    }
    let bad = of("tool_result").rfind(|result| result["server"] != "good");
    let outcome = bad
        .map(|result| result["outcome"].clone())
        .unwrap_or_default();
    let wanted = if fault.ends.is_empty() {
        "invalid"
    } else {
        &fault.ends
    };
    if outcome != wanted {
        let bad = aftermath::tail(&bad.map(Value::to_string).unwrap_or_default());
        wrong.push(format!(
            "ask: the call ended {outcome} and not {wanted:?}: {bad}"
        ));
    }
    let text: String = of("text")
        .filter_map(|event| event["delta"].as_str())
        .collect();
    if text != "done" || of("turn_end").count() != 1 {
        wrong.push(format!("ask: no answer: {}", aftermath::tail(&ran.out)));
    }
    wrong
}

/// What a person reads of it by hand.
fn by_hand(fault: &Fault, deck: &Deck) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut hand = |args: &[&str], code, words: &[String]| {
        let seen = watched(deck.start(args));
        wrong.extend(aftermath(deck, args[0], &seen.ran, code));
        for words in words {
            if !seen.ran.out.contains(words) && !seen.ran.err.contains(words) {
                let (out, err) = (
                    aftermath::tail(&seen.ran.out),
                    aftermath::tail(&seen.ran.err),
                );
                wrong.push(format!("{}: no {words:?} in\n{out}\n{err}", args[0]));
            }
        }
    };
    if !fault.away.is_empty() {
        hand(&["list", "bad"], 3, &fault.away);
        return wrong;
    }
    if !fault.lists.is_empty() {
        hand(&["list", "bad"], 0, &fault.lists);
    }
    hand(&["call", "bad", "do"], fault.code, &fault.says);
    wrong
}

/// Plays one fault. `table` is the server's table without its name; `calm` is the memory of a run without a fault.
fn play(fault: &Fault, table: &dyn Fn(&Deck, &Fault) -> String, calm: u64) -> (Vec<String>, u64) {
    let endpoint = Handle::current().block_on(Endpoint::with(replies(fault.calls.unwrap_or(1))));
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    deck.scripted("good", GOOD, "");
    let table = table(&deck, fault);
    deck.add(&format!("[mcp_servers.bad]\n{table}\n{}", fault.keys));
    let root = deck.home.path("");
    let before = aftermath::files(&root);
    let seen = watched(deck.start(&["ask", "--json", "--approve-all", "go"]));
    let mut wrong = aftermath(&deck, "ask", &seen.ran, 0);
    wrong.extend(agent(fault, &seen.ran));
    wrong.extend(records(&deck, &seen.ran));
    if calm > 0 && seen.peak > calm + aftermath::MOST_MEMORY {
        wrong.push(format!(
            "ask: {} MB at its most, {} MB without the fault",
            seen.peak / 1024,
            calm / 1024
        ));
    }
    wrong.extend(by_hand(fault, &deck));
    wrong.extend(aftermath::litter(&root, &before));
    (wrong, seen.peak)
}

/// Plays a table of faults, a few at a time, and fails with all that was wrong. Must be called inside a runtime.
pub fn play_all(faults: &[Fault], table: impl Fn(&Deck, &Fault) -> String + Sync) {
    let calm = Fault {
        name: "nothing is wrong".into(),
        ends: "ok".into(),
        ..Fault::default()
    };
    let healthy = |deck: &Deck, fault: &Fault| super::table::stdio(deck, fault);
    let (wrong, calm) = play(&calm, &healthy, 0);
    assert_eq!(wrong, Vec::<String>::new(), "without a fault");
    let only = std::env::var("MCPDECK_FAULT").unwrap_or_default();
    let wanted = |fault: &&Fault| fault.name.contains(&only);
    let queue = Mutex::new(faults.iter().filter(wanted));
    let failed = Arc::new(Mutex::new(Vec::new()));
    let runtime = Handle::current();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let _inside = runtime.enter();
                loop {
                    let next = queue.lock().expect("no poison").next();
                    let Some(fault) = next else {
                        return;
                    };
                    let began = Instant::now();
                    let (wrong, peak) = play(fault, &table, calm);
                    let (name, took) = (&fault.name, began.elapsed());
                    println!("{took:>8.1?} {:>5} MB  {name}", peak / 1024);
                    if !wrong.is_empty() {
                        let report = format!("=== {name}\n{}", wrong.join("\n"));
                        failed.lock().expect("no poison").push(report);
                    }
                }
            });
        }
    });
    let failed = failed.lock().expect("no poison");
    assert!(
        failed.is_empty(),
        "{} of {} faults:\n{}",
        failed.len(),
        faults.len(),
        failed.join("\n")
    );
}
