//! Rows as a table of aligned columns, by the width that a terminal gives each character. Pure.

use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a terminal that one value may take.
const MAX_WIDTH: usize = 60;

/// Bytes of a table in all; the rows are in `structuredContent` in any case.
const MAX_TEXT: usize = 64 * 1024;

/// The table with a header, a rule and one line a row; numbers to the right.
pub fn aligned(names: &[&str], rows: &[Vec<Value>]) -> String {
    let header: Vec<String> = names.iter().map(|name| cut(name)).collect();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(shown).collect())
        .collect();
    let widths: Vec<usize> = header
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let column = cells.iter().filter_map(|row| row.get(index));
            column
                .map(|cell| cell.width())
                .max()
                .unwrap_or(0)
                .max(name.width())
        })
        .collect();
    let mut text = line(&header, &widths, |_| false);
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    text.push_str(&rules.join("-+-"));
    text.push('\n');
    for (row, values) in cells.iter().zip(rows) {
        if text.len() > MAX_TEXT {
            text.push_str("... (the other rows are in the structured content)\n");
            break;
        }
        let right = |index: usize| values.get(index).is_some_and(Value::is_number);
        text.push_str(&line(row, &widths, right));
    }
    text
}

fn line(cells: &[String], widths: &[usize], right: impl Fn(usize) -> bool) -> String {
    let padded = cells
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(index, (cell, width))| {
            let space = " ".repeat(width.saturating_sub(cell.width()));
            if right(index) {
                format!("{space}{cell}")
            } else {
                format!("{cell}{space}")
            }
        });
    let joined = padded.collect::<Vec<_>>().join(" | ");
    format!("{}\n", joined.trim_end())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => cut(text),
        Value::Object(blob) => blob
            .get("blob_bytes")
            .map_or_else(String::new, |n| format!("<blob, {n} bytes>")),
        other => other.to_string(),
    }
}

/// One line of text, cut where it grows too wide.
fn cut(text: &str) -> String {
    let flat = text.replace(['\n', '\r', '\t'], " ");
    if flat.width() <= MAX_WIDTH {
        return flat;
    }
    let (mut kept, mut width) = (String::new(), 0);
    for character in flat.chars() {
        width += character.width().unwrap_or(0);
        if width >= MAX_WIDTH {
            break;
        }
        kept.push(character);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wide_and_combined_characters_keep_the_columns_aligned() {
        let rows = [
            vec![json!("Trần Thị Bình"), json!(5)],
            vec![json!("陈伟"), json!(12)],
            vec![Value::Null, json!({"blob_bytes": 3})],
        ];
        let expected = "\
name          | n
--------------+----------------
Trần Thị Bình |               5
陈伟          |              12
NULL          | <blob, 3 bytes>
";
        assert_eq!(aligned(&["name", "n"], &rows), expected);
    }

    #[test]
    fn a_long_value_is_cut_and_stays_on_its_line() {
        let table = aligned(&["x"], &[vec![json!("ab\n".repeat(100))]]);
        assert_eq!(table.lines().count(), 3);
        assert!(
            table.lines().all(|line| line.width() <= MAX_WIDTH),
            "{table}"
        );
    }
}
