//! What a server has changed in its tools: looked at, then accepted; and `/undo`.

use mcpdeck::app::slash::parse;
use mcpdeck::app::{AppEvent, Code, Detail, Intent, Key, Measured, Overlay};
use mcpdeck::host::HostEvent;
use mcpdeck::ids::ServerName;
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::listing::{Listed, Listing};

use crate::support::Play;

/// A server of somebody else whose only tool is described otherwise now.
fn changed() -> (Play, ServerName) {
    let mut play = Play::ready();
    let foreign = |server: &&mcpdeck::host::Server| !server.is_bundled();
    let server = play
        .app
        .host
        .servers
        .iter()
        .find(foreign)
        .expect("a foreign server");
    let (name, generation) = (server.name.clone(), server.generation);
    let mut items: Vec<_> = server.tools.clone();
    items[0].description = Some("Does something else now.".into());
    let listing = Listing {
        items,
        rejected: Vec::new(),
    };
    play.host(HostEvent::Server {
        server: name.clone(),
        generation,
        event: ServerEvent::Listed(Listed::Tools(listing)),
    });
    (play, name)
}

fn held(play: &Play, name: &ServerName) -> usize {
    play.app.host.server(name).expect("the server").held.len()
}

fn measured(play: &mut Play, rows: usize, area: usize) {
    let measured = Measured {
        detail: (rows, area),
        ..Measured::default()
    };
    play.update(AppEvent::Drawn(measured));
}

#[test]
fn a_change_is_accepted_only_once_it_was_seen_to_its_end() {
    let (mut play, name) = changed();
    assert_eq!(held(&play, &name), 1);
    assert_eq!(
        parse("/pins", &play.app.host),
        Some(Ok(Intent::Pins(Some(name.clone()))))
    );
    play.type_text("/tools");
    play.press(Code::Enter);
    play.key(Key::char('a'));
    assert!(
        matches!(&play.app.overlay, Overlay::Detail { of: Detail::Changes(of), .. } if *of == name),
        "{:?}",
        play.app.overlay
    );
    assert_eq!(held(&play, &name), 1, "looking is not accepting");
    measured(&mut play, 30, 10);
    play.key(Key::char('a'));
    assert!(play.toast().contains("more below"), "{}", play.toast());
    assert_eq!(held(&play, &name), 1);
    play.press(Code::End);
    measured(&mut play, 30, 10);
    play.key(Key::char('a'));
    assert_eq!(held(&play, &name), 0);
    assert!(matches!(play.app.overlay, Overlay::None));
    assert!(matches!(parse("/pins", &play.app.host), Some(Err(_))));
}

#[test]
fn the_key_does_nothing_where_nothing_has_changed() {
    let mut play = Play::ready();
    play.type_text("/tools");
    play.press(Code::Enter);
    play.key(Key::char('a'));
    assert!(matches!(
        &play.app.overlay,
        Overlay::Detail {
            of: Detail::Tools,
            ..
        }
    ));
    assert!(play.app.hints().iter().all(|(key, _)| key != "a"));
}

#[test]
fn undo_needs_a_file_server_that_can() {
    let play = Play::ready();
    let said = |line: &str| parse(line, &play.app.host);
    assert!(matches!(said("/undo"), Some(Err(why)) if why.contains("mcpdeck undo")));
    assert!(
        matches!(said("/undo shop"), Some(Err(why)) if why.contains("nothing that can be taken back"))
    );
}
