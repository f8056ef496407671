//! Takes secrets out of a line before it is written to a file.
//!
//! Pure. Three nets: the secrets that the configuration names (as they are and as JSON writes them), the values of keys such as
//! `Authorization` or `api_key` (also in JSON that sits inside a JSON string), and tokens that are known by their shape.

/// What stands for a secret.
const MASK: &str = "***";

/// A shorter configured value would be found everywhere and say nothing.
const SHORTEST_SECRET: usize = 4;

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
}

impl Redactor {
    /// A redactor that also knows these values.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut literals = Vec::new();
        for secret in secrets {
            let bare = ["Bearer ", "bearer ", "Basic "]
                .iter()
                .find_map(|scheme| secret.strip_prefix(scheme));
            for text in [Some(secret), bare].into_iter().flatten() {
                if text.len() < SHORTEST_SECRET {
                    continue;
                }
                literals.push(text.to_owned());
                let quoted = serde_json::Value::from(text).to_string();
                let escaped = quoted.trim_matches('"').to_owned();
                literals.push(serde_json::Value::from(escaped.as_str()).to_string());
                literals.push(escaped);
            }
        }
        for literal in &mut literals {
            *literal = literal.trim_matches('"').to_owned();
        }
        literals.retain(|literal| literal.len() >= SHORTEST_SECRET);
        literals.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
        literals.dedup();
        Self { literals }
    }

    /// The line without its secrets.
    pub fn redact(&self, line: &str) -> String {
        let mut text = line.to_owned();
        for literal in &self.literals {
            if text.contains(literal.as_str()) {
                text = text.replace(literal.as_str(), MASK);
            }
        }
        shapes(&headers(&keyed_values(&text)))
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} secrets)", self.literals.len())
    }
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
            at += 1;
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

/// Masks what follows `Bearer` and `Basic`, and `Authorization:` outside JSON.
fn headers(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (word, least) in [("bearer ", 1), ("basic ", 8)] {
        for (at, _) in lower.match_indices(word) {
            let start = at + word.len();
            let before = at.checked_sub(1).and_then(|at| bytes.get(at));
            if at < copied || before.is_some_and(u8::is_ascii_alphanumeric) {
                continue;
            }
            let end = token_end(bytes, start);
            if end - start >= least {
                out.push_str(&text[copied..start]);
                out.push_str(MASK);
                copied = end;
            }
        }
        out.push_str(&text[copied..]);
        if word == "bearer " {
            let rest = std::mem::take(&mut out);
            return basic_and_plain(&rest);
        }
    }
    out
}

fn basic_and_plain(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for word in ["authorization: ", "x-api-key: "] {
        let Some(at) = lower.find(word).filter(|&at| at >= copied) else {
            continue;
        };
        let start = at + word.len();
        // A scheme, where there is one, stays.
        let scheme = token_end(bytes, start);
        let start = match bytes.get(scheme) {
            Some(b' ') => scheme + 1,
            _ => start,
        };
        let end = token_end(bytes, start);
        if end > start {
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
