//! What a session is about, for a list: read in passing, without putting the conversation together.
//!
//! Pure. Called by the driver's `sessions` for each file of its folder.

use std::borrow::Cow;

use serde::Deserialize;

use crate::agent::model::Usage;
use crate::host::session::line::{FORMAT, Line};
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
    let mut about = Summary {
        id: id.to_owned(),
        ..Summary::default()
    };
    let (mut first, mut title) = (None, None);
    let (mut unread, mut has_header) = (0usize, false);
    for line in bytes.split(|byte| *byte == b'\n') {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let Ok(glance) = serde_json::from_slice::<Glance>(line) else {
            unread += 1;
            continue;
        };
        if let Some(usage) = glance.usage {
            about.tokens.0 = about.tokens.0.saturating_add(usage.prompt);
            about.tokens.1 = about.tokens.1.saturating_add(usage.completion);
        }
        if !matches!(&*glance.line, "session" | "user" | "title") {
            continue;
        }
        match serde_json::from_slice::<Line>(line) {
            Ok(Line::Session(header)) if !has_header => {
                has_header = true;
                about.started = header.started;
                if header.format > FORMAT {
                    about.trouble = Some(format!("written by mcpdeck {}", header.mcpdeck));
                }
                about.folder = header.folder;
                about.config = header.config;
            }
            Ok(Line::User { text, .. }) => {
                about.turns += 1;
                first.get_or_insert(text);
            }
            Ok(Line::Title { title: new }) => title = Some(new),
            _ => unread += 1,
        }
    }
    about.name = record::name(title.as_deref(), first.as_deref());
    if !has_header {
        about.trouble = Some("without its first line".to_owned());
    } else if unread > 0 && about.trouble.is_none() {
        about.trouble = Some(match unread {
            1 => "1 line cannot be read".to_owned(),
            many => format!("{many} lines cannot be read"),
        });
    }
    about
}
