//! JSON as editors let people write it, made plain: comments and trailing commas become spaces, so that lines and columns in
//! error messages still fit.

/// Blanks `//` and `/* */` comments and commas before a closing bracket; strings are left alone.
pub(super) fn plain(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut out: Vec<u8> = text.bytes().collect();
    let mut at = 0;
    // A comma that only blanks have followed so far.
    let mut comma = None;
    while let Some(&byte) = out.get(at) {
        match byte {
            b'"' => {
                at = string_end(&out, at);
                comma = None;
                continue;
            }
            b'/' if matches!(out.get(at + 1), Some(b'/' | b'*')) => {
                let end = comment_end(&out, at);
                blank(&mut out[at..end]);
                at = end;
                continue;
            }
            b',' => comma = Some(at),
            b'}' | b']' => {
                if let Some(comma) = comma.take() {
                    out[comma] = b' ';
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => comma = None,
        }
        at += 1;
    }
    // Only whole comments and single ASCII bytes were replaced.
    String::from_utf8_lossy(&out).into_owned()
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn comment_end(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    let length = if rest.get(1) == Some(&b'/') {
        rest.iter().position(|byte| *byte == b'\n')
    } else {
        let close = rest
            .get(2..)
            .and_then(|inner| inner.windows(2).position(|two| two == b"*/"));
        close.map(|at| at + 4)
    };
    length.map_or(bytes.len(), |length| start + length)
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::plain;

    #[test]
    fn comments_and_trailing_commas_go() {
        let text = "{ // one\n \"a\": \"x // y, }\", /* two\n */ \"b\": [1, 2, ], }";
        let value: serde_json::Value = serde_json::from_str(&plain(text)).unwrap();
        assert_eq!(value, serde_json::json!({"a": "x // y, }", "b": [1, 2]}));
    }

    proptest! {
        #[test]
        fn json_without_comments_is_left_alone(text in "\\PC{0,30}", number in any::<i32>()) {
            let json = serde_json::json!({"text": text, "list": [number, [], {}]}).to_string();
            prop_assert_eq!(plain(&json), json);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}|[/*\",\\\\\\]}\\n]{0,30}") {
            plain(&text);
        }
    }
}
