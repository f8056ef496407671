//! Where in a statement something is, in words for a message: line, column and what stands there. Pure.

/// Characters of the statement that a message repeats.
const WORDS: usize = 30;

/// ` (line 2, column 8, at `FORM customers`)` for a byte of the statement; nothing at its end or outside of it.
pub fn at_byte(sql: &str, offset: usize) -> String {
    let (Some(before), Some(after)) = (sql.get(..offset), sql.get(offset..)) else {
        return String::new();
    };
    let words: String = after
        .trim_start()
        .chars()
        .take(WORDS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if words.trim().is_empty() {
        return String::new();
    }
    let line = before.matches('\n').count() + 1;
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(begin..).unwrap_or_default().chars().count() + 1;
    format!(" (line {line}, column {column}, at `{}`)", words.trim_end())
}

/// The same for the character with this number, from 1, which is how PostgreSQL counts.
#[cfg_attr(not(feature = "postgres"), allow(dead_code))]
pub fn at_character(sql: &str, number: usize) -> String {
    let mut starts = sql.char_indices().map(|(at, _)| at);
    let offset = number.checked_sub(1).and_then(|n| starts.nth(n));
    offset.map_or_else(String::new, |offset| at_byte(sql, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_line_column_and_words() {
        let sql = "SELECT *\n  FORM món";
        assert_eq!(at_byte(sql, 11), " (line 2, column 3, at `FORM món`)");
        assert_eq!(at_character(sql, 17), " (line 2, column 8, at `món`)");
        assert_eq!(at_byte(sql, sql.len()), "");
        assert_eq!(at_byte(sql, 999), "");
        assert_eq!(at_byte("é", 1), "");
        assert_eq!(at_character(sql, 0), "");
    }
}
