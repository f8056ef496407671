//! What holds for any frame: no size and no text makes it panic, and no cell holds what could move the cursor or hide.

use std::collections::BTreeSet;
use std::time::Duration;

use mcpdeck::agent::transcript::{Assistant, Entry, Level};
use mcpdeck::agent::turn::TurnState;
use mcpdeck::app::dialog::{Awaited, Dialog, Folders, SignIn};
use mcpdeck::app::form::FieldKey;
use mcpdeck::app::palette::{Palette, PaletteRow};
use mcpdeck::app::{Anchor, App, Detail, Measured, Overlay, Pane, Toast};
use mcpdeck::host::About;
use mcpdeck::host::preview::{Kind, Part, Preview, Undo, Vouch};
use mcpdeck::host::{
    CallEnd, CallState, Held, LogLine, ModelLabel, ModelState, Origin, Question, ToolCall,
};
use mcpdeck::host::{Root, SignInState};
use mcpdeck::ids::{CallId, Generation, Moment, QuestionId, Seq, StreamId, TurnId};
use mcpdeck::mcp::ask::{Ask, Sampling, SamplingMessage};
use mcpdeck::mcp::event::Progress;
use mcpdeck::mcp::failure::{Failure, FailureKind};
use mcpdeck::mcp::flags::Flag;
use mcpdeck::mcp::listing::Rejected;
use mcpdeck::mcp::pins::Pinned;
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::result::{Block, CallOutcome, ToolResult};
use mcpdeck::mcp::status::Status;
use mcpdeck::mcp::wire::record::{Direction, WireKind, WireRecord};
use mcpdeck::text::diff::Side;
use mcpdeck::view::highlight::highlight_now;
use mcpdeck::view::{Memo, Theme, draw};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::json;

use crate::stage;

/// Pieces of text that have broken terminals, in any order.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "\u{1b}[2J",
        "\u{1b}]0;title\u{7}",
        "\u{1b}",
        "\u{9b}31m",
        "\0",
        "\r",
        "\n",
        "\t",
        "\u{8}",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "\u{e0041}",
        "e\u{301}\u{302}\u{303}\u{323}",
        "漢字",
        "👩‍👩‍👧‍👦",
        "🇻🇳",
        "ﷺ",
        "\u{ad}",
        "\u{115f}",
        "word ",
        "verylongwordwithoutanyblankatall",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "```rust\nfn main() {}\n```\n",
        "# ",
        "> ",
        "- ",
        "1. ",
        "&#27;",
        "[x](\u{1b})",
        "{\"a\":1}",
        "\\u001b",
        "\\n",
        "\"",
        "\\",
    ]);
    prop::collection::vec(pieces, 0..12).prop_map(|parts| parts.concat())
}

/// A state with this text in every place that takes foreign text.
pub fn filled(text: &str, pick: u8) -> App {
    let mut app = stage::talk();
    let own = || text.to_owned();
    let now = app.now;
    app.host.model = match pick % 3 {
        0 => ModelState::Absent { why: own() },
        1 => ModelState::Searching { since: Moment(0) },
        _ => ModelState::Ready {
            label: ModelLabel {
                context: None,
                model: own(),
                place: own(),
                scripted: pick > 100,
                notes: vec![own()],
            },
        },
    };
    app.host.turn = match pick % 5 {
        0 => TurnState::Idle,
        1 => TurnState::Streaming {
            turn: TurnId(1),
            step: 1,
            stream: StreamId(1),
            since: Moment(0),
            retries: 1,
            opened: pick > 50,
            shown: false,
        },
        2 => TurnState::Backoff {
            turn: TurnId(1),
            step: 1,
            until: now,
            timer: mcpdeck::ids::TimerId(1),
            retries: 1,
            why: own(),
        },
        3 => TurnState::Calling {
            turn: TurnId(1),
            step: 1,
            waiting: BTreeSet::from([CallId(6)]),
        },
        _ => TurnState::Gathering {
            turn: TurnId(1),
            since: Moment(0),
            timer: mcpdeck::ids::TimerId(1),
        },
    };
    calls(&mut app, text);
    crate::reach::fill(&mut app, text);
    let failure = Failure {
        kind: FailureKind::Exited,
        message: own(),
        target: Some(own()),
        exit: Some(own()),
        stderr: vec![own(), own()],
        stdout_line: Some(own()),
        hint: Some(own()),
    };
    for server in &mut app.host.servers {
        server.health.last_error = Some(own());
        let odd = Rejected {
            name: Some(own()),
            why: own(),
        };
        server.rejected.insert(ListKind::Tools, vec![odd]);
        server.log.push_back(LogLine {
            at: Moment(0),
            level: own(),
            text: own(),
        });
        if let Some(tool) = server.tools.first_mut() {
            tool.name = own();
            tool.description = Some(own());
            tool.input_schema = json!({"properties": {text: {"type": text}}});
        }
        match &mut server.status {
            Status::Ready { hello, .. } => {
                hello.name = own();
                hello.version = own();
                hello.revision = own();
                hello.instructions = Some(own());
                hello.capabilities = json!({text: text});
            }
            Status::Failed { failure: why } | Status::Waiting { failure: why, .. } => {
                **why = failure.clone()
            }
            Status::Disabled | Status::Starting { .. } => {}
        }
    }
    app.wire.push(WireRecord {
        seq: Seq(1),
        at: Moment(9_001_000),
        server: "files".into(),
        generation: Generation(1),
        direction: Direction::Stderr,
        kind: WireKind::Stderr,
        bytes: text.len(),
        text: own(),
        carried: None,
    });
    let transcript = &mut app.host.transcript;
    transcript.push(Entry::User {
        text: own(),
        at: Moment(0),
        sent: true,
    });
    transcript.push(Entry::Told { text: own() });
    transcript.note(Level::Error, own(), Some(own()));
    transcript.push(Entry::Hand { call: CallId(8) });
    transcript.push(Entry::Assistant(Assistant {
        text: own(),
        reasoning: own(),
        preparing: Some((own(), 12)),
        calls: vec![CallId(6), CallId(7), CallId(99)],
        open: pick.is_multiple_of(2),
        ..Assistant::default()
    }));
    app.suggestion = pick.is_multiple_of(4).then(own);
    app.toast = Some(Toast {
        text: own(),
        until: Moment(u64::MAX),
    });
    if pick % 7 < 3 {
        app.composer.set(text);
    }
    app
}

fn calls(app: &mut App, text: &str) {
    let own = || text.to_owned();
    let result = ToolResult {
        content: vec![
            Block::Text { text: own() },
            Block::Link {
                uri: own(),
                name: Some(own()),
                title: Some(own()),
                description: Some(own()),
                mime: Some(own()),
                size: Some(1),
            },
            Block::Image {
                mime: own(),
                data: own(),
            },
            Block::Other {
                value: json!({text: text}),
            },
        ],
        structured: Some(
            json!({"rows": [{text: text, "b": 1}, {"b": text}], "columns": [text, "b"]}),
        ),
        is_error: false,
    };
    let mut asking = stage::call(
        6,
        "files",
        text,
        text,
        CallState::Asking {
            question: QuestionId(1),
        },
    );
    asking.progress = Some(Progress {
        done: f64::NAN,
        total: Some(f64::INFINITY),
        message: Some(own()),
    });
    let mut running = stage::call(
        7,
        text,
        text,
        &json!({text: text}).to_string(),
        CallState::Running {
            since: Moment(0),
            generation: Generation(1),
        },
    );
    let progress = Progress {
        done: -1.0,
        total: Some(0.5),
        message: Some(own()),
    };
    running.progressed(progress, Moment(1));
    running.request_id = Some(own());
    let mut hand: ToolCall = stage::call(
        8,
        "shop",
        "query_database",
        &json!({"sql": text}).to_string(),
        stage::answered(1, result),
    );
    hand.origin = Origin::Hand;
    hand.saved_to = Some(text.into());
    let denied = CallState::Done {
        at: Moment(1),
        took: Duration::MAX,
        end: CallEnd::Denied {
            reason: Some(own()),
        },
    };
    let refused = CallState::Done {
        at: Moment(1),
        took: Duration::ZERO,
        end: CallEnd::Outcome {
            outcome: CallOutcome::Refused {
                code: -1,
                message: own(),
            },
        },
    };
    app.host.calls.extend([
        asking,
        running,
        hand,
        stage::call(9, "files", text, "{", denied),
        stage::call(10, "files", text, text, refused),
    ]);
}

/// What the asked call would do, and a tool that has changed, all in these words.
fn foretold(app: &mut App, text: &str) {
    let own = || text.to_owned();
    let parts = vec![
        Part::Says {
            text: own(),
            warns: true,
        },
        Part::Sql {
            key: own(),
            text: own(),
            kinds: vec![Kind::Unknown],
            by: Vouch::Text,
        },
        Part::Diff {
            lines: vec![Some((Side::Old, own())), None, Some((Side::New, own()))],
            added: 1,
            removed: 1,
        },
        Part::Tree {
            rows: vec![('+', own())],
        },
    ];
    let undo = Some(Undo::Yes);
    app.host.previews.insert(CallId(6), Preview { parts, undo });
    changed(app, text);
}

/// The first server has changed all its tools and says odd things of them.
fn changed(app: &mut App, text: &str) {
    let server = &mut app.host.servers[0];
    for tool in server.tools.clone() {
        let before = Pinned::of(&tool);
        let mut other = tool.clone();
        other.description = Some(text.to_owned());
        other.input_schema = json!({ text: { text: text } });
        let after = Pinned::of(&other);
        let flag = Flag::Speaks {
            what: "says".to_owned(),
            part: text.to_owned(),
            words: text.to_owned(),
        };
        server.flags.tools.insert(tool.name.clone(), vec![flag]);
        let held = Held { before, after };
        server.held.insert(tool.name, held);
    }
}

/// Opens one thing or another on top.
pub fn covered(app: &mut App, text: &str, pick: u8) {
    let scroll = usize::from(pick) * usize::from(pick);
    if pick % 12 < 6 {
        changed(app, text);
    }
    let detail = |of| Overlay::Detail { of, scroll };
    app.overlay = match pick % 12 {
        0 => Overlay::Help { scroll },
        1 => Overlay::Palette(Palette {
            query: text.into(),
            rows: vec![PaletteRow {
                label: text.into(),
                key: text.into(),
                hits: vec![0, 2, 9999],
            }],
            marked: 7,
            ..Palette::default()
        }),
        2 => detail(Detail::Tools),
        3 => detail(Detail::Server("ghost".into())),
        4 => detail(Detail::Server("files".into())),
        5 => detail(Detail::Changes("files".into())),
        6..=8 => detail(Detail::Call(CallId(u64::from(pick) % 11))),
        _ => Overlay::None,
    };
    if pick % 12 == 9 {
        app.host.questions.push_back(Question {
            id: QuestionId(1),
            about: About::Call {
                call: CallId(6),
                why: text.into(),
            },
            since: Moment(0),
        });
        app.ask.scroll = scroll;
        app.ask.marked = usize::from(pick);
        foretold(app, text);
    }
    if pick % 12 >= 10 {
        asks(app, text, pick);
    }
    app.focus = [Pane::Chat, Pane::Calls, Pane::Servers][usize::from(pick % 3)];
    app.tab = app.focus;
    app.chat.reasoning = pick.is_multiple_of(2);
    app.calls.marked = Some(CallId(u64::from(pick)));
    app.servers.marked = usize::from(pick);
    if pick.is_multiple_of(5) {
        app.chat.anchor = Anchor::At {
            entry: usize::from(pick % 16),
            line: scroll,
        };
    }
}

/// A server asks one thing or another, with this text wherever it can put one.
fn asks(app: &mut App, text: &str, pick: u8) {
    let own = || text.to_owned();
    let what = match pick / 12 % 4 {
        0 => Ask::Form {
            message: own(),
            schema: json!({
                "required": [text, "b"],
                "properties": {
                    text: {"type": "string", "title": text, "description": text, "default": text},
                    "b": {"type": "string", "enum": [text, "漢字"], "enumNames": [text], "default": text},
                    "c": {"type": "array", "items": {"anyOf": [{"const": text, "title": text}]}, "minItems": 3},
                    "d": {"type": "string", "pattern": text, "format": "email", "default": text},
                    "password": {"type": "boolean", "description": text},
                    "f": {"type": "object", "default": {text: text}},
                    "g": {"type": "integer", "minimum": 3, "default": 1},
                },
            }),
        },
        1 => Ask::Url {
            message: own(),
            url: format!("https://{text}.example/{text}"),
            id: Some(own()),
        },
        2 => Ask::Sampling(Box::new(Sampling {
            messages: vec![SamplingMessage {
                role: own(),
                content: vec![
                    Block::Text { text: own() },
                    Block::Other {
                        value: json!({text: text}),
                    },
                ],
            }],
            system: Some(own()),
            max_tokens: u64::MAX,
            temperature: Some(f64::NAN),
            stop: vec![own()],
            models: vec![own()],
            tools: app.host.servers[0].tools.clone(),
            tool_choice: Some(own()),
            context: Some(own()),
        })),
        _ => Ask::Roots,
    };
    app.host.roots = pick.is_multiple_of(2).then(|| {
        vec![Root {
            uri: format!("file:///{text}"),
            name: Some(own()),
        }]
    });
    *app = crate::asks::asked(app.clone(), what);
    for _ in 0..pick % 7 {
        if let Dialog::Form(form) = &mut app.ask.dialog {
            form.press(FieldKey::Next, 20);
            form.press(FieldKey::Toggle, 20);
            let _ = form.accept();
        }
    }
    app.visits.push(Awaited {
        server: text.into(),
        id: own(),
        host: own(),
        call: None,
    });
    if pick / 48 == 1 {
        app.host.sign_ins.insert(
            "files".into(),
            if pick.is_multiple_of(2) {
                SignInState::Visit {
                    url: format!("https://{text}"),
                    comes_back: true,
                }
            } else {
                SignInState::Failed { why: own() }
            },
        );
        let mut sign_in = SignIn::at("files".into());
        sign_in.redirect.set(text);
        sign_in.note = Some(own());
        app.overlay = Overlay::SignIn(Box::new(sign_in));
    }
    if pick / 48 == 2 {
        app.overlay = Overlay::Folders(Folders::open(app.host.roots.as_deref(), &app.here));
    }
}

/// One of the lists, forms or completions on top, as often as not.
pub fn reached(app: &mut App, text: &str, pick: u8) {
    if pick.is_multiple_of(2) {
        crate::reach::cover(app, text, pick / 2);
    }
}

pub fn painted(
    app: &App,
    theme: &Theme,
    cols: u16,
    rows: u16,
    memo: &mut Memo,
) -> (Buffer, Measured) {
    let mut terminal = Terminal::new(TestBackend::new(cols, rows)).unwrap();
    let mut measured = Measured::default();
    let frame = terminal
        .draw(|frame| measured = draw(app, theme, frame, memo))
        .unwrap();
    (frame.buffer.clone(), measured)
}

pub fn check(buffer: &Buffer) {
    let area = buffer.area;
    for y in 0..area.height {
        for x in 0..area.width {
            let symbol = buffer[(x, y)].symbol();
            let bad = |c: char| {
                c.is_control()
                    || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
            };
            assert!(!symbol.contains(bad), "{symbol:?}");
            // A wide character has its second column to itself.
            let wide = u16::try_from(mcpdeck::text::wrap::width(symbol)).unwrap();
            assert!(x + wide <= area.width, "{symbol:?} at {x}");
            for beside in x + 1..x + wide {
                assert_eq!(buffer[(beside, y)].symbol(), " ", "beside {symbol:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_at_any_size_is_drawn_safely(text in hostile(), cols in 0u16..200, rows in 0u16..60, pick in any::<u8>(), cover in any::<u8>()) {
        let mut app = filled(&text, pick);
        covered(&mut app, &text, cover);
        reached(&mut app, &text, cover);
        let theme = [Theme::dark(), Theme::light(), Theme::mono()][usize::from(pick % 3)].clone();
        let (buffer, _) = painted(&app, &theme, cols, rows, &mut Memo::new());
        check(&buffer);
    }

    /// The memo is a memo: with what it kept from other frames, a frame is the same as without it.
    #[test]
    fn a_used_memo_changes_no_cell(frames in prop::collection::vec((hostile(), 20u16..130, 8u16..45, any::<u8>(), any::<u8>()), 1..4)) {
        let mut memo = Memo::new();
        for (text, cols, rows, pick, cover) in frames {
            let mut app = filled(&text, pick);
            covered(&mut app, &text, cover);
            reached(&mut app, &text, cover);
            let with = painted(&app, &Theme::dark(), cols, rows, &mut memo);
            let without = painted(&app, &Theme::dark(), cols, rows, &mut Memo::new());
            prop_assert_eq!(with.0, without.0);
            prop_assert_eq!(with.1, without.1);
        }
    }

    /// Wherever the chat is scrolled to, what was measured is true: from any line of it, the screen begins with that line.
    #[test]
    fn scrolling_by_what_was_measured_shows_the_next_line(text in hostile(), cols in 20u16..130, rows in 8u16..45, entry in 0usize..14) {
        let mut app = filled(&text, 2);
        app.host.questions.clear();
        app.chat.anchor = Anchor::At { entry, line: 0 };
        let (_, measured) = painted(&app, &Theme::mono(), cols, rows, &mut Memo::new());
        let entries = app.host.transcript.entries().len();
        let known: Vec<usize> = measured.heights.iter().map(|(index, _)| *index).collect();
        prop_assert!(known.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{:?}", known);
        prop_assert!(known.contains(&measured.first.0));
        let lines = |from: usize, to: usize| measured.heights.iter().filter(|(i, _)| (from..to).contains(i)).map(|(_, h)| *h).sum::<usize>();
        let above = lines(0, measured.first.0) + measured.first.1;
        let below = (lines(measured.first.0, entries) - measured.first.1).saturating_sub(measured.rows);
        prop_assert!(known[0] == 0 || above >= 2 * measured.rows, "{above}");
        prop_assert!(known.last() == Some(&(entries - 1)) || below >= 2 * measured.rows, "{below}");
    }
}

#[test]
fn the_smallest_terminals_are_drawn() {
    for cols in 0..24 {
        for rows in 0..14 {
            for pick in [cols + rows, cols * 5 + rows, cols + rows * 7] {
                let pick = u8::try_from(pick % 12).unwrap();
                let mut app = filled("text 漢字 👩‍👩‍👧‍👦", pick);
                covered(&mut app, "text", pick);
                reached(&mut app, "text", pick);
                check(&painted(&app, &Theme::mono(), cols, rows, &mut Memo::new()).0);
            }
        }
    }
}

#[test]
fn colours_arrive_later_and_change_nothing_else() {
    let app = stage::talk();
    let mut memo = Memo::new();
    let (plain, _) = painted(&app, &Theme::dark(), 120, 60, &mut memo);
    let jobs = memo.pending();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    memo.fulfil(&jobs[0], highlight_now(&jobs[0]));
    let (coloured, _) = painted(&app, &Theme::dark(), 120, 60, &mut memo);
    let symbols = |buffer: &Buffer| {
        buffer
            .content
            .iter()
            .map(|cell| cell.symbol().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(symbols(&plain), symbols(&coloured));
    assert_ne!(plain, coloured);
    assert!(memo.pending().is_empty());
}
