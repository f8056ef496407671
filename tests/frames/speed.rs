//! A frame costs the same however long the conversation is. Counted in entries laid out, not in time: the benchmark has the time.

use mcpdeck::agent::transcript::{Assistant, Entry};
use mcpdeck::app::Anchor;
use mcpdeck::ids::Moment;
use mcpdeck::view::{Memo, Theme, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::stage;

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
