//! JSON for people: arguments exactly as they are sent, results as a table or a tree, both in short for a list.
//!
//! Pure. Arguments are never parsed and printed again: a parser may drop a doubled key or round a number, and the person
//! would agree to something else than what is sent.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use crate::text::{clean, json, wrap};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::table::Table;
use crate::view::theme::Theme;

/// Rows of a table and lines of a tree that are laid out at most.
const MOST: usize = 2_000;
/// Characters of an argument that is not long.
const BRIEF: usize = 16;

/// JSON text pretty-printed token by token: every byte outside of blanks is shown as it is, what could hide is made visible,
/// and a `\n` inside a string also breaks the line.
pub(super) fn exact(json: &str, cols: usize, theme: &Theme) -> Lines {
    let mut printer = Printer {
        theme,
        cols: cols.max(2),
        depth: 0,
        line: Vec::new(),
        out: Vec::new(),
    };
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let taken = printer.token(c, rest);
        rest = rest.get(taken.max(c.len_utf8())..).unwrap_or_default();
    }
    printer.end_line();
    printer.out
}

struct Printer<'a> {
    theme: &'a Theme,
    cols: usize,
    depth: usize,
    line: Spans,
    out: Lines,
}

impl Printer<'_> {
    /// Prints the token that `rest` begins with and gives its bytes.
    fn token(&mut self, c: char, rest: &str) -> usize {
        match c {
            '"' => {
                let end = json::string_end(rest);
                let is_key = rest[end..].trim_start().starts_with(':');
                self.string(&rest[..end], is_key);
                end
            }
            '{' | '[' => self.open(c, rest),
            '}' | ']' => {
                self.end_line();
                self.depth = self.depth.saturating_sub(1);
                self.line.push(span(c, self.theme.dim));
                1
            }
            ',' => {
                self.line.push(span(",", self.theme.dim));
                self.end_line();
                1
            }
            ':' => {
                self.line.push(span(": ", self.theme.dim));
                1
            }
            ' ' | '\n' | '\r' | '\t' => 1,
            _ => {
                let stops = |c: char| "\"{}[],: \n\r\t".contains(c);
                let end = rest.find(stops).unwrap_or(rest.len());
                self.line
                    .extend(visible(&rest[..end], self.theme.number, self.theme));
                end
            }
        }
    }

    fn open(&mut self, c: char, rest: &str) -> usize {
        self.line.push(span(c, self.theme.dim));
        let close = if c == '{' { '}' } else { ']' };
        let inside = rest[1..].trim_start();
        if inside.starts_with(close) {
            self.line.push(span(close, self.theme.dim));
            return rest.len() - inside.len() + 1;
        }
        self.end_line();
        self.depth += 1;
        1
    }

    fn string(&mut self, token: &str, is_key: bool) {
        let style = if is_key {
            self.theme.entity
        } else {
            self.theme.string
        };
        let mut rest = token;
        while let Some(at) = rest.find('\\') {
            let end = escape_end(rest, at);
            self.line.extend(visible(&rest[..at], style, self.theme));
            let escape = &rest[at..end];
            let look = match escape {
                r"\n" | r"\t" | r#"\""# | r"\\" | r"\/" => self.theme.dim,
                _ => self.theme.reveal,
            };
            self.line.extend(visible(escape, look, self.theme));
            if escape == r"\n" && !is_key {
                self.end_line();
                self.line.push(Span::raw("  "));
            }
            rest = &rest[end..];
        }
        self.line.extend(visible(rest, style, self.theme));
    }

    fn end_line(&mut self) {
        let spans = std::mem::take(&mut self.line);
        if spans.is_empty() {
            return;
        }
        let indent = (self.depth * 2).min(self.cols / 2);
        let lines = styled::broken(&spans, self.cols - indent);
        self.out.extend(styled::indented(lines, indent));
    }
}

/// Where the escape at `at` ends.
fn escape_end(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let chars = if rest.starts_with(r"\u") { 6 } else { 2 };
    let end = rest
        .char_indices()
        .nth(chars)
        .map_or(rest.len(), |(end, _)| end);
    at + end
}

/// Text with everything that takes no room, moves the cursor or looks like a blank written as `‹U+200B›`.
pub(super) fn visible(text: &str, style: Style, theme: &Theme) -> Spans {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return vec![span(text, style)];
    }
    let mut out: Spans = Vec::new();
    for grapheme in text.graphemes(true) {
        let odd = |c: char| c.is_control() || (c.is_whitespace() && c != ' ');
        let hides = clean::line(grapheme) != grapheme
            || wrap::width(grapheme) == 0
            || grapheme.chars().any(odd);
        let (shown, style) = if hides {
            let names = grapheme
                .chars()
                .map(|c| format!("‹U+{:04X}›", u32::from(c)));
            (names.collect::<String>(), theme.reveal)
        } else {
            (grapheme.to_owned(), style)
        };
        match out.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(&shown),
            _ => out.push(span(shown, style)),
        }
    }
    out
}

/// Arguments in short, for a list: `path=hello.txt limit=10`.
pub(super) fn short(json: &str) -> String {
    // A list shows some dozens of columns: what is longer is not worth reading whole at each frame.
    if json.len() > 2_000 {
        return clean::line(&json.chars().take(200).collect::<String>());
    }
    match serde_json::from_str::<Value>(json) {
        Ok(Value::Object(fields)) => {
            let pairs = fields.iter().map(|(key, value)| (key, scalar(value, true)));
            // The end may be cut off: what is long goes there, so that a path is seen before the content for it.
            let (long, brief): (Vec<_>, Vec<_>) =
                pairs.partition(|(_, value)| value.chars().nth(BRIEF).is_some());
            let pairs = brief.into_iter().chain(long);
            let pairs: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
            clean::line(&pairs.join(" "))
        }
        Ok(value) => clean::line(&scalar(&value, true)),
        Err(_) => clean::line(&json.chars().take(200).collect::<String>()),
    }
}

/// A value on one line. `quoted`: strings with blanks get their quotes.
fn scalar(value: &Value, quoted: bool) -> String {
    match value {
        Value::String(text) if quoted && (text.is_empty() || text.contains(' ')) => {
            format!("\"{text}\"")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value as a table, when it is one: `{columns, rows}`, a list of objects, or an object with nothing else in it.
pub(super) fn table(value: &Value, theme: &Theme) -> Option<(Table, usize)> {
    let fields = match value {
        Value::Array(rows) => return objects(rows, theme),
        Value::Object(fields) => fields,
        _ => return None,
    };
    let rows = fields.get("rows").and_then(Value::as_array);
    if let (Some(columns), Some(rows)) = (fields.get("columns").and_then(Value::as_array), rows) {
        let names: Vec<String> = columns.iter().map(column_name).collect();
        return Some(tabular(&names, rows, theme));
    }
    let mut lists = fields.values().filter_map(Value::as_array);
    match (lists.next(), lists.next()) {
        (Some(rows), None) => objects(rows, theme),
        _ => None,
    }
}

fn column_name(column: &Value) -> String {
    match column {
        Value::Object(fields) => fields
            .get("name")
            .map_or(String::new(), |n| scalar(n, false)),
        other => scalar(other, false),
    }
}

fn objects(rows: &[Value], theme: &Theme) -> Option<(Table, usize)> {
    let mut names: Vec<String> = Vec::new();
    for row in rows.iter().take(MOST) {
        for key in row.as_object()?.keys() {
            if !names.contains(key) {
                names.push(key.clone());
            }
        }
    }
    // A record of very many fields is easier to read as a tree.
    (!names.is_empty() && names.len() <= 64).then(|| tabular(&names, rows, theme))
}

fn tabular(names: &[String], rows: &[Value], theme: &Theme) -> (Table, usize) {
    let cells = |row: &Value| -> Vec<Spans> {
        match row {
            Value::Array(values) => values.iter().map(|value| cell(value, theme)).collect(),
            Value::Object(fields) => {
                let value = |name: &String| fields.get(name).map(|value| cell(value, theme));
                names
                    .iter()
                    .map(|name| value(name).unwrap_or_default())
                    .collect()
            }
            other => vec![cell(other, theme)],
        }
    };
    let table = Table {
        head: names
            .iter()
            .map(|name| vec![span(clean::line(name), theme.text)])
            .collect(),
        rows: rows.iter().take(MOST).map(cells).collect(),
        align: Vec::new(),
    };
    (table, rows.len())
}

fn cell(value: &Value, theme: &Theme) -> Spans {
    match value {
        Value::Null => vec![span("null", theme.dim)],
        other => {
            let text: String = scalar(other, false).chars().take(2_000).collect();
            vec![span(clean::line(&text), theme.text)]
        }
    }
}

/// A value as an indented tree.
pub(super) fn tree(value: &Value, cols: usize, theme: &Theme) -> Lines {
    let mut out = Vec::new();
    branch(value, 0, cols.max(8), theme, &mut out);
    if out.len() >= MOST {
        out.push(span("… cut here", theme.dim).into());
    }
    out
}

fn branch(value: &Value, depth: usize, cols: usize, theme: &Theme, out: &mut Lines) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let name = span(format!("{}:", clean::line(key)), theme.entity);
                twig(name, value, depth, cols, theme, out);
            }
        }
        Value::Array(values) if !values.is_empty() => {
            for value in values {
                twig(span("-", theme.dim), value, depth, cols, theme, out);
            }
        }
        other => leaf(Vec::new(), other, depth, cols, theme, out),
    }
}

fn twig(
    name: Span<'static>,
    value: &Value,
    depth: usize,
    cols: usize,
    theme: &Theme,
    out: &mut Lines,
) {
    if out.len() >= MOST {
        return;
    }
    let nested = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(values) => !values.is_empty(),
        _ => false,
    };
    if nested {
        leaf(
            vec![name],
            &Value::String(String::new()),
            depth,
            cols,
            theme,
            out,
        );
        branch(value, depth + 1, cols, theme, out);
    } else {
        leaf(vec![name, Span::raw(" ")], value, depth, cols, theme, out);
    }
}

fn leaf(
    mut spans: Spans,
    value: &Value,
    depth: usize,
    cols: usize,
    theme: &Theme,
    out: &mut Lines,
) {
    let style = match value {
        Value::String(_) => theme.text,
        Value::Number(_) => theme.number,
        _ => theme.keyword,
    };
    spans.push(span(clean::block(&scalar(value, false)), style));
    let indent = (depth * 2).min(cols / 2);
    let lines = styled::wrapped(&spans, cols - indent);
    let room = MOST.saturating_sub(out.len());
    let lines: Vec<Line<'static>> = lines.into_iter().take(room).collect();
    out.extend(styled::indented(lines, indent));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn text(lines: &[Line<'_>]) -> String {
        let text = |line: &Line<'_>| line.spans.iter().map(|s| s.content.as_ref()).collect();
        lines.iter().map(text).collect::<Vec<String>>().join("\n")
    }

    #[test]
    fn arguments_are_shown_as_they_are_and_hide_nothing() {
        let json = "{\"a\":1.10,\"a\":{},\"big\":123456789012345678901,\"s\":\"x\\ny\\u001b\u{200b}\u{202e}é\",\"l\":[]}";
        let seen = text(&exact(json, 60, &Theme::mono()));
        insta::assert_snapshot!(seen, @r#"
        {
          "a": 1.10,
          "a": {},
          "big": 123456789012345678901,
          "s": "x\n
            y\u001b‹U+200B›‹U+202E›é",
          "l": []
        }
        "#);
    }

    #[test]
    fn results_become_tables_where_they_can() {
        let theme = Theme::mono();
        for value in [
            json!({"columns": ["id", "name"], "rows": [[1, "Ánh"]], "truncated": false}),
            json!({"columns": [{"name": "id"}, {"name": "name"}], "rows": [{"id": 1, "name": "Ánh"}]}),
            json!([{"id": 1, "name": "Ánh"}]),
            json!({"customers": [{"id": 1}, {"name": "x"}], "total": 2}),
        ] {
            let (table, _) = table(&value, &theme).unwrap();
            assert_eq!(table.head.len(), 2, "{value}");
        }
        for value in [json!({"a": 1}), json!([1, 2]), json!("x"), json!([])] {
            assert!(table(&value, &theme).is_none(), "{value}");
        }
    }

    #[test]
    fn the_rest_becomes_a_tree() {
        let value = json!({"a": {"b": [1, "two"]}, "e": []});
        assert_eq!(
            text(&tree(&value, 40, &Theme::mono())),
            "a:\n  b:\n    - 1\n    - two\ne: []"
        );
    }

    #[test]
    fn short_arguments_name_their_values() {
        assert_eq!(
            short(r#"{"path":"hello.txt","content":"Hello from MCP!"}"#),
            "path=hello.txt content=\"Hello from MCP!\""
        );
        assert_eq!(short("{}"), "");
        assert_eq!(short("{broken"), "{broken");
    }

    proptest! {
        /// Whatever the bytes are: nothing but blanks is left out, nothing is invented but blanks.
        #[test]
        fn exact_shows_every_character(json in "[ -~é漢]{0,80}", cols in 8usize..60) {
            let seen = text(&exact(&json, cols, &Theme::mono()));
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&seen), bare(&json));
        }

        #[test]
        fn exact_fits_and_is_clean(json in "\\PC{0,60}|.{0,60}", cols in 8usize..60) {
            for line in exact(&json, cols, &Theme::mono()) {
                prop_assert!(styled::width(&line.spans) <= cols);
                prop_assert!(line.spans.iter().all(|s| !s.content.contains(char::is_control)));
            }
        }
    }
}
