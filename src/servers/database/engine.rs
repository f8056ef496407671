//! What a database engine has to do for the tools, and the plain data that passes between the two.
//!
//! An implementation knows its engine's SQL, types and errors; it knows nothing of the protocol. All methods block, as long as
//! their `Bounds` allow and no longer. `sqlite` and `postgres` implement it; the tools beside this file call it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::servers::database::catalogue::{Catalogue, Relation, TableSchema};
use crate::servers::toolbox::Refusal;

/// A database behind the tools. A refusal is a sentence for the model: what the engine said, where in the statement, and what to
/// do next.
pub trait Engine: Send + Sync {
    /// The engine's name for people: `SQLite`, `PostgreSQL`.
    fn name(&self) -> &'static str;

    /// The database in words; never with its password.
    fn shown(&self) -> String;

    /// The tables and views with their columns. Kept, and read again when the schema may have changed.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn catalogue(&self, bounds: &Bounds<'_>) -> Result<Arc<Catalogue>, Refusal>;

    /// All about one table or view of the catalogue, without its rows (`rows` tells them).
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn table(&self, table: &Relation, bounds: &Bounds<'_>) -> Result<TableSchema, Refusal>;

    /// How many rows each of the tables has, in the same order; counted when that is quick, else estimated, else unknown.
    fn rows(&self, tables: &[&Relation], bounds: &Bounds<'_>) -> Vec<Option<RowCount>>;

    /// One statement that only reads, by the engine's own word.
    ///
    /// # Errors
    /// The engine refused the statement, or a bound was reached.
    fn query(&self, query: &Query, bounds: &Bounds<'_>) -> Result<Page, Refusal>;

    /// How the engine would run the statement, without running it. Statements that write are explained too where the engine
    /// can do so without any change.
    ///
    /// # Errors
    /// The engine refused the statement, or a bound was reached.
    fn explain(&self, query: &Query, bounds: &Bounds<'_>) -> Result<Plan, Refusal>;

    /// Inserts, updates or deletes in one transaction; with `dry_run` it is rolled back, and the answer tells what it would have
    /// done. More rows than `change.max_rows` roll back as well and are refused.
    ///
    /// # Errors
    /// The engine refused the change, there were too many rows, or a bound was reached; nothing has changed.
    fn change(
        &self,
        change: &Change,
        dry_run: bool,
        bounds: &Bounds<'_>,
    ) -> Result<Changed, Refusal>;

    /// Statements in one transaction: all or nothing.
    ///
    /// # Errors
    /// One of them was refused, or a bound was reached; nothing has changed.
    fn script(&self, sql: &str, bounds: &Bounds<'_>) -> Result<Ran, Refusal>;
}

/// How long a call may take, and who may end it before.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    /// When it ends at the latest.
    pub until: Instant,
    /// The whole time that was given, for messages.
    pub time: Duration,
    /// The client's cancellation.
    pub stop: &'a CancellationToken,
}

impl<'a> Bounds<'a> {
    /// `time` from now.
    pub fn within(time: Duration, stop: &'a CancellationToken) -> Self {
        Self {
            until: Instant::now() + time,
            time,
            stop,
        }
    }

    /// The same, ended after `time` at the latest.
    #[must_use]
    pub fn at_most(self, time: Duration) -> Self {
        let until = self.until.min(Instant::now() + time);
        Self { until, ..self }
    }

    /// Whether the time is up or the client has cancelled.
    pub fn over(&self) -> bool {
        self.stop.is_cancelled() || Instant::now() >= self.until
    }

    /// What is left.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

/// A statement that reads, with the part of its rows that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// One statement.
    pub sql: String,
    /// The values of its parameters, in order: texts, numbers, booleans, null (checked before).
    pub params: Vec<Value>,
    /// Rows at most.
    pub limit: usize,
    /// Bytes at most, of the rows as JSON; a page ends before the row that would go beyond.
    pub max_bytes: usize,
    /// Rows to leave out at the beginning, because earlier pages held them.
    pub skip: u64,
}

/// Rows of a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// What each value of a row is.
    pub columns: Vec<Column>,
    /// Each row as an array of values: numbers exact (a decimal that JSON's numbers cannot hold is a text), dates as ISO texts, a
    /// blob as `{"blob_bytes": n}`, NULL as null.
    pub rows: Vec<Vec<Value>>,
    /// Whether there are rows after these.
    pub more: bool,
}

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Column {
    /// Its name or expression.
    pub name: String,
    /// The declared type, or that of the values; empty when all are null.
    #[serde(rename = "type")]
    pub kind: String,
}

/// How many rows a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowCount {
    /// How many.
    pub rows: i64,
    /// Whether they were counted; else it is the engine's estimate.
    pub exact: bool,
}

/// How the engine would run a statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The steps, outermost first.
    pub steps: Vec<Step>,
    /// What a person who tunes queries would say about it, in plain words.
    pub hints: Vec<String>,
}

/// One step of a plan with the steps that feed it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Step {
    /// What the engine does, in its own words.
    pub detail: String,
    /// How many rows the engine expects of it; null when it does not say.
    pub rows: Option<f64>,
    /// What the engine expects it to cost, in its own unit; null when it does not say.
    pub cost: Option<f64>,
    /// The steps that feed it.
    pub steps: Vec<Step>,
}

/// A change of rows. Its names are the catalogue's, checked before.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The table.
    pub table: Relation,
    /// What happens to it.
    pub deed: Deed,
    /// The most rows that it may touch.
    pub max_rows: Option<u64>,
}

/// What a change does.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// One new row with these values by column; the other columns get their defaults.
    Insert(Vec<(String, Value)>),
    /// These values by column, in the rows that fulfil all conditions.
    Update(Vec<(String, Value)>, Vec<Condition>),
    /// Away with the rows that fulfil all conditions.
    Delete(Vec<Condition>),
}

/// One condition on a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The column as the catalogue spells it.
    pub column: String,
    /// What is asked of it.
    pub test: Test,
}

/// What is asked of a column. Values are texts, numbers or booleans (checked before); null only by `IsNull` and `IsNotNull`.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// By one of the comparing operators.
    Compare(Comparison, Value),
    /// `%` and `_` stand for other characters.
    Like(Value),
    /// One of these; never empty.
    In(Vec<Value>),
    /// Has no value.
    IsNull,
    /// Has a value.
    IsNotNull,
}

/// An operator that compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`; a row without a value does not fulfil it.
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// What a change did, or would have done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changed {
    /// Rows of the table itself; not those that its triggers and keys touched.
    pub rows: u64,
    /// Of an insert: what tells the new row from all others (primary key, or the row's number) by column.
    pub key: Map<String, Value>,
}

/// What the statements of a script did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ran {
    /// In their order.
    pub statements: Vec<Done>,
}

/// What one statement of a script did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Done {
    /// The beginning of the statement, on one line.
    pub statement: String,
    /// The line of the script at which it begins, from 1.
    pub line: usize,
    /// Rows that it inserted, updated or deleted; null when it is of another kind.
    pub changed: Option<u64>,
    /// Rows that it gave; null when it is of a kind that gives none.
    pub rows: Option<u64>,
}
