//! What is left of the configured folders when a client names its own: never more than was configured.
//!
//! A client root above a configured folder, or equal to it, keeps that folder. One beneath it narrows to the folder that it
//! names, which is opened through the configured folder's handle, so that no link leads out of it. One elsewhere, one that is no
//! `file://` URI and one that does not exist give nothing. An empty list gives nothing either: the client says that it has no
//! folder to share. (The npm server keeps its configured folders then, which hands a client without a workspace all of them.)

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use url::Url;

use crate::servers::filesystem::roots::{Root, Roots, or_dot};

impl Roots {
    /// The part of these folders that lies beneath the client's roots.
    pub fn narrowed(&self, uris: &[String]) -> Self {
        let wanted: Vec<PathBuf> = uris.iter().filter_map(|uri| path_of(uri)).collect();
        let mut all: Vec<Arc<Root>> = Vec::new();
        for root in &self.all {
            for part in wanted.iter().filter_map(|path| root.shared_with(path)) {
                // What lies within a folder that is kept already adds nothing; what holds one takes its place.
                if !all.iter().any(|kept| part.path.starts_with(&kept.path)) {
                    all.retain(|kept| !kept.path.starts_with(&part.path));
                    all.push(Arc::new(part));
                }
            }
        }
        let nothing = if all.is_empty() {
            self.nothing_shared(uris)
        } else {
            String::new()
        };
        Self { all, nothing }
    }

    fn nothing_shared(&self, uris: &[String]) -> String {
        let client = match uris {
            [] => "The client shares no folder (its list of roots is empty)".to_owned(),
            _ => {
                let uris = uris.iter().take(10).map(|uri| format!("`{uri}`"));
                let uris = uris.collect::<Vec<_>>().join(", ");
                format!(
                    "None of the client's roots ({uris}) lies in {}",
                    self.listed()
                )
            }
        };
        format!(
            "{client}, so no file may be touched. Open a folder in the client that lies there, or start this server with other folders."
        )
    }
}

impl Root {
    /// What this folder and a folder of the client have in common.
    fn shared_with(&self, client: &Path) -> Option<Self> {
        let real = client.canonicalize().ok()?;
        if let Ok(rest) = self.path.strip_prefix(&real) {
            return self.part(Path::new(""), client.join(rest));
        }
        let beneath = real.strip_prefix(&self.path).ok();
        let rel = beneath.map(Path::to_owned).or_else(|| self.below(client))?;
        self.part(&rel, client.to_owned())
    }

    /// The folder at `rel` as a root of its own.
    fn part(&self, rel: &Path, alias: PathBuf) -> Option<Self> {
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        if !rel.components().all(plain) {
            return None;
        }
        let dir = self.dir.open_dir(or_dot(rel)).ok()?;
        let real = if rel.as_os_str().is_empty() {
            PathBuf::new()
        } else {
            self.dir.canonicalize(rel).ok()?
        };
        if self.hides(&real) {
            return None;
        }
        let hidden = self.hidden.as_ref();
        let mut aliases: Vec<PathBuf> = self.aliases.iter().map(|a| a.join(rel)).collect();
        aliases.push(alias);
        Some(Self {
            dir,
            path: self.path.join(&real),
            aliases,
            hidden: hidden.and_then(|hidden| Some(hidden.strip_prefix(&real).ok()?.to_owned())),
        })
    }
}

/// The path that a `file://` URI names on this machine.
fn path_of(uri: &str) -> Option<PathBuf> {
    let url = Url::parse(uri).ok().filter(|url| url.scheme() == "file")?;
    url.to_file_path().ok()
}
