//! One frame of the terminal program while text streams into a conversation of 10,000 entries: the event, the drawing at 120 by
//! 40, and what is measured handed back. Baseline: as many lines of plain text drawn on the same area.

use std::time::{Duration, Instant};

use mcpdeck::agent::model::ModelEvent;
use mcpdeck::agent::transcript::{Assistant, Entry};
use mcpdeck::agent::turn::TurnState;
use mcpdeck::app::event::AppEvent;
use mcpdeck::app::{Anchor, App};
use mcpdeck::config::{Config, ThemeChoice};
use mcpdeck::host::{Host, HostEvent, Settings};
use mcpdeck::ids::{Moment, StreamId, TurnId};
use mcpdeck::view::highlight::highlight_now;
use mcpdeck::view::{Memo, Theme, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::widgets::{Paragraph, Wrap};

use crate::report::{Row, at, sorted};

const ENTRIES: u64 = 10_000;
const FRAMES: usize = 1_500;
const SIZE: (u16, u16) = (120, 40);
/// Half of a frame at 60 a second.
const GOAL: Duration = Duration::from_millis(8);

/// What an answer looks like: prose, a list, a table with wide characters, code.
const ANSWER: &str = "## Totals\n\nThe **highest** total is that of *Nguyễn Thị Ánh*; see `orders` for the rest, and compare \
it with the month before, which was quieter by far.\n\n1. first the customers\n2. then their orders\n   - by date\n   - by total\n\n\
| customer | total |\n|---|---:|\n| Nguyễn Thị Ánh | 1,250.50 |\n| 王小明 | 30.00 |\n\n```python\ndef total(rows):\n    \
return sum(r[\"total\"] for r in rows)  # tổng\n```\n\n> quoted: 引用\n\n";

/// Four rows: following the end, and scrolled to the middle; each with the middle frame and the slow ones.
pub fn measure() -> Vec<Row> {
    let mut rows = Vec::new();
    let baseline = sorted(plain());
    for (what, anchor) in [
        ("following", Anchor::Follow),
        (
            "scrolled up",
            Anchor::At {
                entry: 5_000,
                line: 0,
            },
        ),
    ] {
        let ours = sorted(streaming(anchor));
        for (share, name, goal) in [(0.5, "median", None), (0.99, "99th percentile", Some(GOAL))] {
            rows.push(Row::within(
                &format!("a frame while text streams, {what}, {name}"),
                at(&ours, share),
                at(&baseline, share),
                goal,
            ));
        }
    }
    rows
}

/// A long conversation whose last answer is under way.
fn conversation() -> App {
    let mut host = Host::new(&Config::default(), Settings::default());
    for number in 0..ENTRIES / 2 {
        host.transcript.push(Entry::User {
            text: format!("And what of the customers of week {number}?"),
            at: Moment(0),
            sent: true,
        });
        host.transcript.push(Entry::Assistant(Assistant {
            text: format!("Week {number}.\n\n{ANSWER}"),
            ..Assistant::default()
        }));
    }
    host.transcript.push(Entry::Assistant(Assistant {
        turn: TurnId(1),
        step: 1,
        open: true,
        ..Assistant::default()
    }));
    host.turn = TurnState::Streaming {
        turn: TurnId(1),
        step: 1,
        stream: StreamId(1),
        since: Moment(0),
        retries: 0,
        opened: true,
        shown: true,
    };
    App::new(host, SIZE, ThemeChoice::Dark)
}

/// The pieces of a long answer, a word or so each, as models send them.
fn pieces() -> impl Iterator<Item = String> {
    ANSWER
        .split_inclusive(' ')
        .cycle()
        .take(FRAMES)
        .map(str::to_owned)
}

fn streaming(anchor: Anchor) -> Vec<Duration> {
    let mut app = conversation();
    app.chat.anchor = anchor;
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal");
    let (mut memo, theme) = (Memo::new(), Theme::dark());
    let mut samples = Vec::new();
    for (number, piece) in (1..).zip(pieces()) {
        let now = Moment(number * 16_000);
        let started = Instant::now();
        let event = HostEvent::Model {
            stream: StreamId(1),
            event: ModelEvent::Text(piece),
        };
        app.update(AppEvent::Host(event), now);
        let mut measured = None;
        terminal
            .draw(|frame| measured = Some(draw(&app, &theme, frame, &mut memo)))
            .expect("a frame");
        app.update(AppEvent::Drawn(measured.expect("what was measured")), now);
        samples.push(started.elapsed());
        // Colours are made beside the thread that draws, and so beside the measurement.
        for job in memo.pending() {
            let colours = highlight_now(&job);
            memo.fulfil(&job, colours);
        }
    }
    samples
}

fn plain() -> Vec<Duration> {
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal");
    let mut text = String::new();
    let mut samples = Vec::new();
    for piece in pieces() {
        text += &piece;
        let started = Instant::now();
        let lines: Vec<&str> = text.lines().rev().take(usize::from(SIZE.1)).collect();
        let shown = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
        let paragraph = Paragraph::new(shown).wrap(Wrap { trim: false });
        terminal
            .draw(|frame| frame.render_widget(paragraph, frame.area()))
            .expect("a frame");
        samples.push(started.elapsed());
    }
    samples
}
