//! The command palette: a query, and the commands that fit it, best first.
//!
//! Pure. Its rows come from the keymap, the slash commands and the servers that there are, so nothing is listed twice by hand.

use crate::app::browse::{self, Candidate, Shelf};
use crate::app::composer::{Edit, Motion, motion};
use crate::app::fuzzy;
use crate::app::intent::{Inspecting, Intent, Reaching};
use crate::app::keymap;
use crate::app::slash::{self, COMMANDS, THEMES};
use crate::host::Host;
use crate::mcp::prompt::Prompt;

/// Commands that need more than their name, and have no rows of their own: they are begun in the input.
const NEEDS_MORE: [&str; 10] = [
    "call",
    "rename",
    "read",
    "subscribe",
    "unsubscribe",
    "log",
    "login",
    "logout",
    "pins",
    "undo",
];

/// The open palette.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    /// What was typed.
    pub query: String,
    /// The fitting rows, best first.
    pub rows: Vec<PaletteRow>,
    /// The marked row.
    pub marked: usize,
    /// What each of the rows does, in the same order.
    pub intents: Vec<Intent>,
    /// What it lists.
    pub shelf: Shelf,
    /// The session that is deleted when the key is pressed once more.
    pub doomed: Option<String>,
    /// More about each of the rows, raw, in the same order.
    pub notes: Vec<String>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaletteRow {
    /// What it does.
    pub label: String,
    /// Its key or slash command.
    pub key: String,
    /// Character positions in the label that fit the query.
    pub hits: Vec<u32>,
}

impl Palette {
    /// A palette that shows everything.
    pub fn open(host: &Host) -> Self {
        Self::of(Shelf::default(), host)
    }

    /// A palette of one of the lists.
    pub fn of(shelf: Shelf, host: &Host) -> Self {
        let mut palette = Self {
            shelf,
            ..Self::default()
        };
        palette.filter(host);
        palette
    }

    /// Fits the rows to the query and marks the best.
    pub fn filter(&mut self, host: &Host) {
        let all = match self.shelf {
            Shelf::Commands => candidates(host).into_iter().map(without_more).collect(),
            shelf => browse::candidates(shelf, host),
        };
        // The key is searched too (`/restart`), where the label alone does not fit.
        let named = all.into_iter().map(|row| {
            let words = format!("{} {}", row.1, row.3);
            (row.0.clone(), words, row)
        });
        let fitting = match self.shelf {
            Shelf::Commands => fuzzy::rank(&self.query, named),
            // A URI is full of signs.
            Shelf::Resources | Shelf::Prompts | Shelf::Sessions => {
                fuzzy::rank_plain(&self.query, named)
            }
        };
        *self = Self {
            query: std::mem::take(&mut self.query),
            shelf: self.shelf,
            ..Self::default()
        };
        for fit in fitting {
            let (label, key, intent, more) = fit.item;
            let hits = fit.hits;
            self.rows.push(PaletteRow { label, key, hits });
            self.intents.push(intent);
            self.notes.push(more);
        }
    }

    /// Takes something out of the query: the only editing that it knows, at its end.
    pub fn edit(&mut self, edit: Edit, host: &Host) {
        let end = self.query.len();
        let keep = match edit {
            Edit::Delete(Motion::Left) => motion::before(&self.query, end),
            Edit::Delete(Motion::WordLeft) => motion::word_before(&self.query, end),
            Edit::Delete(Motion::LineStart | Motion::Start) => 0,
            Edit::Delete(Motion::Right | Motion::WordRight | Motion::LineEnd | Motion::End)
            | Edit::Move(_)
            | Edit::Undo
            | Edit::Redo => end,
        };
        self.query.truncate(keep);
        self.filter(host);
    }

    /// What the marked row does.
    pub fn chosen(&self) -> Option<&Intent> {
        self.intents.get(self.marked)
    }
}

fn without_more((label, key, intent): (String, String, Intent)) -> Candidate {
    (label, key, intent, String::new())
}

/// Everything that can be done, in the order in which it is shown without a query.
fn candidates(host: &Host) -> Vec<(String, String, Intent)> {
    let keys = keymap::rows().filter(|row| row.palette);
    let mut all: Vec<_> = keys
        .map(|row| (row.help.to_owned(), row.shown_key(), row.intent.clone()))
        .collect();
    for command in COMMANDS {
        let key = format!("/{}", command.name);
        let has_key = |intent: &Intent| all.iter().any(|(_, _, known)| known == intent);
        match slash::parse(&key, host) {
            // What has a key has a row already; what needs a server or a theme has rows of its own below.
            Some(Ok(intent)) if !has_key(&intent) => {
                all.push((command.help.to_owned(), key, intent));
            }
            Some(Err(_)) if NEEDS_MORE.contains(&command.name) => {
                let begin = Intent::Compose(format!("{key} "));
                all.push((command.help.to_owned(), key, begin));
            }
            Some(Ok(_) | Err(_)) | None => {}
        }
    }
    for (name, choice) in THEMES {
        let label = format!("Colours: {name}");
        all.push((label, format!("/theme {name}"), Intent::Theme(choice)));
    }
    for server in &host.servers {
        all.extend(of_server(server));
    }
    all
}

fn of_server(server: &crate::host::Server) -> Vec<(String, String, Intent)> {
    let name = &server.name;
    let row = |verb: &str, intent: Intent| {
        let key = format!("/{} {name}", verb.to_lowercase());
        (format!("{verb} {name}"), key, intent)
    };
    let mut rows = vec![
        (
            format!("Show {name}"),
            String::new(),
            Intent::ShowServer(name.clone()),
        ),
        row(
            "Inspect",
            Intent::Inspect(Inspecting::Open(Some(name.clone()))),
        ),
        row("Restart", Intent::Restart(Some(name.clone()))),
        row("Disable", Intent::Disable(Some(name.clone()))),
        row("Enable", Intent::Enable(Some(name.clone()))),
    ];
    rows.extend(server.tools.iter().map(|tool| {
        let begin = format!("/call {name} {} ", tool.name);
        (
            format!("Call {name}.{}", tool.name),
            String::new(),
            Intent::Compose(begin),
        )
    }));
    rows.extend(
        server
            .prompts
            .iter()
            .map(|prompt| of_prompt(server, prompt)),
    );
    rows
}

fn of_prompt(server: &crate::host::Server, prompt: &Prompt) -> (String, String, Intent) {
    let name = format!("{}:{}", server.name, prompt.name);
    let words = prompt.title.as_deref().or(prompt.description.as_deref());
    let words = words.map(|words| format!(": {words}")).unwrap_or_default();
    let intent = Intent::Reach(Reaching::UsePrompt {
        server: server.name.clone(),
        prompt: prompt.name.clone(),
    });
    (format!("Prompt {name}{words}"), format!("/{name}"), intent)
}
