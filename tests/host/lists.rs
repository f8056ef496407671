//! How long lists are believed: asked for again when needed, kept over a restart, marked until they are confirmed.

use std::path::PathBuf;
use std::time::Duration;

use mcpdeck::agent::model::Finish;
use mcpdeck::config::{Config, HttpLaunch, Launch, ServerSpec};
use mcpdeck::host::keep::{LISTS_VERSION, lists_file};
use mcpdeck::host::{
    Answer, CallEnd, CallState, Command, Effect, HostEvent, Keep, KeptLists, Settings, SignInEvent,
    TurnState,
};
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::listing::{ListHints, Listed, Listing};
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::tool::Tool;

use crate::stage::*;

fn listings(effects: &[Effect]) -> Vec<(String, ListKind)> {
    let listing = |effect: &Effect| match effect {
        Effect::List { server, kind, .. } => Some((server.to_string(), *kind)),
        _ => None,
    };
    effects.iter().filter_map(listing).collect()
}

fn kept(effects: &[Effect]) -> Vec<(PathBuf, Option<Box<KeptLists>>)> {
    let kept = |effect: &Effect| match effect {
        Effect::Keep(Keep::Lists { path, lists }) => Some((path.clone(), lists.clone())),
        _ => None,
    };
    effects.iter().filter_map(kept).collect()
}

fn wait(stage: &mut Stage, seconds: u64) {
    stage.now = stage.now.plus(Duration::from_secs(seconds));
}

fn listed(stage: &mut Stage, hints: Option<ListHints>, list: Listing<Tool>) -> Vec<Effect> {
    if let Some(hints) = hints {
        stage.server("other", ServerEvent::Hints(ListKind::Tools, hints));
    }
    stage.server("other", ServerEvent::Listed(Listed::Tools(list)))
}

fn one() -> Config {
    config(vec![foreign("other", &["a"])])
}

fn remembered(spec: &ServerSpec) -> Settings {
    let lists = KeptLists {
        version: LISTS_VERSION,
        server: spec.name.clone(),
        launch: spec.launch.identity(),
        tools: tools().items,
        resources: Vec::new(),
        templates: Vec::new(),
        prompts: Vec::new(),
    };
    Settings {
        lists: [(spec.name.clone(), lists)].into(),
        lists_dir: Some("lists".into()),
        ..Settings::default()
    }
}

#[test]
fn a_list_past_its_time_is_asked_for_when_a_turn_begins_and_the_turn_waits_for_it() {
    let mut stage = Stage::with(&one(), Settings::default());
    wait(&mut stage, 299);
    assert_eq!(listings(&stage.submit("hi")), [], "five minutes by default");
    stage.command(Command::Interrupt);
    wait(&mut stage, 2);
    let effects = stage.submit("hi");
    assert_eq!(listings(&effects), [("other".into(), ListKind::Tools)]);
    assert!(matches!(stage.host.turn, TurnState::Gathering { .. }));
    let effects = listed(&mut stage, None, tools());
    assert_eq!(request(&effects).tools.len(), 2);
    stage.command(Command::Interrupt);
    assert_eq!(listings(&stage.submit("hi")), [], "it is fresh again");
}

#[test]
fn a_list_that_cannot_be_read_again_holds_no_turn_up_and_the_old_one_stays() {
    let mut stage = Stage::with(&one(), Settings::default());
    wait(&mut stage, 301);
    stage.submit("hi");
    let failed = ServerEvent::ListFailed(ListKind::Tools, "no".into());
    let effects = stage.server("other", failed);
    assert_eq!(request(&effects).tools.len(), 2);
}

#[test]
fn the_server_s_own_word_on_its_list_wins() {
    let hints = |ttl_ms| {
        Some(ListHints {
            ttl_ms: Some(ttl_ms),
            public: false,
        })
    };
    for (ttl_ms, after, asked) in [
        (0, 1, 1),
        (10_000, 9, 0),
        (10_000, 11, 1),
        (900_000, 600, 0),
    ] {
        let mut stage = Stage::with(&one(), Settings::default());
        listed(&mut stage, hints(ttl_ms), tools());
        wait(&mut stage, after);
        let effects = stage.command(Command::Look);
        assert_eq!(
            listings(&effects).len(),
            asked,
            "{ttl_ms} ms, after {after} s"
        );
        assert_eq!(
            listings(&stage.command(Command::Look)),
            [],
            "one is under way already"
        );
    }
}

#[test]
fn a_listing_is_never_begun_by_the_clock_alone() {
    let mut stage = Stage::with(&one(), Settings::default());
    wait(&mut stage, 10_000);
    let effects = stage.tell(HostEvent::Woke {
        slept: Duration::from_secs(9_000),
    });
    assert_eq!(listings(&effects), []);
}

#[test]
fn the_list_of_the_last_run_is_offered_before_the_server_is_there_and_a_call_waits_for_it() {
    let config = one();
    let mut stage = Stage::cold(&config, remembered(&config.servers[0]));
    stage.start();
    assert!(stage.host.servers[0].is_unconfirmed(ListKind::Tools));
    let asked = stage.submit("go");
    assert_eq!(request(&asked).tools.len(), 2, "no wait for the server");
    stage.model(
        stream(&asked),
        done(Finish::Stop, vec![call(1, "other__read", &path("a"))]),
    );
    let effects = stage.answer(1, Answer::Once);
    assert_eq!(sent(&effects), []);
    assert!(matches!(stage.call(1).state, CallState::Queued { .. }));
    stage.server("other", hello());
    let effects = listed(&mut stage, None, tools());
    assert_eq!(sent(&effects), [(1, "other".into(), path("a"))]);
    assert!(!stage.host.servers[0].is_unconfirmed(ListKind::Tools));
    assert_eq!(kept(&effects), [], "it stands there already");
}

#[test]
fn a_call_by_a_definition_that_the_server_no_longer_gives_is_not_sent() {
    let other = Tool {
        description: Some("Deletes everything.".into()),
        ..tool("read", true)
    };
    let list = |items| Listing {
        items,
        rejected: Vec::new(),
    };
    for (items, says) in [
        (vec![other], "another than the one from the last time"),
        (
            vec![tool("write", false)],
            "there is no tool `other.read` any more",
        ),
    ] {
        let config = one();
        let mut stage = Stage::cold(&config, remembered(&config.servers[0]));
        stage.start();
        stage.command(Command::Call {
            server: "other".into(),
            tool: "read".into(),
            arguments: "{}".into(),
        });
        stage.server("other", hello());
        let effects = listed(&mut stage, None, list(items));
        assert_eq!(sent(&effects), []);
        let CallEnd::Invalid { complaint } = stage.end(1) else {
            panic!("{:?}", stage.end(1));
        };
        assert!(complaint.contains(says), "{complaint}");
        assert_eq!(kept(&effects).len(), 1, "the new list is kept");
    }
}

#[test]
fn a_server_that_does_not_come_up_ends_the_calls_that_wait_for_it() {
    let happens: [&dyn Fn(&mut Stage); 2] = [
        &|stage| {
            stage.server("other", ended(FailureKind::Spawn));
        },
        &|stage| {
            stage.command(Command::Disable("other".into()));
        },
    ];
    for happens in happens {
        let config = one();
        let mut stage = Stage::cold(&config, remembered(&config.servers[0]));
        stage.start();
        stage.command(Command::Call {
            server: "other".into(),
            tool: "read".into(),
            arguments: "{}".into(),
        });
        happens(&mut stage);
        assert!(
            matches!(stage.end(1), CallEnd::Unavailable { .. }),
            "{:?}",
            stage.end(1)
        );
        assert_eq!(
            request(&stage.submit("go")).tools,
            [],
            "nothing of it is offered"
        );
    }
}

#[test]
fn a_list_of_another_launch_or_version_or_of_a_tool_that_is_switched_off_is_not_believed() {
    let config = one();
    let good = remembered(&config.servers[0]);
    let change = |change: &dyn Fn(&mut KeptLists)| {
        let mut settings = good.clone();
        settings.lists.values_mut().for_each(change);
        let mut stage = Stage::cold(&config, settings);
        stage.start();
        stage.host.servers[0].tools.len()
    };
    assert_eq!(change(&|_| {}), 2);
    assert_eq!(change(&|lists| lists.launch.push('x')), 0);
    assert_eq!(change(&|lists| lists.version += 1), 0);
    assert_eq!(change(&|lists| lists.server = "another".into()), 0);
    let mut config = config;
    config.servers[0].disabled_tools = vec!["write".into()];
    let stage = Stage::cold(&config, good);
    assert_eq!(stage.host.servers[0].tools.len(), 1);
}

#[test]
fn a_reconnect_keeps_the_list_and_marks_it_until_it_is_confirmed() {
    let mut stage = Stage::with(&one(), Settings::default());
    stage.command(Command::Restart("other".into()));
    let server = &stage.host.servers[0];
    assert!(server.is_expected() && server.tools.len() == 2);
    stage.raise("other");
    assert!(!stage.host.servers[0].is_unconfirmed(ListKind::Tools));
    stage.server("other", ServerEvent::Changed(ListKind::Tools));
    assert!(stage.host.servers[0].is_unconfirmed(ListKind::Tools));
}

fn http(name: &str) -> ServerSpec {
    let mut spec = foreign(name, &[]);
    spec.launch = Launch::Http(HttpLaunch {
        shown: String::new(),
        url: "https://example.org/mcp".into(),
        headers: Default::default(),
        transport: Default::default(),
        oauth: Default::default(),
    });
    spec
}

#[test]
fn what_somebody_sees_at_a_url_is_not_kept_for_whoever_is_signed_in_next() {
    for (public, tools_kept) in [(false, 0), (true, 2)] {
        let config = config(vec![http("other")]);
        let settings = Settings {
            lists_dir: Some("lists".into()),
            ..Settings::default()
        };
        let mut stage = Stage::cold(&config, settings);
        stage.start();
        stage.server("other", hello());
        let hints = ListHints {
            ttl_ms: None,
            public,
        };
        let effects = listed(&mut stage, Some(hints), tools());
        let kept = kept(&effects);
        let count: usize = kept
            .iter()
            .flat_map(|(_, lists)| lists)
            .map(|it| it.tools.len())
            .sum();
        assert_eq!(count, tools_kept);
        let event = SignInEvent::SignedOut;
        let server = "other".into();
        stage.tell(HostEvent::SignIn { server, event });
        assert_eq!(stage.host.servers[0].tools.len(), tools_kept);
    }
}

#[test]
fn clearing_forgets_lists_in_memory_and_on_the_disk_and_asks_again() {
    let config = one();
    let settings = Settings {
        lists_dir: Some("lists".into()),
        ..Settings::default()
    };
    let mut stage = Stage::with(&config, settings);
    let effects = stage.command(Command::ClearCache(None));
    let launch = config.servers[0].launch.identity();
    let path = lists_file("lists".as_ref(), &"other".into(), &launch);
    assert_eq!(kept(&effects), [(path, None)]);
    assert_eq!(listings(&effects), [("other".into(), ListKind::Tools)]);
    assert!(stage.host.servers[0].is_unconfirmed(ListKind::Tools));
    let effects = listed(&mut stage, None, tools());
    assert_eq!(kept(&effects).len(), 1, "kept anew");
}
