//! `insert_record`: one row, its values as parameters and its names checked against the catalogue.

use std::time::Instant;

use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::servers::database::Database;
use crate::servers::database::query::cell;
use crate::servers::database::schema::{column_names, is_view, quoted, real_name};
use crate::servers::database::sqlite::complaint::{complaint, no_such_table};
use crate::servers::database::sqlite::guard;
use crate::servers::nearest::nearest;
use crate::servers::toolbox::{Answer, Refusal};

/// Arguments of `insert_record`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InsertArgs {
    /// The table.
    table: String,
    /// The value of each column: a text, number, boolean or null. A column left out gets its default.
    values: Map<String, Value>,
}

/// The row that is new.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Inserted {
    /// The table.
    table: String,
    /// The row's number in the table.
    rowid: i64,
    /// Always 1.
    inserted: usize,
}

/// `insert_record`
pub fn insert_record(
    database: &Database,
    args: InsertArgs,
    stop: &CancellationToken,
) -> Result<Answer<Inserted>, Refusal> {
    let opened = database.source.writer();
    let mut connection =
        opened.map_err(|e| Refusal(format!("Cannot open the database for writing: {e}.")))?;
    let bounded = guard::bound(&mut connection, Instant::now() + database.deadline, stop);
    let engine = |error: rusqlite::Error| complaint(&connection, &error, database.deadline);
    bounded.map_err(engine)?;
    let table = table(&connection, &args.table)?;
    let values = checked(&connection, &table, &args.values)?;
    let sql = statement(&table, &values);
    let cells = rusqlite::params_from_iter(values.iter().map(|(_, value)| value));
    let inserted = connection.execute(&sql, cells).map_err(engine)?;
    if inserted == 0 {
        return Err(Refusal(format!(
            "No row was inserted into `{table}`: a trigger of the database ignored it."
        )));
    }
    let rowid = connection.last_insert_rowid();
    let text = format!("Inserted 1 row into `{table}` (rowid {rowid}).");
    let data = Inserted {
        table,
        rowid,
        inserted,
    };
    Ok(Answer::new(data, text))
}

fn table(connection: &Connection, wanted: &str) -> Result<String, Refusal> {
    let found = real_name(connection, wanted).ok_or_else(|| {
        let hint = no_such_table(connection, wanted);
        Refusal(format!("There is no table `{wanted}`.{hint}"))
    })?;
    if is_view(connection, &found).unwrap_or(false) {
        return Err(Refusal(format!(
            "`{found}` is a view; insert into the table behind it."
        )));
    }
    Ok(found)
}

fn checked<'v>(
    connection: &Connection,
    table: &str,
    values: &'v Map<String, Value>,
) -> Result<Vec<(&'v str, Cell)>, Refusal> {
    let known = column_names(connection, table);
    let mut checked = Vec::with_capacity(values.len());
    for (name, value) in values {
        if !known.iter().any(|column| column.eq_ignore_ascii_case(name)) {
            let near = nearest(name, known.iter().map(String::as_str));
            let near = near
                .map(|name| format!(" Did you mean `{name}`?"))
                .unwrap_or_default();
            return Err(Refusal(format!(
                "`{table}` has no column `{name}`.{near} Its columns are: {}.",
                known.join(", ")
            )));
        }
        let value = cell(value).ok_or_else(|| {
            Refusal(format!(
                "`values/{name}` must be a text, a number that fits 64 bits, a boolean or null."
            ))
        })?;
        checked.push((name.as_str(), value));
    }
    Ok(checked)
}

/// `OR ABORT` overrules what the table says of conflicts: its `ON CONFLICT REPLACE` would remove the row that is there.
fn statement(table: &str, values: &[(&str, Cell)]) -> String {
    let table = quoted(table);
    if values.is_empty() {
        return format!("INSERT OR ABORT INTO {table} DEFAULT VALUES");
    }
    let names: Vec<String> = values.iter().map(|(name, _)| quoted(name)).collect();
    let marks = vec!["?"; values.len()].join(", ");
    format!(
        "INSERT OR ABORT INTO {table} ({}) VALUES ({marks})",
        names.join(", ")
    )
}
