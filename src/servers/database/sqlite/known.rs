//! The catalogue as it was read last, kept until the schema changes or another file takes the database's place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Result;

use crate::servers::database::catalogue::{Catalogue, Relation, TableSchema};
use crate::servers::database::sqlite::describe;
use crate::servers::database::sqlite::source::{FileId, Opened};

/// What is known of the database.
#[derive(Default)]
pub struct Known {
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    of: Stamp,
    catalogue: Arc<Catalogue>,
    tables: HashMap<String, TableSchema>,
}

/// What is another one when the schema may be another one: the file, and the number that the engine raises with each change of
/// the schema.
type Stamp = (FileId, i64);

impl Known {
    /// The tables and views with their columns.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn catalogue(&self, opened: &Opened) -> Result<Arc<Catalogue>> {
        let stamp = stamp(opened);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_ref().filter(|kept| Some(kept.of) == stamp) {
            return Ok(kept.catalogue.clone());
        }
        // Another call that needs it may as well wait for this one.
        let catalogue = Arc::new(describe::catalogue(&opened.connection)?);
        if let Some(of) = stamp {
            *kept = Some(Kept {
                of,
                catalogue: catalogue.clone(),
                tables: HashMap::new(),
            });
        }
        Ok(catalogue)
    }

    /// All about one table.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn table(&self, opened: &Opened, table: &Relation) -> Result<TableSchema> {
        let stamp = stamp(opened);
        let read = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = kept.as_ref().filter(|kept| Some(kept.of) == stamp);
            kept.and_then(|kept| kept.tables.get(&table.name).cloned())
        };
        if let Some(schema) = read {
            return Ok(schema);
        }
        let schema = describe::table(&opened.connection, table)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_mut().filter(|kept| Some(kept.of) == stamp) {
            kept.tables.insert(table.name.clone(), schema.clone());
        }
        Ok(schema)
    }
}

/// None when the engine would not notice a change.
fn stamp(opened: &Opened) -> Option<Stamp> {
    Some((opened.file?, opened.version?))
}
