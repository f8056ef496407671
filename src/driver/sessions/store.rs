//! The saved sessions as files of one folder, `ID.jsonl`: found, listed, read, named and deleted. For the terminal program
//! through the writer's thread, for the command line directly.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::driver::sessions::disk::{is_locked, lock};
use crate::driver::sessions::id;
use crate::driver::sessions::journal::Journal;
use crate::driver::sessions::text::written;
use crate::host::session::{Header, Line, Reading, Record, Shelf, Summary, summary};
use crate::ids::Moment;

/// Sessions that one list holds; older ones are counted.
pub const LISTED: usize = 300;
/// Bytes of a first line.
const HEAD: u64 = 64 * 1024;

/// The folder of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    folder: PathBuf,
}

/// A session that was read to be gone on with.
#[derive(Debug)]
pub struct Opened {
    /// Its name for programs.
    pub id: String,
    /// What its file holds.
    pub reading: Reading,
    /// When it was written last.
    pub written: SystemTime,
    /// The file, ours alone to write on; else why not.
    pub file: Result<File, String>,
}

impl Store {
    /// The sessions of this data directory.
    pub fn of(data: &Path) -> Self {
        Self {
            folder: data.join("sessions"),
        }
    }

    /// The file of a session.
    pub fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.jsonl"))
    }

    /// All sessions with the time of their last writing, the newest first. No folder is no session.
    ///
    /// # Errors
    /// What the system says of the folder, as a sentence.
    pub fn all(&self) -> Result<Vec<(String, SystemTime)>, String> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let folder = self.folder.display();
                return Err(format!(
                    "the sessions in {folder} cannot be listed: {error}"
                ));
            }
        };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
            let Some(id) = id.filter(|id| id::is_part_of_one(id)) else {
                continue;
            };
            let about = entry.metadata().ok().filter(fs::Metadata::is_file);
            if let Some(about) = about {
                found.push((id.to_owned(), about.modified().unwrap_or(UNIX_EPOCH)));
            }
        }
        found.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
        Ok(found)
    }

    /// What there is, with what each is about.
    pub fn list(&self, most: usize, now: SystemTime) -> Shelf {
        let all = match self.all() {
            Ok(all) => all,
            Err(trouble) => {
                return Shelf {
                    trouble: Some(trouble),
                    ..Shelf::default()
                };
            }
        };
        let about = |(id, written): &(String, SystemTime)| self.summary(id, *written, now);
        Shelf {
            sessions: all.iter().take(most).map(about).collect(),
            more: all.len().saturating_sub(most),
            trouble: None,
        }
    }

    fn summary(&self, id: &str, written: SystemTime, now: SystemTime) -> Summary {
        let read = File::open(self.path(id)).and_then(|mut file| {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok((bytes, is_locked(&file)))
        });
        let (mut about, open) = match read {
            Ok((bytes, open)) => (summary::of(id, &bytes), open),
            Err(error) => {
                let name = "(cannot be read)".to_owned();
                let trouble = Some(error.to_string());
                let about = Summary {
                    name,
                    trouble,
                    ..Summary::default()
                };
                (about, false)
            }
        };
        about.id = id.to_owned();
        about.open = open;
        about.last = micros(written);
        about.age = now.duration_since(written).unwrap_or_default();
        about
    }

    /// The one session whose name for programs begins so.
    ///
    /// # Errors
    /// None does, or several do, as a sentence.
    pub fn find(&self, part: &str) -> Result<String, String> {
        let part = part.trim().to_ascii_lowercase();
        let all = match id::is_part_of_one(&part) {
            true => self.all()?,
            false => Vec::new(),
        };
        let mut fits = all.into_iter().filter(|(id, _)| id.starts_with(&part));
        match (fits.next(), fits.count()) {
            (Some((id, _)), 0) => Ok(id),
            (None, _) => Err(format!(
                "there is no session `{part}`; `mcpdeck sessions list` shows them"
            )),
            (Some(_), more) => Err(format!(
                "{} sessions begin with `{part}`; give more of it",
                more + 1
            )),
        }
    }

    /// The last session of this folder and this configuration.
    ///
    /// # Errors
    /// What the system says of the folder of sessions, as a sentence.
    pub fn latest(&self, folder: &Path, config: Option<&Path>) -> Result<Option<String>, String> {
        let all = self.all()?;
        let fits = |id: &String| {
            self.header(id)
                .is_some_and(|header| header.folder == folder && header.config.as_deref() == config)
        };
        Ok(all.into_iter().map(|(id, _)| id).find(fits))
    }

    fn header(&self, id: &str) -> Option<Header> {
        let file = File::open(self.path(id)).ok()?;
        let mut line = Vec::new();
        BufReader::new(file.take(HEAD))
            .read_until(b'\n', &mut line)
            .ok()?;
        Reading::of(&line).header
    }

    /// Reads a session, to look at it.
    ///
    /// # Errors
    /// What the system says, as a sentence.
    pub fn read(&self, id: &str) -> Result<Record, String> {
        let bytes = fs::read(self.path(id)).map_err(|error| self.unread(id, &error))?;
        Ok(Record::of(id, Reading::of(&bytes), |moment| moment))
    }

    /// Reads a session to go on with it, and takes it for this window if it can.
    ///
    /// # Errors
    /// What the system says, as a sentence.
    pub fn open(&self, id: &str) -> Result<Opened, String> {
        let path = self.path(id);
        let options = |writes| {
            let mut options = OpenOptions::new();
            options.read(true).append(writes);
            options.open(&path)
        };
        let (mut file, hindered) = match options(true) {
            Ok(file) => (file, None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(self.unread(id, &error));
            }
            Err(error) => {
                let file = options(false).map_err(|error| self.unread(id, &error))?;
                (file, Some(format!("it cannot be written: {error}")))
            }
        };
        let taken = hindered.is_none() && !lock(&file);
        let hindered = hindered.or(taken.then(|| "another window has it open".to_owned()));
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|error| self.unread(id, &error))?;
        let written = file.metadata().and_then(|about| about.modified());
        let reading = Reading::of(&bytes);
        let hindered = hindered.or_else(|| reading.must_not_grow());
        Ok(Opened {
            id: id.to_owned(),
            reading,
            written: written.unwrap_or(UNIX_EPOCH),
            file: match hindered {
                None => Ok(file),
                Some(why) => Err(why),
            },
        })
    }

    /// Gives a session that no window has open another name.
    ///
    /// # Errors
    /// It cannot be written, as a sentence.
    pub fn rename(&self, id: &str, title: &str) -> Result<(), String> {
        let opened = self.open(id)?;
        let file = opened
            .file
            .map_err(|why| format!("session {id} was not renamed: {why}"))?;
        let mut lines = match opened.reading.unended {
            true => vec![b'\n'],
            false => Vec::new(),
        };
        let title = title.trim().chars().take(200).collect();
        lines.extend(written(&Line::Title { title }).into_bytes());
        lines.push(b'\n');
        Journal::new(file, opened.reading.good)
            .add(&lines, true)
            .map_err(|error| format!("session {id} was not renamed: {error}"))
    }

    /// Deletes a session that no window has open.
    ///
    /// # Errors
    /// It is open or cannot be deleted, as a sentence.
    pub fn delete(&self, id: &str) -> Result<(), String> {
        let path = self.path(id);
        let failed = |error: &io::Error| format!("session {id} was not deleted: {error}");
        let file = File::open(&path).map_err(|error| failed(&error))?;
        if !lock(&file) {
            return Err(format!(
                "session {id} was not deleted: another window has it open"
            ));
        }
        fs::remove_file(&path).map_err(|error| failed(&error))
    }

    fn unread(&self, id: &str, error: &io::Error) -> String {
        format!(
            "session {id} cannot be read from {}: {error}",
            self.folder.display()
        )
    }
}

/// A time as microseconds since 1970.
pub fn micros(time: SystemTime) -> Moment {
    Moment::from_start(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}
