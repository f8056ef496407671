//! What is written down of calls: who decided, why, what came of it, and never an argument.

use std::time::Duration;

use mcpdeck::config::ApprovePolicy;
use mcpdeck::host::{Answer, AuditRecord, Command, Ruler, Settings};
use mcpdeck::ids::CallId;
use mcpdeck::mcp::result::CallOutcome;

use crate::stage::{Stage, answered, bundled, call, config, foreign, path};

/// Of each line: the call, who ruled, the rule's words, and how it ended.
fn lines(stage: &Stage) -> Vec<(u64, Ruler, &str, Option<&str>)> {
    let line = |record: &AuditRecord| {
        let end = record.end.as_ref().map(|end| end.outcome.clone());
        (
            record.call.0,
            record.ruling.by,
            record.ruling.why.clone(),
            end,
        )
    };
    let lines: Vec<_> = stage.records.iter().map(line).collect();
    let leak = |text: String| -> &str { Box::leak(text.into_boxed_str()) };
    let lines = lines.into_iter();
    lines
        .map(|(call, by, why, end)| (call, by, leak(why), end.map(leak)))
        .collect()
}

#[test]
fn each_way_to_a_decision_is_written_down_with_its_reason() {
    let mut servers = vec![
        bundled("files"),
        foreign("other", &["a"]),
        foreign("open", &["b"]),
    ];
    servers[2].approve = ApprovePolicy::Never;
    let mut stage = Stage::with(&config(servers), Settings::default());
    stage.propose(vec![
        call(1, "files__read", &path("a")),
        call(2, "open__write", &path("b")),
        call(3, "other__write", &path("c")),
        call(4, "other__write", &path("d")),
        call(5, "files__write", &path("e")),
        call(6, "nowhere", "{}"),
    ]);
    stage.answer(1, Answer::Session);
    stage.answer(
        3,
        Answer::No {
            reason: Some("not now".into()),
        },
    );
    stage.outcome(1, answered("x"));
    stage.outcome(
        2,
        CallOutcome::Lost {
            why: "it ended".into(),
        },
    );
    stage.outcome(3, answered("y"));
    stage.outcome(4, answered("z"));
    let (policy, person, rule) = (Ruler::Policy, Ruler::Person, Ruler::Rule);
    let equal = "the person's answer to an equal question";
    let mut expected = vec![
        (1, policy, "a read of a bundled server", None),
        (2, policy, "approve = \"never\"", None),
        (
            6,
            Ruler::Mcpdeck,
            "it could not be sent as it was made",
            Some("invalid"),
        ),
        (3, person, "yes, for this session", None),
        (4, rule, equal, None),
        (5, person, "no: not now", Some("denied")),
        (1, policy, "a read of a bundled server", Some("ok")),
        (2, policy, "approve = \"never\"", Some("outcome unknown")),
        (3, person, "yes, for this session", Some("ok")),
        (4, rule, equal, Some("ok")),
    ];
    assert_eq!(lines(&stage), expected);
    // A rule that is known beforehand says so.
    stage.command(Command::Interrupt);
    stage.propose(vec![call(7, "other__write", &path("c"))]);
    expected.push((7, rule, "allowed for this session", None));
    assert_eq!(lines(&stage).last(), expected.last());
}

#[test]
fn a_line_holds_the_digest_of_what_was_sent_and_no_argument() {
    let mut stage = Stage::ready();
    stage.command(Command::Call {
        server: "other".into(),
        tool: "write".into(),
        arguments: "{ \"path\" : \"hunter2\" }".into(),
    });
    let sent = stage.call(1).arguments.clone();
    stage.outcome(
        1,
        CallOutcome::Refused {
            code: -32602,
            message: "hunter2 is no path".into(),
        },
    );
    let [begin, end] = &stage.records[..] else {
        panic!("{:?}", stage.records);
    };
    assert_eq!(begin.arguments, mcpdeck::chain::sha256(sent.as_bytes()));
    assert_eq!((begin.call, begin.by_model), (CallId(1), false));
    assert_eq!(begin.launch.as_deref(), Some("serve a"));
    assert_eq!(begin.ruling.by, Ruler::Hand);
    let ended = end.end.as_ref().expect("an end");
    assert_eq!((ended.outcome.as_str(), ended.sent), ("error", true));
    assert_eq!(ended.took, Duration::from_millis(1));
    assert_eq!(ended.error.as_deref(), Some("-32602"));
    assert!(
        !serde_json::to_string(&stage.records)
            .expect("JSON")
            .contains("hunter2")
    );
    // The control: the call itself holds it.
    assert!(sent.contains("hunter2"));
}

#[test]
fn a_question_that_nobody_answered_ends_as_undecided() {
    let mut stage = Stage::ready();
    stage.propose(vec![call(1, "other__write", &path("a"))]);
    assert_eq!(stage.records, []);
    stage.command(Command::Interrupt);
    assert_eq!(
        lines(&stage),
        [(
            1,
            Ruler::Mcpdeck,
            "it ended before it was decided",
            Some("interrupted")
        )]
    );
}
