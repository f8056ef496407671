//! The folders that may be touched, and the way from a path as text to a place beneath one of them.
//!
//! A root is an open handle; what is below is always resolved by the kernel beneath that handle (`cap_std`), never by comparing
//! texts, so that a link or a rename in between cannot lead out. No tool opens a path in any other way. `narrow` takes away what
//! lies beneath no root of the client, `failure` words what the system refuses,
//! `spelling` finds a name in its other Unicode form.

mod failure;
mod narrow;
mod spelling;

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, FileType, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use crate::servers::ServeError;
use crate::servers::filesystem::names::{composed, meant_path, shown_path};
use crate::servers::toolbox::Refusal;

/// One folder that may be touched.
pub struct Root {
    /// The handle beneath which everything is resolved.
    pub dir: Dir,
    /// Where it lies, without links.
    pub path: PathBuf,
    /// Other ways to say where it lies: as it was given, as the client names it.
    aliases: Vec<PathBuf>,
    /// What is below it and yet no business of the tools: our own trash.
    hidden: Option<PathBuf>,
}

/// All folders that may be touched. At least one, unless a client's roots leave none.
#[derive(Clone)]
pub struct Roots {
    all: Vec<Arc<Root>>,
    /// Why there is none.
    nothing: String,
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
                aliases: vec![std::path::absolute(given)?],
                hidden: real(hidden).strip_prefix(&path).ok().map(Path::to_owned),
                path,
            })
        };
        let root = |given: &PathBuf| {
            open(given)
                .map(Arc::new)
                .map_err(|source| ServeError::Root {
                    path: given.clone(),
                    source,
                })
        };
        let all = paths.iter().map(root).collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            return Err(ServeError::Io(io::Error::other("no folder was given")));
        }
        Ok(Self {
            all,
            nothing: String::new(),
        })
    }

    /// The roots.
    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.all.iter().map(AsRef::as_ref)
    }

    /// Why no folder may be touched; empty when one may.
    pub fn nothing(&self) -> &str {
        &self.nothing
    }

    /// The roots in words.
    pub fn listed(&self) -> String {
        let paths = self
            .all
            .iter()
            .map(|r| format!("`{}`", shown_path(&r.path)));
        paths.collect::<Vec<_>>().join(", ")
    }

    /// The place that `text` means: relative to the first root, or an absolute path in any root.
    ///
    /// # Errors
    /// A path with `..`, an absolute path elsewhere, our own trash.
    pub fn find(&self, text: &str) -> Result<Place<'_>, Refusal> {
        let Some(first) = self.all.first() else {
            return Err(Refusal::new(&self.nothing));
        };
        let path = &meant_path(text);
        let (root, rel) = if path.is_absolute() {
            self.holding(path).ok_or_else(|| {
                Refusal(format!(
                    "`{text}` lies outside the allowed folders: {}. Give a path below one of them, or a relative one: `.` is the first of them.",
                    self.listed()
                ))
            })?
        } else {
            (first.as_ref(), path.clone())
        };
        root.must_be_there()?;
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
        let rel = root.respelled(clean);
        if root.hides(&rel) {
            return Err(Refusal(format!("`{text}` is the trash of this server.")));
        }
        let full = self.all.len() > 1;
        Ok(Place { root, rel, full })
    }

    /// The root that an absolute path leads into, and the way from there.
    fn holding(&self, path: &Path) -> Option<(&Root, PathBuf)> {
        let exact = self.iter().find_map(|root| Some((root, root.below(path)?)));
        exact.or_else(|| {
            self.iter()
                .find_map(|root| Some((root, root.below_respelled(path)?)))
        })
    }
}

impl Root {
    /// The way from here to an absolute path.
    fn below(&self, path: &Path) -> Option<PathBuf> {
        let mut names = std::iter::once(&self.path).chain(&self.aliases);
        names.find_map(|name| path.strip_prefix(name).ok().map(Path::to_owned))
    }

    /// The same where the root's path is spelled in the other Unicode form.
    fn below_respelled(&self, path: &Path) -> Option<PathBuf> {
        let letters = |name: &OsStr| name.to_str().map(composed);
        let mut names = std::iter::once(&self.path).chain(&self.aliases);
        names.find_map(|name| {
            let mut rest = path.iter();
            let same = name.iter().all(|part| {
                let other = rest.next();
                other == Some(part)
                    || letters(part).is_some_and(|part| other.and_then(letters) == Some(part))
            });
            same.then(|| rest.collect())
        })
    }

    /// A folder that was removed looks empty through its handle, and one that was made anew is not the one that was allowed.
    ///
    /// # Errors
    /// It was removed.
    pub fn must_be_there(&self) -> Result<(), Refusal> {
        let meta = self.dir.dir_metadata();
        if meta.is_ok_and(|meta| meta.nlink() > 0) {
            return Ok(());
        }
        Err(Refusal(format!(
            "The allowed folder `{}` was removed since this server was started. Nothing was changed. Make it again if it is \
             missing, then start the server again.",
            shown_path(&self.path)
        )))
    }

    /// Whether the place is kept out of sight.
    pub fn hides(&self, rel: &Path) -> bool {
        let hidden = self.hidden.as_ref();
        hidden.is_some_and(|hidden| rel.starts_with(hidden))
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
        let root = shown_path(&self.root.path);
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

    /// The folder that holds it, opened, and the same place by a way without links.
    ///
    /// # Errors
    /// It is the root itself, the folder is missing, or it lies in our own trash.
    pub fn parent(&self) -> Result<(Dir, PathBuf), Refusal> {
        let (Some(parent), Some(name)) = (self.rel.parent(), self.rel.file_name()) else {
            return Err(Refusal::new("The allowed folder itself cannot be changed."));
        };
        let parent = self.at(parent.to_owned());
        let real = match parent.is_root() {
            true => Ok(PathBuf::new()),
            false => self.root.dir.canonicalize(parent.way()),
        };
        let opened = real.and_then(|real| Ok((self.root.dir.open_dir(or_dot(&real))?, real)));
        let (dir, real) = opened.map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                return Refusal(format!(
                    "The folder `{}` does not exist. Create it first with create_directory.",
                    parent.shown()
                ));
            }
            parent.failure("open the folder", &error)
        })?;
        let real = real.join(name);
        if self.root.hides(&real) {
            let path = self.shown();
            return Err(Refusal(format!("`{path}` is the trash of this server.")));
        }
        Ok((dir, real))
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

    /// The ending of its name, without the dot.
    pub fn ending(&self) -> String {
        let ending = self.rel.extension().map(OsStr::to_string_lossy);
        ending.map(Into::into).unwrap_or_default()
    }

    /// Opens a folder for looking into it.
    ///
    /// # Errors
    /// Missing, outside, no folder.
    pub fn open_dir(&self, verb: &str) -> Result<Dir, Refusal> {
        let dir = self.root.dir.open_dir(self.way());
        let dir = dir.map_err(|error| self.failure(verb, &error))?;
        self.must_be_in_sight()?;
        Ok(dir)
    }

    /// A link must not lead to what is kept out of sight.
    ///
    /// # Errors
    /// It does.
    pub fn must_be_in_sight(&self) -> Result<(), Refusal> {
        let real = || self.root.dir.canonicalize(self.way());
        if self.root.hidden.is_some() && real().is_ok_and(|real| self.root.hides(&real)) {
            let path = self.shown();
            return Err(Refusal(format!("`{path}` is the trash of this server.")));
        }
        Ok(())
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
        self.must_be_in_sight()?;
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
