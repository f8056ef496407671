//! The turn: asked, answered, retried, cut, ended.

use std::time::Duration;

use mcpdeck::agent::model::{Completion, Finish, Message, ModelErrorKind, ModelEvent, Usage};
use mcpdeck::agent::transcript::{Entry, Level};
use mcpdeck::config::{Config, ModelMode, Provider};
use mcpdeck::host::{Command, Effect, HostEvent, ModelState, Settings, StopReason, TurnState};
use mcpdeck::mcp::listing::Listed;

use crate::stage::*;

#[test]
fn a_turn_is_asked_streamed_called_and_answered() {
    let mut stage = Stage::ready();
    let asked = stage.submit("what is here?");
    let first = request(&asked);
    let names: Vec<_> = first.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(
        names,
        ["files__read", "files__write", "other__read", "other__write"]
    );
    assert_eq!(last_user(&first), "what is here?");
    stage.model(stream(&asked), ModelEvent::Opened);
    stage.model(stream(&asked), ModelEvent::Text("I ".into()));
    stage.model(stream(&asked), ModelEvent::Text("look.".into()));
    let calls = vec![
        call(1, "files__read", &path("a")),
        call(2, "files__read", &path("b")),
    ];
    let effects = stage.model(stream(&asked), done(Finish::Stop, calls));
    let both = [
        (1, "files".to_owned(), path("a")),
        (2, "files".to_owned(), path("b")),
    ];
    assert_eq!(sent(&effects), both, "side by side");
    assert_eq!(stage.outcome(2, answered("B")), []);
    let effects = stage.outcome(1, answered("A"));
    let second = request(&effects);
    assert_well_formed(&second);
    assert_eq!(
        results(&second),
        [
            ("call00001".into(), "A".into()),
            ("call00002".into(), "B".into())
        ]
    );
    let usage = Some(Usage {
        prompt: 10,
        completion: 3,
    });
    stage.model(stream(&effects), ModelEvent::Text("Two files.".into()));
    let end = Completion {
        finish: Finish::Stop,
        calls: vec![],
        usage,
        notes: vec!["odd".into()],
    };
    assert_eq!(stage.model(stream(&effects), ModelEvent::Done(end)), []);
    assert_eq!(stage.host.turn, TurnState::Idle);
    assert_eq!(stage.host.stopped, Some(StopReason::Answered));
    assert_eq!(Some(stage.host.usage), usage);
    assert_eq!(stage.notes(), [(Level::Info, "odd".into())]);
}

#[test]
fn a_second_prompt_waits_for_the_first_to_end() {
    let mut stage = Stage::ready();
    stage.submit("one");
    let before = stage.host.clone();
    assert_eq!(stage.submit("two"), []);
    assert_eq!(stage.submit("  \n"), []);
    assert_eq!(stage.host, before);
}

#[test]
fn a_late_word_of_an_earlier_stream_changes_nothing() {
    let mut stage = Stage::ready();
    let old = stream(&stage.submit("one"));
    stage.command(Command::Interrupt);
    stage.submit("two");
    let before = stage.host.clone();
    for event in [
        ModelEvent::Text("late".into()),
        done(Finish::Stop, vec![call(1, "files__read", "{}")]),
        failed(ModelErrorKind::Cut, None),
    ] {
        assert_eq!(stage.model(old, event), []);
    }
    assert_eq!(stage.host, before);
}

#[test]
fn an_empty_answer_is_said_to_be_one() {
    let mut stage = Stage::ready();
    let asked = stage.submit("hi");
    stage.model(stream(&asked), ModelEvent::Reasoning("hm".into()));
    stage.model(stream(&asked), done(Finish::Stop, vec![]));
    assert_eq!(
        stage.notes(),
        [(
            Level::Warning,
            "The model ended its turn without an answer".into()
        )]
    );
    let next = request(&stage.submit("again"));
    assert_well_formed(&next);
    assert_eq!(last_user(&next), "hi\n\nagain");
}

#[test]
fn a_failure_is_tried_again_as_long_as_nothing_was_shown() {
    let mut stage = Stage::ready();
    let mut asked = stage.submit("hi");
    let mut waits = Vec::new();
    for _ in 0..4 {
        // A call that was being written is no reason: nothing of it ran.
        stage.model(
            stream(&asked),
            ModelEvent::Preparing {
                name: "files__read".into(),
                bytes: 9,
            },
        );
        let effects = stage.model(stream(&asked), failed(ModelErrorKind::Server, None));
        let [(timer, wait)] = timers(&effects)[..] else {
            panic!("{effects:?}")
        };
        waits.push(wait);
        assert!(
            matches!(&stage.host.turn, TurnState::Backoff { why, .. } if why == "Server at the endpoint")
        );
        asked = stage.tell(HostEvent::Timer(timer));
        assert_well_formed(&request(&asked));
    }
    assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
    assert_eq!(
        stage.model(stream(&asked), failed(ModelErrorKind::Server, None)),
        []
    );
    assert_eq!(stage.host.stopped, Some(StopReason::ModelFailed));
    assert_eq!(
        stage.notes(),
        [(Level::Error, "Server at the endpoint".into())]
    );
    let steps = stage
        .host
        .transcript
        .entries()
        .iter()
        .filter(|entry| matches!(entry, Entry::Assistant(_)));
    assert_eq!(steps.count(), 1, "a retry is no further step");
}

#[test]
fn what_was_shown_is_not_asked_for_again() {
    for shown in [
        ModelEvent::Text("The".into()),
        ModelEvent::Reasoning("hm".into()),
    ] {
        let mut stage = Stage::ready();
        let asked = stage.submit("hi");
        stage.model(stream(&asked), shown);
        assert_eq!(
            stage.model(stream(&asked), failed(ModelErrorKind::Cut, None)),
            []
        );
        assert_eq!(stage.host.stopped, Some(StopReason::ModelFailed));
        assert_well_formed(&request(&stage.submit("go on")));
    }
}

#[test]
fn what_the_endpoint_asks_to_wait_is_waited_up_to_a_minute() {
    for (asks, waits) in [(7, Some(7)), (60, Some(60)), (61, None), (3600, None)] {
        let mut stage = Stage::ready();
        let asked = stage.submit("hi");
        let effects = stage.model(
            stream(&asked),
            failed(ModelErrorKind::RateLimit, Some(asks)),
        );
        let wait = timers(&effects).first().map(|(_, wait)| wait.as_secs());
        assert_eq!(wait, waits, "{asks}");
        assert_eq!(stage.host.is_busy(), waits.is_some());
    }
    let mut stage = Stage::ready();
    let asked = stage.submit("hi");
    let effects = stage.model(stream(&asked), failed(ModelErrorKind::RateLimit, Some(0)));
    assert!(
        timers(&effects)[0].1 > Duration::from_millis(300),
        "never at once"
    );
}

#[test]
fn what_a_wait_does_not_mend_ends_the_turn_at_once() {
    for kind in [
        ModelErrorKind::Key,
        ModelErrorKind::Quota,
        ModelErrorKind::ContextTooLong,
        ModelErrorKind::NoSuchModel,
        ModelErrorKind::Request,
        ModelErrorKind::Malformed,
    ] {
        let mut stage = Stage::ready();
        let asked = stage.submit("hi");
        assert_eq!(
            stage.model(stream(&asked), failed(kind, None)),
            [],
            "{kind:?}"
        );
        assert_eq!(stage.host.turn, TurnState::Idle);
    }
}

#[test]
fn tools_and_schemas_may_be_refused_in_one_turn_each_once() {
    let orders = [
        [
            ModelErrorKind::SchemaRefused,
            ModelErrorKind::ToolsUnsupported,
        ],
        [ModelErrorKind::RateLimit, ModelErrorKind::ToolsUnsupported],
    ];
    for order in orders {
        let mut stage = Stage::ready();
        let mut asked = stage.submit("hi");
        for kind in order {
            asked = stage.model(stream(&asked), failed(kind, None));
            if let Some((timer, _)) = timers(&asked).first() {
                asked = stage.tell(HostEvent::Timer(*timer));
            }
        }
        let last = request(&asked);
        assert_eq!(last.mode, ModelMode::Prompt);
        assert_eq!(
            last.plain_schemas,
            order[0] == ModelErrorKind::SchemaRefused
        );
        // And no third time.
        assert_eq!(
            stage.model(
                stream(&asked),
                failed(ModelErrorKind::ToolsUnsupported, None)
            ),
            []
        );
        assert_eq!(stage.host.stopped, Some(StopReason::ModelFailed));
        // The next turn starts from what was learnt.
        assert_eq!(request(&stage.submit("again")).mode, ModelMode::Prompt);
    }
}

#[test]
fn another_model_is_asked_in_the_ordinary_way_again() {
    let mut stage = Stage::ready();
    let asked = stage.submit("hi");
    let asked = stage.model(
        stream(&asked),
        failed(ModelErrorKind::ToolsUnsupported, None),
    );
    stage.model(stream(&asked), done(Finish::Stop, vec![]));
    stage.command(Command::FindModel);
    stage.model_found();
    assert_eq!(request(&stage.submit("again")).mode, ModelMode::Tools);
}

#[test]
fn a_mode_that_was_asked_for_stays() {
    let settings = Settings {
        mode: ModelMode::Tools,
        ..Settings::default()
    };
    let mut stage = Stage::with(&config(vec![bundled("files")]), settings);
    let asked = stage.submit("hi");
    assert_eq!(
        stage.model(
            stream(&asked),
            failed(ModelErrorKind::ToolsUnsupported, None)
        ),
        []
    );
    assert_eq!(stage.host.stopped, Some(StopReason::ModelFailed));
}

#[test]
fn a_call_that_was_cut_is_asked_for_once_more_with_more_tokens() {
    let mut stage = Stage::ready();
    let asked = stage.submit("write it");
    stage.model(stream(&asked), ModelEvent::Text("I write.".into()));
    let cut = || {
        done(
            Finish::Length,
            vec![call(1, "files__write", "{\"path\":\"a")],
        )
    };
    let again = stage.model(stream(&asked), cut());
    let second = request(&again);
    assert!(second.more_tokens && !request(&asked).more_tokens);
    assert_well_formed(&second);
    assert!(
        last_user(&second).contains("cut at its token limit"),
        "{second:?}"
    );
    assert_eq!(stage.host.calls, [], "nothing of it was run");
    assert_eq!(stage.model(stream(&again), cut()), []);
    assert_eq!(stage.host.stopped, Some(StopReason::Length));
    assert_eq!(stage.host.calls, []);
    let (level, text) = stage.notes().pop().unwrap();
    assert!(
        level == Level::Warning && text.contains("again; nothing of it was run"),
        "{text}"
    );
    // The next turn is an ordinary one.
    let next = request(&stage.submit("go on"));
    assert!(!next.more_tokens);
    assert_well_formed(&next);
}

#[test]
fn after_more_tokens_the_step_goes_on_as_usual() {
    let mut stage = Stage::ready();
    let asked = stage.submit("read it");
    let calls = || vec![call(1, "files__read", "{}")];
    let again = stage.model(stream(&asked), done(Finish::Length, calls()));
    // A retry of the longer request is as long.
    let effects = stage.model(stream(&again), failed(ModelErrorKind::Server, None));
    let again = stage.tell(HostEvent::Timer(timers(&effects)[0].0));
    assert!(request(&again).more_tokens);
    let effects = stage.model(stream(&again), done(Finish::Stop, calls()));
    assert_eq!(sent(&effects).len(), 1);
    let next = stage.outcome(1, answered("x"));
    assert!(!request(&next).more_tokens);
    // And the next step has its own chance.
    let next = stage.model(
        stream(&next),
        done(Finish::Length, vec![call(2, "files__read", "{}")]),
    );
    assert!(request(&next).more_tokens);
}

#[test]
fn a_cut_text_and_a_filter_end_the_turn_with_a_note() {
    for (finish, reason, says) in [
        (Finish::Length, StopReason::Length, "max_tokens"),
        (Finish::Filtered, StopReason::Filtered, "filter"),
    ] {
        let mut stage = Stage::ready();
        let asked = stage.submit("hi");
        stage.model(stream(&asked), ModelEvent::Text("half".into()));
        assert_eq!(stage.model(stream(&asked), done(finish, vec![])), []);
        assert_eq!(stage.host.stopped, Some(reason));
        assert!(stage.notes()[0].1.contains(says));
    }
}

#[test]
fn the_limit_of_steps_ends_the_turn() {
    let mut settings = Settings::default();
    settings.limits.steps_per_turn = 2;
    let mut stage = Stage::with(&config(vec![bundled("files")]), settings);
    stage.propose(vec![call(1, "files__read", "{}")]);
    let asked = stage.outcome(1, answered("x"));
    assert_eq!(
        stage.model(
            stream(&asked),
            done(Finish::Stop, vec![call(2, "files__read", &path("b"))])
        ),
        []
    );
    assert_eq!(stage.host.stopped, Some(StopReason::StepLimit));
    assert_eq!(stage.host.calls.len(), 1);
    assert_well_formed(&request(&stage.submit("go on")));
}

#[test]
fn without_a_model_sql_runs_on_the_database_and_the_next_model_sees_none_of_it() {
    let mut shop = tools();
    shop.items.push(tool("query_database", true));
    shop.items[2].input_schema = serde_json::json!({"type": "object", "required": ["sql"]});
    let config = Config {
        model: mcpdeck::config::ModelSettings {
            provider: Provider::None,
            ..Default::default()
        },
        ..config(vec![bundled("shop")])
    };
    let mut stage = Stage::cold(&config, Settings::default());
    assert!(!stage.host.start(stage.now).contains(&Effect::FindModel));
    assert!(matches!(stage.host.model, ModelState::Absent { .. }));
    assert_eq!(stage.submit("select 1"), [], "no database yet");
    stage.server("shop", hello());
    stage.server(
        "shop",
        mcpdeck::mcp::event::ServerEvent::Listed(Listed::Tools(shop)),
    );
    let effects = stage.submit("SELECT name\nFROM customers");
    assert_eq!(
        sent(&effects),
        [(
            1,
            "shop".into(),
            "{\"sql\":\"SELECT name\\nFROM customers\"}".into()
        )]
    );
    assert_eq!(stage.submit("hello there"), []);
    let says = stage.notes().pop().unwrap();
    assert_eq!(
        says,
        (Level::Warning, "There is no model to answer this".into())
    );
    stage.outcome(1, answered("An"));
    stage.model_found();
    let request = request(&stage.submit("hi"));
    let users = request
        .messages
        .iter()
        .filter(|message| matches!(message, Message::User { .. }));
    assert_eq!(users.count(), 1);
    assert_eq!(last_user(&request), "hi");
}

#[test]
fn clear_starts_a_new_conversation() {
    let mut stage = Stage::ready();
    let asked = stage.propose(vec![call(1, "files__read", "{}")]);
    assert_eq!(sent(&asked).len(), 1);
    let effects = stage.command(Command::Clear);
    assert!(
        matches!(effects[..], [Effect::CancelCall { .. }]),
        "{effects:?}"
    );
    assert_eq!(stage.host.transcript.entries(), []);
    assert_eq!(
        (stage.host.usage, stage.host.turn.clone()),
        (Usage::default(), TurnState::Idle)
    );
    let next = request(&stage.submit("new"));
    assert_eq!(next.messages.len(), 2);
}

#[test]
fn the_words_of_a_server_ride_on_the_request_and_no_more_than_fits() {
    let mut stage = Stage::cold(&config(vec![foreign("other", &[])]), Settings::default());
    stage.start();
    let mcpdeck::mcp::event::ServerEvent::Connected(mut words) = hello() else {
        unreachable!()
    };
    words.instructions = Some(format!("mind the gap {}", "x".repeat(1_000_000)));
    stage.server("other", mcpdeck::mcp::event::ServerEvent::Connected(words));
    stage.server(
        "other",
        mcpdeck::mcp::event::ServerEvent::Listed(Listed::Tools(tools())),
    );
    let request = request(&stage.submit("hi"));
    let Message::System { text } = &request.messages[0] else {
        panic!("{request:?}")
    };
    assert!(
        text.contains("mind the gap") && text.len() < 20_000,
        "{}",
        text.len()
    );
}
