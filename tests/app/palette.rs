//! The palette: everything that can be done, found by a few letters.

use mcpdeck::app::palette::Palette;
use mcpdeck::app::slash::COMMANDS;
use mcpdeck::app::{Code, Detail, Overlay, Pane};
use mcpdeck::config::ThemeChoice;
use mcpdeck::host::Effect;

use crate::support::{Play, host_effects};

fn palette(play: &Play) -> &Palette {
    match &play.app.overlay {
        Overlay::Palette(palette) => palette,
        other => panic!("no palette but {other:?}"),
    }
}

#[test]
fn it_lists_keys_commands_servers_and_tools_once_each() {
    let play = Play::ready();
    let palette = Palette::open(&play.app.host);
    let labels: Vec<&str> = palette.rows.iter().map(|row| row.label.as_str()).collect();
    for wanted in [
        "Show the keys",
        "Restart files",
        "Disable shop",
        "Call shop.query_database",
        "Colours: light",
        "Start a new conversation",
        "Quit",
    ] {
        let count = labels.iter().filter(|label| **label == wanted).count();
        assert_eq!(count, 1, "{wanted} in {labels:?}");
    }
    assert_eq!(palette.rows.len(), palette.intents.len());
    let named = |name: &str| {
        let mut keys = palette.rows.iter().map(|row| row.key.as_str());
        keys.any(|key| key.split(' ').next() == Some(name))
    };
    let through_keys = ["help", "servers", "copy"];
    for command in COMMANDS {
        let found = named(&format!("/{}", command.name)) || through_keys.contains(&command.name);
        assert!(found, "/{}", command.name);
    }
}

#[test]
fn a_few_letters_find_a_server_and_enter_restarts_it() {
    let mut play = Play::ready();
    play.ctrl('p');
    play.type_text("rest sho");
    let best = &palette(&play).rows[0];
    assert_eq!(best.label, "Restart shop");
    let hit: String = best
        .hits
        .iter()
        .filter_map(|at| best.label.chars().nth(usize::try_from(*at).ok()?))
        .collect();
    assert_eq!(hit.to_lowercase(), "restsho");
    let effects = play.press(Code::Enter);
    assert!(matches!(play.app.overlay, Overlay::None));
    let dials = host_effects(&effects);
    assert!(
        dials.iter().any(|effect| matches!(effect, Effect::Close { server, .. } | Effect::Dial { server, .. } if server.as_str() == "shop")),
        "{dials:?}"
    );
}

#[test]
fn the_query_is_edited_and_the_mark_moves() {
    let mut play = Play::ready();
    play.ctrl('p');
    let all = palette(&play).rows.len();
    play.type_text("theme ligh\u{1eff}");
    assert!(palette(&play).rows.is_empty());
    play.press(Code::Enter);
    play.press(Code::Backspace);
    assert_eq!(palette(&play).rows[0].label, "Colours: light");
    play.press(Code::Enter);
    assert_eq!(play.app.theme, ThemeChoice::Light);
    play.ctrl('p');
    play.type_text("x");
    play.ctrl('u');
    assert_eq!(palette(&play).rows.len(), all);
    play.press(Code::Down);
    play.press(Code::Down);
    play.press(Code::Up);
    assert_eq!(palette(&play).marked, 1);
    play.press(Code::Esc);
    assert!(matches!(play.app.overlay, Overlay::None));
}

#[test]
fn a_tool_is_put_into_the_input_to_be_completed() {
    let mut play = Play::ready();
    play.press(Code::F(4));
    play.ctrl('p');
    play.type_text("call query");
    play.press(Code::Enter);
    assert_eq!(play.app.composer.text(), "/call shop query_database ");
    assert_eq!(play.app.focus, Pane::Chat);
}

#[test]
fn details_are_opened_from_it() {
    let mut play = Play::ready();
    play.ctrl('p');
    play.type_text("show files");
    play.press(Code::Enter);
    assert!(matches!(
        &play.app.overlay,
        Overlay::Detail { of: Detail::Server(name), scroll: 0 } if name.as_str() == "files"
    ));
}
