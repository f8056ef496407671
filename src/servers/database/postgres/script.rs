//! A script: its statements one after the other in one transaction, all or nothing.
//!
//! Each goes alone through the extended protocol, so what the server runs is what was looked at. A statement that would end or
//! divide the transaction is refused before it runs; that the transaction is still the same is asked again before its end.

use std::cell::Cell;

use tokio_postgres::Client;

use crate::servers::database::engine::{Bounds, Done, Ran};
use crate::servers::database::postgres::PostgreSql;
use crate::servers::database::postgres::change::commit;
use crate::servers::database::postgres::complaint::{Asked, Writes, at};
use crate::servers::database::postgres::session::{May, begin};
use crate::servers::database::postgres::split::{Piece, pieces};
use crate::servers::postgres::{Trouble, in_words};
use crate::servers::toolbox::Refusal;

/// Characters of a statement that are shown.
const SHOWN: usize = 80;

/// Statements that begin, end or divide a transaction.
const TRANSACTIONS: &[&str] = &[
    "ABORT",
    "BEGIN",
    "COMMIT",
    "END",
    "RELEASE",
    "ROLLBACK",
    "SAVEPOINT",
    "START",
];

impl PostgreSql {
    /// Runs a script.
    pub fn ran(&self, sql: &str, bounds: &Bounds<'_>) -> Result<Ran, Refusal> {
        let found = pieces(sql);
        for piece in &found {
            permitted(piece).map_err(|why| Refusal(format!("{why} Nothing has changed.")))?;
        }
        let left = bounds.left();
        let state = Cell::new(Writes::NotYet);
        let ran = self.pool.run_apart(left, bounds.stop, async |client| {
            begin(client, May::Write, left).await?;
            let ran = all(client, sql, &found).await?;
            commit(client, &state).await?;
            Ok(ran)
        });
        // It may have changed the schema, and even where it failed nobody should wait for a name that is there.
        self.kept.forget();
        ran.map_err(|trouble| {
            let asked = Asked::write(sql, state.get());
            self.complaint(trouble, &asked, bounds)
        })
    }
}

/// Refuses what would leave the transaction or wait for data that never comes.
fn permitted(piece: &Piece<'_>) -> Result<(), String> {
    let word = piece.first_word();
    let line = piece.line;
    if TRANSACTIONS.contains(&word.as_str()) || piece.begins(&["PREPARE", "TRANSACTION"]) {
        return Err(format!(
            "Line {line}: the script is one transaction already, so `{word}` has no place in it."
        ));
    }
    if word == "COPY" {
        return Err(format!(
            "Line {line}: `COPY` is not run here; use INSERT ... VALUES or INSERT ... SELECT."
        ));
    }
    // Whatever the server may take for a space and we do not: no statement begins otherwise.
    if word.is_empty() && !piece.text.starts_with('(') {
        return Err(format!(
            "Line {line}: a statement begins with a word, and this one with `{}`.",
            piece.text.chars().next().unwrap_or(' ').escape_default()
        ));
    }
    Ok(())
}

async fn all(client: &Client, sql: &str, pieces: &[Piece<'_>]) -> Result<Ran, Trouble> {
    let same = "SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text";
    let before: String = client.query_one(same, &[]).await?.try_get(0)?;
    let mut ran = Ran::default();
    for piece in pieces {
        let done = one(client, piece).await;
        ran.statements
            .push(done.map_err(|trouble| located(trouble, sql, piece))?);
    }
    let after: String = client.query_one(same, &[]).await?.try_get(0)?;
    if before != after {
        return Err(Trouble::Ours(
            "A statement ended the transaction by itself; what came before it has been kept."
                .to_owned(),
        ));
    }
    Ok(ran)
}

async fn one(client: &Client, piece: &Piece<'_>) -> Result<Done, Trouble> {
    let statement = client.prepare(piece.text).await?;
    if !statement.params().is_empty() {
        return Err(Trouble::Ours(
            "A script has no parameters; write the values into it.".to_owned(),
        ));
    }
    let count = client.execute(&statement, &[]).await?;
    let word = piece.first_word();
    let writes = ["INSERT", "UPDATE", "DELETE", "MERGE"].contains(&word.as_str());
    let gives = !statement.columns().is_empty();
    let flat: Vec<&str> = piece.text.split_whitespace().collect();
    Ok(Done {
        statement: flat.join(" ").chars().take(SHOWN).collect(),
        line: piece.line,
        changed: writes.then_some(count),
        rows: gives.then_some(count),
    })
}

/// The server counts from the statement's beginning; a reader of the script counts from its own.
fn located(trouble: Trouble, sql: &str, piece: &Piece<'_>) -> Trouble {
    match trouble {
        Trouble::Engine(error) => Trouble::Ours(format!(
            "The statement at line {} failed; the database says: {}.",
            piece.line,
            in_words(&error, |number| at(
                sql,
                number,
                -piece.before.cast_signed()
            ))
        )),
        Trouble::Ours(why) => Trouble::Ours(format!("Line {}: {why}", piece.line)),
        other => other,
    }
}
