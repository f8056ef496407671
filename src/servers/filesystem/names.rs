//! File names as text: one text for each name, also where the name is not UTF-8, and equality of Unicode forms. Pure.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use unicode_normalization::UnicodeNormalization;

/// Ends the text of a name that is not UTF-8, so that nobody takes it for the name itself.
const MARK: &str = " (not UTF-8)";

/// The name as text. Bytes that are not UTF-8 come as `\xNN` and the text ends with a mark, so that two names never look
/// the same.
pub fn shown(name: &OsStr) -> String {
    if let Some(text) = name.to_str() {
        return text.to_owned();
    }
    let mut text = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _infallible = write!(text, "\\x{byte:02X}");
        }
    }
    text.push_str(MARK);
    text
}

/// A relative path as text, `/`-separated; `.` for the empty path.
pub fn shown_path(path: &Path) -> String {
    let parts: Vec<String> = path.iter().map(shown).collect();
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

/// The composed form (NFC), in which two spellings of the same letters are equal.
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// Whether `text` may mean a name that is spelled with other bytes.
pub fn may_be_respelled(text: &str) -> bool {
    !text.is_ascii() || text.contains(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        let a = shown(OsStr::from_bytes(b"caf\xe9"));
        let b = shown(OsStr::from_bytes(b"caf\xe8"));
        assert_eq!(a, "caf\\xE9 (not UTF-8)");
        assert_ne!(a, b);
        assert!(may_be_respelled(&a));
    }

    #[test]
    fn both_forms_of_a_vietnamese_name_are_equal_when_composed() {
        let nfd: String = "báo cáo".nfd().collect();
        assert_ne!(nfd, "báo cáo");
        assert_eq!(composed(&nfd), composed("báo cáo"));
    }
}
