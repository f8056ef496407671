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
        let mut writer = self
            .source
            .writer(bounds)
            .map_err(|error| cannot_open(&error, bounds))?;
        let outcome = write::change(&mut writer.connection, change, dry_run);
        let outcome = outcome
            .map_err(|trouble| self.refusal(trouble, Doing::Changing, "", &mut writer, bounds));
        self.source.give_back_writer(writer);
        outcome
    }

    fn script(&self, sql: &str, bounds: &Bounds<'_>) -> Result<Ran, Refusal> {
        let mut writer = self
            .source
            .writer(bounds)
            .map_err(|error| cannot_open(&error, bounds))?;
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
