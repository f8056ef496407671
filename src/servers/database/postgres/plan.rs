//! How the server would run a statement: `EXPLAIN` without `ANALYZE`, so nothing runs, and in a read-only transaction all the same.

use serde_json::Value;
use tokio_postgres::types::ToSql;

use crate::servers::database::engine::{Bounds, Plan, Query, Step};
use crate::servers::database::postgres::PostgreSql;
use crate::servers::database::postgres::complaint::Asked;
use crate::servers::database::postgres::read::parameters;
use crate::servers::database::postgres::value::Text;
use crate::servers::postgres::Trouble;
use crate::servers::toolbox::Refusal;

/// What stands before the statement. Behind the brackets the server takes a statement and no further word such as `ANALYZE`.
const EXPLAIN: &str = "EXPLAIN (FORMAT JSON) ";

/// From this cost on a step deserves a word; it is about what a look at some thousand rows costs.
const DEAR: f64 = 1000.0;

/// What a step's conditions are called in the plan.
const CONDITIONS: &[&str] = &[
    "Index Cond",
    "Recheck Cond",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "Filter",
    "Sort Key",
    "Group Key",
];

impl PostgreSql {
    /// Explains a statement.
    pub fn explained(&self, query: &Query, bounds: &Bounds<'_>) -> Result<Plan, Refusal> {
        let asked = Asked::read(&query.sql, EXPLAIN.len().cast_signed());
        let text = self.reading(bounds, async |client| {
            let explain = format!("{EXPLAIN}{}", query.sql);
            let statement = client.prepare(&explain).await?;
            // A plan can be had without values: what is not given is NULL.
            let mut given = query.params.clone();
            let wanted = statement.params().len().max(given.len());
            given.resize(wanted, Value::Null);
            let values = parameters(&given, &statement)?;
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
            let row = client.query_one(&statement, &values).await?;
            Ok(row.try_get::<_, Text>(0)?.0)
        });
        let text = text.map_err(|trouble| self.complaint(trouble, &asked, bounds))?;
        let found: Value = serde_json::from_str(&text).map_err(|error| {
            let trouble = Trouble::Ours(format!("The plan cannot be read: {error}."));
            self.complaint(trouble, &asked, bounds)
        })?;
        let mut plan = Plan::default();
        for node in found.as_array().into_iter().flatten() {
            let node = node.get("Plan").unwrap_or(node);
            plan.steps.push(step(node, &mut plan.hints));
        }
        Ok(plan)
    }
}

fn step(node: &Value, hints: &mut Vec<String>) -> Step {
    let text = |key: &str| node.get(key).and_then(Value::as_str);
    let number = |key: &str| node.get(key).and_then(Value::as_f64);
    let cost = number("Total Cost");
    hint(node, cost, hints);
    let below = node.get("Plans").and_then(Value::as_array);
    let mut detail = match (text("Operation"), text("Join Type")) {
        // Of a step that writes, the operation is its name.
        (Some(operation), _) => operation.to_owned(),
        (None, Some(join)) => format!("{join} {}", text("Node Type").unwrap_or_default()),
        (None, None) => text("Node Type").unwrap_or("Step").to_owned(),
    };
    for (word, key) in [
        ("using", "Index Name"),
        ("on", "Relation Name"),
        ("of", "CTE Name"),
    ] {
        if let Some(name) = text(key) {
            detail.push_str(&format!(" {word} {name}"));
        }
    }
    for key in CONDITIONS {
        let said = match node.get(*key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => {
                let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
                parts.join(", ")
            }
            _ => continue,
        };
        detail.push_str(&format!(", {}: {said}", key.to_lowercase()));
    }
    Step {
        detail,
        rows: number("Plan Rows"),
        cost,
        steps: below
            .into_iter()
            .flatten()
            .map(|node| step(node, hints))
            .collect(),
    }
}

fn hint(node: &Value, cost: Option<f64>, hints: &mut Vec<String>) {
    let text = |key: &str| node.get(key).and_then(Value::as_str).unwrap_or_default();
    if cost.is_none_or(|cost| cost < DEAR) {
        return;
    }
    let table = text("Relation Name");
    match text("Node Type") {
        "Seq Scan" if !text("Filter").is_empty() => hints.push(format!(
            "All of `{table}` is read to keep the rows with {}; an index on those columns may help.",
            text("Filter")
        )),
        "Nested Loop" if text("Join Type") == "Inner" && node.get("Join Filter").is_some() => {
            hints.push(format!(
                "Each row of one side is held against each of the other ({}); an index on the inner side may help.",
                text("Join Filter")
            ));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plan_becomes_steps_and_a_dear_scan_a_hint() {
        let node = json!({
            "Node Type": "Hash Join", "Join Type": "Inner", "Hash Cond": "(o.c = c.id)", "Plan Rows": 10, "Total Cost": 5000.5,
            "Plans": [{"Node Type": "Seq Scan", "Relation Name": "orders", "Filter": "(total > 7)", "Total Cost": 4000.0, "Plan Rows": 9}],
        });
        let mut hints = Vec::new();
        let found = step(&node, &mut hints);
        assert_eq!(found.detail, "Inner Hash Join, hash cond: (o.c = c.id)");
        assert_eq!((found.rows, found.cost), (Some(10.0), Some(5000.5)));
        assert_eq!(found.steps.len(), 1);
        assert_eq!(
            found.steps[0].detail,
            "Seq Scan on orders, filter: (total > 7)"
        );
        assert_eq!(hints.len(), 1, "{hints:?}");
        assert!(hints[0].contains("`orders`"), "{hints:?}");
    }
}
