//! Copying through the terminal: OSC 52, which works over SSH and needs no display server.
//!
//! The loops of the program and of a replay call it. Whether the terminal takes what is written cannot be known.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::text::human;

/// The longest text: many terminals drop a sequence of more than 100,000 bytes, and base64 is a third longer.
pub const LIMIT: usize = 74_000;

/// Writes what puts a text into the clipboard, and says how many characters it has.
///
/// # Errors
/// A text that is too long, or what the system says of the terminal, as a sentence.
pub fn copy(out: &mut impl Write, text: &str) -> Result<usize, String> {
    let in_tmux = std::env::var_os("TMUX").is_some();
    let sequence = sequence(text, in_tmux)?;
    out.write_all(sequence.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())?;
    Ok(text.chars().count())
}

/// The sequence that puts a text into the clipboard. Under tmux it is sent twice: plain for tmux itself, and wrapped for the
/// terminal around it, because either may be switched off.
///
/// # Errors
/// A text that is too long, as a sentence.
pub fn sequence(text: &str, in_tmux: bool) -> Result<String, String> {
    if text.len() > LIMIT {
        let size = |bytes: usize| human::bytes(u64::try_from(bytes).unwrap_or(u64::MAX));
        return Err(format!(
            "{} is more than the {} that terminals take.",
            size(text.len()),
            size(LIMIT)
        ));
    }
    let plain = format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text));
    Ok(if in_tmux {
        let doubled = plain.replace('\u{1b}', "\u{1b}\u{1b}");
        format!("{plain}\u{1b}Ptmux;{doubled}\u{1b}\\")
    } else {
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_sent_as_base64_so_that_nothing_in_it_reaches_the_terminal() {
        assert_eq!(
            sequence("\u{1b}[2J", false).unwrap(),
            "\u{1b}]52;c;G1sySg==\u{7}"
        );
    }

    #[test]
    fn under_tmux_the_sequence_is_also_passed_through() {
        assert_eq!(
            sequence("hi", true).unwrap(),
            "\u{1b}]52;c;aGk=\u{7}\u{1b}Ptmux;\u{1b}\u{1b}]52;c;aGk=\u{7}\u{1b}\\"
        );
    }

    #[test]
    fn a_text_that_terminals_would_drop_is_refused_with_its_size() {
        let refusal = sequence(&"x".repeat(LIMIT + 1), false).unwrap_err();
        assert!(refusal.contains("74"), "{refusal}");
    }
}
