//! File names as text and back: one text for each name, also where the name is no printable UTF-8, and equality of Unicode
//! forms. Pure.
//!
//! A name that is UTF-8 without control characters is its own text. Any other is written with `\xNN` for each byte that is not
//! UTF-8, belongs to a control character or is a backslash, and ends with a mark. A name that itself ends with the mark is
//! written so too; therefore no two names have the same text, and each text that a listing shows is read back as exactly the
//! name that it stands for.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

/// Ends the text of an escaped name, so that nobody takes it for the name itself.
const MARK: &str = " (escaped)";

/// The name as text.
pub fn shown(name: &OsStr) -> String {
    match name.to_str() {
        Some(text) if !text.chars().any(breaks_lines) && !text.ends_with(MARK) => text.to_owned(),
        _ => escaped(name),
    }
}

/// Whether a character would make one name look like two, or like nothing.
fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn escaped(name: &OsStr) -> String {
    let mut text = String::new();
    let escape = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            let _infallible = write!(text, "\\x{byte:02X}");
        }
    };
    for chunk in name.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if breaks_lines(c) || c == '\\' {
                escape(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(c);
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text.push_str(MARK);
    text
}

/// The name that a text stands for: the one whose text it is, else the one with just these characters.
pub fn meant(text: &str) -> OsString {
    unescaped(text)
        .filter(|name| shown(name) == text && !name.as_bytes().contains(&0))
        .unwrap_or_else(|| text.into())
}

fn unescaped(text: &str) -> Option<OsString> {
    let mut rest = text.strip_suffix(MARK)?;
    let mut name = Vec::new();
    while let Some((before, after)) = rest.split_once('\\') {
        let digits = after.strip_prefix('x')?.get(..2)?;
        name.extend_from_slice(before.as_bytes());
        name.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after.get(3..)?;
    }
    name.extend_from_slice(rest.as_bytes());
    Some(OsString::from_vec(name))
}

/// A path as text, `/`-separated; `.` for the empty path.
pub fn shown_path(path: &Path) -> String {
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(shown(name)),
        Component::ParentDir => Some("..".to_owned()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    let names = names.collect::<Vec<_>>().join("/");
    match (path.has_root(), names.is_empty()) {
        (true, _) => format!("/{names}"),
        (false, true) => ".".to_owned(),
        (false, false) => names,
    }
}

/// The path that a text stands for, name by name.
pub fn meant_path(text: &str) -> PathBuf {
    let mut path = PathBuf::from(if text.starts_with('/') { "/" } else { "" });
    for part in text.split('/').filter(|part| !part.is_empty()) {
        path.push(meant(part));
    }
    path
}

/// The composed form (NFC), in which two spellings of the same letters are equal.
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn os(bytes: &[u8]) -> &OsStr {
        OsStr::from_bytes(bytes)
    }

    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        let a = shown(os(b"caf\xe9"));
        let b = shown(os(b"caf\xe8"));
        assert_eq!(a, "caf\\xE9 (escaped)");
        assert_ne!(a, b);
        assert_eq!(meant(&a), os(b"caf\xe9"));
    }

    #[test]
    fn a_name_that_looks_like_an_escape_has_another_text() {
        let real = "caf\\xE9 (escaped)";
        assert_eq!(
            shown(os(real.as_bytes())),
            "caf\\x5CxE9 (escaped) (escaped)"
        );
        assert_eq!(meant("caf\\x5CxE9 (escaped) (escaped)"), real);
        // No name has this text, so it is taken letter by letter.
        assert_eq!(meant("caf (escaped)"), "caf (escaped)");
        assert_eq!(meant("caf\\xe9 (escaped)"), "caf\\xe9 (escaped)");
        assert_eq!(meant("caf\\x+9 (escaped)"), "caf\\x+9 (escaped)");
        assert_eq!(meant("a\\x2F.. (escaped)"), os(b"a\\x2F.. (escaped)"));
        assert_eq!(shown(os(b"a\\b")), "a\\b");
        assert_eq!(shown(os(b"a\nb")), "a\\x0Ab (escaped)");
    }

    #[test]
    fn both_forms_of_a_vietnamese_name_are_equal_when_composed() {
        let nfd: String = "báo cáo".nfd().collect();
        assert_ne!(nfd, "báo cáo");
        assert_eq!(composed(&nfd), composed("báo cáo"));
    }

    #[test]
    fn paths_keep_their_beginning() {
        for path in ["/", "/a/b", "a", "."] {
            assert_eq!(shown_path(&meant_path(path)), path);
        }
        assert_eq!(shown_path(Path::new("")), ".");
        assert_eq!(meant_path("a//b/"), Path::new("a/b"));
    }

    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\\x".to_vec()),
            Just(b"\\xE9".to_vec()),
            Just(b"\\".to_vec()),
            Just(MARK.as_bytes().to_vec()),
            Just(b"\xE9".to_vec()),
            Just("é".as_bytes().to_vec()),
            Just(b"\n".to_vec()),
            any::<u8>()
                .prop_filter("/", |b| *b != 0 && *b != b'/')
                .prop_map(|b| vec![b]),
        ];
        proptest::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn each_name_is_meant_by_its_text(name in pieces()) {
            let text = shown(os(&name));
            prop_assert_eq!(meant(&text), os(&name));
            prop_assert!(!text.chars().any(breaks_lines));
            prop_assert!(!text.contains('/'));
        }

        #[test]
        fn no_text_means_a_way_down_or_up(text in "[\\\\x0-9A-F. ()escapd]{0,24}") {
            let name = meant(&text);
            prop_assert!(!name.as_bytes().contains(&b'/'));
            prop_assert!(!name.as_bytes().contains(&0));
        }
    }
}
