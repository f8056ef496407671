//! `list_tables` and `get_table_schema`: what the catalogue says. All on a reading connection.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::database::Database;
use crate::servers::database::query::Trouble;
use crate::servers::database::sqlite::complaint::no_such_table;
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
    tables: Vec<Table>,
}

/// One table or view.
#[derive(Debug, Serialize, JsonSchema)]
struct Table {
    /// Its name.
    name: String,
    /// `table` or `view`.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["table", "view"]))]
    kind: String,
    /// How many rows it has; null when they could not be counted.
    rows: Option<i64>,
}

/// `list_tables`
pub fn list_tables(
    database: &Database,
    _args: NoArgs,
    stop: &CancellationToken,
) -> Result<Answer<Tables>, Refusal> {
    let most = database.deadline.min(COUNTING);
    let tables: Vec<Table> = database.read_within(most, stop, |connection| {
        let named = table_names(connection).into_iter();
        Ok(named
            .map(|(name, kind)| Table {
                rows: count(connection, &name),
                name,
                kind,
            })
            .collect())
    })?;
    let lines = tables.iter().map(|table| {
        let rows = table.rows.map_or_else(|| "?".to_owned(), |n| n.to_string());
        let view = if table.kind == "view" { " (view)" } else { "" };
        format!("{}{view}: {rows} rows", table.name)
    });
    let mut text = lines.collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        text.push_str("The database has no tables.");
    }
    Ok(Answer::new(Tables { tables }, text))
}

/// Arguments of `get_table_schema`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchemaArgs {
    /// The table or view.
    table: String,
}

/// What a table is made of.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Schema {
    /// Its name.
    table: String,
    /// In their order.
    columns: Vec<Column>,
    /// What its columns point to.
    foreign_keys: Vec<ForeignKey>,
    /// Its indexes.
    indexes: Vec<Index>,
    /// How many rows it has; null when they could not be counted.
    rows: Option<i64>,
}

/// One column.
#[derive(Debug, Serialize, JsonSchema)]
struct Column {
    /// Its name.
    name: String,
    /// As declared; may be empty.
    #[serde(rename = "type")]
    kind: String,
    /// Whether it takes NULL.
    nullable: bool,
    /// The default as SQL.
    default: Option<String>,
    /// Whether it is part of the primary key.
    primary_key: bool,
}

/// One foreign key's column.
#[derive(Debug, Serialize, JsonSchema)]
struct ForeignKey {
    /// The column here.
    column: String,
    /// The table and column that it points to, such as `customers(id)`.
    references: String,
}

/// One index.
#[derive(Debug, Serialize, JsonSchema)]
struct Index {
    /// Its name.
    name: String,
    /// What it orders by.
    columns: Vec<String>,
    /// Whether it forbids twins.
    unique: bool,
}

/// `get_table_schema`
pub fn get_table_schema(
    database: &Database,
    args: SchemaArgs,
    stop: &CancellationToken,
) -> Result<Answer<Schema>, Refusal> {
    let most = database.deadline.min(COUNTING);
    let schema = database.read_within(most, stop, |connection| {
        let table = real_name(connection, &args.table).ok_or_else(|| {
            let hint = no_such_table(connection, &args.table);
            Trouble::Ours(Refusal(format!(
                "There is no table `{}`.{hint}",
                args.table
            )))
        })?;
        Ok(Schema {
            columns: columns(connection, &table)?,
            foreign_keys: foreign_keys(connection, &table)?,
            indexes: indexes(connection, &table)?,
            rows: count(connection, &table),
            table,
        })
    })?;
    let text = schema.text();
    Ok(Answer::new(schema, text))
}

impl Schema {
    fn text(&self) -> String {
        let rows = self
            .rows
            .map_or_else(String::new, |n| format!(" ({n} rows)"));
        let mut lines = vec![format!("{}{rows}", self.table)];
        for column in &self.columns {
            let key = if column.primary_key {
                " primary key"
            } else {
                ""
            };
            let null = if column.nullable { "" } else { " not null" };
            let default = column.default.as_ref().map(|d| format!(" default {d}"));
            let (name, kind) = (&column.name, &column.kind);
            lines.push(format!(
                "  {name} {kind}{key}{null}{}",
                default.unwrap_or_default()
            ));
        }
        for key in &self.foreign_keys {
            lines.push(format!("  {} -> {}", key.column, key.references));
        }
        for index in &self.indexes {
            let unique = if index.unique { "unique " } else { "" };
            lines.push(format!(
                "  {unique}index {} ({})",
                index.name,
                index.columns.join(", ")
            ));
        }
        lines.join("\n")
    }
}

/// Names and types (`table`, `view`) of what there is, without the engine's own; empty when the catalogue cannot be read.
pub fn table_names(connection: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') \
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let read = || -> rusqlite::Result<Vec<_>> {
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    read().unwrap_or_default()
}

/// The columns' names; empty when there is no such table.
pub fn column_names(connection: &Connection, table: &str) -> Vec<String> {
    let columns = columns(connection, table).unwrap_or_default();
    columns.into_iter().map(|column| column.name).collect()
}

/// The table's name as the catalogue spells it.
pub fn real_name(connection: &Connection, table: &str) -> Option<String> {
    let names = table_names(connection).into_iter();
    names
        .map(|(name, _)| name)
        .find(|name| name.eq_ignore_ascii_case(table))
}

/// A name as the engine reads it back: whatever is in it, it stays a name.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn count(connection: &Connection, table: &str) -> Option<i64> {
    let sql = format!("SELECT count(*) FROM {}", quoted(table));
    connection.query_row(&sql, [], |row| row.get(0)).ok()
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Column>> {
    // A hidden column (of a virtual table) is no column to a reader; a generated one is.
    let sql = "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_xinfo(?1) \
               WHERE hidden <> 1 ORDER BY cid";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([table], |row| {
        let key = row.get::<_, i64>(4)? > 0;
        Ok(Column {
            name: row.get(0)?,
            kind: row.get(1)?,
            nullable: !row.get::<_, bool>(2)? && !key,
            default: row.get(3)?,
            primary_key: key,
        })
    })?;
    rows.collect()
}

fn foreign_keys(connection: &Connection, table: &str) -> rusqlite::Result<Vec<ForeignKey>> {
    let sql =
        "SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([table], |row| {
        let (target, column) = (row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?);
        Ok(ForeignKey {
            column: row.get(0)?,
            // Without a column it is the other table's primary key.
            references: match column {
                Some(column) => format!("{target}({column})"),
                None => target,
            },
        })
    })?;
    rows.collect()
}

fn indexes(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Index>> {
    let sql = "SELECT name, \"unique\" FROM pragma_index_list(?1) ORDER BY name";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let named: Vec<(String, bool)> = rows.collect::<Result<_, _>>()?;
    let index = |(name, unique): (String, bool)| {
        let sql = "SELECT name FROM pragma_index_info(?1) ORDER BY seqno";
        let mut statement = connection.prepare(sql)?;
        let columns = statement.query_map([&name], |row| row.get::<_, Option<String>>(0))?;
        let columns = columns
            .map(|column| column.map(|name| name.unwrap_or_else(|| "<expression>".to_owned())))
            .collect::<Result<_, _>>()?;
        Ok(Index {
            name,
            columns,
            unique,
        })
    };
    named.into_iter().map(index).collect()
}

/// Whether the name is a view's.
pub fn is_view(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'view' AND name = ?1";
    Ok(connection
        .query_row(sql, [name], |_| Ok(()))
        .optional()?
        .is_some())
}
