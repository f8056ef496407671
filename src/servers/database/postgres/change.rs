//! Inserts, updates and deletes: names from the catalogue, values as parameters, one transaction, rolled back when it is a trial
//! or touches too many rows.
//!
//! Numbers that a sequence gave out in a trial are not given back; that is the server's rule for all who roll back.

use std::cell::Cell;

use serde_json::{Map, Value};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::servers::database::catalogue::{Relation, quoted};
use crate::servers::database::engine::{Bounds, Change, Changed, Deed};
use crate::servers::database::postgres::PostgreSql;
use crate::servers::database::postgres::complaint::{Asked, Writes};
use crate::servers::database::postgres::read::parameters;
use crate::servers::database::postgres::session::{May, begin};
use crate::servers::database::postgres::table::oid;
use crate::servers::database::statement::{Built, Dialect, build};
use crate::servers::postgres::Trouble;
use crate::servers::toolbox::Refusal;

/// Only the system's `text` is meant, whatever types a schema of the database has.
const POSTGRESQL: Dialect = Dialect {
    mark: |number| format!("${number}"),
    conflict: "",
    as_text: |column| format!("{column}::pg_catalog.text"),
};

impl PostgreSql {
    /// Makes a change, or tries it.
    pub fn changed(
        &self,
        change: &Change,
        dry_run: bool,
        bounds: &Bounds<'_>,
    ) -> Result<Changed, Refusal> {
        let left = bounds.left();
        let state = Cell::new(Writes::NotYet);
        let changed = self.pool.run(left, bounds.stop, async |client| {
            begin(client, May::Write, left).await?;
            let changed = make(client, change).await?;
            if dry_run {
                return Ok(changed);
            }
            commit(client, &state).await?;
            Ok(changed)
        });
        changed.map_err(|trouble| {
            let asked = Asked::write("", state.get());
            self.complaint(trouble, &asked, bounds)
        })
    }
}

/// Ends a transaction well. From here until the answer nobody knows the outcome. The one that follows is for the cleaning, which
/// rolls it back: else the server would note each time that there is none.
pub async fn commit(client: &Client, state: &Cell<Writes>) -> Result<(), Trouble> {
    state.set(Writes::Unknown);
    let committed = client
        .batch_execute("COMMIT AND CHAIN")
        .await
        .map_err(Trouble::from);
    // The server's own word against it is an outcome.
    if matches!(committed, Err(Trouble::Engine(_))) {
        state.set(Writes::NotYet);
    }
    committed
}

async fn make(client: &Client, change: &Change) -> Result<Changed, Trouble> {
    let keys = match &change.deed {
        Deed::Insert(_) => key_columns(client, &change.table).await?,
        Deed::Update(..) | Deed::Delete(_) => Vec::new(),
    };
    let Built { sql, values } = written(change, &keys);
    let statement = client.prepare(&sql).await?;
    let values = parameters(&values, &statement)?;
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
    let mut changed = Changed::default();
    if keys.is_empty() {
        changed.rows = client.execute(&statement, &values).await?;
    } else {
        // A rule or trigger may have put the row elsewhere, and then none comes back.
        for row in client.query(&statement, &values).await? {
            changed.rows += 1;
            changed.key = Map::new();
            for (index, (column, kind)) in keys.iter().enumerate() {
                let value = key_value(row.try_get(index)?, kind);
                changed.key.insert(column.clone(), value);
            }
        }
    }
    if let Some(most) = change.max_rows.filter(|most| changed.rows > *most) {
        return Err(Trouble::Ours(format!(
            "It would touch {} rows, and {most} are the most that were allowed.",
            changed.rows
        )));
    }
    // What is checked at the end only is checked now, so that a trial says it too.
    client
        .batch_execute("SET CONSTRAINTS ALL IMMEDIATE")
        .await?;
    Ok(changed)
}

/// The primary key's columns and types; empty where there is none or the role may not read it.
async fn key_columns(client: &Client, table: &Relation) -> Result<Vec<(String, String)>, Trouble> {
    let oid = oid(client, table).await?;
    let sql = "SELECT a.attname::pg_catalog.text, pg_catalog.format_type(a.atttypid, NULL), pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') \
               FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a \
                 ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid AND a.attnum OPERATOR(pg_catalog.=) ANY(i.indkey) \
               WHERE i.indrelid OPERATOR(pg_catalog.=) $1 AND i.indisprimary ORDER BY a.attnum";
    let mut keys = Vec::new();
    for row in client.query(sql, &[&oid]).await? {
        if !row.try_get::<_, bool>(2)? {
            return Ok(Vec::new());
        }
        keys.push((row.try_get(0)?, row.try_get(1)?));
    }
    Ok(keys)
}

fn key_value(text: Option<String>, kind: &str) -> Value {
    let Some(text) = text else {
        return Value::Null;
    };
    match kind {
        "smallint" | "integer" | "bigint" => {
            text.parse::<i64>().map_or(Value::from(text), Value::from)
        }
        _ => Value::from(text),
    }
}

/// The statement of a change that gives back the key's columns.
fn written(change: &Change, keys: &[(String, String)]) -> Built {
    let mut built = build(change, POSTGRESQL);
    if !keys.is_empty() {
        let names: Vec<String> = keys
            .iter()
            .map(|(name, _)| (POSTGRESQL.as_text)(&quoted(name)))
            .collect();
        built.sql = format!("{} RETURNING {}", built.sql, names.join(", "));
    }
    built
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::database::catalogue::Kind;
    use crate::servers::database::engine::{Comparison, Condition, Test};
    use serde_json::json;

    fn sql(deed: Deed, keys: &[(String, String)]) -> String {
        let table = Relation {
            schema: Some("pub\"lic".to_owned()),
            name: "a; DROP".to_owned(),
            shown: String::new(),
            kind: Kind::Table,
            columns: Vec::new(),
            comment: None,
        };
        let change = Change {
            table,
            deed,
            max_rows: None,
        };
        written(&change, keys).sql
    }

    #[test]
    fn names_stay_names_and_values_stay_beside_the_statement() {
        let value = |name: &str| (name.to_owned(), json!("x'; DELETE FROM y"));
        let key = [("id".to_owned(), "integer".to_owned())];
        assert_eq!(
            sql(Deed::Insert(vec![value("n\"m")]), &key),
            r#"INSERT INTO "pub""lic"."a; DROP" ("n""m") VALUES ($1) RETURNING "id"::pg_catalog.text"#
        );
        let conditions = vec![
            Condition {
                column: "a".to_owned(),
                test: Test::In(vec![json!(1), json!(2)]),
            },
            Condition {
                column: "b".to_owned(),
                test: Test::Compare(Comparison::Unequal, json!(3)),
            },
            Condition {
                column: "c".to_owned(),
                test: Test::IsNull,
            },
        ];
        assert_eq!(
            sql(Deed::Update(vec![value("v")], conditions.clone()), &[]),
            r#"UPDATE "pub""lic"."a; DROP" SET "v" = $1 WHERE "a" IN ($2, $3) AND "b" <> $4 AND "c" IS NULL"#
        );
        assert_eq!(
            sql(Deed::Delete(Vec::new()), &[]),
            r#"DELETE FROM "pub""lic"."a; DROP""#
        );
        assert_eq!(
            sql(Deed::Insert(Vec::new()), &[]),
            r#"INSERT INTO "pub""lic"."a; DROP" DEFAULT VALUES"#
        );
    }
}
