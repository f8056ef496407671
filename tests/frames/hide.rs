//! What the configuration calls a secret is on no frame, whoever wrote it and however it was folded.

use std::sync::Arc;

use mcpdeck::agent::transcript::Level;
use mcpdeck::app::{App, Detail, Overlay};
use mcpdeck::ids::CallId;
use mcpdeck::mcp::result::ToolResult;
use mcpdeck::mcp::wire::redact::Redactor;

use crate::stage::{answered, call, fresh, screen};

/// Longer than the narrow frames are wide.
const SECRET: &str =
    "hunter2-0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ-secret-end";
const SIZES: [(u16, u16); 4] = [(120, 40), (80, 24), (40, 12), (50, 30)];

/// A tool has printed the secret, and a note says it.
fn told() -> App {
    let mut app = fresh();
    let text = format!("the key is {SECRET} and that is all");
    let result = ToolResult::text(text.clone());
    app.host.calls = vec![call(
        1,
        "files",
        "env",
        r#"{"path":"."}"#,
        answered(12, result),
    )];
    app.host.transcript.note(Level::Warning, text, None);
    app
}

/// The longest piece of the secret that stands in a row.
fn longest_piece(screen: &str) -> usize {
    let pieces = |length: usize| {
        let windows = SECRET.as_bytes().windows(length);
        windows
            .map(|window| std::str::from_utf8(window).unwrap())
            .any(|piece| screen.contains(piece))
    };
    (1..=SECRET.len())
        .take_while(|length| pieces(*length))
        .count()
}

#[test]
fn a_secret_is_covered_at_every_size_folded_or_not() {
    let mut app = told();
    let mut seen = 0;
    for detail in [false, true] {
        if detail {
            let of = Detail::Call(CallId(1));
            app.overlay = Overlay::Detail { of, scroll: 0 };
        }
        for (cols, rows) in SIZES {
            app.secrets = Arc::default();
            let open = screen(&app, cols, rows);
            // The control: a good part of it is there to be seen, unless the frame has no room for it.
            if longest_piece(&open) < 16 {
                continue;
            }
            seen += 1;
            app.secrets = Arc::new(Redactor::new([SECRET]));
            let covered = screen(&app, cols, rows);
            let piece = longest_piece(&covered);
            // Where the frame ends before the secret does, what is not on the screen cannot be told from other text.
            assert!(
                piece < 6 || !open.contains("secret-end"),
                "{cols}x{rows} {detail}: {piece}\n{covered}"
            );
            assert!(
                covered.contains("****") || piece >= 6,
                "{cols}x{rows}\n{covered}"
            );
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn nothing_else_of_the_frame_changes() {
    let mut app = told();
    let open = screen(&app, 120, 40);
    app.secrets = Arc::new(Redactor::new(["another-secret-that-is-not-there"]));
    assert_eq!(screen(&app, 120, 40), open);
}
