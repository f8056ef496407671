//! Words for a shell, quoted so that any POSIX `sh` reads each as it is.
//!
//! Pure. Refuses what a terminal would take for keys when it is pasted.

/// A word as `sh` reads it; absent: it has a character that a terminal would not paste as it is.
pub fn quoted(word: &str) -> Option<String> {
    if word.chars().any(char::is_control) {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Some(word.to_owned());
    }
    Some(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    #[test]
    fn plain_words_stay_and_others_are_quoted() {
        for (word, expected) in [
            ("get-sum", Some("get-sum")),
            ("", Some("''")),
            ("a b", Some("'a b'")),
            ("it's", Some(r"'it'\''s'")),
            ("$HOME `id` \\ \"", Some("'$HOME `id` \\ \"'")),
            ("~", Some("'~'")),
            ("đ 北", Some("'đ 北'")),
            ("\u{1b}[201~", None),
            ("a\nb", None),
        ] {
            assert_eq!(quoted(word).as_deref(), expected, "{word:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The shell itself says what it read.
        #[test]
        fn sh_reads_each_word_as_it_was(words in prop::collection::vec("\\PC{0,12}|[ '\"$`\\\\!*?~#&|;<>(){}\\[\\]-]{0,6}", 1..5)) {
            let line: Option<Vec<String>> = words.iter().map(|word| quoted(word)).collect();
            prop_assume!(line.is_some());
            let script = format!("printf '%s\\n' x {}", line.unwrap_or_default().join(" "));
            let out = Command::new("sh").arg("-c").arg(script).output().unwrap();
            let mut expected = String::from("x\n");
            words.iter().for_each(|word| { expected.push_str(word); expected.push('\n'); });
            prop_assert_eq!(String::from_utf8_lossy(&out.stdout), expected);
        }
    }
}
