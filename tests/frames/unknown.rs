//! A call of which nobody knows whether it has run: the card, the line, and the calls that wait in line.

use std::time::Duration;

use mcpdeck::app::{App, Detail, Overlay, Pane};
use mcpdeck::host::{CallEnd, CallState};
use mcpdeck::ids::{CallId, Moment};
use mcpdeck::mcp::result::CallOutcome;

use crate::stage::{call, screen, talk};

fn at(millis: u64) -> Moment {
    Moment::from_start(Duration::from_millis(millis))
}

/// A write that was lost, one that waits behind it, and one that waits to be sent again.
fn lost(reads: bool) -> App {
    let mut app = talk();
    let files = app
        .host
        .servers
        .iter_mut()
        .find(|s| s.name.as_str() == "files");
    for tool in &mut files.unwrap().tools {
        if reads && tool.name == "read_file" {
            tool.annotations.read_only = Some(true);
        }
    }
    let arguments = r#"{"path":"notes.txt","text":"buy milk"}"#;
    let why = "the connection to server `files` ended: the server's process ended".to_owned();
    let end = CallEnd::Outcome {
        outcome: CallOutcome::Lost { why },
    };
    let done = CallState::Done {
        at: at(11_000),
        took: Duration::from_millis(900),
        end,
    };
    let line = |place| CallState::Queued {
        since: at(11_500),
        place,
    };
    let mut again = call(7, "files", "read_file", r#"{"path":"a"}"#, line(1));
    again.resent = 1;
    app.host.calls.extend([
        call(6, "files", "write_file", arguments, done),
        again,
        call(8, "files", "write_file", arguments, line(2)),
    ]);
    app
}

fn card(reads: bool) -> App {
    let mut app = lost(reads);
    let of = Detail::Call(CallId(6));
    app.overlay = Overlay::Detail { of, scroll: 0 };
    app
}

fn calls() -> App {
    let mut app = lost(true);
    app.focus = Pane::Calls;
    app.tab = Pane::Calls;
    app.calls.marked = Some(CallId(6));
    app
}

#[test]
fn the_card_says_what_when_why_and_what_can_be_done() {
    insta::assert_snapshot!("card_wide", screen(&card(true), 120, 40));
    insta::assert_snapshot!("card_narrow", screen(&card(true), 80, 24));
    insta::assert_snapshot!("card_without_a_look", screen(&card(false), 80, 24));
    insta::assert_snapshot!("card_tiny", screen(&card(true), 40, 12));
}

#[test]
fn calls_in_line_show_their_place() {
    insta::assert_snapshot!("line_wide", screen(&calls(), 120, 40));
    insta::assert_snapshot!("line_tiny", screen(&calls(), 40, 12));
}
