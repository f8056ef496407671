//! Text as it is searched and compared: what a person types without accents finds what is written with them.
//!
//! The program fills the search columns with this, so that each engine finds the same. Pure; used by the whole CRM.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The text in lower case without accents, one space between words. Equal for NFC and NFD.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Lower case may bring marks of its own (İ), and a compatibility form may hide a capital (ℌ): so decompose on both sides.
    let lowered = text.nfkd().flat_map(char::to_lowercase);
    for c in lowered.nfkd().filter(|c| !is_combining_mark(*c)) {
        match c {
            c if c.is_whitespace() => out.push(' '),
            c => match plain(c) {
                Some(plain) => out.push_str(plain),
                None => out.push(c),
            },
        }
    }
    spaced(&out)
}

/// The letters that look accented but have no decomposition.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'đ' | 'ð' | 'ɖ' => "d",
        'ł' => "l",
        'ø' => "o",
        'ħ' => "h",
        'ı' => "i",
        'ŧ' => "t",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ς' => "σ",
        _ => return None,
    })
}

/// What makes two texts the same name: case, composition and spaces do not matter, accents do.
pub fn key(text: &str) -> String {
    let lowered: String = text.nfc().flat_map(char::to_lowercase).collect();
    spaced(&lowered.nfc().collect::<String>())
}

/// The text composed, with one space between words: how a name is kept.
pub fn tidy(text: &str) -> String {
    spaced(&text.nfc().collect::<String>())
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a query, each to be found for itself.
pub fn words(query: &str) -> Vec<String> {
    fold(query)
        .split(' ')
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A pattern for `LIKE ... ESCAPE '\'` that finds the word anywhere: its own wildcards stand for themselves.
pub fn anywhere(word: &str) -> String {
    format!("%{}%", escaped(word))
}

/// A pattern that finds the word where a word begins, in a text that has a space put in front.
pub fn at_a_beginning(word: &str) -> String {
    format!("% {}%", escaped(word))
}

fn escaped(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_typed_without_accents_is_what_is_written_with_them() {
        for (written, typed) in [
            ("Trần Thị Bình", "tran thi binh"),
            ("Đặng  Thu\u{a0}Hà", "dang thu ha"),
            ("ĐỖ KHÁNH LINH", "do khanh linh"),
            ("Chloé Ångström-Weiß", "chloe angstrom-weiss"),
            ("İstanbul Łódź Ærø", "istanbul lodz aero"),
            ("ＴＥＣＨ", "tech"),
            ("ΟΔΟΣ", "οδοσ"),
            ("陈伟", "陈伟"),
        ] {
            assert_eq!(fold(written), typed);
            let nfd: String = written.nfd().collect();
            assert_eq!(fold(&nfd), typed);
        }
    }

    #[test]
    fn accents_keep_two_names_apart_where_identity_is_asked() {
        assert_ne!(key("Bình"), key("Bính"));
        assert_eq!(key(" BÌNH  Minh"), key("bi\u{300}nh minh"));
    }

    #[test]
    fn wildcards_stand_for_themselves() {
        assert_eq!(anywhere(r"50%_\"), r"%50\%\_\\%");
    }

    proptest! {
        #[test]
        fn folding_is_settled_and_blind_to_composition(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(&fold(&once), &once);
            prop_assert_eq!(fold(&text.nfd().collect::<String>()), once.clone());
            prop_assert_eq!(fold(&text.nfc().collect::<String>()), once);
        }
    }
}
