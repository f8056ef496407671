//! Completions, prompts, resources, subscriptions and saved files: what keys and lines come to.

use mcpdeck::app::{AppEffect, AppEvent, Code, Context, Key, Overlay, Shelf};
use mcpdeck::host::{CallEnd, CallState, Effect, HostEvent, Origin, ToolCall};
use mcpdeck::ids::{CallId, ErrandId, Moment, ServerName};
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::prompt::{Prompt, PromptArgument};
use mcpdeck::mcp::request::{Errand, ErrandEnd, Method, Reference};
use mcpdeck::mcp::resource::{Resource, Template};
use mcpdeck::mcp::result::{Block, CallOutcome, ToolResult};
use serde_json::json;

use crate::support::{Play, host_effects};

fn argument(name: &str, required: bool) -> PromptArgument {
    PromptArgument {
        name: name.to_owned(),
        title: None,
        description: Some(format!("what {name} is")),
        required,
    }
}

fn prompt(name: &str, arguments: Vec<PromptArgument>) -> Prompt {
    Prompt {
        name: name.to_owned(),
        title: Some(format!("Title of {name}")),
        description: None,
        arguments,
        icons: Vec::new(),
    }
}

fn resource(uri: &str, name: &str) -> Resource {
    Resource {
        uri: uri.to_owned(),
        name: name.to_owned(),
        title: None,
        description: None,
        mime: Some("text/plain".to_owned()),
        size: Some(12),
        icons: Vec::new(),
    }
}

/// `files` has resources, a template and prompts, and completes.
fn play() -> Play {
    let mut play = Play::ready();
    let server = &mut play.app.host.servers[0];
    server.resources = vec![
        resource("file:///ghi-chú.txt", "ghi chú"),
        resource("file:///a b.txt", "with a blank"),
        resource("file:///报告.md", "报告"),
    ];
    server.templates = vec![Template {
        uri_template: "gh://{owner}/{repo}".to_owned(),
        name: "repository".to_owned(),
        title: None,
        description: None,
        mime: None,
    }];
    server.prompts = vec![
        prompt("hello", Vec::new()),
        prompt(
            "review",
            vec![argument("path", true), argument("style", false)],
        ),
        prompt("two words", Vec::new()),
    ];
    if let Some(hello) = &mut server.hello {
        hello.capabilities = json!({"completions": {}});
    }
    play
}

fn labels(play: &Play) -> Vec<&str> {
    let rows = play.app.reach.suggest.rows.iter();
    rows.map(|row| row.label.as_str()).collect()
}

fn asked(effects: &[AppEffect]) -> Vec<(ErrandId, Errand)> {
    let errand = |effect: &&Effect| match effect {
        Effect::Errand { errand, what, .. } => Some((*errand, what.clone())),
        _ => None,
    };
    host_effects(effects).iter().filter_map(errand).collect()
}

/// Lets so many milliseconds pass and gives what was asked of servers then.
fn pause(play: &mut Play, millis: u64) -> Vec<(ErrandId, Errand)> {
    play.now = play.now.plus(std::time::Duration::from_millis(millis));
    let effects = play.update(AppEvent::Tick);
    asked(&effects)
}

fn end(play: &mut Play, errand: ErrandId, end: ErrandEnd) -> Vec<AppEffect> {
    let generation = play.app.host.servers[0].generation;
    play.host(HostEvent::Server {
        server: ServerName::new("files"),
        generation,
        event: ServerEvent::Errand(errand, end),
    })
}

fn completed(values: &[&str]) -> ErrandEnd {
    ErrandEnd::Completed {
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        total: None,
        more: false,
    }
}

#[test]
fn a_slash_lists_commands_and_prompts_and_enter_takes_one() {
    let mut play = play();
    play.type_text("/");
    assert_eq!(play.app.context(), Context::Completing);
    assert!(labels(&play).contains(&"/help") && labels(&play).contains(&"/files:review"));
    play.type_text("revi");
    assert_eq!(labels(&play), ["/files:review"]);
    assert_eq!(play.app.reach.suggest.rows[0].note, "Title of review");
    play.press(Code::Enter);
    assert_eq!(play.app.composer.text(), "/files:review ");
    assert_eq!(labels(&play), ["path=", "style="]);
    assert!(play.app.reach.suggest.rows[0].note.starts_with("required"));
}

#[test]
fn what_nothing_can_follow_goes_out_with_one_enter() {
    let mut play = play();
    play.type_text("/too");
    play.press(Code::Enter);
    assert!(
        matches!(play.app.overlay, Overlay::Detail { .. }),
        "/tools is open"
    );
    play.press(Code::Esc);
    // What only resembles it has to be seen in the input first.
    play.type_text("/tls");
    assert_eq!(labels(&play), ["/tools"]);
    play.press(Code::Enter);
    assert_eq!(play.app.composer.text(), "/tools");
    assert!(matches!(play.app.overlay, Overlay::None));
}

#[test]
fn a_line_that_is_written_out_is_sent_and_esc_closes() {
    let mut play = play();
    play.type_text("/restart shop");
    assert_eq!(play.app.context(), Context::Chat, "{:?}", labels(&play));
    play.press(Code::Enter);
    assert!(play.app.composer.is_empty());
    play.type_text("/re");
    assert_eq!(play.app.context(), Context::Completing);
    play.press(Code::Esc);
    assert_eq!(play.app.context(), Context::Chat);
    play.press(Code::Up);
    play.press(Code::Up);
    assert_eq!(play.app.context(), Context::Chat, "history opens nothing");
}

#[test]
fn the_words_behind_a_command_are_completed_too() {
    let mut play = play();
    play.type_text("/read ");
    assert_eq!(labels(&play), ["files", "shop"]);
    play.press(Code::Tab);
    assert_eq!(play.app.composer.text(), "/read files ");
    // What cannot be written as one word is not proposed.
    assert_eq!(labels(&play), ["file:///ghi-chú.txt", "file:///报告.md"]);
    play.press(Code::Down);
    play.press(Code::Enter);
    assert_eq!(play.app.composer.text(), "/read files file:///报告.md ");
    play.press(Code::Enter);
    let call = play
        .app
        .host
        .calls
        .last()
        .map(|call| (call.method, call.tool.clone()));
    assert_eq!(call, Some((Method::Resource, "file:///报告.md".to_owned())));
    play.type_text("/log files w");
    assert_eq!(labels(&play)[0], "warning");
}

#[test]
fn an_at_sign_finds_servers_and_resources_by_a_few_letters() {
    let mut play = play();
    play.type_text("xem @");
    assert_eq!(
        labels(&play),
        [
            "@files:",
            "@files:file:///ghi-chú.txt",
            "@files:file:///报告.md",
            "@files:gh://{owner}/{repo}"
        ]
    );
    play.type_text("ghichu");
    assert_eq!(labels(&play), ["@files:file:///ghi-chú.txt"]);
    play.press(Code::Tab);
    assert_eq!(play.app.composer.text(), "xem @files:file:///ghi-chú.txt ");
    assert_eq!(play.app.context(), Context::Chat);
    play.key(Key::char('z').alt());
    assert_eq!(
        play.app.composer.text(),
        "xem @ghichu",
        "one step to take back"
    );
}

#[test]
fn a_value_is_asked_for_after_a_pause_one_at_a_time() {
    let mut play = play();
    let effects = play.type_text("/files:review path=sr");
    assert_eq!(asked(&effects), [], "nothing while one types");
    assert!(play.app.tick().is_some());
    let sent = pause(&mut play, 200);
    let [
        (
            first,
            Errand::Complete {
                of,
                argument,
                value,
                ..
            },
        ),
    ] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    assert_eq!(
        of,
        &Reference::Prompt {
            name: "review".to_owned()
        }
    );
    assert_eq!((argument.as_str(), value.as_str()), ("path", "sr"));
    // One types on: the second question waits for the first answer, which is for an older text and shows nothing.
    play.type_text("c");
    assert_eq!(pause(&mut play, 500), []);
    let effects = end(&mut play, *first, completed(&["sr"]));
    assert_eq!(labels(&play), Vec::<&str>::new());
    let sent = asked(&effects);
    assert_eq!(sent.len(), 1, "now the second goes");
    end(
        &mut play,
        sent[0].0,
        completed(&["src/main.rs", "src/a b.rs"]),
    );
    assert_eq!(labels(&play), ["src/main.rs", "src/a b.rs"]);
    play.press(Code::Down);
    play.press(Code::Tab);
    assert_eq!(
        play.app.composer.text(),
        "/files:review path=\"src/a b.rs\" "
    );
    assert_eq!(labels(&play), ["style="]);
    play.press(Code::Esc);
    let effects = play.press(Code::Enter);
    let call = play.app.host.calls.last().expect("the prompt is got");
    assert_eq!(call.method, Method::Prompt);
    assert_eq!(call.arguments, r#"{"path":"src/a b.rs"}"#);
    assert!(!host_effects(&effects).is_empty());
}

#[test]
fn a_server_that_does_not_complete_is_not_asked() {
    let mut play = play();
    play.app.host.servers[0].hello = None;
    play.type_text("/files:review path=sr");
    assert_eq!(pause(&mut play, 1_000), []);
    assert_eq!(play.app.tick(), None, "nothing counts on");
}

#[test]
fn the_variable_of_a_template_is_completed_in_place() {
    let mut play = play();
    play.type_text("@files:gh://anh/");
    let sent = pause(&mut play, 200);
    let [
        (
            id,
            Errand::Complete {
                argument, context, ..
            },
        ),
    ] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    assert_eq!(argument, "repo");
    assert_eq!(context.get("owner").map(String::as_str), Some("anh"));
    end(&mut play, *id, completed(&["mcp deck"]));
    assert_eq!(labels(&play)[0], "@files:gh://anh/mcp%20deck");
}

#[test]
fn a_template_opens_a_form_whose_uri_goes_into_the_message() {
    let mut play = play();
    play.type_text("xem @owner");
    play.press(Code::Tab);
    assert_eq!(play.app.context(), Context::Fields);
    play.press(Code::Enter);
    let Overlay::Fields(fields) = &play.app.overlay else {
        panic!("{:?}", play.app.overlay);
    };
    assert_eq!(fields.complaint.as_deref(), Some("`owner` is required."));
    play.type_text("anh");
    let sent = pause(&mut play, 200);
    assert_eq!(sent.len(), 1, "the field is completed");
    end(&mut play, sent[0].0, completed(&["anh-nguyen", "anh-tran"]));
    play.press(Code::Down);
    play.press(Code::Down);
    play.press(Code::Enter);
    play.press(Code::Tab);
    play.type_text("a/b");
    play.press(Code::Enter);
    assert_eq!(play.app.composer.text(), "xem @files:gh://anh-tran/a%2Fb ");
    assert_eq!(play.app.context(), Context::Chat);
}

#[test]
fn a_prompt_without_what_it_needs_opens_its_form() {
    let mut play = play();
    play.type_text("/files:review style=short ");
    play.press(Code::Esc);
    play.press(Code::Enter);
    assert_eq!(play.app.context(), Context::Fields);
    play.type_text("42");
    play.press(Code::Enter);
    let call = play.app.host.calls.last().expect("the prompt is got");
    assert_eq!(
        (call.method, call.tool.as_str()),
        (Method::Prompt, "review")
    );
    assert_eq!(call.arguments, r#"{"path":"42","style":"short"}"#);
    assert!(matches!(play.app.overlay, Overlay::None));
}

#[test]
fn a_slip_in_a_prompt_is_told() {
    let mut play = play();
    for (line, words) in [
        ("/files:reviw", "did you mean `/files:review`?"),
        ("/files:review pth=1", "did you mean `path`?"),
        ("/files:hello a=1", "takes no arguments"),
        ("/shop:x", "lists no prompts"),
        ("/read files", "needs a URI"),
        ("/log files loud", "takes one of debug, info"),
    ] {
        play.type_text(line);
        play.press(Code::Esc);
        play.press(Code::Enter);
        assert!(play.toast().contains(words), "{line}: {}", play.toast());
        play.ctrl('c');
        play.wait(3_000);
    }
    // Without such a server it is a text like any other.
    play.type_text("/usr:bin is odd");
    play.press(Code::Enter);
    assert!(play.app.composer.is_empty());
}

#[test]
fn a_prompt_waits_in_the_input_while_a_turn_runs() {
    let mut play = play();
    play.type_text("hello");
    play.press(Code::Enter);
    play.type_text("/files:hello");
    play.press(Code::Enter);
    assert_eq!(play.app.composer.text(), "/files:hello");
    assert!(
        play.toast().contains("A turn is running"),
        "{}",
        play.toast()
    );
    assert!(play.app.host.calls.is_empty());
}

#[test]
fn the_lists_are_searched_and_act() {
    let mut play = play();
    play.type_text("/resources");
    play.press(Code::Enter);
    let Overlay::Palette(palette) = &play.app.overlay else {
        panic!("{:?}", play.app.overlay);
    };
    assert_eq!((palette.shelf, palette.rows.len()), (Shelf::Resources, 4));
    assert_eq!(
        palette.rows[1].label, "@files:file:///a b.txt",
        "all of them are here"
    );
    play.type_text("blank");
    play.press(Code::Enter);
    let call = play.app.host.calls.last().map(|call| call.tool.clone());
    assert_eq!(call.as_deref(), Some("file:///a b.txt"));
    play.type_text("/prompts");
    play.press(Code::Enter);
    play.type_text("hello");
    play.press(Code::Enter);
    assert_eq!(play.app.composer.text(), "/files:hello");
    play.ctrl('c');
    play.ctrl('p');
    play.type_text("prompt two");
    play.press(Code::Enter);
    assert_eq!(
        play.app.context(),
        Context::Fields,
        "a name of two words has its form"
    );
}

#[test]
fn subscriptions_and_levels_say_what_came_of_them() {
    let mut play = play();
    let effects = play.type_text("/subscribe files file:///x");
    assert_eq!(asked(&effects), []);
    play.press(Code::Esc);
    let sent = asked(&play.press(Code::Enter));
    let uri = "file:///x".to_owned();
    assert_eq!(sent[0].1, Errand::Subscribe { uri });
    end(&mut play, sent[0].0, ErrandEnd::Done);
    assert_eq!(play.toast(), "Done: subscribe to file:///x at files.");
    play.type_text("/log files warning");
    let sent = asked(&play.press(Code::Enter));
    let why = "it does not log".to_owned();
    end(&mut play, sent[0].0, ErrandEnd::Failed { why });
    assert_eq!(
        play.toast(),
        "Could not set the log level of files to warning: it does not log"
    );
}

#[test]
fn the_files_of_an_answer_are_saved_by_a_key() {
    let mut play = play();
    let result = ToolResult {
        content: vec![
            Block::Text {
                text: "here".to_owned(),
            },
            Block::Image {
                mime: "image/png".to_owned(),
                data: "YWJj".to_owned(),
            },
        ],
        ..ToolResult::default()
    };
    let end = CallEnd::Outcome {
        outcome: CallOutcome::Answered {
            result: result.into(),
        },
    };
    play.app.host.calls.push(ToolCall {
        id: CallId(1),
        origin: Origin::Hand,
        server: None,
        method: Method::Tool,
        tool: "t".to_owned(),
        arguments: "{}".to_owned(),
        state: CallState::Done {
            at: Moment(0),
            took: Default::default(),
            end,
        },
        progress: None,
        messages: Default::default(),
        created: Moment(0),
        request_id: None,
        task: None,
        resent: 0,
        mismatch: None,
        ruling: None,
        cached: None,
        steps: Vec::new(),
        steps_lost: 0,
        saved_to: None,
    });
    play.press(Code::F(3));
    play.press(Code::Enter);
    let effects = play.key(Key::char('w'));
    let [AppEffect::Save(files)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(files.len(), 1);
    let file = &files[0];
    assert_eq!(
        (file.stem.as_str(), file.extension, file.data.as_str()),
        ("call-1-1", "png", "YWJj")
    );
    play.update(AppEvent::Saved(Ok(vec!["call-1-1.png".into()])));
    assert_eq!(play.toast(), "Saved call-1-1.png in the current folder.");
}
