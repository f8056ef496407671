//! Changes of rows, each in a transaction of its own.

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, TransactionBehavior};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::servers::database::catalogue::{Kind, Relation, quoted};
use crate::servers::database::engine::{Change, Changed, Deed};
use crate::servers::database::sqlite::read::{cell, json_of};
use crate::servers::database::sqlite::{Trouble, describe};
use crate::servers::database::statement::{Dialect, build};
use crate::servers::toolbox::Refusal;

/// `OR ABORT` overrules what the table says of conflicts: its `ON CONFLICT REPLACE` would remove the row that is there.
const SQLITE: Dialect = Dialect {
    mark: |_| "?".to_owned(),
    conflict: " OR ABORT",
    as_text: str::to_owned,
};

/// Inserts, updates or deletes.
pub fn change(
    connection: &mut Connection,
    change: &Change,
    dry_run: bool,
    stop: &CancellationToken,
) -> Result<Changed, Trouble> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // What is not committed is rolled back when it goes out of sight.
    let before = if dry_run { late(&transaction)? } else { 0 };
    let changed = match &change.deed {
        Deed::Insert(_) => insert(&transaction, change)?,
        Deed::Update(..) | Deed::Delete(_) => {
            let (sql, values) = statement(change);
            let rows = transaction.execute(&sql, rusqlite::params_from_iter(values))?;
            Changed {
                rows: rows as u64,
                key: Map::new(),
            }
        }
    };
    if let Some(most) = change.max_rows.filter(|most| changed.rows > *most) {
        return Err(Trouble::Ours(Refusal(format!(
            "It would touch {} rows of `{}`, and `max_rows` is {most}. Nothing has changed. Narrow `where`, or raise `max_rows`.",
            changed.rows, change.table.shown
        ))));
    }
    if stop.is_cancelled() {
        return Err(Trouble::Ours(Refusal::new(
            "The client cancelled it. Nothing has changed.",
        )));
    }
    if !dry_run {
        transaction.commit()?;
    } else if late(&transaction)? > before {
        return Err(Trouble::Ours(Refusal::new(
            "It would be refused at the end: FOREIGN KEY constraint failed. Nothing has changed.",
        )));
    }
    Ok(changed)
}

/// Rows whose foreign key points nowhere, where such a key may be checked as late as at the end of the transaction, to which a
/// dry run never comes.
fn late(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT CASE WHEN EXISTS (SELECT 1 FROM sqlite_schema WHERE sql LIKE '%DEFERRED%') \
               THEN (SELECT count(*) FROM pragma_foreign_key_check) ELSE 0 END";
    connection.query_row(sql, [], |row| row.get(0))
}

fn statement(change: &Change) -> (String, Vec<Cell>) {
    let built = build(change, SQLITE);
    (built.sql, built.values.iter().map(cell).collect())
}

fn insert(connection: &Connection, change: &Change) -> Result<Changed, Trouble> {
    let table = &change.table;
    let (sql, values) = statement(change);
    if table.kind == Kind::Foreign {
        let rows = connection.execute(&sql, rusqlite::params_from_iter(values))?;
        let mut key = Map::new();
        key.insert("rowid".to_owned(), connection.last_insert_rowid().into());
        return Ok(Changed {
            rows: rows as u64,
            key,
        });
    }
    let names = key_columns(connection, table)?;
    let back: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    let sql = match back.is_empty() {
        true => sql,
        false => format!("{sql} RETURNING {}", back.join(", ")),
    };
    let mut prepared = connection.prepare(&sql)?;
    let mut rows = prepared.query(rusqlite::params_from_iter(values))?;
    let mut key = Map::new();
    while let Some(row) = rows.next()? {
        for (index, name) in names.iter().enumerate() {
            let value: Value = json_of(row.get_ref(index)?);
            key.insert(name.clone(), value);
        }
    }
    drop(rows);
    Ok(Changed {
        rows: connection.changes(),
        key,
    })
}

/// What tells a row of the table from all others: its primary key, else its number by a name that no column has.
fn key_columns(connection: &Connection, table: &Relation) -> Result<Vec<String>, Trouble> {
    let key = describe::primary_key(connection, &table.name)?;
    if !key.is_empty() || !describe::has_rowid(connection, &table.name)? {
        return Ok(key);
    }
    let free = ["rowid", "_rowid_", "oid"].into_iter().find(|name| {
        let taken = |column: &str| column.eq_ignore_ascii_case(name);
        !table.columns.iter().any(|field| taken(&field.name))
    });
    Ok(free.map(str::to_owned).into_iter().collect())
}
