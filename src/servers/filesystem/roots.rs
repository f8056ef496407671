//! The folders that may be touched, and the way from a path as text to a place beneath one of them.
//!
//! A root is an open handle; what is below is always resolved by the kernel beneath that handle (`cap_std`), never by comparing
//! texts, so that a link or a rename in between cannot lead out. No tool opens a path in any other way.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, FileType, Metadata, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use crate::servers::ServeError;
use crate::servers::filesystem::names::{composed, may_be_respelled, shown, shown_path};
use crate::servers::nearest::nearest;
use crate::servers::toolbox::Refusal;

/// One folder that may be touched.
pub struct Root {
    /// The handle beneath which everything is resolved.
    pub dir: Dir,
    /// Where it lies, without links.
    pub path: PathBuf,
    /// Where it lies, as it was given; a client may say either.
    given: PathBuf,
    /// What is below it and yet no business of the tools: our own trash.
    hidden: Option<PathBuf>,
}

/// All folders that may be touched; at least one.
pub struct Roots {
    all: Vec<Root>,
}

/// A place beneath a root. Says nothing about whether something is there.
pub struct Place<'r> {
    /// The root.
    pub root: &'r Root,
    /// The way from the root; empty for the root itself.
    pub rel: PathBuf,
    /// Whether paths are told in full because there are several roots.
    full: bool,
}

impl Roots {
    /// Opens the folders. `hidden` is kept out of sight where it lies below one of them.
    ///
    /// # Errors
    /// A folder that does not exist, is none, or may not be read.
    pub fn open(paths: &[PathBuf], hidden: &Path) -> Result<Self, ServeError> {
        let open = |given: &PathBuf| -> io::Result<Root> {
            let path = given.canonicalize()?;
            Ok(Root {
                dir: Dir::open_ambient_dir(&path, ambient_authority())?,
                given: std::path::absolute(given)?,
                hidden: real(hidden).strip_prefix(&path).ok().map(Path::to_owned),
                path,
            })
        };
        let root = |given: &PathBuf| {
            open(given).map_err(|source| ServeError::Root {
                path: given.clone(),
                source,
            })
        };
        let all = paths.iter().map(root).collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            return Err(ServeError::Io(io::Error::other("no folder was given")));
        }
        Ok(Self { all })
    }

    /// The roots.
    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.all.iter()
    }

    /// The roots in words.
    pub fn listed(&self) -> String {
        let paths = self.all.iter().map(|r| format!("`{}`", r.path.display()));
        paths.collect::<Vec<_>>().join(", ")
    }

    /// The place that `text` means: relative to the first root, or an absolute path in any root.
    ///
    /// # Errors
    /// A path with `..`, an absolute path elsewhere, our own trash.
    pub fn find(&self, text: &str) -> Result<Place<'_>, Refusal> {
        let path = Path::new(text);
        let outside = || {
            Refusal(format!(
                "`{text}` lies outside the allowed folders: {}. Give a path below one of them, or a relative one: `.` is the first of them.",
                self.listed()
            ))
        };
        let (root, rel) = if path.is_absolute() {
            self.all
                .iter()
                .find_map(|root| Some((root, root.below(path)?)))
                .ok_or_else(outside)?
        } else {
            (self.all.first().ok_or_else(outside)?, path)
        };
        let mut clean = PathBuf::new();
        for part in rel.components() {
            match part {
                Component::Normal(name) => clean.push(name),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(Refusal(format!(
                        "`{text}` contains `..`, which is not allowed. Write the path from the root downwards; the allowed folders are {}.",
                        self.listed()
                    )));
                }
            }
        }
        if root.hides(&clean) {
            return Err(Refusal(format!("`{text}` is the trash of this server.")));
        }
        let rel = root.respelled(clean);
        let full = self.all.len() > 1;
        Ok(Place { root, rel, full })
    }
}

impl Root {
    fn below<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        path.strip_prefix(&self.path)
            .or_else(|_| path.strip_prefix(&self.given))
            .ok()
    }

    /// Whether the place is kept out of sight.
    pub fn hides(&self, rel: &Path) -> bool {
        let hidden = self.hidden.as_ref();
        hidden.is_some_and(|hidden| rel.starts_with(hidden))
    }

    /// The path as it is spelled on the disk: where no file has these bytes and exactly one has the same letters in the other
    /// Unicode form, that one is meant. A file that has exactly these bytes always wins.
    fn respelled(&self, rel: PathBuf) -> PathBuf {
        let there = |path: &Path| self.dir.symlink_metadata(path).is_ok();
        if !rel.to_str().is_some_and(may_be_respelled) || there(&rel) {
            return rel;
        }
        let mut found = PathBuf::new();
        for part in &rel {
            let next = found.join(part);
            let next = if there(&next) {
                next
            } else {
                self.twin(&found, part)
                    .map_or(next, |name| found.join(name))
            };
            found = next;
        }
        found
    }

    fn twin(&self, folder: &Path, name: &OsStr) -> Option<OsString> {
        let wanted = composed(name.to_str()?);
        let mut twins = self
            .dir
            .read_dir(or_dot(folder))
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .filter(|name| composed(&shown(name)) == wanted);
        let twin = twins.next();
        if twins.next().is_some() { None } else { twin }
    }
}

impl<'r> Place<'r> {
    /// Another place beneath the same root.
    pub fn at(&self, rel: PathBuf) -> Place<'r> {
        Place {
            root: self.root,
            rel,
            full: self.full,
        }
    }

    /// The way from the root for a system call, `.` for the root itself.
    pub fn way(&self) -> &Path {
        or_dot(&self.rel)
    }

    /// The path as it is told to the client.
    pub fn shown(&self) -> String {
        if !self.full {
            return shown_path(&self.rel);
        }
        let root = shown(self.root.path.as_os_str());
        if self.is_root() {
            root
        } else {
            format!("{}/{}", root.trim_end_matches('/'), shown_path(&self.rel))
        }
    }

    /// Where it lies on the disk.
    pub fn absolute(&self) -> PathBuf {
        self.root.path.join(&self.rel)
    }

    /// Whether it is the root itself.
    pub fn is_root(&self) -> bool {
        self.rel.as_os_str().is_empty()
    }

    /// The folder that holds it, opened, and its name there.
    ///
    /// # Errors
    /// It is the root itself, or the folder is missing.
    pub fn parent(&self) -> Result<(Dir, OsString), Refusal> {
        let (Some(parent), Some(name)) = (self.rel.parent(), self.rel.file_name()) else {
            return Err(Refusal::new("The allowed folder itself cannot be changed."));
        };
        let parent = self.at(parent.to_owned());
        let dir = self.root.dir.open_dir(parent.way()).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                return Refusal(format!(
                    "The folder `{}` does not exist. Create it first with create_directory.",
                    parent.shown()
                ));
            }
            parent.failure("open the folder", &error)
        })?;
        Ok((dir, name.to_owned()))
    }

    /// Where a change of its content goes: the file that a link points to, itself otherwise.
    ///
    /// # Errors
    /// A link that leads out or to nothing.
    pub fn content(&self) -> Result<Place<'r>, Refusal> {
        let meta = self.root.dir.symlink_metadata(self.way());
        if !meta.is_ok_and(|meta| meta.is_symlink()) {
            return Ok(self.at(self.rel.clone()));
        }
        let target = self.root.dir.canonicalize(self.way());
        let target = target.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Refusal(format!(
                "`{}` is a link to something that does not exist. Delete the link first, or write to another name.",
                self.shown()
            )),
            _ => self.failure("follow the link", &error),
        })?;
        if self.root.hides(&target) {
            return Err(Refusal::new(
                "The link leads into the trash of this server.",
            ));
        }
        Ok(self.at(target))
    }

    /// Opens a regular file for reading. Anything else is refused at once: opening a pipe could wait for ever.
    ///
    /// # Errors
    /// Missing, outside, no file.
    pub fn open(&self) -> Result<(File, Metadata), Refusal> {
        let before = self.root.dir.metadata(self.way());
        self.must_be_file(before.map_err(|e| self.failure("read", &e))?.file_type())?;
        let mut options = OpenOptions::new();
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        options.read(true).custom_flags(flags.cast_signed());
        let file = self.root.dir.open_with(self.way(), &options);
        let file = file.map_err(|error| self.failure("read", &error))?;
        let meta = file.metadata();
        let meta = meta.map_err(|error| self.failure("read", &error))?;
        // What was opened is what counts, whatever lay there a moment before.
        self.must_be_file(meta.file_type())?;
        Ok((file, meta))
    }

    fn must_be_file(&self, kind: FileType) -> Result<(), Refusal> {
        match kind_name(kind) {
            "file" => Ok(()),
            "directory" => Err(Refusal(format!(
                "`{}` is a folder, not a file. list_directory shows what is in it.",
                self.shown()
            ))),
            _ => Err(Refusal(format!(
                "`{}` is a pipe, socket or device, not a regular file; this server does not open those.",
                self.shown()
            ))),
        }
    }

    /// What the system said, in a sentence with a next step.
    pub fn failure(&self, verb: &str, error: &io::Error) -> Refusal {
        let path = self.shown();
        Refusal(match error.kind() {
            io::ErrorKind::NotFound => {
                let hint = self
                    .neighbour()
                    .map(|name| format!(" Did you mean `{name}`?"));
                let hint = hint.unwrap_or_else(|| {
                    " list_directory and search_files show what is there.".to_owned()
                });
                format!("`{path}` does not exist.{hint}")
            }
            // cap_std's own word for a way out, which carries no number of the system.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                format!("`{path}` leads out of the allowed folders, so it is not touched.")
            }
            io::ErrorKind::PermissionDenied => {
                format!("Cannot {verb} `{path}`: the system denies permission.")
            }
            io::ErrorKind::NotADirectory => format!("Cannot {verb} `{path}`: it is not a folder."),
            _ => format!("Cannot {verb} `{path}`: {error}."),
        })
    }

    fn neighbour(&self) -> Option<String> {
        let parent = self.at(self.rel.parent()?.to_owned());
        let entries = self.root.dir.read_dir(parent.way()).ok()?;
        let names: Vec<String> = entries
            .filter_map(|entry| Some(shown(&entry.ok()?.file_name())))
            .take(10_000)
            .collect();
        let wanted = shown(self.rel.file_name()?);
        let name = nearest(&wanted, names.iter().map(String::as_str))?;
        Some(parent.at(parent.rel.join(name)).shown())
    }
}

/// `file`, `directory`, `symlink` or `other`.
pub fn kind_name(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "directory"
    } else if kind.is_symlink() {
        "symlink"
    } else if kind.is_file() {
        "file"
    } else {
        "other"
    }
}

fn or_dot(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

/// The path without links, as far down as it exists.
fn real(path: &Path) -> PathBuf {
    for known in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (known.canonicalize(), path.strip_prefix(known)) {
            return real.join(rest);
        }
    }
    path.to_owned()
}
