//! What servers ask: one answer each, in the right words, and nothing without the person.

use std::path::PathBuf;
use std::time::Duration;

use mcpdeck::agent::model::{Completion, Finish, Message, ModelErrorKind, ModelEvent, Usage};
use mcpdeck::host::{About, Answer, Answers, Command, Effect, Root, Settings};
use mcpdeck::ids::{AskId, CallId, Generation, StreamId};
use mcpdeck::mcp::ask::{Ask, Reply, Sampling, SamplingMessage};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::result::{Block, CallOutcome};
use serde_json::{Value, json};

use crate::stage::*;

fn form() -> Ask {
    Ask::Form {
        message: "who are you?".into(),
        schema: json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 2},
                "mail": {"type": "string", "format": "email"},
                "age": {"type": "integer", "minimum": 18, "default": 40},
                "kind": {"type": "string", "enum": ["a", "b"], "default": "b"}
            },
            "required": ["name"]
        }),
    }
}

fn url() -> Ask {
    Ask::Url {
        message: "sign here".into(),
        url: "https://example.org/x".into(),
        id: Some("u1".into()),
    }
}

fn says(role: &str, text: &str) -> SamplingMessage {
    SamplingMessage {
        role: role.into(),
        content: vec![Block::Text { text: text.into() }],
    }
}

fn sampling() -> Sampling {
    Sampling {
        messages: vec![says("user", "write a haiku")],
        system: None,
        max_tokens: 50,
        temperature: None,
        stop: Vec::new(),
        models: Vec::new(),
        tools: Vec::new(),
        tool_choice: None,
        context: Some("allServers".into()),
    }
}

fn asked(stage: &mut Stage, server: &str, ask: u64, what: Ask) -> Vec<Effect> {
    asked_for(stage, server, ask, None, what)
}

fn asked_for(
    stage: &mut Stage,
    server: &str,
    ask: u64,
    call: Option<u64>,
    what: Ask,
) -> Vec<Effect> {
    let event = ServerEvent::Asked {
        ask: AskId(ask),
        call: call.map(CallId),
        what,
    };
    stage.server(server, event)
}

/// The replies among the effects: the number of the question and what is answered.
fn replies(effects: &[Effect]) -> Vec<(u64, Value)> {
    let reply = |effect: &Effect| match effect {
        Effect::Reply { ask, reply, .. } => Some((
            ask.0,
            match reply {
                Reply::Result { value } => value.clone(),
                Reply::Error { code, .. } => json!({ "error": code }),
            },
        )),
        _ => None,
    };
    effects.iter().filter_map(reply).collect()
}

fn waiting(stage: &Stage) -> Vec<u64> {
    let id = |question: &mcpdeck::host::Question| match &question.about {
        About::Server { ask, .. } => Some(ask.0),
        About::Call { .. } => None,
    };
    stage.host.questions.iter().filter_map(id).collect()
}

fn written(text: &str) -> ModelEvent {
    ModelEvent::Text(text.into())
}

/// Answers the question that is shown.
fn answer(stage: &mut Stage, answer: Answer) -> Vec<Effect> {
    let first = stage.host.questions.front().expect("a question").id;
    stage.command(Command::Answer(first, answer))
}

#[test]
fn questions_queue_and_each_is_answered_in_its_own_words() {
    let mut stage = Stage::ready();
    for (ask, what) in [(1, form()), (2, form()), (3, form()), (4, url())] {
        assert_eq!(asked(&mut stage, "other", ask, what), []);
    }
    assert_eq!(waiting(&stage), [1, 2, 3, 4]);
    let value = json!({"name": "An", "mail": "an@example.org"});
    let filled = answer(
        &mut stage,
        Answer::Filled {
            value: value.clone(),
        },
    );
    let accepted = json!({"action": "accept", "content": value});
    assert_eq!(replies(&filled), [(1, accepted)]);
    let no = answer(&mut stage, Answer::No { reason: None });
    assert_eq!(replies(&no), [(2, json!({"action": "decline"}))]);
    let closed = answer(&mut stage, Answer::Dismissed);
    assert_eq!(replies(&closed), [(3, json!({"action": "cancel"}))]);
    let went = answer(&mut stage, Answer::Once);
    assert_eq!(replies(&went), [(4, json!({"action": "accept"}))]);
    assert!(stage.host.questions.is_empty());
}

#[test]
fn an_answer_that_does_not_fit_is_not_sent_and_the_question_stays() {
    let mut stage = Stage::ready();
    asked(&mut stage, "other", 1, form());
    asked(&mut stage, "other", 2, url());
    for value in [
        json!({}),
        json!({"name": "x"}),
        json!({"name": "xy", "mail": "no"}),
        json!({"name": "xy", "age": 17}),
        json!({"name": "xy", "age": 18.5}),
        json!({"name": "xy", "kind": "c"}),
        json!({"name": "xy", "more": 1}),
        json!("name"),
    ] {
        let effects = answer(&mut stage, Answer::Filled { value });
        assert_eq!(effects, []);
        assert_eq!(waiting(&stage), [1, 2]);
    }
    assert!(
        stage.notes()[0]
            .1
            .contains("was not sent: `name` is required")
    );
}

#[test]
fn a_question_is_gone_with_whoever_waits_for_it() {
    let mut stage = Stage::ready();
    asked(&mut stage, "other", 1, form());
    asked(&mut stage, "other", 2, form());
    assert_eq!(
        stage.server("other", ServerEvent::AskWithdrawn(AskId(1))),
        []
    );
    assert_eq!(waiting(&stage), [2]);
    let effects = stage.server("other", ended(FailureKind::Exited));
    assert_eq!(replies(&effects), []);
    assert_eq!(waiting(&stage), [0; 0]);
}

#[test]
fn a_question_of_an_earlier_connection_is_none() {
    let mut stage = Stage::ready();
    let old = stage.generation("other");
    stage.command(Command::Restart("other".into()));
    let event = ServerEvent::Asked {
        ask: AskId(1),
        call: None,
        what: form(),
    };
    assert_eq!(stage.server_of("other", old, event), []);
    assert_eq!(waiting(&stage), [0; 0]);
}

#[test]
fn the_end_of_its_call_ends_a_question() {
    let mut stage = Stage::ready();
    stage.command(Command::Call {
        server: "other".into(),
        tool: "read".into(),
        arguments: path("a"),
    });
    asked_for(&mut stage, "other", 1, Some(1), form());
    asked(&mut stage, "other", 2, form());
    let effects = stage.command(Command::Interrupt);
    assert_eq!(replies(&effects), [(1, json!({"action": "cancel"}))]);
    assert_eq!(waiting(&stage), [2], "nobody said what the other is for");
}

#[test]
fn a_server_that_asks_without_end_is_told_no() {
    let mut stage = Stage::ready();
    let told: Vec<_> = (1..=20)
        .flat_map(|ask| replies(&asked(&mut stage, "other", ask, form())))
        .collect();
    assert_eq!(waiting(&stage).len(), 16);
    assert_eq!(told.len(), 4);
    assert_eq!(told[0], (17, json!({"action": "cancel"})));
    // The same question once more is no further one.
    assert_eq!(asked(&mut stage, "other", 3, form()), []);
    assert_eq!(waiting(&stage).len(), 16);
}

#[test]
fn roots_are_asked_for_once_and_a_change_is_told_to_those_who_have_asked() {
    let mut stage = Stage::ready();
    assert_eq!(asked(&mut stage, "other", 1, Ask::Roots), []);
    let bad = answer(
        &mut stage,
        Answer::Filled {
            value: json!(["relative"]),
        },
    );
    assert_eq!(bad, []);
    let value = json!(["/tmp/a b", {"uri": "file:///tmp/c", "name": "See"}]);
    let effects = answer(&mut stage, Answer::Filled { value });
    let roots = json!({"roots": [
        {"uri": "file:///tmp/a%20b", "name": "a b"},
        {"uri": "file:///tmp/c", "name": "See"}
    ]});
    assert_eq!(replies(&effects), [(1, roots.clone())]);
    let again = asked(&mut stage, "other", 2, Ask::Roots);
    assert_eq!(replies(&again), [(2, roots)]);

    let root = Root::parse("/tmp/new").expect("a root");
    let effects = stage.command(Command::SetRoots(vec![root.clone()]));
    let told = Effect::TellRoots {
        server: "other".into(),
        generation: Generation(1),
    };
    assert_eq!(effects, [told]);
    assert_eq!(stage.command(Command::SetRoots(vec![root])), []);
    let after = asked(&mut stage, "other", 3, Ask::Roots);
    let roots = json!({"roots": [{"uri": "file:///tmp/new", "name": "new"}]});
    assert_eq!(replies(&after), [(3, roots)]);
}

#[test]
fn the_configuration_answers_for_roots_and_our_own_servers_are_told_of_none() {
    let mut own = foreign("own", &[]);
    own.roots = Some(vec![PathBuf::from("/tmp/own")]);
    let config = config(vec![bundled("files"), own, foreign("other", &[])]);
    let settings = Settings {
        roots: Some(vec![Root::parse("/tmp/all").expect("a root")]),
        ..Settings::default()
    };
    let mut stage = Stage::with(&config, settings);
    let uri = |effects: Vec<Effect>| replies(&effects)[0].1["roots"][0]["uri"].clone();
    let asked = |stage: &mut Stage, name: &str| asked(stage, name, 1, Ask::Roots);
    assert_eq!(uri(asked(&mut stage, "own")), "file:///tmp/own");
    assert_eq!(uri(asked(&mut stage, "other")), "file:///tmp/all");
    let told = replies(&asked(&mut stage, "files"));
    assert_eq!(told, [(1, json!({"error": -1}))]);
}

#[test]
fn our_model_writes_when_the_person_lets_it_and_never_from_our_conversation() {
    let mut stage = Stage::ready();
    let turn = stage.submit("my secret");
    assert_eq!(
        asked(&mut stage, "other", 1, Ask::Sampling(Box::new(sampling()))),
        []
    );
    let effects = answer(&mut stage, Answer::Once);
    let wanted = request(&effects);
    let user = Message::User {
        text: "write a haiku".into(),
    };
    assert_eq!(wanted.messages, [user]);
    assert_eq!(wanted.wishes.max_tokens, Some(50));
    assert!(wanted.tools.is_empty());
    let (writing, talking) = (stream(&effects), stream(&turn));
    assert_ne!(writing, talking);
    stage.model(writing, written("old "));
    stage.model(writing, written("pond"));
    let done = ModelEvent::Done(Completion {
        finish: Finish::Length,
        calls: Vec::new(),
        usage: Some(Usage {
            prompt: 5,
            completion: 2,
        }),
        notes: Vec::new(),
    });
    let effects = stage.model(writing, done);
    let result = json!({
        "role": "assistant",
        "content": {"type": "text", "text": "old pond"},
        "model": "m",
        "stopReason": "maxTokens"
    });
    assert_eq!(replies(&effects), [(1, result)]);
    assert!(stage.host.samplings.is_empty() && stage.host.is_busy());
    assert_eq!(stage.host.usage.completion, 2);
}

#[test]
fn writing_is_given_up_when_nobody_waits_and_a_failure_is_an_error() {
    let mut stage = Stage::ready();
    let write = |stage: &mut Stage, ask: u64| -> StreamId {
        asked(stage, "other", ask, Ask::Sampling(Box::new(sampling())));
        stream(&answer(stage, Answer::Once))
    };
    let first = write(&mut stage, 1);
    let effects = stage.server("other", ServerEvent::AskWithdrawn(AskId(1)));
    assert_eq!(effects, [Effect::AbortModel { stream: first }]);
    assert_eq!(stage.model(first, written("late")), []);
    let second = write(&mut stage, 2);
    let effects = stage.model(second, failed(ModelErrorKind::Server, None));
    assert_eq!(replies(&effects), [(2, json!({"error": -32603}))]);
    let third = write(&mut stage, 3);
    let effects = stage.server("other", ended(FailureKind::Exited));
    assert!(effects.contains(&Effect::AbortModel { stream: third }));
    assert_eq!(replies(&effects), []);
}

#[test]
fn allowed_for_the_session_it_writes_without_a_question_but_not_without_a_word_nor_without_end() {
    let mut stage = Stage::ready();
    let ask = |stage: &mut Stage, n| asked(stage, "other", n, Ask::Sampling(Box::new(sampling())));
    ask(&mut stage, 1);
    answer(&mut stage, Answer::Session);
    assert_eq!(stage.notes(), []);
    for n in 2..=10 {
        stream(&ask(&mut stage, n));
    }
    assert_eq!(stage.notes().len(), 9);
    assert_eq!(
        replies(&ask(&mut stage, 11)),
        [(11, json!({"error": -32603}))]
    );
    for sampled in stage.host.samplings.clone() {
        stage.model(sampled.stream, done(Finish::Stop, vec![]));
    }
    stage.now = stage.now.plus(Duration::from_secs(61));
    stream(&ask(&mut stage, 12));
    // Another server has not been allowed anything.
    asked(&mut stage, "files", 1, Ask::Sampling(Box::new(sampling())));
    assert_eq!(waiting(&stage), [1]);
}

fn block(value: Value) -> Block {
    Block::Other { value }
}

#[test]
fn tools_of_the_server_go_along_and_come_back_as_uses() {
    let mut stage = Stage::ready();
    let mut wanted = sampling();
    wanted.tools = vec![tool("get weather", true)];
    wanted.messages = vec![
        says("user", "weather?"),
        SamplingMessage {
            role: "assistant".into(),
            content: vec![
                block(
                    json!({"type": "tool_use", "id": "x", "name": "get weather", "input": {"path": "P"}}),
                ),
                block(json!({"type": "tool_use", "id": "y", "name": "get weather", "input": {}})),
            ],
        },
        SamplingMessage {
            role: "user".into(),
            content: vec![
                block(
                    json!({"type": "tool_result", "toolUseId": "y", "content": [{"type": "text", "text": "rain"}]}),
                ),
                block(
                    json!({"type": "tool_result", "toolUseId": "x", "content": [], "structuredContent": {"sun": 1}}),
                ),
            ],
        },
    ];
    asked(&mut stage, "other", 1, Ask::Sampling(Box::new(wanted)));
    let effects = answer(&mut stage, Answer::Once);
    let made = request(&effects);
    assert_well_formed(&made);
    assert_eq!(made.tools[0].name, "get_weather");
    let texts: Vec<_> = results(&made).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, [r#"{"sun":1}"#, "rain"]);
    let used = vec![call(1, "get_weather", r#"{"path":"Q"}"#)];
    let effects = stage.model(stream(&effects), done(Finish::Stop, used));
    let (_, result) = &replies(&effects)[0];
    assert_eq!(result["stopReason"], "toolUse");
    assert_eq!(result["content"][0]["name"], "get weather");
    assert_eq!(result["content"][0]["input"], json!({"path": "Q"}));
}

#[test]
fn what_cannot_be_written_is_an_error_and_no_question() {
    let mut stage = Stage::ready();
    let mut unanswered = sampling();
    unanswered.messages.push(SamplingMessage {
        role: "assistant".into(),
        content: vec![block(
            json!({"type": "tool_use", "id": "x", "name": "t", "input": {}}),
        )],
    });
    let mut long = sampling();
    long.messages = vec![says("user", &"x".repeat(300_000))];
    let mut empty = sampling();
    empty.messages.clear();
    for wanted in [unanswered, long, empty] {
        let effects = asked(&mut stage, "other", 1, Ask::Sampling(Box::new(wanted)));
        assert_eq!(replies(&effects), [(1, json!({"error": -32602}))]);
    }
    stage.command(Command::FindModel);
    let effects = asked(&mut stage, "other", 1, Ask::Sampling(Box::new(sampling())));
    assert_eq!(replies(&effects), [(1, json!({"error": -32603}))]);
}

#[test]
fn without_a_person_everything_is_declined_unless_it_was_answered_beforehand() {
    let servers = || config(vec![foreign("other", &[]), foreign("more", &[])]);
    let ask_all = |stage: &mut Stage, server: &str| {
        let asks = [
            form(),
            url(),
            Ask::Roots,
            Ask::Sampling(Box::new(sampling())),
        ];
        let mut told = Vec::new();
        for (n, what) in asks.into_iter().enumerate() {
            told.extend(replies(&asked(stage, server, n as u64, what)));
        }
        told
    };
    let headless = Settings {
        headless: true,
        ..Settings::default()
    };
    let mut stage = Stage::with(&servers(), headless.clone());
    let no = json!({"action": "decline"});
    let refused = json!({"error": -1});
    assert_eq!(
        ask_all(&mut stage, "other"),
        [
            (0, no.clone()),
            (1, no.clone()),
            (2, refused.clone()),
            (3, refused)
        ]
    );
    let answers = Answers {
        forms: [
            ("other".to_owned(), json!({"name": "An", "unknown": 1})),
            ("*".to_owned(), json!({})),
        ]
        .into(),
        accept_urls: vec!["oth*".into()],
        allow_sampling: vec!["other".into()],
    };
    let mut stage = Stage::with(
        &servers(),
        Settings {
            answers,
            ..headless
        },
    );
    let told = ask_all(&mut stage, "other");
    let content = json!({"age": 40, "kind": "b", "name": "An"});
    assert_eq!(told[0].1, json!({"action": "accept", "content": content}));
    assert_eq!(told[1].1, json!({"action": "accept"}));
    assert_eq!(stage.host.samplings.len(), 1);
    // The defaults alone do not fit, because a name is required.
    assert_eq!(ask_all(&mut stage, "more")[0], (0, no));
}

#[test]
fn a_late_answer_of_a_call_leaves_no_question_behind() {
    let mut stage = Stage::ready();
    stage.command(Command::Call {
        server: "other".into(),
        tool: "read".into(),
        arguments: path("a"),
    });
    asked_for(&mut stage, "other", 1, Some(1), url());
    let event = ServerEvent::Call(
        CallId(1),
        CallEvent::Finished(CallOutcome::TimedOut {
            after: Duration::from_secs(1),
        }),
    );
    let effects = stage.server("other", event);
    assert_eq!(replies(&effects), [(1, json!({"action": "cancel"}))]);
    assert_eq!(waiting(&stage), [0; 0]);
}
