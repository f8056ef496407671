//! SQLite behind the tools: the engine is linked in, and the database is a file or lies in memory.
//!
//! `source` opens connections, `guard` and `functions` bound them, `known` keeps the catalogue, `describe` and `comments` read
//! it; `read`, `write` and `script` run what the tools ask for, `complaint` says what the engine refused.

mod comments;
mod complaint;
mod describe;
mod functions;
mod guard;
mod known;
mod lexer;
mod like;
mod read;
mod rows;
mod script;
mod source;
mod write;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Error;

use crate::servers::ServeError;
use crate::servers::database::catalogue::{Catalogue, Relation, TableSchema};
use crate::servers::database::engine::{
    Bounds, Change, Changed, Engine, Page, Plan, Query, Ran, RowCount,
};
use crate::servers::database::url::Place;
use crate::servers::toolbox::Refusal;

use complaint::{About, Doing, complaint};
use known::Known;
use source::{Opened, Source};

/// What the look-ups for a message may take.
const FOR_THE_MESSAGE: Duration = Duration::from_secs(1);

/// An SQLite database.
pub struct Sqlite {
    source: Source,
    known: Known,
}

/// Why a call did not come to its end.
enum Trouble {
    /// The engine said so.
    Engine(Error),
    /// We say so.
    Ours(Refusal),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl Sqlite {
    /// Opens the database.
    ///
    /// # Errors
    /// A missing file, or a file that is no database.
    pub fn open(place: Place) -> Result<Self, ServeError> {
        Ok(Self {
            source: Source::open(place)?,
            known: Known::default(),
        })
    }

    /// Runs `work` on a bounded reading connection, and puts the engine's refusals into words. `sql` is what the client wrote.
    fn read<T>(
        &self,
        sql: &str,
        bounds: &Bounds<'_>,
        work: impl FnOnce(&Opened) -> Result<T, Trouble>,
    ) -> Result<T, Refusal> {
        let mut reader = self
            .source
            .reader(bounds)
            .map_err(|error| cannot_open(&error, bounds))?;
        let outcome = work(&reader);
        let outcome = outcome
            .map_err(|trouble| self.refusal(trouble, Doing::Reading, sql, &mut reader, bounds));
        self.source.give_back(reader);
        outcome
    }

    /// A bounded connection that may write. When it will, the file is put into the mode of many readers first.
    fn writer(&self, writes: bool, bounds: &Bounds<'_>) -> Result<Opened, Refusal> {
        let opened = self.source.writer(bounds).and_then(|mut writer| {
            if writes {
                writer.many_readers(bounds)?;
            }
            Ok(writer)
        });
        opened.map_err(|error| cannot_open(&error, bounds))
    }

    /// Puts a trouble into words, with the nearest names of the catalogue.
    fn refusal(
        &self,
        trouble: Trouble,
        doing: Doing,
        sql: &str,
        opened: &mut Opened,
        bounds: &Bounds<'_>,
    ) -> Refusal {
        let error = match trouble {
            Trouble::Ours(refusal) => return refusal,
            Trouble::Engine(error) => error,
        };
        // The look-ups get a short time of their own.
        let short = Bounds::within(FOR_THE_MESSAGE, bounds.stop);
        let catalogue = guard::bound(&mut opened.connection, &short)
            .and_then(|()| self.known.catalogue(opened))
            .ok();
        let about = About {
            doing,
            sql,
            catalogue: catalogue.as_deref(),
            bounds,
        };
        complaint(&error, &about)
    }
}

/// What to say when not even a connection can be had.
fn cannot_open(error: &Error, bounds: &Bounds<'_>) -> Refusal {
    let about = About {
        doing: Doing::Reading,
        sql: "",
        catalogue: None,
        bounds,
    };
    let Refusal(why) = complaint(error, &about);
    Refusal(format!("The database cannot be opened. {why}"))
}

impl Engine for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn shown(&self) -> String {
        self.source.shown()
    }

    fn catalogue(&self, bounds: &Bounds<'_>) -> Result<Arc<Catalogue>, Refusal> {
        self.read("", bounds, |opened| Ok(self.known.catalogue(opened)?))
    }

    fn table(&self, table: &Relation, bounds: &Bounds<'_>) -> Result<TableSchema, Refusal> {
        self.read("", bounds, |opened| Ok(self.known.table(opened, table)?))
    }

    fn rows(&self, tables: &[&Relation], bounds: &Bounds<'_>) -> Vec<Option<RowCount>> {
        let counted = self.read("", bounds, |opened| {
            Ok(rows::count(&opened.connection, tables))
        });
        let mut counted = counted.unwrap_or_else(|_| vec![None; tables.len()]);
        if counted.iter().any(Option::is_none) && !bounds.stop.is_cancelled() {
            // The time for counting is over.
            let short = Bounds::within(rows::ESTIMATING, bounds.stop);
            let _unknown_then = self.read("", &short, |opened| {
                rows::estimate(&opened.connection, tables, &mut counted);
                Ok(())
            });
        }
        counted
    }

    fn query(&self, query: &Query, bounds: &Bounds<'_>) -> Result<Page, Refusal> {
        self.read(&query.sql, bounds, |opened| {
            read::query(&opened.connection, query)
        })
    }

    fn explain(&self, query: &Query, bounds: &Bounds<'_>) -> Result<Plan, Refusal> {
        self.read(&query.sql, bounds, |opened| {
            read::explain(&opened.connection, query)
        })
    }

    fn change(
        &self,
        change: &Change,
        dry_run: bool,
        bounds: &Bounds<'_>,
    ) -> Result<Changed, Refusal> {
        let mut writer = self.writer(!dry_run, bounds)?;
        let outcome = write::change(&mut writer.connection, change, dry_run, bounds.stop);
        let outcome = outcome
            .map_err(|trouble| self.refusal(trouble, Doing::Changing, "", &mut writer, bounds));
        self.source.give_back_writer(writer);
        outcome
    }

    fn script(&self, sql: &str, bounds: &Bounds<'_>) -> Result<Ran, Refusal> {
        let mut writer = self.writer(true, bounds)?;
        // The connection is not kept: a script may leave tables, views and triggers of its own on it.
        let outcome = script::run(&mut writer.connection, sql);
        outcome.map_err(|(begun, trouble)| {
            let Refusal(why) = self.refusal(trouble, Doing::Scripting, sql, &mut writer, bounds);
            Refusal(format!(
                "{begun}{why} Nothing has changed: the script is taken back as a whole."
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::database::engine::Deed;
    use serde_json::json;
    use tokio_util::sync::CancellationToken;

    const TIME: Duration = Duration::from_secs(30);

    #[test]
    fn the_catalogue_is_read_once_until_the_schema_changes() {
        let database = Sqlite::open(Place::Memory).unwrap();
        let stop = CancellationToken::new();
        let bounds = Bounds::within(TIME, &stop);
        database.script("CREATE TABLE t (a)", &bounds).unwrap();
        let first = database.catalogue(&bounds).unwrap();
        let insert = Change {
            table: first.find("t").unwrap().clone(),
            deed: Deed::Insert(vec![("a".to_owned(), json!(1))]),
            max_rows: None,
        };
        database.change(&insert, false, &bounds).unwrap();
        let second = database.catalogue(&bounds).unwrap();
        assert!(Arc::ptr_eq(&first, &second), "read again without need");
        database.script("CREATE TABLE u (b)", &bounds).unwrap();
        let third = database.catalogue(&bounds).unwrap();
        assert_eq!(third.relations.len(), 2);
        assert!(Arc::ptr_eq(&third, &database.catalogue(&bounds).unwrap()));
    }

    #[test]
    fn a_cancelled_call_ends_at_once_and_the_next_one_runs() {
        let database = Sqlite::open(Place::Memory).unwrap();
        let query = |sql: &str| Query {
            sql: sql.to_owned(),
            params: Vec::new(),
            limit: 10,
            max_bytes: 1000,
            skip: 0,
        };
        let endless = query(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        );
        let stop = CancellationToken::new();
        let bounds = Bounds::within(Duration::from_secs(3600), &stop);
        let refusal = std::thread::scope(|scope| {
            let running = scope.spawn(|| database.query(&endless, &bounds));
            stop.cancel();
            running.join().unwrap().unwrap_err()
        });
        assert!(refusal.0.contains("cancelled"), "{refusal:?}");
        let stop = CancellationToken::new();
        let bounds = Bounds::within(TIME, &stop);
        let page = database.query(&query("SELECT 1"), &bounds).unwrap();
        assert_eq!(page.rows, [[json!(1)]]);
    }
}
