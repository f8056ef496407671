//! What strikes the eye in what servers say, flagged on the server and its tools, and said once.
//!
//! Pure. A flag blocks nothing and hides nothing: it stands in the tools' list, in the server's details and in each question.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Weighed, names};
use crate::agent::transcript::Level;
use crate::host::server::Server;
use crate::host::state::Host;
use crate::ids::ServerName;
use crate::mcp::flags::{self, Alike, Flag, Named};
use crate::mcp::pins::digest;
use crate::mcp::tool::Tool;
use crate::text::clean;

/// Bytes of all tools of a server whose words are looked at: it takes time, and the program waits for it.
const LOOKED_AT: usize = 256 << 10;

/// What strikes the eye in what a server says.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Flags {
    /// Of itself.
    pub server: Vec<Flag>,
    /// Of its tools, by name; those without a flag are not in it.
    pub tools: BTreeMap<String, Vec<Flag>>,
}

impl Flags {
    /// What strikes the eye in one tool.
    pub fn of(&self, tool: &str) -> &[Flag] {
        self.tools.get(tool).map_or(&[], Vec::as_slice)
    }

    /// How many things of the server have a flag.
    pub fn count(&self) -> usize {
        self.tools.len() + usize::from(!self.server.is_empty())
    }

    /// Looks at the tools and the words of a server about itself.
    fn found(tools: &[Tool], instructions: &str) -> Self {
        let mut left = LOOKED_AT;
        let mut found = Self {
            server: flags::of_instructions(instructions),
            ..Self::default()
        };
        for tool in tools {
            let words = tool.description.as_ref().map_or(0, String::len);
            left = left.saturating_sub(words.saturating_add(200));
            if left == 0 {
                found.server.push(Flag::Hides {
                    what: "more words than are looked at".to_owned(),
                    part: "the list of its tools".to_owned(),
                });
                break;
            }
            let flags = flags::of_tool(tool);
            if !flags.is_empty() {
                found.tools.insert(tool.name.clone(), flags);
            }
        }
        found
    }

    fn forget_alike(&mut self) {
        for flags in self.tools.values_mut() {
            flags.retain(|flag| !matches!(flag, Flag::Alike { .. }));
        }
        self.tools.retain(|_, flags| !flags.is_empty());
    }
}

impl Host {
    /// Looks at a list, unless it is the one that was looked at last: that takes time, and a server may list every second. Gives
    /// the digest of the instructions where they have a flag.
    pub(super) fn look_once(
        &mut self,
        name: &ServerName,
        tools: &[Tool],
        weighed: &Weighed,
    ) -> Option<String> {
        let hello = self.server(name)?.hello.as_ref();
        let words = hello.and_then(|hello| hello.instructions.clone());
        let words = words.unwrap_or_default();
        let seen = digest(&format!("{}{words}", weighed.all));
        if self.book.looked.get(name) == Some(&seen) {
            return None;
        }
        self.book.looked.insert(name.clone(), seen);
        let found = Flags::found(tools, &words);
        let told = (!found.server.is_empty()).then(|| digest(&words));
        self.note_odd(name, &found, &weighed.fresh);
        if let Some(server) = self.server_mut(name) {
            server.flags = found;
        }
        told
    }

    /// Says what strikes the eye in tools that are new or otherwise.
    fn note_odd(&mut self, name: &ServerName, found: &Flags, fresh: &BTreeSet<String>) {
        let tools = found.tools.keys().filter(|tool| fresh.contains(*tool));
        let tools: Vec<String> = tools.cloned().collect();
        let first = tools.first().and_then(|tool| found.of(tool).first());
        if let Some(first) = first.map(Flag::sentence) {
            let tools = names(&tools);
            let text = format!("What server `{name}` says of {tools} is odd: {first}");
            let text = clean::line(&text);
            let hint = "`/tools` shows all flags; a flag blocks nothing".to_owned();
            self.transcript.note(Level::Warning, text, Some(hint));
        }
    }

    pub(super) fn note_instructions(&mut self, name: &ServerName) {
        let server = self.server(name);
        let flag = server.and_then(|server| server.flags.server.first());
        if let Some(sentence) = flag.map(Flag::sentence) {
            let text = format!("What server `{name}` says of itself is odd: {sentence}");
            self.transcript.note(Level::Warning, text, None);
        }
    }

    /// Compares the tools of all servers with each other, after those of one have come.
    pub(in crate::host) fn compare_tools(&mut self, name: &ServerName) {
        let pairs = self.alike();
        for server in &mut self.servers {
            server.flags.forget_alike();
        }
        let mut news: BTreeMap<ServerName, Vec<String>> = BTreeMap::new();
        for pair in pairs {
            let ((this, tool), (server, other)) = (pair.this.clone(), pair.other.clone());
            let both = (pair.this.clone(), pair.other.clone());
            let is_news = &this == name && !pair.is_common() && self.book.compared.insert(both);
            if is_news {
                news.entry(server.clone()).or_default().push(tool.clone());
            }
            let flag = Flag::Alike {
                how: pair.how.to_owned(),
                server,
                tool: other,
            };
            if let Some(server) = self.server_mut(&this) {
                server.flags.tools.entry(tool).or_default().push(flag);
            }
        }
        for (other, mut tools) in news {
            tools.dedup();
            let tools = names(&tools);
            let text =
                format!("Server `{name}` has tools that look like those of `{other}`: {tools}");
            let hint =
                "`/tools` shows which; a question names the server that it is for".to_owned();
            self.transcript.note(Level::Info, text, Some(hint));
        }
    }

    fn alike(&self) -> Vec<Alike> {
        fn named(server: &Server) -> impl Iterator<Item = Named<'_>> {
            let is_ours = server.is_bundled();
            server.tools.iter().map(move |tool| Named {
                server: &server.name,
                is_ours,
                tool: &tool.name,
                description: tool.description.as_deref().unwrap_or_default(),
            })
        }
        let all: Vec<Named<'_>> = self.servers.iter().flat_map(named).collect();
        flags::alike(&all)
    }
}
