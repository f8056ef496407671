//! A frame costs the same however long the conversation and however large a result is. The times themselves are the benchmark's.

use mcpdeck::agent::transcript::{Assistant, Entry};
use mcpdeck::app::{Anchor, App, Detail, Overlay};
use mcpdeck::ids::{CallId, Moment};
use mcpdeck::mcp::result::ToolResult;
use mcpdeck::view::{Memo, Theme, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use serde_json::{Value, json};
use std::time::Instant;

use crate::stage::{self, answered, call};

#[test]
fn only_the_entries_around_the_screen_are_measured() {
    let mut app = stage::fresh();
    for number in 0..10_000 {
        app.host.transcript.push(Entry::User {
            text: format!("question {number}"),
            at: Moment(0),
            sent: true,
        });
        app.host.transcript.push(Entry::Assistant(Assistant {
            text: format!("answer **{number}**\n\n- a\n- b"),
            ..Assistant::default()
        }));
    }
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    let mut memo = Memo::new();
    for anchor in [
        Anchor::Follow,
        Anchor::At {
            entry: 9_000,
            line: 1,
        },
        Anchor::At { entry: 0, line: 0 },
    ] {
        app.chat.anchor = anchor;
        let mut measured = 0;
        terminal
            .draw(|frame| measured = draw(&app, &Theme::dark(), frame, &mut memo).heights.len())
            .unwrap();
        assert!((10..120).contains(&measured), "{anchor:?}: {measured}");
    }
}

/// A result as large as they come is laid out when it is opened, not at each frame.
#[test]
fn a_large_result_is_laid_out_once() {
    let row = |n: usize| -> Value { (0..200).map(|c| json!(format!("ô {n}/{c}"))).collect() };
    let columns: Value = (0..200).map(|c| json!(format!("cột {c}"))).collect();
    let table = ToolResult {
        structured: Some(
            json!({"columns": columns, "rows": (0..5_000).map(row).collect::<Vec<_>>()}),
        ),
        ..ToolResult::text("đ".repeat(500_000))
    };
    let mut app = stage::fresh();
    let state = answered(9, table);
    app.host
        .calls
        .push(call(1, "shop", "query_database", "{}", state));
    app.overlay = Overlay::Detail {
        of: Detail::Call(CallId(1)),
        scroll: 0,
    };
    let theme = Theme::dark();
    let mut memo = Memo::new();
    let mut terminal =
        Terminal::new(TestBackend::new(120, 40)).expect("a test backend never fails");
    let mut frame = |app: &App| {
        let begin = Instant::now();
        let mut rows = 0;
        terminal
            .draw(|frame| rows = draw(app, &theme, frame, &mut memo).detail.0)
            .expect("a test backend never fails");
        (begin.elapsed(), rows)
    };
    let (first, rows) = frame(&app);
    assert!(rows > 2_000, "{rows} rows");
    // The quickest of a few: the machine may be busy with other things.
    let next = (0..10).map(|_| frame(&app).0).min().unwrap_or(first);
    assert!(next * 4 < first, "{first:?}, then {next:?}");
}
