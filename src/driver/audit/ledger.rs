//! The file of the client's record of calls: appended and synced, also by several processes in turn, rotated when it is full.
//!
//! Each append holds a lock on `FILE.head`, reads where the chain ends now, goes on from there and writes the new head. A line that
//! another process left half written is noted by the next one. A record whose end is missing or changed is set aside, whole, and a
//! new one begun that says so: nothing is recorded into a chain that is broken. Used by `audit` alone; impure.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::chain::files::{self, beside, older, own};
use crate::chain::{self, Head};

/// A file of this size is followed by a new one; the older ones stay.
const FULL: u64 = 16 * 1024 * 1024;

/// The members of a line.
pub type Line = Map<String, Value>;

/// The record of calls of this program.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    run: String,
    full: u64,
    greeted: bool,
}

/// Where the chain ends, and what is to be said before it goes on.
struct End {
    file: File,
    length: u64,
    head: Head,
    /// What closes a torn line.
    text: String,
    note: Line,
}

impl Ledger {
    /// A record at this path; nothing is made before the first line.
    pub fn new(path: PathBuf, run: String) -> Self {
        Self {
            path,
            run,
            full: FULL,
            greeted: false,
        }
    }

    /// Appends lines, all or none, and gives a sentence for the person where there is one.
    ///
    /// # Errors
    /// They could not be written.
    pub fn append(&mut self, lines: &[Line]) -> io::Result<Option<String>> {
        if let Some(folder) = self.path.parent() {
            make_private(folder)?;
        }
        let mut anchor = lock(&self.path)?;
        let (mut end, aside) = match self.end(&mut anchor) {
            Ok(end) => (end, None),
            Err(error) if error.kind() == io::ErrorKind::Other => {
                let folder = self.set_aside(&mut anchor)?;
                let told = format!(
                    "The record of calls was not whole ({error}); it was moved to {} and a new one begun.",
                    folder.display()
                );
                let mut end = self.end(&mut anchor)?;
                let name = folder.file_name().unwrap_or_default().to_string_lossy();
                end.note.insert("replaces".to_owned(), name.into());
                (end, Some(told))
            }
            Err(error) => return Err(error),
        };
        self.turn_page(&mut end)?;
        let mut text = std::mem::take(&mut end.text);
        let note = std::mem::take(&mut end.note);
        if !self.greeted || !note.is_empty() {
            let mut greeting = self.greeting();
            greeting.extend(note);
            text.push_str(&chain::append(&mut end.head, greeting));
        }
        for line in lines {
            text.push_str(&chain::append(&mut end.head, line.clone()));
        }
        write(&mut end, &text)?;
        self.greeted = true;
        write_head(&mut anchor, &end.head)?;
        Ok(aside)
    }

    /// Reads where the chain ends.
    fn end(&self, anchor: &mut File) -> io::Result<End> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let mut file = own(&self.path, &mut options)?;
        let tail = files::tail(&mut file)?;
        let mut head = match tail.last {
            Some(last) => last,
            None => match older(&self.path)?.pop() {
                Some((_, path)) => files::tail(&mut File::open(path)?)?
                    .last
                    .unwrap_or_default(),
                None => Head::default(),
            },
        };
        let known = read_head(anchor)?;
        let (mut note, mut text) = (Line::new(), String::new());
        chain::mend(&mut head, &tail.rest, &mut note, &mut text);
        chain::compare(&known, &head, &mut note)?;
        Ok(End {
            length: file.metadata()?.len(),
            file,
            head,
            text,
            note,
        })
    }

    /// Goes on in a new file when this one is full.
    fn turn_page(&self, end: &mut End) -> io::Result<()> {
        if end.length < self.full || !end.text.is_empty() {
            return Ok(());
        }
        let number = older(&self.path)?
            .last()
            .map_or(1, |(number, _)| number + 1);
        let aside = beside(&self.path, &number.to_string());
        std::fs::rename(&self.path, &aside)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true);
        end.file = own(&self.path, &mut options)?;
        end.length = 0;
        let name = aside.file_name().unwrap_or_default().to_string_lossy();
        end.note.insert("after".to_owned(), name.into());
        Ok(())
    }

    /// Moves what is not whole into a folder of its own, with its head.
    fn set_aside(&self, anchor: &mut File) -> io::Result<PathBuf> {
        let parent = self.path.parent().unwrap_or(Path::new("."));
        let stamp = Utc::now().format("%Y%m%dT%H%M%S%6f");
        let folder = parent.join(format!("damaged-{stamp}"));
        make_private(&folder)?;
        let name = |path: &Path| folder.join(path.file_name().unwrap_or_default());
        let head = beside(&self.path, "head");
        std::fs::copy(&head, name(&head))?;
        for (_, path) in older(&self.path)? {
            std::fs::rename(&path, name(&path))?;
        }
        match std::fs::rename(&self.path, name(&self.path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        anchor.set_len(0)?;
        Ok(folder)
    }

    fn greeting(&self) -> Line {
        let line = json!({
            "event": "opened",
            "time": now(),
            "version": 1,
            "program": concat!("mcpdeck ", env!("CARGO_PKG_VERSION")),
            "run": self.run,
        });
        match line {
            Value::Object(line) => line,
            _ => Line::new(),
        }
    }
}

/// The time as it stands in the record.
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What is half written must not stay before the next line.
fn write(end: &mut End, text: &str) -> io::Result<()> {
    let written = end.file.write_all(text.as_bytes());
    let written = written.and_then(|()| end.file.sync_data());
    written.inspect_err(|_| {
        let _stays_and_is_noted_as_torn = end.file.set_len(end.length);
    })
}

/// The lock that goes from process to process; held until the file is closed.
fn lock(log: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let anchor = own(&beside(log, "head"), &mut options)?;
    anchor.lock()?;
    Ok(anchor)
}

fn read_head(anchor: &mut File) -> io::Result<Head> {
    let mut text = String::new();
    anchor.rewind()?;
    anchor.read_to_string(&mut text)?;
    if text.is_empty() {
        return Ok(Head::default());
    }
    let head = text.strip_suffix('\n').and_then(Head::parse);
    head.ok_or_else(|| io::Error::other("the file `.head` beside it is no head"))
}

/// Every head has the same length, so the old one is written over as a whole.
fn write_head(anchor: &mut File, head: &Head) -> io::Result<()> {
    anchor.rewind()?;
    anchor.write_all(format!("{}\n", head.text()).as_bytes())?;
    anchor.sync_data()
}

/// Makes a folder that only its owner may look into.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

#[cfg(test)]
mod tests;
