//! A picture in an answer, drawn as half blocks: what is on the screen before it is decoded, after, and where it cannot be.

use mcpdeck::app::{App, Detail, Overlay};
use mcpdeck::ids::CallId;
use mcpdeck::mcp::result::{Block, ToolResult};
use mcpdeck::view::{Memo, Theme, draw, picture};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use crate::stage::{answered, call, talk};

/// Red, green, blue and white, one below the other, two pixels wide.
const STRIPES: &str = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAAECAIAAAArjXluAAAAE0lEQVR42mP4z8AARGACQf8HAwB9ngv1mu+BCgAAAABJRU5ErkJggg==";

fn with(data: &str) -> App {
    let mut app = talk();
    let result = ToolResult {
        content: vec![Block::Image {
            mime: "image/png".into(),
            data: data.into(),
        }],
        ..ToolResult::default()
    };
    let shot = call(1, "shop", "screenshot", "{}", answered(20, result));
    app.host.calls = vec![shot];
    let of = Detail::Call(CallId(1));
    app.overlay = Overlay::Detail { of, scroll: 0 };
    app
}

fn frame(app: &App, theme: &Theme, memo: &mut Memo) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(80, 30)).unwrap();
    terminal
        .draw(|frame| {
            draw(app, theme, frame, memo);
        })
        .unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    buffer.content().iter().map(|cell| cell.symbol()).collect()
}

/// Makes what waits, as the terminal does; gives how many there were.
fn make(memo: &mut Memo) -> usize {
    let jobs = memo.pending_pictures();
    for job in &jobs {
        let seen = picture::read(job).map(|image| picture::halves(job, &image, true));
        memo.show(job, seen);
    }
    jobs.len()
}

#[test]
fn a_picture_is_drawn_when_it_is_decoded() {
    let app = with(STRIPES);
    let mut memo = Memo::new().with_pictures();
    let before = text(&frame(&app, &Theme::dark(), &mut memo));
    assert!(before.contains("[image image/png, 2x4,"), "{before}");
    assert!(!before.contains('▀'));
    assert_eq!(make(&mut memo), 1);
    let after = frame(&app, &Theme::dark(), &mut memo);
    let halves = after.content().iter().filter(|cell| cell.symbol() == "▀");
    let colours: Vec<(Color, Color)> = halves.map(|cell| (cell.fg, cell.bg)).collect();
    let upper = (Color::Rgb(255, 0, 0), Color::Rgb(0, 255, 0));
    let lower = (Color::Rgb(0, 0, 255), Color::Rgb(255, 255, 255));
    assert_eq!(colours, [upper, upper, lower, lower]);
    assert_eq!(make(&mut memo), 0, "it is decoded once");
}

#[test]
fn without_colours_or_without_a_maker_the_line_of_text_stands() {
    for (theme, mut memo) in [
        (Theme::mono(), Memo::new().with_pictures()),
        (Theme::dark(), Memo::new()),
    ] {
        let seen = text(&frame(&with(STRIPES), &theme, &mut memo));
        assert!(seen.contains("[image image/png, 2x4,"), "{seen}");
        assert_eq!(make(&mut memo), 0);
    }
}

#[test]
fn a_broken_picture_is_a_line_of_text() {
    let app = with(&STRIPES[..60]);
    let mut memo = Memo::new().with_pictures();
    frame(&app, &Theme::dark(), &mut memo);
    assert_eq!(make(&mut memo), 1);
    let seen = text(&frame(&app, &Theme::dark(), &mut memo));
    assert!(seen.contains("not drawn: "), "{seen}");
    assert!(!seen.contains('▀'));
}
