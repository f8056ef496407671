//! Secrets that another program's JSON writes otherwise than ours: with `\/`, `\u0026` or `\u00e4`, at any depth of JSON inside JSON.
//!
//! Pure. Used by `redact` alone. What is masked are whole escapes, so JSON stays JSON.

use std::borrow::Cow;

use crate::mcp::wire::redact::masked::Masked;

/// Levels of JSON inside JSON that are looked through.
const DEPTH: usize = 4;

/// Masks what reads as one of these once its escapes are undone, level by level.
pub(super) fn hide<'a>(text: &'a str, known: &[&String]) -> Cow<'a, str> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut plain = Plain::of(text);
    for _ in 0..DEPTH {
        let Some(undone) = plain.undone() else {
            break;
        };
        plain = undone;
        for known in known {
            let places = plain.text.match_indices(known.as_str());
            found.extend(places.map(|(at, part)| plain.place(at, at + part.len())));
        }
    }
    found.sort_unstable();
    let mut masked = Masked::new(text);
    let mut found = found.into_iter().peekable();
    while let Some((start, mut end)) = found.next() {
        while let Some((_, further)) = found.next_if(|(start, _)| *start < end) {
            end = end.max(further);
        }
        masked.mask(start, end);
    }
    masked.done()
}

/// Whether there can be anything to undo that our own JSON, once and inside JSON, would not have written so.
pub(super) fn may_hide(text: &str) -> bool {
    text.contains('\\')
        && ["\\/", "\\u", "\\\\\\\\"]
            .iter()
            .any(|it| text.contains(it))
}

/// A text whose escapes are undone, and where each of its bytes stood.
struct Plain {
    text: String,
    /// Where the character of each byte begins in what was given, and where that ends.
    starts: Vec<usize>,
}

impl Plain {
    fn of(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            starts: (0..=text.len()).collect(),
        }
    }

    /// From where to where these bytes stood.
    fn place(&self, start: usize, end: usize) -> (usize, usize) {
        (self.starts[start], self.starts[end])
    }

    /// One level of escapes less; none where there is none.
    fn undone(&self) -> Option<Self> {
        let mut undone = Self {
            text: String::with_capacity(self.text.len()),
            starts: Vec::with_capacity(self.starts.len()),
        };
        let mut at = 0;
        while let Some(c) = self.text[at..].chars().next() {
            let escaped = (c == '\\').then(|| escape(&self.text[at..])).flatten();
            let (c, length) = escaped.unwrap_or((c, c.len_utf8()));
            undone.text.push(c);
            let start = self.starts[at];
            undone
                .starts
                .extend(std::iter::repeat_n(start, c.len_utf8()));
            at += length;
        }
        undone.starts.extend(self.starts.last());
        (undone.text.len() < self.text.len()).then_some(undone)
    }
}

/// What an escape at the begin of the text stands for, and its length.
fn escape(text: &str) -> Option<(char, usize)> {
    let c = match text.as_bytes().get(1)? {
        c @ (b'"' | b'\\' | b'/') => char::from(*c),
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => return unicode(text),
        _ => return None,
    };
    Some((c, 2))
}

fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(0)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return Some((c, 6));
    }
    let c = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((c, 12))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::mcp::wire::redact::Redactor;

    /// As PHP, Go and Python write it by default, and with every character escaped.
    fn written(secret: &str, by: usize) -> String {
        let unit = |unit: u16| format!("\\u{unit:04x}");
        let units = |c: char| {
            c.encode_utf16(&mut [0; 2])
                .iter()
                .copied()
                .map(unit)
                .collect()
        };
        let one = |c: char| match (by, c) {
            (_, '"') => "\\\"".to_owned(),
            (_, '\\') => "\\\\".to_owned(),
            (0, '/') => "\\/".to_owned(),
            (1, '&' | '<' | '>') => units(c),
            (0 | 2, c) if !c.is_ascii() => units(c),
            (3, c) => units(c),
            (_, c) => c.to_string(),
        };
        secret.chars().map(one).collect()
    }

    #[test]
    fn whatever_writes_the_json_the_secret_goes_and_the_rest_stays() {
        let secret = "q1/e3&<p\u{e4}>🚚\"x\\y";
        let redactor = Redactor::new([secret]);
        for by in 0..4 {
            let line = format!("{{\"a\":\"with {} /home\\/u\"}}", written(secret, by));
            let once: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(once["a"], format!("with {secret} /home/u"));
            let redacted = redactor.redact(&line);
            assert_eq!(redacted, r#"{"a":"with *** /home\/u"}"#, "{by}");
            let nested = serde_json::json!({ "t": serde_json::json!({ "t": line }).to_string() });
            let redacted = redactor.redact(&nested.to_string()).into_owned();
            let outer: serde_json::Value = serde_json::from_str(&redacted).expect("JSON");
            let inner = outer["t"].as_str().expect("a text");
            let inner: serde_json::Value = serde_json::from_str(inner).expect("JSON");
            assert_eq!(inner["t"], r#"{"a":"with *** /home\/u"}"#, "{by}");
        }
    }

    #[test]
    fn what_only_looks_like_an_escape_stays() {
        let redactor = Redactor::new(["hunter2"]);
        for text in [r"C:\users\u12", r"\ud800 \ud800\u0041", r"\/\", "\\"] {
            assert_eq!(redactor.redact(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_secret_stays_however_it_is_written(
            secret in "[ -~äß世🚚\"\\\\/&]{6,16}",
            before in "[a-z\\\\/ ]{0,8}",
            by in 0_usize..4,
        ) {
            prop_assume!(!"***".contains(&secret));
            let redactor = Redactor::new([secret.as_str()]);
            let line = format!("{{\"a\":\"{}{}\"}}", written(&before, by), written(&secret, by));
            let value: serde_json::Value = serde_json::from_str(&redactor.redact(&line)).expect("JSON");
            prop_assert!(!value["a"].as_str().expect("a text").contains(&secret), "{}", value);
        }
    }
}
