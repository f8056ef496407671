//! `mcpdeck attach`: the inspector on the wire of another program's server, with nothing of its own behind it.

use mcpdeck::app::{App, AppEvent, Code, Key};
use mcpdeck::config::{Config, Provider, ThemeChoice};
use mcpdeck::host::{Host, Settings};

use crate::stage::{at, screen};

fn attached() -> App {
    let mut config = Config::default();
    config.model.provider = Provider::None;
    let host = Host::new(&config, Settings::default());
    let mut app = App::new(host, (80, 24), ThemeChoice::Mono);
    app.attach_alone("proxy".into(), "node server.js --stdio".to_owned());
    app.start(at(0));
    app
}

#[test]
fn the_wire_is_all_there_is_and_no_key_leads_to_another_tab() {
    let mut app = attached();
    for (cols, rows) in [(120, 40), (80, 24), (40, 12)] {
        let frame = screen(&app, cols, rows);
        assert!(frame.contains("[5 Wire]"), "{frame}");
        assert!(
            !frame.contains("Tools") && !frame.contains("no model"),
            "{frame}"
        );
    }
    let wide = screen(&app, 120, 40);
    assert!(
        wide.contains("looks on at  node server.js --stdio"),
        "{wide}"
    );
    for key in ['1', '2', '7', ']', '['] {
        app.update(AppEvent::Key(Key::char(key)), at(1));
        assert_eq!(screen(&app, 120, 40), wide, "{key}");
    }
    // What would write to the server says that it does not.
    app.update(AppEvent::Key(Key::char('w')), at(1));
    assert!(screen(&app, 120, 40).contains("it can only be looked at"));
    // There is nothing behind it to go back to.
    app.update(AppEvent::Key(Key::new(Code::Esc)), at(2));
    assert!(screen(&app, 120, 40).contains("[5 Wire]"));
}
