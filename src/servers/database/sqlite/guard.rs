//! What makes a connection read-only by the word of the engine, and what bounds a statement.
//!
//! Several walls, each enough for most attacks: the file is opened read-only (`source`), `query_only`, an authorizer that names
//! what is allowed, limits of length and memory, a deadline. The text of a statement is never looked at.

use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, Result};
use tokio_util::sync::CancellationToken;

/// Bytes of one value or row.
const MAX_LENGTH: i32 = 64 * 1024 * 1024;

/// Bytes of one statement.
const MAX_SQL: i32 = 256 * 1024;

/// Bytes that the engine may hold in this process.
const MAX_HEAP: i64 = 256 * 1024 * 1024;

/// Steps of the engine between two looks at the clock.
const STEPS: i32 = 2000;

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

/// Makes the connection read-only for good.
///
/// # Errors
/// The engine refused a setting, or the file is no database.
pub fn read_only(connection: &mut Connection) -> Result<()> {
    limits(connection)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // What a query sorts or gathers stays in memory, where it is bounded, and makes no file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "query_only", true)?;
    // Reads the schema, which is where a file that is no database shows itself.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    connection.authorizer(Some(authorize))
}

/// Bounds length, nesting and memory, and guards the engine's own tables.
///
/// # Errors
/// The engine refused a limit.
pub fn limits(connection: &Connection) -> Result<()> {
    // No row goes into the tables that an index for full text keeps for itself: that would break it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_LENGTH)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_SQL)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000)?;
    connection.set_limit(Limit::SQLITE_LIMIT_EXPR_DEPTH, 200)?;
    connection.set_limit(Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100)?;
    connection.pragma_update_and_check(None, "hard_heap_limit", MAX_HEAP, |_| Ok(()))
}

/// Ends whatever runs on the connection at the deadline or when the client cancels.
///
/// # Errors
/// The engine refused the handler.
pub fn bound(
    connection: &mut Connection,
    deadline: Instant,
    stop: &CancellationToken,
) -> Result<()> {
    let stop = stop.clone();
    let over = move || Instant::now() >= deadline || stop.is_cancelled();
    connection.progress_handler(STEPS, Some(over))
}

fn authorize(context: AuthContext<'_>) -> Authorization {
    let allowed = match context.action {
        AuthAction::Select | AuthAction::Recursive | AuthAction::Read { .. } => true,
        AuthAction::Function { function_name } => !["load_extension", "fts3_tokenizer"]
            .iter()
            .any(|forbidden| function_name.eq_ignore_ascii_case(forbidden)),
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => {
            let name = pragma_name.to_ascii_lowercase();
            let name = name.as_str();
            TELLING.contains(&name)
                || (pragma_value.is_none() && TELLING_WITHOUT_ARGUMENT.contains(&name))
        }
        // Everything else changes something, opens another file, or begins a transaction.
        _ => false,
    };
    if allowed {
        Authorization::Allow
    } else {
        Authorization::Deny
    }
}
