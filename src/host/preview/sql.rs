//! What a text of SQL seems to do, by its words alone: how many statements, and of what kind each is.
//!
//! Pure. A reader of tokens, not of grammar: strings, quoted names and comments are set aside, so that no word in them counts.
//! What it says is shown to a person and decides nothing: a function that is called by a SELECT may still change something.

use serde::Serialize;

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It reads.
    Reads,
    /// It changes settings of the connection, or begins and ends a transaction.
    Session,
    /// It changes rows.
    Rows,
    /// It changes tables, views, rights: what the data stands in.
    Schema,
    /// Not recognised: it may do anything.
    Unknown,
}

impl Kind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Session => "sets something of the session",
            Self::Rows => "changes rows",
            Self::Schema => "changes the schema",
            Self::Unknown => "not recognised, may do anything",
        }
    }
}

/// Texts that are longer are not looked at.
const MOST: usize = 256 << 10;

/// The kind of each statement of a text, in order.
pub fn kinds(text: &str) -> Vec<Kind> {
    if text.len() > MOST {
        return vec![Kind::Unknown];
    }
    let tokens = tokens(text);
    let statements = tokens.split(|token| token == ";");
    statements
        .filter(|words| !words.is_empty())
        .map(kind)
        .collect()
}

/// Whether a text is SQL for all that one can see: it begins as a statement does and goes on as that one does.
pub fn looks_like(text: &str) -> bool {
    let head: String = text.chars().take(4_000).collect();
    let tokens = tokens(&head);
    let word = |at: usize| tokens.get(at).map_or("", String::as_str);
    let has = |wanted: &str| tokens.iter().any(|token| token == wanted);
    match (word(0), word(1)) {
        ("SELECT", next) => {
            !next.is_empty() && (has("FROM") || tokens.len() < 8 && text.contains('('))
        }
        ("WITH", _) => has("AS") && has("SELECT"),
        ("INSERT" | "REPLACE", next) => next == "INTO" || next == "OR",
        ("DELETE", next) => next == "FROM",
        ("UPDATE", next) => !next.is_empty() && has("SET"),
        ("MERGE", next) => next == "INTO" || has("USING"),
        ("CREATE" | "DROP" | "ALTER", next) => THINGS.contains(&next),
        ("TRUNCATE", next) => next == "TABLE" || tokens.len() <= 3,
        ("GRANT" | "REVOKE", _) => has("ON") || has("TO") || has("FROM"),
        ("EXPLAIN", next) => matches!(next, "SELECT" | "QUERY" | "ANALYZE" | "WITH" | "("),
        ("PRAGMA" | "VACUUM" | "ATTACH" | "DETACH", _) => true,
        _ => false,
    }
}

const THINGS: &[&str] = &[
    "TABLE",
    "VIEW",
    "INDEX",
    "UNIQUE",
    "TRIGGER",
    "DATABASE",
    "SCHEMA",
    "TEMP",
    "TEMPORARY",
    "VIRTUAL",
    "MATERIALIZED",
    "FUNCTION",
    "PROCEDURE",
    "ROLE",
    "USER",
    "EXTENSION",
    "SEQUENCE",
    "TYPE",
    "OR",
    "POLICY",
    "DOMAIN",
];

fn kind(words: &[String]) -> Kind {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let changes = &["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"];
    match word(0) {
        "SELECT" | "VALUES" | "TABLE" | "(" if has(&["INTO"]) => Kind::Schema,
        "SELECT" | "VALUES" | "TABLE" | "SHOW" | "DESCRIBE" | "DESC" | "LIST" => Kind::Reads,
        "(" if has(&["SELECT", "VALUES"]) => Kind::Reads,
        "WITH" if has(changes) => Kind::Rows,
        "WITH" if has(&["INTO"]) => Kind::Schema,
        "WITH" if has(&["SELECT", "VALUES"]) => Kind::Reads,
        // EXPLAIN ANALYZE runs what it explains.
        "EXPLAIN" if has(&["ANALYZE", "ANALYSE"]) && has(changes) => Kind::Rows,
        "EXPLAIN" => Kind::Reads,
        "PRAGMA" if has(&["="]) => Kind::Session,
        "PRAGMA"
            if has(&["("])
                && !has(&[
                    "TABLE_INFO",
                    "TABLE_XINFO",
                    "TABLE_LIST",
                    "INDEX_LIST",
                    "INDEX_INFO",
                    "FOREIGN_KEY_LIST",
                ]) =>
        {
            Kind::Session
        }
        "PRAGMA" => Kind::Reads,
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "REPLACE" | "TRUNCATE" | "UPSERT" | "LOAD" => {
            Kind::Rows
        }
        "COPY" if has(&["TO"]) && !has(&["FROM", "PROGRAM"]) => Kind::Reads,
        "COPY" => Kind::Rows,
        "CREATE" | "ALTER" | "DROP" | "GRANT" | "REVOKE" | "COMMENT" | "RENAME" | "REINDEX"
        | "ATTACH" | "DETACH" | "VACUUM" | "SECURITY" | "REASSIGN" => Kind::Schema,
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "SET"
        | "RESET" | "USE" | "ANALYZE" | "DISCARD" | "LISTEN" | "UNLISTEN" | "LOCK" => Kind::Session,
        _ => Kind::Unknown,
    }
}

/// Words in capitals and single signs; strings, names in quotes and comments leave a mark that is no word.
fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            _ if c.is_whitespace() => c.len_utf8(),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '\'' | '"' | '`' => {
                out.push("'".to_owned());
                quoted(rest, c)
            }
            '$' => match dollar(rest) {
                Some(end) => {
                    out.push("'".to_owned());
                    end
                }
                None => 1,
            },
            _ if c.is_alphanumeric() || c == '_' => {
                let stops = |c: char| !(c.is_alphanumeric() || c == '_');
                let end = rest.find(stops).unwrap_or(rest.len());
                out.push(rest.get(..end).unwrap_or_default().to_uppercase());
                end
            }
            _ => {
                out.push(c.to_string());
                c.len_utf8()
            }
        };
        rest = rest.get(taken.max(1)..).unwrap_or_default();
    }
    out
}

/// Bytes of a comment; PostgreSQL nests them.
fn comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => {
                depth += 1;
                at += 2;
            }
            Some(b"*/") => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Bytes of a string or a quoted name; a doubled quote is a part of it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => {
                    chars.next();
                }
                _ => return at + 1,
            }
        }
    }
    rest.len()
}

/// Bytes of a string between `$tag$`, where one begins here.
fn dollar(rest: &str) -> Option<usize> {
    let inner = rest.get(1..)?;
    let end = inner.find('$')?;
    let tag = inner.get(..end)?;
    if !tag.chars().all(|c| c.is_alphanumeric() || c == '_')
        || tag.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let mark = format!("${tag}$");
    let body = rest.get(mark.len()..)?;
    Some(
        body.find(&mark)
            .map_or(rest.len(), |at| at + mark.len() * 2),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn statements_have_their_kind() {
        use Kind::{Reads, Rows, Schema, Session, Unknown};
        for (text, wanted) in [
            ("SELECT 1", vec![Reads]),
            (
                "select * from t where a = 'DROP TABLE t; DELETE' -- ; drop",
                vec![Reads],
            ),
            ("WITH x AS (SELECT 1) SELECT * FROM x;", vec![Reads]),
            (
                "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
                vec![Rows],
            ),
            ("EXPLAIN SELECT 1", vec![Reads]),
            ("EXPLAIN ANALYZE DELETE FROM t", vec![Rows]),
            ("SELECT * INTO new FROM old", vec![Schema]),
            ("UPDATE t SET a = 1; DROP TABLE t", vec![Rows, Schema]),
            ("/* a /* nested */ SELECT */ DELETE FROM t", vec![Rows]),
            ("$x$ DELETE FROM t; $x$", vec![Unknown]),
            ("DO $$ BEGIN DELETE FROM t; END $$", vec![Unknown]),
            ("CALL wipe()", vec![Unknown]),
            ("PRAGMA table_info(t)", vec![Reads]),
            ("PRAGMA journal_mode = off", vec![Session]),
            (
                "BEGIN; INSERT INTO t VALUES (';'); COMMIT;",
                vec![Session, Rows, Session],
            ),
            ("GRANT ALL ON t TO x", vec![Schema]),
            ("TRUNCATE t", vec![Rows]),
            ("COPY t TO STDOUT", vec![Reads]),
            ("COPY t FROM PROGRAM 'x'", vec![Rows]),
            (" ;; ", vec![]),
            ("SELECT \"a;b\" FROM `c;d`", vec![Reads]),
            ("SELECT 'it''s; DROP'", vec![Reads]),
            ("SELECT 'open; DROP TABLE t", vec![Reads]),
            ("XYZZY", vec![Unknown]),
        ] {
            assert_eq!(kinds(text), wanted, "{text}");
        }
    }

    #[test]
    fn prose_is_no_sql() {
        for text in [
            "SELECT * FROM t",
            "delete from t where 1",
            "DROP TABLE x",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "insert into t values (1)",
        ] {
            assert!(looks_like(text), "{text}");
        }
        for text in [
            "Select the best option",
            "update me on the news",
            "Create a report",
            "drop by tomorrow",
            "delete",
            "with love",
            "",
            "Insert coin",
            "Explain this to me",
            "show me",
            "Merge the branches, please",
        ] {
            assert!(!looks_like(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[a-zA-Zđ漢 ;'\"`$/*\\-\n(=]{0,60}") {
            let _any = (kinds(&text), looks_like(&text));
        }

        /// A word in a string or a comment never counts.
        #[test]
        fn what_stands_in_quotes_is_no_statement(inside in "[a-z; ]{0,20}") {
            prop_assert_eq!(kinds(&format!("SELECT '{inside}' /* {inside} */ -- {inside}")), vec![Kind::Reads]);
        }
    }
}
