//! `query_database`: one statement that only reads, its rows as typed values, bounded in rows and bytes.

use std::time::{Duration, Instant};

use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, Error, Statement};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};
use tokio_util::sync::CancellationToken;

use crate::servers::database::Database;
use crate::servers::database::sqlite::complaint::complaint;
use crate::servers::database::sqlite::guard;
use crate::servers::database::table::aligned;
use crate::servers::toolbox::{Answer, Refusal};

/// Rows unless the call says otherwise.
const DEFAULT_ROWS: usize = 200;

/// Bytes of all rows together, as JSON.
const MAX_BYTES: usize = 1024 * 1024;

/// Arguments of `query_database`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryArgs {
    /// One SQL statement that only reads.
    sql: String,
    /// Values for the `?` in the statement, in order: texts, numbers, booleans, null.
    params: Option<Vec<Value>>,
    /// The most rows to give; 200 when absent.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
}

/// The rows of a query.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rows {
    /// What each value of a row is.
    columns: Vec<Column>,
    /// Each row as an array of values; a blob is `{"blob_bytes": n}`.
    rows: Vec<Vec<Value>>,
    /// How many rows are here.
    row_count: usize,
    /// Whether the query has more rows.
    truncated: bool,
    /// The statement.
    sql: String,
    /// How long it took.
    elapsed_ms: u64,
}

/// One column of a result.
#[derive(Debug, Serialize, JsonSchema)]
struct Column {
    /// Its name or expression.
    name: String,
    /// The declared type, or that of the values; empty when all are null.
    #[serde(rename = "type")]
    kind: String,
}

/// `query_database`
pub fn query_database(
    database: &Database,
    args: QueryArgs,
    stop: &CancellationToken,
) -> Result<Answer<Rows>, Refusal> {
    let params = args.params.unwrap_or_default();
    let params = params.iter().enumerate().map(|(n, value)| {
        cell(value).ok_or_else(|| {
            Refusal(format!(
                "`params/{n}` must be a text, a number that fits 64 bits, a boolean or null."
            ))
        })
    });
    let params = params.collect::<Result<Vec<_>, _>>()?;
    let limit = args.limit.unwrap_or(DEFAULT_ROWS);
    let sql = args.sql;
    let rows = database.read(stop, |connection| {
        let mut statement = prepare(connection, &sql)?;
        let rows = read(&mut statement, &params, limit)?;
        if rows.truncated && rows.row_count == 0 {
            return Err(Trouble::Ours(Refusal::new(
                "The first row alone is larger than 1 MiB. Select fewer columns, or a part with substr().",
            )));
        }
        Ok(rows)
    })?;
    let rows = Rows { sql, ..rows };
    let text = rows.text();
    Ok(Answer::new(rows, text))
}

/// Why a read did not come to its end.
pub enum Trouble {
    /// The engine said so.
    Engine(Error),
    /// We say so.
    Ours(Refusal),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl Database {
    /// Runs `work` on a reading connection, bounded in time, and puts the engine's refusals into words.
    ///
    /// # Errors
    /// What `work` fails with, in words.
    pub fn read<T>(
        &self,
        stop: &CancellationToken,
        work: impl FnOnce(&Connection) -> Result<T, Trouble>,
    ) -> Result<T, Refusal> {
        self.read_within(self.deadline, stop, work)
    }

    /// The same, bounded more tightly.
    ///
    /// # Errors
    /// What `work` fails with, in words.
    pub fn read_within<T>(
        &self,
        most: Duration,
        stop: &CancellationToken,
        work: impl FnOnce(&Connection) -> Result<T, Trouble>,
    ) -> Result<T, Refusal> {
        let opened = self.source.reader();
        let mut reader = opened.map_err(|e| Refusal(format!("Cannot open the database: {e}.")))?;
        let connection = &mut reader.connection;
        let bounded = guard::bound(connection, Instant::now() + most, stop);
        let outcome = bounded
            .map_err(Trouble::Engine)
            .and_then(|()| work(connection));
        let outcome = outcome.map_err(|trouble| match trouble {
            Trouble::Ours(refusal) => refusal,
            Trouble::Engine(error) => {
                // The look-ups for the message get a short time of their own.
                let soon = Instant::now() + Duration::from_secs(1);
                let _without = guard::bound(connection, soon, &CancellationToken::new());
                complaint(connection, &error, most)
            }
        });
        self.source.give_back(reader);
        outcome
    }
}

/// Prepares exactly one statement that gives rows and only reads.
fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<Statement<'c>, Trouble> {
    let ours = |message: &str| Trouble::Ours(Refusal::new(message));
    let statement = connection.prepare(sql).map_err(|error| match error {
        Error::MultipleStatement => {
            ours("Send one statement at a time; there is a second one after the first.")
        }
        Error::NulError(_) => ours("`sql` contains a NUL character."),
        other => Trouble::Engine(other),
    })?;
    if statement.column_count() == 0 {
        return Err(ours(
            "This is no statement that gives rows. query_database only reads: use SELECT.",
        ));
    }
    if !statement.readonly() {
        return Err(ours(
            "Refused: query_database only reads, and this statement writes.",
        ));
    }
    Ok(statement)
}

fn read(statement: &mut Statement<'_>, params: &[Cell], limit: usize) -> Result<Rows, Error> {
    let began = Instant::now();
    let mut columns: Vec<Column> = statement
        .columns()
        .map(|column| Column {
            name: column.name().to_owned(),
            kind: column.decl_type().unwrap_or_default().to_owned(),
        })
        .collect();
    let (mut rows, mut bytes, mut truncated) = (Vec::new(), 0, false);
    let mut cursor = statement.query(rusqlite::params_from_iter(params))?;
    while let Some(row) = cursor.next()? {
        if rows.len() == limit {
            truncated = true;
            break;
        }
        let mut values = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter_mut().enumerate() {
            let value = row.get_ref(index)?;
            if column.kind.is_empty() && !matches!(value, ValueRef::Null) {
                column.kind = value.data_type().to_string().to_uppercase();
            }
            values.push(json_of(value));
            bytes += size(value);
        }
        if bytes > MAX_BYTES {
            truncated = true;
            break;
        }
        rows.push(values);
    }
    Ok(Rows {
        columns,
        row_count: rows.len(),
        rows,
        truncated,
        sql: String::new(),
        elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

/// A JSON value as the engine takes it; none for arrays, objects and whole numbers that the engine could only round.
pub fn cell(value: &Value) -> Option<Cell> {
    match value {
        Value::Null => Some(Cell::Null),
        Value::Bool(yes) => Some(Cell::Integer(i64::from(*yes))),
        Value::Number(number) if number.is_f64() => number.as_f64().map(Cell::Real),
        Value::Number(number) => number.as_i64().map(Cell::Integer),
        Value::String(text) => Some(Cell::Text(text.clone())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn json_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::from(number),
        // Infinity is no JSON number.
        ValueRef::Real(number) => {
            Number::from_f64(number).map_or_else(|| Value::from(number.to_string()), Value::Number)
        }
        ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text)),
        ValueRef::Blob(blob) => json!({ "blob_bytes": blob.len() }),
    }
}

fn size(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => 16,
        ValueRef::Text(text) => text.len() + 3,
    }
}

impl Rows {
    fn text(&self) -> String {
        let names: Vec<&str> = self
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let count = match (self.row_count, self.truncated) {
            (1, false) => "(1 row)".to_owned(),
            (n, false) => format!("({n} rows)"),
            (n, true) => format!("({n} rows; there are more: raise `limit` or narrow the query)"),
        };
        format!("{}{count}", aligned(&names, &self.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::database::sqlite::source::Source;

    const ENDLESS: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    fn query(database: &Database, sql: &str, stop: &CancellationToken) -> Result<Rows, Refusal> {
        let args = QueryArgs {
            sql: sql.to_owned(),
            params: None,
            limit: None,
        };
        query_database(database, args, stop).map(|answer| answer.data)
    }

    #[test]
    fn a_cancelled_query_ends_at_once_and_the_next_one_runs() {
        let database = Database {
            source: Source::open("sqlite::memory:").unwrap(),
            deadline: Duration::from_secs(3600),
        };
        let stop = CancellationToken::new();
        std::thread::scope(|scope| {
            let running = scope.spawn(|| query(&database, ENDLESS, &stop));
            stop.cancel();
            let refusal = running.join().unwrap().unwrap_err();
            assert!(refusal.0.contains("cancelled"), "{refusal:?}");
        });
        let next = query(&database, "SELECT 1", &CancellationToken::new()).unwrap();
        assert_eq!(next.row_count, 1);
    }
}
