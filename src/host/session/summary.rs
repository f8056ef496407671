//! What a session is about, for a list: read in passing, without putting the conversation together.
//!
//! Pure. Called by the driver's `sessions` for each file of its folder.

use std::borrow::Cow;

use serde::Deserialize;

use crate::agent::model::Usage;
use crate::host::session::line::{FORMAT, Header, Line};
use crate::host::session::record;
use crate::host::session::state::Summary;

/// What a list wants of a line. The rest of it is passed over.
#[derive(Deserialize)]
struct Glance<'a> {
    #[serde(borrow)]
    line: Cow<'a, str>,
    #[serde(default)]
    usage: Option<Usage>,
}

/// Reads in passing.
pub fn of(id: &str, bytes: &[u8]) -> Summary {
    let mut looking = Looking::default();
    looking.about.id = id.to_owned();
    for line in bytes.split(|byte| *byte == b'\n') {
        if !line.iter().all(u8::is_ascii_whitespace) {
            looking.at(line);
        }
    }
    looking.end()
}

/// What was seen so far.
#[derive(Default)]
struct Looking {
    about: Summary,
    first: Option<String>,
    title: Option<String>,
    unread: usize,
    has_header: bool,
}

impl Looking {
    fn at(&mut self, line: &[u8]) {
        let Ok(glance) = serde_json::from_slice::<Glance>(line) else {
            self.unread += 1;
            return;
        };
        if let Some(usage) = glance.usage {
            let tokens = &mut self.about.tokens;
            tokens.0 = tokens.0.saturating_add(usage.prompt);
            tokens.1 = tokens.1.saturating_add(usage.completion);
        }
        if !matches!(&*glance.line, "session" | "user" | "title") {
            return;
        }
        match serde_json::from_slice::<Line>(line) {
            Ok(Line::Session(header)) if !self.has_header => self.header(header),
            Ok(Line::User { text, .. }) => {
                self.about.turns += 1;
                self.first.get_or_insert(text);
            }
            Ok(Line::Title { title }) => self.title = Some(title),
            _ => self.unread += 1,
        }
    }

    fn header(&mut self, header: Header) {
        self.has_header = true;
        self.about.started = header.started;
        if header.format > FORMAT {
            self.about.trouble = Some(format!("written by mcpdeck {}", header.mcpdeck));
        }
        self.about.folder = header.folder;
        self.about.config = header.config;
    }

    fn end(self) -> Summary {
        let mut about = self.about;
        about.name = record::name(self.title.as_deref(), self.first.as_deref());
        if !self.has_header {
            about.trouble = Some("without its first line".to_owned());
        } else if self.unread > 0 && about.trouble.is_none() {
            about.trouble = Some(match self.unread {
                1 => "1 line cannot be read".to_owned(),
                many => format!("{many} lines cannot be read"),
            });
        }
        about
    }
}
