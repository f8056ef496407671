//! What a prompt must look like for a reply to answer it: phrases that anybody can write.
//!
//! Pure. Case, spaces, quotes and the punctuation at the ends of words do not count. `*` stands for any words, `{name}` for one word
//! that templates can use, `a|b` for either word, `(word)` for a word that may be missing. The whole prompt must fit.

use std::collections::BTreeMap;

/// Longer prompts are no prompts of a script; this bounds the work.
const MAX_WORDS: usize = 200;

/// One phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Any,
    Capture(String),
    Word { either: Vec<String>, optional: bool },
}

impl Phrase {
    /// Reads a phrase; an error is a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts = text
            .split_whitespace()
            .map(part)
            .collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() {
            return Err("a phrase of `when` has no words".into());
        }
        Ok(Self { parts })
    }

    /// The phrase that is just this text.
    pub(super) fn literal(text: &str) -> Self {
        let parts = words(text).into_iter().map(|word| Part::Word {
            either: vec![word.to_lowercase()],
            optional: false,
        });
        Self {
            parts: parts.collect(),
        }
    }

    /// What `{name}` parts caught, or nothing if the prompt is another.
    pub(super) fn matches(&self, prompt: &str) -> Option<BTreeMap<String, String>> {
        let words = words(prompt);
        if words.len() > MAX_WORDS || self.parts.is_empty() {
            return None;
        }
        let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let mut search = Search {
            parts: &self.parts,
            words: &words,
            lower: &lower,
            dead: vec![false; (self.parts.len() + 1) * (words.len() + 1)],
            caught: BTreeMap::new(),
        };
        search.run(0, 0).then_some(search.caught)
    }
}

fn part(word: &str) -> Result<Part, String> {
    if word == "*" {
        return Ok(Part::Any);
    }
    if let Some(name) = word
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        return if good {
            Ok(Part::Capture(name.to_owned()))
        } else {
            Err(format!(
                "`{word}` in a phrase of `when` is no name: use letters, digits and `_`"
            ))
        };
    }
    if word.contains(['{', '}']) {
        return Err(format!(
            "`{word}` in a phrase of `when` has a stray brace: write `{{name}}`"
        ));
    }
    let inner = word
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let either: Vec<String> = inner
        .unwrap_or(word)
        .split('|')
        .filter_map(|word| words(word).first().map(|word| word.to_lowercase()))
        .collect();
    if either.is_empty() {
        return Err(format!(
            "`{word}` in a phrase of `when` has no letters to match"
        ));
    }
    Ok(Part::Word {
        either,
        optional: inner.is_some(),
    })
}

/// The words without quotes and without punctuation at their ends; a dot at the front stays, for `.py`.
fn words(text: &str) -> Vec<&str> {
    let quote = |c: char| {
        matches!(
            c,
            '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '«' | '»' | '(' | ')'
        )
    };
    let end = |c: char| quote(c) || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '…');
    text.split_whitespace()
        .map(|word| word.trim_start_matches(quote))
        .map(|word| {
            if word.chars().all(|c| c == '.') {
                word
            } else {
                word.trim_end_matches(end)
            }
        })
        .filter(|word| !word.is_empty())
        .collect()
}

/// Backtracking that remembers what cannot be, so that its work is at most parts times words.
struct Search<'a> {
    parts: &'a [Part],
    words: &'a [&'a str],
    lower: &'a [String],
    dead: Vec<bool>,
    caught: BTreeMap<String, String>,
}

impl Search<'_> {
    fn run(&mut self, part: usize, word: usize) -> bool {
        let seat = part * (self.words.len() + 1) + word;
        if self.dead[seat] {
            return false;
        }
        let parts = self.parts;
        let here = self.lower.get(word);
        let found = match parts.get(part) {
            None => here.is_none(),
            Some(Part::Any) => {
                self.run(part + 1, word) || (here.is_some() && self.run(part, word + 1))
            }
            Some(Part::Capture(name)) => {
                let fits = here.is_some() && self.run(part + 1, word + 1);
                if fits {
                    self.caught
                        .insert(name.clone(), self.words[word].to_owned());
                }
                fits
            }
            Some(Part::Word { either, optional }) => {
                here.is_some_and(|here| either.contains(here)) && self.run(part + 1, word + 1)
                    || *optional && self.run(part + 1, word)
            }
        };
        self.dead[seat] = !found;
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught(phrase: &str, prompt: &str) -> Option<Vec<(String, String)>> {
        let found = Phrase::parse(phrase).unwrap().matches(prompt)?;
        Some(found.into_iter().collect())
    }

    #[test]
    fn case_spaces_quotes_and_ends_do_not_count() {
        for prompt in [
            "Read `hello.txt` back",
            " read  HELLO.TXT back. ",
            "“read” hello.txt back!",
        ] {
            assert!(caught("read hello.txt back", prompt).is_some(), "{prompt}");
        }
        assert_eq!(caught("read hello.txt back", "read hello.txt"), None);
        assert_eq!(caught("read hello.txt back", ""), None);
    }

    #[test]
    fn stars_alternatives_and_optional_words_match() {
        let phrase = "* list|show (me) (all) (the) files *";
        for prompt in [
            "list files",
            "Please list the files here",
            "show me all the files",
        ] {
            assert!(caught(phrase, prompt).is_some(), "{prompt}");
        }
        assert_eq!(caught(phrase, "list the big files"), None);
    }

    #[test]
    fn a_capture_keeps_the_word_as_it_was_written() {
        assert_eq!(
            caught("read {file} (back)", "Read `Báo-cáo.md` back"),
            Some(vec![("file".into(), "Báo-cáo.md".into())])
        );
        assert_eq!(
            caught("find * {ext} files *", "find every .py files below"),
            Some(vec![("ext".into(), ".py".into())])
        );
    }

    #[test]
    fn many_stars_against_many_words_end_soon() {
        let phrase = "* a ".repeat(30) + "b";
        assert_eq!(caught(&phrase, &"a ".repeat(199)), None);
        assert_eq!(caught("* a", &"a ".repeat(100_000)), None);
    }

    #[test]
    fn a_phrase_that_can_match_nothing_is_refused() {
        for bad in ["", "  ", "{}", "{a b}", "|", "()"] {
            assert!(Phrase::parse(bad).is_err(), "{bad}");
        }
    }
}
