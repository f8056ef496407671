//! JSON as lines that fold, straight from the text that passed: order, spelling of numbers and escapes stay as they were.
//!
//! Pure. Understands also what was cut; what is no JSON gives lines that make no sense but never fails.

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// How deep it stands.
    pub depth: usize,
    /// The member's name with its quotes.
    pub key: Option<&'a str>,
    /// What stands there.
    pub what: What<'a>,
    /// A comma follows.
    pub comma: bool,
    /// The row of what it stands in.
    pub parent: Option<usize>,
}

/// What a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// A text, a number, a word, or an empty container.
    Value(&'a str),
    /// A container begins.
    Open {
        /// `{` or `[`.
        bracket: char,
        /// The row of its end; past the last row where the text is cut.
        end: usize,
        /// How many things are in it.
        inside: usize,
    },
    /// A container ends.
    Close(char),
}

/// The lines of a text.
pub fn rows(text: &str) -> Vec<Row<'_>> {
    let mut reader = Reader {
        text,
        at: 0,
        rows: Vec::new(),
        open: Vec::new(),
        key: None,
    };
    while reader.step() {}
    let end = reader.rows.len();
    for open in std::mem::take(&mut reader.open) {
        reader.ends_at(open, end);
    }
    reader.rows
}

/// The rows that are to be seen when these are folded, as places.
pub fn seen(rows: &[Row<'_>], is_folded: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut seen = Vec::new();
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        seen.push(at);
        at = match row.what {
            What::Open { end, .. } if is_folded(at) => end.max(at) + 1,
            _ => at + 1,
        };
    }
    seen
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    rows: Vec<Row<'a>>,
    /// The rows of the containers around.
    open: Vec<usize>,
    key: Option<&'a str>,
}

impl<'a> Reader<'a> {
    fn step(&mut self) -> bool {
        self.skip_spaces();
        let Some(byte) = self.peek() else {
            if let Some(key) = self.key.take() {
                self.push(What::Value(""), Some(key));
            }
            return false;
        };
        match byte {
            b'{' | b'[' => self.opens(byte),
            b'}' | b']' => self.closes(char::from(byte)),
            b',' => {
                self.at += 1;
                if let Some(last) = self.rows.last_mut() {
                    last.comma = true;
                }
            }
            b':' => self.at += 1,
            b'"' => self.text(),
            _ => {
                let word = self.word();
                let key = self.key.take();
                self.push(What::Value(word), key);
            }
        }
        true
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn opens(&mut self, byte: u8) {
        let start = self.at;
        self.at += 1;
        self.skip_spaces();
        let key = self.key.take();
        // `{` and `[` stand two places before what ends them.
        if self.peek() == Some(byte + 2) {
            self.at += 1;
            let is_plain = self.at == start + 2;
            let empty = if byte == b'{' { "{}" } else { "[]" };
            let text = if is_plain {
                &self.text[start..self.at]
            } else {
                empty
            };
            return self.push(What::Value(text), key);
        }
        let open = What::Open {
            bracket: char::from(byte),
            end: 0,
            inside: 0,
        };
        self.push(open, key);
        self.open.push(self.rows.len() - 1);
    }

    fn closes(&mut self, bracket: char) {
        self.at += 1;
        if let Some(key) = self.key.take() {
            self.push(What::Value(""), Some(key));
        }
        if let Some(open) = self.open.pop() {
            self.ends_at(open, self.rows.len());
        }
        let row = self.row(What::Close(bracket), None);
        self.rows.push(row);
    }

    fn ends_at(&mut self, open: usize, place: usize) {
        if let Some(What::Open { end, .. }) = self.rows.get_mut(open).map(|row| &mut row.what) {
            *end = place;
        }
    }

    fn text(&mut self) {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => break,
                _ => {}
            }
        }
        let text = &self.text[start..self.at];
        let in_object = self.open.last().and_then(|open| self.rows.get(*open));
        let in_object =
            in_object.is_some_and(|row| matches!(row.what, What::Open { bracket: '{', .. }));
        self.skip_spaces();
        if in_object && self.key.is_none() && self.peek() == Some(b':') {
            self.at += 1;
            self.key = Some(text);
            return;
        }
        let key = self.key.take();
        self.push(What::Value(text), key);
    }

    fn word(&mut self) -> &'a str {
        let start = self.at;
        let ends = |c: char| c.is_ascii_whitespace() || "{}[],:\"".contains(c);
        let rest = &self.text[start..];
        let length = rest.find(ends).unwrap_or(rest.len());
        self.at = start + length;
        &rest[..length]
    }

    fn row(&self, what: What<'a>, key: Option<&'a str>) -> Row<'a> {
        Row {
            depth: self.open.len(),
            key,
            what,
            comma: false,
            parent: self.open.last().copied(),
        }
    }

    fn push(&mut self, what: What<'a>, key: Option<&'a str>) {
        let row = self.row(what, key);
        let parent = row.parent.and_then(|parent| self.rows.get_mut(parent));
        if let Some(What::Open { inside, .. }) = parent.map(|row| &mut row.what) {
            *inside += 1;
        }
        self.rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn written(rows: &[Row<'_>], seen: &[usize]) -> String {
        let mut out = String::new();
        for at in seen {
            let row = &rows[*at];
            out.extend(row.key.map(|key| format!("{key}:")));
            match row.what {
                What::Value(value) => out.push_str(value),
                What::Open { bracket, .. } | What::Close(bracket) => out.push(bracket),
            }
            if row.comma {
                out.push(',');
            }
        }
        out
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    #[test]
    fn what_passed_stays_as_it_was_spelled() {
        let text = r#" { "b" : 1.0e+05 , "a":[ ], "a" : "\u00e9", "c": {"x": [1,2]} }"#;
        let all = rows(text);
        let seen_all = seen(&all, |_| false);
        assert_eq!(
            written(&all, &seen_all),
            r#"{"b":1.0e+05,"a":[],"a":"\u00e9","c":{"x":[1,2]}}"#
        );
        let folded = seen(&all, |at| all[at].key == Some("\"c\""));
        assert_eq!(folded.len(), 6);
        let depths: Vec<usize> = all.iter().map(|row| row.depth).collect();
        assert_eq!(depths, [0, 1, 1, 1, 1, 2, 3, 3, 2, 1, 0]);
        assert!(matches!(
            all[0].what,
            What::Open {
                inside: 4,
                end: 10,
                ..
            }
        ));
    }

    #[test]
    fn a_cut_text_shows_what_is_left() {
        let all = rows(r#"{"a":{"b":"cut of"#);
        assert_eq!(
            written(&all, &seen(&all, |_| false)),
            r#"{"a":{"b":"cut of"#
        );
        // Folded, the rest of it is hidden.
        assert_eq!(seen(&all, |at| at == 1), [0, 1]);
        assert_eq!(written(&rows(r#"{"a":"#), &[0, 1]), r#"{"a":"#);
    }

    proptest! {
        #[test]
        fn all_rows_together_are_the_text(value in any_json(), pretty: bool) {
            let text = match pretty {
                true => serde_json::to_string_pretty(&value),
                false => serde_json::to_string(&value),
            }.unwrap();
            let all = rows(&text);
            prop_assert_eq!(written(&all, &seen(&all, |_| false)), value.to_string());
            for (at, row) in all.iter().enumerate() {
                if let What::Open { bracket, end, .. } = row.what {
                    let close = if bracket == '{' { '}' } else { ']' };
                    prop_assert_eq!(all[end].what, What::Close(close));
                    prop_assert_eq!(all[end].depth, row.depth);
                    prop_assert!(end > at);
                }
            }
        }

        #[test]
        fn no_text_makes_it_fail(text in any::<String>(), json in "[\\[\\]{}:,\"\\\\a1 é]{0,40}", fold in 0usize..8) {
            for text in [text, json] {
                let all = rows(&text);
                let places = seen(&all, |at| at % 8 == fold);
                prop_assert!(places.is_sorted());
                prop_assert!(places.iter().all(|at| *at < all.len()));
            }
        }
    }
}
