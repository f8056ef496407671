//! What makes a connection read-only by the word of the engine, and what bounds a statement.
//!
//! Several walls, each enough for most attacks: the file is opened read-only (`source`), `query_only`, an authorizer that names
//! what is allowed, limits of length and memory, a deadline. The text of a statement is never looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, Result};

use crate::servers::database::engine::Bounds;
use crate::servers::database::sqlite::functions;

/// Bytes of one value or row.
const MAX_LENGTH: i32 = 32 * 1024 * 1024;

/// Bytes of one statement, or of a script.
const MAX_SQL: i32 = 256 * 1024;

/// Bytes of the pattern of a LIKE or GLOB.
const MAX_PATTERN: i32 = 1000;

/// Bytes that the engine may hold in this process.
const MAX_HEAP: i64 = 256 * 1024 * 1024;

/// Steps of the engine between two looks at the clock.
const STEPS: i32 = 1000;

/// How long a statement waits for another program that writes.
pub const BUSY: Duration = Duration::from_secs(5);

/// How long it waits between two looks at the lock and at the client.
const NAP: Duration = Duration::from_millis(5);

/// Pragmas that only tell about the schema, with an argument or without.
const TELLING: [&str; 7] = [
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
];

/// Pragmas that tell when they have no argument, and change something when they have one.
const TELLING_WITHOUT_ARGUMENT: [&str; 7] = [
    "application_id",
    "encoding",
    "foreign_keys",
    "page_count",
    "page_size",
    "schema_version",
    "user_version",
];

/// Pragmas that a script may set: they are part of its transaction.
const SETTABLE: [&str; 3] = ["application_id", "defer_foreign_keys", "user_version"];

/// Functions that load foreign code, or that speak to whoever runs the engine.
const FORBIDDEN: [&str; 3] = ["load_extension", "fts3_tokenizer", "sqlite_log"];

/// Lets statements of our own through the authorizer: a module behind a virtual table prepares statements that write when it is
/// first looked at, though none of them runs.
#[derive(Debug, Clone, Default)]
pub struct Door(Arc<AtomicBool>);

impl Door {
    /// Runs `work` with the authorizer asleep. The other walls stand.
    pub fn open<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.store(true, Ordering::Relaxed);
        let outcome = work();
        self.0.store(false, Ordering::Relaxed);
        outcome
    }

    fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes the connection read-only for good.
///
/// # Errors
/// The engine refused a setting, or the file is no database.
pub fn read_only(connection: &mut Connection) -> Result<Door> {
    limits(connection)?;
    connection.pragma_update(None, "query_only", true)?;
    // Reads the schema, which is where a file that is no database shows itself.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let door = Door::default();
    let watched = door.clone();
    connection.authorizer(Some(move |context: AuthContext<'_>| {
        verdict(watched.is_open() || may_read(&context.action))
    }))?;
    Ok(door)
}

/// Lets scripts do what they like with the tables, and nothing else: no other file, no end of their transaction, no setting.
///
/// # Errors
/// The engine refused the authorizer.
pub fn scripted(connection: &mut Connection) -> Result<()> {
    connection.authorizer(Some(|context: AuthContext<'_>| {
        verdict(may_script(&context.action))
    }))
}

/// Takes the authorizer of `scripted` away.
///
/// # Errors
/// The engine refused it.
pub fn unscripted(connection: &mut Connection) -> Result<()> {
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
}

/// Bounds length, nesting and memory, and guards the engine's own tables.
///
/// # Errors
/// The engine refused a limit.
pub fn limits(connection: &Connection) -> Result<()> {
    // No row goes into the tables that an index for full text keeps for itself: that would break it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // What a statement sorts or gathers stays in memory, where it is bounded, and makes no file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    sizes(connection)?;
    functions::bound(connection)?;
    connection.pragma_update_and_check(None, "hard_heap_limit", MAX_HEAP, |_| Ok(()))
}

/// Bounds length and nesting.
///
/// # Errors
/// The engine refused a limit.
pub fn sizes(connection: &Connection) -> Result<()> {
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_LENGTH)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_SQL)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, MAX_PATTERN)?;
    connection.set_limit(Limit::SQLITE_LIMIT_EXPR_DEPTH, 200)?;
    connection.set_limit(Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100)?;
    connection.set_limit(Limit::SQLITE_LIMIT_FUNCTION_ARG, 100)?;
    Ok(())
}

/// Ends whatever runs or waits on the connection at the deadline or when the client cancels.
///
/// # Errors
/// The engine refused a handler.
pub fn bound(connection: &mut Connection, bounds: &Bounds<'_>) -> Result<()> {
    let (until, stop) = (bounds.until, bounds.stop.clone());
    let over = move || Instant::now() >= until || stop.is_cancelled();
    connection.progress_handler(STEPS, Some(over.clone()))?;
    let mut began = Instant::now();
    connection.busy_handler(Some(move |times: i32| {
        if times == 0 {
            began = Instant::now();
        }
        if over() || began.elapsed() >= BUSY {
            return false;
        }
        std::thread::sleep(NAP);
        // Whoever was told to stop while asleep takes no lock that is free by now.
        !over()
    }))
}

fn may_read(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Select | AuthAction::Recursive | AuthAction::Read { .. } => true,
        AuthAction::Function { function_name } => may_call(function_name),
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => tells(pragma_name, *pragma_value),
        // Everything else changes something, opens another file, or begins a transaction.
        _ => false,
    }
}

fn may_script(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Unknown { .. }
        | AuthAction::Transaction { .. }
        | AuthAction::Attach { .. }
        | AuthAction::Detach { .. } => false,
        AuthAction::Function { function_name } => may_call(function_name),
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => {
            let mut settable = SETTABLE.iter();
            tells(pragma_name, *pragma_value)
                || settable.any(|known| known.eq_ignore_ascii_case(pragma_name))
        }
        _ => true,
    }
}

fn may_call(function: &str) -> bool {
    !FORBIDDEN
        .iter()
        .any(|forbidden| function.eq_ignore_ascii_case(forbidden))
}

fn tells(pragma: &str, value: Option<&str>) -> bool {
    let name = pragma.to_ascii_lowercase();
    let name = name.as_str();
    TELLING.contains(&name) || (value.is_none() && TELLING_WITHOUT_ARGUMENT.contains(&name))
}

fn verdict(allowed: bool) -> Authorization {
    if allowed {
        Authorization::Allow
    } else {
        Authorization::Deny
    }
}
