//! JSON as it is written: where a string in it ends, and a character as an escape.
//!
//! Pure. For whoever looks at the text itself, and not at the value that it is read as.

/// Where the string that `rest` begins with ends, its quotes included.
pub fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Writes a character of a string as `\u` and its UTF-16 in hexadecimal.
pub fn escape(c: char, out: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}
