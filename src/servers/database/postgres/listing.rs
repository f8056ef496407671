//! The catalogue: tables and views of every schema that the role may use, with their columns. Kept for a moment.
//!
//! Partitions are left out: their table stands for them. What the role may neither read nor write is left out as well.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::servers::database::catalogue::{Catalogue, Field, Kind, Relation};
use crate::servers::database::engine::Bounds;
use crate::servers::database::postgres::PostgreSql;
use crate::servers::database::postgres::complaint::Asked;
use crate::servers::postgres::Trouble;
use crate::servers::toolbox::Refusal;

/// How long a catalogue is believed: others may change the schema, and nothing tells us.
const BELIEVED: Duration = Duration::from_secs(2);

/// Which relations there are for the role. It runs under the role's own search path, which says what can be called without its
/// schema: so every type, function and operator here is named as the system's, whatever else a schema before it holds.
const RELATIONS: &str = "SELECT c.oid, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relkind::pg_catalog.text, pg_catalog.pg_table_is_visible(c.oid), \
        pg_catalog.obj_description(c.oid, 'pg_class') \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
    WHERE c.relkind OPERATOR(pg_catalog.=) ANY('{r,p,v,m,f}'::pg_catalog.\"char\"[]) AND NOT c.relispartition \
      AND n.nspname OPERATOR(pg_catalog.<>) ALL('{pg_catalog,information_schema}'::pg_catalog.name[]) AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_t') \
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
      AND (pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE') \
           OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')) \
    ORDER BY n.nspname, c.relname";

/// The columns of all of them; that of an identity which is always the server's takes no value.
const COLUMNS: &str = "SELECT a.attrelid, a.attname::pg_catalog.text, pg_catalog.format_type(a.atttypid, a.atttypmod), \
        a.attgenerated OPERATOR(pg_catalog.<>) '' OR a.attidentity OPERATOR(pg_catalog.=) 'a' \
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid \
      JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
    WHERE c.relkind OPERATOR(pg_catalog.=) ANY('{r,p,v,m,f}'::pg_catalog.\"char\"[]) AND NOT c.relispartition AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 \
      AND NOT a.attisdropped AND n.nspname OPERATOR(pg_catalog.<>) ALL('{pg_catalog,information_schema}'::pg_catalog.name[]) \
      AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_t') \
    ORDER BY a.attrelid, a.attnum";

/// The catalogue as it was read last.
#[derive(Default)]
pub struct Kept(Mutex<Option<(Instant, Arc<Catalogue>)>>);

impl Kept {
    /// Forgets it, because the schema may have changed.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn get(&self) -> Option<Arc<Catalogue>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, catalogue) = kept.as_ref()?;
        (read.elapsed() < BELIEVED).then(|| catalogue.clone())
    }

    fn put(&self, read: Instant, catalogue: Arc<Catalogue>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((read, catalogue));
    }
}

impl PostgreSql {
    /// The catalogue, read again when it is older than a moment.
    pub fn catalogue_kept(&self, bounds: &Bounds<'_>) -> Result<Arc<Catalogue>, Refusal> {
        if let Some(catalogue) = self.kept.get() {
            return Ok(catalogue);
        }
        let began = Instant::now();
        let read = self.reading(bounds, async |client| read(client).await);
        let read = read.map_err(|trouble| self.complaint(trouble, &Asked::query(""), bounds))?;
        let catalogue = Arc::new(read);
        self.kept.put(began, catalogue.clone());
        Ok(catalogue)
    }
}

async fn read(client: &Client) -> Result<Catalogue, Trouble> {
    let mut fields: HashMap<u32, Vec<Field>> = HashMap::new();
    for row in client.query(COLUMNS, &[]).await? {
        fields.entry(row.try_get(0)?).or_default().push(Field {
            name: row.try_get(1)?,
            kind: row.try_get(2)?,
            generated: row.try_get(3)?,
        });
    }
    let mut relations = Vec::new();
    for row in client.query(RELATIONS, &[]).await? {
        let (oid, kind): (u32, String) = (row.try_get(0)?, row.try_get(3)?);
        let (schema, name): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        let visible: bool = row.try_get(4)?;
        relations.push(Relation {
            shown: match visible {
                true => name.clone(),
                false => format!("{schema}.{name}"),
            },
            schema: Some(schema),
            name,
            kind: match kind.as_str() {
                "v" => Kind::View,
                "m" => Kind::MaterializedView,
                "f" => Kind::Foreign,
                _ => Kind::Table,
            },
            columns: fields.remove(&oid).unwrap_or_default(),
            comment: row.try_get(5)?,
        });
    }
    apart(&mut relations);
    relations.sort_by(|a, b| a.shown.cmp(&b.shown));
    Ok(Catalogue { relations })
}

/// Gives relations that would be called the same (a name may hold a dot) their whole names, in quotes where needed.
fn apart(relations: &mut [Relation]) {
    let mut count: HashMap<String, usize> = HashMap::new();
    for relation in relations.iter() {
        *count.entry(relation.shown.clone()).or_default() += 1;
    }
    for relation in relations {
        if count.get(&relation.shown).is_some_and(|n| *n > 1) {
            let schema = relation.schema.as_deref().unwrap_or_default();
            relation.shown = format!("\"{schema}\".\"{}\"", relation.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_relations_never_share_the_name_by_which_they_are_called() {
        let relation = |schema: &str, name: &str, shown: &str| Relation {
            schema: Some(schema.to_owned()),
            name: name.to_owned(),
            shown: shown.to_owned(),
            kind: Kind::Table,
            columns: Vec::new(),
            comment: None,
        };
        let mut relations = [
            relation("public", "a.b", "a.b"),
            relation("a", "b", "a.b"),
            relation("public", "c", "c"),
        ];
        apart(&mut relations);
        let shown: Vec<&str> = relations.iter().map(|r| r.shown.as_str()).collect();
        assert_eq!(shown, ["\"public\".\"a.b\"", "\"a\".\"b\"", "c"]);
    }
}
