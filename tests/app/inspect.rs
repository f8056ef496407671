//! The overview of the inspector: its keys, and the server that is restarted when its files change. A call is made again only by
//! the word of the configuration or of the person.

use mcpdeck::app::inspector::overview::Repeat;
use mcpdeck::app::{AppEffect, AppEvent, Key};
use mcpdeck::config::News;
use mcpdeck::host::{Command, Effect, HostEvent};
use mcpdeck::ids::{CallId, ServerName};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::listing::{Listed, Listing};
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::result::{CallOutcome, ToolResult};

use crate::support::{Play, host_effects};

fn files() -> ServerName {
    ServerName::new("files")
}

/// The inspector is open on `files`, and its `write_file` was called by hand and has answered.
fn called() -> Play {
    let mut play = Play::ready();
    play.app.inspect_alone(files());
    let command = Command::Call {
        server: files(),
        tool: "write_file".into(),
        arguments: "{\"path\":\"a\"}".into(),
    };
    play.app.host.command(command, play.now);
    let result = ToolResult::text("done").into();
    let answered = CallOutcome::Answered { result };
    says(
        &mut play,
        ServerEvent::Call(CallId(1), CallEvent::Finished(answered)),
    );
    play
}

fn says(play: &mut Play, event: ServerEvent) -> Vec<AppEffect> {
    let generation = play.app.host.server(&files()).expect("it").generation;
    let server = files();
    play.host(HostEvent::Server {
        server,
        generation,
        event,
    })
}

fn touched(play: &mut Play) -> Vec<AppEffect> {
    play.update(AppEvent::News(Box::new(News::Touched("server.py".into()))))
}

/// The new connection greets and lists what it had; the effects of the last event.
fn comes_back(play: &mut Play) -> Vec<AppEffect> {
    let server = play.app.host.server(&files()).expect("it");
    let listing = Listing {
        items: server.tools.clone(),
        rejected: Vec::new(),
    };
    let other = play.app.host.servers.last().expect("another");
    let hello = other.hello.clone().expect("its words");
    says(play, ServerEvent::Connected(hello));
    says(play, ServerEvent::Listed(Listed::Tools(listing)))
}

fn calls(effects: &[AppEffect]) -> usize {
    let effects = host_effects(effects);
    let is_call = |effect: &&&Effect| matches!(effect, Effect::Call { .. });
    effects.iter().filter(is_call).count()
}

fn repeat(play: &Play) -> &Repeat {
    &play
        .app
        .inspector
        .as_ref()
        .expect("open")
        .overview
        .watch
        .repeat
}

#[test]
fn a_changed_file_restarts_the_server_and_no_call_is_made_without_a_word() {
    let mut play = called();
    let effects = touched(&mut play);
    let effects = host_effects(&effects);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Dial { server, .. } if *server == files()))
    );
    assert_eq!(calls(&comes_back(&mut play)), 0);
    assert!(matches!(repeat(&play), Repeat::Held(wish) if wish.tool == "write_file"));
    // The yes counts at once, and after each restart to come.
    assert_eq!(calls(&play.key(Key::char('y'))), 1);
    let answered = CallOutcome::Answered {
        result: ToolResult::text("again").into(),
    };
    says(
        &mut play,
        ServerEvent::Call(CallId(2), CallEvent::Finished(answered)),
    );
    touched(&mut play);
    assert_eq!(
        calls(&comes_back(&mut play)),
        1,
        "the same call, agreed to before"
    );
}

#[test]
fn another_call_needs_a_yes_of_its_own() {
    let mut play = called();
    touched(&mut play);
    comes_back(&mut play);
    play.key(Key::char('y'));
    let command = Command::Call {
        server: files(),
        tool: "write_file".into(),
        arguments: "{\"path\":\"b\"}".into(),
    };
    play.app.host.command(command, play.now);
    for call in [2, 3] {
        let result = ToolResult::text("done").into();
        let answered = CallOutcome::Answered { result };
        says(
            &mut play,
            ServerEvent::Call(CallId(call), CallEvent::Finished(answered)),
        );
    }
    touched(&mut play);
    assert_eq!(calls(&comes_back(&mut play)), 0);
}

#[test]
fn the_word_of_the_configuration_or_of_the_command_line_is_enough_and_a_hint_is_not() {
    for (named, all, expected) in [(false, false, 0), (true, false, 1), (false, true, 1)] {
        let mut play = called();
        let server = play.app.host.servers.first_mut().expect("files");
        // Where nobody has said a word, not even the server's own hint is enough.
        server.tools[1].annotations.read_only = (!named && !all).then_some(true);
        let policy = &mut server.spec.as_mut().expect("its table").policy;
        policy
            .repeatable
            .extend(named.then(|| "write_file".to_owned()));
        let inspector = play.app.inspector.as_mut().expect("open");
        inspector.overview.watch.repeats_all = all;
        touched(&mut play);
        assert_eq!(calls(&comes_back(&mut play)), expected, "{named} {all}");
    }
}

#[test]
fn what_is_not_announced_is_asked_for_by_a_key_counted_and_not_taken_over() {
    let mut play = called();
    let effects = play.key(Key::char('u'));
    let asked = host_effects(&effects);
    let lists = asked
        .iter()
        .filter(|effect| matches!(effect, Effect::List { .. }));
    assert_eq!(lists.count(), 3, "resources, templates and prompts");
    let prompts = Listed::none(ListKind::Prompts);
    says(&mut play, ServerEvent::Listed(prompts));
    let why = "error -32601".to_owned();
    says(&mut play, ServerEvent::ListFailed(ListKind::Resources, why));
    let server = play.app.host.server(&files()).expect("it");
    assert!(server.resources.is_empty() && !server.rejected.contains_key(&ListKind::Resources));
    let inspector = play.app.inspector.as_ref().expect("open");
    let found = |id| {
        inspector
            .overview
            .findings
            .iter()
            .any(|it| it.rule.id == id)
    };
    assert!(!found("there-not-declared") && !found("declared-not-there"));
    assert!(found("list-changed-silent"), "a control");
}
