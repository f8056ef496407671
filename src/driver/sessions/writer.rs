//! Writes the lines of the conversation into its file: makes the file with the first of them, goes on with one that was read,
//! or makes a copy where that must stay as it is. Knows no channel: orders in, what came of them out.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::driver::clock::Clock;
use crate::driver::sessions::disk::{Disk, Machine, Out};
use crate::driver::sessions::id;
use crate::driver::sessions::journal::Journal;
use crate::driver::sessions::store::{self, Store};
use crate::driver::sessions::text::{redacted, written};
use crate::host::session::{
    FORMAT, Header, Line, Reading, Record, SessionEvent, SessionWish, SessionWrite,
};
use crate::ids::Moment;
use crate::mcp::wire::redact::Redactor;

/// What the writer is given once.
#[derive(Debug, Clone)]
pub struct Place {
    /// The data directory.
    pub data: PathBuf,
    /// The folder in which mcpdeck was started.
    pub folder: PathBuf,
    /// The weightiest configuration file.
    pub config: Option<PathBuf>,
    /// What must not get into a file.
    pub redactor: Arc<Redactor>,
    /// The clock.
    pub clock: Clock,
    /// The disk.
    pub disk: Arc<dyn Disk>,
}

impl Place {
    /// A place on this machine's disk.
    pub fn new(data: PathBuf, folder: PathBuf, config: Option<PathBuf>, clock: Clock) -> Self {
        Self {
            data,
            folder,
            config,
            redactor: Arc::default(),
            clock,
            disk: Arc::new(Machine),
        }
    }
}

/// The file of one conversation.
struct Target {
    conversation: u64,
    id: String,
    /// The session that was gone on with as a copy.
    from: Option<String>,
    /// What stands before the next lines: in a new file its first line, in a copy all that was copied.
    head: Vec<u8>,
    /// The first line is made.
    is_headed: bool,
    /// Absent until it could be made.
    journal: Option<Journal<Out>>,
}

/// Carries out what is to be written and read.
pub struct Writer {
    place: Place,
    store: Store,
    target: Option<Target>,
    /// A session that was read, and the conversation that goes on with it.
    next: Option<Target>,
}

impl Writer {
    /// A writer that has written nothing.
    pub fn new(place: Place) -> Self {
        let store = Store::of(&place.data);
        Self {
            place,
            store,
            target: None,
            next: None,
        }
    }

    /// Writes.
    pub fn write(&mut self, order: SessionWrite) -> SessionEvent {
        let SessionWrite {
            conversation,
            batch,
            lines,
            sync,
            last,
        } = order;
        self.turn_to(conversation);
        let mut bytes = Vec::new();
        for line in lines {
            bytes.extend(self.bytes(line));
        }
        let outcome = self.add(&bytes, sync);
        let event = match outcome {
            Ok(_) if self.is_gone() => {
                self.target = None;
                SessionEvent::Gone { conversation }
            }
            Ok(id) => SessionEvent::Written {
                batch,
                id,
                synced: sync,
            },
            Err(error) => SessionEvent::Unwritten {
                batch,
                why: self.why(&error),
            },
        };
        if last {
            self.finish();
            self.target = None;
        }
        event
    }

    fn why(&self, error: &io::Error) -> String {
        let target = self.target.as_ref();
        let path = target.map(|target| self.store.path(&target.id));
        let file = path.map_or_else(|| "its file".to_owned(), |path| path.display().to_string());
        format!("{file} cannot be written: {error}")
    }

    /// The last try for what could not be written, before the program ends or another conversation begins.
    pub fn finish(&mut self) {
        if self.target.is_none() || self.add(b"", true).is_ok() {
            return;
        }
        // That it is not saved was told before. A file in which nothing stands is of no use.
        let target = self.target.take();
        let empty = target.filter(|target| target.journal.as_ref().is_some_and(Journal::is_empty));
        if let Some(target) = empty {
            let _stays = std::fs::remove_file(self.store.path(&target.id));
        }
    }

    /// The file of this conversation is the one that is written.
    fn turn_to(&mut self, conversation: u64) {
        if self
            .target
            .as_ref()
            .is_some_and(|target| target.conversation == conversation)
        {
            return;
        }
        self.finish();
        let next = self.next.take();
        self.target = next.filter(|next| next.conversation == conversation);
        if self.target.is_none() {
            self.target = Some(Target {
                conversation,
                id: id::new(SystemTime::now()),
                from: None,
                head: Vec::new(),
                is_headed: false,
                journal: None,
            });
        }
    }

    fn add(&mut self, bytes: &[u8], sync: bool) -> io::Result<String> {
        let Some(target) = &mut self.target else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if target.journal.is_none() && !target.is_headed {
            target.head = head(&self.place, target);
            target.is_headed = true;
        }
        // Until there is a file, what is to stand in it waits here.
        target.head.extend_from_slice(bytes);
        let journal = match &mut target.journal {
            Some(journal) => journal,
            none => {
                let out = self.place.disk.create(&self.store.path(&target.id))?;
                none.insert(Journal::new(out, 0))
            }
        };
        journal.add(&std::mem::take(&mut target.head), sync)?;
        Ok(target.id.clone())
    }

    fn is_gone(&self) -> bool {
        let journal = self
            .target
            .as_ref()
            .and_then(|target| target.journal.as_ref());
        journal.is_some_and(Journal::is_gone)
    }

    /// One line as it stands in the file: on the wall's time and without secrets.
    fn bytes(&self, line: Line) -> Vec<u8> {
        let clock = self.place.clock;
        let line = line.retimed(|moment| store::micros(clock.wall(moment)));
        let mut bytes = redacted(&line, &self.place.redactor).into_bytes();
        bytes.push(b'\n');
        bytes
    }

    /// Does what is wished.
    pub fn wish(&mut self, wish: SessionWish) -> SessionEvent {
        match wish {
            SessionWish::List => {
                let shelf = self.store.list(store::LISTED, SystemTime::now());
                SessionEvent::Listed(shelf)
            }
            SessionWish::Open { id, conversation } => self
                .open(&id, conversation)
                .unwrap_or_else(|why| SessionEvent::Failed { why }),
            SessionWish::Delete { id } => match self.store.delete(&id) {
                Ok(()) => SessionEvent::Done {
                    what: "The session is deleted".to_owned(),
                },
                Err(why) => SessionEvent::Failed { why },
            },
        }
    }

    fn open(&mut self, part: &str, conversation: u64) -> Result<SessionEvent, String> {
        let id = self.store.find(part)?;
        let opened = self.store.open(&id)?;
        let age = SystemTime::now().duration_since(opened.written);
        let reading = opened.reading;
        let (target, copy) = goes_on_in(id.clone(), conversation, opened.file, &reading);
        self.next = Some(target);
        let start = store::micros(self.place.clock.wall(Moment(0)));
        // What was before this run began is at its beginning.
        let here = |moment: Moment| Moment(moment.0.saturating_sub(start.0));
        let record = Box::new(Record::of(&id, reading, here));
        Ok(SessionEvent::Opened {
            conversation,
            record,
            copy,
            age: age.unwrap_or_default(),
        })
    }
}

/// The file that a session goes on in: its own, or a copy, and why.
fn goes_on_in(
    id: String,
    conversation: u64,
    file: Result<std::fs::File, String>,
    reading: &Reading,
) -> (Target, Option<String>) {
    let mut target = Target {
        conversation,
        id,
        from: None,
        head: Vec::new(),
        is_headed: false,
        journal: None,
    };
    match file {
        Ok(file) => {
            if reading.unended {
                target.head.push(b'\n');
            }
            target.journal = Some(Journal::new(Box::new(file), reading.good));
            (target, None)
        }
        Err(why) => {
            let copy = id::new(SystemTime::now());
            target.from = Some(std::mem::replace(&mut target.id, copy));
            for line in &reading.lines {
                target.head.extend(written(line).into_bytes());
                target.head.push(b'\n');
            }
            (target, Some(why))
        }
    }
}

/// The first line of a new file, and what a copy begins with.
fn head(place: &Place, target: &Target) -> Vec<u8> {
    let line = Line::Session(Header {
        format: FORMAT,
        id: target.id.clone(),
        folder: place.folder.clone(),
        started: store::micros(SystemTime::now()),
        mcpdeck: env!("CARGO_PKG_VERSION").to_owned(),
        config: place.config.clone(),
        from: target.from.clone(),
    });
    let mut bytes = written(&line).into_bytes();
    bytes.push(b'\n');
    bytes.extend_from_slice(&target.head);
    bytes
}
