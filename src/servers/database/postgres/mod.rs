//! PostgreSQL behind the tools: the catalogue, queries, plans, changes and scripts in its SQL, types and errors.
//!
//! Reading is its own word: every query runs in a read-only transaction, through a cursor that takes nothing but a query, and
//! the transaction is always rolled back. Connections, TLS and the role's check are `servers::postgres`. Called by
//! `database::open`.
//!
//! - `session` begins transactions and lends connections, `complaint` puts what went wrong into words.
//! - `read` runs a query, `value` turns its texts into JSON values and JSON values into parameters.
//! - `listing` reads the catalogue, `table` all about one table, `rows` how many rows there are.
//! - `plan` explains, `change` inserts, updates and deletes, `script` runs what `split` cuts into statements.

mod change;
mod complaint;
mod listing;
mod plan;
mod read;
mod rows;
mod script;
mod session;
mod split;
mod table;
mod value;

use std::sync::Arc;

use crate::servers::ServeError;
use crate::servers::database::catalogue::{Catalogue, Relation, TableSchema};
use crate::servers::database::engine::{
    Bounds, Change, Changed, Engine, Page, Plan, Query, Ran, RowCount,
};
use crate::servers::database::url::masked;
use crate::servers::postgres::{Address, Postgres, Role};
use crate::servers::toolbox::Refusal;

use listing::Kept;

/// A PostgreSQL database.
struct PostgreSql {
    pool: Postgres,
    role: Role,
    kept: Kept,
}

/// Opens what the URL names: `postgres://USER@HOST/DATABASE`. A role that can run programs or touch the server's files is refused
/// unless `allow_superuser` is set.
///
/// # Errors
/// PostgreSQL is not there, does not let the role in, or the role may do too much.
pub async fn open(url: &str, allow_superuser: bool) -> Result<Arc<dyn Engine>, ServeError> {
    let address = Address::parse(url).map_err(|why| ServeError::Url {
        url: masked(url),
        why,
    })?;
    let shown = address.shown();
    let opened = Postgres::open(address, allow_superuser);
    let (pool, role) = opened.map_err(|why| ServeError::Remote { shown, why })?;
    Ok(Arc::new(PostgreSql {
        pool,
        role,
        kept: Kept::default(),
    }))
}

impl Engine for PostgreSql {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn shown(&self) -> String {
        let (address, role) = (self.pool.shown(), &self.role);
        format!("`{address}` (server {})", role.server)
    }

    fn catalogue(&self, bounds: &Bounds<'_>) -> Result<Arc<Catalogue>, Refusal> {
        self.catalogue_kept(bounds)
    }

    fn table(&self, table: &Relation, bounds: &Bounds<'_>) -> Result<TableSchema, Refusal> {
        self.table_schema(table, bounds)
    }

    fn rows(&self, tables: &[&Relation], bounds: &Bounds<'_>) -> Vec<Option<RowCount>> {
        self.row_counts(tables, bounds)
    }

    fn query(&self, query: &Query, bounds: &Bounds<'_>) -> Result<Page, Refusal> {
        self.read_page(query, bounds)
    }

    fn explain(&self, query: &Query, bounds: &Bounds<'_>) -> Result<Plan, Refusal> {
        self.explained(query, bounds)
    }

    fn change(
        &self,
        change: &Change,
        dry_run: bool,
        bounds: &Bounds<'_>,
    ) -> Result<Changed, Refusal> {
        self.changed(change, dry_run, bounds)
    }

    fn script(&self, sql: &str, bounds: &Bounds<'_>) -> Result<Ran, Refusal> {
        self.ran(sql, bounds)
    }
}
