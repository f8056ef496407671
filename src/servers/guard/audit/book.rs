//! The open log: appends lines, makes them durable, keeps the head beside them, rotates. Owned by the one thread that writes.
//!
//! Each batch of lines is one write and one sync; then the head is written over. What fails leaves the file as it was, so that
//! the next batch may go through; a file that is not the one that was opened any more is never written again.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::chain::{self, Head, compare, files, mend};
use crate::servers::guard::options::AuditOptions;

/// The log, locked against other processes.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    max_bytes: Option<u64>,
    file: File,
    length: u64,
    identity: (u64, u64),
    head: Head,
    /// Locked as long as the log is open; never replaced.
    anchor: File,
}

impl Book {
    /// Opens the log and writes that it was opened.
    ///
    /// # Errors
    /// It cannot be written, another process writes it, or its end is missing.
    pub fn open(options: &AuditOptions, key: &str) -> io::Result<Self> {
        let path = options.path.clone();
        let anchor = lock(&path)?;
        let mut options_of_log = OpenOptions::new();
        options_of_log.read(true).append(true).create(true);
        let mut file = files::own(&path, &mut options_of_log)?;
        let tail = files::tail(&mut file)?;
        let known = files::head(&path)?.unwrap_or_default();
        let mut head = match &tail.last {
            Some(last) => last.clone(),
            // A new file after a rotation: the chain goes on from the newest of the older ones.
            None => match files::older(&path)?.pop() {
                Some((_, older)) => files::tail(&mut File::open(older)?)?
                    .last
                    .unwrap_or_default(),
                None => Head::default(),
            },
        };
        let mut note = opened(key);
        let mut text = String::new();
        mend(&mut head, &tail.rest, &mut note, &mut text);
        compare(&known, &head, &mut note)?;
        text.push_str(&chain::append(&mut head, note));
        let data = file.metadata()?;
        let mut book = Self {
            path,
            max_bytes: options.max_bytes,
            file,
            length: data.len(),
            identity: files::identity(&data),
            head: head.clone(),
            anchor,
        };
        book.put(&text, head)?;
        book.sync_folder();
        Ok(book)
    }

    /// Appends lines, all or none, and gives their numbers when they are durable.
    ///
    /// # Errors
    /// They could not be written; a sentence that names the file.
    pub fn append(&mut self, lines: Vec<Map<String, Value>>) -> Result<Vec<u64>, String> {
        let path = self.path.display().to_string();
        let named = |error: io::Error| format!("cannot record to `{path}`: {error}");
        self.write(lines).map_err(named)
    }

    fn write(&mut self, lines: Vec<Map<String, Value>>) -> io::Result<Vec<u64>> {
        self.check()?;
        self.rotate_if_full()?;
        let mut head = self.head.clone();
        let mut text = String::new();
        let mut numbers = Vec::with_capacity(lines.len());
        for mut line in lines {
            numbers.push(head.next());
            line.insert("time".to_owned(), now().into());
            text.push_str(&chain::append(&mut head, line));
        }
        self.put(&text, head)?;
        Ok(numbers)
    }

    fn put(&mut self, text: &str, head: Head) -> io::Result<()> {
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a line must not stay before the next whole one.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += text.len() as u64;
        self.head = head;
        self.anchor.rewind()?;
        self.anchor
            .write_all(format!("{}\n", self.head.text()).as_bytes())
    }

    /// Whether the file under the name is still the one that was opened, and nobody else wrote to it.
    fn check(&self) -> io::Result<()> {
        let data = std::fs::symlink_metadata(&self.path)?;
        if files::identity(&data) != self.identity || !data.is_file() {
            return Err(io::Error::other(
                "it was replaced while it was being written",
            ));
        }
        if data.len() != self.length {
            return Err(io::Error::other(
                "somebody else changed it while it was being written",
            ));
        }
        Ok(())
    }

    fn rotate_if_full(&mut self) -> io::Result<()> {
        if self.max_bytes.is_none_or(|most| self.length < most) {
            return Ok(());
        }
        let number = files::older(&self.path)?
            .last()
            .map_or(1, |(number, _)| number + 1);
        let aside = files::beside(&self.path, &number.to_string());
        if std::fs::symlink_metadata(&aside).is_ok() {
            return Err(io::Error::other(format!(
                "`{}` is in the way",
                aside.display()
            )));
        }
        std::fs::rename(&self.path, &aside)?;
        let mut created = OpenOptions::new();
        created.read(true).append(true).create_new(true);
        let fresh = match files::own(&self.path, &mut created) {
            Ok(fresh) => fresh,
            Err(error) => {
                std::fs::rename(&aside, &self.path)?;
                return Err(error);
            }
        };
        self.identity = files::identity(&fresh.metadata()?);
        self.file = fresh;
        self.length = 0;
        let mut line = Map::new();
        line.insert("event".to_owned(), "continued".into());
        line.insert("time".to_owned(), now().into());
        let name = aside.file_name().unwrap_or_default().to_string_lossy();
        line.insert("after".to_owned(), name.into());
        let mut head = self.head.clone();
        let text = chain::append(&mut head, line);
        self.put(&text, head)?;
        self.sync_folder();
        Ok(())
    }

    /// Makes the names of new files durable too; where a folder cannot be synced there is nothing more to do.
    fn sync_folder(&self) {
        if let Some(folder) = self.path.parent().filter(|p| !p.as_os_str().is_empty())
            && let Ok(folder) = File::open(folder)
        {
            let _ = folder.sync_all();
        }
    }
}

/// The head beside a log, held against every other process that would record to it.
fn lock(log: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let anchor = files::own(&files::beside(log, "head"), &mut options)?;
    let other = |_| io::Error::other("another process records to it");
    anchor.try_lock().map_err(other)?;
    Ok(anchor)
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn opened(key: &str) -> Map<String, Value> {
    let note = json!({
        "event": "opened",
        "time": now(),
        "version": 1,
        "program": concat!("mcpdeck ", env!("CARGO_PKG_VERSION")),
        "key": key,
    });
    match note {
        Value::Object(note) => note,
        _ => Map::new(),
    }
}
