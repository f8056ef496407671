//! The journal: one JSON line before each change and one after, in a file that several processes append to.
//!
//! Whoever reads or appends holds the lock of the trash (`changes`). A line that was cut short by a crash counts as never
//! written. A line that we do not understand, such as one of a newer version, is nobody's change; it stays in the file, and is
//! counted. What is known of the file is kept, so that only what others appended is read again.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::servers::filesystem::changes::record::{Begun, Done, Line};
use crate::servers::filesystem::changes::spot::settle_path;

/// Lines that may be without use before the file is written anew.
const MAX_DEAD: usize = 2000;

/// A change and what came of it.
#[derive(Debug, Clone)]
pub struct Change {
    /// What it is.
    pub begun: Begun,
    /// What came of it.
    pub end: End,
    /// The change that took it back.
    pub undone_by: Option<String>,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Not known: it is under way, or its process died.
    Open,
    /// In effect.
    Done(Done),
    /// Not in effect.
    Abandoned,
}

impl Change {
    /// Whether it is in effect and was not taken back.
    pub fn stands(&self) -> bool {
        matches!(self.end, End::Done(_)) && self.undone_by.is_none()
    }

    /// Bytes that it holds in the trash.
    pub fn kept(&self) -> u64 {
        match &self.end {
            End::Done(done) if self.undone_by.is_none() => done.kept,
            End::Open | End::Done(_) | End::Abandoned => 0,
        }
    }
}

/// What is known of the file.
pub struct Journal {
    path: PathBuf,
    /// The number of the file that was read.
    ino: u64,
    /// How far it was read: always the end of a line.
    read_to: u64,
    /// Lines in it.
    lines: usize,
    /// Those that are not ours to understand, as they stand in the file.
    foreign: Vec<Vec<u8>>,
    changes: Vec<Change>,
    index: HashMap<String, usize>,
}

impl Journal {
    /// The journal in this file; nothing is read yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            ino: 0,
            read_to: 0,
            lines: 0,
            foreign: Vec::new(),
            changes: Vec::new(),
            index: HashMap::new(),
        }
    }

    /// The changes, oldest first.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How many lines were not understood.
    pub fn foreign(&self) -> usize {
        self.foreign.len()
    }

    /// The change of this name.
    pub fn get(&self, id: &str) -> Option<&Change> {
        self.changes.get(*self.index.get(id)?)
    }

    /// Reads what was appended since.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn refresh(&mut self) -> io::Result<()> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.forget();
                return Ok(());
            }
            opened => opened?,
        };
        let meta = file.metadata()?;
        if meta.ino() != self.ino || meta.len() < self.read_to {
            self.forget();
            self.ino = meta.ino();
        }
        file.seek(SeekFrom::Start(self.read_to))?;
        let mut new = Vec::new();
        file.read_to_end(&mut new)?;
        for line in new.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") {
                break;
            }
            self.read_to += line.len() as u64;
            self.lines += 1;
            match serde_json::from_slice(line) {
                Ok(line) if Line::is_sound(&line) => self.take(line),
                _ => self.foreign.push(line.to_owned()),
            }
        }
        Ok(())
    }

    fn forget(&mut self) {
        *self = Self::new(std::mem::take(&mut self.path));
    }

    /// Appends lines; with `sync` they are on the disk when it returns.
    ///
    /// # Errors
    /// They could not be written; the file is as it was.
    pub fn append(&mut self, lines: &[Line], sync: bool) -> io::Result<()> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&self.path)?;
        let meta = file.metadata()?;
        if self.read_to > 0 && (meta.ino() != self.ino || meta.len() < self.read_to) {
            let what = "somebody removed or replaced it at this moment";
            return Err(io::Error::other(what));
        }
        self.ino = meta.ino();
        // Here ends the last whole line; what follows was cut short.
        file.set_len(self.read_to)?;
        file.seek(SeekFrom::Start(self.read_to))?;
        let written = file
            .write_all(&text)
            .and_then(|()| if sync { file.sync_data() } else { Ok(()) })
            .and_then(|()| {
                // The first line makes the file: its name has to be on the disk too.
                let folder = self.path.parent().filter(|_| sync && self.read_to == 0);
                folder.map_or(Ok(()), settle_path)
            });
        if let Err(error) = written {
            let _best_we_can = file.set_len(self.read_to);
            return Err(error);
        }
        self.read_to += text.len() as u64;
        self.lines += lines.len();
        lines.iter().for_each(|line| self.take(line.clone()));
        Ok(())
    }

    fn take(&mut self, line: Line) {
        match line {
            // The first of a name is the one that was made.
            Line::Begun(begun) if self.index.contains_key(&begun.id) => {}
            Line::Begun(begun) => {
                self.index.insert(begun.id.clone(), self.changes.len());
                self.changes.push(Change {
                    begun,
                    end: End::Open,
                    undone_by: None,
                });
            }
            Line::Done(done) => {
                let id = done.id.clone();
                let Some(change) = self.get_mut(&id) else {
                    return;
                };
                change.end = End::Done(done);
                if let Some(undone) = change.begun.undoes.clone()
                    && let Some(undone) = self.get_mut(&undone)
                {
                    undone.undone_by = Some(id);
                }
            }
            Line::Abandoned { id } => {
                if let Some(change) = self.get_mut(&id) {
                    change.end = End::Abandoned;
                }
            }
            Line::Dropped { ids } => {
                let ids: HashSet<String> = ids.into_iter().collect();
                self.changes
                    .retain(|change| !ids.contains(&change.begun.id));
                let left = self.changes.iter().enumerate();
                self.index = left.map(|(at, c)| (c.begun.id.clone(), at)).collect();
            }
        }
    }

    fn get_mut(&mut self, id: &str) -> Option<&mut Change> {
        self.changes.get_mut(*self.index.get(id)?)
    }

    /// Forgets changes, and writes the file anew when most of it is without use.
    ///
    /// # Errors
    /// Nothing was forgotten.
    pub fn drop_changes(&mut self, ids: Vec<String>) -> io::Result<()> {
        self.append(&[Line::Dropped { ids }], true)?;
        if self.lines > 2 * self.changes.len() + self.foreign.len() + MAX_DEAD {
            self.rewrite()?;
        }
        Ok(())
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let mut text = self.foreign.concat();
        let mut count = self.foreign.len();
        for change in &self.changes {
            let begun = Some(Line::Begun(change.begun.clone()));
            let id = change.begun.id.clone();
            let end = match &change.end {
                End::Open => None,
                End::Done(done) => Some(Line::Done(done.clone())),
                End::Abandoned => Some(Line::Abandoned { id }),
            };
            for line in begun.into_iter().chain(end) {
                serde_json::to_writer(&mut text, &line)?;
                text.push(b'\n');
                count += 1;
            }
        }
        let new = self.path.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        settle_path(self.path.parent().unwrap_or(Path::new(".")))?;
        self.ino = file.metadata()?.ino();
        (self.read_to, self.lines) = (text.len() as u64, count);
        Ok(())
    }
}
