//! `query_database`: one statement that only reads, its rows as typed values, page by page.

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::servers::database::engine::{Column, Query};
use crate::servers::database::table::aligned;
use crate::servers::database::{Database, cursor, value};
use crate::servers::toolbox::{Answer, Refusal};

/// Rows unless the call says otherwise.
const DEFAULT_ROWS: usize = 200;

/// Bytes of all rows of a page together, as JSON.
const MAX_BYTES: usize = 1024 * 1024;

/// Arguments of `query_database`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryArgs {
    /// One SQL statement that only reads.
    pub sql: String,
    /// Values for the parameters of the statement (`?` in SQLite, `$1` in PostgreSQL), in order: texts, numbers, booleans, null.
    pub params: Option<Vec<Value>>,
    /// The most rows to give; 200 when absent.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<usize>,
    /// `next_cursor` of the page before, for the rows after it; with the same `sql` and `params`. The statement runs anew for
    /// each page: give it an ORDER BY that tells all rows apart, and expect rows to shift when somebody writes in between.
    pub cursor: Option<String>,
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
    /// What gets the next page as `cursor`; null on the last one.
    next_cursor: Option<String>,
    /// The statement.
    sql: String,
    /// How long it took.
    elapsed_ms: u64,
}

/// `query_database`
pub fn query_database(
    database: &Database,
    args: QueryArgs,
    stop: &CancellationToken,
) -> Result<Answer<Rows>, Refusal> {
    let QueryArgs { sql, limit, .. } = args;
    let params = args.params.unwrap_or_default();
    for (n, param) in params.iter().enumerate() {
        value::check(param, &format!("params[{n}]"))?;
    }
    let skip = args.cursor.map(|text| cursor::read(&text, &sql, &params));
    let skip = skip.transpose().map_err(Refusal::new)?.unwrap_or(0);
    let query = Query {
        sql,
        params,
        limit: limit.unwrap_or(DEFAULT_ROWS),
        max_bytes: MAX_BYTES,
        skip,
    };
    let began = Instant::now();
    let page = database.engine.query(&query, &database.bounds(stop))?;
    if page.more && page.rows.is_empty() {
        return Err(Refusal(format!(
            "Row {} alone is larger than 1 MiB. Select fewer columns, or a part with substr().",
            skip + 1
        )));
    }
    let seen = skip.saturating_add(page.rows.len() as u64);
    let rows = Rows {
        row_count: page.rows.len(),
        truncated: page.more,
        next_cursor: page
            .more
            .then(|| cursor::write(&query.sql, &query.params, seen)),
        columns: page.columns,
        rows: page.rows,
        sql: query.sql,
        elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    let text = rows.text(skip);
    Ok(Answer::new(rows, text))
}

impl Rows {
    fn text(&self, skip: u64) -> String {
        let names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let n = self.row_count;
        let count = match (n, skip) {
            (1, 0) => "1 row".to_owned(),
            (n, 0) => format!("{n} rows"),
            (0, skip) => format!("no rows after the first {skip}"),
            (n, skip) => format!("rows {} to {}", skip + 1, skip + n as u64),
        };
        let more = self.next_cursor.as_ref().map(|cursor| {
            format!("; there are more: narrow the query, or send it again with cursor {cursor}")
        });
        format!(
            "{}({count}{})",
            aligned(&names, &self.rows),
            more.unwrap_or_default()
        )
    }
}
