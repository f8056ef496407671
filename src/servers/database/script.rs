//! `execute_script`: statements of any kind in one transaction. Offered only where the server was started for reading and writing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::database::Database;
use crate::servers::database::engine::Done;
use crate::servers::toolbox::{Answer, Refusal};

/// The most statements that an answer tells of.
const MOST_TOLD: usize = 200;

/// Arguments of `execute_script`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptArgs {
    /// SQL statements with a `;` between them. They run in one transaction; BEGIN and COMMIT are not for a script.
    sql: String,
}

/// What a script did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Executed {
    /// What each statement did, in their order; the first 200.
    statements: Vec<Done>,
    /// How many statements ran.
    statement_count: usize,
    /// Rows that all of them inserted, updated or deleted.
    changed: u64,
}

/// `execute_script`
pub fn execute_script(
    database: &Database,
    args: ScriptArgs,
    stop: &CancellationToken,
) -> Result<Answer<Executed>, Refusal> {
    let ran = database.engine.script(&args.sql, &database.bounds(stop))?;
    if ran.statements.is_empty() {
        return Err(Refusal::new("There is no statement in `sql`."));
    }
    let statement_count = ran.statements.len();
    let changed = ran.statements.iter().filter_map(|done| done.changed).sum();
    let mut statements = ran.statements;
    statements.truncate(MOST_TOLD);
    let mut lines: Vec<String> = statements.iter().map(line).collect();
    lines.push(format!(
        "{statement_count} statements ran, {changed} rows changed; all of it is committed."
    ));
    let data = Executed {
        statements,
        statement_count,
        changed,
    };
    Ok(Answer::new(data, lines.join("\n")))
}

fn line(done: &Done) -> String {
    let what = match (done.changed, done.rows) {
        (Some(n), _) => format!("{n} rows changed"),
        (None, Some(n)) => format!("{n} rows"),
        (None, None) => "done".to_owned(),
    };
    format!("line {}: {} ({what})", done.line, done.statement)
}
