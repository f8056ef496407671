//! The Wire tab of the inspector: frames of three continents, over pipes and HTTP, at three sizes; and hostile texts in it.

use mcpdeck::app::inspector::wire::Asking;
use mcpdeck::app::{App, AppEvent, InspectTab, Inspector, Move};
use mcpdeck::ids::{Generation, Moment, Seq};
use mcpdeck::mcp::wire::record::{Carried, Direction, WireKind, WireRecord, classify};
use mcpdeck::view::{Memo, Theme};

use crate::naughty;
use crate::properties::{check, painted};
use crate::stage::{screen, talk};

macro_rules! frame {
    ($name:ident, $app:expr, $cols:literal, $rows:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen(&$app, $cols, $rows));
        }
    };
}

fn record(seq: u64, server: &str, direction: Direction, text: &str) -> WireRecord {
    WireRecord {
        seq: Seq(seq),
        at: Moment(61_000_000 + seq * 41_300),
        server: server.into(),
        generation: Generation(1),
        direction,
        kind: classify(direction, text),
        bytes: text.len(),
        text: text.to_owned(),
        carried: None,
    }
}

fn carried(mut record: WireRecord, carried: Carried) -> WireRecord {
    record.carried = Some(Box::new(carried));
    record
}

fn headers(of: &[(&str, &str)]) -> Vec<(String, String)> {
    let one = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    of.iter().map(one).collect()
}

/// A call over pipes, one over HTTP, noise, an error, and a request that waits.
fn records() -> Vec<WireRecord> {
    use Direction::{In, Out, Stderr};
    let post = Carried::Request {
        method: "POST".to_owned(),
        url: "https://shop.example/mcp?key=***".to_owned(),
        headers: headers(&[
            ("authorization", "Bearer ***"),
            ("mcp-session-id", "***"),
            ("accept", "application/json, text/event-stream"),
        ]),
    };
    let head = Carried::Response {
        request: Seq(6),
        status: 200,
        headers: headers(&[
            ("content-type", "text/event-stream"),
            ("x-request-id", "r-17"),
        ]),
    };
    let event = Carried::Event {
        request: Seq(6),
        name: None,
        id: Some("ev-5".to_owned()),
        retry_ms: Some(250),
    };
    let mut http = record(
        7,
        "shop",
        In,
        "POST: HTTP 200, content-type: text/event-stream",
    );
    http.kind = WireKind::Http { status: Some(200) };
    vec![
        record(
            0,
            "files",
            Out,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"Báo cáo/订单 🚚.md"}}}"#,
        ),
        record(
            1,
            "files",
            Stderr,
            "WARN slow disk: 磁盘很慢, đọc lại lần 2 🐌",
        ),
        record(2, "files", In, "Server started on port 3000"),
        record(
            3,
            "files",
            In,
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Xin chào, 你好 👨‍👩‍👧"}],"isError":false}}"#,
        ),
        record(
            5,
            "files",
            In,
            r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
        ),
        carried(
            record(
                6,
                "shop",
                Out,
                r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"query_database","arguments":{"sql":"SELECT 1.50"}}}"#,
            ),
            post,
        ),
        carried(http, head),
        carried(
            record(
                8,
                "shop",
                In,
                r#"{"jsonrpc":"2.0","id":9,"error":{"code":-32602,"message":"khách hàng không tồn tại"}}"#,
            ),
            event,
        ),
        record(
            9,
            "files",
            Out,
            r#"{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"file:///a"}}"#,
        ),
    ]
}

/// The tab with these frames, the terminal's size known to it.
fn opened(of: Vec<WireRecord>) -> App {
    let mut app = talk();
    let mut inspector = Inspector::new("shop".into());
    inspector.tab = InspectTab::Wire;
    app.inspector = Some(Box::new(inspector));
    for record in of {
        let now = app.now;
        app.update(AppEvent::Wire(record), now);
    }
    app
}

pub fn wire() -> App {
    opened(records())
}

/// With the mark on this frame.
fn marked(seq: u64) -> App {
    let mut app = wire();
    let tab = &mut app.inspector.as_mut().unwrap().wire;
    assert!(tab.mark(Seq(seq), &app.wire, 9));
    app
}

/// In the frame, at a line, with a part of its JSON folded.
fn folded() -> App {
    let mut app = marked(3);
    let tab = &mut app.inspector.as_mut().unwrap().wire;
    let part = tab.look_at(Seq(3));
    part.has_keys = true;
    part.folded.insert(4);
    part.line = 8;
    app
}

/// A filter being written that cannot be read, after one that could.
fn filtering() -> App {
    let mut app = wire();
    let tab = &mut app.inspector.as_mut().unwrap().wire;
    tab.set_filter("server:files -kind:stderr", &app.wire)
        .unwrap();
    tab.ask(Asking::Filter);
    tab.prompt.as_mut().unwrap().input.paste(" kind:nois");
    tab.written(&app.wire);
    app
}

/// Paused, with frames that came since, and a frame being written.
pub fn writing() -> App {
    let mut app = wire();
    let tab = &mut app.inspector.as_mut().unwrap().wire;
    tab.go(Move::Top, &app.wire, 9);
    tab.pause(&app.wire);
    tab.raw = r#"{"jsonrpc":"2.0","id":"tay-1","method":"không/có"}"#.to_owned();
    tab.ask(Asking::Raw);
    let now = app.now;
    app.update(
        AppEvent::Wire(record(12, "files", Direction::In, "42")),
        now,
    );
    app
}

frame!(wire_follows_wide, wire(), 120, 40);
frame!(wire_follows_narrow, wire(), 80, 24);
frame!(wire_follows_tiny, wire(), 40, 12);
frame!(wire_http_request_wide, marked(6), 120, 40);
frame!(wire_event_narrow, marked(8), 80, 24);
frame!(wire_folded_wide, folded(), 120, 40);
frame!(wire_folded_tiny, folded(), 40, 12);
frame!(wire_filter_wide, filtering(), 120, 40);
frame!(wire_filter_narrow, filtering(), 80, 24);
frame!(wire_raw_narrow, writing(), 80, 24);
frame!(wire_raw_tiny, writing(), 40, 12);
frame!(wire_empty_narrow, opened(Vec::new()), 80, 24);

/// Every naughty text as a frame, as noise, as a name, as a header and as a filter.
#[test]
fn hostile_frames_are_drawn_safely() {
    for (number, text) in naughty::all().into_iter().enumerate() {
        let json = serde_json::json!({ "jsonrpc": "2.0", "id": text, "method": text, "params": { "name": text, text.as_str(): [text] } });
        let method = "tools/call";
        let call = serde_json::json!({ "id": 1, "method": method, "params": { "name": text } });
        let mut all = vec![
            record(1, &text, Direction::In, &json.to_string()),
            record(2, "s", Direction::In, &text),
            record(3, "s", Direction::Stderr, &text),
            record(4, "s", Direction::Out, &call.to_string()),
        ];
        let seen = Carried::Response {
            request: Seq(4),
            status: 200,
            headers: vec![(text.clone(), text.clone())],
        };
        all.push(carried(record(5, "s", Direction::In, &text), seen));
        let mut app = opened(all);
        let tab = &mut app.inspector.as_mut().unwrap().wire;
        let (cols, rows) = [(120, 40), (80, 24), (40, 12), (13, 5)][number % 4];
        tab.mark(Seq(1 + number as u64 % 5), &app.wire, 9);
        tab.detail.has_keys = number % 2 == 0;
        tab.filter.clone_from(&text);
        if number % 3 == 0 {
            tab.ask(Asking::Filter);
            tab.prompt.as_mut().unwrap().wrong = Some(text);
        }
        let theme = [Theme::dark(), Theme::light(), Theme::mono()][number % 3].clone();
        check(&painted(&app, &theme, cols, rows, &mut Memo::new()).0);
    }
}
