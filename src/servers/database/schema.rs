//! `list_tables` and `get_table_schema`: what the catalogue says, and how many rows there are.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::database::Database;
use crate::servers::database::catalogue::{ColumnSchema, ForeignKey, Kind, Relation, TableSchema};
use crate::servers::toolbox::{Answer, Refusal};

/// How long rows are counted, of all tables together: the number is good to know, and nobody waits for it.
const COUNTING: Duration = Duration::from_secs(2);

/// Arguments of `list_tables`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoArgs {}

/// All tables and views.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tables {
    /// By name.
    pub tables: Vec<Table>,
}

/// One table or view.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Table {
    /// What the other tools call it.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// How many rows it has; null when that is unknown.
    pub rows: Option<i64>,
    /// Whether the rows were counted; otherwise it is an estimate.
    pub rows_exact: bool,
    /// What its makers say of it.
    pub comment: Option<String>,
}

/// `list_tables`
pub fn list_tables(
    database: &Database,
    _args: NoArgs,
    stop: &CancellationToken,
) -> Result<Answer<Tables>, Refusal> {
    let bounds = database.bounds(stop);
    let catalogue = database.engine.catalogue(&bounds)?;
    let relations: Vec<&Relation> = catalogue.relations.iter().collect();
    let counts = database.engine.rows(&relations, &bounds.at_most(COUNTING));
    let counts = counts.into_iter().chain(std::iter::repeat(None));
    let tables: Vec<Table> = relations
        .into_iter()
        .zip(counts)
        .map(|(relation, count)| Table {
            name: relation.shown.clone(),
            kind: relation.kind,
            rows: count.map(|count| count.rows),
            rows_exact: count.is_some_and(|count| count.exact),
            comment: relation.comment.clone(),
        })
        .collect();
    let mut text = tables.iter().map(line).collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        text.push_str("The database has no tables.");
    }
    Ok(Answer::new(Tables { tables }, text))
}

fn line(table: &Table) -> String {
    let kind = match table.kind {
        Kind::Table => "",
        Kind::View => " (view)",
        Kind::MaterializedView => " (materialized view)",
        Kind::Foreign => " (foreign)",
    };
    let comment = table.comment.as_ref().map(|text| format!(" -- {text}"));
    format!(
        "{}{kind}: {}{}",
        table.name,
        count(table.rows, table.rows_exact),
        comment.unwrap_or_default()
    )
}

fn count(rows: Option<i64>, exact: bool) -> String {
    match (rows, exact) {
        (None, _) => "? rows".to_owned(),
        (Some(1), true) => "1 row".to_owned(),
        (Some(n), true) => format!("{n} rows"),
        (Some(n), false) => format!("about {n} rows"),
    }
}

/// Arguments of `get_table_schema`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchemaArgs {
    /// The table or view.
    table: String,
}

/// `get_table_schema`
pub fn get_table_schema(
    database: &Database,
    args: SchemaArgs,
    stop: &CancellationToken,
) -> Result<Answer<TableSchema>, Refusal> {
    let catalogue = database.engine.catalogue(&database.bounds(stop))?;
    let schema = schema(database, catalogue.find(&args.table)?, stop)?;
    let text = text(&schema);
    Ok(Answer::new(schema, text))
}

/// A table's schema with its number of rows.
///
/// # Errors
/// The catalogue cannot be read.
pub fn schema(
    database: &Database,
    table: &Relation,
    stop: &CancellationToken,
) -> Result<TableSchema, Refusal> {
    let bounds = database.bounds(stop);
    let mut schema = database.engine.table(table, &bounds)?;
    let counts = database.engine.rows(&[table], &bounds.at_most(COUNTING));
    if let Some(Some(count)) = counts.first() {
        schema.rows = Some(count.rows);
        schema.rows_exact = count.exact;
    }
    Ok(schema)
}

/// The schema in lines, for people and for models.
pub fn text(schema: &TableSchema) -> String {
    let rows = count(schema.rows, schema.rows_exact);
    let options: String = schema.options.iter().map(|o| format!(", {o}")).collect();
    let mut lines = vec![format!("{} ({rows}{options})", schema.table)];
    lines.extend(schema.comment.as_ref().map(|text| format!("  -- {text}")));
    lines.extend(schema.columns.iter().map(column));
    lines.extend(schema.foreign_keys.iter().map(foreign_key));
    for index in &schema.indexes {
        let unique = if index.unique { "unique " } else { "" };
        let only = index.only.as_ref().map(|only| format!(" where {only}"));
        lines.push(format!(
            "  {unique}index {} ({}){}",
            index.name,
            index.columns.join(", "),
            only.unwrap_or_default()
        ));
    }
    lines.extend(schema.checks.iter().map(|check| format!("  check {check}")));
    lines.join("\n")
}

fn column(column: &ColumnSchema) -> String {
    let mut line = format!("  {} {}", column.name, column.kind);
    if column.primary_key {
        line.push_str(" primary key");
    }
    if !column.nullable {
        line.push_str(" not null");
    }
    if let Some(default) = &column.default {
        line.push_str(&format!(" default {default}"));
    }
    if let Some(generated) = &column.generated {
        line.push_str(&format!(" generated {generated}"));
    }
    if let Some(comment) = &column.comment {
        line.push_str(&format!(" -- {comment}"));
    }
    line
}

fn foreign_key(key: &ForeignKey) -> String {
    let to = match key.to.is_empty() {
        true => String::new(),
        false => format!("({})", key.to.join(", ")),
    };
    let rule = |word: &str, rule: &Option<String>| {
        let rule = rule.as_ref().map(|rule| format!(" on {word} {rule}"));
        rule.unwrap_or_default()
    };
    format!(
        "  ({}) -> {}{to}{}{}",
        key.columns.join(", "),
        key.table,
        rule("delete", &key.on_delete),
        rule("update", &key.on_update)
    )
}
