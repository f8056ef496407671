//! Cuts a script into its statements by PostgreSQL's rules for quotes, comments and function bodies. Pure.
//!
//! A wrong cut can do no harm: each piece goes to the server as one statement, which refuses a half one and two together.

/// One statement of a script, from its first word on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The statement without the spaces and comments before it and without its semicolon.
    pub text: &'a str,
    /// The line at which it begins, from 1.
    pub line: usize,
    /// Characters of the script before it.
    pub before: usize,
}

impl Piece<'_> {
    /// The first word in capitals; empty when it begins otherwise.
    pub fn first_word(&self) -> String {
        word(self.text).to_ascii_uppercase()
    }

    /// Whether it begins with these words in capitals.
    pub fn begins(&self, words: &[&str]) -> bool {
        let mut rest = self.text;
        words.iter().all(|wanted| {
            rest = rest.get(space(rest)..).unwrap_or_default();
            let found = word(rest);
            rest = rest.get(found.len()..).unwrap_or_default();
            found.eq_ignore_ascii_case(wanted)
        })
    }
}

/// The statements of a script in their order; empty ones are left out.
pub fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < sql.len() {
        let rest = sql.get(at..).unwrap_or_default();
        let start = at + space(rest);
        let rest = sql.get(start..).unwrap_or_default();
        let length = statement(rest);
        let text = rest.get(..length).unwrap_or_default().trim_end();
        if !text.is_empty() {
            let head = sql.get(..start).unwrap_or_default();
            let line = head.matches('\n').count() + 1;
            let before = head.chars().count();
            found.push(Piece { text, line, before });
        }
        at = start + length + 1;
    }
    found
}

/// Bytes up to the semicolon that ends the statement, or all.
fn statement(sql: &str) -> usize {
    let (mut at, mut brackets, mut blocks) = (0, 0_usize, 0_usize);
    let routine = is_routine(sql);
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let skipped = space(rest).max(quotation(rest));
        if skipped > 0 {
            at += skipped;
            continue;
        }
        let found = word(rest);
        if !found.is_empty() {
            // The body of a routine in standard SQL holds semicolons of its own.
            match found.to_ascii_uppercase().as_str() {
                "BEGIN" if routine => blocks += 1,
                "CASE" if blocks > 0 => blocks += 1,
                "END" => blocks = blocks.saturating_sub(1),
                _ => {}
            }
            at += found.len();
            continue;
        }
        match rest.chars().next() {
            Some('(') => brackets += 1,
            Some(')') => brackets = brackets.saturating_sub(1),
            Some(';') if brackets == 0 && blocks == 0 => return at,
            _ => {}
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    sql.len()
}

fn is_routine(sql: &str) -> bool {
    let piece = Piece {
        text: sql,
        line: 0,
        before: 0,
    };
    ["FUNCTION", "PROCEDURE"].iter().any(|kind| {
        piece.begins(&["CREATE", kind]) || piece.begins(&["CREATE", "OR", "REPLACE", kind])
    })
}

/// The identifier or keyword at the beginning.
fn word(sql: &str) -> &str {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii();
    if sql.starts_with(|c: char| !inside(c) || c.is_ascii_digit() || c == '$') {
        return "";
    }
    let end = sql.find(|c| !inside(c)).unwrap_or(sql.len());
    sql.get(..end).unwrap_or_default()
}

/// Bytes of spaces and comments at the beginning.
fn space(sql: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let length = if rest.starts_with([' ', '\t', '\n', '\r', '\x0b', '\x0c']) {
            1
        } else if rest.starts_with("--") {
            rest.find(['\n', '\r']).unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)
        } else {
            break;
        };
        at += length;
    }
    at
}

/// Bytes of a comment, which may hold comments.
fn comment(sql: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    sql.len()
}

/// Bytes of a text or quoted name at the beginning, in any of its forms; 0 when there is none.
fn quotation(sql: &str) -> usize {
    let closed = |from: usize, quote: char, escapes: bool| {
        let mut characters = sql.char_indices().skip_while(move |(at, _)| *at < from);
        while let Some((at, character)) = characters.next() {
            if escapes && character == '\\' {
                characters.next();
            } else if character == quote {
                // A doubled quote begins the next part of the same text, which is read as a text of its own.
                return at + 1;
            }
        }
        sql.len()
    };
    match sql.as_bytes() {
        [b'E' | b'e', b'\'', ..] => closed(2, '\'', true),
        [b'\'', ..] => closed(1, '\'', false),
        [b'"', ..] => closed(1, '"', false),
        [b'$', ..] => dollar(sql),
        _ => 0,
    }
}

/// Bytes of a text between `$tag$` and `$tag$`; 0 when it is none, such as `$1`.
fn dollar(sql: &str) -> usize {
    let Some(end) = sql.get(1..).and_then(|rest| rest.find('$')) else {
        return 0;
    };
    let tag = sql.get(..end + 2).unwrap_or_default();
    let name = tag.trim_matches('$');
    if !name.is_empty() && word(name) != name {
        return 0;
    }
    let inside = sql.get(tag.len()..).unwrap_or_default();
    let close = inside.find(tag);
    close.map_or(sql.len(), |at| tag.len() + at + tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(sql: &str) -> Vec<&str> {
        pieces(sql).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn a_semicolon_ends_a_statement_only_where_the_server_says_so() {
        assert_eq!(
            texts(" a ; b;; -- c;\n /* d; /* e; */ */ f "),
            ["a", "b", "f"]
        );
        assert_eq!(texts("SELECT 'a;''b;' ; x"), ["SELECT 'a;''b;'", "x"]);
        assert_eq!(texts(r"SELECT E'a\';b' ; x"), [r"SELECT E'a\';b'", "x"]);
        assert_eq!(
            texts("SELECT \"a;\"\";b\" ; x"),
            ["SELECT \"a;\"\";b\"", "x"]
        );
        assert_eq!(texts("DO $$ a; b $$ ; x"), ["DO $$ a; b $$", "x"]);
        assert_eq!(texts("DO $q$ a; $$; $q$ ; x"), ["DO $q$ a; $$; $q$", "x"]);
        assert_eq!(texts("SELECT $1; SELECT $2"), ["SELECT $1", "SELECT $2"]);
        assert_eq!(texts("SELECT a$b$; c$b$"), ["SELECT a$b$", "c$b$"]);
        assert_eq!(texts("CREATE RULE r AS ON t DO (a; b); x").len(), 2);
        let body = "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END";
        assert_eq!(texts(&format!("{body}; x")), [body, "x"]);
        assert_eq!(texts("SELECT CASE WHEN a THEN 1 END; x").len(), 2);
        assert_eq!(texts("SELECT 'never closed; x").len(), 1);
    }

    #[test]
    fn lines_and_first_words_are_those_of_the_statement() {
        let found = pieces("-- one\n\n/* two\n */ commit;\nPrepare /* x */ Transaction 'y'");
        assert_eq!(found[0].line, 4);
        assert_eq!(found[0].first_word(), "COMMIT");
        assert_eq!(found[1].line, 5);
        assert!(found[1].begins(&["PREPARE", "TRANSACTION"]));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_invented(sql in "[a-c;'\"$\\\\E(). \n/*é-]{0,60}") {
            let found = pieces(&sql);
            let mut rest = sql.as_str();
            for piece in &found {
                let at = rest.find(piece.text);
                prop_assert!(at.is_some());
                rest = &rest[at.unwrap() + piece.text.len()..];
                prop_assert!(!piece.text.is_empty());
            }
        }
    }
}
