//! The time line of a call, and of a moment: what was said, decided, sent, heard and made of it, in its order.

use std::time::Duration;

use mcpdeck::agent::model::{Finish, ModelEvent};
use mcpdeck::host::trail::{From, Mark, Trail};
use mcpdeck::host::{Answer, Command, HostEvent, Settings};
use mcpdeck::ids::{CallId, Generation, Moment, Seq};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::fault::FaultKind;
use mcpdeck::mcp::result::CallOutcome;
use mcpdeck::mcp::wire::WireLog;
use mcpdeck::mcp::wire::record::{Direction, WireKind, WireRecord, classify};
use serde_json::json;

use crate::stage::*;

/// A stage with a wire.
struct Scene {
    stage: Stage,
    wire: WireLog,
    next: u64,
}

impl Scene {
    fn new(stage: Stage) -> Self {
        let wire = WireLog::default();
        Self {
            stage,
            wire,
            next: 0,
        }
    }

    /// Something passes on the wire of `other`, now.
    fn frame(&mut self, direction: Direction, text: &str) -> Seq {
        self.record(direction, classify(direction, text), text)
    }

    fn record(&mut self, direction: Direction, kind: WireKind, text: &str) -> Seq {
        self.next += 1;
        self.stage.now = self.stage.now.plus(Duration::from_millis(1));
        self.wire.push(WireRecord {
            seq: Seq(self.next),
            at: self.stage.now,
            server: "other".into(),
            generation: self.stage.generation("other"),
            direction,
            kind,
            bytes: text.len(),
            text: text.to_owned(),
            carried: None,
        });
        Seq(self.next)
    }

    /// The request of a call goes out, under this id.
    fn request(&mut self, call: u64, id: u64) -> Seq {
        let text = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": "write", "_meta": {"progressToken": id}}});
        let seq = self.frame(Direction::Out, &text.to_string());
        let request_id = id.to_string();
        let event = ServerEvent::Call(CallId(call), CallEvent::Sent { request_id });
        self.stage.server("other", event);
        seq
    }

    fn response(&mut self, id: u64) -> Seq {
        let text = json!({"jsonrpc": "2.0", "id": id, "result": {}});
        self.frame(Direction::In, &text.to_string())
    }

    fn trail(&self, from: From) -> Trail {
        let trail = Trail::of(&self.stage.host, &self.wire, from, self.stage.now);
        trail.expect("a time line")
    }

    fn rows(&self, from: From) -> Vec<String> {
        let trail = self.trail(from);
        let times: Vec<Moment> = trail.rows.iter().filter_map(|row| row.at).collect();
        assert!(times.is_sorted(), "{trail:#?}");
        let row = |row: &mcpdeck::host::trail::Row| format!("{} | {}", row.mark.word(), row.text);
        trail.rows.iter().map(row).collect()
    }

    fn by_hand(&mut self, tool: &str) -> u64 {
        self.stage.command(Command::Call {
            server: "other".into(),
            tool: tool.into(),
            arguments: path("语.md"),
        });
        self.stage.host.calls.len() as u64
    }
}

fn lost() -> CallOutcome {
    CallOutcome::Lost {
        why: "the pipe broke".into(),
    }
}

fn record_row(call: u64) -> String {
    format!("record | call {call} of this run; in the shell: mcpdeck audit show --call {call}")
}

#[test]
fn a_call_that_was_asked_approved_and_answered_is_on_one_line_with_its_frames() {
    let mut scene = Scene::new(Stage::ready());
    let asked = scene.stage.submit("write it, làm ơn");
    let stream = stream(&asked);
    let words = ModelEvent::Text("I write 🚀 now.".into());
    scene.stage.model(stream, words);
    let made = vec![call(1, "other__write", &path("a"))];
    scene.stage.model(stream, done(Finish::Stop, made));
    scene.stage.answer(1, Answer::Once);
    let request = scene.request(1, 7);
    scene.frame(Direction::Stderr, "opening a");
    let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress",
        "params": {"progressToken": 7, "progress": 3, "total": 10, "message": "half"}});
    let progress = scene.frame(Direction::In, &progress.to_string());
    // A probe of the same time is nobody's, and is told.
    scene.frame(
        Direction::Out,
        r#"{"jsonrpc":"2.0","id":8,"method":"ping"}"#,
    );
    scene.frame(Direction::In, r#"{"jsonrpc":"2.0","id":8,"result":{}}"#);
    let response = scene.response(7);
    scene.stage.outcome(1, answered("written"));
    let rows = scene.rows(From::Call(CallId(1)));
    let expected = [
        "you | write it, làm ơn",
        "model | I write 🚀 now.",
        "args | other.write {\"path\":\"a\"}",
        "asked | you were asked, because ",
        "decided | you said: yes, this once",
        "sent | given to the server on connection 1",
        "-> out | tools/call write, id 7, ",
        "stderr | opening a",
        "progress | 3 of 10: \"half\"",
        "-> out | ping, id 8, ",
        "<- in | answer to 8, ",
        "<- in | answer to 7, ",
        "result | ok in ",
        "to model | 7 B, all of it",
        &record_row(1),
    ];
    let expected = expected.map(|row| row.replace("\"half\"", "half"));
    assert_eq!(rows.len(), expected.len(), "{rows:#?}");
    for (row, expected) in rows.iter().zip(&expected) {
        assert!(row.starts_with(expected.as_str()), "{row} / {expected}");
    }
    // From each of its frames it is the same line, at that frame.
    for seq in [request, progress, response] {
        let trail = scene.trail(From::Record(seq));
        assert_eq!(trail.call, Some(CallId(1)));
        let start = trail.start.map(|at| trail.rows[at].seq);
        assert_eq!(start, Some(Some(seq)));
    }
}

#[test]
fn a_call_that_was_lost_is_sent_again_and_each_time_is_told() {
    let mut other = foreign("other", &[]);
    other.policy.repeatable = vec!["write".into()];
    let mut scene = Scene::new(Stage::with(&config(vec![other]), Settings::default()));
    let id = scene.by_hand("write");
    scene.request(id, 7);
    let effects = scene.stage.outcome(id, lost());
    let (timer, wait) = timers(&effects)[0];
    scene.stage.now = scene.stage.now.plus(wait);
    scene.stage.tell(HostEvent::Timer(timer));
    scene.request(id, 8);
    scene.response(8);
    scene.stage.outcome(id, answered("x"));
    let rows = scene.rows(From::Call(CallId(id)));
    let marks: Vec<&str> = rows
        .iter()
        .map(|row| row.split(" | ").next().unwrap())
        .collect();
    assert_eq!(
        marks,
        [
            "you", "args", "decided", "sent", "-> out", "again", "sent", "-> out", "<- in",
            "result", "to model", "record"
        ],
        "{rows:#?}"
    );
    assert!(
        rows[5].starts_with("again | the pipe broke; it is sent again in"),
        "{rows:#?}"
    );
    assert!(rows[6].ends_with("on connection 1, time 2"), "{rows:#?}");
    assert!(rows[4].ends_with("no answer"), "{rows:#?}");
    assert_eq!(
        rows[10],
        "to model | nothing: a call by hand is not shown to the model"
    );
}

#[test]
fn the_cache_is_told_where_it_missed_answered_or_shared() {
    let mut other = foreign("other", &[]);
    other
        .policy
        .cache
        .insert("read".into(), Duration::from_secs(60));
    let mut scene = Scene::new(Stage::with(&config(vec![other]), Settings::default()));
    let first = scene.by_hand("read");
    let shared = scene.by_hand("read");
    scene.stage.outcome(first, answered("x"));
    scene.stage.now = scene.stage.now.plus(Duration::from_secs(12));
    let kept = scene.by_hand("read");
    let cache = |id: u64| {
        let rows = scene.rows(From::Call(CallId(id)));
        let mut cache = rows.into_iter().filter(|row| row.starts_with("cache | "));
        cache.next().expect("a row on the cache")
    };
    assert_eq!(cache(first), "cache | miss: nothing is kept for it");
    assert_eq!(
        cache(shared),
        format!("cache | the equal call {first} is under way: its answer is this one's")
    );
    assert_eq!(cache(kept), "cache | hit: an answer that is 12 s old");
    let rows = scene.rows(From::Call(CallId(kept)));
    assert!(
        rows.iter()
            .any(|row| row == "result | ok, from the cache: x"),
        "{rows:#?}"
    );
    assert!(!rows.iter().any(|row| row.starts_with("sent")), "{rows:#?}");
}

#[test]
fn a_call_that_opens_the_circuit_says_so_and_the_next_one_that_it_is_held_back() {
    let other = foreign("other", &[]);
    let mut scene = Scene::new(Stage::with(&config(vec![other]), Settings::default()));
    let mut last = 0;
    for _ in 0..5 {
        last = scene.by_hand("write");
        scene.stage.outcome(last, lost());
    }
    let held = scene.by_hand("read");
    let marked = |id: u64| {
        let trail = scene.trail(From::Call(CallId(id)));
        let rows = trail
            .rows
            .into_iter()
            .filter(|row| row.mark == Mark::Breaker);
        rows.map(|row| row.text).collect::<Vec<_>>()
    };
    assert_eq!(marked(last).len(), 1);
    assert!(marked(last)[0].starts_with("this opened the circuit"));
    assert!(
        marked(held)[0].contains("circuit open, next try in 5 s"),
        "{:?}",
        marked(held)
    );
    assert_eq!(marked(1), Vec::<String>::new());
}

#[test]
fn a_denied_call_names_who_said_no_and_why_and_that_nothing_was_sent() {
    let mut scene = Scene::new(Stage::ready());
    scene
        .stage
        .propose(vec![call(1, "other__write", &path("a"))]);
    let reason = Some("chưa được".to_owned());
    scene.stage.answer(1, Answer::No { reason });
    let rows = scene.rows(From::Call(CallId(1)));
    assert!(
        rows.contains(&"decided | you said: no: chưa được".to_owned()),
        "{rows:#?}"
    );
    assert!(!rows.iter().any(|row| row.starts_with("sent")), "{rows:#?}");
}

#[test]
fn from_a_line_of_stderr_it_is_the_call_that_ran_and_the_others_are_named() {
    let mut scene = Scene::new(Stage::ready());
    let before = scene.frame(Direction::Stderr, "alone");
    scene.stage.now = scene.stage.now.plus(Duration::from_secs(5));
    let (one, two) = (scene.by_hand("write"), scene.by_hand("read"));
    scene.request(one, 1);
    scene.request(two, 2);
    let during = scene.frame(Direction::Stderr, "whose?");
    let answer = scene.response(1);
    scene.stage.outcome(one, answered("x"));
    let trail = scene.trail(From::Record(during));
    assert_eq!(
        (trail.call, trail.beside),
        (Some(CallId(two)), vec![CallId(one)])
    );
    // The other call's two frames are left out of it; the line is in both.
    assert_eq!(trail.left_out, 2);
    let of_one = scene.trail(From::Record(answer));
    assert_eq!(of_one.call, Some(CallId(one)));
    let has = |trail: &Trail| trail.rows.iter().any(|row| row.seq == Some(during));
    assert!(has(&of_one));
    // No call ran at that moment: what was around it.
    let alone = scene.trail(From::Record(before));
    assert_eq!(
        (alone.call, alone.rows.len(), alone.start),
        (None, 1, Some(0))
    );
    assert_eq!(
        Trail::of(
            &scene.stage.host,
            &scene.wire,
            From::Record(Seq(99)),
            Moment(0)
        ),
        None
    );
    assert_eq!(
        Trail::of(
            &scene.stage.host,
            &scene.wire,
            From::Call(CallId(99)),
            Moment(0)
        ),
        None
    );
}

#[test]
fn a_fault_of_the_lab_stands_at_the_frame_that_it_struck() {
    let mut scene = Scene::new(Stage::ready());
    let id = scene.by_hand("write");
    scene.request(id, 7);
    scene.response(7);
    let kind = WireKind::Fault {
        fault: FaultKind::Drop,
        id: Some("7".to_owned()),
    };
    let seq = scene.record(Direction::In, kind, "drop: never reached the host");
    let trail = scene.trail(From::Record(seq));
    let start = &trail.rows[trail.start.expect("the row")];
    assert_eq!((trail.call, start.mark), (Some(CallId(id)), Mark::Fault));
    assert!(start.bad);
}

#[test]
fn what_the_wire_has_let_go_is_still_told_by_the_host() {
    let mut scene = Scene::new(Stage::ready());
    let id = scene.by_hand("write");
    scene.request(id, 7);
    scene.wire = WireLog::default();
    scene.stage.outcome(id, answered("x"));
    let rows = scene.rows(From::Call(CallId(id)));
    let said = "-> out | its request 7; the frame is not kept any more".to_owned();
    assert!(rows.contains(&said), "{rows:#?}");
}

#[test]
fn an_id_of_an_earlier_connection_is_another_calls() {
    let mut scene = Scene::new(Stage::ready());
    let id = scene.by_hand("write");
    scene.request(id, 7);
    scene.stage.outcome(id, answered("x"));
    scene.stage.now = scene.stage.now.plus(Duration::from_secs(5));
    let seq = scene.response(7);
    let mut old = scene.wire.get(seq).expect("just pushed").clone();
    (old.seq, old.generation) = (Seq(50), Generation(9));
    scene.wire.push(old);
    assert_eq!(scene.trail(From::Record(seq)).call, Some(CallId(id)));
    assert_eq!(scene.trail(From::Record(Seq(50))).call, None);
}

#[test]
fn a_call_keeps_a_bound_of_steps_and_says_how_many_are_gone() {
    let mut scene = Scene::new(Stage::ready());
    let id = scene.by_hand("write");
    for n in 0..200 {
        scene.request(id, n);
    }
    let call = scene.stage.call(id);
    assert_eq!((call.steps.len(), call.steps_lost), (64, 138));
    let rows = scene.rows(From::Call(CallId(id)));
    assert!(
        rows.contains(&"waits | 138 more steps are not kept".to_owned()),
        "{rows:#?}"
    );
}
