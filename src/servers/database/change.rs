//! `insert_record`, `update_records` and `delete_records`: rows changed by values and conditions that are parameters, never text.
//!
//! Every name is looked up in the catalogue first; the engine gets the catalogue's spelling.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::servers::database::catalogue::{Kind, Relation};
use crate::servers::database::condition::{ConditionArg, conditions};
use crate::servers::database::engine::{Bounds, Change, Changed, Condition, Deed};
use crate::servers::database::{Database, value};
use crate::servers::toolbox::{Answer, Refusal};

/// Arguments of `insert_record`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InsertArgs {
    /// The table.
    table: String,
    /// The value of each column: a text, number, boolean or null. A column left out gets its default.
    values: Map<String, Value>,
    /// Only try it: the row is inserted and taken back.
    #[serde(default)]
    dry_run: bool,
}

/// Arguments of `update_records`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateArgs {
    /// The table.
    table: String,
    /// The new value of each column that changes: a text, number, boolean or null.
    set: Map<String, Value>,
    /// Conditions that a row must all fulfil. At least one, unless `all` is true.
    #[serde(default, rename = "where")]
    conditions: Vec<ConditionArg>,
    /// Change every row of the table; only without conditions.
    #[serde(default)]
    all: bool,
    /// The most rows that may change; when it would be more, none does.
    max_rows: Option<u64>,
    /// Only tell how many rows would change: the change is made and taken back.
    #[serde(default)]
    dry_run: bool,
}

/// Arguments of `delete_records`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteArgs {
    /// The table.
    table: String,
    /// Conditions that a row must all fulfil. At least one, unless `all` is true.
    #[serde(default, rename = "where")]
    conditions: Vec<ConditionArg>,
    /// Delete every row of the table; only without conditions.
    #[serde(default)]
    all: bool,
    /// The most rows that may go; when it would be more, none does.
    max_rows: Option<u64>,
    /// Only tell how many rows would go: they are deleted and put back.
    #[serde(default)]
    dry_run: bool,
}

/// The row that is new.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Inserted {
    /// The table.
    table: String,
    /// Always 1.
    inserted: u64,
    /// What tells the row from all others, by column: its primary key, or its number in the table.
    key: Map<String, Value>,
    /// Whether it was only tried, so that the row is not there.
    dry_run: bool,
}

/// How many rows changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Updated {
    /// The table.
    table: String,
    /// Rows that changed, or would have.
    updated: u64,
    /// Whether it was only tried, so that nothing has changed.
    dry_run: bool,
}

/// How many rows are gone.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Deleted {
    /// The table.
    table: String,
    /// Rows that are gone, or would be.
    deleted: u64,
    /// Whether it was only tried, so that all rows are still there.
    dry_run: bool,
}

/// `insert_record`
pub fn insert_record(
    database: &Database,
    args: InsertArgs,
    stop: &CancellationToken,
) -> Result<Answer<Inserted>, Refusal> {
    let dry_run = args.dry_run;
    let aim = Aim::new(database, &args.table, stop)?;
    let deed = Deed::Insert(aim.values(&args.values, "values")?);
    let (table, changed) = aim.run(deed, None, dry_run)?;
    if changed.rows == 0 {
        return Err(Refusal(format!(
            "No row was inserted into `{table}`: a trigger of the database ignored it."
        )));
    }
    let key: Vec<String> = changed
        .key
        .iter()
        .map(|(n, v)| format!("{n} {v}"))
        .collect();
    let key = match key.is_empty() {
        true => String::new(),
        false => format!(" ({})", key.join(", ")),
    };
    let text = match dry_run {
        false => format!("Inserted 1 row into `{table}`{key}."),
        true => format!("1 row would be inserted into `{table}`; it was taken back."),
    };
    let data = Inserted {
        table,
        inserted: changed.rows,
        key: changed.key,
        dry_run,
    };
    Ok(Answer::new(data, text))
}

/// `update_records`
pub fn update_records(
    database: &Database,
    args: UpdateArgs,
    stop: &CancellationToken,
) -> Result<Answer<Updated>, Refusal> {
    let dry_run = args.dry_run;
    let aim = Aim::new(database, &args.table, stop)?;
    let values = aim.values(&args.set, "set")?;
    if values.is_empty() {
        return Err(Refusal::new(
            "`set` is empty: it says which columns get which values.",
        ));
    }
    let conditions = aim.conditions(args.conditions, args.all)?;
    let (table, changed) = aim.run(Deed::Update(values, conditions), args.max_rows, dry_run)?;
    let updated = changed.rows;
    let text = told("updated", updated, &table, dry_run);
    let data = Updated {
        table,
        updated,
        dry_run,
    };
    Ok(Answer::new(data, text))
}

/// `delete_records`
pub fn delete_records(
    database: &Database,
    args: DeleteArgs,
    stop: &CancellationToken,
) -> Result<Answer<Deleted>, Refusal> {
    let dry_run = args.dry_run;
    let aim = Aim::new(database, &args.table, stop)?;
    let conditions = aim.conditions(args.conditions, args.all)?;
    let (table, changed) = aim.run(Deed::Delete(conditions), args.max_rows, dry_run)?;
    let deleted = changed.rows;
    let text = told("deleted", deleted, &table, dry_run);
    let data = Deleted {
        table,
        deleted,
        dry_run,
    };
    Ok(Answer::new(data, text))
}

fn told(done: &str, rows: u64, table: &str, dry_run: bool) -> String {
    let plural = if rows == 1 { "" } else { "s" };
    match dry_run {
        false => format!("{rows} row{plural} of `{table}` {done}."),
        true => format!("{rows} row{plural} of `{table}` would be {done}; nothing has changed."),
    }
}

/// The table that a change is aimed at.
struct Aim<'a> {
    database: &'a Database,
    bounds: Bounds<'a>,
    table: Relation,
}

impl<'a> Aim<'a> {
    fn new(
        database: &'a Database,
        wanted: &str,
        stop: &'a CancellationToken,
    ) -> Result<Self, Refusal> {
        let bounds = database.bounds(stop);
        let catalogue = database.engine.catalogue(&bounds)?;
        let table = catalogue.find(wanted)?.clone();
        if matches!(table.kind, Kind::View | Kind::MaterializedView) {
            return Err(Refusal(format!(
                "`{}` is a view; change the table behind it.",
                table.shown
            )));
        }
        Ok(Self {
            database,
            bounds,
            table,
        })
    }

    /// The values by the catalogue's names.
    fn values(
        &self,
        values: &Map<String, Value>,
        field: &str,
    ) -> Result<Vec<(String, Value)>, Refusal> {
        let mut checked: Vec<(String, Value)> = Vec::with_capacity(values.len());
        for (wanted, given) in values {
            let column = self.table.column(wanted)?;
            if column.generated {
                return Err(Refusal(format!(
                    "`{}` of `{}` is computed by the database; leave it out.",
                    column.name, self.table.shown
                )));
            }
            if checked.iter().any(|(name, _)| *name == column.name) {
                return Err(Refusal(format!(
                    "`{field}` names the column `{}` twice.",
                    column.name
                )));
            }
            value::check(given, &format!("{field}.{wanted}"))?;
            checked.push((column.name.clone(), given.clone()));
        }
        Ok(checked)
    }

    fn conditions(&self, given: Vec<ConditionArg>, all: bool) -> Result<Vec<Condition>, Refusal> {
        match (given.is_empty(), all) {
            (true, false) => Err(Refusal::new(
                "`where` has no condition. Give at least one, or `all: true` if every row is meant.",
            )),
            (false, true) => Err(Refusal::new(
                "`all: true` and conditions in `where` contradict each other. Leave out one of them.",
            )),
            (true, true) | (false, false) => conditions(&self.table, given),
        }
    }

    fn run(
        self,
        deed: Deed,
        max_rows: Option<u64>,
        dry_run: bool,
    ) -> Result<(String, Changed), Refusal> {
        let shown = self.table.shown.clone();
        let change = Change {
            table: self.table,
            deed,
            max_rows,
        };
        let engine = &self.database.engine;
        let changed = engine.change(&change, dry_run, &self.bounds)?;
        Ok((shown, changed))
    }
}
