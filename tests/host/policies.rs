//! What stands between a call and its server: the breaker, the limits and their line, calls that are sent again, and what is kept.

use std::time::Duration;

use mcpdeck::agent::transcript::Level;
use mcpdeck::config::{Config, ServerSpec};
use mcpdeck::host::{CallEnd, CallState, Command, Effect, HostEvent, Settings};
use mcpdeck::ids::{CallId, Moment, TimerId};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::policy::breaker::BreakerState;
use mcpdeck::mcp::policy::retry::{SHORTEST, ceiling};
use mcpdeck::mcp::result::{CallOutcome, ToolResult};

use crate::stage::*;

fn stage(change: impl FnOnce(&mut ServerSpec)) -> Stage {
    let mut other = foreign("other", &["a"]);
    change(&mut other);
    Stage::with(&config_of(other), Settings::default())
}

fn config_of(other: ServerSpec) -> Config {
    config(vec![bundled("files"), other])
}

/// Calls a tool by hand; the number of the call and what came of that.
fn by_hand(stage: &mut Stage, server: &str, tool: &str, n: u32) -> (u64, Vec<Effect>) {
    let effects = stage.command(Command::Call {
        server: server.into(),
        tool: tool.into(),
        arguments: path(&n.to_string()),
    });
    (stage.host.calls.len() as u64, effects)
}

fn lost() -> CallOutcome {
    CallOutcome::Lost {
        why: "the pipe broke".into(),
    }
}

fn words(stage: &Stage, id: u64) -> String {
    mcpdeck::host::outcome::words(stage.end(id)).into_owned()
}

fn breaker(stage: &Stage) -> BreakerState {
    stage.host.server(&"other".into()).unwrap().breaker.state()
}

fn load(stage: &Stage, name: &str) -> (usize, usize) {
    let load = stage.host.server(&name.into()).unwrap().load;
    (load.running, load.waiting)
}

/// Lets the breaker of `other` open; gives its timer.
fn open(stage: &mut Stage) -> (TimerId, Duration) {
    let mut timer = None;
    for n in 0..5 {
        let (id, effects) = by_hand(stage, "other", "write", n);
        assert_eq!(sent(&effects).len(), 1, "{n}");
        timer = timers(&stage.outcome(id, lost())).first().copied();
    }
    timer.expect("a timer for the probe")
}

fn probes(effects: &[Effect]) -> usize {
    let is_probe = |effect: &&Effect| matches!(effect, Effect::Probe { .. });
    effects.iter().filter(is_probe).count()
}

#[test]
fn an_open_circuit_sends_nothing_and_says_what_else_there_is() {
    let mut stage = stage(|_| {});
    let (_, wait) = open(&mut stage);
    assert_eq!(wait, Duration::from_secs(5));
    stage.now = stage.now.plus(Duration::from_secs(2));
    let (id, effects) = by_hand(&mut stage, "other", "read", 9);
    assert_eq!(sent(&effects), []);
    assert_eq!(
        words(&stage, id),
        "error: not sent, because the transport of server `other` failed too often: circuit open, next try in 3 s; \
         do not retry, use the tools of `files` or answer"
    );
    let (_, effects) = by_hand(&mut stage, "files", "read", 9);
    assert_eq!(sent(&effects).len(), 1, "another server is another matter");
}

#[test]
fn one_probe_after_the_wait_lets_calls_through_and_the_first_decides() {
    let mut stage = stage(|_| {});
    let (timer, wait) = open(&mut stage);
    stage.now = stage.now.plus(wait);
    let effects = stage.tell(HostEvent::Timer(timer));
    assert_eq!(probes(&effects), 1);
    assert_eq!(breaker(&stage), BreakerState::Probing);
    let (id, effects) = by_hand(&mut stage, "other", "read", 1);
    assert_eq!(sent(&effects), [], "one probe and nothing beside it");
    assert!(words(&stage, id).contains("a try is under way"));
    stage.server("other", ServerEvent::Probed { millis: Some(3) });
    assert_eq!(breaker(&stage), BreakerState::Closed);
    let (id, effects) = by_hand(&mut stage, "other", "write", 2);
    assert_eq!(sent(&effects).len(), 1);
    let (_, again) = timers(&stage.outcome(id, lost()))[0];
    assert_eq!(again, Duration::from_secs(10), "it answers probes alone");
}

#[test]
fn a_probe_in_vain_doubles_the_wait_and_a_good_dial_closes_the_circuit() {
    let mut stage = stage(|_| {});
    let (timer, wait) = open(&mut stage);
    stage.now = stage.now.plus(wait);
    stage.tell(HostEvent::Timer(timer));
    let effects = stage.server("other", ServerEvent::Probed { millis: None });
    let waits: Vec<_> = timers(&effects).iter().map(|(_, wait)| *wait).collect();
    assert_eq!(waits, [Duration::from_secs(10)]);
    stage.command(Command::Restart("other".into()));
    stage.raise("other");
    assert_eq!(breaker(&stage), BreakerState::Closed);
    let (_, effects) = by_hand(&mut stage, "other", "write", 1);
    assert_eq!(sent(&effects).len(), 1);
}

#[test]
fn a_tool_that_fails_and_a_server_that_refuses_are_alive() {
    let mut stage = stage(|_| {});
    for n in 0..40 {
        let (id, effects) = by_hand(&mut stage, "other", "write", n);
        assert_eq!(sent(&effects).len(), 1, "{n}");
        let outcome = match n % 2 {
            0 => CallOutcome::Answered {
                result: ToolResult {
                    is_error: true,
                    ..ToolResult::text("no")
                }
                .into(),
            },
            _ => CallOutcome::Refused {
                code: -32602,
                message: "no".into(),
            },
        };
        stage.outcome(id, outcome);
    }
    assert_eq!(breaker(&stage), BreakerState::Closed);
}

#[test]
fn calls_beyond_those_at_a_time_wait_in_line_and_go_in_their_order() {
    let mut stage = stage(|other| other.policy.calls_at_once = 2);
    let numbers: Vec<_> = (0..5)
        .map(|n| (by_hand(&mut stage, "other", "write", n).1, n))
        .map(|(effects, _)| sent(&effects).len())
        .collect();
    assert_eq!(numbers, [1, 1, 0, 0, 0]);
    assert_eq!(load(&stage, "other"), (2, 3));
    let places: Vec<_> = (3..=5)
        .map(|id| match stage.call(id).state {
            CallState::Queued { place, .. } => place,
            _ => 0,
        })
        .collect();
    assert_eq!(places, [1, 2, 3]);
    // A server that is stuck delays no other.
    let (_, effects) = by_hand(&mut stage, "files", "read", 9);
    assert_eq!(sent(&effects).len(), 1);
    let effects = stage.outcome(2, answered("x"));
    assert_eq!(
        sent(&effects).iter().map(|of| of.0).collect::<Vec<_>>(),
        [3]
    );
    assert_eq!(load(&stage, "other"), (2, 2));
    assert!(matches!(
        stage.call(4).state,
        CallState::Queued { place: 1, .. }
    ));
}

#[test]
fn what_is_cancelled_in_line_is_never_sent() {
    let mut stage = stage(|other| other.policy.calls_at_once = 1);
    by_hand(&mut stage, "other", "write", 1);
    by_hand(&mut stage, "other", "write", 2);
    let effects = stage.command(Command::Interrupt);
    assert_eq!(sent(&effects), []);
    assert_eq!(stage.end(2), &CallEnd::Interrupted);
    assert_eq!(load(&stage, "other"), (0, 0));
    let (_, effects) = by_hand(&mut stage, "other", "write", 3);
    assert_eq!(sent(&effects).len(), 1, "its place is free again");
}

#[test]
fn calls_in_line_of_a_server_that_ends_are_said_not_to_be_sent() {
    let mut stage = stage(|other| other.policy.calls_at_once = 1);
    by_hand(&mut stage, "other", "write", 1);
    by_hand(&mut stage, "other", "write", 2);
    stage.server("other", ended(FailureKind::Exited));
    assert!(
        words(&stage, 2).starts_with("error: not sent, because server `other` is down"),
        "{}",
        words(&stage, 2)
    );
}

#[test]
fn calls_beyond_those_a_minute_wait_for_their_time() {
    let mut stage = stage(|other| other.policy.calls_per_minute = Some(2));
    for n in 1..=2 {
        let (id, effects) = by_hand(&mut stage, "other", "write", n);
        assert_eq!(sent(&effects).len(), 1);
        stage.outcome(id, answered("x"));
    }
    let (id, effects) = by_hand(&mut stage, "other", "write", 3);
    assert_eq!(sent(&effects), []);
    let (timer, wait) = timers(&effects)[0];
    assert!(wait > Duration::from_secs(59) && wait < Duration::from_secs(60));
    stage.now = stage.now.plus(wait);
    let effects = stage.tell(HostEvent::Timer(timer));
    assert_eq!(
        sent(&effects).iter().map(|of| of.0).collect::<Vec<_>>(),
        [id]
    );
}

#[test]
fn the_hard_limit_of_a_call_is_the_configured_one() {
    for (limit, expected) in [(None, (10, 100)), (Some(7), (7, 7)), (Some(30), (10, 30))] {
        let mut stage = stage(|other| other.policy.call_limit = limit.map(Duration::from_secs));
        let (_, effects) = by_hand(&mut stage, "other", "write", 1);
        let Some(Effect::Call {
            timeout, max_total, ..
        }) = effects.first()
        else {
            panic!("{effects:?}")
        };
        assert_eq!((timeout.as_secs(), max_total.as_secs()), expected);
    }
}

/// Loses the connection of `name` under the call, and lets the server come back. What was sent on the new connection.
fn come_back(stage: &mut Stage, name: &str, id: u64) -> Vec<u64> {
    stage.outcome(id, lost());
    let redial = timers(&stage.server(name, ended(FailureKind::Exited)));
    stage.now = stage.now.plus(Duration::from_secs(2));
    let mut effects = Vec::new();
    for (timer, _) in redial {
        effects.extend(stage.tell(HostEvent::Timer(timer)));
    }
    effects.extend(stage.raise(name));
    sent(&effects).iter().map(|of| of.0).collect()
}

#[test]
fn a_read_of_a_bundled_server_is_sent_again_when_that_is_back_twice_at_most() {
    let mut stage = stage(|_| {});
    let (id, _) = by_hand(&mut stage, "files", "read", 1);
    assert_eq!(come_back(&mut stage, "files", id), [id]);
    assert_eq!(stage.call(id).resent, 1);
    assert_eq!(come_back(&mut stage, "files", id), [id]);
    assert_eq!(come_back(&mut stage, "files", id), [0u64; 0]);
    assert!(words(&stage, id).starts_with("outcome unknown: the pipe broke"));
    assert_eq!(stage.notes(), [], "a read has changed nothing");
}

#[test]
fn nothing_else_is_sent_again_unless_the_person_says_so() {
    // Its own annotation says that it only reads; that is a hint and no permission.
    for (server, tool) in [("other", "read"), ("other", "write"), ("files", "write")] {
        let mut stage = stage(|_| {});
        let (id, _) = by_hand(&mut stage, server, tool, 1);
        assert_eq!(
            come_back(&mut stage, server, id),
            [0u64; 0],
            "{server}.{tool}"
        );
        assert!(words(&stage, id).starts_with("outcome unknown"));
        let (level, note) = stage.notes().pop().expect("a note");
        assert_eq!(level, Level::Warning);
        assert!(
            note.starts_with(&format!(
                "{server}.{tool}: outcome unknown, because the pipe broke"
            )),
            "{note}"
        );
    }
    let mut stage = stage(|other| other.policy.repeatable = vec!["write".into()]);
    let (id, _) = by_hand(&mut stage, "other", "write", 1);
    assert_eq!(come_back(&mut stage, "other", id), [id]);
}

#[test]
fn a_call_that_waits_to_be_sent_again_ends_with_its_server() {
    let mut stage = stage(|_| {});
    let (id, _) = by_hand(&mut stage, "files", "read", 1);
    stage.outcome(id, lost());
    stage.server("files", ended(FailureKind::Spawn));
    assert!(
        words(&stage, id).contains("did not come back in time"),
        "{}",
        words(&stage, id)
    );
    // Cancelled while it waits, it is not said never to have been sent.
    let mut stage = self::stage(|_| {});
    let (id, _) = by_hand(&mut stage, "files", "read", 1);
    stage.outcome(id, lost());
    stage.command(Command::Interrupt);
    assert!(words(&stage, id).starts_with("outcome unknown"));
}

#[test]
fn a_request_that_was_lost_alone_is_sent_again_on_the_same_connection_after_a_wait() {
    let mut stage = stage(|_| {});
    let (id, _) = by_hand(&mut stage, "files", "read", 1);
    let effects = stage.outcome(id, lost());
    let (timer, wait) = timers(&effects)[0];
    assert!(wait >= SHORTEST && wait <= ceiling(1), "{wait:?}");
    stage.now = stage.now.plus(wait);
    let effects = stage.tell(HostEvent::Timer(timer));
    assert_eq!(sent(&effects).len(), 1);
    stage.outcome(id, answered("x"));
    assert_eq!(words(&stage, id), "x");
}

#[test]
fn one_that_does_not_come_up_is_tried_again_but_where_a_script_waits_for_it() {
    let only = || config(vec![foreign("other", &[])]);
    let mut stage = Stage::cold(&only(), Settings::default());
    stage.start();
    let mut tries = 0;
    loop {
        let effects = stage.server("other", ended(FailureKind::Timeout));
        let Some((timer, wait)) = timers(&effects).first().copied() else {
            break;
        };
        tries += 1;
        assert!(wait >= SHORTEST && wait <= ceiling(tries), "{wait:?}");
        stage.now = stage.now.plus(wait);
        stage.tell(HostEvent::Timer(timer));
    }
    assert_eq!(tries, 4, "the fifth failure is the last");
    let settings = Settings {
        redials_at_start: false,
        ..Settings::default()
    };
    let mut stage = Stage::cold(&only(), settings);
    stage.start();
    assert_eq!(stage.server("other", ended(FailureKind::Timeout)), []);
}

#[test]
fn old_results_are_let_go_of_and_what_the_model_was_given_stays() {
    let mut stage = stage(|_| {});
    let long = "x".repeat(7 << 19);
    for n in 0..6 {
        let (id, _) = by_hand(&mut stage, "other", "write", n);
        stage.outcome(id, answered(&long));
    }
    let size = |id: u64| stage.call(id).result().expect("a result").as_text().len();
    let sizes: Vec<_> = (1..=6).map(|id| size(id) == long.len()).collect();
    assert_eq!(sizes, [false, false, false, true, true, true][..]);
    let short = stage.call(1).result().unwrap().as_text();
    assert!(
        short.starts_with("xxx") && short.ends_with("was let go of to save memory"),
        "{}",
        &short[short.len() - 100..]
    );
    assert!(short.len() < 200_000);
}

#[test]
fn of_very_many_long_results_all_together_stays_within_bounds() {
    let mut stage = stage(|_| {});
    for n in 0..300 {
        let (id, _) = by_hand(&mut stage, "other", "write", n);
        stage.outcome(id, answered(&format!("{n} {}", "word ".repeat(30_000))));
    }
    let text = |id: u64| stage.call(id).result().expect("a result").as_text();
    let all: usize = (1..=300).map(|id| text(id).len()).sum();
    assert!(all < 20 << 20, "{all} bytes");
    assert!(all > 12 << 20, "the newest are whole: {all} bytes");
    let first = text(1);
    assert!(first.starts_with("0 word"), "{first}");
    assert!(first.ends_with("was let go of to save memory"), "{first}");
    assert!(first.len() < 2_000, "{first}");
}

#[test]
fn a_look_is_a_tool_that_reads_with_what_the_call_has_in_common() {
    let mut stage = stage(|_| {});
    let (id, _) = by_hand(&mut stage, "other", "write", 7);
    stage.outcome(id, lost());
    let call = stage.call(id);
    assert!(stage.host.is_unknown(call));
    let look = stage.host.check_of(call).expect("a look");
    assert_eq!((look.tool.as_str(), look.arguments), ("read", path("7")));
    let (fine, _) = by_hand(&mut stage, "other", "write", 8);
    stage.outcome(fine, answered("x"));
    assert!(!stage.host.is_unknown(stage.call(fine)), "a control");
}

#[test]
fn late_words_of_a_call_in_line_change_nothing() {
    let mut stage = stage(|other| other.policy.calls_at_once = 1);
    by_hand(&mut stage, "other", "write", 1);
    by_hand(&mut stage, "other", "write", 2);
    let generation = stage.generation("other");
    let event = ServerEvent::Call(CallId(2), CallEvent::Finished(answered("no")));
    stage.server_of("other", generation, event);
    assert!(stage.call(2).end().is_none());
    assert!(stage.now > Moment(0));
}
