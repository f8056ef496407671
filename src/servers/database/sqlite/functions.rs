//! The engine's own functions that compare each byte of one value with each byte of another, with a bound on that work.
//!
//! While such a function runs, the engine looks at no clock: two values of some megabytes would hold a thread for hours. Each
//! is replaced by one that first looks at the sizes, and then asks the engine's own on a connection kept for that. `LIKE`, which
//! many queries run on every row, is done here.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result};

use crate::servers::database::sqlite::guard;
use crate::servers::database::sqlite::like::{Outcome, like};

/// Bytes of one value times bytes of the other. The slowest of the functions needs about a nanosecond for each.
const MOST_WORK: u64 = 1_000_000_000;

/// Steps of one LIKE, each of some nanoseconds: enough to look once at each character of the longest text.
const MOST_STEPS: u64 = 40_000_000;

/// Bytes of a pattern that is matched here; a longer one is for the engine's own, which has a limit.
const MOST_PATTERN: usize = 1000;

/// Each function with its arguments; the work grows with the sizes of the first two.
const SLOW: [(&str, &str); 8] = [
    ("glob", "?1, ?2"),
    ("instr", "?1, ?2"),
    ("replace", "?1, ?2, ?3"),
    ("trim", "?1, ?2"),
    ("ltrim", "?1, ?2"),
    ("rtrim", "?1, ?2"),
    ("unhex", "?1, ?2"),
    ("json_patch", "?1, ?2"),
];

/// What marks a text as JSON for the function that takes it next.
const JSON_SUBTYPE: u32 = 'J' as u32;

/// Replaces the functions on this connection.
///
/// # Errors
/// The engine refused a function.
pub fn bound(connection: &Connection) -> Result<()> {
    let own = Connection::open_in_memory()?;
    guard::sizes(&own)?;
    let own = Arc::new(Mutex::new(own));
    for arguments in ["?1, ?2", "?1, ?2, ?3"] {
        let (own, sql) = (own.clone(), format!("SELECT like({arguments})"));
        let count = i32::try_from(arguments.matches('?').count()).unwrap_or(2);
        connection.create_scalar_function(
            "like",
            count,
            flags(),
            move |context| match quick_like(context) {
                Some(Outcome::Matches(yes)) => Ok(Value::Integer(i64::from(yes))),
                Some(Outcome::TooMuch) => Err(too_much("LIKE")),
                None if work(context) > MOST_WORK / 10 => Err(too_much("LIKE")),
                None => ask(&own, &sql, context),
            },
        )?;
    }
    replace_slow(connection, &own)
}

fn flags() -> FunctionFlags {
    FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS
        | FunctionFlags::SQLITE_RESULT_SUBTYPE
}

/// Of two texts, and an escape of one character if there is one; the engine's own decides the rest.
fn quick_like(context: &Context<'_>) -> Option<Outcome> {
    let text = |n: usize| match context.get_raw(n) {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    };
    let (pattern, value) = (text(0)?, text(1)?);
    if pattern.len() > MOST_PATTERN {
        return None;
    }
    let escape = match context.len() {
        3 => {
            let mut characters = text(2)?.chars();
            match (characters.next(), characters.next()) {
                (Some(only), None) => Some(only),
                _ => return None,
            }
        }
        _ => None,
    };
    Some(like(pattern, value, escape, MOST_STEPS))
}

/// What the engine's own function says.
fn ask(own: &Mutex<Connection>, sql: &str, context: &Context<'_>) -> Result<Value> {
    let own = own.lock().unwrap_or_else(PoisonError::into_inner);
    let mut statement = own.prepare_cached(sql)?;
    let values = (0..context.len()).map(|n| Raw(context.get_raw(n)));
    statement.query_row(rusqlite::params_from_iter(values), |row| row.get(0))
}

fn replace_slow(connection: &Connection, own: &Arc<Mutex<Connection>>) -> Result<()> {
    for (name, arguments) in SLOW {
        let own = own.clone();
        let sql = format!("SELECT {name}({arguments})");
        let count = i32::try_from(arguments.matches('?').count()).unwrap_or(2);
        let subtype = (name == "json_patch").then_some(JSON_SUBTYPE);
        connection.create_scalar_function(name, count, flags(), move |context| {
            if work(context) > MOST_WORK {
                return Err(too_much(name));
            }
            let value = ask(&own, &sql, context)?;
            let subtype = subtype.filter(|_| value != Value::Null);
            Ok((value, subtype))
        })?;
    }
    Ok(())
}

fn work(context: &Context<'_>) -> u64 {
    let size = |n: usize| match context.get_raw(n) {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() as u64,
        // A number has a few digits.
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 24,
    };
    size(0).saturating_mul(size(1))
}

fn too_much(name: &str) -> Error {
    let message = format!(
        "{name}() was ended before it began: its values are too long to be compared byte by byte; shorten them with substr()"
    );
    Error::UserFunctionError(message.into())
}

/// A value that goes on as it came, whatever its bytes are.
struct Raw<'a>(ValueRef<'a>);

impl rusqlite::ToSql for Raw<'_> {
    fn to_sql(&self) -> Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(self.0))
    }
}
