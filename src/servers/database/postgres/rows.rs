//! How many rows tables have: counted where that is quick, else what the server's statistics say, else unknown.

use std::time::Duration;

use tokio_postgres::Client;

use crate::servers::database::catalogue::{Kind, Relation};
use crate::servers::database::engine::{Bounds, RowCount};
use crate::servers::database::postgres::PostgreSql;
use crate::servers::database::postgres::table::oid;
use crate::servers::database::statement::whole;
use crate::servers::postgres::Trouble;

/// Tables up to this size are counted.
const COUNTED_BYTES: i64 = 16 * 1024 * 1024;

/// How long one count may take; nobody waits for it.
const COUNT: Duration = Duration::from_millis(300);

impl PostgreSql {
    /// How many rows each table has.
    pub fn row_counts(&self, tables: &[&Relation], bounds: &Bounds<'_>) -> Vec<Option<RowCount>> {
        // Half of the time for the counts, so that the answer itself is always in time.
        let half = bounds.left() / 2;
        let counted = self.reading(bounds, async |client| {
            let mut counts = Vec::with_capacity(tables.len());
            for table in tables {
                let late = bounds.left() < half;
                counts.push(if late {
                    None
                } else {
                    one(client, table).await?
                });
            }
            Ok(counts)
        });
        counted.unwrap_or_else(|_| vec![None; tables.len()])
    }
}

async fn one(client: &Client, table: &Relation) -> Result<Option<RowCount>, Trouble> {
    client.batch_execute("SAVEPOINT one").await?;
    let counted = attempt(client, table).await;
    match counted {
        Err(Trouble::Engine(_) | Trouble::Ours(_)) => {
            client.batch_execute("ROLLBACK TO SAVEPOINT one").await?;
            Ok(None)
        }
        other => {
            client.batch_execute("RELEASE SAVEPOINT one").await?;
            other
        }
    }
}

async fn attempt(client: &Client, table: &Relation) -> Result<Option<RowCount>, Trouble> {
    let oid = oid(client, table).await?;
    // Partitions count for their table; statistics of a table that was never analysed are -1.
    let sql = "SELECT pg_catalog.sum(CASE WHEN c.reltuples OPERATOR(pg_catalog.<) 0::pg_catalog.float4 THEN NULL ELSE c.reltuples::pg_catalog.float8 END), \
                 pg_catalog.sum(pg_catalog.pg_relation_size(c.oid))::pg_catalog.int8, \
                 pg_catalog.bool_or(c.reltuples OPERATOR(pg_catalog.<) 0::pg_catalog.float4 AND c.relkind OPERATOR(pg_catalog.<>) 'p') \
               FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) $1 \
                 OR c.oid OPERATOR(pg_catalog.=) ANY(SELECT t.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass) t)";
    let row = client.query_one(sql, &[&oid]).await?;
    let (estimate, bytes): (Option<f64>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    let never: Option<bool> = row.try_get(2)?;
    let small = bytes.is_some_and(|bytes| bytes <= COUNTED_BYTES);
    if small || matches!(table.kind, Kind::View) {
        let millis = COUNT.as_millis();
        client
            .batch_execute(&format!("SET LOCAL statement_timeout = {millis}"))
            .await?;
        let sql = format!("SELECT pg_catalog.count(*) FROM {}", whole(table));
        let rows = client.query_one(&sql, &[]).await?.try_get(0)?;
        return Ok(Some(RowCount { rows, exact: true }));
    }
    let known = estimate.filter(|_| never != Some(true));
    // Estimates are far below what a float cannot hold.
    #[expect(clippy::cast_possible_truncation)]
    let rows = known.map(|estimate| RowCount {
        rows: estimate as i64,
        exact: false,
    });
    Ok(rows)
}
