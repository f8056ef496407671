//! Calls: found, checked, counted, ended once; results that are too long.

use std::path::PathBuf;

use mcpdeck::agent::model::Finish;
use mcpdeck::host::Keep;
use mcpdeck::host::{CallEnd, CallState, Command, Effect, HostEvent, StopReason, TurnState};
use mcpdeck::ids::{CallId, Generation};
use mcpdeck::mcp::event::{CallEvent, Progress, ServerEvent};
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::result::{CallOutcome, ToolResult};

use crate::stage::*;

fn first_result(effects: &[Effect]) -> String {
    results(&request(effects)).remove(0).1
}

#[test]
fn a_tool_that_there_is_not_comes_back_with_the_nearest() {
    for (name, says) in [
        (
            "files__raed",
            "error: not sent, because there is no tool `files__raed`; did you mean `files__read`?",
        ),
        ("zzz", "error: not sent, because there is no tool `zzz`"),
    ] {
        let mut stage = Stage::ready();
        let effects = stage.propose(vec![call(1, name, "{}")]);
        assert_eq!(first_result(&effects), says);
        assert_eq!(sent(&effects), []);
    }
}

#[test]
fn a_complaint_about_the_arguments_reaches_the_model() {
    for (written, says) in [
        ("{\"path\":", "the arguments are not valid JSON: EOF"),
        ("[1]", "the arguments must be a JSON object, not an array"),
        ("{\"path\":7}", "`path`: 7 is not of type \"string\""),
    ] {
        let mut stage = Stage::ready();
        let effects = stage.propose(vec![call(1, "files__read", written)]);
        let said = first_result(&effects);
        assert!(
            said.starts_with("error: not sent, because ") && said.contains(says),
            "{said}"
        );
        assert_eq!(sent(&effects), []);
    }
}

#[test]
fn a_tool_of_a_server_that_is_down_is_said_to_be_away() {
    let mut stage = Stage::ready();
    let asked = stage.submit("go");
    stage.server("other", ended(FailureKind::Exited));
    let effects = stage.model(
        stream(&asked),
        done(Finish::Stop, vec![call(1, "other__read", "{}")]),
    );
    let said = first_result(&effects);
    assert!(
        said.starts_with("error: not sent, because server `other` is down and will be tried again"),
        "{said}"
    );
}

#[test]
fn the_third_equal_call_is_not_run_then_no_tools_are_offered_then_the_turn_ends() {
    let mut stage = Stage::ready();
    let spelled = [
        "{\"path\":\"a\"}",
        "{ \"path\": \"a\" }",
        "{\"path\":\"\\u0061\"}",
    ];
    let mut effects = stage.propose(vec![call(1, "files__read", spelled[0])]);
    effects.extend(stage.outcome(1, answered("x")));
    let effects = stage.model(
        stream(&effects),
        done(Finish::Stop, vec![call(2, "files__read", spelled[1])]),
    );
    assert_eq!(sent(&effects).len(), 1);
    let effects = stage.outcome(2, answered("x"));
    // A different call beside it runs.
    let calls = vec![
        call(3, "files__read", spelled[2]),
        call(4, "files__read", &path("b")),
    ];
    let effects = stage.model(stream(&effects), done(Finish::Stop, calls));
    assert_eq!(sent(&effects), [(4, "files".into(), path("b"))]);
    assert_eq!(*stage.end(3), CallEnd::Repeated { times: 3 });
    let effects = stage.outcome(4, answered("b"));
    let hushed = request(&effects);
    assert_eq!(hushed.tools, []);
    assert_well_formed(&hushed);
    let seen = format!("{:?}", hushed.messages);
    assert!(
        !seen.contains("times in a row"),
        "it is not told to stop, it just has nothing to repeat: {seen}"
    );
    let effects = stage.model(
        stream(&effects),
        done(Finish::Stop, vec![call(5, "files__read", &path("c"))]),
    );
    assert_eq!(effects, []);
    assert!(matches!(stage.end(5), CallEnd::Invalid { .. }));
    assert_eq!(stage.host.stopped, Some(StopReason::Repeated));
    let next = request(&stage.submit("other words"));
    assert_well_formed(&next);
    assert_eq!(next.tools.len(), 4, "a new turn is offered everything");
}

#[test]
fn the_same_wrong_call_is_counted_too_and_another_between_starts_anew() {
    let mut stage = Stage::ready();
    let mut effects = stage.propose(vec![
        call(1, "nothing", "{}"),
        call(2, "nothing", "{}"),
        call(3, "files__read", "{}"),
        call(4, "nothing", "{}"),
    ]);
    effects.extend(stage.outcome(3, answered("x")));
    let effects = stage.model(
        stream(&effects),
        done(
            Finish::Stop,
            vec![call(5, "nothing", "{}"), call(6, "nothing", "{}")],
        ),
    );
    assert!(matches!(stage.end(5), CallEnd::Invalid { .. }));
    assert_eq!(*stage.end(6), CallEnd::Repeated { times: 3 });
    assert_eq!(request(&effects).tools, []);
}

#[test]
fn a_long_result_is_cut_for_the_model_and_saved_whole() {
    let mut stage = Stage::ready();
    stage.propose(vec![call(1, "files__read", "{}")]);
    let long = format!("HEAD{}TAIL", "x".repeat(400_000));
    let effects = stage.outcome(1, answered(&long));
    let file = PathBuf::from("results/call-1.txt");
    let save = Effect::Keep(Keep::Result {
        call: CallId(1),
        path: file.clone(),
        text: long.clone(),
    });
    assert_eq!(effects[0], save);
    let said = first_result(&effects);
    assert!(said.starts_with("HEAD") && said.ends_with("TAIL") && said.len() < 110_000);
    assert!(said.contains("the whole result is in results/call-1.txt"));
    // Without the file, nobody is sent there.
    stage.tell(HostEvent::SaveFailed {
        call: Some(CallId(1)),
        why: "disk full".into(),
    });
    assert_eq!(stage.call(1).saved_to, None);
    assert_eq!(stage.notes()[0].1, "disk full");
    let effects = stage.model(
        stream(&effects),
        done(Finish::Stop, vec![call(2, "files__read", &path("b"))]),
    );
    assert_eq!(sent(&effects).len(), 1);
    let said = first_result(&stage.outcome(2, answered("short")));
    assert!(said.contains("bytes left out") && !said.contains("call-1.txt"));
}

#[test]
fn the_words_of_progress_are_kept_in_order_each_once_and_never_without_end() {
    let mut stage = Stage::ready();
    stage.propose(vec![call(1, "files__read", "{}")]);
    let mut say = |words: Option<&str>| {
        let progress = Progress {
            done: 1.0,
            total: None,
            message: words.map(str::to_owned),
        };
        let event = ServerEvent::Call(CallId(1), CallEvent::Progress(progress));
        stage.server("files", event);
        stage.call(1).messages.clone()
    };
    let mut said = say(Some("one"));
    for words in [Some("one"), None, Some(" "), Some("two"), Some("one")] {
        said = say(words);
    }
    let texts: Vec<&str> = said.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["one", "two", "one"]);
    for number in 0..300 {
        said = say(Some(&format!("{number}{}", "x".repeat(5_000))));
    }
    assert_eq!(said.len(), 200, "the newest ones");
    assert!(
        said.back()
            .is_some_and(|last| last.text.starts_with("299x"))
    );
    assert!(
        said.iter()
            .all(|message| message.text.chars().count() <= 2_000)
    );
}

#[test]
fn progress_and_the_wire_id_belong_to_the_running_call() {
    let mut stage = Stage::ready();
    stage.propose(vec![call(1, "files__read", "{}")]);
    let progress = Progress {
        done: 1.0,
        total: Some(2.0),
        message: None,
    };
    let about = |event| ServerEvent::Call(CallId(1), event);
    stage.server(
        "files",
        about(CallEvent::Sent {
            request_id: "7".into(),
        }),
    );
    stage.server("files", about(CallEvent::Progress(progress.clone())));
    assert_eq!(stage.call(1).request_id.as_deref(), Some("7"));
    assert_eq!(stage.call(1).progress, Some(progress));
    stage.outcome(1, answered("x"));
    let before = stage.host.clone();
    for event in [
        CallEvent::Progress(Progress {
            done: 2.0,
            total: None,
            message: Some("late".into()),
        }),
        CallEvent::Finished(answered("y")),
        CallEvent::Sent {
            request_id: "8".into(),
        },
    ] {
        assert_eq!(stage.server("files", about(event)), [], "a call ends once");
    }
    assert_eq!(
        stage.server(
            "files",
            ServerEvent::Call(CallId(99), CallEvent::Finished(answered("y")))
        ),
        []
    );
    assert_eq!(stage.host, before);
}

#[test]
fn a_call_ends_by_its_own_connection_whatever_became_of_the_server() {
    for command in [
        Command::Restart("files".into()),
        Command::Disable("files".into()),
    ] {
        let mut stage = Stage::free();
        stage.propose(vec![call(1, "files__write", "{}")]);
        stage.command(command.clone());
        assert!(
            matches!(stage.call(1).state, CallState::Running { .. }),
            "until it is reported"
        );
        let lost = CallOutcome::Lost {
            why: "closed".into(),
        };
        let effects = stage.server_of(
            "files",
            Generation(1),
            ServerEvent::Call(CallId(1), CallEvent::Finished(lost.clone())),
        );
        assert_eq!(*stage.end(1), CallEnd::Outcome { outcome: lost });
        assert!(
            first_result(&effects).starts_with("outcome unknown: closed"),
            "{command:?}"
        );
    }
}

#[test]
fn the_end_of_a_connection_ends_the_calls_that_it_still_owes() {
    for was_sent in [true, false] {
        for command in [
            None,
            Some(Command::Restart("files".into())),
            Some(Command::Disable("files".into())),
        ] {
            let mut stage = Stage::free();
            stage.propose(vec![call(1, "files__write", "{}")]);
            if was_sent {
                stage.server(
                    "files",
                    ServerEvent::Call(
                        CallId(1),
                        CallEvent::Sent {
                            request_id: "7".into(),
                        },
                    ),
                );
            }
            // One that is started anew is expected back: what it offered stays on offer, and a call waits for it.
            let is_expected = matches!(command, Some(Command::Restart(_)));
            if let Some(command) = command {
                stage.command(command);
            }
            let effects = stage.server_of("files", Generation(1), ended(FailureKind::Exited));
            let CallEnd::Outcome { outcome } = stage.end(1) else {
                panic!("{:?}", stage.end(1))
            };
            assert_eq!(outcome.is_unknown(), was_sent, "{outcome:?}");
            // The next request does not offer what is gone.
            let request = request(&effects);
            let mut offered = request.tools.iter();
            let is_offered = offered.any(|tool| tool.name.starts_with("files__"));
            assert_eq!(is_offered, is_expected);
            let is_said = last_user(&request).contains("server `files`");
            assert_eq!(is_said, !is_expected, "{request:?}");
        }
    }
}

#[test]
fn a_call_by_hand_asks_nobody_and_the_model_sees_none_of_it() {
    let mut stage = Stage::ready();
    let by_hand = |tool: &str, arguments: &str| Command::Call {
        server: "other".into(),
        tool: tool.into(),
        arguments: arguments.into(),
    };
    let effects = stage.command(by_hand("write", "{\"path\": \"a\"}"));
    assert_eq!(sent(&effects), [(1, "other".into(), path("a"))]);
    assert_eq!(
        stage.outcome(
            1,
            CallOutcome::Answered {
                result: ToolResult::default().into()
            }
        ),
        []
    );
    assert_eq!(stage.command(by_hand("wirte", "{}")), []);
    let CallEnd::Invalid { complaint } = stage.end(2) else {
        panic!("{:?}", stage.end(2))
    };
    assert_eq!(
        complaint,
        "there is no tool `other.wirte`; did you mean `write`?"
    );
    stage.command(by_hand("write", "nonsense"));
    assert!(matches!(stage.end(3), CallEnd::Invalid { .. }));
    assert_eq!(request(&stage.submit("hi")).messages.len(), 2);
    assert!(matches!(stage.host.turn, TurnState::Streaming { .. }));
}

#[test]
fn outcomes_say_whether_the_call_may_have_run() {
    let cases = [
        (
            CallOutcome::TimedOut {
                after: std::time::Duration::from_secs(10),
            },
            "outcome unknown: no answer within",
        ),
        (
            CallOutcome::Unreadable { why: "odd".into() },
            "outcome unknown: odd",
        ),
        (
            CallOutcome::NotSent { why: "full".into() },
            "error: not sent, because full",
        ),
        (
            CallOutcome::Refused {
                code: -32602,
                message: "no".into(),
            },
            "error: the server refused (-32602): no",
        ),
        (
            CallOutcome::Answered {
                result: ToolResult {
                    is_error: true,
                    ..ToolResult::text("bad")
                }
                .into(),
            },
            "error: bad",
        ),
        (
            CallOutcome::Answered {
                result: ToolResult::default().into(),
            },
            "(no content)",
        ),
    ];
    for (outcome, says) in cases {
        let mut stage = Stage::free();
        stage.propose(vec![call(1, "files__write", "{}")]);
        let said = first_result(&stage.outcome(1, outcome));
        assert!(said.starts_with(says), "{said}");
    }
}

#[test]
fn health_counts_what_reached_the_server() {
    let mut stage = Stage::ready();
    stage.propose(
        (1..=3)
            .map(|n| call(n, "files__read", &path(&n.to_string())))
            .collect(),
    );
    stage.outcome(1, answered("x"));
    stage.outcome(2, CallOutcome::NotSent { why: "full".into() });
    stage.outcome(
        3,
        CallOutcome::Refused {
            code: 1,
            message: "no".into(),
        },
    );
    let health = &stage.host.server(&"files".into()).unwrap().health;
    assert_eq!((health.calls, health.errors), (2, 1));
}

#[test]
fn a_schema_that_points_at_itself_or_backtracks_does_no_harm() {
    use mcpdeck::host::arguments::check;
    let cycles = [
        serde_json::json!({"$ref": "#"}),
        serde_json::json!({"allOf": [{"$ref": "#"}]}),
        serde_json::json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
    ];
    for schema in cycles {
        assert_eq!(check("{\"path\":\"a\"}", &schema), Ok(()), "{schema}");
    }
    let slow = serde_json::json!({"properties": {"path": {"pattern": "^(a+)+$"}}});
    let line = path(&format!("{}b", "a".repeat(40)));
    assert!(check(&line, &slow).is_err());
}
