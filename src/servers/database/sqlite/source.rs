//! The file that is served, and the connections to it.
//!
//! A reading connection can only read; the one way to a writable one is `writer`, which only `write` and `script` use.
//!
//! Beside a file in WAL mode the engine keeps `-wal` and `-shm` while it is open, for reading too. The last connection that
//! closes takes them away, if it may write: so whoever only reads leaves them behind, empty, and whoever wrote tidies up.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio_util::sync::CancellationToken;

use crate::servers::ServeError;
use crate::servers::database::engine::Bounds;
use crate::servers::database::sqlite::guard::{self, Door};
use crate::servers::database::url::Place;
use crate::servers::sqlite::{immutable, is_settled, needs_its_folder};

/// Reading connections that are kept open.
const MAX_IDLE: usize = 8;

/// How long the file may take to open when the server starts.
const OPENING: Duration = Duration::from_secs(10);

/// The database that is served.
pub struct Source {
    place: Place,
    /// The name by which the engine opens it.
    name: PathBuf,
    /// Connections that nobody uses at the moment; the readers first, because the last one that closes tidies up, and only a
    /// writer can.
    idle: Mutex<Vec<Opened>>,
    idle_writer: Mutex<Option<Opened>>,
    /// Whether there was ever a writer.
    wrote: AtomicBool,
    /// Holds a database in memory alive.
    _keeper: Option<Mutex<Connection>>,
}

/// A connection and the file that it holds open.
pub struct Opened {
    /// The connection.
    pub connection: Connection,
    /// The file; none when the engine would not notice a change of it.
    pub file: Option<FileId>,
    /// The engine's number of the schema that the connection has been made ready for.
    pub version: Option<i64>,
    door: Door,
    /// Whether `many_readers` has been tried.
    tried: bool,
}

impl Opened {
    fn new(connection: Connection, file: Option<FileId>, door: Door) -> Self {
        Self {
            connection,
            file,
            version: None,
            door,
            tried: false,
        }
    }

    /// Lets readers go on while somebody writes, and a writer while somebody reads. The file keeps it. Where it cannot be had at
    /// once (a folder that is write-protected, another program that reads), the older way does as well.
    ///
    /// # Errors
    /// The engine refused a handler.
    pub fn many_readers(&mut self, bounds: &Bounds<'_>) -> rusqlite::Result<()> {
        if self.tried {
            return Ok(());
        }
        self.tried = true;
        self.connection.busy_timeout(Duration::ZERO)?;
        let connection = &self.connection;
        let _the_older_way =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()));
        guard::bound(&mut self.connection, bounds)
    }

    /// Looks at every view and virtual table once for each version of the schema, so that no statement of a client has to.
    fn ready(mut self, bounds: &Bounds<'_>) -> rusqlite::Result<Self> {
        guard::bound(&mut self.connection, bounds)?;
        let connection = &self.connection;
        let version = connection.query_row("PRAGMA schema_version", [], |row| row.get(0))?;
        if self.version != Some(version) {
            let look = "SELECT count(*) FROM pragma_table_list";
            self.door
                .open(|| connection.query_row(look, [], |_| Ok(())))?;
            self.version = Some(version);
        }
        Ok(self)
    }
}

/// Tells a file from another one that was renamed into its place.
pub type FileId = (u64, u64);

/// Of a database in memory.
const NO_FILE: FileId = (0, 0);

impl Source {
    /// Opens the database.
    ///
    /// # Errors
    /// A missing file, or a file that is no database.
    pub fn open(place: Place) -> Result<Self, ServeError> {
        let name = match &place {
            Place::File(path) => {
                is_file(path).map_err(|why| broken(path, why))?;
                path.clone()
            }
            Place::Memory => in_memory(),
        };
        let keeper = match place {
            Place::Memory => Some(connect(&name, writing())),
            Place::File(_) => None,
        };
        let keeper = keeper.transpose();
        let source = Self {
            _keeper: keeper
                .map_err(|e| broken(&name, e.to_string()))?
                .map(Mutex::new),
            place,
            name,
            idle: Mutex::default(),
            idle_writer: Mutex::default(),
            wrote: AtomicBool::new(false),
        };
        let stop = CancellationToken::new();
        let first = source.reader(&Bounds::within(OPENING, &stop));
        let first = first.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => broken(
                &source.name,
                "the file is not an SQLite database".to_owned(),
            ),
            _ => broken(&source.name, error.to_string()),
        })?;
        source.give_back(first);
        Ok(source)
    }

    /// The database in words.
    pub fn shown(&self) -> String {
        match &self.place {
            Place::File(path) => format!("`{}`", path.display()),
            Place::Memory => "in memory".to_owned(),
        }
    }

    /// A connection that can only read, bounded.
    ///
    /// # Errors
    /// The file cannot be opened or is no database.
    pub fn reader(&self, bounds: &Bounds<'_>) -> rusqlite::Result<Opened> {
        let file = self.file_id();
        if let Some(reader) = self.kept(file) {
            return reader.ready(bounds);
        }
        // The engine knows no reading connection to memory; the guard forbids writing here as well.
        let flags = match &self.place {
            Place::File(_) => reading(),
            Place::Memory => writing(),
        };
        let opened = match (read_from(&self.name, flags, bounds), &self.place) {
            (Err(error), Place::File(path)) if needs_its_folder(&error) && is_settled(path) => {
                // Not kept: the engine would not notice that the file changes.
                let (connection, door) = read_from(&immutable(path), reading(), bounds)?;
                Opened::new(connection, None, door)
            }
            (opened, _) => {
                let (connection, door) = opened?;
                Opened::new(connection, file, door)
            }
        };
        opened.ready(bounds)
    }

    /// Keeps a reading connection for the next call.
    pub fn give_back(&self, reader: Opened) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE && reader.file.is_some() {
            idle.push(reader);
        }
    }

    /// A connection that nobody uses. What holds a file open in whose place there is another one now is let go: it would still
    /// read the old one.
    fn kept(&self, file: Option<FileId>) -> Option<Opened> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|reader| reader.file == file);
        idle.pop()
    }

    fn file_id(&self) -> Option<FileId> {
        match &self.place {
            Place::File(path) => {
                let meta = std::fs::metadata(path).ok()?;
                Some((meta.dev(), meta.ino()))
            }
            Place::Memory => Some(NO_FILE),
        }
    }

    /// A connection that may write, bounded.
    ///
    /// # Errors
    /// The file cannot be opened for writing.
    pub fn writer(&self, bounds: &Bounds<'_>) -> rusqlite::Result<Opened> {
        let file = self.file_id();
        let kept = self
            .idle_writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = kept.filter(|writer| writer.file == file) {
            return writer.ready(bounds);
        }
        self.wrote.store(true, Ordering::Relaxed);
        let mut connection = connect(&self.name, writing())?;
        guard::bound(&mut connection, bounds)?;
        guard::limits(&connection)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Opened::new(connection, file, Door::default()).ready(bounds)
    }

    /// Keeps a writing connection for the next call.
    pub fn give_back_writer(&self, writer: Opened) {
        if writer.connection.is_autocommit() && writer.file.is_some() {
            let mut idle = self
                .idle_writer
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *idle = Some(writer);
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        idle.clear();
        let writer = self.idle_writer.get_mut();
        let writer = writer.unwrap_or_else(PoisonError::into_inner);
        // A script's connection is not kept: then another one closes as the last.
        if matches!(self.place, Place::File(_)) && *self.wrote.get_mut() && writer.is_none() {
            let _files_stay_then = connect(&self.name, writing()).and_then(|last| {
                last.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
            });
        }
    }
}

fn is_file(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() => Ok(()),
        Ok(_) => Err("it is not a regular file".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err("there is no such file".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn broken(path: &Path, why: String) -> ServeError {
    ServeError::Database {
        path: path.to_owned(),
        why,
    }
}

/// A name under which the connections of this process share one database in memory.
fn in_memory() -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(format!("file:/mcpdeck-{number}?vfs=memdb"))
}

fn read_from(
    name: &Path,
    flags: OpenFlags,
    bounds: &Bounds<'_>,
) -> rusqlite::Result<(Connection, Door)> {
    let mut connection = connect(name, flags)?;
    guard::bound(&mut connection, bounds)?;
    let door = guard::read_only(&mut connection)?;
    Ok((connection, door))
}

fn connect(name: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let is_uri = name.as_os_str().as_encoded_bytes().starts_with(b"file:");
    let uri = match is_uri {
        true => OpenFlags::SQLITE_OPEN_URI,
        false => OpenFlags::empty(),
    };
    Connection::open_with_flags(name, flags | uri)
}

fn reading() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn writing() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}
