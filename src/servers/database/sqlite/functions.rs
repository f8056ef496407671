//! The engine's own functions that compare each byte of one value with each byte of another, with a bound on that work.
//!
//! While such a function runs, the engine looks at no clock: two values of some megabytes would hold a thread for hours. Each
//! is replaced by one that first looks at the sizes, and then asks the engine's own on a connection kept for that.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result};

use crate::servers::database::sqlite::guard;

/// Bytes of one value times bytes of the other. The slowest of the functions needs about a nanosecond for each.
const MOST_WORK: u64 = 1_000_000_000;

/// Each function with its arguments; the work grows with the sizes of the first two.
const SLOW: [(&str, &str); 7] = [
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
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS
        | FunctionFlags::SQLITE_RESULT_SUBTYPE;
    for (name, arguments) in SLOW {
        let own = own.clone();
        let sql = format!("SELECT {name}({arguments})");
        let count = i32::try_from(arguments.matches('?').count()).unwrap_or(2);
        let subtype = (name == "json_patch").then_some(JSON_SUBTYPE);
        connection.create_scalar_function(name, count, flags, move |context| {
            if work(context) > MOST_WORK {
                return Err(too_much(name));
            }
            let own = own.lock().unwrap_or_else(PoisonError::into_inner);
            let mut statement = own.prepare_cached(&sql)?;
            let values = (0..context.len()).map(|n| context.get_raw(n));
            let value: Value = statement
                .query_row(rusqlite::params_from_iter(values.map(Raw)), |row| {
                    row.get(0)
                })?;
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
