//! The wire: what the tap costs beside a bare loop, and how long a frame of the Wire tab takes with 100,000 frames in the log while
//! 5,000 a second arrive.
//!
//! The tap is measured by itself, record by record with a reader behind it, and set against the bare loop of `call`: the difference
//! of two loops over pipes would be lost in the noise of either. What reading costs is measured too: it is beside the call, not in it.

use std::time::{Duration, Instant};

use mcpdeck::app::inspector::wire::WireTab;
use mcpdeck::app::{App, AppEvent, InspectTab, Inspector};
use mcpdeck::config::{Config, ThemeChoice};
use mcpdeck::host::{Host, Settings};
use mcpdeck::ids::{Generation, Moment, Seq};
use mcpdeck::mcp::wire::record::{Direction, WireKind, WireRecord, classify};
use mcpdeck::mcp::wire::redact::Redactor;
use mcpdeck::mcp::wire::{Tap, live};
use mcpdeck::view::{Memo, Theme, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::json;

use crate::call::bare_median;
use crate::report::{Row, at, sorted};
use crate::runtime;

/// Frames in the log.
const KEPT: u64 = 100_000;
/// Screens that are drawn, at 60 a second.
const SCREENS: u64 = 1_500;
/// Frames of the wire between two screens: 5,000 a second.
const BETWEEN: u64 = 84;
const SIZE: (u16, u16) = (120, 40);
const GOAL: Duration = Duration::from_millis(8);

/// Rounds of the tap, and records in each: about as many as come while whoever looks rests.
const ROUNDS: usize = 1_000;
const RECORDS: usize = 400;
/// What of the bare loop's throughput is left.
const LEFT: f64 = 0.95;

/// One row for the tap, and two for each way to look at the wire.
pub fn measure() -> Vec<Row> {
    let bare = bare_median();
    let (tap, read) = runtime().block_on(tap_of_a_call());
    let rate = |time: Duration| 1.0 / time.as_secs_f64();
    let mut rows = vec![Row::rate(
        "calls of a bare loop with the tap's cost (baseline: without)",
        rate(bare + tap),
        rate(bare),
        LEFT,
    )];
    rows.push(Row::within(
        "what the tap takes of a call (baseline: what reading its records takes, beside the call)",
        tap,
        read,
        None,
    ));
    type Look = fn(&mut WireTab, &App);
    let looks: [(&str, Look); 3] = [
        ("following", |_, _| {}),
        ("filtered", |tab, app| {
            let filter = "method:tools/call -kind:notification \"message 9\"";
            tab.set_filter(filter, &app.wire).expect("a filter");
        }),
        ("scrolled up", |tab, app| {
            assert!(tab.mark(Seq(KEPT / 2), &app.wire, 30), "it is kept");
        }),
    ];
    for (what, look) in looks {
        let samples = sorted(screens(look));
        for (share, name, goal) in [(0.5, "median", None), (0.99, "99th percentile", Some(GOAL))] {
            rows.push(Row::within(
                &format!("a screen of the wire at 5,000 frames a second, {what}, {name}"),
                at(&samples, share),
                at(&samples, 0.5),
                goal,
            ));
        }
    }
    rows
}

/// What the tap takes for a request and its answer, and what it then takes to read them: the middle one of all rounds.
async fn tap_of_a_call() -> (Duration, Duration) {
    let (live, mut records) = live::channel(RECORDS * 2);
    let tap = Tap::new(Instant::now(), None, Some(live));
    let secrets = ["a-configured-secret", "another-configured-secret"];
    let connection = tap.connection("echo".into(), Generation(1), Redactor::new(secrets));
    let (call, answer) = (call_text(7), answer_text(7));
    let kinds = |number: usize| {
        let id = number.to_string();
        let method = "tools/call".to_owned();
        (
            WireKind::Request {
                id: id.clone(),
                method,
            },
            WireKind::Response { id },
        )
    };
    let (mut taken, mut read) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // Whoever looks waits for the first record, as the terminal program does, and is on the other side of the channel.
        let looks = tokio::spawn(async move {
            let first = records.recv().await;
            (records, first)
        });
        tokio::task::yield_now().await;
        let started = Instant::now();
        for number in 0..RECORDS / 2 {
            let (request, response) = kinds(number);
            connection
                .record(Direction::Out, request, call.len(), &call)
                .await;
            connection
                .record(Direction::In, response, answer.len(), &answer)
                .await;
        }
        taken.push(started.elapsed() / (RECORDS as u32 / 2));
        let first;
        (records, first) = looks.await.expect("whoever looks");
        let started = Instant::now();
        let rest = std::iter::from_fn(|| records.try_recv()).count();
        read.push(started.elapsed() / (RECORDS as u32 / 2));
        assert!(
            first.is_some() && rest == RECORDS - 1,
            "all were handed over"
        );
    }
    (at(&sorted(taken), 0.5), at(&sorted(read), 0.5))
}

fn call_text(id: u64) -> String {
    let text = "Hello from MCP! ".repeat(16);
    json!({
        "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"path": format!("notes/{id}.txt"), "content": text}},
    })
    .to_string()
}

fn answer_text(id: u64) -> String {
    let text = format!("message {id}: {}", "Hello from MCP! ".repeat(16));
    json!({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": text}], "isError": false}}).to_string()
}

fn record(seq: u64) -> WireRecord {
    let id = seq / 4;
    let (direction, text) = match seq % 4 {
        0 => (Direction::Out, call_text(id)),
        1 => (Direction::In, answer_text(id)),
        2 => (
            Direction::Stderr,
            format!("INFO handled the request {id} of Nguyễn Thị Ánh, 订单 {id}"),
        ),
        _ => (
            Direction::In,
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": id, "progress": 1}})
                .to_string(),
        ),
    };
    WireRecord {
        seq: Seq(seq),
        at: Moment(seq * 200),
        server: ["shop", "files", "github"][(id % 3) as usize].into(),
        generation: Generation(1),
        direction,
        kind: classify(direction, &text),
        bytes: text.len(),
        text,
        carried: None,
    }
}

fn screens(look: fn(&mut WireTab, &App)) -> Vec<Duration> {
    let host = Host::new(&Config::default(), Settings::default());
    let mut app = App::new(host, SIZE, ThemeChoice::Dark);
    for seq in 0..KEPT {
        app.wire.push(record(seq));
    }
    assert_eq!(app.wire.len() as u64, KEPT, "all are kept");
    let mut inspector = Inspector::new("shop".into());
    inspector.tab = InspectTab::Wire;
    look(&mut inspector.wire, &app);
    app.inspector = Some(Box::new(inspector));
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal");
    let (mut memo, theme) = (Memo::new(), Theme::dark());
    let mut samples = Vec::new();
    for screen in 0..SCREENS {
        let first = KEPT + screen * BETWEEN;
        let came: Vec<WireRecord> = (first..first + BETWEEN).map(record).collect();
        let now = Moment(first * 200);
        let started = Instant::now();
        for record in came {
            app.update(AppEvent::Wire(record), now);
        }
        let mut measured = None;
        terminal
            .draw(|frame| measured = Some(draw(&app, &theme, frame, &mut memo)))
            .expect("a frame");
        app.update(AppEvent::Drawn(measured.expect("what was measured")), now);
        samples.push(started.elapsed());
    }
    samples
}
