//! The Follow and Lab tabs of the inspector: one call on a line of time, faults that are on, a server in three eras.

use std::collections::BTreeMap;
use std::time::Duration;

use mcpdeck::app::inspector::{InspectTab, Inspector, LabPart};
use mcpdeck::app::{App, AppEvent, Key};
use mcpdeck::config::ProtocolChoice;
use mcpdeck::host::lab::{Column, Comparison, ListSheet, ServerFaults, Stage};
use mcpdeck::host::trail::From;
use mcpdeck::host::{Ruler, Step};
use mcpdeck::ids::{CallId, Generation, Seq};
use mcpdeck::mcp::failure::{Failure, FailureKind};
use mcpdeck::mcp::fault::{Cadence, Fault, FaultKind, Faults, Scope};
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::status::{Era, Hello};
use mcpdeck::mcp::wire::record::{Direction, WireKind, WireRecord, classify};
use serde_json::json;

use crate::stage::{at, screen, talk};

macro_rules! frame {
    ($name:ident, $app:expr, $cols:literal, $rows:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen(&$app, $cols, $rows));
        }
    };
}

/// Records of one server's wire, in their order.
fn wire(app: &mut App, server: &str, lines: &[(u64, Direction, &str)]) {
    for (millis, direction, text) in lines {
        let kind = match text.strip_prefix("drop: ") {
            Some(_) => WireKind::Fault {
                fault: FaultKind::Drop,
                id: Some("7".into()),
            },
            None => classify(*direction, text),
        };
        let seq = Seq(app.wire.records().len() as u64 + 1);
        app.wire.push(WireRecord {
            seq,
            at: at(*millis),
            server: server.into(),
            generation: Generation(1),
            direction: *direction,
            kind,
            bytes: text.len(),
            text: (*text).to_owned(),
            carried: None,
        });
    }
}

/// The second call of the conversation with all that can be told of one.
pub fn followed() -> App {
    let mut app = talk();
    let on_wire = |id: &str| Step::OnWire {
        generation: Generation(1),
        request_id: id.into(),
    };
    let sent = |again| Step::Sent {
        generation: Generation(1),
        again,
    };
    let asked = "the tool may change something (approve = \"writes\")";
    app.host.calls[1].steps = vec![
        (at(9_000), Step::Asked { why: asked.into() }),
        (
            at(9_004),
            Step::Ruled {
                by: Ruler::Person,
                why: "yes, for this session".into(),
            },
        ),
        (at(9_004), Step::CacheMiss),
        (at(9_004), Step::Queued { place: 2 }),
        (at(9_006), sent(0)),
        (at(9_006), on_wire("7")),
        (
            at(9_012),
            Step::Again {
                why: "the connection to server `shop` ended: kết nối bị ngắt".into(),
                wait: Duration::from_millis(2),
            },
        ),
        (at(9_014), sent(1)),
        (at(9_014), on_wire("8")),
        (at(9_021), Step::BreakerOpened),
    ];
    let call = |id: u64| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": "query_database", "arguments": {"sql": "select '王小明'"},
                "_meta": {"progressToken": id}}})
        .to_string()
    };
    let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress",
        "params": {"progressToken": 8, "progress": 2, "total": 3, "message": "đang đọc 语 👩‍🚀"}});
    let answer = json!({"jsonrpc": "2.0", "id": 8,
        "result": {"content": [{"type": "text", "text": "3 rows: Nguyễn Thị Ánh, 王小明, Zoë 👩‍🚀"}]}});
    wire(
        &mut app,
        "shop",
        &[
            (9_006, Direction::Out, &call(7)),
            (
                9_007,
                Direction::Stderr,
                "mở cơ sở dữ liệu\u{1b}[31m 打开 🚀",
            ),
            (
                9_008,
                Direction::In,
                r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
            ),
            (9_008, Direction::In, "drop: never reached the host"),
            (9_014, Direction::Out, &call(8)),
            (9_016, Direction::In, &progress.to_string()),
            (9_018, Direction::In, "Query took 4 ms"),
            (9_020, Direction::In, &answer.to_string()),
        ],
    );
    open(app, InspectTab::Follow, |inspector| {
        inspector.follow.from = Some(From::Call(CallId(2)));
    })
}

fn open(mut app: App, tab: InspectTab, change: impl FnOnce(&mut Inspector)) -> App {
    let mut inspector = Inspector::new("shop".into());
    inspector.tab = tab;
    change(&mut inspector);
    app.inspector = Some(Box::new(inspector));
    app
}

fn from_the_wire() -> App {
    let mut app = followed();
    if let Some(inspector) = &mut app.inspector {
        inspector.follow.from = Some(From::Record(Seq(4)));
    }
    app
}

fn answer_open() -> App {
    let mut app = followed();
    let answer = |app: &App| {
        app.trail()
            .unwrap()
            .rows
            .iter()
            .position(|row| row.seq == Some(Seq(8)))
    };
    let marked = answer(&app);
    if let Some(inspector) = &mut app.inspector {
        (inspector.follow.marked, inspector.follow.open) = (marked, Some(0));
    }
    app
}

fn moment() -> App {
    let mut app = talk();
    let lines = [(2_000, Direction::Stderr, "một dòng giữa lúc yên lặng")];
    wire(&mut app, "shop", &lines);
    open(app, InspectTab::Follow, |inspector| {
        inspector.follow.from = Some(From::Record(Seq(1)));
    })
}

fn faulty() -> App {
    let mut app = talk();
    let on = [
        (FaultKind::Delay, Fault::usual(FaultKind::Delay)),
        (
            FaultKind::Drop,
            Fault {
                cadence: Cadence::Every(3),
                scope: Scope::Everything,
                amount: 0,
            },
        ),
    ];
    let faults = ServerFaults {
        on: Faults(on.into()),
        struck: [(FaultKind::Delay, 12), (FaultKind::Kill, 1)].into(),
    };
    app.host.lab.faults.insert("shop".into(), faults);
    app
}

pub fn faults() -> App {
    open(faulty(), InspectTab::Lab, |inspector| {
        inspector.lab.fault = 2
    })
}

fn column(protocol: ProtocolChoice, name: &str, era: Era, tools: &[(&str, u64)]) -> Column {
    let tools: BTreeMap<String, u64> = tools.iter().map(|(n, d)| ((*n).to_owned(), *d)).collect();
    let revision = match era {
        Era::Legacy => "2025-11-25",
        Era::Modern => "2026-07-28",
    };
    Column {
        protocol,
        name: name.into(),
        generation: Generation(1),
        stage: Stage::Done,
        hello: Some(Box::new(Hello {
            era,
            revision: revision.into(),
            name: "Cửa hàng 商店 🚀".into(),
            version: "1.4.0".into(),
            instructions: (era == Era::Legacy).then(|| "Hỏi trước khi ghi.\nAsk first.".into()),
            capabilities: match era {
                Era::Legacy => json!({"tools": {"listChanged": true}, "logging": {}}),
                Era::Modern => json!({"tools": {"listChanged": true}}),
            },
        })),
        greeted_in: Some(Duration::from_millis(34)),
        lists: [(
            ListKind::Tools,
            ListSheet {
                took: Duration::from_millis(3),
                items: Ok(tools),
                rejected: 0,
            },
        )]
        .into(),
    }
}

fn eras() -> App {
    let legacy = [("query_database", 1), ("export", 2), ("xoá_khách", 3)];
    let mut modern = column(ProtocolChoice::Modern, "shop~modern", Era::Modern, &[]);
    let mut failure = Failure::new(FailureKind::Protocol, "the server refused 2026-07-28");
    failure.stderr = vec!["Error: unknown method 语".into()];
    modern.stage = Stage::Failed(Box::new(failure));
    (modern.hello, modern.greeted_in) = (None, None);
    modern.lists.clear();
    let columns = [
        column(ProtocolChoice::Legacy, "shop~legacy", Era::Legacy, &legacy),
        column(
            ProtocolChoice::Auto,
            "shop~auto",
            Era::Modern,
            &[("query_database", 1), ("export", 9)],
        ),
        modern,
    ];
    let mut app = talk();
    app.host.lab.comparison = Some(Comparison {
        server: "shop".into(),
        began: at(9_000),
        columns,
    });
    open(app, InspectTab::Lab, |inspector| {
        inspector.lab.part = LabPart::Eras
    })
}

fn no_comparison() -> App {
    open(talk(), InspectTab::Lab, |inspector| {
        inspector.lab.part = LabPart::Eras
    })
}

frame!(a_call_followed_wide, followed(), 120, 40);
frame!(a_call_followed, followed(), 80, 24);
frame!(a_call_followed_tiny, followed(), 40, 12);
frame!(from_a_frame_of_the_wire, from_the_wire(), 80, 24);
frame!(all_of_an_answer, answer_open(), 80, 24);
frame!(a_moment_without_a_call, moment(), 80, 24);
frame!(faults_wide, faults(), 120, 40);
frame!(faults_of_a_server, faults(), 80, 24);
frame!(faults_tiny, faults(), 40, 12);
frame!(a_fault_is_seen_in_the_panes, faulty(), 120, 40);
frame!(three_eras_wide, eras(), 120, 40);
frame!(three_eras, eras(), 80, 24);
frame!(three_eras_tiny, eras(), 40, 12);
frame!(before_a_comparison, no_comparison(), 80, 24);

#[test]
fn a_trail_is_walked_opened_and_left_for_the_wire_by_keys() {
    let mut app = followed();
    let press = |app: &mut App, key: Key| app.update(AppEvent::Key(key), at(13_000));
    let marked = |app: &App| {
        let trail = app.trail().unwrap();
        app.inspector.as_ref().unwrap().follow.marked(&trail)
    };
    let _ = screen(&app, 80, 24);
    press(&mut app, Key::char('j'));
    press(&mut app, Key::char('j'));
    assert_eq!(marked(&app), 2);
    press(&mut app, Key::char('G'));
    let last = app.trail().unwrap().rows.len() - 1;
    assert_eq!(marked(&app), last);
    // What mcpdeck did itself was not on the wire.
    press(&mut app, Key::char('w'));
    assert_eq!(app.inspector.as_ref().unwrap().tab, InspectTab::Follow);
    let trail = app.trail().unwrap();
    let on_wire = trail.rows.iter().position(|row| row.seq == Some(Seq(6)));
    app.inspector.as_mut().unwrap().follow.marked = on_wire;
    press(&mut app, Key::char('w'));
    let inspector = app.inspector.as_ref().unwrap();
    assert_eq!(
        (inspector.tab, inspector.wire.marked),
        (InspectTab::Wire, Some(Seq(6)))
    );
    // And back from there to the same row.
    press(&mut app, Key::new(mcpdeck::app::key::Code::F(5)));
    let inspector = app.inspector.as_ref().unwrap();
    assert_eq!(inspector.follow.from, Some(From::Record(Seq(6))));
    assert_eq!(app.trail().unwrap().call, Some(CallId(2)));
    assert_eq!(marked(&app), on_wire.unwrap());
}
