//! What the model sees of everything, and what it costs in tokens, by part: for `/context`.
//!
//! Pure. Counted on what the next request would be made of; tokens are our estimate, as everywhere.

use std::collections::HashMap;

use serde::Serialize;

use crate::agent::model::Message;
use crate::agent::prompt;
use crate::agent::transcript::{Assistant, Entry};
use crate::agent::window;
use crate::host::outcome;
use crate::host::state::Host;
use crate::ids::CallId;

/// The next request by its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Context {
    /// Tokens that the model can read.
    pub window: u64,
    /// Tokens of the request.
    pub used: u64,
    /// Its parts, the largest first.
    pub parts: Vec<Part>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it is, with the server's raw name where it is one's.
    pub name: String,
    /// Its tokens.
    pub tokens: u64,
    /// What it is made of, the largest first; raw names.
    pub items: Vec<(String, u64)>,
}

impl Host {
    /// What the model sees, and what it costs.
    pub fn context(&self) -> Context {
        let mut parts = vec![part(
            "System words",
            vec![(String::new(), window::tokens(&prompt::system(&[])))],
        )];
        for (server, words) in self.instructions() {
            let words = prompt::system(&[(server.clone(), words)]);
            let own = window::tokens(&words)
                - window::tokens(&prompt::system(&[])).min(window::tokens(&words));
            parts.push(part(
                format!("Instructions of {server}"),
                vec![(String::new(), own)],
            ));
        }
        parts.extend(self.tool_parts());
        parts.extend(self.talk());
        parts.retain(|part| part.tokens > 0);
        parts.sort_by_key(|part| std::cmp::Reverse(part.tokens));
        Context {
            window: self.window(),
            used: parts.iter().map(|part| part.tokens).sum(),
            parts,
        }
    }

    fn tool_parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        let entries = self.book.catalog.entries().iter();
        let entries: HashMap<&str, _> = entries.map(|entry| (entry.name.as_str(), entry)).collect();
        for offer in self.offers_now() {
            let entry = entries.get(offer.name.as_str());
            let (title, name) = match entry {
                Some(entry) => (format!("Tools of {}", entry.server), entry.tool.clone()),
                None => ("Tools of mcpdeck itself".to_owned(), offer.name.clone()),
            };
            let item = (name, window::of_offer(&offer));
            match parts.iter_mut().find(|part| part.name == title) {
                Some(part) => part.items.push(item),
                None => parts.push(part(title, vec![item])),
            }
        }
        parts
            .into_iter()
            .map(|of| part(of.name, of.items))
            .collect()
    }

    /// The conversation: what was said, and the results by call.
    fn talk(&self) -> Vec<Part> {
        let visible = self.transcript.visible();
        let (mut asked, mut said, mut told) = (0, 0, 0);
        let (mut results, mut attached) = (Vec::new(), Vec::new());
        for entry in &visible.entries {
            match entry {
                Entry::User {
                    text, sent: true, ..
                } => asked += message(text),
                Entry::Told { text } => told += message(text),
                Entry::Assistant(step) if !step.open => {
                    said += message(&step.text);
                    for (id, call, result) in self.results_of(step) {
                        said += call;
                        results.push((self.name_of(id), result));
                    }
                }
                Entry::Hand { call } => {
                    let text = self.attachment(*call);
                    attached.extend(text.map(|text| (self.name_of(*call), message(&text))));
                }
                Entry::User { .. } | Entry::Assistant(_) | Entry::Note(_) | Entry::Compacted(_) => {
                }
            }
        }
        let one = |tokens: u64| vec![(String::new(), tokens)];
        vec![
            part("What you said", one(asked)),
            part("What the model said", one(said)),
            part("What mcpdeck told it", one(told)),
            part(
                "The summary of earlier",
                one(visible.summary.map_or(0, message)),
            ),
            part("Results of calls", results),
            part("Resources that you attached", attached),
        ]
    }

    /// The calls of a step, with the tokens of what the model wrote and of what it reads.
    fn results_of(&self, step: &Assistant) -> Vec<(CallId, u64, u64)> {
        let (limit, folds) = (self.settings.limits.result_tokens, self.transcript.folds());
        let result = |id: &CallId| {
            let fold = folds.get(id).copied();
            let record = outcome::record(self.call(*id)?, limit, fold)?;
            let written = window::tokens(&record.call.arguments) + 8;
            Some((*id, written, message(&record.result)))
        };
        step.calls.iter().filter_map(result).collect()
    }

    fn name_of(&self, id: CallId) -> String {
        let title = self.call(id).map(|call| call.title()).unwrap_or_default();
        format!("{id} {title}")
    }
}

fn part(name: impl Into<String>, mut items: Vec<(String, u64)>) -> Part {
    items.sort_by_key(|item| std::cmp::Reverse(item.1));
    let tokens = items.iter().map(|(_, tokens)| tokens).sum();
    items.retain(|(name, _)| !name.is_empty());
    Part {
        name: name.into(),
        tokens,
        items,
    }
}

fn message(text: &str) -> u64 {
    let text = text.to_owned();
    window::of_message(&Message::User { text })
}
