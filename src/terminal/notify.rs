//! Notifications of the desktop through the terminal: OSC 9, or OSC 777 where that is what the terminal knows.
//!
//! Only makes the bytes; `run` writes them. A terminal that knows neither ignores them.

use crate::text::{clean, wrap};

/// The bell.
pub const BELL: &str = "\u{7}";
/// Columns of a notification.
const COLUMNS: usize = 200;

/// What is known of the terminal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terminal {
    /// `TERM`.
    pub term: String,
    /// It is one that is built on VTE, as GNOME's.
    pub vte: bool,
    /// It runs in tmux.
    pub tmux: bool,
}

impl Terminal {
    /// The terminal that this program runs in.
    pub fn here() -> Self {
        Self {
            term: std::env::var("TERM").unwrap_or_default(),
            vte: std::env::var_os("VTE_VERSION").is_some(),
            tmux: std::env::var_os("TMUX").is_some(),
        }
    }
}

/// The sequence that shows a text. Where the terminal would print what it does not know, the bell.
pub fn sequence(text: &str, terminal: &Terminal) -> String {
    if terminal.term == "linux" || terminal.term == "dumb" {
        return BELL.to_owned();
    }
    let text = wrap::truncate(&clean::line(text), COLUMNS);
    let knows_777 = terminal.vte || terminal.term.starts_with("rxvt");
    let plain = if knows_777 {
        // Its fields are parted by semicolons.
        let text = text.replace(';', ",");
        format!("\u{1b}]777;notify;mcpdeck;{text}\u{7}")
    } else {
        // With our name in front: a text of digits and semicolons would mean something else.
        format!("\u{1b}]9;mcpdeck: {text}\u{7}")
    };
    match terminal.tmux {
        true => {
            let doubled = plain.replace('\u{1b}', "\u{1b}\u{1b}");
            format!("\u{1b}Ptmux;{doubled}\u{1b}\\")
        }
        false => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, term: &str, vte: bool) -> String {
        let terminal = Terminal {
            term: term.to_owned(),
            vte,
            tmux: false,
        };
        sequence(text, &terminal)
    }

    #[test]
    fn nothing_in_a_text_ends_the_sequence_or_begins_another() {
        for text in [
            "a\u{7}\u{1b}]52;c;eA==\u{7}b",
            "a\u{1b}\\b",
            "a\u{9c}b\u{9d}c",
            "a\nb",
        ] {
            for (term, vte) in [("xterm", false), ("xterm", true), ("rxvt-unicode", false)] {
                let bytes = shown(text, term, vte);
                let inside = bytes.strip_prefix("\u{1b}]").unwrap();
                let inside = inside.strip_suffix('\u{7}').unwrap();
                assert!(!inside.chars().any(char::is_control), "{bytes:?}");
            }
        }
        assert!(shown("4;1;50", "xterm", false).starts_with("\u{1b}]9;mcpdeck: "));
        assert_eq!(
            shown("a;b", "xterm", true),
            "\u{1b}]777;notify;mcpdeck;a,b\u{7}"
        );
    }

    #[test]
    fn a_console_that_prints_what_it_does_not_know_gets_the_bell() {
        assert_eq!(shown("x", "linux", false), BELL);
        assert_eq!(shown("x", "dumb", false), BELL);
    }
}
