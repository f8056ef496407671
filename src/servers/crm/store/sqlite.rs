//! The store on an SQLite file: in WAL, so that readers do not wait, with one connection that writes.
//!
//! Other processes may hold the same file: whoever writes takes the lock at the beginning and waits a bounded time for it.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, ToSql};
use tokio_util::sync::CancellationToken;

use crate::servers::crm::clock::stamp;
use crate::servers::crm::store::migrate::{Dialect, migrate, readable};
use crate::servers::crm::store::{Cell, Fault, Row, Session};
use crate::servers::sqlite::{immutable, is_settled, needs_its_folder};
use crate::servers::toolbox::Refusal;

/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

/// How long one transaction may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Steps of the engine between two looks at the clock.
const STEPS: i32 = 1000;

/// Reading connections that are kept open.
const MAX_IDLE: usize = 4;

const DIALECT: Dialect = Dialect {
    key: "INTEGER PRIMARY KEY AUTOINCREMENT",
    int: "INTEGER",
    text: "TEXT",
    end: " STRICT",
    is_ours: "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'crm_migrations'",
};

/// A store in a file.
pub struct Sqlite {
    path: PathBuf,
    /// Before the writer, because the last connection that closes brings all into the one file, and a reader cannot.
    idle: Mutex<Vec<Connection>>,
    /// None when the store is only read.
    writer: Option<Mutex<Connection>>,
}

impl Sqlite {
    /// Opens the file, makes it when it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn open(path: PathBuf) -> Result<Self, String> {
        make(&path).map_err(|error| error.to_string())?;
        let writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|e| in_words(&e))?;
        alone(&writer)?;
        journal(&writer).map_err(|e| in_words(&e))?;
        let sqlite = Self {
            path,
            writer: Some(Mutex::new(writer)),
            idle: Mutex::default(),
        };
        let never = CancellationToken::new();
        let now = stamp(Utc::now());
        let done = sqlite.transact(true, &never, &mut |session: &mut dyn Session| {
            migrate(session, &DIALECT, &now)
        });
        done.map_err(why_not)?;
        Ok(sqlite)
    }

    /// Opens a file that is there, only to read: nothing is made and nothing is changed.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn open_to_read(path: PathBuf) -> Result<Self, String> {
        match std::fs::metadata(&path) {
            Ok(meta) if !meta.is_file() => return Err("it is not a regular file".to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err("there is no such file, and with --read-only none is made".to_owned());
            }
            Err(error) => return Err(error.to_string()),
        }
        let sqlite = Self {
            path,
            writer: None,
            idle: Mutex::default(),
        };
        let never = CancellationToken::new();
        let done = sqlite.transact(false, &never, &mut |session: &mut dyn Session| {
            readable(session, &DIALECT)
        });
        done.map_err(why_not)?;
        Ok(sqlite)
    }

    /// A connection that only reads, and whether it can be kept. Where nothing can be written beside the file, not even what
    /// readers share, and all is in the file itself, it is read as it lies there; then the engine would not notice a change.
    fn reader(&self) -> rusqlite::Result<(Connection, bool)> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let opened = connect(&self.path, flags).and_then(|reader| {
            reader.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(reader)
        });
        match opened {
            Err(error) if needs_its_folder(&error) && is_settled(&self.path) => {
                let flags = flags | OpenFlags::SQLITE_OPEN_URI;
                Ok((connect(&immutable(&self.path), flags)?, false))
            }
            opened => Ok((opened?, true)),
        }
    }

    /// Runs work in one transaction.
    ///
    /// # Errors
    /// What the work or the engine says; nothing of it is in the store.
    pub fn transact<T>(
        &self,
        writes: bool,
        stop: &CancellationToken,
        work: &mut dyn FnMut(&mut dyn Session) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if writes {
            let writer = self.writer.as_ref().ok_or_else(|| {
                Fault::Refused(Refusal::new("The store is served with --read-only."))
            })?;
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            return transaction(&mut writer, "BEGIN IMMEDIATE", stop, work);
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.pop();
        drop(idle);
        let (mut reader, keep) = match kept {
            Some(reader) => (reader, true),
            None => self.reader().map_err(fault)?,
        };
        let outcome = transaction(&mut reader, "BEGIN", stop, work);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if keep && idle.len() < MAX_IDLE {
            idle.push(reader);
        }
        outcome
    }
}

struct Open<'c>(&'c Connection);

impl Session for Open<'_> {
    fn run(&mut self, sql: &str, cells: &[Cell]) -> Result<Vec<Row>, Fault> {
        let mut statement = self.0.prepare_cached(sql).map_err(fault)?;
        let columns = statement.column_count();
        let mut found = Vec::new();
        let mut rows = statement
            .query(rusqlite::params_from_iter(cells))
            .map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            let cells = (0..columns).map(|at| cell(row.get_ref(at).map_err(fault)?));
            found.push(Row(cells.collect::<Result<_, Fault>>()?));
        }
        Ok(found)
    }
}

fn transaction<T>(
    connection: &mut Connection,
    begin: &str,
    stop: &CancellationToken,
    work: &mut dyn FnMut(&mut dyn Session) -> Result<T, Fault>,
) -> Result<T, Fault> {
    bound(connection, stop)?;
    connection.execute_batch(begin).map_err(fault)?;
    let outcome = work(&mut Open(connection));
    let outcome = match outcome {
        Ok(done) => connection
            .execute_batch("COMMIT")
            .map_err(fault)
            .map(|()| done),
        Err(fault) => Err(fault),
    };
    if !connection.is_autocommit() {
        // The way back may not be cut short.
        let unbound = connection.progress_handler(0, None::<fn() -> bool>);
        unbound
            .and_then(|()| connection.execute_batch("ROLLBACK"))
            .map_err(fault)?;
    }
    outcome
}

fn bound(connection: &mut Connection, stop: &CancellationToken) -> Result<(), Fault> {
    let (stop, end) = (stop.clone(), Instant::now() + DEADLINE);
    let late = move || stop.is_cancelled() || Instant::now() > end;
    connection
        .progress_handler(STEPS, Some(late))
        .map_err(fault)
}

/// Makes the file and the folders above it, for the person alone.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ if !path.is_file() => Err(io::Error::other("it is not a regular file")),
        _ => Ok(()),
    }
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// A database of somebody else gets no tables of ours.
fn alone(connection: &Connection) -> Result<(), String> {
    let ours = "SELECT count(*), count(*) FILTER (WHERE name = 'crm_migrations') FROM sqlite_schema WHERE type = 'table'";
    let counts = connection.query_row(ours, [], |row| Ok((row.get(0)?, row.get(1)?)));
    match counts.map_err(|e| in_words(&e))? {
        (0_i64, _) | (_, 1_i64) => Ok(()),
        _ => Err("it is a database of something else: a CRM wants a file of its own".to_owned()),
    }
}

/// Turns WAL on. Two processes that do so at once: one is told that the file is busy without any waiting, so it asks again.
fn journal(connection: &Connection) -> rusqlite::Result<()> {
    let end = Instant::now() + BUSY;
    loop {
        let changed = connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()));
        match changed {
            Err(error) if busy(&error) && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(5));
            }
            changed => {
                changed?;
                return connection.pragma_update(None, "synchronous", "full");
            }
        }
    }
}

fn busy(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn why_not(fault: Fault) -> String {
    match fault {
        Fault::Refused(Refusal(why)) | Fault::Engine(why) | Fault::Conflict(why) => why,
        Fault::Stopped | Fault::Lost => "it took too long".to_owned(),
    }
}

fn fault(error: Error) -> Fault {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Fault::Stopped,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Fault::Conflict(in_words(&error))
        }
        _ => Fault::Engine(in_words(&error)),
    }
}

fn in_words(error: &Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "the file is not an SQLite database".to_owned(),
        _ => error.to_string(),
    }
}

fn cell(value: ValueRef<'_>) -> Result<Cell, Fault> {
    match value {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(number) => Ok(Cell::Int(number)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cell::Text(text.to_owned())),
            Err(_) => Err(Fault::Engine("a text in it is not UTF-8".to_owned())),
        },
        other => Err(Fault::Engine(format!(
            "it holds a value of the type {}",
            other.data_type()
        ))),
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}
