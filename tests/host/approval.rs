//! What runs, what asks, what is refused; and that what was asked is what is sent.

use mcpdeck::agent::model::Finish;
use mcpdeck::config::{AllowRule, ApprovePolicy, Config};
use mcpdeck::host::About;
use mcpdeck::host::Keep;
use mcpdeck::host::{Answer, CallEnd, Effect, Settings};
use mcpdeck::ids::CallId;
use proptest::prelude::*;

use crate::stage::*;

fn headless(approve: &[&str]) -> Settings {
    Settings {
        headless: true,
        approve: approve.iter().map(|&glob| glob.into()).collect(),
        ..Settings::default()
    }
}

fn rule(launch: &str) -> AllowRule {
    AllowRule {
        server: "other".into(),
        tool: "write".into(),
        launch: launch.into(),
    }
}

#[test]
fn only_a_bundled_servers_reads_run_freely() {
    for (name, runs) in [
        ("files__read", true),
        ("files__write", false),
        // Its own word that it only reads is a claim.
        ("other__read", false),
        ("other__write", false),
    ] {
        let mut stage = Stage::ready();
        let effects = stage.propose(vec![call(1, name, "{}")]);
        assert_eq!(sent(&effects).len(), usize::from(runs), "{name}");
        assert_eq!(stage.host.questions.len(), usize::from(!runs), "{name}");
    }
    let mut stage = Stage::ready();
    stage.propose(vec![call(1, "other__read", "{}")]);
    let about = About::Call {
        call: CallId(1),
        why: "it may change something".into(),
    };
    assert_eq!(stage.host.questions[0].about, about);
}

#[test]
fn the_configuration_may_ask_always_or_never_by_server_and_tool() {
    let mut files = bundled("files");
    files.approve = ApprovePolicy::Always;
    files
        .tool_approve
        .insert("write".into(), ApprovePolicy::Never);
    let mut stage = Stage::with(&config(vec![files]), Settings::default());
    let calls = vec![call(1, "files__read", "{}"), call(2, "files__write", "{}")];
    let effects = stage.propose(calls);
    assert_eq!(sent(&effects), [(2, "files".into(), "{}".into())]);
    assert_eq!(stage.host.questions.len(), 1);
}

#[test]
fn once_allows_one_call_alone() {
    let mut stage = Stage::ready();
    stage.propose(vec![
        call(1, "other__write", &path("a")),
        call(2, "other__write", &path("b")),
    ]);
    assert_eq!(stage.host.questions.len(), 2);
    let effects = stage.answer(1, Answer::Once);
    assert_eq!(sent(&effects), [(1, "other".into(), path("a"))]);
    assert_eq!(stage.host.questions.len(), 1);
    // The same answer twice changes nothing.
    assert_eq!(stage.answer(1, Answer::Once), []);
}

#[test]
fn for_this_session_settles_the_questions_that_it_covers() {
    let mut stage = Stage::ready();
    let calls = vec![
        call(1, "other__write", &path("a")),
        call(2, "other__read", "{}"),
        call(3, "other__write", &path("b")),
    ];
    stage.propose(calls);
    let effects = stage.answer(1, Answer::Session);
    let numbers: Vec<u64> = sent(&effects).iter().map(|(call, ..)| *call).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(stage.host.questions.len(), 1, "another tool still asks");
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Keep(Keep::Rule(_))))
    );
    stage.answer(2, Answer::No { reason: None });
    stage.outcome(1, answered("x"));
    let asked = stage.outcome(3, answered("x"));
    let effects = stage.model(
        stream(&asked),
        done(Finish::Stop, vec![call(4, "other__write", &path("c"))]),
    );
    assert_eq!(sent(&effects).len(), 1);
}

#[test]
fn always_is_written_down_bound_to_the_launch() {
    let mut stage = Stage::ready();
    stage.propose(vec![call(1, "other__write", "{}")]);
    let effects = stage.answer(1, Answer::Always);
    assert_eq!(effects[0], Effect::Keep(Keep::Rule(rule("serve a"))));
    assert_eq!(sent(&effects).len(), 1);
}

#[test]
fn a_rule_holds_for_its_launch_and_for_no_other() {
    for (launch, runs) in [("serve a", true), ("serve b", false), ("", false)] {
        let config = Config {
            allow: vec![rule(launch)],
            ..config(vec![foreign("other", &["a"])])
        };
        let mut stage = Stage::with(&config, Settings::default());
        let effects = stage.propose(vec![call(1, "other__write", "{}")]);
        assert_eq!(sent(&effects).len(), usize::from(runs), "{launch}");
    }
}

#[test]
fn a_no_reaches_the_model_with_its_reason() {
    let mut stage = Stage::ready();
    stage.propose(vec![
        call(1, "other__write", "{}"),
        call(2, "other__read", "{}"),
    ]);
    let reason = Some("use a copy".to_owned());
    assert_eq!(stage.answer(1, Answer::No { reason }), []);
    let request = request(&stage.answer(2, Answer::No { reason: None }));
    let said: Vec<_> = results(&request)
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(
        said,
        [
            "denied: the person refused this call and says: use a copy",
            "denied: the person refused this call"
        ]
    );
}

#[test]
fn without_a_terminal_what_would_ask_is_refused_and_nobody_is_quoted() {
    let config = config(vec![bundled("files"), foreign("other", &[])]);
    let mut stage = Stage::with(&config, headless(&[]));
    let request = request(&stage.propose(vec![call(1, "other__write", "{}")]));
    assert_eq!(
        results(&request)[0].1,
        "denied: not sent, because it needs approval and there is no terminal to ask on; \
         the person can allow it with --approve other.write"
    );
    assert!(matches!(stage.end(1), CallEnd::Refused { .. }));
    assert!(stage.host.questions.is_empty());
}

#[test]
fn globs_approve_by_server_and_tool() {
    for (glob, runs) in [
        ("other.write", true),
        ("other.*", true),
        ("*.write", true),
        ("*", true),
        ("other.read", false),
        ("write", false),
        ("files.*", false),
    ] {
        let config = config(vec![bundled("files"), foreign("other", &[])]);
        let mut stage = Stage::with(&config, headless(&[glob]));
        let effects = stage.propose(vec![call(1, "other__write", "{}")]);
        assert_eq!(sent(&effects).len(), usize::from(runs), "{glob}");
    }
}

#[test]
fn what_is_asked_is_what_is_sent_byte_for_byte() {
    for written in [
        "{ \"path\" :\n\t\"a\",  \"n\": 1.0, \"m\": 1e3, \"big\": 12345678901234567890123 }",
        "{\"path\":\"a\",\"path\":\"b\"}",
        "{\"z\":1,\"a\":{\"y\":[1, 2,3]},\"path\":\"\\u0061\\u202e\"}",
        "{\"n\":-0,\"path\":\"đ\"}",
        "  ",
    ] {
        let mut stage = Stage::ready();
        stage.propose(vec![call(1, "other__write", written)]);
        let question = stage.host.questions[0].clone();
        let asked = question.call().unwrap();
        let shown = stage.host.call(asked).unwrap().arguments.clone();
        let effects = stage.answer(1, Answer::Once);
        assert_eq!(sent(&effects), [(1, "other".to_owned(), shown.clone())]);
        assert_eq!(stage.call(1).arguments, shown);
        // What the driver makes of the line is the line again.
        let read: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&shown).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), shown);
    }
}

proptest! {
    #[test]
    fn whatever_a_model_writes_is_shown_as_it_is_sent(written in "\\{(\"[a-z]{1,3}\" ?: ?(-?[0-9]{1,30}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?|\"[^\"\\\\\\x00-\\x1f]{0,5}\"|true|null|\\[ *1 *\\]) ?, ?){0,4}\"q\":1\\}") {
        let mut stage = Stage::ready();
        stage.propose(vec![call(1, "other__read", &written)]);
        // A number that no one can hold is no JSON to us, and then nothing is asked.
        if let Some(question) = stage.host.questions.front() {
            let asked = question.call().unwrap();
        let shown = stage.host.call(asked).unwrap().arguments.clone();
            let effects = stage.answer(1, Answer::Once);
            prop_assert_eq!(sent(&effects), vec![(1, "other".to_owned(), shown.clone())]);
            let read: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&shown).unwrap();
            prop_assert_eq!(serde_json::to_string(&read).unwrap(), shown);
        }
    }
}

#[test]
fn a_server_that_went_while_it_was_asked_for_is_not_called() {
    let mut stage = Stage::ready();
    stage.propose(vec![call(1, "other__write", "{}")]);
    stage.server("other", ended(mcpdeck::mcp::failure::FailureKind::Exited));
    let effects = stage.answer(1, Answer::Once);
    assert_eq!(sent(&effects), []);
    assert!(
        results(&request(&effects))[0]
            .1
            .starts_with("error: not sent, because server `other` is down")
    );
}
