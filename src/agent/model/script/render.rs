//! The templates of a script: the filters that make Markdown of results, and nothing that reads files or the clock.
//!
//! Pure; used by `script` alone. Everything that a filter puts into Markdown comes from a server, so cells and code are fenced in.

use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

/// Templates with the filters of a script. A name that is not there is an error, never an empty place in an answer.
pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_trim_blocks(true);
    env.set_lstrip_blocks(true);
    env.add_filter("table", table);
    env.add_filter("cell", cell_text);
    env.add_filter("thousands", thousands);
    env.add_filter("count", count);
    env.add_filter("code", code);
    env.add_filter("fence", fence);
    env.add_filter("size", size);
    env
}

/// `rows|table(columns)`: a Markdown table. Rows are lists, or objects of which `columns` picks fields; a column is a name or an object with `name`.
fn table(rows: &Value, columns: &Value) -> Result<String, Error> {
    let names: Vec<String> = columns
        .try_iter()?
        .map(|column| match column.get_attr("name") {
            Ok(name) if !name.is_undefined() => name.to_string(),
            _ => column.to_string(),
        })
        .collect();
    let mut cells: Vec<Vec<Value>> = Vec::new();
    for row in rows.try_iter()? {
        cells.push(match row.kind() {
            ValueKind::Map => names
                .iter()
                .map(|name| row.get_item(&Value::from(name.as_str())))
                .collect::<Result<_, _>>()?,
            _ => row.try_iter()?.collect(),
        });
    }
    let numeric = |column: usize| {
        let mut seen = false;
        cells.iter().all(|row| match row.get(column) {
            Some(cell) if cell.is_number() => {
                seen = true;
                true
            }
            Some(cell) => cell.is_none(),
            None => true,
        }) && seen
    };
    let mut out = line(names.iter().map(|name| cell_text(name)));
    out += &line(
        (0..names.len()).map(|column| if numeric(column) { "---:" } else { "---" }.to_owned()),
    );
    for row in &cells {
        let cells = (0..names.len()).map(|column| row.get(column).map_or_else(String::new, cell));
        out += &line(cells);
    }
    Ok(out)
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |\n", cells.join(" | "))
}

fn cell(value: &Value) -> String {
    if value.is_none() || value.is_undefined() {
        return String::new();
    }
    match bool::try_from(value.clone()) {
        Ok(yes) if value.kind() == ValueKind::Bool => if yes { "yes" } else { "no" }.to_owned(),
        Ok(_) | Err(_) => cell_text(&value.to_string()),
    }
}

/// One line, with the bar that would end the cell and the signs that would start Markdown made harmless.
fn cell_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '|' | '\\' | '*' | '`' | '[' | ']' | '<' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// `number|thousands(2)`: grouped by commas, with so many decimals (none unless told), half a unit rounded away from zero. A
/// number as text is fine, and keeps every digit.
fn thousands(number: &Value, decimals: Option<u8>) -> Result<String, Error> {
    let text = number.to_string();
    let not_a_number = || {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("`{text}` is not a number"),
        )
    };
    let plain = match is_plain(&text) {
        true => text.clone(),
        // Written with an exponent: as all its digits.
        false => format!("{}", text.parse::<f64>().map_err(|_| not_a_number())?),
    };
    if !is_plain(&plain) {
        return Err(not_a_number());
    }
    let (whole, rest) = rounded(
        plain.trim_start_matches(['-', '+']),
        usize::from(decimals.unwrap_or(0)),
    );
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !rest.is_empty() {
        out = format!("{out}.{rest}");
    }
    let something = out.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    let negative = plain.starts_with('-') && something;
    Ok(format!("{}{out}", if negative { "-" } else { "" }))
}

/// Digits, perhaps with a sign before and a point among them.
fn is_plain(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole) && digits(rest)
}

/// A plain number's whole digits and its decimals, so many of them.
fn rounded(plain: &str, decimals: usize) -> (String, String) {
    let (whole, rest) = plain.split_once('.').unwrap_or((plain, ""));
    let up = rest.as_bytes().get(decimals).is_some_and(|b| *b >= b'5');
    let kept = rest.get(..decimals).unwrap_or(rest);
    let mut digits = format!("{whole}{kept:0<decimals$}").into_bytes();
    if up {
        // A nine becomes a nought and hands on; a nought in front takes what is handed on last.
        digits.insert(0, b'0');
        for digit in digits.iter_mut().rev() {
            if *digit != b'9' {
                *digit += 1;
                break;
            }
            *digit = b'0';
        }
    }
    let digits = String::from_utf8_lossy(&digits).into_owned();
    let (whole, rest) = digits.split_at(digits.len() - decimals);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    (whole.to_owned(), rest.to_owned())
}

/// `3|count("file")`: "3 files"; an irregular plural is the second argument.
fn count(number: &Value, one: &str, many: Option<&str>) -> Result<String, Error> {
    let written = thousands(number, None)?;
    Ok(match (written.as_str(), many) {
        ("1", _) => format!("1 {one}"),
        (_, Some(many)) => format!("{written} {many}"),
        (_, None) => format!("{written} {one}s"),
    })
}

/// `path|code`: inline code that its own backticks cannot end.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let ticks = "`".repeat(longest_run(&text, '`') + 1);
    let pad = if text.contains('`') || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// `content|fence("python")`: a code block that its own fences cannot end.
fn fence(text: &str, language: Option<&str>) -> String {
    let ticks = "`".repeat(longest_run(text, '`').max(2) + 1);
    let end = if text.ends_with('\n') || text.is_empty() {
        ""
    } else {
        "\n"
    };
    format!(
        "{ticks}{}\n{text}{end}{ticks}",
        language.unwrap_or_default()
    )
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(str::len).max().unwrap_or(0)
}

/// `bytes|size`: "512 B", "3.4 kB".
fn size(bytes: &Value) -> Result<String, Error> {
    let text = bytes.to_string();
    let bytes: f64 = text.parse().map_err(|_| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("`{text}` is not a number of bytes"),
        )
    })?;
    Ok(match bytes {
        b if b < 1000.0 => format!("{b:.0} B"),
        b if b < 999_950.0 => format!("{:.1} kB", b / 1e3),
        b => format!("{:.1} MB", b / 1e6),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;
    use serde_json::json;

    fn render(template: &str, value: serde_json::Value) -> String {
        let value = Value::from_serialize(&value);
        environment()
            .render_str(template, context! { v => value })
            .unwrap()
    }

    #[test]
    fn a_table_escapes_cells_and_aligns_numbers() {
        let value = json!({"columns": [{"name": "who"}, {"name": "n"}], "rows": [["a|b\nc", 1], [null, 2.5]]});
        assert_eq!(
            render("{{ v.rows|table(v.columns) }}", value),
            "| who | n |\n| --- | ---: |\n| a\\|b c | 1 |\n|  | 2.5 |\n"
        );
        let value = json!([{"name": "x", "size": 3, "other": 1}]);
        assert_eq!(
            render("{{ v|table(['name', 'size']) }}", value),
            "| name | size |\n| --- | ---: |\n| x | 3 |\n"
        );
    }

    #[test]
    fn numbers_are_grouped_and_counted() {
        let shown = |v: serde_json::Value| render("{{ v|thousands(2) }}", v);
        assert_eq!(shown(json!(1234567.891)), "1,234,567.89");
        assert_eq!(shown(json!("999.5")), "999.50");
        assert_eq!(shown(json!(-1000)), "-1,000.00");
        assert_eq!(shown(json!(-0.001)), "0.00");
        assert_eq!(shown(json!("25970.125")), "25,970.13");
        assert_eq!(shown(json!("-0.995")), "-1.00");
        assert_eq!(shown(json!(1.0e21)), "1,000,000,000,000,000,000,000.00");
        assert_eq!(
            shown(json!("92233720368547758.07")),
            "92,233,720,368,547,758.07"
        );
        assert_eq!(render("{{ v|count('file') }}", json!(1)), "1 file");
        assert_eq!(
            render("{{ v|count('entry', 'entries') }}", json!(1200)),
            "1,200 entries"
        );
        assert_eq!(render("{{ v|size }}", json!(16)), "16 B");
        assert_eq!(render("{{ v|size }}", json!(3400)), "3.4 kB");
    }

    #[test]
    fn code_cannot_be_ended_by_what_is_in_it() {
        assert_eq!(render("{{ v|code }}", json!("a`b")), "`` a`b ``");
        assert_eq!(
            render("{{ v|fence }}", json!("x\n```\ny")),
            "````\nx\n```\ny\n````"
        );
    }

    #[test]
    fn a_missing_name_is_an_error() {
        assert!(environment().render_str("{{ nothing }}", ()).is_err());
        assert!(
            environment()
                .render_str("{{ v.x.y }}", context! { v => 1 })
                .is_err()
        );
    }
}
