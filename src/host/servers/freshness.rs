//! How long a server's lists are believed: asked for again when they are past their time and wanted, kept for the next run, and
//! forgotten where they are another person's.
//!
//! Pure. A list is never asked for by the clock alone: only when a turn begins, or somebody looks. The old one stays usable
//! until the new one is there.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::config::Launch;
use crate::host::effect::Effect;
use crate::host::keep::{self, Keep, KeptLists, LISTS_VERSION};
use crate::host::server::{ListState, Listing, Server};
use crate::host::state::Host;
use crate::ids::{Moment, ServerName};
use crate::mcp::request::ListKind;
use crate::mcp::tool::Tool;

/// The longest time for which a server's word on its own list is believed.
const LONGEST: Duration = Duration::from_secs(86_400);

impl Host {
    /// The servers know what they offered in the last run.
    pub(in crate::host) fn with_lists(mut self) -> Self {
        let mut kept = std::mem::take(&mut self.settings.lists);
        for server in &mut self.servers {
            if let Some(lists) = kept.remove(&server.name) {
                self.book
                    .on_disk
                    .insert(server.name.clone(), digest(&lists));
                server.recall(lists);
            }
        }
        self.rename_tools();
        self
    }

    /// Asks for the lists again that are past their time; a turn that begins waits for them, within its patience.
    pub(in crate::host) fn lists_needed(&mut self, now: Moment) -> Vec<Effect> {
        let is_due = |server: &Server, kind: ListKind| {
            let quiet = server.listing.get(&kind).copied().unwrap_or_default() == Listing::Quiet;
            server.status.is_ready() && quiet && server.is_stale(kind, now)
        };
        let due = self.servers.iter().flat_map(|server| {
            let kinds = ListKind::ALL.into_iter();
            let kinds = kinds.filter(move |kind| is_due(server, *kind));
            kinds.map(|kind| (server.name.clone(), server.generation, kind))
        });
        let due: Vec<_> = due.collect();
        let mut effects = Vec::new();
        for (name, generation, kind) in due {
            let entry = self.book.unlisted.entry(name.clone());
            let (of, kinds) = entry.or_insert_with(|| (generation, BTreeSet::new()));
            if *of != generation {
                (*of, *kinds) = (generation, BTreeSet::new());
            }
            kinds.insert(kind);
            effects.extend(self.list(&name, kind, now));
        }
        effects
    }

    /// The server has given a list: it counts from now on, for as long as the server or the configuration says.
    pub(super) fn confirm(&mut self, name: &ServerName, kind: ListKind, now: Moment) {
        let hints = self
            .book
            .hints
            .remove(&(name.clone(), kind))
            .unwrap_or_default();
        let ttl = hints
            .ttl_ms
            .map(|ms| Duration::from_millis(ms).min(LONGEST));
        // What ours offer stays as it is while they run; the nothing that they give as its time is the protocol library's.
        let is_bundled = self.server(name).is_some_and(Server::is_bundled);
        let state = ListState {
            read: Some(now),
            ttl: ttl.filter(|ttl| !(is_bundled && ttl.is_zero())),
            public: hints.public,
            confirmed: true,
        };
        if let Some(server) = self.server_mut(name) {
            server.lists.insert(kind, state);
        }
    }

    /// What was answered by a tool that is another one now, or gone, is forgotten.
    pub(super) fn forget_changed_tools(&mut self, name: &ServerName, new: &[Tool]) {
        let Some(server) = self.server(name) else {
            return;
        };
        let new: BTreeMap<&str, &Tool> =
            new.iter().map(|tool| (tool.name.as_str(), tool)).collect();
        let is_same = |tool: &&Tool| new.get(tool.name.as_str()) == Some(tool);
        let changed = server.tools.iter().filter(|tool| !is_same(tool));
        let changed: BTreeSet<String> = changed.map(|tool| tool.name.clone()).collect();
        if !changed.is_empty() {
            self.forget_tools(name, &changed);
        }
    }

    /// Writes down what a server that is ready offers, where that is not what stands there.
    pub(super) fn keep_lists(&mut self, name: &ServerName) -> Vec<Effect> {
        // Half of what it offers is no better than nothing.
        let unlisted = self.book.unlisted.get(name);
        let is_whole = unlisted.is_none_or(|(_, kinds)| kinds.is_empty());
        let server = self
            .server(name)
            .filter(|server| server.status.is_ready() && is_whole);
        let Some((path, lists)) = server.and_then(|server| self.to_keep(server)) else {
            return Vec::new();
        };
        let digest = digest(&lists);
        if self.book.on_disk.get(name) == Some(&digest) {
            return Vec::new();
        }
        let had = self.book.on_disk.insert(name.clone(), digest).is_some();
        let lists = (!lists.is_empty()).then(|| Box::new(lists));
        if lists.is_none() && !had {
            return Vec::new();
        }
        vec![Effect::Keep(Keep::Lists { path, lists })]
    }

    fn to_keep(&self, server: &Server) -> Option<(std::path::PathBuf, KeptLists)> {
        let folder = self.settings.lists_dir.as_ref()?;
        let spec = server.spec.as_ref()?;
        let launch = spec.launch.identity();
        // Who is signed in at a URL when the program runs next is not known before: only what is for everybody is kept of it.
        let is_shared = !matches!(spec.launch, Launch::Http(_));
        let may = |kind: ListKind| {
            let list = server.lists.get(&kind);
            list.is_some_and(|list| list.confirmed && (is_shared || list.public))
        };
        let lists = KeptLists {
            version: LISTS_VERSION,
            server: server.name.clone(),
            launch: launch.clone(),
            tools: kept(&server.tools, may(ListKind::Tools)),
            resources: kept(&server.resources, may(ListKind::Resources)),
            templates: kept(&server.templates, may(ListKind::Templates)),
            prompts: kept(&server.prompts, may(ListKind::Prompts)),
        };
        Some((keep::lists_file(folder, &server.name, &launch), lists))
    }

    /// Another person is signed in at a server, or nobody: what was theirs is forgotten, in memory and on the disk.
    pub(in crate::host) fn principal_changed(&mut self, name: &ServerName) -> Vec<Effect> {
        self.credentials_changed(name);
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        let private = server.lists.iter().filter(|(_, list)| !list.public);
        let private: Vec<ListKind> = private.map(|(kind, _)| *kind).collect();
        for kind in private {
            server.forget_list(kind);
        }
        self.rename_tools();
        // What is kept there is public, so it stays good.
        Vec::new()
    }

    /// Forgets what is kept of one server, or of all: answers and lists, in memory and on the disk.
    pub(in crate::host) fn clear_cache(
        &mut self,
        only: Option<&ServerName>,
        now: Moment,
    ) -> Vec<Effect> {
        let is_meant = |server: &&Server| only.is_none_or(|name| *name == server.name);
        let names = self.servers.iter().filter(is_meant);
        let names: Vec<ServerName> = names.map(|server| server.name.clone()).collect();
        let mut effects = Vec::new();
        for name in names {
            self.forget_results(&name);
            effects.extend(self.forget_on_disk(&name));
            let Some(server) = self.server_mut(&name) else {
                continue;
            };
            server.cache.hits = 0;
            server.cache.misses = 0;
            if server.status.is_ready() {
                let lists = server.lists.values_mut();
                lists.for_each(|list| (list.confirmed, list.read) = (false, None));
            } else {
                let kinds: Vec<ListKind> = server.lists.keys().copied().collect();
                kinds.into_iter().for_each(|kind| server.forget_list(kind));
            }
        }
        self.rename_tools();
        effects.extend(self.lists_needed(now));
        effects
    }

    fn forget_on_disk(&mut self, name: &ServerName) -> Option<Effect> {
        self.book.on_disk.remove(name);
        let folder = self.settings.lists_dir.as_ref()?;
        let launch = self.server(name)?.spec.as_ref()?.launch.identity();
        let path = keep::lists_file(folder, name, &launch);
        Some(Effect::Keep(Keep::Lists { path, lists: None }))
    }
}

impl Server {
    /// What it offered in an earlier run, as far as the configuration still lets it through.
    fn recall(&mut self, lists: KeptLists) {
        let Some(spec) = self.spec.as_ref().filter(|spec| spec.enabled) else {
            return;
        };
        if !lists.is_of(&self.name, &spec.launch.identity()) {
            return;
        }
        let offered = lists
            .tools
            .into_iter()
            .filter(|tool| spec.offers(&tool.name));
        self.tools = offered.collect();
        self.resources = lists.resources;
        self.templates = lists.templates;
        self.prompts = lists.prompts;
        let known = [
            (ListKind::Tools, self.tools.is_empty()),
            (ListKind::Resources, self.resources.is_empty()),
            (ListKind::Templates, self.templates.is_empty()),
            (ListKind::Prompts, self.prompts.is_empty()),
        ];
        let known = known.into_iter().filter(|(_, is_empty)| !is_empty);
        let state = |(kind, _)| (kind, ListState::default());
        self.lists = known.map(state).collect();
    }

    fn forget_list(&mut self, kind: ListKind) {
        self.lists.remove(&kind);
        match kind {
            ListKind::Tools => self.tools.clear(),
            ListKind::Resources => self.resources.clear(),
            ListKind::Templates => self.templates.clear(),
            ListKind::Prompts => self.prompts.clear(),
        }
    }
}

fn kept<T: Clone>(items: &[T], may: bool) -> Vec<T> {
    match may {
        true => items.to_vec(),
        false => Vec::new(),
    }
}

/// Equal lists, equal digest, within one run of the program.
fn digest(lists: &KeptLists) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(lists)
        .unwrap_or_default()
        .hash(&mut hasher);
    hasher.finish()
}
