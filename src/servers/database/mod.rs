//! The database server: one set of tools over several engines. Lists tables, shows schemas, answers queries, changes rows.
//!
//! A query only reads by the word of the engine, not by a look at its text. Every call is bounded in time, memory, rows and
//! bytes, and ends when the client cancels it. Started by `cli::serve`.
//!
//! `engine` is what an engine has to do, `sqlite` and `postgres` do it; `query`, `schema`, `explain`, `change`, `script`,
//! `resources` and `prompt` are what a client sees, `tools` the table of it.
//!
//! `MCPDECK_QUERY_TIMEOUT_MS` sets another limit of time than 30 s.

pub mod catalogue;
pub mod engine;

#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

mod change;
mod condition;
mod cursor;
mod explain;
mod place;
mod prompt;
mod query;
mod resources;
mod schema;
mod script;
mod statement;
mod table;
mod tools;
mod url;
mod value;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::servers::{self, Access, ServeError, Serving};

use crate::servers::toolbox::Refusal;
use engine::{Bounds, Engine, Query};

/// How long one call may run when nothing else is said.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long the question whether the engine answers may take.
const READY: Duration = Duration::from_secs(4);

/// What the tools may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Read.
    ReadOnly,
    /// Read, and insert, update and delete rows by the tools for it.
    Changes,
    /// All of it, and run scripts of any statements.
    ReadWrite,
}

/// What the tools work on.
struct Database {
    engine: Arc<dyn Engine>,
    time: Duration,
}

impl Database {
    fn bounds<'a>(&self, stop: &'a CancellationToken) -> Bounds<'a> {
        Bounds::within(self.time, stop)
    }
}

/// Serves the database until the clients are gone. PostgreSQL to a role that a read-only transaction does not bind only when
/// `allow_superuser` is set.
///
/// # Errors
/// A URL of another kind, a missing file, a database that cannot be reached, or a client that breaks the protocol.
pub async fn serve(
    url: &str,
    level: Level,
    allow_superuser: bool,
    serving: Serving,
) -> Result<(), ServeError> {
    let database = Database {
        engine: open(url, allow_superuser).await?,
        time: deadline(),
    };
    let access = match level {
        Level::ReadOnly => Access::ReadOnly,
        Level::Changes | Level::ReadWrite => Access::ReadWrite,
    };
    let toolbox = tools::toolbox(database, level, access).with_readiness(ready);
    servers::serve(toolbox, serving).await
}

/// Whether the engine answers a query.
fn ready(database: &Database) -> Result<(), Refusal> {
    let stop = CancellationToken::new();
    let bounds = database.bounds(&stop).at_most(READY);
    let query = Query {
        sql: "SELECT 1".to_owned(),
        params: Vec::new(),
        limit: 1,
        max_bytes: 1024,
        skip: 0,
    };
    database.engine.query(&query, &bounds).map(drop)
}

/// The engine that the URL means, for the server and for whoever tries its guard without one.
///
/// # Errors
/// As [`serve`].
pub async fn open(url: &str, allow_superuser: bool) -> Result<Arc<dyn Engine>, ServeError> {
    #[cfg(not(feature = "postgres"))]
    let _no_role_to_trust = allow_superuser;
    match url::kind(url)? {
        url::Kind::Sqlite(place) => Ok(Arc::new(sqlite::Sqlite::open(place)?)),
        #[cfg(feature = "postgres")]
        url::Kind::Postgres => postgres::open(url, allow_superuser).await,
    }
}

fn deadline() -> Duration {
    let text = std::env::var("MCPDECK_QUERY_TIMEOUT_MS").ok();
    let millis = text.and_then(|text| text.parse().ok()).filter(|ms| *ms > 0);
    millis.map_or(DEADLINE, Duration::from_millis)
}
