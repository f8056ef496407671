//! What a recording keeps of the terminal program: what it began with, and each event in the form in which it is written.
//!
//! Pure. `cli` begins both a session and its replay with a [`Start`], so that they are the same; `terminal` writes the events.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::dialog::Dialog;
use crate::app::event::AppEvent;
use crate::app::form::Field;
use crate::app::inspector::overview::FileWatch;
use crate::app::key::{Code, Key};
use crate::app::state::{App, Here, Measured, Opening, Overlay};
use crate::config::{Asks, Config, Launch, News, Permitted};
use crate::host::fix::Given;
use crate::host::{Host, Settings, recorded};
use crate::ids::ServerName;
use crate::record::form::name;
use crate::record::{Said, Source};

/// What the program begins with: all that a first state is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The configuration.
    pub config: Arc<Config>,
    /// The host's settings.
    pub settings: Settings,
    /// Columns and rows until the terminal has been asked.
    pub size: (u16, u16),
    /// Where the program runs.
    pub here: Here,
    /// What it begins with instead of a new conversation.
    pub opening: Option<Opening>,
    /// The server whose inspector the program was opened for, with nothing behind it.
    #[serde(default)]
    pub inspect: Option<Inspected>,
    /// The server behind a proxy whose wire is all there is to see, for people.
    #[serde(default)]
    pub attached: Option<String>,
    /// The question whether a folder's file may run.
    pub asks: Option<Arc<Asks>>,
}

/// The server that the program was opened for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspected {
    /// Its name.
    pub server: ServerName,
    /// Whether its settings stand in a table of the configuration, and not in the flags.
    pub named: bool,
    /// The files whose changes restart it.
    pub watch: Vec<PathBuf>,
    /// Whether any call is made again then.
    pub repeats_all: bool,
}

impl Inspected {
    /// What a program was opened for that has not begun yet.
    pub fn of(app: &App) -> Option<Self> {
        let inspector = app.inspector.as_ref().filter(|it| it.alone)?;
        Some(Self {
            server: inspector.server.clone(),
            named: inspector.overview.given == Given::Table,
            watch: inspector.overview.watch.paths.clone(),
            repeats_all: inspector.overview.watch.repeats_all,
        })
    }

    fn open(&self, app: &mut App) {
        app.inspect_alone(self.server.clone());
        if let Some(inspector) = &mut app.inspector {
            inspector.overview.given = match self.named {
                true => Given::Table,
                false => Given::Flags,
            };
            inspector.overview.watch = FileWatch {
                paths: self.watch.clone(),
                repeats_all: self.repeats_all,
                ..FileWatch::default()
            };
        }
    }
}

impl Start {
    /// The program before its first event.
    pub fn app(&self) -> App {
        let host = Host::new(&self.config, self.settings.clone());
        let mut app = App::new(host, self.size, self.config.ui.theme);
        app.notify = self.config.ui.notify;
        app.here = self.here.clone();
        app.opening = self.opening.clone();
        if let Some(inspected) = &self.inspect {
            inspected.open(&mut app);
        }
        if let Some(behind) = &self.attached {
            app.attach_alone(ServerName::new("proxy"), behind.clone());
        }
        if let Some(asks) = &self.asks {
            app.ask_for_trust(asks.clone());
        }
        app
    }

    /// The same for a file: what is started and reached as people read it. Secrets are `***` by themselves.
    pub fn to_write(&self) -> Value {
        let mut start = self.clone();
        start.config = shown(&start.config);
        start.asks = start.asks.as_deref().map(shown_asks);
        // Answers to forms may be anything; a replay asks nobody.
        start.settings.answers = Default::default();
        let named = |name: &ServerName| {
            let mut servers = start.config.servers.iter();
            servers.any(|server| server.name == *name)
        };
        start.settings.lists.retain(|name, _| named(name));
        start.settings.eras.retain(|name, _| named(name));
        serde_json::to_value(start).unwrap_or_default()
    }
}

/// A configuration whose launches say in words what their secret fields, which are not written, would.
pub fn shown(config: &Arc<Config>) -> Arc<Config> {
    let mut config = Config::clone(config);
    for server in &mut config.servers {
        match &mut server.launch {
            Launch::Stdio(stdio) => {
                let words = stdio.shown_words().into_iter().map(str::to_owned);
                stdio.shown = words.collect();
            }
            Launch::Http(http) => http.shown = http.shown_url().to_owned(),
            Launch::Bundled(_) => {}
        }
    }
    Arc::new(config)
}

fn shown_asks(asks: &Asks) -> Arc<Asks> {
    Arc::new(Asks {
        with: shown(&asks.with),
        without: shown(&asks.without),
        ..asks.clone()
    })
}

fn shown_news(news: &News) -> News {
    match news {
        News::Read(Permitted::Runs(config)) => News::Read(Permitted::Runs(shown(config))),
        News::Read(Permitted::Asks(asks)) => News::Read(Permitted::Asks(shown_asks(asks))),
        News::Wrong(why) => News::Wrong(why.clone()),
        News::Touched(path) => News::Touched(path.clone()),
    }
}

/// What is written of one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Written<'e> {
    /// The entry's name.
    pub name: &'static str,
    /// Its body.
    pub body: Body<'e>,
    /// Whether it is a part of something that is said in pieces.
    pub said: Said,
}

/// A body before it is JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Body<'e> {
    /// The event.
    Event(Cow<'e, AppEvent>),
    /// Anything else.
    Value(Value),
}

/// What is written of an event that this state is about to take in. What is drawn is written by `drawn`.
pub fn event<'e>(app: &App, event: &'e AppEvent) -> Option<Written<'e>> {
    let (body, said) = match event {
        AppEvent::Drawn(_) => return None,
        AppEvent::Wire(record) => {
            return Some(Written {
                name: name::SEEN,
                body: Body::Value(json!(record.seq)),
                said: Said::Whole,
            });
        }
        AppEvent::Key(key) if app.types_secret() => {
            (Cow::Owned(AppEvent::Key(hidden(*key))), said(event))
        }
        AppEvent::Paste(text) if app.types_secret() => {
            let stars = text.chars().map(|_| '*').collect();
            (Cow::Owned(AppEvent::Paste(stars)), said(event))
        }
        AppEvent::News(news) => {
            let news = AppEvent::News(Box::new(shown_news(news)));
            (Cow::Owned(news), Said::Whole)
        }
        event => (Cow::Borrowed(event), said(event)),
    };
    Some(Written {
        name: name::APP,
        body: Body::Event(body),
        said,
    })
}

/// What is written of a frame: its size, the digest of its text, and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Columns and rows.
    pub size: (u16, u16),
    /// The digest of its text; see `view::text`. Empty while a secret is typed or said: each letter could be found by trying.
    pub frame: String,
    /// What the view measured.
    pub measured: Measured,
}

fn said(event: &AppEvent) -> Said {
    match event {
        AppEvent::Key(key) => match (key.typed(), key.code) {
            (Some(_), _) => Said::Piece(Source::Typed, "/Key/code/Char"),
            (None, Code::Backspace) => Said::Back(Source::Typed),
            (None, _) => Said::Typed,
        },
        AppEvent::Paste(_) | AppEvent::Mouse(_) | AppEvent::Terminate => Said::Typed,
        AppEvent::Host(event) => recorded::said(event, true),
        _ => Said::Whole,
    }
}

/// What stands in a field for secrets that this event may leave or send off: from here on it is one wherever it is said.
pub fn given<'a>(app: &'a App, event: &AppEvent) -> Option<&'a str> {
    let leaves = match event {
        AppEvent::Key(key) if *key == Key::char('s').ctrl() => true,
        AppEvent::Key(key) => matches!(
            key.code,
            Code::Enter | Code::Tab | Code::Up | Code::Down | Code::F(_)
        ),
        event => matches!(event, AppEvent::Mouse(_)),
    };
    let text = app.secret_field().filter(|_| leaves)?.text()?;
    Some(text.text())
}

fn hidden(key: Key) -> Key {
    match key.typed() {
        Some(_) => Key::char('*'),
        None => key,
    }
}

impl App {
    /// Whether what is typed now is known for a secret: a password in a server's form or in that of a call, the address at the end
    /// of a sign-in.
    pub fn types_secret(&self) -> bool {
        matches!(self.overlay, Overlay::SignIn(_)) || self.secret_field().is_some()
    }

    fn secret_field(&self) -> Option<&Field> {
        let field = match (&self.overlay, &self.ask.dialog) {
            (Overlay::None, Dialog::Form(form)) if self.ask.question.is_some() => form.field(),
            _ => self.call_field(),
        };
        field.filter(|field| field.secret)
    }
}
