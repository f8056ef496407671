//! `directory_tree`: what lies in a folder and below, level by level, so that one huge folder does not hide its neighbours.
//!
//! Links are named and never followed. What a limit leaves out is said where it is left out, and counted.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::names::shown;
use crate::servers::filesystem::reading::glob::Glob;
use crate::servers::filesystem::roots::{Place, kind_name};
use crate::servers::toolbox::{Answer, Refusal};

/// Entries of one tree.
const MAX_ENTRIES: usize = 2000;

/// Entries of one folder in it.
const MAX_IN_FOLDER: usize = 500;

/// Entries that are looked at, to sort and count them.
const MAX_VISITED: usize = 500_000;

/// Arguments of `directory_tree`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TreeArgs {
    /// The folder, `.` for all.
    path: String,
    /// Globs of what to leave out, such as `node_modules` or `*.log`.
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
    /// How many levels to show; 1 is the folder's own entries.
    #[serde(default = "all_levels")]
    #[schemars(range(min = 1, max = 64))]
    max_depth: usize,
}

fn all_levels() -> usize {
    64
}

/// A folder with what is below it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tree {
    /// The folder.
    path: String,
    /// Its entries, folders first, each folder with its own.
    tree: Vec<Node>,
    /// How many entries are shown.
    entries: usize,
    /// Entries that a limit left out; those in folders that were not opened are not known.
    left_out: usize,
    /// Folders that were not opened: too deep, too many entries before them, or not to be read.
    not_opened: usize,
    /// Entries that `excludePatterns` left out.
    excluded: usize,
    /// Whether anything but the excluded is left out.
    truncated: bool,
}

/// One entry.
#[derive(Debug, Serialize, JsonSchema)]
struct Node {
    /// Its name.
    name: String,
    /// `file`, `directory`, `symlink` or `other`.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["file", "directory", "symlink", "other"]))]
    kind: &'static str,
    /// What a folder holds; only folders have this.
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<Vec<Node>>,
    /// What of a folder is not shown, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<String>,
}

/// `directory_tree`
pub fn directory_tree(
    files: &Files,
    args: TreeArgs,
    stop: &CancellationToken,
) -> Result<Answer<Tree>, Refusal> {
    let place = files.roots.find(&args.path)?;
    let mut grown = Growing {
        place: &place,
        except: Glob::excluding(&args.exclude_patterns)?,
        max_depth: args.max_depth,
        buds: vec![Bud::default()],
        next: VecDeque::new(),
        visited: 0,
        left_out: 0,
        not_opened: 0,
        excluded: 0,
    };
    let dir = place.open_dir("list")?;
    let failed = |error: io::Error| place.failure("list", &error);
    grown.folder(0, &dir, Path::new(""), 1).map_err(failed)?;
    while let Some((at, below, depth)) = grown.next.pop_front() {
        if stop.is_cancelled() {
            return Err(Refusal::new("The call was cancelled."));
        }
        grown.open(at, &below, depth);
    }
    let tree = grown.tree();
    let text = tree.text();
    Ok(Answer::new(tree, text))
}

/// An entry of which the children are not all known yet.
#[derive(Default)]
struct Bud {
    name: String,
    kind: &'static str,
    children: Vec<usize>,
    left_out: Option<String>,
}

struct Growing<'p> {
    place: &'p Place<'p>,
    except: Vec<Glob>,
    max_depth: usize,
    /// The first is the folder itself.
    buds: Vec<Bud>,
    /// Folders still to be opened: which, the way from the first, how deep their entries lie.
    next: VecDeque<(usize, PathBuf, usize)>,
    visited: usize,
    left_out: usize,
    not_opened: usize,
    excluded: usize,
}

impl Growing<'_> {
    fn open(&mut self, at: usize, below: &Path, depth: usize) {
        let why = if depth > self.max_depth {
            Some("not opened: too deep".to_owned())
        } else if self.buds.len() > MAX_ENTRIES || self.visited > MAX_VISITED {
            Some("not opened: the tree is full".to_owned())
        } else {
            let dir = folder_itself(&self.place.root.dir, &self.place.rel.join(below));
            let read = dir.and_then(|dir| self.folder(at, &dir, below, depth));
            read.err().map(|error| format!("not opened: {error}"))
        };
        if let Some(why) = why {
            self.not_opened += 1;
            self.close(at, why);
        }
    }

    fn close(&mut self, at: usize, why: String) {
        if let Some(bud) = self.buds.get_mut(at) {
            bud.left_out = Some(why);
        }
    }

    /// Reads one folder.
    fn folder(&mut self, at: usize, dir: &Dir, below: &Path, depth: usize) -> io::Result<()> {
        let mut found = self.content(dir, below)?;
        found.sort_by_cached_key(|(name, kind)| {
            let name_shown = shown(name).to_lowercase();
            (*kind != "directory", name_shown, name.clone())
        });
        let room = (MAX_ENTRIES + 1).saturating_sub(self.buds.len());
        let kept = found.len().min(room).min(MAX_IN_FOLDER);
        let more = found.len() - kept;
        if more > 0 {
            self.left_out += more;
            self.close(at, format!("{more} more entries"));
        }
        for (name, kind) in found.into_iter().take(kept) {
            let index = self.buds.len();
            if kind == "directory" {
                self.next.push_back((index, below.join(&name), depth + 1));
            }
            self.buds.push(Bud {
                name: shown(&name),
                kind,
                ..Bud::default()
            });
            if let Some(bud) = self.buds.get_mut(at) {
                bud.children.push(index);
            }
        }
        Ok(())
    }

    fn content(&mut self, dir: &Dir, below: &Path) -> io::Result<Vec<(OsString, &'static str)>> {
        let mut found = Vec::new();
        for entry in dir.entries()? {
            let entry = entry?;
            self.visited += 1;
            if self.visited > MAX_VISITED {
                break;
            }
            let name = entry.file_name();
            let path = below.join(&name);
            if self.place.root.hides(&self.place.rel.join(&path)) {
                continue;
            }
            if self.except.iter().any(|glob| glob.fits(&path)) {
                self.excluded += 1;
                continue;
            }
            // An entry that vanishes meanwhile is left out.
            if let Ok(kind) = entry.file_type() {
                found.push((name, kind_name(kind)));
            }
        }
        Ok(found)
    }

    fn tree(mut self) -> Tree {
        let tree = self.children(0);
        Tree {
            path: self.place.shown(),
            tree,
            entries: self.buds.len() - 1,
            left_out: self.left_out,
            not_opened: self.not_opened,
            excluded: self.excluded,
            truncated: self.left_out + self.not_opened > 0 || self.visited > MAX_VISITED,
        }
    }

    fn children(&mut self, at: usize) -> Vec<Node> {
        let children = self
            .buds
            .get_mut(at)
            .map(|bud| std::mem::take(&mut bud.children));
        let mut nodes = Vec::new();
        for index in children.unwrap_or_default() {
            let inner = self.children(index);
            let Some(bud) = self.buds.get_mut(index) else {
                continue;
            };
            nodes.push(Node {
                name: std::mem::take(&mut bud.name),
                kind: bud.kind,
                children: (bud.kind == "directory").then_some(inner),
                left_out: bud.left_out.take(),
            });
        }
        nodes
    }
}

/// Opens a folder, and no link that took its place.
fn folder_itself(root: &Dir, path: &Path) -> io::Result<Dir> {
    let mut options = OpenOptions::new();
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.read(true).custom_flags(flags.bits().cast_signed());
    Ok(Dir::from_std_file(
        root.open_with(path, &options)?.into_std(),
    ))
}

impl Tree {
    fn text(&self) -> String {
        let mut text = format!("{}/\n", self.path.trim_end_matches('/'));
        draw(&self.tree, 1, &mut text);
        if self.tree.is_empty() {
            text.push_str("  (empty)\n");
        }
        if self.truncated {
            let _infallible = write!(
                text,
                "({} entries shown; {} more and {} folders not opened: take a folder below, or excludePatterns)",
                self.entries, self.left_out, self.not_opened
            );
        }
        text.truncate(text.trim_end().len());
        text
    }
}

fn draw(nodes: &[Node], depth: usize, text: &mut String) {
    for node in nodes {
        let sign = match node.kind {
            "directory" => "/",
            "symlink" => " (link)",
            "file" => "",
            _ => " (special)",
        };
        let left_out = node.left_out.as_ref().map(|why| format!(" ({why})"));
        let _infallible = writeln!(
            text,
            "{:indent$}{}{sign}{}",
            "",
            node.name,
            left_out.unwrap_or_default(),
            indent = depth * 2
        );
        draw(
            node.children.as_deref().unwrap_or_default(),
            depth + 1,
            text,
        );
    }
}
