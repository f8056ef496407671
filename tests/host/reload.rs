//! A configuration that is read again while calls run: only what changed is touched.

use mcpdeck::agent::model::Finish;
use mcpdeck::config::{ApprovePolicy, Config, Limits, ModelSettings, Provider};
use mcpdeck::host::{Answer, CallEnd, Effect, ModelState, Settings};
use mcpdeck::ids::Generation;
use mcpdeck::mcp::result::CallOutcome;
use mcpdeck::mcp::status::Status;

use crate::stage::*;

/// Three servers, all ready.
fn before() -> Config {
    config(vec![
        foreign("one", &["a"]),
        foreign("two", &["b"]),
        foreign("three", &["c"]),
    ])
}

fn reload(stage: &mut Stage, config: &Config) -> Vec<Effect> {
    stage.host.reload(config, stage.now)
}

fn touched(effects: &[Effect]) -> Vec<String> {
    let word = |effect: &Effect| match effect {
        Effect::Dial {
            server, generation, ..
        } => Some(format!("dial {server} {}", generation.0)),
        Effect::Close { server, generation } => Some(format!("close {server} {}", generation.0)),
        Effect::FindModel => Some("find model".to_owned()),
        _ => None,
    };
    effects.iter().filter_map(word).collect()
}

fn names(stage: &Stage) -> Vec<String> {
    let names = stage
        .host
        .servers
        .iter()
        .map(|server| server.name.to_string());
    names.collect()
}

#[test]
fn the_same_again_touches_nothing_and_says_nothing() {
    let mut stage = Stage::with(&before(), Settings::default());
    let servers = stage.host.servers.clone();
    assert_eq!(reload(&mut stage, &before()), []);
    assert_eq!(stage.host.servers, servers);
    assert_eq!(stage.notes(), []);
}

#[test]
fn servers_come_go_and_change_while_the_others_stand() {
    let mut stage = Stage::with(&before(), Settings::default());
    let untouched = stage.host.server(&"one".into()).cloned();
    let next = config(vec![
        foreign("four", &["d"]),
        foreign("one", &["a"]),
        foreign("two", &["other"]),
    ]);
    let effects = reload(&mut stage, &next);
    let expected = ["close two 1", "close three 1", "dial four 1", "dial two 2"];
    assert_eq!(touched(&effects), expected);
    assert_eq!(names(&stage), ["four", "one", "two"]);
    assert_eq!(stage.host.server(&"one".into()).cloned(), untouched);
    let note =
        "The configuration was read again: added `four`; removed `three`; started anew `two`";
    assert_eq!(
        stage.notes().last().map(|(_, text)| text.as_str()),
        Some(note)
    );

    // One that comes back is not taken for the one that went: late words of the old connection are dropped by its number.
    let effects = reload(&mut stage, &before());
    assert!(
        touched(&effects).contains(&"dial three 2".to_owned()),
        "{effects:?}"
    );
    stage.server_of("three", Generation(1), hello());
    let three = stage.host.server(&"three".into()).expect("three");
    assert!(matches!(three.status, Status::Starting { .. }));
}

#[test]
fn rules_change_without_a_new_connection_and_a_server_is_switched_off_and_on() {
    let mut stage = Stage::with(&before(), Settings::default());
    let mut next = before();
    next.servers[0].approve = ApprovePolicy::Never;
    next.servers[0].policy.calls_at_once = 1;
    next.servers[1].enabled = false;
    assert_eq!(touched(&reload(&mut stage, &next)), ["close two 1"]);
    let one = stage.host.server(&"one".into()).expect("one");
    assert!(one.status.is_ready() && one.spec.as_ref() == Some(&next.servers[0]));
    let effects = stage.propose(vec![call(1, "one__write", "{\"path\": \"a\"}")]);
    assert_eq!(sent(&effects).len(), 1, "the new rule counts: {effects:?}");
    assert_eq!(touched(&reload(&mut stage, &before())), ["dial two 2"]);

    // What the person has switched off stays off while its table changes otherwise.
    stage.raise("two");
    stage.command(mcpdeck::host::Command::Disable("two".into()));
    let mut next = before();
    next.servers[1] = foreign("two", &["new"]);
    assert_eq!(touched(&reload(&mut stage, &next)), [""; 0]);
    let two = stage.host.server(&"two".into()).expect("two");
    assert_eq!(two.status, Status::Disabled);
}

#[test]
fn the_calls_of_a_server_that_goes_end_and_the_turn_goes_on() {
    let mut stage = Stage::with(&before(), Settings::default());
    stage.propose(vec![
        call(1, "one__write", "{\"path\": \"a\"}"),
        call(2, "two__write", "{\"path\": \"b\"}"),
        call(3, "two__write", "{\"path\": \"c\"}"),
    ]);
    stage.answer(2, Answer::Once);
    let next = config(vec![foreign("one", &["a"]), foreign("two", &["elsewhere"])]);
    let effects = reload(&mut stage, &next);
    assert!(matches!(
        stage.end(2),
        CallEnd::Outcome {
            outcome: CallOutcome::NotSent { .. } | CallOutcome::Lost { .. }
        }
    ));
    // What was asked was about the program that stood there: no late yes sends it to another one.
    assert!(matches!(stage.end(3), CallEnd::Unavailable { .. }));
    assert_eq!(stage.answer(3, Answer::Once), []);
    assert_eq!(sent(&effects), []);
    assert!(
        stage.call(1).end().is_none(),
        "the other server's call still waits"
    );
    let effects = stage.answer(1, Answer::Once);
    assert_eq!(sent(&effects).len(), 1);
    let effects = stage.outcome(1, answered("done"));
    let stream = stream(&effects);
    stage.model(stream, done(Finish::Stop, Vec::new()));
    assert!(!stage.host.is_busy());
}

#[test]
fn a_yes_for_the_session_is_for_the_program_that_stood_there() {
    for (next, is_asked) in [
        (foreign("two", &["b"]), false),
        (foreign("two", &["another program"]), true),
    ] {
        let mut stage = Stage::with(&before(), Settings::default());
        stage.propose(vec![call(1, "two__write", "{\"path\": \"b\"}")]);
        stage.answer(1, Answer::Session);
        let effects = stage.outcome(1, answered("done"));
        let asked = stream(&effects);
        stage.model(asked, done(Finish::Stop, Vec::new()));
        reload(&mut stage, &config(vec![foreign("one", &["a"]), next]));
        if is_asked {
            stage.raise("two");
        }
        let effects = stage.propose(vec![call(2, "two__write", "{\"path\": \"c\"}")]);
        assert_eq!(sent(&effects).is_empty(), is_asked, "{effects:?}");
        assert_eq!(stage.host.questions.len(), usize::from(is_asked));
    }
}

#[test]
fn the_model_is_looked_for_only_when_its_settings_changed() {
    let mut stage = Stage::with(&before(), Settings::default());
    let mut next = before();
    next.limits = Limits {
        steps_per_turn: 2,
        ..Limits::default()
    };
    assert_eq!(touched(&reload(&mut stage, &next)), [""; 0]);
    assert_eq!(stage.host.settings.limits.steps_per_turn, 2);
    next.model = ModelSettings {
        base_url: Some("http://127.0.0.1:1/v1".into()),
        ..ModelSettings::default()
    };
    assert_eq!(touched(&reload(&mut stage, &next)), ["find model"]);
    assert!(matches!(stage.host.model, ModelState::Searching { .. }));
    next.model.provider = Provider::None;
    assert_eq!(touched(&reload(&mut stage, &next)), [""; 0]);
    assert!(matches!(stage.host.model, ModelState::Absent { .. }));
}

#[test]
fn what_is_wrong_with_the_files_is_said_and_nothing_changes() {
    let mut stage = Stage::with(&before(), Settings::default());
    let servers = stage.host.servers.clone();
    stage.host.reload_failed("mcp.toml:3:1: not valid TOML");
    assert_eq!(stage.host.servers, servers);
    let (_, text) = stage.notes().pop().expect("a note");
    assert!(text.contains("mcp.toml:3:1"), "{text}");
}

#[test]
fn before_the_start_nothing_is_dialled() {
    let mut stage = Stage::cold(&config(vec![foreign("one", &["a"])]), Settings::default());
    assert_eq!(touched(&reload(&mut stage, &before())), [""; 0]);
    assert_eq!(stage.notes(), []);
    let effects = stage.host.start(stage.now);
    let expected = ["dial one 1", "dial two 1", "dial three 1", "find model"];
    assert_eq!(touched(&effects), expected);
}
