//! What went wrong, in words for the model: what the server said, where in the statement, the nearest name, and what to do next.

use std::time::Duration;

use tokio_postgres::Error;
use tokio_util::sync::CancellationToken;

use crate::servers::database::engine::Bounds;
use crate::servers::database::place::at_character;
use crate::servers::database::postgres::PostgreSql;
use crate::servers::postgres::{ANSWER_LIMIT, Trouble, in_words};
use crate::servers::toolbox::Refusal;

/// How long the look-ups for a message may take.
const LOOK_UP: Duration = Duration::from_secs(2);

/// What the server was asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The client's statement.
    sql: &'a str,
    /// Characters that we put in front of it.
    before: isize,
    /// Whether it may have changed something.
    writes: Writes,
}

/// Whether what was asked may have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// It only reads.
    Never,
    /// It would have, but the transaction did not come to its end: nothing has changed.
    NotYet,
    /// Its end was asked for, and no answer came.
    Unknown,
}

impl<'a> Asked<'a> {
    /// A query.
    pub fn query(sql: &'a str) -> Self {
        Self::read(sql, 0)
    }

    /// Something that reads, with so many characters before the client's statement.
    pub fn read(sql: &'a str, before: isize) -> Self {
        let writes = Writes::Never;
        Self {
            sql,
            before,
            writes,
        }
    }

    /// Something that writes.
    pub fn write(sql: &'a str, writes: Writes) -> Self {
        Self {
            sql,
            before: 0,
            writes,
        }
    }
}

impl PostgreSql {
    /// The sentence for a piece of work that failed.
    pub fn complaint(&self, trouble: Trouble, asked: &Asked<'_>, bounds: &Bounds<'_>) -> Refusal {
        let seconds = bounds.time.as_secs_f32();
        let state = match asked.writes {
            Writes::Never => "",
            Writes::NotYet => " Nothing has changed.",
            Writes::Unknown => {
                " The outcome is unknown: the change may have been made. Look before it is repeated."
            }
        };
        Refusal(match trouble {
            Trouble::Ours(why) => format!("{why}{state}"),
            Trouble::Connect(why) => {
                format!("The database cannot be reached: {why}. Nothing was sent. Try again in a moment.")
            }
            Trouble::Time => format!(
                "The query was ended: it ran longer than {seconds} s.{state} Ask for less: add a WHERE, an index or a LIMIT."
            ),
            Trouble::Stopped => {
                format!("The query was ended because the client cancelled it.{state}")
            }
            Trouble::Lost if asked.writes == Writes::Never => {
                "The connection to the database broke while the query ran; it only read, so it may be repeated.".to_owned()
            }
            Trouble::Lost => format!("The connection to the database broke.{state}"),
            Trouble::TooLarge => format!(
                "The query was ended because a row is larger than {} MiB.{state} Select fewer columns, or a part with substr().",
                ANSWER_LIMIT / 1024 / 1024
            ),
            Trouble::Engine(error) => {
                format!("{}{state}", self.engine_words(&error, asked, seconds))
            }
        })
    }

    fn engine_words(&self, error: &Error, asked: &Asked<'_>, seconds: f32) -> String {
        let words = in_words(error, |number| at(asked.sql, number, asked.before));
        let code = error.code().map_or("", |code| code.code());
        match code {
            "25006" => format!(
                "Refused: query_database only reads, and the database says that this statement does more: {words}."
            ),
            "42601" if words.contains("multiple commands") => {
                "Send one statement at a time; there is a second one after the first.".to_owned()
            }
            "57014" => format!(
                "The query was ended: it ran longer than {seconds} s, or somebody cancelled it ({words}). Ask for less: add a WHERE, an index or a LIMIT."
            ),
            "55P03" => format!("Somebody else holds a lock on it: {words}. Try again in a moment."),
            code if code.starts_with("53") || code.starts_with("54") => format!(
                "The query was ended because it needed more than the database gives: {words}. Ask for less."
            ),
            "42501" => format!(
                "The database says: {words}. The role `{}` has no right to it.",
                self.role.name
            ),
            "42P01" => format!("The database says: {words}.{}", self.table_hint(error)),
            "42703" => format!("The database says: {words}.{}", self.column_hint(error)),
            _ => format!("The database says: {words}."),
        }
    }

    fn table_hint(&self, error: &Error) -> String {
        let wanted = named(error);
        self.with_catalogue(|catalogue| catalogue.tables_hint(&wanted))
    }

    fn column_hint(&self, error: &Error) -> String {
        // The server often knows by itself, and better, because it sees the statement.
        if error
            .as_db_error()
            .is_some_and(|said| said.hint().is_some())
        {
            return String::new();
        }
        let wanted = named(error);
        let column = wanted.rsplit('.').next().unwrap_or_default();
        self.with_catalogue(|catalogue| catalogue.columns_hint(column))
    }

    fn with_catalogue(
        &self,
        hint: impl FnOnce(&crate::servers::database::catalogue::Catalogue) -> String,
    ) -> String {
        // A name that is not there may be one that has just come or gone.
        self.kept.forget();
        let never = CancellationToken::new();
        let catalogue = self.catalogue_kept(&Bounds::within(LOOK_UP, &never));
        catalogue.map_or_else(|_| String::new(), |catalogue| hint(&catalogue))
    }
}

/// Where a character is that the server counts from `before` characters in front of the statement, or from behind its beginning
/// when that is negative.
pub fn at(sql: &str, number: u32, before: isize) -> String {
    let number = isize::try_from(number).unwrap_or(0) - before;
    at_character(sql, usize::try_from(number).unwrap_or(0))
}

/// The name that the server could not find: in quotes, or the word after the first.
fn named(error: &Error) -> String {
    let message = error.as_db_error().map_or("", |said| said.message());
    let mut quoted = message.split('"');
    let name = match (quoted.next(), quoted.next()) {
        (Some(_), Some(name)) => name,
        _ => message.split(' ').nth(1).unwrap_or_default(),
    };
    name.to_owned()
}
