//! All about one table or view: columns, keys, indexes, conditions, comments. From the server's catalogue, in its own words.

use tokio_postgres::{Client, Row};

use crate::servers::database::catalogue::{ColumnSchema, ForeignKey, Index, Relation, TableSchema};
use crate::servers::database::engine::Bounds;
use crate::servers::database::postgres::PostgreSql;
use crate::servers::database::postgres::complaint::Asked;
use crate::servers::database::statement::whole;
use crate::servers::postgres::Trouble;
use crate::servers::toolbox::Refusal;

const COLUMNS: &str = "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, \
        pg_catalog.pg_get_expr(d.adbin, d.adrelid), \
        CASE WHEN a.attgenerated OPERATOR(pg_catalog.=) 's' THEN 'stored' WHEN a.attgenerated OPERATOR(pg_catalog.=) 'v' THEN 'virtual' \
             WHEN a.attidentity OPERATOR(pg_catalog.<>) '' THEN 'identity' END, \
        pg_catalog.col_description(a.attrelid, a.attnum) \
    FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d \
      ON d.adrelid OPERATOR(pg_catalog.=) a.attrelid AND d.adnum OPERATOR(pg_catalog.=) a.attnum \
    WHERE a.attrelid OPERATOR(pg_catalog.=) $1 AND a.attnum OPERATOR(pg_catalog.>) 0::int2 AND NOT a.attisdropped ORDER BY a.attnum";

const KEYS: &str = "SELECT k.contype::text, \
        ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i) JOIN pg_catalog.pg_attribute a \
              ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i), \
        k.confrelid::pg_catalog.regclass::text, \
        ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i) JOIN pg_catalog.pg_attribute a \
              ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i), \
        k.confdeltype::text, k.confupdtype::text, pg_catalog.pg_get_constraintdef(k.oid, true) \
    FROM pg_catalog.pg_constraint k WHERE k.conrelid = $1 AND k.contype IN ('p', 'f', 'c') ORDER BY k.conname";

const INDEXES: &str = "SELECT c.relname::text, \
        ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, n, true) FROM pg_catalog.generate_series(1, i.indnkeyatts::int) n ORDER BY n), \
        i.indisunique, pg_catalog.pg_get_expr(i.indpred, i.indrelid, true) \
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
    WHERE i.indrelid = $1 AND i.indislive ORDER BY c.relname";

const ABOUT: &str = "SELECT c.relkind::text, CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid, true) END, \
        CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END, \
        (SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid), c.relpersistence::text, c.relrowsecurity \
    FROM pg_catalog.pg_class c WHERE c.oid = $1";

impl PostgreSql {
    /// All about one relation, without its rows.
    pub fn table_schema(
        &self,
        table: &Relation,
        bounds: &Bounds<'_>,
    ) -> Result<TableSchema, Refusal> {
        let read = self.reading(bounds, async |client| read(client, table).await);
        read.map_err(|trouble| self.complaint(trouble, &Asked::query(""), bounds))
    }
}

/// The number by which the server's catalogue knows a relation.
pub async fn oid(client: &Client, table: &Relation) -> Result<u32, Trouble> {
    let sql = "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid";
    let found: Option<u32> = client.query_one(sql, &[&whole(table)]).await?.try_get(0)?;
    found.ok_or_else(|| {
        Trouble::Ours(format!(
            "There is no table `{}` any more; list_tables shows what there is.",
            table.shown
        ))
    })
}

async fn read(client: &Client, table: &Relation) -> Result<TableSchema, Trouble> {
    // Only the system's operators are meant below, and every other name is shown with its schema.
    client
        .batch_execute("SET LOCAL search_path = pg_catalog")
        .await?;
    let oid = oid(client, table).await?;
    let mut schema = TableSchema {
        table: table.shown.clone(),
        kind: table.kind,
        comment: table.comment.clone(),
        columns: Vec::new(),
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        options: Vec::new(),
        checks: Vec::new(),
        definition: None,
        rows: None,
        rows_exact: false,
    };
    for row in client.query(KEYS, &[&oid]).await? {
        key(&row, &mut schema)?;
    }
    for row in client.query(COLUMNS, &[&oid]).await? {
        let column = column(&row, &schema.primary_key)?;
        schema.columns.push(column);
    }
    for row in client.query(INDEXES, &[&oid]).await? {
        schema.indexes.push(Index {
            name: row.try_get(0)?,
            columns: row.try_get(1)?,
            unique: row.try_get(2)?,
            only: row.try_get(3)?,
        });
    }
    if let Some(row) = client.query_opt(ABOUT, &[&oid]).await? {
        schema.definition = row.try_get(1)?;
        schema.options = options(&row)?;
    }
    Ok(schema)
}

fn column(row: &Row, primary_key: &[String]) -> Result<ColumnSchema, Trouble> {
    let name: String = row.try_get(0)?;
    let (default, generated): (Option<String>, Option<String>) = (row.try_get(3)?, row.try_get(4)?);
    Ok(ColumnSchema {
        primary_key: primary_key.contains(&name),
        name,
        kind: row.try_get(1)?,
        nullable: row.try_get(2)?,
        default,
        generated,
        comment: row.try_get(5)?,
    })
}

fn key(row: &Row, schema: &mut TableSchema) -> Result<(), Trouble> {
    let kind: String = row.try_get(0)?;
    let deed = |code: String| match code.as_str() {
        "c" => Some("CASCADE".to_owned()),
        "n" => Some("SET NULL".to_owned()),
        "d" => Some("SET DEFAULT".to_owned()),
        "r" => Some("RESTRICT".to_owned()),
        _ => None,
    };
    match kind.as_str() {
        "p" => schema.primary_key = row.try_get(1)?,
        "f" => {
            let table: String = row.try_get(2)?;
            schema.foreign_keys.push(ForeignKey {
                columns: row.try_get(1)?,
                // The schema of most is the same as that of the table itself, and goes without saying.
                table: table.strip_prefix("public.").unwrap_or(&table).to_owned(),
                to: row.try_get(3)?,
                on_delete: deed(row.try_get(4)?),
                on_update: deed(row.try_get(5)?),
            });
        }
        _ => schema.checks.push(row.try_get(6)?),
    }
    Ok(())
}

fn options(row: &Row) -> Result<Vec<String>, Trouble> {
    let mut options = Vec::new();
    if let Some(key) = row.try_get::<_, Option<String>>(2)? {
        let parts: i64 = row.try_get(3)?;
        options.push(format!("partitioned by {key}, {parts} partitions"));
    }
    if row.try_get::<_, String>(4)? == "u" {
        options.push("unlogged".to_owned());
    }
    if row.try_get::<_, bool>(5)? {
        options.push("row security".to_owned());
    }
    Ok(options)
}
