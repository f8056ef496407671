//! `explain_query`: how the engine would run a statement, as a tree, with a plain hint when it would read more than it needs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::servers::database::engine::{Query, Step};
use crate::servers::database::{Database, value};
use crate::servers::toolbox::{Answer, Refusal};

/// Arguments of `explain_query`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainArgs {
    /// One SQL statement that only reads; it is not run.
    sql: String,
    /// Values for the parameters of the statement, as for query_database. A parameter without a value is NULL.
    params: Option<Vec<Value>>,
}

/// How the engine would run a statement.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Explained {
    /// The steps, outermost first; each with the steps that feed it.
    plan: Vec<Step>,
    /// What would make it read less; empty when nothing strikes the eye.
    hints: Vec<String>,
    /// The statement.
    sql: String,
}

/// `explain_query`
pub fn explain_query(
    database: &Database,
    args: ExplainArgs,
    stop: &CancellationToken,
) -> Result<Answer<Explained>, Refusal> {
    let params = args.params.unwrap_or_default();
    for (n, param) in params.iter().enumerate() {
        value::check(param, &format!("params[{n}]"))?;
    }
    let query = Query {
        sql: args.sql,
        params,
        limit: 0,
        max_bytes: 0,
        skip: 0,
    };
    let plan = database.engine.explain(&query, &database.bounds(stop))?;
    let mut text = String::new();
    tree(&plan.steps, 0, &mut text);
    for hint in &plan.hints {
        text.push_str(&format!("\n{hint}"));
    }
    let data = Explained {
        plan: plan.steps,
        hints: plan.hints,
        sql: query.sql,
    };
    Ok(Answer::new(data, text.trim_end()))
}

fn tree(steps: &[Step], depth: usize, text: &mut String) {
    for step in steps {
        let rows = step.rows.map(|rows| format!("about {rows} rows"));
        let cost = step.cost.map(|cost| format!("cost {cost}"));
        let numbers: Vec<String> = [rows, cost].into_iter().flatten().collect();
        let numbers = match numbers.is_empty() {
            true => String::new(),
            false => format!(" ({})", numbers.join(", ")),
        };
        let space = "  ".repeat(depth);
        text.push_str(&format!("{space}{}{numbers}\n", step.detail));
        tree(&step.steps, depth + 1, text);
    }
}
