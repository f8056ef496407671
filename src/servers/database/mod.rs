//! The database server: lists tables, shows schemas, answers queries and inserts rows, on an SQLite file.
//!
//! A query only reads by the word of the engine (`guard`), not by a look at its text. Every query is bounded in time, memory,
//! rows and bytes, and ends when the client cancels it. Started by `cli::serve`.
//!
//! `MCPDECK_QUERY_TIMEOUT_MS` sets another limit of time than 30 s.

pub mod catalogue;
pub mod engine;

mod insert;
mod query;
mod schema;
mod sqlite;
mod table;
mod url;

#[cfg(feature = "postgres")]
pub mod postgres;

use std::time::Duration;

use crate::servers::toolbox::{Effect, Sign, Toolbox};
use crate::servers::{self, Access, ServeError, Serving};

use sqlite::source::Source;

/// How long one call may run when nothing else is said.
const DEADLINE: Duration = Duration::from_secs(30);

/// What the tools work on.
struct Database {
    source: Source,
    deadline: Duration,
}

/// Serves the database on stdin and stdout until the client leaves.
///
/// # Errors
/// A URL of another kind, a missing file, a file that is no database, or a client that breaks the protocol.
pub async fn serve(url: &str, access: Access, serving: Serving) -> Result<(), ServeError> {
    let source = Source::open(url)?;
    let instructions = format!(
        "An SQLite database, {}. query_database runs any single statement that only reads; list_tables and get_table_schema show what there is.{}",
        source.shown(),
        match access {
            Access::ReadOnly => "",
            Access::ReadWrite => " insert_record adds a row.",
        }
    );
    let database = Database {
        source,
        deadline: deadline(),
    };
    let toolbox = Toolbox::new("mcpdeck-database", instructions, database, access);
    servers::serve(with_tools(toolbox), serving).await
}

fn deadline() -> Duration {
    let text = std::env::var("MCPDECK_QUERY_TIMEOUT_MS").ok();
    let millis = text.and_then(|text| text.parse().ok()).filter(|ms| *ms > 0);
    millis.map_or(DEADLINE, Duration::from_millis)
}

const QUERY_DATABASE: Sign = Sign {
    name: "query_database",
    title: "Query the database",
    description: "Runs one SQL statement that only reads (SELECT, WITH, EXPLAIN, PRAGMA table_info) and gives its rows. Values go into `params` for the `?` in the statement. 200 rows unless `limit` says otherwise, 1000 at most.",
    effect: Effect::Reads,
};

const LIST_TABLES: Sign = Sign {
    name: "list_tables",
    title: "List the tables",
    description: "Lists the tables and views with their number of rows.",
    effect: Effect::Reads,
};

const GET_TABLE_SCHEMA: Sign = Sign {
    name: "get_table_schema",
    title: "Show a table's schema",
    description: "Shows the columns, types, keys, foreign keys and indexes of a table.",
    effect: Effect::Reads,
};

const INSERT_RECORD: Sign = Sign {
    name: "insert_record",
    title: "Insert a row",
    description: "Inserts one row into a table. The values are parameters, never SQL.",
    effect: Effect::Adds,
};

fn with_tools(toolbox: Toolbox<Database>) -> Toolbox<Database> {
    toolbox
        .with(QUERY_DATABASE, query::query_database)
        .with(LIST_TABLES, schema::list_tables)
        .with(GET_TABLE_SCHEMA, schema::get_table_schema)
        .with(INSERT_RECORD, insert::insert_record)
}
