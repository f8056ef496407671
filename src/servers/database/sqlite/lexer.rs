//! The words of a statement that the engine keeps in its catalogue: names, quoted texts, comments, signs. Pure.
//!
//! It never decides what is allowed; it only finds comments and clauses to show them.

/// One piece of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// As written, with its quotes or comment signs.
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub at: usize,
    /// Its line, from 0.
    pub line: usize,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword without quotes, or a number.
    Word,
    /// Something in quotes or brackets.
    Quoted,
    /// `-- ...` or `/* ... */`.
    Comment,
    /// A single other character.
    Sign,
}

/// The pieces, without the space between them.
pub fn tokens(sql: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 0);
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = piece(rest);
        let text = rest.get(..length).unwrap_or(rest);
        if let Some(kind) = kind {
            tokens.push(Token {
                kind,
                text,
                at,
                line,
            });
        }
        line += text.matches('\n').count();
        at += text.len().max(1);
    }
    tokens
}

/// What begins here, and its bytes; no kind for space.
fn piece(rest: &str) -> (Option<Kind>, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    let until = |end: &str, from: usize| {
        let found = rest.get(from..).and_then(|inner| inner.find(end));
        found.map_or(rest.len(), |found| from + found + end.len())
    };
    match first {
        c if c.is_whitespace() => (None, c.len_utf8()),
        _ if rest.starts_with("--") => {
            let end = rest.find('\n').unwrap_or(rest.len());
            (Some(Kind::Comment), end)
        }
        _ if rest.starts_with("/*") => (Some(Kind::Comment), until("*/", 2)),
        '[' => (Some(Kind::Quoted), until("]", 1)),
        '\'' | '"' | '`' => (Some(Kind::Quoted), quoted(rest, first)),
        c if is_word(c) => {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            (Some(Kind::Word), end)
        }
        c => (Some(Kind::Sign), c.len_utf8()),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// Bytes of a text in quotes; a doubled quote does not end it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => {
                    characters.next();
                }
                _ => return at + 1,
            }
        }
    }
    rest.len()
}

impl Token<'_> {
    /// Whether it is this keyword.
    pub fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// A name without its quotes.
    pub fn name(&self) -> String {
        let inner = |open: char, close: char| {
            let text = self.text.strip_prefix(open)?;
            text.strip_suffix(close)
        };
        for quote in ['"', '`', '\''] {
            if let Some(text) = inner(quote, quote) {
                return text.replace(&format!("{quote}{quote}"), &quote.to_string());
            }
        }
        inner('[', ']').unwrap_or(self.text).to_owned()
    }
}

/// The condition of a partial index: what follows the `WHERE` outside of all parentheses.
pub fn after_where(sql: &str) -> Option<String> {
    after(sql, "WHERE")
}

/// The module of a virtual table with its arguments: what follows the `USING`.
pub fn after_using(sql: &str) -> Option<String> {
    after(sql, "USING")
}

fn after(sql: &str, keyword: &str) -> Option<String> {
    let mut depth = 0_usize;
    for token in tokens(sql) {
        match (token.kind, token.text) {
            (Kind::Sign, "(") => depth += 1,
            (Kind::Sign, ")") => depth = depth.saturating_sub(1),
            _ if depth == 0 && token.is(keyword) => {
                let rest = sql.get(token.at + token.text.len()..)?;
                return Some(rest.trim().to_owned());
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_clause_is_found_outside_of_quotes_and_parentheses() {
        let sql = "CREATE INDEX \"a WHERE b\" ON t (x, (CASE WHEN 1 THEN 'WHERE' END)) /* WHERE */ where y > ')'";
        assert_eq!(after_where(sql).as_deref(), Some("y > ')'"));
        assert_eq!(after_where("CREATE INDEX i ON t (x)"), None);
        let sql = "CREATE VIRTUAL TABLE n USING fts5(text, content='')";
        assert_eq!(after_using(sql).as_deref(), Some("fts5(text, content='')"));
    }

    #[test]
    fn names_lose_their_quotes() {
        let names: Vec<String> = tokens("\"a\"\"b\" [c d] `e` f é")
            .iter()
            .map(Token::name)
            .collect();
        assert_eq!(names, ["a\"b", "c d", "e", "f", "é"]);
    }

    proptest! {
        #[test]
        fn any_text_falls_into_pieces_in_order(sql in "[-/*'\"`\\[\\]() a-cé\n;]{0,40}") {
            let found = tokens(&sql);
            let mut end = 0;
            for token in &found {
                prop_assert!(token.at >= end);
                prop_assert!(sql[end..token.at].trim().is_empty());
                prop_assert_eq!(&sql[token.at..token.at + token.text.len()], token.text);
                end = token.at + token.text.len();
            }
            prop_assert!(sql[end..].trim().is_empty());
        }
    }
}
