//! Roots: the folders that a server may be told of, from the configuration, the person, or a question.
//!
//! Pure. The most particular word counts: `roots` of the server's own table, then what the person answered this server, then what
//! holds for all. One of mcpdeck's own servers has its folders already and is never told of others.

use std::path::Path;

use serde_json::{Value, json};
use url::Url;

use crate::config::{Bundled, Launch};
use crate::host::asks::{Asker, reply};
use crate::host::effect::Effect;
use crate::host::question::About;
use crate::host::server::Server;
use crate::host::state::{Host, Root};
use crate::ids::Moment;
use crate::mcp::ask::{Ask, Reply};
use crate::mcp::status::Era;

impl Host {
    pub(super) fn asked_for_roots(&mut self, from: Asker, what: Ask, now: Moment) -> Vec<Effect> {
        self.book
            .asked_roots
            .insert((from.server.clone(), from.generation));
        let Some(server) = self.server(&from.server) else {
            return from.effect(reply::no(&what));
        };
        if server.is_bundled() {
            let reply = own_folders(server).unwrap_or_else(|| reply::no(&what));
            return from.effect(reply);
        }
        let known = configured(server)
            .or_else(|| self.book.roots.get(&from.server).cloned())
            .or_else(|| self.roots.clone());
        match known {
            Some(roots) => from.effect(told(&roots)),
            None if self.settings.headless => from.effect(reply::no(&what)),
            None => self.put(from, what, now),
        }
    }

    /// The person has named folders for this server; they hold for it until the program ends.
    pub(super) fn roots_answered(&mut self, from: Asker, roots: Vec<Root>) -> Vec<Effect> {
        let reply = told(&roots);
        self.book.roots.insert(from.server.clone(), roots);
        from.effect(reply)
    }

    /// The person has set the folders for all servers: what was said for one of them before is over, those that wait for an
    /// answer get it, and those that have asked are told that it has changed, where their era has a word for that.
    pub(in crate::host) fn set_roots(&mut self, roots: Vec<Root>) -> Vec<Effect> {
        let is_told = |server: &&Server| self.is_told_of(server, &roots);
        let told_of = self.servers.iter().filter(is_told);
        let mut effects: Vec<Effect> = told_of
            .map(|server| Effect::TellRoots {
                server: server.name.clone(),
                generation: server.generation,
            })
            .collect();
        let wants_roots = |about: &About| {
            matches!(
                about,
                About::Server {
                    what: Ask::Roots,
                    ..
                }
            )
        };
        let mut waiting = Vec::new();
        self.questions.retain(|question| {
            let wants = wants_roots(&question.about);
            waiting.extend(super::asker(&question.about).filter(|_| wants));
            !wants
        });
        let reply = |asker: Asker| asker.effect(told(&roots));
        effects.extend(waiting.into_iter().flat_map(reply));
        self.book.roots.clear();
        self.roots = Some(roots);
        effects
    }

    /// Whether a server is told that these roots are others than it knows.
    fn is_told_of(&self, server: &Server, roots: &Vec<Root>) -> bool {
        let asked = (server.name.clone(), server.generation);
        let hello = server.hello.as_ref();
        let listens = hello.is_some_and(|hello| hello.era == Era::Legacy);
        let own = self.book.roots.get(&server.name);
        server.status.is_ready()
            && listens
            && !server.is_bundled()
            && configured(server).is_none()
            && own.or(self.roots.as_ref()) != Some(roots)
            && self.book.asked_roots.contains(&asked)
    }
}

/// The folders that the configuration names for this server alone.
fn configured(server: &Server) -> Option<Vec<Root>> {
    let paths = server.spec.as_ref()?.roots.as_ref()?;
    Some(paths.iter().filter_map(|path| Root::of(path)).collect())
}

/// What one of our own file servers is answered in the era where a question without an answer stops the call: the folders that
/// it was started with. Before, a no leaves it as it was started.
fn own_folders(server: &Server) -> Option<Reply> {
    let hello = server.hello.as_ref()?;
    match &server.spec.as_ref()?.launch {
        Launch::Bundled(Bundled::Filesystem { roots, .. }) if hello.era == Era::Modern => {
            let roots: Vec<Root> = roots.iter().filter_map(|path| Root::of(path)).collect();
            Some(told(&roots))
        }
        Launch::Bundled(_) | Launch::Stdio(_) | Launch::Http(_) => None,
    }
}

fn told(roots: &[Root]) -> Reply {
    let root = |root: &Root| match &root.name {
        Some(name) => json!({ "uri": root.uri, "name": name }),
        None => json!({ "uri": root.uri }),
    };
    let roots: Vec<Value> = roots.iter().map(root).collect();
    Reply::Result {
        value: json!({ "roots": roots }),
    }
}

/// Reads a list of roots: `file://` URIs or absolute paths, as texts or as objects with `uri` and `name`.
pub(super) fn read(value: &Value) -> Result<Vec<Root>, String> {
    let Value::Array(items) = value else {
        return Err("the roots must be a list".to_owned());
    };
    items.iter().map(one).collect()
}

fn one(item: &Value) -> Result<Root, String> {
    let (uri, name) = match item {
        Value::String(uri) => (Some(uri.as_str()), None),
        other => (
            other.get("uri").and_then(Value::as_str),
            other.get("name").and_then(Value::as_str),
        ),
    };
    let uri = uri.ok_or("a root must have a `uri`")?;
    let mut root = Root::parse(uri)?;
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        root.name = Some(name.to_owned());
    }
    Ok(root)
}

impl Root {
    /// A folder as a root, named by its last part; absent for a path that is not absolute.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let uri = Url::from_file_path(path).ok()?.to_string();
        Some(Self { uri, name })
    }

    /// Reads what a person writes: a `file://` URI or an absolute path.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn parse(written: &str) -> Result<Self, String> {
        let written = written.trim();
        if let Some(root) = Self::of(Path::new(written)) {
            return Ok(root);
        }
        match Url::parse(written) {
            Ok(url) if url.scheme() == "file" => Ok(Self {
                name: url
                    .path_segments()
                    .and_then(|mut parts| parts.rfind(|part| !part.is_empty()).map(str::to_owned)),
                uri: url.to_string(),
            }),
            _ => Err(format!(
                "`{written}` is no absolute path and no `file://` URI"
            )),
        }
    }
}
