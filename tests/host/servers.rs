//! Servers: dialled, listed, lost, dialled again, and what the model is told of them.

use std::time::Duration;

use mcpdeck::agent::model::{Finish, ModelEvent};
use mcpdeck::config::BrokenServer;
use mcpdeck::host::{Command, Effect, HostEvent, Settings, TurnState};
use mcpdeck::ids::Generation;
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::listing::{Listed, Listing, Rejected};
use mcpdeck::mcp::policy::retry::{SHORTEST, ceiling};
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::status::{Era, Status};

use crate::stage::*;

fn dials(effects: &[Effect]) -> Vec<(String, u64)> {
    let dial = |effect: &Effect| match effect {
        Effect::Dial {
            server, generation, ..
        } => Some((server.to_string(), generation.0)),
        _ => None,
    };
    effects.iter().filter_map(dial).collect()
}

fn listings(effects: &[Effect]) -> usize {
    let lists = |effect: &&Effect| matches!(effect, Effect::List { .. });
    effects.iter().filter(lists).count()
}

fn word(stage: &Stage, name: &str) -> &'static str {
    stage.host.server(&name.into()).unwrap().status.word()
}

#[test]
fn all_servers_that_are_on_are_dialled_side_by_side() {
    let mut off = foreign("off", &[]);
    off.enabled = false;
    let mut config = config(vec![bundled("files"), off, foreign("other", &[])]);
    config.broken.push(BrokenServer {
        enabled: true,
        name: "odd".into(),
        error: "line 3: no".into(),
        required: true,
    });
    let mut stage = Stage::cold(&config, Settings::default());
    let effects = stage.start();
    let expected = [("files".to_owned(), 1), ("other".to_owned(), 1)];
    assert_eq!(dials(&effects), expected);
    assert!(effects.contains(&Effect::FindModel));
    let words: Vec<_> = ["files", "off", "other", "odd"]
        .map(|name| word(&stage, name))
        .into();
    assert_eq!(words, ["starting", "disabled", "starting", "failed"]);
    assert!(stage.host.server(&"odd".into()).unwrap().required);
}

#[test]
fn a_word_of_an_earlier_connection_changes_nothing() {
    let mut stage = Stage::ready();
    stage.command(Command::Restart("files".into()));
    let before = stage.host.clone();
    for event in [
        hello(),
        ServerEvent::Listed(Listed::Tools(tools())),
        ServerEvent::Changed(ListKind::Tools),
        ended(FailureKind::Exited),
    ] {
        assert_eq!(stage.server_of("files", Generation(1), event), []);
    }
    assert_eq!(stage.host, before);
}

#[test]
fn a_word_after_the_end_changes_nothing() {
    let mut stage = Stage::ready();
    stage.server("files", ended(FailureKind::Exited));
    assert_eq!(
        stage.server("files", ServerEvent::Listed(Listed::Tools(tools()))),
        []
    );
    assert_eq!(word(&stage, "files"), "waiting");
}

#[test]
fn a_storm_of_changes_costs_one_further_listing() {
    let mut stage = Stage::ready();
    stage.now = stage.now.plus(Duration::from_secs(2));
    let mut count = 0;
    for _ in 0..50 {
        count += listings(&stage.server("files", ServerEvent::Changed(ListKind::Tools)));
    }
    assert_eq!(count, 1, "one runs, the others are noted");
    stage.now = stage.now.plus(Duration::from_secs(2));
    assert_eq!(
        listings(&stage.server("files", ServerEvent::Listed(Listed::Tools(tools())))),
        1
    );
    assert_eq!(
        listings(&stage.server("files", ServerEvent::Listed(Listed::Tools(tools())))),
        0
    );
}

#[test]
fn a_listing_that_fails_later_keeps_the_tools() {
    let mut stage = Stage::ready();
    stage.server("files", ServerEvent::Changed(ListKind::Tools));
    stage.server(
        "files",
        ServerEvent::ListFailed(ListKind::Tools, "no answer".into()),
    );
    let server = stage.host.server(&"files".into()).unwrap();
    assert_eq!(server.tools.len(), 2);
    assert_eq!(server.health.last_error.as_deref(), Some("no answer"));
    let told = last_user(&request(&stage.submit("hi")));
    assert!(
        told.contains("not all tools of server `files` could be read"),
        "{told}"
    );
}

#[test]
fn a_server_without_tools_is_ready_after_its_greeting() {
    let mut stage = Stage::cold(&config(vec![foreign("other", &[])]), Settings::default());
    stage.start();
    let ServerEvent::Connected(mut words) = hello() else {
        unreachable!()
    };
    words.capabilities = serde_json::json!({});
    assert_eq!(
        listings(&stage.server("other", ServerEvent::Connected(words))),
        0
    );
    assert_eq!(word(&stage, "other"), "ready");
}

#[test]
fn tools_that_the_configuration_leaves_out_are_not_offered() {
    let mut spec = bundled("files");
    spec.disabled_tools = vec!["write".into()];
    let mut stage = Stage::with(&config(vec![spec]), Settings::default());
    let request = request(&stage.submit("hi"));
    let names: Vec<_> = request
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(names, ["files__read"]);
}

#[test]
fn one_that_never_came_up_stays_down_until_it_is_restarted() {
    let mut stage = Stage::cold(&config(vec![foreign("other", &[])]), Settings::default());
    stage.start();
    assert_eq!(stage.server("other", ended(FailureKind::Spawn)), []);
    assert_eq!(word(&stage, "other"), "failed");
    let again = stage.command(Command::Restart("other".into()));
    assert_eq!(dials(&again), [("other".to_owned(), 2)]);
    assert!(
        !again
            .iter()
            .any(|effect| matches!(effect, Effect::Close { .. })),
        "nothing was open"
    );
}

#[test]
fn one_that_was_up_is_dialled_again_with_growing_waits_and_then_given_up() {
    let mut stage = Stage::ready();
    let mut waits = Vec::new();
    while word(&stage, "other") != "failed" {
        let effects = stage.server("other", ended(FailureKind::Exited));
        for (timer, wait) in timers(&effects) {
            let attempt = waits.len() as u32 + 1;
            assert!(wait >= SHORTEST && wait <= ceiling(attempt), "{wait:?}");
            waits.push(wait.as_millis());
            stage.now = stage.now.plus(wait);
            let effects = stage.tell(HostEvent::Timer(timer));
            let Some(Effect::Dial { remembered, .. }) = effects.first() else {
                panic!("{effects:?}")
            };
            assert_eq!(
                *remembered,
                (waits.len() == 1).then_some(Era::Legacy),
                "asked once"
            );
        }
    }
    assert_eq!(waits.len(), 4, "the fifth end within a minute is the last");
    // A restart by hand makes a new start of it.
    stage.command(Command::Restart("other".into()));
    stage.raise("other");
    stage.server("other", ended(FailureKind::Exited));
    assert_eq!(word(&stage, "other"), "waiting");
}

#[test]
fn a_wait_that_was_cut_short_by_hand_dials_no_second_time() {
    let mut stage = Stage::ready();
    let timer = timers(&stage.server("other", ended(FailureKind::Exited)))[0].0;
    stage.command(Command::Restart("other".into()));
    assert_eq!(stage.tell(HostEvent::Timer(timer)), []);
}

#[test]
fn restart_closes_the_old_connection_and_disable_leaves_none() {
    let mut stage = Stage::ready();
    let close = |generation| Effect::Close {
        server: "files".into(),
        generation: Generation(generation),
    };
    let effects = stage.command(Command::Restart("files".into()));
    assert_eq!(effects[0], close(1));
    assert_eq!(dials(&effects), [("files".to_owned(), 2)]);
    let effects = stage.command(Command::Disable("files".into()));
    assert_eq!(effects, [close(2)]);
    assert_eq!(stage.command(Command::Disable("files".into())), []);
    assert_eq!(stage.server("files", ended(FailureKind::Stopped)), []);
    assert_eq!(word(&stage, "files"), "disabled");
    let effects = stage.command(Command::Enable("files".into()));
    assert_eq!(dials(&effects), [("files".to_owned(), 3)]);
}

#[test]
fn the_model_is_told_what_is_missing_and_again_when_that_changes() {
    let mut stage = Stage::cold(
        &config(vec![bundled("files"), foreign("other", &[])]),
        Settings::default(),
    );
    stage.start();
    stage.raise("files");
    stage.server("other", ended(FailureKind::Spawn));
    let asked = stage.submit("hi");
    assert!(
        last_user(&request(&asked))
            .contains("Not available now: server `other` failed (the process ended).")
    );
    stage.model(stream(&asked), ModelEvent::Text("hello".into()));
    stage.model(stream(&asked), done(Finish::Stop, vec![]));
    // Nothing has changed: nothing is said.
    let asked = stage.submit("again");
    assert_eq!(last_user(&request(&asked)), "again");
    stage.model(stream(&asked), done(Finish::Stop, vec![]));
    stage.command(Command::Restart("other".into()));
    stage.raise("other");
    let told = last_user(&request(&stage.submit("now?")));
    assert!(told.ends_with("All servers are available now."), "{told}");
}

#[test]
fn tools_that_cannot_be_used_are_named_to_the_model() {
    let mut stage = Stage::ready();
    stage.server("other", ServerEvent::Changed(ListKind::Tools));
    let rejected = vec![Rejected {
        name: Some("bad".into()),
        why: "no schema".into(),
    }];
    stage.server(
        "other",
        ServerEvent::Listed(Listed::Tools(Listing {
            rejected,
            ..tools()
        })),
    );
    let told = last_user(&request(&stage.submit("hi")));
    assert!(
        told.contains("server `other` has tools that cannot be used: bad"),
        "{told}"
    );
}

#[test]
fn a_prompt_waits_for_servers_that_start_and_no_longer_than_its_patience() {
    let config = config(vec![bundled("files"), foreign("other", &[])]);
    let mut stage = Stage::cold(&config, Settings::default());
    stage.start();
    let effects = stage.submit("hi");
    assert_eq!(
        timers(&effects)
            .iter()
            .map(|(_, wait)| *wait)
            .collect::<Vec<_>>(),
        [Duration::from_secs(3)]
    );
    assert!(matches!(stage.host.turn, TurnState::Gathering { .. }));
    stage.raise("files");
    assert!(matches!(stage.host.turn, TurnState::Gathering { .. }));
    // The last one settles, if only by failing.
    let effects = stage.server("other", ended(FailureKind::Spawn));
    assert_eq!(request(&effects).tools.len(), 2);
    // The timer comes late and does nothing.
    let late = timers(&effects);
    assert_eq!(late, []);

    let mut stage = Stage::cold(&config, Settings::default());
    stage.start();
    let timer = timers(&stage.submit("hi"))[0].0;
    let effects = stage.tell(HostEvent::Timer(timer));
    assert!(last_user(&request(&effects)).contains("server `files` is still starting"));
    assert_eq!(stage.tell(HostEvent::Timer(timer)), []);
}

#[test]
fn a_probe_follows_the_answer_to_the_last_one() {
    let mut stage = Stage::cold(&config(vec![foreign("other", &[])]), Settings::default());
    stage.start();
    let effects = stage.raise("other");
    let (timer, wait) = timers(&effects)[0];
    assert_eq!(wait, Duration::from_secs(2));
    let effects = stage.tell(HostEvent::Timer(timer));
    assert!(matches!(effects[..], [Effect::Probe { .. }]));
    let effects = stage.server("other", ServerEvent::Probed { millis: Some(7) });
    assert_eq!(timers(&effects).len(), 1);
    let server = stage.host.server(&"other".into()).unwrap();
    assert_eq!(
        server.health.percentile(0.5),
        Some(Duration::from_millis(7))
    );
    // One that ended meanwhile is not probed.
    let timer = timers(&effects)[0].0;
    stage.server("other", ended(FailureKind::Exited));
    assert_eq!(stage.tell(HostEvent::Timer(timer)), []);
}

#[test]
fn log_lines_are_bounded() {
    let mut stage = Stage::ready();
    for number in 0..300 {
        let (level, text) = ("info".to_owned(), number.to_string());
        stage.server("other", ServerEvent::Log { level, text });
    }
    let log = &stage.host.server(&"other".into()).unwrap().log;
    assert_eq!((log.len(), log[0].text.as_str()), (200, "100"));
    assert!(matches!(
        stage.host.server(&"other".into()).unwrap().status,
        Status::Ready { .. }
    ));
}
