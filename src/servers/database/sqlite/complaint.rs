//! What the engine said, as a sentence with a next step: where in the statement, and the nearest name there is.

use std::time::Duration;

use rusqlite::{Connection, Error, ErrorCode};

use crate::servers::database::schema::{column_names, table_names};
use crate::servers::nearest::nearest;
use crate::servers::toolbox::Refusal;

/// The engine's refusal in a sentence.
pub fn complaint(connection: &Connection, error: &Error, deadline: Duration) -> Refusal {
    let (message, place) = match error {
        Error::SqlInputError {
            msg, sql, offset, ..
        } => (msg.clone(), near(sql, *offset)),
        Error::SqliteFailure(_, Some(message)) => (message.clone(), String::new()),
        other => (other.to_string(), String::new()),
    };
    let sentence = match error.sqlite_error_code() {
        Some(ErrorCode::AuthorizationForStatementDenied) => format!(
            "Refused: query_database only reads, and the database engine says that this statement does more ({message}). Use SELECT; insert_record adds a row."
        ),
        // A forbidden function is told in words alone.
        _ if message.starts_with("not authorized") => {
            format!("Refused: query_database only reads, and the database engine says: {message}.")
        }
        Some(ErrorCode::ReadOnly) => format!(
            "Refused by the database: {message}. query_database only reads, and a write-protected file takes no rows."
        ),
        Some(ErrorCode::OperationInterrupted) => format!(
            "The query was ended: it ran longer than {} s, or the client cancelled it. Ask for less: add a WHERE, an index or a LIMIT.",
            deadline.as_secs_f32()
        ),
        Some(ErrorCode::OutOfMemory) => {
            "The query was ended because it needed too much memory. Ask for less.".to_owned()
        }
        Some(ErrorCode::TooBig) => {
            "The query was ended because a value or the statement itself is too long.".to_owned()
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "The database is locked by another program. Try again in a moment.".to_owned()
        }
        _ => format!(
            "The database says: {message}{place}.{}",
            hint(connection, &message)
        ),
    };
    Refusal(sentence)
}

/// The words at the offset that the engine names.
fn near(sql: &str, offset: i32) -> String {
    let at = usize::try_from(offset)
        .ok()
        .and_then(|offset| sql.get(offset..));
    let words: String = at.unwrap_or_default().chars().take(30).collect();
    if words.trim().is_empty() {
        String::new()
    } else {
        format!(", at `{}`", words.trim())
    }
}

fn hint(connection: &Connection, message: &str) -> String {
    if let Some(table) = message.strip_prefix("no such table: ") {
        return no_such_table(connection, table);
    }
    if let Some(column) = message.strip_prefix("no such column: ") {
        // The engine may add advice of its own after the name.
        let column = column.split([' ', '-']).next().unwrap_or(column);
        let column = column.rsplit('.').next().unwrap_or(column);
        let known = table_names(connection)
            .into_iter()
            .flat_map(|(table, _)| column_names(connection, &table))
            .collect::<Vec<_>>();
        let near = nearest(column, known.iter().map(String::as_str));
        return near.map_or_else(
            || " get_table_schema shows the columns of a table.".to_owned(),
            |name| format!(" Did you mean `{name}`?"),
        );
    }
    String::new()
}

/// What to say about a table that is not there.
pub fn no_such_table(connection: &Connection, table: &str) -> String {
    let tables = table_names(connection);
    let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
    let near = nearest(table, names.iter().copied());
    let near = near
        .map(|name| format!(" Did you mean `{name}`?"))
        .unwrap_or_default();
    let shown: Vec<&str> = names.iter().copied().take(50).collect();
    if shown.is_empty() {
        return " The database has no tables.".to_owned();
    }
    format!("{near} The tables are: {}.", shown.join(", "))
}
