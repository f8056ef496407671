//! Where the CRM keeps its data: SQLite or PostgreSQL behind one narrow door.
//!
//! A statement is a text with `?1`, `?2` and cells for them, the same for both engines; work runs in a transaction that is there
//! whole or not at all. Knows nothing of contacts. `migrate` makes the schema, `sqlite` and `postgres` are the engines.

mod cell;
mod migrate;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::servers::toolbox::Refusal;
use crate::servers::{Access, ServeError};

pub use cell::{Cell, Row};
#[cfg(feature = "postgres")]
use postgres::Postgres;
use sqlite::Sqlite;

/// How often work is begun anew when another process was in its way.
const ATTEMPTS: usize = 6;

/// A transaction under way.
pub trait Session {
    /// Runs one statement; gives its rows, if it is of the kind that has some.
    ///
    /// # Errors
    /// What the engine says.
    fn run(&mut self, sql: &str, cells: &[Cell]) -> Result<Vec<Row>, Fault>;
}

impl dyn Session + '_ {
    /// The one row that is there, if it is.
    ///
    /// # Errors
    /// What the engine says.
    pub fn one(&mut self, sql: &str, cells: &[Cell]) -> Result<Option<Row>, Fault> {
        Ok(self.run(sql, cells)?.into_iter().next())
    }

    /// The number in the first column of the first row: of `RETURNING id` and `count(*)`.
    ///
    /// # Errors
    /// What the engine says, or there is no row.
    pub fn number(&mut self, sql: &str, cells: &[Cell]) -> Result<i64, Fault> {
        let row = self.one(sql, cells)?;
        row.ok_or_else(|| Fault::Engine("no row came back".to_owned()))?
            .int(0)
    }
}

/// Why a transaction came to nothing; nothing of it is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Our own word: what the call asks for cannot be.
    Refused(Refusal),
    /// Another one did the same at the same time: to be tried again from the start.
    Conflict(String),
    /// Cancelled, or out of time.
    Stopped,
    /// The connection broke, perhaps behind the last word.
    Lost,
    /// The engine said something else.
    Engine(String),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(refusal) => refusal,
            Fault::Conflict(why) => Self(format!(
                "Nothing was changed: others were writing at the same time ({why}). Try again."
            )),
            Fault::Stopped => {
                Self::new("Nothing was changed: the call was cancelled or took longer than 30 s.")
            }
            Fault::Lost => Self::new(
                "The connection to the store broke. Look whether the change is there before you try again.",
            ),
            Fault::Engine(why) => Self(format!("Nothing was changed: the store failed: {why}.")),
        }
    }
}

/// The store of one CRM.
pub struct Store {
    engine: Engine,
}

enum Engine {
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Box<Postgres>),
}

/// Which store a URL names.
enum Place {
    File(PathBuf),
    Server(String),
}

impl Store {
    /// Opens the store that the URL names (`sqlite:FILE` or a path, `postgres://...`); makes it when it does not exist, and
    /// brings its schema up to date. With `Access::ReadOnly` it does neither.
    ///
    /// # Errors
    /// A URL of another kind, a store that is not a CRM's, one of a newer program, or what the engine says.
    pub fn open(url: &str, access: Access) -> Result<Self, ServeError> {
        let engine = match place(url)? {
            Place::File(path) => {
                let shown = path.display().to_string();
                let opened = match access {
                    Access::ReadOnly => Sqlite::open_to_read(path),
                    Access::ReadWrite => Sqlite::open(path),
                };
                Engine::Sqlite(opened.map_err(|why| ServeError::Store { store: shown, why })?)
            }
            Place::Server(url) => on_server(&url, access)?,
        };
        Ok(Self { engine })
    }

    /// Runs work that reads, on one state of the store.
    ///
    /// # Errors
    /// What the work or the engine says, in words.
    pub fn read<T>(
        &self,
        stop: &CancellationToken,
        work: impl FnMut(&mut dyn Session) -> Result<T, Fault>,
    ) -> Result<T, Refusal> {
        self.attempts(stop, false, work)
    }

    /// Runs work that changes something: all of it or nothing. It begins anew when another process was in its way.
    ///
    /// # Errors
    /// What the work or the engine says, in words.
    pub fn write<T>(
        &self,
        stop: &CancellationToken,
        work: impl FnMut(&mut dyn Session) -> Result<T, Fault>,
    ) -> Result<T, Refusal> {
        self.attempts(stop, true, work)
    }

    fn attempts<T>(
        &self,
        stop: &CancellationToken,
        writes: bool,
        mut work: impl FnMut(&mut dyn Session) -> Result<T, Fault>,
    ) -> Result<T, Refusal> {
        let mut tried = 1;
        loop {
            let outcome = match &self.engine {
                Engine::Sqlite(sqlite) => sqlite.transact(writes, stop, &mut work),
                #[cfg(feature = "postgres")]
                Engine::Postgres(postgres) => postgres.transact(writes, stop, &mut work),
            };
            match outcome {
                Err(Fault::Conflict(_)) if tried < ATTEMPTS && !stop.is_cancelled() => tried += 1,
                outcome => return outcome.map_err(Refusal::from),
            }
        }
    }
}

fn place(url: &str) -> Result<Place, ServeError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Place::Server(url.to_owned()));
    }
    let refused = |why: &str| ServeError::Url {
        url: without_password(url),
        why: why.to_owned(),
    };
    let path = match url.strip_prefix("sqlite:") {
        Some(path) => path.strip_prefix("//").unwrap_or(path),
        None if url.contains("://") => {
            return Err(refused(
                "a CRM's store is `sqlite:FILE` or `postgres://...`",
            ));
        }
        None => url,
    };
    match path {
        "" => Err(refused("it names no file")),
        ":memory:" => Err(refused("a CRM keeps its data; give it a file")),
        path => Ok(Place::File(PathBuf::from(path))),
    }
}

#[cfg(feature = "postgres")]
fn on_server(url: &str, access: Access) -> Result<Engine, ServeError> {
    let opened = Postgres::open(url, access);
    opened
        .map(|opened| Engine::Postgres(Box::new(opened)))
        .map_err(|why| ServeError::Store {
            store: without_password(url),
            why,
        })
}

#[cfg(not(feature = "postgres"))]
fn on_server(url: &str, _: Access) -> Result<Engine, ServeError> {
    Err(ServeError::Url {
        url: without_password(url),
        why: "this mcpdeck was built without PostgreSQL".to_owned(),
    })
}

/// The URL without what stands between `//` and `@` and without its parameters: both may hold a password.
fn without_password(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(url, _)| url);
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://...@{host}"),
        _ => url.to_owned(),
    }
}
