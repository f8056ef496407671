//! A query: one statement that reads, its rows through a cursor, bounded in rows and bytes.
//!
//! The statement goes alone through the extended protocol, which takes no second one. Behind `DECLARE ... CURSOR FOR` the server
//! takes a query and nothing else, and no query that changes data. The rows come as the server's texts, in small batches.

use serde_json::Value;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow, Statement};

use crate::servers::database::engine::{Bounds, Column, Page, Query};
use crate::servers::database::postgres::PostgreSql;
use crate::servers::database::postgres::complaint::Asked;
use crate::servers::database::postgres::value::{Parameter, exact, json_of, kind_name};
use crate::servers::postgres::Trouble;
use crate::servers::toolbox::Refusal;

/// What stands before the statement.
const DECLARE: &str = "DECLARE mcpdeck_page NO SCROLL CURSOR FOR ";

/// Rows and bytes that one batch may bring; how large rows are is known only when the first is here.
const BATCH_ROWS: usize = 256;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

impl PostgreSql {
    /// Runs a query.
    pub fn read_page(&self, query: &Query, bounds: &Bounds<'_>) -> Result<Page, Refusal> {
        let page = self.reading(bounds, async |client| page(client, query).await);
        page.map_err(|trouble| self.complaint(trouble, &Asked::query(&query.sql), bounds))
    }
}

async fn page(client: &Client, query: &Query) -> Result<Page, Trouble> {
    let statement = client.prepare(&query.sql).await?;
    declare(client, query, &statement).await?;
    if query.skip > 0 {
        let skip = format!("MOVE FORWARD {} FROM mcpdeck_page", query.skip);
        client.batch_execute(&skip).await?;
    }
    let kinds: Vec<Type> = statement
        .columns()
        .iter()
        .map(|c| c.type_().clone())
        .collect();
    let columns = statement.columns().iter().map(|column| Column {
        name: column.name().to_owned(),
        kind: kind_name(column.type_()),
    });
    let mut page = Page {
        columns: columns.collect(),
        ..Page::default()
    };
    fill(client, query, &kinds, &mut page).await?;
    Ok(page)
}

async fn declare(client: &Client, query: &Query, statement: &Statement) -> Result<(), Trouble> {
    let parameters = parameters(&query.params, statement)?;
    let typed: Vec<(&(dyn ToSql + Sync), Type)> = parameters
        .iter()
        .zip(statement.params())
        .map(|(parameter, kind)| (parameter as &(dyn ToSql + Sync), kind.clone()))
        .collect();
    let declared = client
        .execute_typed(&format!("{DECLARE}{}", query.sql), &typed)
        .await;
    match declared {
        Ok(_) => Ok(()),
        // The server has just read the statement well by itself: so it is one of another kind.
        Err(error) if error.code().is_some_and(|code| code.code() == "42601") => Err(Trouble::Ours(
            "Refused: query_database only reads, and the server takes this statement for no query. Use SELECT, WITH, VALUES or TABLE; explain_query shows a plan, and current_setting('NAME') a setting.".to_owned(),
        )),
        Err(error) => Err(error.into()),
    }
}

/// The values for a statement's parameters.
pub fn parameters(values: &[Value], statement: &Statement) -> Result<Vec<Parameter>, Trouble> {
    let (given, wanted) = (values.len(), statement.params().len());
    if given != wanted {
        return Err(Trouble::Ours(format!(
            "The statement has {wanted} parameters ($1, $2, ...), and `params` has {given} values."
        )));
    }
    for (value, kind) in values.iter().zip(statement.params()) {
        exact(value, kind).map_err(Trouble::Ours)?;
    }
    Ok(values.iter().map(Parameter::of).collect())
}

async fn fill(
    client: &Client,
    query: &Query,
    kinds: &[Type],
    page: &mut Page,
) -> Result<(), Trouble> {
    let (mut bytes, mut widest, mut batch) = (0, 1, 1);
    loop {
        // One more than wanted tells whether there are more.
        let wanted = batch.min(query.limit.saturating_add(1) - page.rows.len());
        let fetch = format!("FETCH FORWARD {wanted} FROM mcpdeck_page");
        let mut came = 0;
        for message in client.simple_query(&fetch).await? {
            let SimpleQueryMessage::Row(row) = message else {
                continue;
            };
            came += 1;
            let (values, wire) = values(&row, kinds)?;
            widest = widest.max(wire);
            bytes += values.iter().map(size).sum::<usize>() + 2;
            if page.rows.len() == query.limit || bytes > query.max_bytes {
                page.more = true;
                return Ok(());
            }
            page.rows.push(values);
        }
        if came < wanted {
            return Ok(());
        }
        batch = (BATCH_BYTES / widest).clamp(1, BATCH_ROWS);
    }
}

/// A row's values, and how many bytes came for them.
fn values(row: &SimpleQueryRow, kinds: &[Type]) -> Result<(Vec<Value>, usize), Trouble> {
    let (mut values, mut wire) = (Vec::with_capacity(kinds.len()), 0);
    for (index, kind) in kinds.iter().enumerate() {
        let text = row.try_get(index).map_err(|_| {
            Trouble::Ours(format!(
                "Column {} of a row is no UTF-8 text, which a database in the encoding SQL_ASCII may hold. Convert it with convert_to().",
                index + 1
            ))
        })?;
        wire += text.map_or(4, str::len);
        values.push(json_of(kind, text));
    }
    Ok((values, wire))
}

/// Bytes of a value as JSON, with its comma.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => {
            // Each of these takes two bytes or more when written.
            let more = text.bytes().filter(|b| matches!(b, b'"' | b'\\' | 0..=31));
            text.len() + more.count() + 3
        }
        other => other.to_string().len() + 1,
    }
}
