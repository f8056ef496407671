//! Completions of the input: what could stand at the caret, best first, and what taking one does.
//!
//! Pure. The rows (`rows`) come from the commands, the servers' lists and, for values, from the servers themselves by way of [`Asker`].

mod rows;

use std::ops::Range;

use crate::app::asker::{Ask, Asker};
use crate::app::mention::{Kind, Spot, spot};
use crate::app::template::UriTemplate;
use crate::host::{Host, Server};
use crate::ids::ServerName;
use crate::mcp::request::{Errand, Reference};
use crate::text::clean;

/// Rows that are kept.
const ROWS: usize = 100;
/// What a list of log levels is completed with, the least weighty first.
pub const LEVELS: &str = "debug|info|notice|warning|error|critical|alert|emergency";

/// The completions on show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suggest {
    /// The rows, best first; empty: nothing is on show.
    pub rows: Vec<Suggestion>,
    /// The marked row.
    pub marked: usize,
    /// What a taken row replaces.
    pub range: Range<usize>,
    /// Whether the last key wrote something: going through the history opens nothing.
    pub awake: bool,
    /// What it was made for.
    seen: Option<(String, usize, usize)>,
}

/// One completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What is put into the input.
    pub insert: String,
    /// What is shown, raw.
    pub label: String,
    /// What is said about it, raw.
    pub note: String,
    /// Character positions of the label that fit what was typed.
    pub hits: Vec<u32>,
    /// What else it does.
    pub then: Then,
}

/// What taking a row does beside putting its text in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Write,
    /// With Enter, it is sent: nothing can follow it.
    Send,
    /// The form for a prompt is opened instead.
    Prompt(ServerName, String),
    /// The form for a template is opened instead, and its URI put in.
    Template(ServerName, String),
}

impl Suggest {
    /// What a server has to be asked for what is written at the caret.
    pub fn ask(&self, text: &str, caret: usize, host: &Host) -> Option<Ask> {
        let spot = spot(text, caret).filter(|_| self.awake)?;
        wanted(&spot, host)
    }

    /// Brings the rows in line with the input and what the servers said.
    pub fn fit(&mut self, text: &str, caret: usize, host: &Host, asker: &Asker) {
        let Some(spot) = spot(text, caret).filter(|_| self.awake) else {
            let awake = self.awake;
            self.sleep();
            self.awake = awake;
            return;
        };
        let state = (text.to_owned(), caret, size(host, asker));
        if self.seen.as_ref() == Some(&state) {
            return;
        }
        let was = self.rows.get(self.marked).map(|row| row.insert.clone());
        let is_same_text = self.seen.as_ref().is_some_and(|seen| seen.0 == text);
        self.range = spot.range.clone();
        self.rows = rows::of(&spot, host, asker);
        self.rows.truncate(ROWS);
        // Written out already: Enter means the whole line.
        let written = &text[spot.range];
        let is_written = |row: &Suggestion| row.insert.trim_end() == written;
        if self.rows.iter().any(is_written) {
            self.rows.clear();
        }
        // An answer that comes in late does not move the mark.
        let place = self
            .rows
            .iter()
            .position(|row| Some(&row.insert) == was.as_ref());
        self.marked = place.filter(|_| is_same_text).unwrap_or(0);
        self.seen = Some(state);
    }

    /// Shows nothing until something is written.
    pub fn sleep(&mut self) {
        *self = Self::default();
    }

    /// The marked row.
    pub fn chosen(&self) -> Option<&Suggestion> {
        self.rows.get(self.marked)
    }
}

/// A number that changes with what the rows are made of; a list that changes in its middle alone is fresh at the next key.
fn size(host: &Host, asker: &Asker) -> usize {
    let of = |server: &Server| {
        server.resources.len() + server.templates.len() + server.prompts.len() + server.tools.len()
    };
    let lists: usize = host.servers.iter().map(of).sum();
    lists * 2 + usize::from(asker.answer().is_some())
}

fn server<'a>(host: &'a Host, name: &str) -> Option<&'a Server> {
    host.servers
        .iter()
        .find(|server| server.name.as_str() == name)
}

/// Whether a server says that it completes.
pub fn completes(server: &Server) -> bool {
    let hello = server.hello.as_ref();
    server.status.is_ready()
        && hello.is_some_and(|hello| hello.capabilities.get("completions").is_some())
}

/// The question to a server that stands behind this spot.
fn wanted(spot: &Spot, host: &Host) -> Option<Ask> {
    match &spot.kind {
        Kind::Value(prompting, argument) => {
            let server = server(host, &prompting.server).filter(|server| completes(server))?;
            let known = server.prompts.iter().find(|p| p.name == prompting.prompt)?;
            known.arguments.iter().find(|a| a.name == *argument)?;
            let errand = Errand::Complete {
                of: Reference::Prompt {
                    name: known.name.clone(),
                },
                argument: argument.clone(),
                value: spot.typed.clone(),
                context: prompting.given.clone(),
            };
            Some((server.name.clone(), errand))
        }
        Kind::Mention => {
            let (name, uri) = spot.typed.split_once(':')?;
            let server = server(host, name).filter(|server| completes(server))?;
            let (template, typing) = typed_template(server, uri)?;
            let errand = Errand::Complete {
                of: Reference::Template {
                    uri_template: template.to_owned(),
                },
                argument: typing.variable,
                value: typing.value,
                context: typing.known,
            };
            Some((server.name.clone(), errand))
        }
        Kind::Command
        | Kind::Server
        | Kind::Tool(_)
        | Kind::Uri(_)
        | Kind::Word(_)
        | Kind::Argument(_) => None,
    }
}

/// The first template of whose variables one is being typed.
fn typed_template<'a>(
    server: &'a Server,
    uri: &str,
) -> Option<(&'a str, crate::app::template::Typing)> {
    server.templates.iter().find_map(|template| {
        let typing = UriTemplate::parse(&template.uri_template)?.typing(uri)?;
        Some((template.uri_template.as_str(), typing))
    })
}

/// Puts a row's text into the input in the place of what was typed.
pub fn insertion(row: &Suggestion) -> String {
    clean::block(&row.insert)
}
