//! What a database holds, as data: tables and views, their columns, and the look-up of a name that a client wrote. Pure.
//!
//! Filled by the engines. A name that goes into a statement comes from here, never from the client.

use schemars::JsonSchema;
use serde::Serialize;

use crate::servers::nearest::nearest;
use crate::servers::toolbox::Refusal;

/// The most names that a message lists.
const MOST_NAMES: usize = 50;

/// The tables and views that there are, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// Without the engine's own.
    pub relations: Vec<Relation>,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The schema that it lies in; none where the engine has no schemas.
    pub schema: Option<String>,
    /// Its own name.
    pub name: String,
    /// What a client calls it: the name alone when that finds it, else `schema.name`. No two relations share it.
    pub shown: String,
    /// What it is.
    pub kind: Kind,
    /// Its columns in their order.
    pub columns: Vec<Field>,
    /// What its makers say of it.
    pub comment: Option<String>,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Rows of its own.
    Table,
    /// The rows of a query.
    View,
    /// A query's rows, kept.
    MaterializedView,
    /// Rows that a module or another server gives.
    Foreign,
}

/// A column as far as every call needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// As declared; may be empty.
    pub kind: String,
    /// Whether the engine computes it, so that no value can be given.
    pub generated: bool,
}

/// All about one table or view.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TableSchema {
    /// What a client calls it.
    pub table: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What its makers say of it.
    pub comment: Option<String>,
    /// In their order.
    pub columns: Vec<ColumnSchema>,
    /// The columns of the primary key, in its order.
    pub primary_key: Vec<String>,
    /// What its columns point to.
    pub foreign_keys: Vec<ForeignKey>,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// What else the engine says of it, such as `WITHOUT ROWID`, `STRICT` or `partitioned`.
    pub options: Vec<String>,
    /// Conditions on its rows, as SQL, where the engine tells them apart from the definition.
    pub checks: Vec<String>,
    /// The statement that made it, or a view's query; null when the engine does not keep it.
    pub definition: Option<String>,
    /// How many rows it has; null when that is unknown.
    pub rows: Option<i64>,
    /// Whether the rows were counted; otherwise it is an estimate.
    pub rows_exact: bool,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ColumnSchema {
    /// Its name.
    pub name: String,
    /// As declared; may be empty.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// The default as SQL.
    pub default: Option<String>,
    /// Whether it is part of the primary key.
    pub primary_key: bool,
    /// How the engine computes it: `virtual`, `stored` or `identity`; null when it is given.
    pub generated: Option<String>,
    /// What its makers say of it.
    pub comment: Option<String>,
}

/// One foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ForeignKey {
    /// The columns here.
    pub columns: Vec<String>,
    /// The table that they point to.
    pub table: String,
    /// The columns there; empty when it is that table's primary key and the engine does not say more.
    pub to: Vec<String>,
    /// What happens here when the row there is deleted, such as `CASCADE`; null when nothing does.
    pub on_delete: Option<String>,
    /// What happens here when the key there changes; null when nothing does.
    pub on_update: Option<String>,
}

/// One index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// What it orders by; an expression as SQL, or `<expression>`.
    pub columns: Vec<String>,
    /// Whether it forbids twins.
    pub unique: bool,
    /// The condition of the rows that it covers, as SQL; null when it covers all.
    pub only: Option<String>,
}

impl Catalogue {
    /// The table or view that a client means: exactly this name, or the only one that differs by case alone.
    ///
    /// # Errors
    /// There is none, or there are several; with the names that there are.
    pub fn find(&self, wanted: &str) -> Result<&Relation, Refusal> {
        let exact = |relation: &&Relation| relation.is(|name| name == wanted);
        if let Some(found) = self.relations.iter().find(exact) {
            return Ok(found);
        }
        let folded = wanted.to_lowercase();
        let alike: Vec<&Relation> = self
            .relations
            .iter()
            .filter(|relation| relation.is(|name| name.to_lowercase() == folded))
            .collect();
        match alike.as_slice() {
            [only] => Ok(only),
            [] => Err(Refusal(format!(
                "There is no table `{wanted}`.{}",
                self.tables_hint(wanted)
            ))),
            several => {
                let names: Vec<String> = several.iter().map(|r| format!("`{}`", r.shown)).collect();
                Err(Refusal(format!(
                    "`{wanted}` may be any of {}. Write one of them exactly.",
                    names.join(", ")
                )))
            }
        }
    }

    /// What to say after "there is no such table": the nearest name and those that there are, with a space before.
    pub fn tables_hint(&self, wanted: &str) -> String {
        let names = self.relations.iter().map(|r| r.shown.as_str());
        let near = nearest(wanted, names.clone());
        let near = near.map(|name| format!(" Did you mean `{name}`?"));
        let all: Vec<&str> = names.collect();
        if all.is_empty() {
            return " The database has no tables.".to_owned();
        }
        format!(
            "{} The tables are: {}.",
            near.unwrap_or_default(),
            some(&all)
        )
    }

    /// What to say after "there is no such column", when the table is not known: the nearest name, with a space before.
    pub fn columns_hint(&self, wanted: &str) -> String {
        let fields = self.relations.iter().flat_map(|r| &r.columns);
        nearest(wanted, fields.map(|field| field.name.as_str())).map_or_else(
            || " get_table_schema shows the columns of a table.".to_owned(),
            |name| format!(" Did you mean `{name}`?"),
        )
    }
}

impl Relation {
    /// Whether one of the names by which a client may call it fulfils the condition.
    fn is(&self, condition: impl Fn(&str) -> bool) -> bool {
        let whole = self.schema.as_ref();
        let whole = whole.map(|schema| format!("{schema}.{}", self.name));
        condition(&self.shown) || whole.is_some_and(|whole| condition(&whole))
    }

    /// The column that a client means.
    ///
    /// # Errors
    /// There is none, or there are several; with the names that there are.
    pub fn column(&self, wanted: &str) -> Result<&Field, Refusal> {
        if let Some(found) = self.columns.iter().find(|field| field.name == wanted) {
            return Ok(found);
        }
        let folded = wanted.to_lowercase();
        let alike = |field: &&Field| field.name.to_lowercase() == folded;
        let mut found = self.columns.iter().filter(alike);
        if let (Some(only), None) = (found.next(), found.next()) {
            return Ok(only);
        }
        let names: Vec<&str> = self.columns.iter().map(|f| f.name.as_str()).collect();
        let near = nearest(wanted, names.iter().copied());
        let near = near.map(|name| format!(" Did you mean `{name}`?"));
        Err(Refusal(format!(
            "`{}` has no column `{wanted}`.{} Its columns are: {}.",
            self.shown,
            near.unwrap_or_default(),
            some(&names)
        )))
    }
}

/// A name as both engines read it back: whatever is in it, it stays a name.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The names, cut when they are many.
fn some(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().copied().take(MOST_NAMES).collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
