//! The question whether a folder's file may run: it has all keys, nothing runs before its answer, and no stray key is one.

use std::sync::Arc;
use std::time::Duration;

use mcpdeck::app::{App, AppEffect, AppEvent, Code, Context, Key, Measured};
use mcpdeck::config::{Asks, Config, FolderFile, News, Permitted, ThemeChoice, UiSettings};
use mcpdeck::host::{Effect, Host, Settings};
use mcpdeck::ids::Moment;

use crate::support::server_spec;

fn config(names: &[&str]) -> Arc<Config> {
    Arc::new(Config {
        servers: names.iter().map(|name| server_spec(name)).collect(),
        ..Config::default()
    })
}

fn asks(digest: &str) -> Arc<Asks> {
    Arc::new(Asks {
        folder: FolderFile {
            path: "/work/mcp.toml".into(),
            digest: digest.into(),
            says: vec!["Server theirs".into(), "  starts       evil".into()],
        },
        before: None,
        with: config(&["mine", "theirs"]),
        without: config(&["mine"]),
    })
}

struct Bench {
    app: App,
    now: Moment,
}

impl Bench {
    /// At the start, with the question on the screen.
    fn starting() -> Self {
        let asks = asks("1");
        let host = Host::new(&asks.without, Settings::default());
        let mut app = App::new(host, (80, 24), ThemeChoice::Auto);
        app.ask_for_trust(asks);
        let mut bench = Self {
            app,
            now: Moment(0),
        };
        assert_eq!(
            bench.app.start(bench.now),
            [],
            "nothing runs before the answer"
        );
        bench.drawn(10, 10);
        bench.later();
        bench
    }

    /// While the program runs.
    fn running() -> Self {
        let host = Host::new(&config(&["mine"]), Settings::default());
        let mut app = App::new(host, (80, 24), ThemeChoice::Auto);
        app.start(Moment(0));
        Self {
            app,
            now: Moment(0),
        }
    }

    fn later(&mut self) {
        self.now = self.now.plus(Duration::from_secs(1));
    }

    fn tell(&mut self, event: AppEvent) -> Vec<AppEffect> {
        self.app.update(event, self.now)
    }

    /// The view has drawn so many rows, of which so many were on show.
    fn drawn(&mut self, rows: usize, area: usize) {
        self.tell(AppEvent::Drawn(Measured {
            detail: (rows, area),
            ..Measured::default()
        }));
    }

    fn press(&mut self, c: char) -> Vec<AppEffect> {
        self.tell(AppEvent::Key(Key::char(c)))
    }

    fn news(&mut self, permitted: Permitted) -> Vec<AppEffect> {
        self.tell(AppEvent::News(Box::new(News::Read(permitted))))
    }

    fn servers(&self) -> Vec<String> {
        let servers = self.app.host.servers.iter();
        servers.map(|server| server.name.to_string()).collect()
    }
}

/// What is done in the world, in its order.
fn words(effects: &[AppEffect]) -> Vec<String> {
    let word = |effect: &AppEffect| match effect {
        AppEffect::Trust(folder) => Some(format!("trust {}", folder.digest)),
        AppEffect::Configure(config) => Some(format!("configure {}", config.servers.len())),
        AppEffect::Host(Effect::Dial { server, .. }) => Some(format!("dial {server}")),
        AppEffect::Host(Effect::Close { server, .. }) => Some(format!("close {server}")),
        AppEffect::Host(Effect::FindModel) => Some("find model".into()),
        AppEffect::Quit => Some("quit".into()),
        _ => None,
    };
    effects.iter().filter_map(word).collect()
}

#[test]
fn a_yes_is_written_down_and_taken_over_before_anything_is_dialled() {
    let mut bench = Bench::starting();
    assert_eq!(bench.app.context(), Context::Trust);
    let effects = bench.press('y');
    let expected = [
        "trust 1",
        "configure 2",
        "dial mine",
        "dial theirs",
        "find model",
    ];
    assert_eq!(words(&effects), expected);
    assert_eq!(bench.app.trust, None);
}

#[test]
fn a_no_starts_what_is_the_persons_own_and_quit_starts_nothing() {
    let mut bench = Bench::starting();
    assert_eq!(words(&bench.press('n')), ["dial mine", "find model"]);
    assert_eq!(bench.servers(), ["mine"]);
    let escaped = Bench::starting().tell(AppEvent::Key(Key::new(Code::Esc)));
    assert_eq!(words(&escaped), ["dial mine", "find model"]);
    assert_eq!(words(&Bench::starting().press('q')), ["quit"]);
}

#[test]
fn other_keys_answer_nothing_and_reach_nothing_below() {
    let mut bench = Bench::starting();
    let others = [
        Code::Enter,
        Code::Tab,
        Code::F(4),
        Code::Char('/'),
        Code::Char('Y'),
    ];
    for code in others {
        assert_eq!(words(&bench.tell(AppEvent::Key(Key::new(code)))), [""; 0]);
        assert_eq!(bench.app.context(), Context::Trust, "{code:?}");
    }
    // The help lies over it, and an answer is none there.
    bench.tell(AppEvent::Key(Key::new(Code::F(1))));
    assert_eq!(bench.app.context(), Context::Help);
    assert_eq!(bench.press('y'), []);
    bench.tell(AppEvent::Key(Key::new(Code::Esc)));
    assert_eq!(bench.app.context(), Context::Trust);
    bench.tell(AppEvent::Paste("y\ny".into()));
    assert!(bench.app.trust.is_some() && bench.app.composer.is_empty());
    assert_eq!(bench.app.start(bench.now), []);
}

#[test]
fn there_is_no_yes_before_the_end_was_in_sight() {
    let mut bench = Bench::starting();
    let mut asked = bench.app.trust.take().expect("the question");
    asked.seen = false;
    bench.app.trust = Some(asked);
    bench.drawn(30, 10);
    assert_eq!(bench.press('y'), []);
    bench.tell(AppEvent::Key(Key::new(Code::PageDown)));
    assert_eq!(bench.press('y'), []);
    bench.tell(AppEvent::Key(Key::new(Code::PageDown)));
    bench.tell(AppEvent::Key(Key::new(Code::PageDown)));
    assert_eq!(words(&bench.press('y'))[0], "trust 1");
}

#[test]
fn what_is_being_typed_when_the_question_comes_is_no_answer() {
    let mut bench = Bench::running();
    assert_eq!(words(&bench.news(Permitted::Asks(asks("2")))), [""; 0]);
    bench.drawn(10, 10);
    for _ in 0..8 {
        // A run of typing goes on until there is a pause.
        bench.now = bench.now.plus(Duration::from_millis(300));
        assert_eq!(bench.press('y'), []);
    }
    assert!(bench.app.trust.is_some());
    bench.later();
    let expected = ["trust 2", "configure 2", "dial theirs"];
    assert_eq!(words(&bench.press('y')), expected);
}

#[test]
fn a_no_while_it_runs_keeps_what_runs_and_holds_for_these_bytes() {
    let mut bench = Bench::running();
    bench.news(Permitted::Asks(asks("2")));
    bench.drawn(10, 10);
    bench.later();
    assert_eq!(words(&bench.press('n')), [""; 0]);
    assert_eq!(bench.servers(), ["mine"]);
    bench.news(Permitted::Asks(asks("2")));
    assert_eq!(
        bench.app.trust, None,
        "the same bytes are not asked about again"
    );
    bench.news(Permitted::Asks(asks("3")));
    assert!(bench.app.trust.is_some());
    // What is put back as it was trusted needs no answer.
    assert_eq!(
        words(&bench.news(Permitted::Runs(config(&["mine"])))),
        ["configure 1"]
    );
    assert_eq!(bench.app.trust, None);
}

#[test]
fn after_a_no_at_the_start_the_persons_own_file_goes_on_being_read() {
    let mut bench = Bench::starting();
    bench.press('n');
    let mut changed = (*asks("1")).clone();
    changed.without = config(&["mine", "new"]);
    let effects = bench.news(Permitted::Asks(Arc::new(changed)));
    assert_eq!(words(&effects), ["configure 2", "dial new"]);
    assert_eq!(bench.servers(), ["mine", "new"]);
}

#[test]
fn a_file_that_is_put_right_while_the_question_waits_starts_the_program() {
    let mut bench = Bench::starting();
    let effects = bench.news(Permitted::Runs(config(&["mine"])));
    assert_eq!(words(&effects), ["configure 1", "dial mine", "find model"]);
}

#[test]
fn what_is_wrong_is_said_and_the_theme_is_taken_over() {
    let mut bench = Bench::running();
    bench.tell(AppEvent::News(Box::new(News::Wrong(
        "mcp.toml:1:1: unknown key".into(),
    ))));
    assert_eq!(bench.servers(), ["mine"]);
    let dark = Config {
        ui: UiSettings {
            theme: ThemeChoice::Dark,
            ..UiSettings::default()
        },
        ..(*config(&["mine"])).clone()
    };
    bench.news(Permitted::Runs(Arc::new(dark)));
    assert_eq!(bench.app.theme, ThemeChoice::Dark);
}
