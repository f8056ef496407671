//! How many rows the tables have: counted while there is time, else estimated from what the engine has noted.

use std::time::Duration;

use rusqlite::Connection;

use crate::servers::database::catalogue::{Kind, Relation, quoted};
use crate::servers::database::engine::RowCount;

/// How long all estimates together may take.
pub const ESTIMATING: Duration = Duration::from_millis(200);

/// Counts, the tables first: a view may take any time.
pub fn count(connection: &Connection, tables: &[&Relation]) -> Vec<Option<RowCount>> {
    let mut counts = vec![None; tables.len()];
    for views in [false, true] {
        for (count, table) in counts.iter_mut().zip(tables) {
            if (table.kind == Kind::View) == views {
                let sql = format!("SELECT count(*) FROM {}", quoted(&table.name));
                let rows = connection.query_row(&sql, [], |row| row.get(0));
                *count = rows.ok().map(|rows| RowCount { rows, exact: true });
            }
        }
    }
    counts
}

/// Fills the gaps of a count: by the statistics that ANALYZE left, else by the highest row number.
pub fn estimate(connection: &Connection, tables: &[&Relation], counts: &mut [Option<RowCount>]) {
    for (count, table) in counts.iter_mut().zip(tables) {
        if count.is_some() || table.kind != Kind::Table {
            continue;
        }
        let noted = connection.query_row(
            "SELECT CAST(stat AS INTEGER) FROM sqlite_stat1 WHERE tbl = ?1 ORDER BY 1 DESC LIMIT 1",
            [&table.name],
            |row| row.get(0),
        );
        let highest = || {
            let sql = format!("SELECT max(rowid) FROM {}", quoted(&table.name));
            connection.query_row(&sql, [], |row| row.get(0))
        };
        let rows = noted.or_else(|_| highest());
        *count = rows.ok().map(|rows| RowCount { rows, exact: false });
    }
}
