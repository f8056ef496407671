//! Servers that go and come back: lists once a second, errands that end, tasks that are followed, what is set up anew.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mcpdeck::config::Launch;
use mcpdeck::host::{
    CallEnd, CallState, Command, Effect, HostEvent, Keep, RememberedEra, Settings,
};
use mcpdeck::ids::{CallId, ErrandId, Generation};
use mcpdeck::mcp::event::{CallEvent, ServerEvent, Task};
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::listing::{Listed, Listing};
use mcpdeck::mcp::request::{Errand, ErrandEnd, ListKind};
use mcpdeck::mcp::result::CallOutcome;
use mcpdeck::mcp::status::Era;
use serde_json::json;

use crate::stage::*;

fn lists(effects: &[Effect]) -> Vec<ListKind> {
    let kind = |effect: &Effect| match effect {
        Effect::List { kind, .. } => Some(*kind),
        _ => None,
    };
    effects.iter().filter_map(kind).collect()
}

fn errands(effects: &[Effect]) -> Vec<(u64, Errand)> {
    let errand = |effect: &Effect| match effect {
        Effect::Errand { errand, what, .. } => Some((errand.0, what.clone())),
        _ => None,
    };
    effects.iter().filter_map(errand).collect()
}

fn subscribe(uri: &str) -> Errand {
    Errand::Subscribe { uri: uri.into() }
}

fn errand(stage: &mut Stage, what: Errand) -> Vec<Effect> {
    stage.command(Command::Errand {
        server: "other".into(),
        what,
    })
}

fn over(stage: &mut Stage, errand: u64, end: ErrandEnd) {
    stage.server("other", ServerEvent::Errand(ErrandId(errand), end));
}

/// Lets the server fall over and come back.
fn come_back(stage: &mut Stage) -> Vec<Effect> {
    let ended = stage.server("other", ended(FailureKind::Exited));
    let (timer, _) = *timers(&ended).last().expect("a timer");
    stage.tell(HostEvent::Timer(timer));
    stage.raise("other")
}

/// A call by hand that runs as a task.
fn task(stage: &mut Stage) {
    stage.command(Command::Call {
        server: "other".into(),
        tool: "read".into(),
        arguments: path("a"),
    });
    for event in [
        CallEvent::Sent {
            request_id: "1".into(),
        },
        CallEvent::Task(Task {
            id: "t-7".into(),
            status: "working".into(),
            message: None,
        }),
    ] {
        stage.server("other", ServerEvent::Call(CallId(1), event));
    }
}

fn lost() -> ServerEvent {
    let outcome = CallOutcome::Lost {
        why: "the process ended".into(),
    };
    ServerEvent::Call(CallId(1), CallEvent::Finished(outcome))
}

fn follows(effects: &[Effect]) -> Vec<(u64, Generation, String)> {
    let follow = |effect: &Effect| match effect {
        Effect::FollowTask {
            call,
            generation,
            task,
            ..
        } => Some((call.0, *generation, task.clone())),
        _ => None,
    };
    effects.iter().filter_map(follow).collect()
}

fn why_unknown(stage: &Stage) -> String {
    match stage.end(1) {
        CallEnd::Outcome {
            outcome: CallOutcome::Lost { why },
        } => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_is_asked_for_once_a_second_at_most() {
    let mut stage = Stage::ready();
    stage.now = stage.now.plus(Duration::from_secs(5));
    let changed = || ServerEvent::Changed(ListKind::Prompts);
    let listed = || ServerEvent::Listed(Listed::none(ListKind::Prompts));
    assert_eq!(
        lists(&stage.server("other", changed())),
        [ListKind::Prompts]
    );
    for _ in 0..100 {
        assert_eq!(stage.server("other", changed()), []);
    }
    let planned = stage.server("other", listed());
    assert_eq!(lists(&planned), []);
    let (timer, after) = timers(&planned)[0];
    assert!(
        after > Duration::from_millis(500) && after < Duration::from_secs(1),
        "{after:?}"
    );
    for _ in 0..100 {
        assert_eq!(stage.server("other", changed()), []);
    }
    // Another kind has a second of its own.
    let tools = stage.server("other", ServerEvent::Changed(ListKind::Resources));
    assert_eq!(lists(&tools), [ListKind::Resources]);
    stage.now = stage.now.plus(after);
    assert_eq!(
        lists(&stage.tell(HostEvent::Timer(timer))),
        [ListKind::Prompts]
    );
    assert_eq!(stage.server("other", listed()), []);
}

#[test]
fn a_plan_of_an_earlier_connection_is_dropped() {
    let mut stage = Stage::ready();
    let planned = stage.server("other", ServerEvent::Changed(ListKind::Tools));
    let (timer, _) = timers(&planned)[0];
    stage.command(Command::Restart("other".into()));
    assert_eq!(stage.tell(HostEvent::Timer(timer)), []);
}

#[test]
fn a_failed_list_keeps_what_was_known_and_is_asked_for_again_when_it_changed_meanwhile() {
    let mut stage = Stage::ready();
    stage.now = stage.now.plus(Duration::from_secs(5));
    stage.server("other", ServerEvent::Changed(ListKind::Resources));
    stage.server("other", ServerEvent::Changed(ListKind::Resources));
    let failed = ServerEvent::ListFailed(ListKind::Resources, "not implemented".into());
    let effects = stage.server("other", failed);
    assert_eq!(timers(&effects).len(), 1);
    let server = stage.host.server(&"other".into()).expect("a server");
    assert!(server.status.is_ready());
    assert_eq!(
        server.rejected[&ListKind::Resources][0].why,
        "not implemented"
    );
    assert_eq!(server.health.last_error, None);
}

#[test]
fn names_that_no_tool_has_are_warned_of_once() {
    let mut spec = foreign("other", &[]);
    spec.enabled_tools = Some(vec!["read".into(), "wriet".into()]);
    spec.disabled_tools = vec!["drop".into()];
    let mut stage = Stage::with(&config(vec![spec]), Settings::default());
    let notes: Vec<_> = stage.notes().into_iter().map(|(_, text)| text).collect();
    let expected = [
        "Server `other` has no tool `wriet`, which `enabled_tools` names",
        "Server `other` has no tool `drop`, which `disabled_tools` names",
    ];
    assert_eq!(notes, expected);
    stage.server("other", ServerEvent::Listed(Listed::Tools(tools())));
    assert_eq!(stage.notes().len(), 2);
}

#[test]
fn subscriptions_and_the_log_level_follow_from_their_errands_and_are_set_up_anew() {
    let mut stage = Stage::ready();
    let level = Errand::SetLogLevel {
        level: "debug".into(),
    };
    assert_eq!(errands(&errand(&mut stage, subscribe("a://x"))).len(), 1);
    errand(&mut stage, subscribe("a://y"));
    errand(&mut stage, level.clone());
    over(&mut stage, 1, ErrandEnd::Done);
    over(&mut stage, 2, ErrandEnd::Failed { why: "no".into() });
    over(&mut stage, 3, ErrandEnd::Done);
    let server = stage.host.server(&"other".into()).expect("a server");
    assert_eq!(
        server.subscriptions,
        BTreeMap::from([("a://x".to_owned(), None)])
    );
    assert_eq!(server.log_level.as_deref(), Some("debug"));
    for uri in ["a://z", "a://x/part"] {
        stage.server("other", ServerEvent::ResourceUpdated { uri: uri.into() });
    }
    let server = stage.host.server(&"other".into()).expect("a server");
    assert_eq!(server.subscriptions["a://x"], Some(stage.now));
    let lines: Vec<_> = server.log.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(
        lines,
        [
            "subscribing to a://y failed: no",
            "the resource a://x/part has changed"
        ]
    );
    // The stage's server does not announce logging: its level is not sent.
    let again = errands(&come_back(&mut stage));
    assert_eq!(again, [(4, subscribe("a://x"))]);
    over(&mut stage, 4, ErrandEnd::Failed { why: "gone".into() });
    let server = stage.host.server(&"other".into()).expect("a server");
    assert!(server.subscriptions.is_empty());
}

#[test]
fn the_configured_log_level_is_sent_to_a_server_that_logs() {
    let mut spec = foreign("other", &[]);
    spec.log_level = Some("warning".into());
    let mut stage = Stage::cold(&config(vec![spec]), Settings::default());
    stage.start();
    let ServerEvent::Connected(mut hello) = hello() else {
        panic!("a greeting");
    };
    hello.capabilities = json!({"tools": {}, "logging": {}});
    stage.server("other", ServerEvent::Connected(hello));
    let effects = stage.server("other", ServerEvent::Listed(Listed::Tools(tools())));
    let level = Errand::SetLogLevel {
        level: "warning".into(),
    };
    assert_eq!(errands(&effects), [(1, level)]);
}

#[test]
fn a_raw_frame_is_written_down_before_it_is_sent_and_only_where_it_is_sent() {
    let mut stage = Stage::ready();
    let raw = |frame: &str| Errand::Raw {
        frame: frame.into(),
    };
    let frame = r#"{"method":"tools/call","params":{"name":"drop","arguments":{"secret":1}}}"#;
    let effects = errand(&mut stage, raw(frame));
    let [Effect::Keep(Keep::Frame(kept)), Effect::Errand { .. }] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(kept.server.as_str(), "other");
    assert_eq!(kept.method.as_deref(), Some("tools/call"));
    assert_eq!(kept.tool.as_deref(), Some("drop"));
    assert!(!format!("{kept:?}").contains("secret"), "{kept:?}");

    // What is no request of any kind is written down as well; another errand is not.
    let effects = errand(&mut stage, raw("[7]"));
    let [Effect::Keep(Keep::Frame(kept)), Effect::Errand { .. }] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!((&kept.method, &kept.tool), (&None, &None));
    assert_eq!(errand(&mut stage, subscribe("file:///a")).len(), 1);

    stage.server("other", ended(FailureKind::NeedsSignIn));
    assert_eq!(errand(&mut stage, raw(frame)), []);
}

#[test]
fn an_errand_ends_with_its_connection() {
    let mut stage = Stage::ready();
    errand(&mut stage, subscribe("a"));
    stage.server("other", ended(FailureKind::Exited));
    let end = stage.host.errands[0].end.clone();
    assert!(matches!(end, Some(ErrandEnd::Failed { .. })), "{end:?}");
    over(&mut stage, 1, ErrandEnd::Done);
    assert_eq!(stage.host.errands[0].end, end, "it ends once");
    let unsubscribe = Errand::Unsubscribe { uri: "a".into() };
    assert_eq!(errand(&mut stage, unsubscribe), []);
}

#[test]
fn a_call_with_a_task_outlives_its_connection() {
    let mut stage = Stage::ready();
    task(&mut stage);
    let adrift = stage.server("other", lost());
    assert_eq!(timers(&adrift).len(), 1);
    assert!(matches!(stage.call(1).state, CallState::Running { .. }));
    let back = come_back(&mut stage);
    assert_eq!(follows(&back), [(1, Generation(2), "t-7".to_owned())]);
    stage.outcome(1, answered("done"));
    assert_eq!(stage.end(1).word(), "ok");
}

#[test]
fn a_task_that_nobody_can_follow_is_of_unknown_outcome_and_named() {
    // The server is left alone.
    let mut stage = Stage::ready();
    task(&mut stage);
    stage.server("other", lost());
    stage.server("other", ended(FailureKind::NeedsSignIn));
    assert!(why_unknown(&stage).ends_with("its task `t-7` may still run there"));

    // The connection says nothing of the call at its end, and the time is over.
    let mut stage = Stage::ready();
    task(&mut stage);
    let adrift = stage.server("other", ended(FailureKind::Exited));
    let (timer, after) = *timers(&adrift).last().expect("a timer");
    assert!(after > Duration::from_secs(90) && after <= Duration::from_secs(100));
    stage.now = stage.now.plus(after);
    stage.tell(HostEvent::Timer(timer));
    assert!(why_unknown(&stage).contains("`t-7`"));

    // The server that came back does not know it.
    let mut stage = Stage::ready();
    task(&mut stage);
    stage.server("other", lost());
    come_back(&mut stage);
    let refused = CallOutcome::Refused {
        code: -32602,
        message: "no such task".into(),
    };
    stage.outcome(1, refused);
    let why = why_unknown(&stage);
    assert!(
        why.contains("no such task") && why.contains("`t-7`"),
        "{why}"
    );
    assert!(follows(&come_back(&mut stage)).is_empty());
}

#[test]
fn a_connection_that_goes_on_has_given_its_task_up_for_good() {
    let mut stage = Stage::ready();
    task(&mut stage);
    let adrift = stage.server("other", lost());
    let (timer, after) = timers(&adrift)[0];
    assert_eq!(after, Duration::from_secs(2));
    assert_eq!(stage.tell(HostEvent::Timer(timer)), []);
    assert_eq!(why_unknown(&stage), "the process ended");

    // Where the connection did end, the time goes on to the call's own limit.
    let mut stage = Stage::ready();
    task(&mut stage);
    let (timer, _) = timers(&stage.server("other", lost()))[0];
    stage.server("other", ended(FailureKind::Exited));
    let (timer, after) = timers(&stage.tell(HostEvent::Timer(timer)))[0];
    assert!(after > Duration::from_secs(90), "{after:?}");
    stage.now = stage.now.plus(after);
    stage.tell(HostEvent::Timer(timer));
    assert!(why_unknown(&stage).contains("`t-7`"));
}

#[test]
fn a_call_without_a_task_is_lost_as_before() {
    let mut stage = Stage::ready();
    stage.command(Command::Call {
        server: "other".into(),
        tool: "read".into(),
        arguments: path("a"),
    });
    stage.server("other", lost());
    assert_eq!(stage.end(1).word(), "outcome unknown");
    assert!(follows(&come_back(&mut stage)).is_empty());
}

#[test]
fn after_a_sleep_servers_are_asked_and_a_silent_one_is_dialled_again() {
    let mut stage = Stage::ready();
    let woke = || HostEvent::Woke {
        slept: Duration::from_secs(3600),
    };
    let probe = ServerEvent::Probed { millis: Some(3) };
    for name in ["files", "other"] {
        stage.server(name, probe.clone());
    }
    let probes = stage.tell(woke());
    let asked = probes
        .iter()
        .filter(|effect| matches!(effect, Effect::Probe { .. }));
    assert_eq!(asked.count(), 2);
    stage.server("files", probe);
    let effects = stage.server("other", ServerEvent::Probed { millis: None });
    let dial = Effect::Dial {
        server: "other".into(),
        generation: Generation(2),
        remembered: Some(Era::Legacy),
    };
    let close = Effect::Close {
        server: "other".into(),
        generation: Generation(1),
    };
    assert_eq!(effects, [close, dial]);
    assert_eq!(stage.generation("files"), Generation(1));
    // One that waits is not kept waiting.
    stage.server("files", ended(FailureKind::Network));
    let effects = stage.tell(woke());
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Dial { .. }))
    );
}

#[test]
fn three_probes_without_an_answer_end_a_connection_that_used_to_answer_and_is_not_at_work() {
    let silence = || ServerEvent::Probed { millis: None };
    let mut stage = Stage::ready();
    for _ in 0..5 {
        stage.server("other", silence());
    }
    assert_eq!(
        stage.generation("other"),
        Generation(1),
        "it never answered one"
    );
    stage.server("other", ServerEvent::Probed { millis: Some(1) });
    stage.command(Command::Call {
        server: "other".into(),
        tool: "read".into(),
        arguments: path("a"),
    });
    for _ in 0..5 {
        stage.server("other", silence());
    }
    assert_eq!(stage.generation("other"), Generation(1), "it is at work");
    stage.outcome(1, answered("x"));
    stage.server("other", silence());
    assert_eq!(stage.generation("other"), Generation(2));
}

#[test]
fn the_era_is_remembered_for_the_same_launch_and_written_down_when_it_is_news() {
    let spec = foreign("other", &[]);
    let launch = spec.launch.clone();
    let another = foreign("other", &["--more"]).launch;
    let settings = |launch: &Launch, era| Settings {
        eras: BTreeMap::from([("other".into(), RememberedEra::of(launch, era))]),
        eras_file: Some(PathBuf::from("/tmp/eras.json")),
        ..Settings::default()
    };
    let remembered = |effects: &[Effect]| match &effects[0] {
        Effect::Dial { remembered, .. } => *remembered,
        other => panic!("{other:?}"),
    };
    let saved = |effects: &[Effect]| {
        let saves = |effect: &&Effect| matches!(effect, Effect::Keep(Keep::Era { .. }));
        effects.iter().filter(saves).count()
    };
    let config = config(vec![spec]);
    let mut stage = Stage::cold(&config, settings(&launch, Era::Legacy));
    assert_eq!(remembered(&stage.start()), Some(Era::Legacy));
    assert_eq!(saved(&stage.raise("other")), 0);
    let mut stage = Stage::cold(&config, settings(&another, Era::Legacy));
    assert_eq!(remembered(&stage.start()), None);
    assert_eq!(saved(&stage.raise("other")), 1);
    // A dial that comes to nothing forgets it: it may be why.
    let mut stage = Stage::cold(&config, settings(&launch, Era::Modern));
    stage.start();
    stage.server("other", ended(FailureKind::Protocol));
    let again = stage.command(Command::Restart("other".into()));
    assert_eq!(remembered(&again), None);
}

#[test]
fn what_a_server_does_not_announce_any_more_is_gone() {
    let mut stage = Stage::ready();
    let template = mcpdeck::mcp::resource::Template {
        uri_template: "a://{x}".into(),
        name: "a".into(),
        title: None,
        description: None,
        mime: None,
    };
    let listed = Listed::Templates(Listing {
        items: vec![template],
        rejected: Vec::new(),
    });
    stage.server("other", ServerEvent::Listed(listed));
    stage.server("other", ended(FailureKind::Exited));
    let templates = |stage: &Stage| {
        stage
            .host
            .server(&"other".into())
            .expect("one")
            .templates
            .len()
    };
    assert_eq!(templates(&stage), 1, "kept while it is away");
    stage.command(Command::Restart("other".into()));
    stage.raise("other");
    assert_eq!(templates(&stage), 0);
}

#[test]
fn a_task_that_is_cancelled_between_two_connections_is_cancelled_on_the_next() {
    let mut stage = Stage::ready();
    task(&mut stage);
    stage.server("other", lost());
    let down = stage.server("other", ended(FailureKind::Exited));
    stage.command(Command::Interrupt);
    assert_eq!(stage.end(1).word(), "cancelled");
    let (_, note) = stage.notes()[0].clone();
    assert!(note.contains("`t-7` may go on there"), "{note}");
    let redial = timers(&down)
        .into_iter()
        .flat_map(|(timer, _)| stage.tell(HostEvent::Timer(timer)))
        .collect::<Vec<_>>();
    assert!(
        redial
            .iter()
            .any(|effect| matches!(effect, Effect::Dial { .. }))
    );
    let back = stage.raise("other");
    assert_eq!(follows(&back), [(1, Generation(2), "t-7".to_owned())]);
    let cancel = Effect::CancelCall {
        call: CallId(1),
        server: "other".into(),
        generation: Generation(2),
    };
    let place = |is: &dyn Fn(&Effect) -> bool| back.iter().position(is).expect("it is there");
    let followed = place(&|effect| matches!(effect, Effect::FollowTask { .. }));
    assert!(followed < place(&|effect| effect == &cancel));
    // It is done once, and the call's end stays.
    let over = ServerEvent::Call(CallId(1), CallEvent::Finished(CallOutcome::Cancelled));
    stage.server("other", over);
    assert_eq!(stage.end(1).word(), "cancelled");
    assert!(follows(&come_back(&mut stage)).is_empty());
}
