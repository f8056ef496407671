//! What is being written at the caret: a command, a server's name, an argument of a prompt, or a resource behind an `@`.
//!
//! Pure. Only looks at the text; `suggest` finds what could stand there.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::app::slash::COMMANDS;

/// What is written at the caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The bytes of the text that a completion replaces: from the start of the word to the caret.
    pub range: Range<usize>,
    /// That part of the text, without its sign and its quotes.
    pub typed: String,
    /// What it is.
    pub kind: Kind,
}

/// What can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `/na`: a command or a prompt.
    Command,
    /// The name of a server, behind a command.
    Server,
    /// The name of a tool of this server.
    Tool(String),
    /// A URI of this server.
    Uri(String),
    /// One of these words.
    Word(&'static str),
    /// The name of an argument of a prompt.
    Argument(Prompting),
    /// The value of this argument of a prompt.
    Value(Prompting, String),
    /// `@server:uri`.
    Mention,
}

/// A prompt that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompting {
    /// The server's name as it is written.
    pub server: String,
    /// The prompt's name as it is written.
    pub prompt: String,
    /// The arguments that are written already.
    pub given: BTreeMap<String, String>,
}

/// What is written at the caret, if it is one of these.
pub fn spot(text: &str, caret: usize) -> Option<Spot> {
    let before = text.get(..caret)?;
    // A caret inside a word would tear it.
    let is_inside = text[caret..]
        .chars()
        .next()
        .is_some_and(|c| !c.is_whitespace());
    if is_inside {
        return None;
    }
    match before.strip_prefix('/') {
        Some(line) if !line.contains('\n') => command(before, caret),
        _ => mention(before, caret),
    }
}

fn mention(before: &str, caret: usize) -> Option<Spot> {
    let start = before.rfind(char::is_whitespace).map_or(0, |at| {
        at + before[at..].chars().next().map_or(1, char::len_utf8)
    });
    let typed = before[start..].strip_prefix('@')?;
    Some(Spot {
        range: start..caret,
        typed: typed.to_owned(),
        kind: Kind::Mention,
    })
}

fn command(before: &str, caret: usize) -> Option<Spot> {
    let words = words(before);
    let (last, range) = words.last()?.clone();
    let name = words.first()?.0.strip_prefix('/')?.to_owned();
    let spot = |typed: String, kind| {
        Some(Spot {
            range: range.start..caret,
            typed,
            kind,
        })
    };
    if words.len() == 1 {
        return spot(name, Kind::Command);
    }
    if let Some((server, prompt)) = name.split_once(':') {
        let middle = words[1..words.len() - 1].iter();
        let given = middle.filter_map(|(word, _)| word.split_once('='));
        let prompting = Prompting {
            server: server.to_owned(),
            prompt: prompt.to_owned(),
            given: given.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        };
        return match last.split_once('=') {
            Some((key, value)) => {
                let kind = Kind::Value(prompting, key.to_owned());
                spot(value.to_owned(), kind)
            }
            None => spot(last, Kind::Argument(prompting)),
        };
    }
    let command = COMMANDS.iter().find(|command| command.name == name)?;
    let place = command.arguments.split(' ').nth(words.len() - 2)?;
    let server = || words.get(1).map(|(word, _)| word.clone());
    let kind = match place {
        "SERVER" => Kind::Server,
        "TOOL" => Kind::Tool(server()?),
        "URI" => Kind::Uri(server()?),
        choice if choice.contains('|') && !choice.contains(['[', ']']) => Kind::Word(choice),
        _ => return None,
    };
    spot(last, kind)
}

/// The words of a line with their bytes, quotes taken off; the last one is what is being written, and may be empty.
fn words(line: &str) -> Vec<(String, Range<usize>)> {
    let mut out = Vec::new();
    let (mut word, mut start, mut quote) = (String::new(), 0, None);
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => {
                if start < at {
                    out.push((std::mem::take(&mut word), start..at));
                }
                start = at + c.len_utf8();
            }
            (_, c) => word.push(c),
        }
    }
    out.push((word, start..line.len()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at_end(text: &str) -> Option<(String, Kind)> {
        spot(text, text.len()).map(|spot| (spot.typed, spot.kind))
    }

    #[test]
    fn each_place_is_known() {
        let is = |text: &str, typed: &str, kind: Kind| {
            assert_eq!(at_end(text), Some((typed.to_owned(), kind)), "{text}");
        };
        is("/", "", Kind::Command);
        is("/re", "re", Kind::Command);
        is("/files:re", "files:re", Kind::Command);
        is("/restart ", "", Kind::Server);
        is("/read fil", "fil", Kind::Server);
        is(
            "/read files file:///a",
            "file:///a",
            Kind::Uri("files".into()),
        );
        is("/call shop qu", "qu", Kind::Tool("shop".into()));
        is("/theme d", "d", Kind::Word("auto|dark|light|mono"));
        is("@", "", Kind::Mention);
        is("see @files:file:///ghi", "files:file:///ghi", Kind::Mention);
        is("dòng\n@f", "f", Kind::Mention);
        let prompting = |given: &[(&str, &str)]| Prompting {
            server: "notes".into(),
            prompt: "sum".into(),
            given: given
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
        };
        is("/notes:sum ", "", Kind::Argument(prompting(&[])));
        let given = prompting(&[("a", "b c")]);
        is(
            "/notes:sum a=\"b c\" style=\"bri ef",
            "bri ef",
            Kind::Value(given, "style".into()),
        );
    }

    #[test]
    fn the_rest_is_none() {
        for text in [
            "",
            "hello",
            "a@b",
            "/quit now",
            "/call a b c",
            "/clear ",
            "@a b",
        ] {
            assert_eq!(at_end(text), None, "{text}");
        }
        assert_eq!(spot("@files", 3), None);
        assert_eq!(spot("@fi les", 3).map(|spot| spot.range), Some(0..3));
        assert_eq!(spot("漢", 1), None);
    }

    proptest! {
        #[test]
        fn the_range_is_a_part_of_the_text(text in "[/@: \"'=a-c漢\n]{0,20}", caret in 0usize..40) {
            if let Some(spot) = spot(&text, caret) {
                prop_assert!(text.get(spot.range.clone()).is_some());
                prop_assert_eq!(spot.range.end, caret);
            }
        }
    }
}
