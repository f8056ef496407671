//! What is a secret by its shape alone: tokens by their beginning, what follows `Bearer`, private keys, the password in a URL.
//!
//! Pure. Used by `redact` alone. What is masked holds no quote, so JSON stays JSON.

use std::borrow::Cow;

use crate::mcp::wire::redact::keys::skip_spaces;
use crate::mcp::wire::redact::masked::{Masked, then};

/// Beginnings of tokens that are known by their shape, each with how many token characters must follow.
pub(super) const SHAPES: &[(&str, usize)] = &[
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
    ("xoxs-", 12),
    ("xoxr-", 12),
    ("xapp-", 12),
    ("sk_test_", 12),
    ("whsec_", 20),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("hf_", 20),
    ("npm_", 20),
    ("eyJ", 30),
    ("ya29.", 20),
    ("SG.", 30),
];

/// Around a key in the form that programs print.
const BEGIN: &str = "-----BEGIN ";
const PRIVATE: &str = "PRIVATE KEY-----";
const END: &str = "-----END ";
/// The words before `PRIVATE KEY`, such as `OPENSSH`, are no longer.
const KIND: usize = 32;
/// The name in a URL without a password is a token from this length on.
const LONG_NAME: usize = 20;

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
pub(super) fn headers(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for (word, least) in [("bearer ", 6), ("basic ", 8)] {
        text = then(text, |text| after_word(text, word, least));
    }
    for word in ["authorization:", "x-api-key:"] {
        text = then(text, |text| after_word(text, word, 1));
    }
    text
}

/// Where a word in lower case stands in a text in any case.
fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let (bytes, word) = (text.as_bytes(), word.as_bytes());
    let is_it = move |at: &usize| {
        bytes[*at].eq_ignore_ascii_case(&word[0])
            && bytes
                .get(*at..*at + word.len())
                .is_some_and(|here| here.eq_ignore_ascii_case(word))
    };
    (0..bytes.len()).filter(is_it)
}

/// Masks the token after each `word` (in lower case), when it has at least so many characters. After the name of a header the
/// spaces and a scheme that stands before the token stay.
fn after_word<'a>(text: &'a str, word: &str, least: usize) -> Cow<'a, str> {
    let bytes = text.as_bytes();
    let mut masked = Masked::new(text);
    for at in places(text, word) {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        if at < masked.end() || before.is_some_and(u8::is_ascii_alphanumeric) {
            continue;
        }
        let mut start = skip_spaces(bytes, at + word.len());
        let mut end = token_end(bytes, start);
        let scheme = text.get(start..end).unwrap_or_default();
        let schemes = ["bearer", "basic", "token", "digest"];
        if schemes
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
        {
            start = skip_spaces(bytes, end);
            end = token_end(bytes, start);
        }
        if end - start >= least {
            masked.mask(start, end);
        }
    }
    masked.done()
}

/// Masks tokens that are known by their shape.
pub(super) fn tokens(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut masked = Masked::new(text);
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
            masked.mask(at + prefix.len(), end);
        }
        at = end.max(at + 1);
    }
    masked.done()
}

/// Where the body of the next private key begins.
fn private_key(text: &str, from: usize) -> Option<usize> {
    text[from..].match_indices(BEGIN).find_map(|(at, _)| {
        let kind = from + at + BEGIN.len();
        let rest = text.get(kind..)?;
        let private = rest.find(PRIVATE).filter(|private| *private <= KIND)?;
        (!rest[..private].contains('-')).then_some(kind + private + PRIVATE.len())
    })
}

/// Masks the bodies of private keys. `inside`: the text begins in one, because it came in lines. Gives whether it ends in one.
pub(super) fn private_keys(text: &str, inside: bool) -> (Cow<'_, str>, bool) {
    let mut masked = Masked::new(text);
    let mut body = match inside {
        true => Some(0),
        false => private_key(text, 0),
    };
    while let Some(start) = body {
        let rest = &text[start..];
        let quote = rest
            .find('"')
            .map(|at| rest[..at].trim_end_matches('\\').len());
        let end = rest.find(END);
        // A string that ends before the key does was cut; outside a string the key goes on in the next line.
        let end = match (end, quote) {
            (Some(end), quote) if quote.is_none_or(|quote| end < quote) => start + end,
            (_, Some(quote)) if !inside => start + quote,
            (_, _) => {
                if !rest.is_empty() {
                    masked.mask(start, text.len());
                }
                return (masked.done(), true);
            }
        };
        masked.mask(start, end);
        body = private_key(text, end);
    }
    (masked.done(), false)
}

/// Masks `word` in `scheme://name:word@host`, and a long name without a word, which is a token.
pub(super) fn urls(text: &str) -> Cow<'_, str> {
    let mut masked = Masked::new(text);
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        if start < masked.end() {
            continue;
        }
        let rest = &text[start..];
        let ends = |c: char| c.is_whitespace() || "/?#\"'`<>\\".contains(c);
        let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let Some((person, _)) = authority.rsplit_once('@') else {
            continue;
        };
        let secret = match person.split_once(':') {
            Some((name, word)) => (!word.is_empty()).then(|| name.len() + 1..person.len()),
            None => (person.len() >= LONG_NAME).then_some(0..person.len()),
        };
        if let Some(secret) = secret.filter(|secret| !person[secret.clone()].starts_with("${")) {
            masked.mask(start + secret.start, start + secret.end);
        }
    }
    masked.done()
}
