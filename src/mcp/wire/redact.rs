//! Takes secrets out of a line before it is written to a file.
//!
//! Pure. Three nets: the secrets that the configuration names (as they are and as JSON writes them), the values of keys such as
//! `Authorization` or `api_key` (also in JSON that sits inside a JSON string), and tokens that are known by their shape.

use std::collections::VecDeque;

/// What stands for a secret.
pub const MASK: &str = "***";

/// A shorter configured value would be found everywhere and say nothing.
const SHORTEST_SECRET: usize = 4;

/// The most secrets that are learned later: tokens end, and nobody speaks of one that ended long ago.
const MOST_LEARNED: usize = 256;

/// A line of a secret of several lines is one by itself from this length on.
const LONG_LINE: usize = 16;

/// Keys whose value is a secret, without case, `-` and `_`.
const KEYS: &[&str] = &[
    "authorization",
    "proxyauthorization",
    "apikey",
    "xapikey",
    "password",
    "passwd",
    "secret",
    "clientsecret",
    "token",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "authtoken",
    "bearertoken",
    "privatekey",
    "secretkey",
    "cookie",
    "setcookie",
    "mcpsessionid",
];

/// Beginnings of tokens that are known by their shape, each with how many token characters must follow.
const SHAPES: &[(&str, usize)] = &[
    ("sk-", 12),
    ("pk-", 20),
    ("rk-", 20),
    ("sk_live_", 12),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("ghu_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("xoxb-", 12),
    ("xoxp-", 12),
    ("xoxa-", 12),
    ("AKIA", 16),
    ("AIza", 30),
    ("hf_", 20),
    ("npm_", 20),
    ("eyJ", 30),
];

/// Knows the secrets of one connection.
#[derive(Clone, Default)]
pub struct Redactor {
    literals: Vec<String>,
    /// Secrets that came later, the newest last.
    learned: VecDeque<String>,
}

impl Redactor {
    /// A redactor that also knows these values.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut literals = Vec::new();
        for secret in secrets {
            let bare = ["Bearer ", "bearer ", "Basic "]
                .iter()
                .find_map(|scheme| secret.strip_prefix(scheme));
            // A key of several lines comes line by line where it is printed.
            let lines = secret
                .lines()
                .filter(|line| line.len() >= LONG_LINE && *line != secret);
            for text in [Some(secret), bare].into_iter().flatten().chain(lines) {
                literals.push(text.to_owned());
                // As JSON writes it, and as JSON inside a JSON string does.
                let once = escaped(text);
                literals.push(escaped(&once));
                literals.push(once);
            }
        }
        literals.retain(|literal| literal.len() >= SHORTEST_SECRET);
        literals.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
        literals.dedup();
        Self {
            literals,
            learned: VecDeque::new(),
        }
    }

    /// Learns a secret that came later, such as a token; of many the oldest is let go.
    pub fn learn(&mut self, secret: &str) {
        if self.knows(secret) {
            return;
        }
        for literal in Self::new([secret]).literals {
            if self.learned.len() == MOST_LEARNED {
                self.learned.pop_front();
            }
            self.learned.push_back(literal);
        }
    }

    /// Whether it has learned this secret.
    pub fn knows(&self, secret: &str) -> bool {
        self.learned.iter().any(|known| known == secret)
    }

    /// The line without its secrets.
    pub fn redact(&self, line: &str) -> String {
        let mut text = line.to_owned();
        for literal in self.learned.iter().chain(&self.literals) {
            if text.contains(literal.as_str()) {
                text = text.replace(literal.as_str(), MASK);
            }
        }
        shapes(&headers(&keyed_values(&text)))
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = self.literals.len() + self.learned.len();
        write!(f, "Redactor({known} secrets)")
    }
}

fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn is_secret_key(key: &str) -> bool {
    let folded: String = key
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect();
    KEYS.contains(&folded.as_str())
}

/// A quote at or before `at`, with the backslashes that precede it: where it ends and how many they are.
fn quote_from(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let start = at;
    while bytes.get(at) == Some(&b'\\') {
        at += 1;
    }
    (bytes.get(at) == Some(&b'"')).then_some((at + 1, at - start))
}

/// Where the string that was opened with `depth` backslashes ends: the begin of its closing quote and its end.
fn string_end(bytes: &[u8], from: usize, depth: usize) -> Option<(usize, usize)> {
    let mut at = from;
    let mut backslashes = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => backslashes += 1,
            b'"' => {
                // Each level of nesting doubles the backslashes and adds one for each quote.
                let inside =
                    backslashes >= depth && (backslashes - depth).is_multiple_of(depth + 1);
                if inside && ((backslashes - depth) / (depth + 1)).is_multiple_of(2) {
                    return Some((at - depth, at + 1));
                }
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        at += 1;
    }
    None
}

fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Masks the string values of secret keys, at any depth of JSON inside JSON.
fn keyed_values(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let Some((key_start, depth)) = quote_from(bytes, at) else {
            // A whole run of backslashes at once: looking from each of them would take for ever on a long one.
            let run = bytes[at..]
                .iter()
                .take_while(|&&byte| byte == b'\\')
                .count();
            at += run.max(1);
            continue;
        };
        let Some((key_end, after_key)) = string_end(bytes, key_start, depth) else {
            at = key_start;
            continue;
        };
        let colon = skip_spaces(bytes, after_key);
        let value = skip_spaces(bytes, colon + 1);
        let key_is_secret = bytes.get(colon) == Some(&b':')
            && text.get(key_start..key_end).is_some_and(is_secret_key);
        match quote_from(bytes, value).filter(|&(_, found)| key_is_secret && found == depth) {
            Some((value_start, _)) => {
                // A value without an end is a cut line: mask the rest.
                let (value_end, next) =
                    string_end(bytes, value_start, depth).unwrap_or((bytes.len(), bytes.len()));
                out.push_str(&text[copied..value_start]);
                out.push_str(MASK);
                copied = value_end;
                at = next;
            }
            // The closing quote of this string may open nothing, but what lies inside may hold deeper JSON.
            None => at = key_start,
        }
    }
    out.push_str(&text[copied..]);
    out
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte)
}

fn token_end(bytes: &[u8], from: usize) -> usize {
    let length = bytes[from..]
        .iter()
        .take_while(|&&byte| is_token_byte(byte))
        .count();
    from + length
}

/// Masks what follows `Bearer`, `Basic` and, outside JSON, the name of a header that holds a secret.
fn headers(text: &str) -> String {
    let mut text = text.to_owned();
    for (word, least) in [("bearer ", 6), ("basic ", 8)] {
        text = after_word(&text, word, least);
    }
    for word in ["authorization:", "x-api-key:"] {
        text = after_word(&text, word, 1);
    }
    text
}

/// Masks the token after each `word` (in lower case), when it has at least so many characters. After the name of a header the
/// spaces and a scheme that stands before the token stay.
fn after_word(text: &str, word: &str, least: usize) -> String {
    let lower = text.to_ascii_lowercase();
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, _) in lower.match_indices(word) {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        if at < copied || before.is_some_and(u8::is_ascii_alphanumeric) {
            continue;
        }
        let mut start = skip_spaces(bytes, at + word.len());
        let mut end = token_end(bytes, start);
        let scheme = lower.get(start..end);
        if matches!(scheme, Some("bearer" | "basic" | "token" | "digest")) {
            start = skip_spaces(bytes, end);
            end = token_end(bytes, start);
        }
        if end - start >= least {
            out.push_str(&text[copied..start]);
            out.push_str(MASK);
            copied = end;
        }
    }
    out.push_str(&text[copied..]);
    out
}

/// Masks tokens that are known by their shape.
fn shapes(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let at_start = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        let shape = SHAPES
            .iter()
            .find(|(prefix, _)| at_start && bytes[at..].starts_with(prefix.as_bytes()));
        let Some((prefix, least)) = shape else {
            at += 1;
            continue;
        };
        let end = token_end(bytes, at + prefix.len());
        if end - at - prefix.len() >= *least {
            out.push_str(&text[copied..at + prefix.len()]);
            out.push_str(MASK);
            copied = end;
        }
        at = end.max(at + 1);
    }
    out.push_str(&text[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let redactor = Redactor::new(["pa\"ss\nword", "Bearer tok-en-1234", "abc"]);
        for (line, expected) in [
            // what the configuration names, plain, as JSON, and as JSON inside JSON
            ("x pa\"ss\nword y", "x *** y"),
            (r#"{"a":"pa\"ss\nword"}"#, r#"{"a":"***"}"#),
            (
                r#"{"a":"{\"b\":\"pa\\\"ss\\nword\"}"}"#,
                r#"{"a":"{\"b\":\"***\"}"}"#,
            ),
            ("only tok-en-1234 here", "only *** here"),
            // too short to be told from ordinary words
            ("abc", "abc"),
            // keys, also inside strings
            (
                r#"{"Authorization": "Token x"}"#,
                r#"{"Authorization": "***"}"#,
            ),
            (r#"{"api_key":"a\"b","n":1}"#, r#"{"api_key":"***","n":1}"#),
            (
                r#"{"t":"{\"password\":\"p\\\"q\",\"u\":\"v\"}"}"#,
                r#"{"t":"{\"password\":\"***\",\"u\":\"v\"}"}"#,
            ),
            (r#"{"X-API-Key":"k"}"#, r#"{"X-API-Key":"***"}"#),
            (r#"{"token":"cut off he"#, r#"{"token":"***"#),
            // headers outside JSON
            (
                "Authorization: Bearer abcdefgh.ijk=",
                "Authorization: Bearer ***",
            ),
            ("authorization:secretvalue next", "authorization:*** next"),
            ("curl -H 'x-api-key: k1'", "curl -H 'x-api-key: ***'"),
            // shapes
            ("key sk-proj-abcdefghijkl!", "key sk-***!"),
            ("ghp_0123456789012345678901", "ghp_***"),
            // what only looks a little like it
            (
                r#"{"progressToken":3,"tokens":5,"token":7}"#,
                r#"{"progressToken":3,"tokens":5,"token":7}"#,
            ),
            (
                "task-force and ask-me-anything-now",
                "task-force and ask-me-anything-now",
            ),
            ("the bearer of news", "the bearer of news"),
            (
                r#"{"key":"token","value":"x"}"#,
                r#"{"key":"token","value":"x"}"#,
            ),
            (r#"["a\\","password"]"#, r#"["a\\","password"]"#),
        ] {
            assert_eq!(redactor.redact(line), expected, "of {line}");
        }
    }

    #[test]
    fn a_key_of_several_lines_is_masked_line_by_line() {
        let redactor = Redactor::new(["-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n"]);
        for line in ["MIIEvQIBADANBgkq", "at hkiG9w0BAQEFAASC!"] {
            let redacted = redactor.redact(line);
            assert!(redacted.contains(MASK), "{redacted}");
        }
    }

    #[test]
    fn a_long_run_of_backslashes_takes_no_longer_than_its_length() {
        let line = "\\".repeat(4 * 1024 * 1024);
        assert_eq!(Redactor::new([]).redact(&line), line);
    }

    proptest! {
        #[test]
        fn a_configured_secret_never_gets_through(
            secret in "[ -~\\n]{6,20}",
            around in "[a-z\"\\\\:{} ]{0,20}",
        ) {
            let redactor = Redactor::new([secret.as_str()]);
            let json = serde_json::json!({ "a": [around, secret], "b": around }).to_string();
            let nested = serde_json::json!({ "text": json }).to_string();
            for line in [format!("{around}{secret}{around}"), json, nested] {
                let redacted = redactor.redact(&line);
                prop_assert!(!redacted.contains(&secret) || "***".contains(&secret), "{}", redacted);
                prop_assert!(!redacted.contains(&escaped(&secret)), "{}", redacted);
            }
        }

        #[test]
        fn nothing_makes_it_panic(line in any::<String>(), quotes in "[\"\\\\:a-z *-]{0,60}") {
            let redactor = Redactor::new(["secret"]);
            redactor.redact(&line);
            redactor.redact(&quotes);
            redactor.redact(&format!("{{\"token\":\"{quotes}"));
        }
    }
}
