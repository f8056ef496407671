//! What is new in the host since the last look: shared by the two reporters.

use std::collections::BTreeMap;

use crate::agent::transcript::{Entry, Level, Note};
use crate::cli::status::Verdicts;
use crate::host::{Host, Server, ToolCall};
use crate::ids::CallId;

/// Something new.
#[derive(Debug)]
pub enum News<'a> {
    /// A server's state is another.
    Server(&'a Server),
    /// A server is judged otherwise than before.
    Verdict(&'a Server),
    /// More text of the answer.
    Text(&'a str),
    /// The text of a step is complete.
    TextEnd,
    /// A call was made.
    Call(&'a ToolCall),
    /// A call has ended.
    Result(&'a ToolCall),
    /// A line for the person.
    Note(&'a Note),
}

/// What has been seen.
#[derive(Debug, Default)]
pub struct Watch {
    servers: BTreeMap<String, &'static str>,
    verdicts: Verdicts,
    entry: usize,
    bytes: usize,
    asked: bool,
    calls: u64,
    running: Vec<CallId>,
}

impl Watch {
    /// What was restored from a saved session has been seen.
    pub fn pass_over(&mut self, host: &Host) {
        let (entries, calls) = host.session.restored;
        (self.entry, self.bytes) = (entries, 0);
        self.calls = calls as u64;
    }

    /// Everything new, in the order in which it happened as far as that can be told.
    pub fn news<'a>(&mut self, host: &'a Host) -> Vec<News<'a>> {
        let mut news = Vec::new();
        self.servers(host, &mut news);
        self.texts(host, &mut news);
        self.calls(host, &mut news);
        news
    }

    fn servers<'a>(&mut self, host: &'a Host, news: &mut Vec<News<'a>>) {
        for server in &host.servers {
            let word = server.status.word();
            if self.servers.insert(server.name.to_string(), word) != Some(word) {
                news.push(News::Server(server));
            }
            if self.verdicts.is_news(server) {
                news.push(News::Verdict(server));
            }
        }
    }

    fn texts<'a>(&mut self, host: &'a Host, news: &mut Vec<News<'a>>) {
        while let Some(entry) = host.transcript.entries().get(self.entry) {
            match entry {
                Entry::Assistant(step) => {
                    if let Some(text) = step.text.get(self.bytes..).filter(|text| !text.is_empty())
                    {
                        news.push(News::Text(text));
                        self.bytes = step.text.len();
                    }
                    if step.open {
                        return;
                    }
                    if !step.text.is_empty() {
                        news.push(News::TextEnd);
                    }
                }
                // What a script says of itself before anything was asked is for the terminal program.
                Entry::Note(note) if note.level == Level::Info && !self.asked => {}
                Entry::Note(note) => news.push(News::Note(note)),
                Entry::User { .. } => self.asked = true,
                Entry::Told { .. } | Entry::Compacted(_) | Entry::Hand { .. } => {}
            }
            (self.entry, self.bytes) = (self.entry + 1, 0);
        }
    }

    fn calls<'a>(&mut self, host: &'a Host, news: &mut Vec<News<'a>>) {
        while let Some(call) = host.call(CallId(self.calls + 1)) {
            self.calls += 1;
            self.running.push(call.id);
            news.push(News::Call(call));
        }
        let ended = |id: &CallId| host.call(*id).filter(|call| call.end().is_some());
        news.extend(self.running.iter().filter_map(ended).map(News::Result));
        self.running.retain(|id| ended(id).is_none());
    }
}
