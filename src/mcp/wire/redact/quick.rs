//! Whether a text can hold anything that the nets would mask: one pass over it, so that most frames need no more.
//!
//! Pure. May say yes too often, never no where a net masks something: a property in `redact` holds it to that.

use std::sync::LazyLock;

use regex::Regex;

use crate::mcp::wire::redact::{keys, shapes};

/// Whether a net may find something, in a text that does not begin inside a private key.
pub(super) fn may_hold(text: &str) -> bool {
    // Were the pattern wrong, everything would go through the nets: a test sees to that.
    SUSPECTS.as_ref().is_none_or(|it| it.is_match(text))
}

static SUSPECTS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&pattern()).ok());

fn pattern() -> String {
    // Between the letters of a name stand any number of `-` and `_`.
    let spelled = |word: &&str| {
        let letters: Vec<String> = word.chars().map(|c| format!("[-_]*{c}")).collect();
        letters.concat()
    };
    let any = |words: &[&str]| words.iter().map(spelled).collect::<Vec<_>>().join("|");
    let tokens: Vec<String> = shapes::SHAPES
        .iter()
        .map(|(prefix, _)| regex::escape(prefix))
        .collect();
    [
        "-----BEGIN ".to_owned(),
        r#"://[^\s/?#"'`<>\\]*@"#.to_owned(),
        "(?i:bearer |basic |authorization:|x-api-key:)".to_owned(),
        format!(r#""(?i:{})[-_]*\\*"\s*:"#, any(keys::KEYS)),
        format!("(?i:{})[-_]*=", any(keys::ASSIGNED)),
        format!("--[^ ]*(?i:{})[-_]* ", any(keys::ASSIGNED)),
        format!("(?:^|[^A-Za-z0-9])(?:{})", tokens.join("|")),
    ]
    .join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_frame_needs_no_second_look() {
        assert!(SUSPECTS.is_some());
        let frame = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":1},"name":"echo","arguments":{"path":"https://h/a?b=c","task-force":"author: me, tokens=5"}}}"#;
        assert!(!may_hold(frame));
        assert!(may_hold(
            r#"{"\"Api-Key\" : 1"}"#.replace(r#""{"#, "{").as_str()
        ));
    }
}
