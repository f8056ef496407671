//! What the arguments of a call say by themselves: SQL among them, paths that move or go, whether it can be taken back.
//!
//! Pure. Of a server that is not ours, only SQL is recognised, and nothing vouches for it.

use serde_json::{Map, Value};

use super::{Ours, Part, Preview, SQL, Undo, Vouch, sql, text};
use crate::host::call::ToolCall;
use crate::mcp::request::Method;

/// Keys under which tools take SQL, whatever it begins with.
const KEYS: &[&str] = &[
    "sql",
    "statement",
    "statements",
    "sql_query",
    "query",
    "script",
    "stmt",
];

/// The preview before anyone was asked for more.
pub(super) fn preview(call: &ToolCall, given: &Map<String, Value>, whose: Option<Ours>) -> Preview {
    if call.method != Method::Tool {
        return Preview::default();
    }
    let mut preview = match whose {
        Some(Ours::Files) => files(&call.tool, given),
        Some(Ours::Database) => database(&call.tool, given),
        None => Preview::default(),
    };
    let by = match (whose, call.tool.as_str()) {
        (Some(Ours::Database), "query_database" | "explain_query") => Vouch::Engine,
        _ => Vouch::Text,
    };
    // A file's content may be SQL, and is not run by that.
    if whose != Some(Ours::Files) {
        preview.parts.extend(statements(given, by));
    }
    preview
}

fn statements(given: &Map<String, Value>, by: Vouch) -> Vec<Part> {
    let one = |(key, value): (&String, &Value)| {
        let text = value.as_str()?;
        let named = KEYS.contains(&key.to_lowercase().as_str());
        let kinds = sql::kinds(text);
        // A search, too, may be called a query.
        let is_sql = sql::looks_like(text) || (named && key.contains("sql") && !kinds.is_empty());
        is_sql.then(|| Part::Sql {
            key: key.clone(),
            text: text.chars().take(SQL).collect(),
            kinds,
            by,
        })
    };
    given.iter().filter_map(one).collect()
}

fn files(tool: &str, given: &Map<String, Value>) -> Preview {
    let path = |key: &str| text(given, key).to_owned();
    let rows = match tool {
        "write_file" | "edit_file" | "undo" => Vec::new(),
        "move_file" => vec![('-', path("source")), ('+', path("destination"))],
        "copy_file" => vec![(' ', path("source")), ('+', path("destination"))],
        "create_directory" => vec![('+', format!("{}/", path("path").trim_end_matches('/')))],
        "delete_file" => vec![('-', path("path"))],
        _ => return Preview::default(),
    };
    let mut parts = Vec::new();
    if !rows.is_empty() {
        parts.push(Part::Tree { rows });
    }
    if is_true(given, "overwrite") {
        parts.push(Part::warns("what lies there goes to the trash"));
    }
    let tries = is_true(given, "dryRun") || is_true(given, "dry_run");
    if tries {
        parts.push(Part::says("only tried: nothing is changed"));
    }
    let undo = (!tries).then_some(Undo::Yes);
    Preview { parts, undo }
}

fn database(tool: &str, given: &Map<String, Value>) -> Preview {
    let table = text(given, "table");
    let mut parts = Vec::new();
    match tool {
        "insert_record" => parts.push(Part::says(format!("adds 1 row to `{table}`"))),
        "update_records" | "delete_records" => {
            if is_true(given, "all") {
                parts.push(Part::warns(format!("every row of `{table}` is meant")));
            }
        }
        "execute_script" => parts.push(Part::says("all of its statements run, or none")),
        _ => return Preview::default(),
    }
    let tries = is_true(given, "dry_run");
    if tries {
        parts.push(Part::says("only tried: nothing is changed"));
    }
    let undo = (!tries).then_some(Undo::No);
    Preview { parts, undo }
}

pub(super) fn is_true(given: &Map<String, Value>, key: &str) -> bool {
    given.get(key) == Some(&Value::Bool(true))
}
