//! One statement that reads: its rows as values, or its plan. On a connection that can only read.

use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, Error, Statement};
use serde_json::{Number, Value, json};

use crate::servers::database::engine::{Column, Page, Plan, Query, Step};
use crate::servers::database::sqlite::Trouble;
use crate::servers::toolbox::Refusal;

/// The rows of a query.
pub fn query(connection: &Connection, query: &Query) -> Result<Page, Trouble> {
    let mut statement = prepare(connection, &query.sql)?;
    Ok(page(&mut statement, query)?)
}

/// Prepares exactly one statement that gives rows and only reads.
fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<Statement<'c>, Trouble> {
    let ours = |message: &str| Trouble::Ours(Refusal::new(message));
    if sql.contains('\0') {
        return Err(ours("`sql` contains a NUL character."));
    }
    let statement = connection.prepare(sql).map_err(|error| match error {
        Error::MultipleStatement => {
            ours("Send one statement at a time; there is a second one after the first.")
        }
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

fn page(statement: &mut Statement<'_>, query: &Query) -> Result<Page, Error> {
    let columns = statement.columns().map(|column| Column {
        name: column.name().to_owned(),
        kind: column.decl_type().unwrap_or_default().to_owned(),
    });
    let mut page = Page {
        columns: columns.collect(),
        ..Page::default()
    };
    let (mut bytes, mut skipped) = (0, 0);
    let params = query.params.iter().map(cell);
    let mut cursor = statement.query(rusqlite::params_from_iter(params))?;
    while let Some(row) = cursor.next()? {
        if skipped < query.skip {
            skipped += 1;
            continue;
        }
        if page.rows.len() == query.limit {
            page.more = true;
            break;
        }
        let mut values = Vec::with_capacity(page.columns.len());
        for (index, column) in page.columns.iter_mut().enumerate() {
            let value = row.get_ref(index)?;
            if column.kind.is_empty() && !matches!(value, ValueRef::Null) {
                column.kind = value.data_type().to_string().to_uppercase();
            }
            bytes += size(value);
            if bytes > query.max_bytes {
                page.more = true;
                return Ok(page);
            }
            values.push(json_of(value));
        }
        page.rows.push(values);
    }
    Ok(page)
}

/// A JSON value as the engine takes it. What it has no kind for has been refused before.
pub fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(yes) => Cell::Integer(i64::from(*yes)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cell::Integer(whole),
            (None, Some(real)) => Cell::Real(real),
            (None, None) => Cell::Text(number.to_string()),
        },
        Value::String(text) => Cell::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Cell::Text(value.to_string()),
    }
}

/// The engine's value as JSON: whole numbers to the last digit, reals as the shortest text that reads back the same.
pub fn json_of(value: ValueRef<'_>) -> Value {
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

/// Bytes of the value as JSON, about.
fn size(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => 24,
        // A control character takes six.
        ValueRef::Text(text) => {
            let escaped = text
                .iter()
                .filter(|b| **b < 32 || **b == b'"' || **b == b'\\');
            text.len() + 3 + 5 * escaped.count()
        }
    }
}

/// How the engine would run a query.
pub fn explain(connection: &Connection, query: &Query) -> Result<Plan, Trouble> {
    let sql = format!("EXPLAIN QUERY PLAN {}", query.sql);
    let mut statement = prepare(connection, &sql)?;
    let params = query.params.len().min(statement.parameter_count());
    for (index, value) in query.params.iter().take(params).enumerate() {
        statement.raw_bind_parameter(index + 1, cell(value))?;
    }
    let mut lines: Vec<(i64, i64, String)> = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        lines.push((row.get(0)?, row.get(1)?, row.get(3)?));
    }
    Ok(Plan {
        steps: below(0, &lines, lines.len()),
        hints: lines
            .iter()
            .filter_map(|(_, _, detail)| hint(detail))
            .collect(),
    })
}

/// The steps whose parent has this number. `depth` ends a tree that bites its tail.
fn below(parent: i64, lines: &[(i64, i64, String)], depth: usize) -> Vec<Step> {
    let children = lines
        .iter()
        .filter(|(id, of, _)| *of == parent && *id != parent);
    children
        .map(|(id, _, detail)| Step {
            detail: detail.clone(),
            rows: None,
            cost: None,
            steps: match depth {
                0 => Vec::new(),
                _ => below(*id, lines, depth - 1),
            },
        })
        .collect()
}

/// What a person who tunes queries would say about a step.
fn hint(detail: &str) -> Option<String> {
    if let Some(scan) = detail.strip_prefix("SCAN ") {
        let (name, how) = scan.split_once(" USING ").unwrap_or((scan, ""));
        let rows_of_none = ["CONSTANT ROW", "VIRTUAL TABLE"];
        if how.is_empty() && !rows_of_none.iter().any(|other| scan.contains(other)) {
            return Some(format!(
                "`{name}` is read from its first row to its last: with many rows, an index on the columns of the WHERE or JOIN would help."
            ));
        }
    }
    if let Some(what) = detail.strip_prefix("USE TEMP B-TREE FOR ") {
        return Some(format!(
            "The rows are sorted for {what} while the query runs: an index in that order would save it."
        ));
    }
    if detail.contains(" AUTOMATIC ") {
        return Some(format!(
            "The database builds an index for this one run ({detail}): a lasting one would save it."
        ));
    }
    None
}
