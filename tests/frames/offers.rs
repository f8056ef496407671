//! Frames of the tabs of what a server offers: details, forms, results, the calls that were made, and how two results differ.

use mcpdeck::app::{App, AppEvent, Code, Key};
use mcpdeck::host::{CallEnd, Origin, Step};
use mcpdeck::ids::{CallId, Generation, Seq, ServerName};
use mcpdeck::mcp::resource::{Resource, Template};
use mcpdeck::mcp::result::{Block, CallOutcome, ToolResult};
use mcpdeck::mcp::tool::Annotations;
use mcpdeck::mcp::wire::record::{Direction, WireRecord, classify};
use mcpdeck::view::{Memo, Theme, draw};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};

use crate::stage::{answered, at, call, customers, fresh, screen, tool};

macro_rules! frame {
    ($name:ident, $app:expr, $cols:literal, $rows:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen(&$app, $cols, $rows));
        }
    };
}

fn order() -> Value {
    json!({
        "type": "object",
        "required": ["khách", "giao", "hàng"],
        "properties": {
            "khách": {"type": "string", "minLength": 2, "title": "Tên khách", "description": "Who orders; 姓名 as on the card 👩‍💻."},
            "email": {"type": "string", "format": "email"},
            "giao": {"oneOf": [
                {"type": "object", "title": "Giao tận nhà 🚚", "required": ["địa chỉ"],
                 "properties": {"địa chỉ": {"type": "string"}, "tầng": {"type": "integer", "minimum": 0}}},
                {"type": "object", "title": "自取", "required": ["cửa hàng"],
                 "properties": {"cửa hàng": {"enum": ["Huế", "Đà Lạt", "北京"]}}},
            ]},
            "hàng": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["mã"], "properties": {
                "mã": {"type": "string"}, "số": {"type": "integer", "default": 1}}}},
            "màu": {"type": "array", "items": {"enum": ["đỏ", "绿", "🔵"]}, "uniqueItems": true},
            "gói quà": {"type": "boolean", "default": false},
            "ghi chú": {"type": ["string", "null"], "description": "Anything else."},
        },
    })
}

/// The inspector at the tools of one server.
pub fn tools() -> App {
    let mut app = fresh();
    let server = &mut app.host.servers[0];
    server.tools = vec![
        tool(
            "đặt_hàng",
            "Đặt hàng: creates an order 🛒 and answers with its number.",
            order(),
        ),
        tool(
            "list_customers",
            "Lists customers.",
            json!({"type": "object", "properties": {"limit": {"type": "integer", "maximum": 50, "default": 10}}}),
        ),
        tool("ping", "Says pong.", json!({"type": "object"})),
    ];
    server.tools[0].annotations = Annotations {
        read_only: Some(false),
        destructive: Some(false),
        ..Annotations::default()
    };
    server.tools[0].output_schema =
        Some(json!({"type": "object", "properties": {"số": {"type": "integer"}}}));
    server.resources = vec![Resource {
        uri: "file:///ghi-chú/báo cáo.md".into(),
        name: "Báo cáo 报告".into(),
        title: None,
        description: Some("What was sold.".into()),
        mime: Some("text/markdown".into()),
        size: Some(2_300),
        icons: Vec::new(),
    }];
    server.templates = vec![Template {
        uri_template: "db://{bảng}/{id}".into(),
        name: "row".into(),
        title: None,
        description: None,
        mime: None,
    }];
    let name = server.name.clone();
    app.inspect_alone(name);
    keys(&mut app, &[Key::char('2')]);
    app
}

fn keys(app: &mut App, keys: &[Key]) {
    for key in keys {
        app.update(AppEvent::Key(*key), at(12_340));
    }
}

fn press(app: &mut App, codes: &[Code]) {
    codes.iter().for_each(|code| keys(app, &[Key::new(*code)]));
}

fn typed(app: &mut App, text: &str) {
    text.chars().for_each(|c| keys(app, &[Key::char(c)]));
}

/// A form in the middle of its work: a text too short, a way that is chosen, an item, and what is missing.
fn form() -> App {
    let mut app = tools();
    press(&mut app, &[Code::Enter]);
    typed(&mut app, "Á");
    press(&mut app, &[Code::Down]);
    typed(&mut app, "anh@example");
    press(
        &mut app,
        &[Code::Down, Code::Right, Code::Right, Code::Down],
    );
    press(
        &mut app,
        &[
            Code::Right,
            Code::Right,
            Code::Right,
            Code::Down,
            Code::Down,
        ],
    );
    press(&mut app, &[Code::Enter]);
    typed(&mut app, "SP-01 📦");
    keys(&mut app, &[Key::char('s').ctrl()]);
    app
}

fn choosing() -> App {
    let mut app = form();
    for _ in 0..7 {
        press(&mut app, &[Code::Down]);
    }
    typed(&mut app, " ");
    press(&mut app, &[Code::Right, Code::Right]);
    app
}

fn raw() -> App {
    let mut app = form();
    keys(&mut app, &[Key::char('r').ctrl()]);
    app
}

/// Two calls of the second tool, with other answers.
fn called(open: &[Key]) -> App {
    let mut app = tools();
    let mut second = customers();
    if let Some(rows) = second
        .structured
        .as_mut()
        .and_then(|of| of["rows"].as_array_mut())
    {
        rows.pop();
        rows.push(json!([9, "Trần Thị Bưởi 🍊", "buoi@example.com", 12.5]));
    }
    let server = app.host.servers[0].name.clone();
    for (id, arguments, result) in [
        (1, "{\"limit\":2}", customers()),
        (2, "{\"limit\":3}", second),
    ] {
        let mut made = call(
            id,
            server.as_str(),
            "list_customers",
            arguments,
            answered(340 * id, result),
        );
        made.origin = Origin::Hand;
        app.host.calls.push(made);
    }
    press(&mut app, &[Code::Down]);
    keys(&mut app, open);
    app
}

fn result() -> App {
    called(&[Key::char('h'), Key::new(Code::Enter)])
}

fn looked(times: usize) -> App {
    let mut app = result();
    (0..times).for_each(|_| typed(&mut app, "v"));
    app
}

fn compared() -> App {
    let mut app = called(&[
        Key::char('h'),
        Key::char('c'),
        Key::new(Code::Down),
        Key::char('c'),
    ]);
    app.toast = None;
    app
}

fn failed() -> App {
    let mut app = result();
    app.host.calls[1].state = mcpdeck::host::CallState::Done {
        at: at(9_000),
        took: std::time::Duration::from_millis(12),
        end: CallEnd::Outcome {
            outcome: CallOutcome::Refused {
                code: -32602,
                message: "limit: không hợp lệ".into(),
            },
        },
    };
    app
}

/// The same with what passed on the wire for the second call, spelled as no program of ours would.
fn on_the_wire(mut app: App, text: &str) -> App {
    let generation = Generation(3);
    let server = app.host.servers[0].name.clone();
    app.host.calls[1].steps = vec![(
        at(8_900),
        Step::OnWire {
            generation,
            request_id: "7".into(),
        },
    )];
    for (seq, direction, text) in [
        (1, Direction::Out, r#"{"id":7,"method":"tools/call"}"#),
        (2, Direction::In, r#"{"id":8,"result":{"other":true}}"#),
        (3, Direction::In, text),
        (4, Direction::In, r#"{"id":7,"method":"roots/list"}"#),
    ] {
        let record = WireRecord {
            seq: Seq(seq),
            at: at(8_900 + seq),
            server: server.clone(),
            generation,
            direction,
            kind: classify(direction, text),
            bytes: text.len(),
            text: text.to_owned(),
            carried: None,
        };
        let now = app.now;
        app.update(AppEvent::Wire(record), now);
    }
    app
}

const SPELLED: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"contents":[{"uri":"file:///\u00e9","text":"","n":1.10,"n":12345678901234567890123}],"_meta":{"k":"khách 客 🛒"}}}"#;
const REFUSED: &str = r#"{"jsonrpc":"2.0","id":"7","error":{"code":-32602,"message":"limit: không hợp lệ","data":{"most":50}}}"#;

fn searched() -> App {
    let mut app = tools();
    typed(&mut app, "/cust");
    app
}

fn resources(open: &[Code]) -> App {
    let mut app = tools();
    typed(&mut app, "3");
    press(&mut app, open);
    app
}

frame!(a_tool_wide, tools(), 120, 40);
frame!(a_tool_narrow, tools(), 80, 24);
frame!(a_tool_tiny, tools(), 40, 12);
frame!(a_form_wide, form(), 120, 40);
frame!(a_form_narrow, form(), 80, 24);
frame!(a_form_tiny, form(), 40, 12);
frame!(a_form_with_choices_wide, choosing(), 120, 40);
frame!(a_form_as_json_narrow, raw(), 80, 24);
frame!(a_result_as_a_table_narrow, result(), 80, 24);
frame!(a_result_as_a_table_tiny, result(), 40, 12);
frame!(a_result_as_a_tree_narrow, looked(1), 80, 24);
frame!(a_result_raw_wide, looked(2), 120, 40);
frame!(a_refusal_narrow, failed(), 80, 24);
frame!(
    a_result_as_it_passed_narrow,
    on_the_wire(looked(2), SPELLED),
    80,
    24
);
frame!(
    a_refusal_as_it_passed_narrow,
    on_the_wire(failed(), REFUSED),
    80,
    24
);
frame!(
    the_calls_of_a_tool_narrow,
    called(&[Key::char('h')]),
    80,
    24
);
frame!(two_results_compared_narrow, compared(), 80, 24);
frame!(a_search_narrow, searched(), 80, 24);
frame!(resources_narrow, resources(&[]), 80, 24);
frame!(
    a_template_narrow,
    resources(&[Code::Down, Code::Enter]),
    80,
    24
);

#[test]
fn a_picture_is_named_and_its_base64_is_not_written_out() {
    let mut app = result();
    let png = "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAYAAAA10dzkAAAAAElFTkSuQmCC";
    let image = Block::Image {
        mime: "image/png".into(),
        data: png.into(),
    };
    app.host.calls[1].state = answered(
        5,
        ToolResult {
            content: vec![image],
            ..ToolResult::default()
        },
    );
    let seen = screen(&app, 80, 24);
    assert!(seen.contains("[image image/png, 640x480"), "{seen}");
    assert!(seen.contains("[image]"), "{seen}");
    assert!(!seen.contains("iVBORw0"), "{seen}");
}

#[test]
fn hostile_names_reach_no_cell_and_no_clipboard() {
    let mut app = fresh();
    let server = &mut app.host.servers[0];
    let evil = "x\u{1b}[31m\u{202e}y";
    server.tools = vec![tool(
        evil,
        evil,
        json!({"type": "object", "properties": {evil: {"type": "string", "description": evil, "enum": [evil]}}}),
    )];
    let name: ServerName = server.name.clone();
    app.inspect_alone(name);
    keys(&mut app, &[Key::char('2')]);
    for open in [Code::Up, Code::Enter, Code::Right] {
        press(&mut app, &[open]);
        let seen = screen(&app, 100, 30);
        assert!(
            !seen.contains('\u{1b}') && !seen.contains('\u{202e}'),
            "{seen}"
        );
    }
    let copied = app.update(AppEvent::Key(Key::char('y').ctrl()), at(12_340));
    assert!(copied.is_empty(), "{copied:?}");
    assert!(
        app.toast
            .as_ref()
            .is_some_and(|toast| toast.text.contains("control characters"))
    );
}

fn any_key() -> impl Strategy<Value = Key> {
    let codes = vec![
        Code::Enter,
        Code::Enter,
        Code::Up,
        Code::Down,
        Code::Left,
        Code::Right,
        Code::Tab,
        Code::PageUp,
        Code::PageDown,
        Code::Home,
        Code::End,
        Code::Backspace,
        Code::Delete,
        Code::F(5),
    ];
    prop_oneof![
        4 => prop::sample::select(codes).prop_map(Key::new),
        2 => prop::sample::select("hvcryjkGJs/ 234a9{\"é".chars().collect::<Vec<_>>()).prop_map(Key::char),
        2 => prop::sample::select("strntojy".chars().collect::<Vec<_>>()).prop_map(|c| Key::char(c).ctrl()),
        1 => Just(Key::new(Code::Esc)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any keys at any size: nothing falls, and what is drawn stays in the area.
    #[test]
    fn any_keys_at_any_size(pressed in prop::collection::vec(any_key(), 0..40), cols in 1u16..130, rows in 1u16..45) {
        let mut app = called(&[]);
        let mut terminal = Terminal::new(TestBackend::new(cols, rows)).unwrap();
        let mut memo = Memo::new();
        for key in pressed {
            app.update(AppEvent::Key(key), at(12_340));
            let mut measured = Default::default();
            terminal.draw(|frame| measured = draw(&app, &Theme::mono(), frame, &mut memo)).unwrap();
            app.update(AppEvent::Drawn(measured), at(12_340));
        }
        prop_assert!(app.host.calls.iter().all(|call| call.id > CallId(0)));
    }
}
