//! The tabs of what a server offers, by keys: a call from its form, its result, its repetition, and what is copied.

use mcpdeck::app::form::tree::Tree;
use mcpdeck::app::inspector::offers::{Face, Filling, Look, OfferKind};
use mcpdeck::app::{AppEffect, AppEvent, Code, Context, Key};
use mcpdeck::config::{HttpLaunch, Launch, Secret, StdioLaunch};
use mcpdeck::host::fix::Given;
use mcpdeck::host::trail::From;
use mcpdeck::host::{Effect, HostEvent};
use mcpdeck::ids::{CallId, ServerName};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::listing::{Listed, Listing};
use mcpdeck::mcp::prompt::{Prompt, PromptArgument};
use mcpdeck::mcp::request::{Errand, ErrandEnd, Reference};
use mcpdeck::mcp::result::{CallOutcome, ToolResult};
use mcpdeck::mcp::tool::Tool;
use serde_json::json;

use crate::support::{Play, host_effects};

fn play() -> Play {
    let mut play = Play::ready();
    let server = &mut play.app.host.servers[0];
    let tool = |name: &str, schema| Tool {
        name: name.to_owned(),
        title: None,
        description: Some(format!("What {name} does.")),
        input_schema: schema,
        output_schema: None,
        annotations: Default::default(),
        icons: Vec::new(),
        task: Default::default(),
    };
    server.tools = vec![
        tool(
            "add",
            json!({"type": "object", "required": ["a", "tags"], "properties": {
            "a": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}}}),
        ),
        tool("ping", json!({"type": "object"})),
    ];
    server.prompts = vec![Prompt {
        name: "review".to_owned(),
        title: None,
        description: None,
        arguments: vec![PromptArgument {
            name: "path".to_owned(),
            title: None,
            description: None,
            required: true,
        }],
        icons: Vec::new(),
    }];
    if let Some(hello) = &mut server.hello {
        hello.capabilities = json!({"completions": {}});
    }
    let name = server.name.clone();
    play.app.inspect_alone(name);
    play.type_text("2");
    play
}

/// The call that is sent, as (tool, arguments).
fn sent(effects: &[AppEffect]) -> Option<String> {
    let effects = host_effects(effects);
    effects.iter().find_map(|effect| match effect {
        Effect::Call { .. } => Some(format!("{effect:?}")),
        _ => None,
    })
}

fn face(play: &Play) -> Option<Face> {
    let inspector = play.app.inspector.as_ref().expect("it is open");
    inspector.offers.shelf(OfferKind::Tools).face()
}

fn copied(effects: &[AppEffect]) -> &str {
    let copied = effects.iter().find_map(|effect| match effect {
        AppEffect::Copy(text) => Some(text.as_str()),
        _ => None,
    });
    copied.expect("something is copied")
}

fn fill(play: &mut Play) {
    play.press(Code::Enter);
    assert_eq!(play.app.context(), Context::CallForm);
    play.type_text("42");
    play.press(Code::Down);
    play.press(Code::Enter);
    play.press(Code::Down);
    play.press(Code::Enter);
    play.type_text("đỏ");
}

#[test]
fn a_call_goes_out_as_it_was_filled_in_and_its_result_is_shown() {
    let mut play = play();
    play.press(Code::Enter);
    let early = play.ctrl('s');
    assert_eq!(sent(&early), None, "what is missing is not sent");
    play.press(Code::Esc);
    play.press(Code::Enter);
    play.type_text("42");
    play.press(Code::Down);
    // The list is open and empty, or closed: its row makes it, the row below adds to it.
    let inspector = play.app.inspector.as_ref().expect("open");
    let Some(Filling::Call(tree)) = inspector.offers.forms.values().next() else {
        panic!("no form");
    };
    assert_eq!(tree.row().map(|row| row.name.as_str()), Some("tags"));
    play.press(Code::Down);
    play.press(Code::Enter);
    play.type_text("đỏ");
    let effects = play.ctrl('s');
    let call = sent(&effects).expect("it is sent");
    assert!(
        call.contains("add") && call.contains("42") && call.contains("đỏ"),
        "{call}"
    );
    let id = play.app.host.calls.last().expect("a call").id;
    assert_eq!(
        play.app.host.calls.last().unwrap().arguments,
        r#"{"a":42,"tags":["đỏ"]}"#
    );
    assert_eq!(face(&play), Some(Face::Result(id)));
    assert_eq!(play.app.context(), Context::Offers);
}

/// The server answers a call.
fn answer(play: &mut Play, id: CallId, result: ToolResult) {
    let server = play.app.host.servers[0].name.clone();
    let generation = play.app.host.servers[0].generation;
    let outcome = CallOutcome::Answered {
        result: result.into(),
    };
    let event = ServerEvent::Call(id, CallEvent::Finished(outcome));
    play.host(HostEvent::Server {
        server,
        generation,
        event,
    });
}

#[test]
fn a_result_is_looked_at_repeated_compared_and_copied() {
    let mut play = play();
    play.press(Code::Down);
    play.press(Code::Enter);
    play.press(Code::Enter);
    let first = play
        .app
        .host
        .calls
        .last()
        .expect("it takes no arguments, and is called")
        .id;
    answer(
        &mut play,
        first,
        ToolResult::text(r#"[{"id": 1}, {"id": 2}]"#),
    );
    assert_eq!(copied(&play.type_text("y")), r#"[{"id": 1}, {"id": 2}]"#);
    let result = play
        .app
        .host
        .call(first)
        .and_then(|call| call.result())
        .expect("a result");
    assert_eq!(Look::best(result), Look::Table);
    assert_eq!(copied(&play.type_text("s")), "mcpdeck call files ping");
    assert!(copied(&play.type_text("J")).contains("\"tools/call\""));
    play.type_text("v");
    let inspector = play.app.inspector.as_ref().expect("open");
    assert_eq!(
        inspector.offers.shelf(OfferKind::Tools).look,
        Some(Look::Tree)
    );
    let again = play.type_text("r");
    assert!(sent(&again).is_some());
    let second = play.app.host.calls.last().expect("a second call").id;
    assert_ne!(first, second);
    assert!(
        play.type_text("r").is_empty() || play.app.host.calls.len() == 2,
        "one at a time"
    );
    answer(
        &mut play,
        second,
        ToolResult::text(r#"[{"id": 1}, {"id": 3}]"#),
    );
    play.type_text("c");
    play.type_text("h");
    play.press(Code::Down);
    play.type_text("c");
    assert_eq!(face(&play), Some(Face::Compare(first, second)));
    // The comparison, the list of calls, the result, the form.
    for _ in 0..4 {
        play.press(Code::Esc);
    }
    assert_eq!(face(&play), None);
    assert!(play.app.inspector.is_some());
}

#[test]
fn what_was_filled_in_is_remembered() {
    let mut play = play();
    fill(&mut play);
    play.press(Code::Esc);
    play.press(Code::Enter);
    let inspector = play.app.inspector.as_ref().expect("open");
    let form = inspector.offers.forms.values().next().expect("a form");
    assert_eq!(form.value()["a"], 42);
}

/// The form that was opened first.
fn tree(play: &Play) -> &Tree {
    let inspector = play.app.inspector.as_ref().expect("open");
    match inspector.offers.forms.values().next() {
        Some(Filling::Call(tree)) => tree,
        other => panic!("{other:?}"),
    }
}

#[test]
fn broken_json_is_still_there_when_the_form_is_opened_again() {
    let mut play = play();
    play.press(Code::Enter);
    play.type_text("42");
    play.ctrl('r');
    play.type_text(" and more");
    let written = |play: &Play| {
        tree(play)
            .raw
            .as_ref()
            .map(|raw| raw.input.text().to_owned())
    };
    let before = written(&play).expect("it is written as JSON");
    play.press(Code::Esc);
    assert_eq!(face(&play), None, "Esc leads out");
    play.press(Code::Enter);
    assert_eq!(written(&play), Some(before));
    // And there is a way back to the fields as they were.
    play.ctrl('o');
    assert_eq!(written(&play), None);
    assert_eq!(tree(&play).value()["a"], 42);
    // What is whole is taken over by the first Esc.
    play.ctrl('r');
    play.press(Code::Esc);
    assert_eq!((face(&play), written(&play)), (Some(Face::Form), None));
}

#[test]
fn an_open_form_follows_the_schema_of_a_server_that_is_being_written() {
    let mut play = play();
    play.press(Code::Enter);
    play.type_text("42");
    let mut tools = play.app.host.servers[0].tools.clone();
    tools[0].input_schema = json!({"type": "object", "properties": {
        "a": {"type": "integer"}, "unit": {"type": "string"}, "tags": {"type": "array"}}});
    lists(&mut play, tools);
    let names: Vec<&str> = tree(&play)
        .rows
        .iter()
        .map(|row| row.name.as_str())
        .collect();
    assert!(names.starts_with(&["a", "unit", "tags"]), "{names:?}");
    assert!(sent(&play.ctrl('s')).is_some_and(|call| call.contains("42")));
}

/// The server lists these tools.
fn lists(play: &mut Play, items: Vec<Tool>) {
    let (server, generation) = {
        let server = &play.app.host.servers[0];
        (server.name.clone(), server.generation)
    };
    let rejected = Vec::new();
    let event = ServerEvent::Listed(Listed::Tools(Listing { items, rejected }));
    play.host(HostEvent::Server {
        server,
        generation,
        event,
    });
}

#[test]
fn a_list_that_changes_behind_an_open_form_does_not_make_it_another_tools() {
    let mut play = play();
    play.press(Code::Enter);
    play.type_text("42");
    play.press(Code::Down);
    play.press(Code::Down);
    play.press(Code::Enter);
    play.type_text("x");
    let tools = play.app.host.servers[0].tools.clone();
    let new = Tool {
        name: "a0".to_owned(),
        ..tools[1].clone()
    };
    lists(
        &mut play,
        vec![new.clone(), tools[1].clone(), tools[0].clone()],
    );
    let call = sent(&play.ctrl('s')).expect("it is sent");
    assert!(call.contains("\"add\"") && call.contains("42"), "{call}");
    // One that is gone takes its form with it.
    play.press(Code::Esc);
    assert_eq!(face(&play), Some(Face::Form));
    lists(&mut play, vec![new]);
    assert_eq!(face(&play), None);
    let toast = play.app.toast.as_ref().map(|toast| toast.text.as_str());
    assert!(toast.is_some_and(|text| text.contains("`add` is not offered any more")));
    assert_eq!(sent(&play.ctrl('s')), None);
    // Nor do the keys that were meant for it open and call what lies below.
    play.type_text("r ");
    for _ in 0..3 {
        play.wait(300);
        assert_eq!(sent(&play.press(Code::Enter)), None);
        assert_eq!(face(&play), None);
    }
    play.wait(500);
    play.press(Code::Enter);
    assert_eq!(face(&play), Some(Face::Form));
}

#[test]
fn f5_in_a_form_follows_and_calls_nothing() {
    let mut play = play();
    fill(&mut play);
    // There is nothing to follow yet.
    assert_eq!(sent(&play.press(Code::F(5))), None);
    assert_eq!(face(&play), Some(Face::Form));
    assert!(
        sent(&play.ctrl('s')).is_some(),
        "what was filled in is there"
    );
}

#[test]
fn f5_on_a_result_follows_that_call() {
    let mut play = play();
    fill(&mut play);
    play.ctrl('s');
    play.type_text("r");
    let shown = play.app.host.calls[0].id;
    play.type_text("hj");
    play.press(Code::Enter);
    assert_eq!(face(&play), Some(Face::Result(shown)));
    play.press(Code::F(5));
    let inspector = play.app.inspector.as_ref().expect("it is open");
    assert_eq!(inspector.follow.from, Some(From::Call(shown)));
}

/// The line for a shell, of a server that was given on the command line.
fn line_of(launch: Launch) -> String {
    let mut play = play();
    play.press(Code::Down);
    if let Some(spec) = &mut play.app.host.servers[0].spec {
        spec.launch = launch;
    }
    if let Some(inspector) = &mut play.app.inspector {
        inspector.overview.given = Given::Flags;
    }
    let effects = play.type_text("s");
    match effects.first() {
        Some(AppEffect::Copy(line)) => line.clone(),
        _ => "none".to_owned(),
    }
}

#[test]
fn a_line_for_a_shell_starts_the_server_that_no_configuration_knows() {
    let child = |args: &[&str]| {
        Launch::Stdio(StdioLaunch {
            shown: Vec::new(),
            command: "npx".to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: Default::default(),
            env_vars: Vec::new(),
            cwd: None,
        })
    };
    assert_eq!(
        line_of(child(&["-y", "@a/b", "it's"])),
        r"mcpdeck call files ping --run npx -y @a/b 'it'\''s'"
    );
    // A command line has one `--`, and this one would be taken for it.
    assert_eq!(line_of(child(&["--", "x"])), "none");
    let url = "https://example.com/mcp?a=1&b=2".to_owned();
    let http = Launch::Http(HttpLaunch {
        shown: url.clone(),
        url,
        headers: Default::default(),
        transport: Default::default(),
        oauth: Default::default(),
    });
    assert_eq!(
        line_of(http.clone()),
        "mcpdeck call 'https://example.com/mcp?a=1&b=2' ping"
    );
    // Values may be secret: they are named, and not said.
    let (mut child, mut http) = (child(&[]), http);
    if let (Launch::Stdio(child), Launch::Http(http)) = (&mut child, &mut http) {
        child.env = [("KEY".to_owned(), Secret::new("hunter22"))].into();
        child.env_vars = vec!["LANG".to_owned()];
        http.headers = [("X-Key".to_owned(), Secret::new("hunter22"))].into();
    }
    assert_eq!(
        line_of(child),
        "mcpdeck call --env KEY --env LANG files ping --run npx"
    );
    assert_eq!(
        line_of(http),
        "mcpdeck call --header 'X-Key: VALUE' 'https://example.com/mcp?a=1&b=2' ping"
    );
}

#[test]
fn a_prompt_is_completed_by_its_server_and_got_without_a_model() {
    let mut play = play();
    play.type_text("4");
    play.press(Code::Enter);
    play.type_text("RE");
    play.update(AppEvent::Tick);
    play.wait(200);
    let errand = play
        .app
        .host
        .errands
        .back()
        .expect("the server is asked")
        .clone();
    let Errand::Complete {
        of,
        argument,
        value,
        ..
    } = &errand.what
    else {
        panic!("{errand:?}");
    };
    assert_eq!(
        of,
        &Reference::Prompt {
            name: "review".to_owned()
        }
    );
    assert_eq!((argument.as_str(), value.as_str()), ("path", "RE"));
    let generation = play.app.host.servers[0].generation;
    let end = ErrandEnd::Completed {
        values: vec!["README.md".to_owned()],
        total: None,
        more: false,
    };
    let event = ServerEvent::Errand(errand.id, end);
    play.host(HostEvent::Server {
        server: ServerName::new("files"),
        generation,
        event,
    });
    play.press(Code::Down);
    play.press(Code::Enter);
    let before = play.app.host.transcript.entries().len();
    play.press(Code::Enter);
    let call = play.app.host.calls.last().expect("it is got");
    assert_eq!(call.arguments, r#"{"path":"README.md"}"#);
    assert!(
        play.app.host.turn == mcpdeck::host::TurnState::Idle,
        "no model is asked"
    );
    assert!(play.app.host.transcript.entries().len() <= before + 1);
}

#[test]
fn a_search_finds_and_its_letters_are_no_keys() {
    let mut play = play();
    play.type_text("/");
    assert_eq!(play.app.context(), Context::OffersSearch);
    play.type_text("pinq");
    play.press(Code::Backspace);
    play.type_text("g");
    play.press(Code::Enter);
    assert_eq!(play.app.context(), Context::Offers);
    let scene = play.app.scene().expect("a scene");
    let inspector = play.app.inspector.as_ref().expect("open");
    let marked = inspector.offers.marked(&scene).expect("one fits");
    assert_eq!(marked.name(), "ping");
    play.key(Key::new(Code::Esc));
    let inspector = play.app.inspector.as_ref().expect("still open");
    assert!(inspector.offers.shelf(OfferKind::Tools).query.is_empty());
}
