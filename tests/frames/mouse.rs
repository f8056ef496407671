//! Clicks in the inspector, at what stands on the screen.

use mcpdeck::app::{App, AppEvent, InspectTab, Mouse, MouseKind};
use mcpdeck::text::wrap;

use crate::stage::{drawn, question, screen};
use crate::{follow, offers, wire};

/// Clicks on the first place of the screen where this stands, and gives the screen that comes of it.
fn click(app: &mut App, text: &str) -> String {
    let (before, measured) = drawn(app, 120, 40);
    let mut lines = before.lines().enumerate();
    let place = lines.find_map(|(y, line)| Some((wrap::width(&line[..line.find(text)?]), y)));
    let (x, y) = place.unwrap_or_else(|| panic!("no {text:?} on\n{before}"));
    let now = app.now;
    app.update(AppEvent::Drawn(measured), now);
    let kind = MouseKind::Click;
    let [x, y] = [x, y].map(|at| u16::try_from(at).unwrap());
    app.update(AppEvent::Mouse(Mouse { kind, x, y }), now);
    screen(app, 120, 40)
}

fn tab(app: &App) -> InspectTab {
    app.inspector.as_ref().unwrap().tab
}

#[test]
fn a_tab_is_opened_by_its_name() {
    let mut app = offers::tools();
    for (name, opened) in [
        ("5 Wire", InspectTab::Wire),
        ("7 Lab", InspectTab::Lab),
        ("1 Overview", InspectTab::Overview),
        ("3 Resources", InspectTab::Resources),
    ] {
        let after = click(&mut app, name);
        assert_eq!(tab(&app), opened);
        assert!(after.contains(&format!("[{name}]")), "{after}");
    }
}

#[test]
fn a_row_of_what_is_offered_is_marked_and_then_opened() {
    let mut app = offers::tools();
    assert!(screen(&app, 120, 40).contains("▸ đặt_hàng"));
    let marked = click(&mut app, "ping");
    assert!(marked.contains("▸ ping"), "{marked}");
    assert!(!marked.contains("fill in"), "{marked}");
    let up = click(&mut app, "list_customers");
    assert!(up.contains("▸ list_customers"), "{up}");
    let opened = click(&mut app, "list_customers  Lists");
    assert!(opened.contains("list_customers · fill in"), "{opened}");
    // The form has the keys: the list is not clicked through it.
    let still = click(&mut app, "ping");
    assert_eq!(still, opened);
}

#[test]
fn a_frame_is_marked_and_a_line_of_it_folds() {
    let mut app = wire::wire();
    let marked = click(&mut app, "tools/call read_file");
    assert!(marked.contains("Frame 0"), "{marked}");
    let has_keys = |app: &App| app.inspector.as_ref().unwrap().wire.detail.has_keys;
    assert!(!has_keys(&app));
    click(&mut app, "\"params\": {");
    assert!(has_keys(&app));
    let folded = click(&mut app, "\"params\": {");
    assert!(!folded.contains("\"arguments\": {"), "{folded}");
    let back = click(&mut app, "WARN slow disk");
    assert!(!has_keys(&app));
    assert!(back.contains("Frame 1"), "{back}");
    // What is being written is not sent by a click on the marked row.
    let mut app = wire::writing();
    let before = screen(&app, 120, 40);
    assert_eq!(click(&mut app, "tools/call read_file"), before);
}

#[test]
fn a_row_of_time_and_a_fault_are_marked_and_then_opened() {
    let mut app = follow::followed();
    click(&mut app, "asked");
    let opened = click(&mut app, "asked");
    assert!(
        app.inspector.as_ref().unwrap().follow.open.is_some(),
        "{opened}"
    );
    let mut app = follow::faults();
    assert!(screen(&app, 120, 40).contains("[ ] drip"));
    click(&mut app, "[ ] drip");
    assert!(screen(&app, 120, 40).contains("[ ] drip"));
    let on = click(&mut app, "[ ] drip");
    assert!(on.contains("[x] drip"), "{on}");
}

#[test]
fn a_click_below_a_question_does_nothing() {
    let mut app = question();
    app.inspect_alone("shop".into());
    let before = screen(&app, 120, 40);
    assert!(before.contains("[1 Overview]"), "{before}");
    for text in ["1 Overview", "5 Wire"] {
        assert_eq!(click(&mut app, text), before);
    }
}
