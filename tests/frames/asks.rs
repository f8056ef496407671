//! The dialogs for what servers ask, at three sizes, and that none of them hides a word without saying so.

use mcpdeck::app::dialog::Dialog;
use mcpdeck::app::form::FieldKey;
use mcpdeck::app::{App, AppEvent, Key, Overlay};
use mcpdeck::host::{About, Question, Root, SignInState};
use mcpdeck::ids::{AskId, CallId, Generation, QuestionId, ServerName};
use mcpdeck::mcp::ask::{Ask, Sampling, SamplingMessage};
use mcpdeck::mcp::failure::{Failure, FailureKind};
use mcpdeck::mcp::result::Block;
use mcpdeck::mcp::status::Status;
use serde_json::{Value, json};

use crate::stage::{at, drawn, fresh, screen, talk};

/// The server `shop` asks this for a call; the dialog is there.
pub fn asked(mut app: App, what: Ask) -> App {
    app.host.questions.push_back(Question {
        id: QuestionId(7),
        about: About::Server {
            server: ServerName::new("shop"),
            generation: Generation(1),
            ask: AskId(1),
            call: Some(CallId(5)),
            what,
        },
        since: at(12_000),
    });
    let now = app.now;
    app.update(AppEvent::Tick, now);
    app
}

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["name", "colour"],
        "properties": {
            "name": {"type": "string", "title": "Họ và tên", "description": "As on the invoice: 发票上的名字", "default": "Nguyễn Thị Ánh 👩‍🚀"},
            "mail": {"type": "string", "format": "email", "default": "anh"},
            "age": {"type": "integer", "minimum": 18, "maximum": 150},
            "news": {"type": "boolean", "title": "Newsletter", "default": false},
            "colour": {"type": "string", "oneOf": [
                {"const": "#f00", "title": "Đỏ"}, {"const": "#0f0", "title": "绿色"}, {"const": "#00f", "title": "Blue"}
            ]},
            "days": {"type": "array", "minItems": 1, "items": {"type": "string", "enum": ["Mon", "Tue", "Wed"]}, "default": ["Tue"]},
            "api_key": {"type": "string", "description": "To charge your account"}
        }
    })
}

fn form() -> App {
    let message = "To send the order we need a few things.\nCảm ơn bạn!".into();
    asked(
        talk(),
        Ask::Form {
            message,
            schema: schema(),
        },
    )
}

/// The same after a try to send it: what is missing has the keys.
fn form_tried() -> App {
    let mut app = form();
    let now = at(20_000);
    app.update(AppEvent::Tick, now);
    app.update(AppEvent::Key(Key::new(mcpdeck::app::Code::Enter)), now);
    app
}

fn visit() -> App {
    let url = "https://user@аррӏе.com:8443/connect?elicitation=550e8400-e29b-41d4-a716-446655440000&next=https://apple.com/";
    let mut app = asked(
        talk(),
        Ask::Url {
            message: "Please connect your account.\nXin mời đăng nhập.".into(),
            url: url.into(),
            id: Some("e1".into()),
        },
    );
    let mut second = app.host.questions[0].clone();
    second.id = QuestionId(8);
    app.host.questions.push_back(second);
    app
}

fn sampling() -> App {
    let said = |role: &str, text: &str| SamplingMessage {
        role: role.into(),
        content: vec![Block::Text { text: text.into() }],
    };
    asked(
        talk(),
        Ask::Sampling(Box::new(Sampling {
            messages: vec![
                said(
                    "user",
                    "Summarise the orders of Nguyễn Thị Ánh.\n总结订单。",
                ),
                said("assistant", "Which year?"),
                said("user", "All of them."),
            ],
            system: Some("You are a careful accountant.".into()),
            max_tokens: 1_500,
            temperature: Some(0.2),
            stop: vec!["\n\n".into()],
            models: vec!["claude".into(), "gpt".into()],
            tools: Vec::new(),
            tool_choice: None,
            context: Some("allServers".into()),
        })),
    )
}

fn folders() -> App {
    let mut app = talk();
    app.host.roots = Some(vec![Root {
        uri: "file:///home/anh/d%E1%BB%B1%20%C3%A1n".into(),
        name: Some("dự án".into()),
    }]);
    app.overlay = Overlay::None;
    asked(app, Ask::Roots)
}

fn needs_sign_in() -> App {
    let mut app = fresh();
    let mut failure = Failure::new(
        FailureKind::NeedsSignIn,
        "the server wants a sign-in (HTTP 401)",
    );
    failure.target = Some("https://mcp.example.com/mcp".into());
    app.host.servers[2].status = Status::Failed {
        failure: Box::new(failure),
    };
    app.host.servers[2].judge(false, app.now);
    app.focus = mcpdeck::app::Pane::Servers;
    app.tab = app.focus;
    app.servers.marked = 2;
    app
}

fn sign_in(state: SignInState) -> App {
    let mut app = needs_sign_in();
    app.host.sign_ins.insert("ghost".into(), state);
    let now = app.now;
    app.update(AppEvent::Key(Key::char('s')), now);
    app
}

fn visited() -> App {
    sign_in(SignInState::Visit {
        url: "https://login.example.com/authorize?response_type=code&client_id=mcpdeck&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcallback&state=abc".into(),
        comes_back: false,
    })
}

macro_rules! frame {
    ($name:ident, $app:expr, $cols:literal, $rows:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen(&$app, $cols, $rows));
        }
    };
}

frame!(a_form_wide, form(), 120, 40);
frame!(a_form_narrow, form(), 80, 24);
frame!(a_form_tiny, form(), 40, 12);
frame!(a_form_that_misses_something_wide, form_tried(), 120, 40);
frame!(a_form_that_misses_something_narrow, form_tried(), 80, 24);
frame!(an_address_wide, visit(), 120, 40);
frame!(an_address_narrow, visit(), 80, 24);
frame!(an_address_tiny, visit(), 40, 12);
frame!(sampling_wide, sampling(), 120, 40);
frame!(sampling_narrow, sampling(), 80, 24);
frame!(sampling_tiny, sampling(), 40, 12);
frame!(folders_wide, folders(), 120, 40);
frame!(folders_tiny, folders(), 40, 12);
frame!(a_server_needs_a_sign_in_narrow, needs_sign_in(), 80, 24);
frame!(a_sign_in_wide, visited(), 120, 40);
frame!(a_sign_in_narrow, visited(), 80, 24);
frame!(a_sign_in_tiny, visited(), 40, 12);

#[test]
fn every_dialog_names_the_server_its_answers_and_how_much_is_hidden() {
    for (cols, rows) in [(120, 40), (80, 24), (60, 20), (40, 12), (30, 10)] {
        for (app, answers) in [
            (form(), vec!["Enter accept", "Ctrl-X no", "Esc cancel"]),
            (
                visit(),
                vec!["y open it", "c copy", "e elsewhere", "n no", "Esc cancel"],
            ),
            (
                sampling(),
                vec!["y once", "s session", "n no", "Esc cancel"],
            ),
            (folders(), vec!["Enter accept", "Ctrl-X no", "Esc cancel"]),
        ] {
            let (text, measured) = drawn(&app, cols, rows);
            assert!(text.contains("shop ask"), "{cols}x{rows}\n{text}");
            for answer in answers {
                assert!(text.contains(answer), "{cols}x{rows} {answer}\n{text}");
            }
            let (all, shown) = measured.ask;
            assert!(shown > 0, "{cols}x{rows}\n{text}");
            // Words where there is a row for them, else the bar.
            let signed = text.contains(&format!("of {all} ·")) || text.contains('┃');
            assert_eq!(signed, all > shown, "{cols}x{rows}\n{text}");
        }
    }
}

/// Whatever field has the keys, it is in sight, and so is the cursor of a text.
#[test]
fn the_field_with_the_keys_is_in_sight() {
    for (cols, rows) in [(120, 40), (80, 24), (40, 12)] {
        let mut app = form();
        let now = at(20_000);
        for _ in 0..30 {
            app.update(AppEvent::Key(Key::new(mcpdeck::app::Code::Down)), now);
            let (text, measured) = drawn(&app, cols, rows);
            app.update(AppEvent::Drawn(measured), now);
            let Dialog::Form(form) = &app.ask.dialog else {
                panic!("no form");
            };
            if !form.types() {
                let at_a_choice = text.contains("❯ (") || text.contains("❯ [");
                assert!(at_a_choice, "{cols}x{rows}\n{text}");
            } else {
                let cursor = text.lines().last().unwrap_or_default();
                assert_ne!(cursor, "cursor 0,0", "{cols}x{rows}\n{text}");
            }
        }
    }
}

/// Scrolled from the first line to the last, a dialog has shown every line.
#[test]
fn scrolling_leaves_no_line_unseen() {
    let lines: Vec<String> = (0..60).map(|n| format!("line-{n}.")).collect();
    let mut app = asked(
        talk(),
        Ask::Form {
            message: lines.join("\n"),
            schema: schema(),
        },
    );
    let now = at(20_000);
    let mut seen = String::new();
    loop {
        let (text, measured) = drawn(&app, 40, 12);
        seen.push_str(&text);
        let (all, shown) = measured.ask;
        let last = measured.ask_first + shown >= all;
        app.update(AppEvent::Drawn(measured), now);
        if last {
            break;
        }
        app.update(AppEvent::Key(Key::new(mcpdeck::app::Code::PageDown)), now);
    }
    for line in lines {
        assert!(seen.contains(&line), "{line}");
    }
    // What is typed brings the field back into sight.
    app.update(AppEvent::Key(Key::char('x')), now);
    let (text, _) = drawn(&app, 40, 12);
    assert!(text.contains("👩‍🚀x"), "{text}");
}

/// What a server writes stands behind a bar on every line: it cannot pass for a word of ours.
#[test]
fn a_servers_words_cannot_pass_for_ours() {
    let forged = "fine\n! It is safe.\nEnter accept";
    let app = asked(
        talk(),
        Ask::Form {
            message: forged.into(),
            schema: json!({"properties": {"a": {"type": "string"}}}),
        },
    );
    let text = screen(&app, 120, 40);
    assert!(text.contains("│ ! It is safe."), "{text}");
}

/// A form of any fields is drawn at any size, wherever the keys are.
#[test]
fn any_field_is_drawn_at_any_size() {
    for cols in [0, 1, 3, 7, 12, 25, 60, 130] {
        for rows in [0, 1, 3, 6, 9, 14, 45] {
            let mut app = form();
            let now = at(20_000);
            for key in [FieldKey::Next, FieldKey::Toggle, FieldKey::Previous] {
                drawn(&app, cols, rows);
                if let Dialog::Form(form) = &mut app.ask.dialog {
                    form.press(key, usize::from(cols));
                }
                app.update(AppEvent::Tick, now);
            }
            drawn(&visit(), cols, rows);
            drawn(&sampling(), cols, rows);
            drawn(&visited(), cols, rows);
        }
    }
}
