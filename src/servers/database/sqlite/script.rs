//! Statements of any kind in one transaction. Only the engine splits them.

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection, Error, Statement};

use crate::servers::database::engine::{Done, Ran};
use crate::servers::database::sqlite::lexer::{Kind, tokens};
use crate::servers::database::sqlite::{Trouble, guard};
use crate::servers::toolbox::Refusal;

/// Characters of a statement that are told.
const TOLD: usize = 80;

/// Statements that change rows; what they changed is counted.
const COUNTED: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"];

/// Runs the script. An error comes with the words for how far it got.
pub fn run(connection: &mut Connection, sql: &str) -> Result<Ran, (String, Trouble)> {
    let plain = |error: Error| (String::new(), Trouble::Engine(error));
    if sql.contains('\0') {
        let refusal = Refusal::new("`sql` contains a NUL character.");
        return Err((String::new(), Trouble::Ours(refusal)));
    }
    connection.execute_batch("BEGIN IMMEDIATE").map_err(plain)?;
    let ran = guard::scripted(connection)
        .map_err(plain)
        .and_then(|()| all(connection, sql));
    guard::unscripted(connection).map_err(plain)?;
    let ran = match ran {
        Ok(statements) => connection
            .execute_batch("COMMIT")
            .map(|()| Ran { statements })
            .map_err(|error| ("At the end of the script: ".to_owned(), error.into())),
        Err(trouble) => Err(trouble),
    };
    if !connection.is_autocommit() {
        // Whatever this says, the connection is closed next, and the transaction with it.
        let _closed_anyway = connection.execute_batch("ROLLBACK");
    }
    ran
}

fn all(connection: &Connection, sql: &str) -> Result<Vec<Done>, (String, Trouble)> {
    let mut batch = Batch::new(connection, sql);
    let mut done: Vec<Done> = Vec::new();
    let mut at = 0;
    loop {
        let begun = |n: usize, line: usize| format!("Statement {n} of the script (line {line}): ");
        let n = done.len() + 1;
        let next = batch.next().map_err(|error| {
            let line = line_of(sql, next_begin(sql, at));
            (begun(n, line), Trouble::Engine(error))
        })?;
        let Some(mut statement) = next else {
            return Ok(done);
        };
        let (text, begin) = located(&statement, sql, at);
        at = begin + text.len();
        let line = line_of(sql, next_begin(sql, begin));
        let one = one(connection, &mut statement, &text, line);
        done.push(one.map_err(|trouble| (begun(n, line), trouble))?);
    }
}

/// Runs one statement to its end.
fn one(
    connection: &Connection,
    statement: &mut Statement<'_>,
    text: &str,
    line: usize,
) -> Result<Done, Trouble> {
    if statement.parameter_count() > 0 {
        return Err(Trouble::Ours(Refusal::new(
            "a script takes no parameters; write the values.",
        )));
    }
    let (gives, reads) = (statement.column_count() > 0, statement.readonly());
    let text = text.get(next_begin(text, 0)..).unwrap_or_default();
    let first = tokens(text).first().map_or("", |token| token.text);
    let counts = !reads && COUNTED.iter().any(|word| first.eq_ignore_ascii_case(word));
    let mut rows = statement.raw_query();
    let mut given = 0;
    while rows.next()?.is_some() {
        given += 1;
    }
    drop(rows);
    let told: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Done {
        statement: told.trim_end_matches(';').chars().take(TOLD).collect(),
        line,
        changed: counts.then(|| connection.changes()),
        rows: gives.then_some(given),
    })
}

/// The statement as written, and where it begins. What stands before it and is none (comments, a lone `;`) was left out.
fn located(statement: &Statement<'_>, sql: &str, from: usize) -> (String, usize) {
    let text = statement.expanded_sql().unwrap_or_default();
    let found = sql.get(from..).and_then(|rest| rest.find(&text));
    (text, from + found.unwrap_or(0))
}

/// Where the first word at or after this place stands.
fn next_begin(sql: &str, from: usize) -> usize {
    let rest = sql.get(from..).unwrap_or_default();
    let word = tokens(rest)
        .into_iter()
        .find(|token| token.kind != Kind::Comment && token.text != ";");
    from + word.map_or(0, |token| token.at)
}

fn line_of(sql: &str, at: usize) -> usize {
    sql.get(..at).unwrap_or_default().matches('\n').count() + 1
}
