//! Takes secrets out of what is written to a file or shown: the one redactor of the program.
//!
//! Pure. Three nets: the secrets that the configuration names (as they are and as JSON writes them), the values of `keys` such as
//! `Authorization` or `api_key` (also in JSON that sits inside a JSON string), and what is known by its `shapes`. Files get all three;
//! the screen hides what is configured everywhere, and the rest in what servers print and send. What goes to servers and models never
//! passes here.

mod escapes;
mod keys;
mod masked;
mod quick;
mod shapes;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use serde_json::Value;

use masked::{Masked, then};

/// What stands for a secret.
pub const MASK: &str = "***";

/// A shorter configured value would be found everywhere and say nothing.
const SHORTEST_SECRET: usize = 4;

/// The most secrets that are learned later: tokens end, and nobody speaks of one that ended long ago.
const MOST_LEARNED: usize = 1024;

/// A line of a secret of several lines is one by itself from this length on.
const LONG_LINE: usize = 16;

/// Knows the secrets of one connection, or of the whole program. Whoever shares it sees what it learns.
#[derive(Default)]
pub struct Redactor {
    literals: Vec<String>,
    /// Secrets that came later, the newest last.
    learned: RwLock<VecDeque<String>>,
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
        literals.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        literals.dedup();
        Self {
            literals,
            learned: RwLock::default(),
        }
    }

    /// Learns a secret that came later, such as a token; of many the oldest is let go.
    pub fn learn(&self, secret: &str) {
        if self.knows(secret) {
            return;
        }
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        for literal in Self::new([secret]).literals {
            if learned.len() == MOST_LEARNED {
                learned.pop_front();
            }
            learned.push_back(literal);
        }
    }

    /// Whether it has learned this secret.
    pub fn knows(&self, secret: &str) -> bool {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        learned
            .iter()
            .chain(&self.literals)
            .any(|known| known == secret)
    }

    /// A text without its secrets. A line of JSON stays JSON; [`Redactor::json`] is surer where the value is at hand.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.redact_from(text, false).0
    }

    /// The value of an HTTP header as it may be seen. The scheme before a credential stays.
    pub fn header(&self, name: &str, value: &str) -> String {
        if !keys::is_secret_header(name) {
            return self.redact(value).into_owned();
        }
        let scheme = value.split_once(' ').map(|(scheme, _)| scheme);
        let known = scheme.filter(|scheme| {
            ["bearer", "basic", "digest", "token", "dpop"]
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known))
        });
        match known {
            Some(scheme) => format!("{scheme} {MASK}"),
            None => MASK.to_owned(),
        }
    }

    /// A value without its secrets: its strings, and whatever stands under a key that says so. Names of members stay, but for what
    /// is configured.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(masked) = self.redact(text) {
                    *text = masked;
                }
            }
            Value::Array(all) => {
                let mut hides = false;
                for value in all {
                    let text = value.as_str().unwrap_or_default();
                    match (
                        std::mem::replace(&mut hides, keys::is_secret_flag(text)),
                        &value,
                    ) {
                        (true, Value::String(_)) => *value = MASK.into(),
                        _ => self.json(value),
                    }
                }
            }
            Value::Object(members) => {
                if members.keys().any(|name| self.hide(name) != *name) {
                    let named = |(name, value): (String, Value)| (self.hide(&name).into(), value);
                    *members = std::mem::take(members).into_iter().map(named).collect();
                }
                for (name, value) in members {
                    match value {
                        Value::String(text) if keys::is_secret_key(name) => {
                            *text = MASK.to_owned();
                        }
                        value => self.json(value),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text without the secrets that the configuration names, for what is shown; shapes and keys stay.
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        let known = || learned.iter().chain(&self.literals);
        let mut found: Vec<&String> = known().filter(|known| text.contains(*known)).collect();
        // The longest first: of one that begins as another does nothing may be left.
        found.sort_by_key(|known| Reverse(known.len()));
        let hidden = |text: Cow<'a, str>, known: &String| then(text, |text| replaced(text, known));
        let text = found.into_iter().fold(Cow::Borrowed(text), hidden);
        match known().next().is_some() && escapes::may_hide(&text) {
            true => then(text, |text| {
                escapes::hide(text, &known().collect::<Vec<_>>())
            }),
            false => text,
        }
    }

    /// The secrets that it knows as they are, the longest first among those of the configuration.
    pub fn known(&self) -> Vec<String> {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        learned.iter().chain(&self.literals).cloned().collect()
    }

    fn redact_from<'a>(&self, text: &'a str, in_key: bool) -> (Cow<'a, str>, bool) {
        let text = self.hide(text);
        match in_key || quick::may_hold(&text) {
            true => Self::nets(text, in_key),
            false => (text, false),
        }
    }

    fn nets(text: Cow<'_, str>, mut in_key: bool) -> (Cow<'_, str>, bool) {
        let text = then(text, |text| {
            let (masked, goes_on) = shapes::private_keys(text, in_key);
            in_key = goes_on;
            masked
        });
        let text = then(then(text, shapes::urls), keys::keyed_values);
        let text = then(then(text, shapes::headers), keys::assigned);
        let text = then(text, keys::flagged);
        (then(text, shapes::tokens), in_key)
    }
}

/// Masks each place of a known text. A backslash that escapes its first character goes with it: alone it would be no JSON.
fn replaced<'a>(text: &'a str, known: &str) -> Cow<'a, str> {
    let mut masked = Masked::new(text);
    for (at, part) in text.match_indices(known) {
        let before = text.as_bytes()[masked.end()..at].iter().rev();
        let escapes = before.take_while(|byte| **byte == b'\\').count();
        masked.mask(at - escapes % 2, at + part.len());
    }
    masked.done()
}

/// What comes line by line from one place: a private key of several lines is masked to its end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines {
    in_key: bool,
}

impl Lines {
    /// The next line without its secrets.
    pub fn next<'a>(&mut self, redactor: &Redactor, line: &'a str) -> Cow<'a, str> {
        let goes_on = self.in_key && is_of_key(line);
        let (text, in_key) = redactor.redact_from(line, goes_on);
        self.in_key = in_key;
        text
    }
}

/// Whether a line can stand inside a private key: base64, one of its few headers, an empty one, or its end.
fn is_of_key(line: &str) -> bool {
    let line = line.trim();
    let is_header = line.starts_with("Proc-Type:") || line.starts_with("DEK-Info:");
    let is_end = line.contains("-----END ");
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    is_header || is_end || line.chars().all(base64)
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        let known = self.literals.len() + learned.len();
        write!(f, "Redactor({known} secrets)")
    }
}

fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
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
            ("AKIAIOSFODNN7EXAMPLE0", "AKIA***"),
            ("xoxb-123456789012-abc", "xoxb-***"),
            ("glpat-0123456789abcdefgh", "glpat-***"),
            (
                "t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl e",
                "t eyJ*** e",
            ),
            // addresses
            ("postgres://me:hunter2@db/shop", "postgres://me:***@db/shop"),
            ("at https://0123456789abcdef0123@h/x", "at https://***@h/x"),
            // a private key, also cut, also in JSON
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nx",
                "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\nx",
            ),
            (
                r#"{"k":"-----BEGIN PRIVATE KEY-----\nMIIE","n":1}"#,
                r#"{"k":"-----BEGIN PRIVATE KEY-----***","n":1}"#,
            ),
            // assignments
            ("DB_PASSWORD=hunter2 up", "DB_PASSWORD=*** up"),
            // words of a command line
            ("x --password hunter2 --up", "x --password *** --up"),
            ("x --api-key k1-2 --db-token", "x --api-key *** --db-token"),
            (
                "--token <TOKEN>, --secret $S",
                "--token <TOKEN>, --secret $S",
            ),
            (
                "GET /x?access_token=abcd&n=1",
                "GET /x?access_token=***&n=1",
            ),
            // what only looks a little like it
            ("https://me@h/x and a@b", "https://me@h/x and a@b"),
            ("https://h/a:b@c", "https://h/a:b@c"),
            ("postgres://me:${PW}@db", "postgres://me:${PW}@db"),
            (
                "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
                "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
            ),
            ("max_token=4096 tokens=full", "max_token=4096 tokens=full"),
            ("AKIA is a prefix, xoxb- too", "AKIA is a prefix, xoxb- too"),
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
    fn of_a_secret_that_begins_as_another_nothing_is_left() {
        let redactor = Redactor::new(["a-token-of-its-own"]);
        redactor.learn("a-token");
        redactor.learn("a-token-of");
        let text = "a-token, a-token-of, a-token-of-its-own";
        assert_eq!(redactor.redact(text), "***, ***, ***");
    }

    #[test]
    fn a_long_run_of_backslashes_takes_no_longer_than_its_length() {
        let dashes = format!("{} --password=", "-".repeat(4 * 1024 * 1024));
        for line in ["\\".repeat(4 * 1024 * 1024), dashes] {
            assert_eq!(Redactor::new(["hunter2"]).redact(&line), line);
        }
    }

    #[test]
    fn a_private_key_that_comes_in_lines_is_masked_to_its_end_and_no_further() {
        let redactor = Redactor::default();
        let text = "before\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA\nQyNTUxOQ==\n-----END OPENSSH PRIVATE KEY-----\nafter";
        let mut lines = Lines::default();
        let shown: Vec<String> = text
            .lines()
            .map(|line| lines.next(&redactor, line).into_owned())
            .collect();
        let begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
        let end = "***-----END OPENSSH PRIVATE KEY-----";
        assert_eq!(shown, ["before", begin, MASK, MASK, end, "after"]);
        // One that never ends hides no ordinary line.
        let mut lines = Lines::default();
        let cut = [
            "-----BEGIN PRIVATE KEY-----",
            "MIIE",
            "listening on port 80",
            "MIIE",
        ];
        let shown = cut.map(|line| lines.next(&redactor, line));
        assert_eq!(shown, [cut[0], MASK, cut[2], cut[3]]);
    }

    #[test]
    fn a_value_loses_its_secrets_and_nothing_else() {
        let redactor = Redactor::new(["a\",\"b"]);
        let mut value = serde_json::json!({
            "text": "x a\",\"b y", "password": "p", "n": [1, "ghp_0123456789012345678901"], "token": 3,
            "a\",\"b": ["--password", "of two words", "--token", 3],
        });
        redactor.json(&mut value);
        let expected = serde_json::json!({
            "text": "x *** y", "password": "***", "n": [1, "ghp_***"], "token": 3,
            "***": ["--password", "***", "--token", 3],
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn what_is_shown_hides_what_is_configured_alone() {
        let redactor = Redactor::new(["hunter2"]);
        let text = "hunter2 is not ghp_0123456789012345678901";
        assert_eq!(redactor.hide(text), "*** is not ghp_0123456789012345678901");
    }

    proptest! {
        #[test]
        fn what_the_quick_look_lets_pass_no_net_would_change(
            pieces in prop::collection::vec(prop_oneof![
                any::<String>(),
                "[\"\\\\:= ]{1,4}",
                prop::sample::select(vec![
                    "Api-Key", "api_key", "to\u{212a}en", "TOKEN", "cookie", "\"secret\"", "password", "access_key=", "Bearer ",
                    "basic  ", "AUTHORIZATION:", "x-api-key:", "sk-", "ghp_", "eyJ", "abcdefghijklmnopqrstuvwxyz0123", "://", "@",
                    "user:pass", "--db-token ", "--", "-----BEGIN ", "PRIVATE KEY-----", "a", "-", "_", "\\\"", "\"", ":", "=",
                ]).prop_map(str::to_owned),
            ], 0..10),
        ) {
            let text = pieces.concat();
            if !quick::may_hold(&text) {
                let (changed, in_key) = Redactor::nets(Cow::Borrowed(&text), false);
                prop_assert_eq!(changed, text.as_str());
                prop_assert!(!in_key);
            }
        }

        #[test]
        fn a_line_of_json_stays_json(
            texts in prop::collection::vec("[ -~\\n]{0,30}", 1..4),
            shape in 0_usize..7,
        ) {
            let shapes = [
                "postgres://a:b@h", "-----BEGIN PRIVATE KEY-----\nMII", "token=abcdef", "Bearer abcdefgh",
                "ghp_0123456789012345678901", "{\"password\":\"x\"}", "-----BEGIN PRIVATE KEY-----\nM\n-----END PRIVATE KEY-----",
            ];
            let line = serde_json::json!({ "t": texts, "s": shapes[shape], "x": format!("{}{}", texts[0], shapes[shape]) });
            let redacted = Redactor::default().redact(&line.to_string()).into_owned();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&redacted).is_ok(), "{}", redacted);
        }

        #[test]
        fn a_private_key_goes_however_its_lines_are_cut(
            body in prop::collection::vec("[A-Za-z0-9+/]{40,64}", 1..6),
            around in "at [a-z ]{0,20}",
        ) {
            let text = format!("{around}\n-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n{around}", body.join("\n"));
            let whole = Redactor::default().redact(&text);
            let mut lines = Lines::default();
            let by_line: Vec<String> = text.lines().map(|line| lines.next(&Redactor::default(), line).into_owned()).collect();
            for line in &body {
                prop_assert!(!whole.contains(line));
                prop_assert!(!by_line.iter().any(|shown| shown.contains(line)));
            }
            prop_assert_eq!(by_line.last().map(String::as_str), text.lines().last());
        }

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
