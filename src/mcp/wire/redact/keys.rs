//! The values of keys that hold a secret: in JSON at any depth of JSON inside JSON, and as `NAME=value` in plain text.
//!
//! Pure. Used by `redact` alone. What is masked lies inside a string, so JSON stays JSON.

use std::borrow::Cow;

use crate::mcp::wire::redact::masked::Masked;

/// Keys whose value is a secret, without case, `-` and `_`.
pub(super) const KEYS: &[&str] = &[
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

/// Ends of names that stand before `=` and say that a secret follows, folded in the same way.
pub(super) const ASSIGNED: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "secretkey",
    "accesskey",
];

/// Bytes of a flag at most: what is longer is a text.
const LONGEST_FLAG: usize = 64;

/// A shorter value after `=` is a word or a number, not a secret.
const SHORTEST_ASSIGNED: usize = 4;

fn folded(key: &str) -> String {
    key.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a header's value is one to hide. What a server says of how to sign in is none.
pub(super) fn is_secret_header(name: &str) -> bool {
    let folded = folded(name);
    let says = [
        "token",
        "secret",
        "password",
        "apikey",
        "auth",
        "cookie",
        "credential",
    ];
    let challenge = matches!(folded.as_str(), "wwwauthenticate" | "proxyauthenticate");
    KEYS.contains(&folded.as_str()) || (!challenge && says.iter().any(|word| folded.contains(word)))
}

/// Whether the value under this key is a secret.
pub(super) fn is_secret_key(key: &str) -> bool {
    KEYS.contains(&folded(key).as_str())
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

pub(super) fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Masks the string values of secret keys, at any depth of JSON inside JSON.
pub(super) fn keyed_values(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut masked = Masked::new(text);
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
                masked.mask(value_start, value_end);
                at = next;
            }
            // The closing quote of this string may open nothing, but what lies inside may hold deeper JSON.
            None => at = key_start,
        }
    }
    masked.done()
}

/// Whether the next word of a command line is a secret: `--password`, `--api-key`.
pub(super) fn is_secret_flag(word: &str) -> bool {
    word.strip_prefix("--")
        .is_some_and(|name| ASSIGNED.iter().any(|end| folded(name).ends_with(end)))
}

/// Masks the word behind `--password` and its like.
pub(super) fn flagged(text: &str) -> Cow<'_, str> {
    let mut masked = Masked::new(text);
    for (at, _) in text.match_indices("--") {
        let rest = &text[at..];
        let space = rest.bytes().take(LONGEST_FLAG).position(|it| it == b' ');
        let Some((word, value)) = space.and_then(|_| rest.split_once(' ')) else {
            continue;
        };
        if !is_secret_flag(word) {
            continue;
        }
        let goes_on = |c: char| !c.is_whitespace() && !"\"'`&;,()[]{}<>\\".contains(c);
        let length = value.find(|c| !goes_on(c)).unwrap_or(value.len());
        let start = at + word.len() + 1;
        let says_nothing = length < SHORTEST_ASSIGNED || value.starts_with(['-', '$', '*']);
        if start >= masked.end() && !says_nothing {
            masked.mask(start, start + length);
        }
    }
    masked.done()
}

/// Masks the value in `DB_PASSWORD=hunter2` and `?token=abc`, up to what ends a word.
pub(super) fn assigned(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut masked = Masked::new(text);
    for (at, _) in text.match_indices('=') {
        if at < masked.end() {
            continue;
        }
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let length = bytes[masked.end()..at]
            .iter()
            .rev()
            .take_while(is_name)
            .count();
        let name = folded(&text[at - length..at]);
        if !ASSIGNED.iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let start = at + 1;
        let goes_on =
            |byte: &&u8| !byte.is_ascii_whitespace() && !b"\"'`&;,()[]{}<>\\".contains(byte);
        let end = start + bytes[start..].iter().take_while(goes_on).count();
        let value = &text[start..end];
        let says_nothing =
            value.starts_with('$') || value.bytes().all(|byte| byte.is_ascii_digit());
        if value.len() >= SHORTEST_ASSIGNED && !says_nothing {
            masked.mask(start, end);
        }
    }
    masked.done()
}
