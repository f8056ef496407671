//! The comments inside a table's CREATE statement, which is the only place where SQLite keeps any. Pure.
//!
//! A comment before the first `(` or behind it on its line is the table's. One on the line of a column, or on lines of its own
//! before a column, is that column's.

use std::collections::HashMap;

use crate::servers::database::sqlite::lexer::{Kind, Token, tokens};

/// What the makers of a table say of it and of its columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comments {
    /// Of the table.
    pub table: Option<String>,
    columns: HashMap<String, String>,
}

impl Comments {
    /// Of a column.
    pub fn column(&self, name: &str) -> Option<String> {
        self.columns.get(&name.to_ascii_lowercase()).cloned()
    }
}

/// Reads the comments of a `CREATE TABLE` or `CREATE VIEW`.
pub fn read(sql: &str) -> Comments {
    let mut reader = Reader::default();
    for token in tokens(sql) {
        reader.take(&token);
    }
    reader.end_of_line();
    Comments {
        table: joined(reader.table),
        columns: reader
            .columns
            .into_iter()
            .filter_map(|(name, said)| Some((name, joined(said)?)))
            .collect(),
    }
}

fn joined(said: Vec<String>) -> Option<String> {
    Some(said.join(" ")).filter(|text| !text.is_empty())
}

#[derive(Default)]
struct Reader {
    depth: usize,
    /// Where the definition of a column or constraint is due.
    at_begin: bool,
    /// Whether the last definition began on this line.
    line: usize,
    /// The column of the definition that began last.
    current: Option<String>,
    /// Comments on lines of their own, for what comes next.
    waiting: Vec<String>,
    table: Vec<String>,
    columns: HashMap<String, Vec<String>>,
}

impl Reader {
    fn take(&mut self, token: &Token<'_>) {
        let on_new_line = token.line != self.line;
        match (token.kind, token.text) {
            (Kind::Comment, text) => return self.comment(clean(text), on_new_line),
            (Kind::Sign, "(") => {
                self.depth += 1;
                self.at_begin |= self.depth == 1;
            }
            (Kind::Sign, ")") => self.depth = self.depth.saturating_sub(1),
            (Kind::Sign, ",") if self.depth == 1 => self.at_begin = true,
            (Kind::Word | Kind::Quoted, _) if self.depth == 1 && self.at_begin => {
                self.at_begin = false;
                let name = token.name().to_ascii_lowercase();
                let said = self.columns.entry(name.clone()).or_default();
                said.append(&mut self.waiting);
                self.current = Some(name);
            }
            _ => {}
        }
        self.line = token.line;
    }

    fn comment(&mut self, text: String, on_new_line: bool) {
        if text.is_empty() {
            return;
        }
        match &self.current {
            None if self.depth == 0 || !on_new_line => self.table.push(text),
            Some(name) if !on_new_line => {
                self.columns.entry(name.clone()).or_default().push(text);
            }
            // Behind the last definition there is nothing that it could be about.
            _ if self.depth > 0 => self.waiting.push(text),
            _ => {}
        }
    }

    fn end_of_line(&mut self) {
        self.waiting.clear();
    }
}

fn clean(comment: &str) -> String {
    let inner = comment.trim_start_matches("--");
    let inner = inner.strip_prefix("/*").unwrap_or(inner);
    let inner = inner.strip_suffix("*/").unwrap_or(inner);
    let lines = inner
        .lines()
        .map(|line| line.trim().trim_start_matches('*').trim());
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_find_their_table_and_columns() {
        let said = read(
            "CREATE TABLE orders ( -- one row per order\n\
               id INTEGER PRIMARY KEY, -- never reused\n\
               /* in đồng,\n                * without tax */\n\
               total NUMERIC(10, 2) CHECK (total >= 0), -- from the invoice\n\
               \"ship to\" TEXT -- 'address'\n\
               -- the end\n\
             )",
        );
        assert_eq!(said.table.as_deref(), Some("one row per order"));
        assert_eq!(said.column("ID").as_deref(), Some("never reused"));
        assert_eq!(
            said.column("total").as_deref(),
            Some("in đồng, without tax from the invoice")
        );
        assert_eq!(said.column("ship to").as_deref(), Some("'address'"));
        assert_eq!(said.column("check"), None);
    }

    #[test]
    fn what_stands_in_a_text_is_no_comment() {
        let said = read("CREATE TABLE t (a TEXT DEFAULT '-- no', b TEXT DEFAULT '/* no */')");
        assert_eq!(said, Comments::default());
        let before = read("CREATE TABLE t /* people */ (a)");
        assert_eq!(before.table.as_deref(), Some("people"));
    }
}
