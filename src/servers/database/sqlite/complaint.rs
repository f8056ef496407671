//! What the engine said, as a sentence with a next step: where in the statement, and the nearest name there is. Pure.

use std::time::Instant;

use rusqlite::{Error, ErrorCode};

use crate::servers::database::catalogue::Catalogue;
use crate::servers::database::engine::Bounds;
use crate::servers::database::place;
use crate::servers::database::sqlite::guard::BUSY;
use crate::servers::toolbox::Refusal;

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// A statement that may only read.
    Reading,
    /// A change of rows.
    Changing,
    /// A script.
    Scripting,
}

/// What the complaint is about.
pub struct About<'a> {
    /// What was being done.
    pub doing: Doing,
    /// The statement or script that the client wrote; empty when it wrote none.
    pub sql: &'a str,
    /// What there is, when it could be read.
    pub catalogue: Option<&'a Catalogue>,
    /// The bounds of the call.
    pub bounds: &'a Bounds<'a>,
}

/// The engine's refusal in a sentence.
pub fn complaint(error: &Error, about: &About<'_>) -> Refusal {
    let (message, place) = words(error, about.sql);
    let sentence = match error.sqlite_error_code() {
        Some(ErrorCode::AuthorizationForStatementDenied) => forbidden(about.doing, &message, &place),
        // A forbidden function is told in words alone.
        _ if message.starts_with("not authorized") => forbidden(about.doing, &message, &place),
        Some(ErrorCode::ReadOnly) => match about.doing {
            Doing::Reading => forbidden(about.doing, &message, &place),
            Doing::Changing | Doing::Scripting => format!(
                "Refused by the database: {message}. The file, or the folder that it lies in, is write-protected."
            ),
        },
        Some(ErrorCode::OperationInterrupted) => ended(about.bounds),
        Some(ErrorCode::OutOfMemory) => {
            "The statement was ended because it needed too much memory: all that run at the same time share 256 MiB. Ask for less, or, if it is a small one, try it again.".to_owned()
        }
        Some(ErrorCode::TooBig) => "The statement was ended because a value or the statement itself is too long (32 MiB and 256 KiB are allowed). Ask for length() or a part of the value.".to_owned(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => locked(about.bounds),
        _ => format!("The database says: {message}{place}.{}", hint(about.catalogue, &message)),
    };
    Refusal(sentence)
}

/// The engine's message, and the place in what the client wrote.
fn words(error: &Error, written: &str) -> (String, String) {
    match error {
        Error::SqlInputError {
            msg, sql, offset, ..
        } => {
            // The engine saw the end of what was written (the rest of a script), or it with a word of ours before.
            let offset = usize::try_from(*offset).ok();
            let offset = offset.and_then(|at| (written.len() + at).checked_sub(sql.len()));
            let place = offset.map(|offset| place::at_byte(written, offset));
            (msg.clone(), place.unwrap_or_default())
        }
        Error::SqliteFailure(_, Some(message)) => (message.clone(), String::new()),
        Error::InvalidParameterCount(given, wanted) => (
            format!("the statement has {wanted} parameters, and `params` holds {given} values"),
            String::new(),
        ),
        other => (other.to_string(), String::new()),
    }
}

fn forbidden(doing: Doing, message: &str, place: &str) -> String {
    match doing {
        Doing::Reading => format!(
            "Refused: query_database only reads, and the database engine says that this statement does more ({message}{place}). Use SELECT; other tools change rows, where they are offered."
        ),
        Doing::Changing => format!("Refused by the database: {message}{place}."),
        Doing::Scripting => format!(
            "Refused: a script works on the tables of this database, within one transaction of ours; it opens no other file, ends no transaction, changes no setting and loads no code ({message}{place})."
        ),
    }
}

fn ended(bounds: &Bounds<'_>) -> String {
    if bounds.stop.is_cancelled() {
        return "The call was ended: the client cancelled it.".to_owned();
    }
    format!(
        "The call was ended: it ran longer than {} s. Ask for less: add a WHERE, an index or a LIMIT.",
        bounds.time.as_secs_f32()
    )
}

fn locked(bounds: &Bounds<'_>) -> String {
    if bounds.stop.is_cancelled() || Instant::now() >= bounds.until {
        return format!(
            "{} It was waiting for another program that writes to the database.",
            ended(bounds)
        );
    }
    format!(
        "The database is locked: another program has been writing to it for {} s. Nothing was changed here. Try again in a moment.",
        BUSY.as_secs()
    )
}

fn hint(catalogue: Option<&Catalogue>, message: &str) -> String {
    let Some(catalogue) = catalogue else {
        return String::new();
    };
    if let Some(table) = message.strip_prefix("no such table: ") {
        let table = table.strip_prefix("main.").unwrap_or(table);
        return catalogue.tables_hint(table);
    }
    if let Some(column) = message.strip_prefix("no such column: ") {
        // The engine may add advice of its own after the name.
        let column = column.split(" - ").next().unwrap_or(column);
        let column = column.rsplit('.').next().unwrap_or(column);
        return catalogue.columns_hint(column.trim_matches('"'));
    }
    String::new()
}
