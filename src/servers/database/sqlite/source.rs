//! Which database is served: the URL in its forms, and the connections to it.
//!
//! A reading connection can only read; the one way to a writable one is `writer`, which only `insert` uses.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::servers::ServeError;
use crate::servers::database::sqlite::guard;

/// How long a statement waits for another program that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Reading connections that are kept open.
const MAX_IDLE: usize = 4;

/// The database that is served.
pub struct Source {
    place: Place,
    /// Reading connections that nobody uses at the moment.
    idle: Mutex<Vec<Reader>>,
    /// Holds a database in memory alive.
    _keeper: Option<Mutex<Connection>>,
}

enum Place {
    File(PathBuf),
    Memory,
}

/// A connection that can only read.
pub struct Reader {
    /// The connection.
    pub connection: Connection,
    /// The file that it holds open.
    file: Option<FileId>,
}

/// Tells a file from another one that was renamed into its place.
type FileId = (u64, u64);

/// The name under which the connections of this process share their database in memory.
const MEMORY: &str = "file:mcpdeck?mode=memory&cache=shared";

impl Source {
    /// Opens what the URL names: `sqlite:FILE`, `sqlite://FILE`, `sqlite::memory:`, or a path.
    ///
    /// # Errors
    /// Another kind of URL, a missing file, a file that is no database.
    pub fn open(url: &str) -> Result<Self, ServeError> {
        let place = place(url)?;
        let shown = match &place {
            Place::File(path) => path.clone(),
            Place::Memory => PathBuf::from(":memory:"),
        };
        let broken = |why: String| ServeError::Database {
            path: shown.clone(),
            why,
        };
        if let Place::File(path) = &place {
            match std::fs::metadata(path) {
                Ok(meta) if meta.is_file() => {}
                Ok(_) => return Err(broken("it is not a regular file".to_owned())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(broken("there is no such file".to_owned()));
                }
                Err(error) => return Err(broken(error.to_string())),
            }
        }
        let keeper = match place {
            Place::Memory => Some(connect(MEMORY, writing()).map_err(|e| broken(e.to_string()))?),
            Place::File(_) => None,
        };
        let source = Self {
            place,
            idle: Mutex::default(),
            _keeper: keeper.map(Mutex::new),
        };
        let first = source
            .reader()
            .map_err(|error| match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::NotADatabase) => {
                    broken("the file is not an SQLite database".to_owned())
                }
                _ => broken(error.to_string()),
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

    /// A connection that can only read.
    ///
    /// # Errors
    /// The file cannot be opened or is no database.
    pub fn reader(&self) -> rusqlite::Result<Reader> {
        let file = self.file_id();
        if let Some(reader) = self.kept(file) {
            return Ok(reader);
        }
        let mut connection = match &self.place {
            Place::File(path) => match self.read_from(path) {
                Err(error) if needs_its_folder(&error) && is_settled(path) => {
                    // Not kept: the engine would not notice that the file changes.
                    let mut connection = connect(immutable(path), reading())?;
                    guard::read_only(&mut connection)?;
                    return Ok(Reader {
                        connection,
                        file: None,
                    });
                }
                opened => {
                    return Ok(Reader {
                        connection: opened?,
                        file,
                    });
                }
            },
            // The engine knows no reading connection to memory; the guard forbids writing here as well.
            Place::Memory => connect(MEMORY, writing())?,
        };
        guard::read_only(&mut connection)?;
        Ok(Reader { connection, file })
    }

    /// Keeps a reading connection for the next call.
    pub fn give_back(&self, reader: Reader) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(reader);
        }
    }

    /// A connection that nobody uses. What holds a file open in whose place there is another one now is let go: it would still
    /// read the old one.
    fn kept(&self, file: Option<FileId>) -> Option<Reader> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|reader| reader.file == file);
        idle.pop()
    }

    fn read_from(&self, path: &Path) -> rusqlite::Result<Connection> {
        let mut connection = connect(path, reading())?;
        guard::read_only(&mut connection)?;
        Ok(connection)
    }

    fn file_id(&self) -> Option<FileId> {
        match &self.place {
            Place::File(path) => {
                let meta = std::fs::metadata(path).ok()?;
                Some((meta.dev(), meta.ino()))
            }
            Place::Memory => None,
        }
    }

    /// A connection that may write.
    ///
    /// # Errors
    /// The file cannot be opened for writing.
    pub fn writer(&self) -> rusqlite::Result<Connection> {
        let connection = match &self.place {
            Place::File(path) => connect(path, writing())?,
            Place::Memory => connect(MEMORY, writing())?,
        };
        guard::limits(&connection)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    }
}

fn connect(path: impl AsRef<Path>, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let uri = if path
        .as_ref()
        .as_os_str()
        .as_encoded_bytes()
        .starts_with(b"file:")
    {
        OpenFlags::SQLITE_OPEN_URI
    } else {
        OpenFlags::empty()
    };
    let connection = Connection::open_with_flags(path, flags | uri)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Whether the engine would have had to write beside the file: so it does with the journal that is called WAL, also for reading.
fn needs_its_folder(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    matches!(error.sqlite_error_code(), Some(ReadOnly | CannotOpen))
}

/// Whether all that was ever written is in the file itself.
fn is_settled(path: &Path) -> bool {
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    !beside("-wal").exists() && !beside("-journal").exists()
}

/// The file as a URL by which the engine neither locks it nor writes beside it.
fn immutable(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut url = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'?' | b'#' | b'%' => url.extend(format!("%{byte:02X}").into_bytes()),
            byte => url.push(*byte),
        }
    }
    url.extend(b"?immutable=1");
    PathBuf::from(OsString::from_vec(url))
}

fn reading() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn writing() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn place(url: &str) -> Result<Place, ServeError> {
    let refuse = |why: &str| ServeError::Url {
        // A URL of another kind may carry a password.
        url: url
            .split_once("://")
            .map_or(url, |(kind, _)| kind)
            .to_owned(),
        why: why.to_owned(),
    };
    if ["postgres://", "postgresql://"]
        .iter()
        .any(|kind| url.starts_with(kind))
    {
        return Err(refuse(
            "PostgreSQL comes in a later version; SQLite is served today",
        ));
    }
    let rest = match url.strip_prefix("sqlite:") {
        Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
        None if url.contains("://") => {
            return Err(refuse("only SQLite is served: `sqlite:FILE`, or a path"));
        }
        None => url,
    };
    match rest {
        "" => Err(refuse("it names no file; write `sqlite:FILE`")),
        ":memory:" => Ok(Place::Memory),
        // Made whole, so that no name that begins with `file:` is taken for a URL.
        path => Ok(Place::File(match path.starts_with("file:") {
            true => Path::new(".").join(path),
            false => PathBuf::from(path),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(url: &str) -> Option<PathBuf> {
        match place(url) {
            Ok(Place::File(path)) => Some(path),
            Ok(Place::Memory) | Err(_) => None,
        }
    }

    #[test]
    fn every_form_of_the_url_names_its_file() {
        assert_eq!(file("sqlite:shop.db"), Some("shop.db".into()));
        assert_eq!(file("sqlite://shop.db"), Some("shop.db".into()));
        assert_eq!(file("sqlite:///tmp/shop.db"), Some("/tmp/shop.db".into()));
        assert_eq!(file("data/shop.db"), Some("data/shop.db".into()));
        assert!(matches!(place("sqlite::memory:"), Ok(Place::Memory)));
    }

    #[test]
    fn a_file_that_may_not_be_written_beside_is_read_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("odd?name#100%.db");
        let made = Connection::open(&file).unwrap();
        made.execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (7);")
            .unwrap();
        drop(made);
        assert!(is_settled(&file));
        let connection = connect(immutable(&file), reading()).unwrap();
        let n: i64 = connection
            .query_row("SELECT n FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(n, 7);
        std::fs::write(dir.path().join("odd?name#100%.db-wal"), "").unwrap();
        assert!(!is_settled(&file));
    }

    #[test]
    fn a_password_in_a_refused_url_is_not_repeated() {
        let error = place("postgres://me:secret@host/db")
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("later") && !error.contains("secret"),
            "{error}"
        );
        assert!(
            place("mysql://me:secret@host/db").is_err_and(|e| !e.to_string().contains("secret"))
        );
    }
}
