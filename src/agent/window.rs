//! How much the model sees: head and tail of a result that is too long, and old results folded before the context is full.
//!
//! Pure. Tokens are estimated at four bytes each for ASCII and one for each other character, which errs on the safe side.

use std::path::Path;

use crate::agent::model::{Message, ToolOffer};
use crate::agent::transcript::Fold;
use crate::ids::CallId;

/// The context of a model of which nobody says how large it is.
pub const USUAL: u64 = 32_000;
/// Tokens of a result of which only head and tail are left.
const ENDS: u32 = 240;

/// A cautious estimate of the tokens of a text.
pub fn tokens(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let other = text.chars().filter(|c| !c.is_ascii()).count() as u64;
    ascii.div_ceil(4) + other
}

/// Whether a text has more tokens than this.
pub fn is_too_long(text: &str, limit: u32) -> bool {
    tokens(text) > u64::from(limit)
}

/// Head and tail of a text that is too long, two thirds to one, with a line between them that says what is left out and
/// which file holds all of it.
pub fn cut(text: &str, limit: u32, saved_to: Option<&Path>) -> String {
    if !is_too_long(text, limit) {
        return text.to_owned();
    }
    let head = take(text.chars(), u64::from(limit) * 2 / 3);
    let tail: String = take(text.chars().rev(), u64::from(limit) / 3)
        .chars()
        .rev()
        .collect();
    let left_out = text.len().saturating_sub(head.len() + tail.len());
    let place = match saved_to {
        Some(path) => format!("; the whole result is in {}", path.display()),
        None => String::new(),
    };
    format!("{head}\n[... {left_out} bytes left out{place} ...]\n{tail}")
}

/// A result, folded.
pub fn folded(text: &str, fold: Fold, saved_to: Option<&Path>) -> String {
    match fold {
        Fold::Ends => cut(text, ENDS, saved_to),
        Fold::Line => {
            let line = line(tokens(text), saved_to);
            // What is shorter than what would be said of it stays.
            if tokens(&line) < tokens(text) {
                line
            } else {
                text.to_owned()
            }
        }
    }
}

fn line(tokens: u64, saved_to: Option<&Path>) -> String {
    let place = saved_to.map_or_else(String::new, |path| {
        format!("; the whole result is in {}", path.display())
    });
    format!(
        "[mcpdeck] an old result of about {tokens} tokens, left out to save room; call again if it is needed{place}"
    )
}

/// Tokens of a tool as it is offered, by our estimate.
pub fn of_offer(offer: &ToolOffer) -> u64 {
    tokens(&offer.name) + tokens(&offer.description) + tokens(&offer.schema.to_string()) + 8
}

/// Tokens of a message, by our estimate.
pub fn of_message(message: &Message) -> u64 {
    4 + match message {
        Message::System { text } | Message::User { text } => tokens(text),
        Message::Assistant { text, calls } => {
            let call = |call: &crate::agent::model::ModelCall| {
                tokens(&call.name) + tokens(&call.arguments) + 8
            };
            tokens(text) + calls.iter().map(call).sum::<u64>()
        }
        Message::Tool { text, .. } => tokens(text),
    }
}

/// When room is made: at four fifths of the context, because the answer needs room too and the estimate is one.
pub fn is_full(used: u64, context: u64) -> bool {
    used > context / 5 * 4
}

/// How many tokens are to go, so that room need not be made again at the next step: down to three fifths.
pub fn excess(used: u64, context: u64) -> u64 {
    used.saturating_sub(context / 5 * 3)
}

/// A result of the conversation that may be folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldResult {
    /// Whose.
    pub call: CallId,
    /// How far it is folded now.
    pub fold: Option<Fold>,
    /// Its tokens as it is seen now, with head and tail alone, and as a line.
    pub tokens: [u64; 3],
}

/// Which results to fold how far, oldest first, until this many tokens are saved: first all to head and tail, then to lines.
pub fn plan(results: &[OldResult], excess: u64) -> Vec<(CallId, Fold)> {
    let mut folds: Vec<Option<Fold>> = results.iter().map(|result| result.fold).collect();
    let mut saved = 0;
    for (fold, place) in [(Fold::Ends, 1), (Fold::Line, 2)] {
        for (result, now) in results.iter().zip(&mut folds) {
            let is = match now {
                None => result.tokens[0],
                Some(_) if result.fold == *now => result.tokens[0],
                Some(Fold::Ends) => result.tokens[1],
                Some(Fold::Line) => result.tokens[2],
            };
            if saved >= excess {
                break;
            }
            if *now < Some(fold) && result.tokens[place] < is {
                saved += is - result.tokens[place];
                *now = Some(fold);
            }
        }
    }
    let changed = results
        .iter()
        .zip(folds)
        .filter(|(result, now)| result.fold != *now);
    changed
        .filter_map(|(result, now)| Some((result.call, now?)))
        .collect()
}

fn take(chars: impl Iterator<Item = char>, limit: u64) -> String {
    let mut quarters = 0;
    chars
        .take_while(|c| {
            quarters += if c.is_ascii() { 1 } else { 4 };
            quarters <= limit * 4
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_left_alone_and_what_does_not_names_its_file() {
        assert_eq!(cut("short", 100, None), "short");
        let long = "x".repeat(4000);
        let cut = cut(&long, 100, Some(Path::new("/tmp/r.txt")));
        assert!(
            cut.contains("bytes left out; the whole result is in /tmp/r.txt"),
            "{cut}"
        );
        assert!(cut.len() < 600, "{}", cut.len());
    }

    fn old(call: u64, tokens: u64) -> OldResult {
        OldResult {
            call: CallId(call),
            fold: None,
            tokens: [tokens, tokens.min(250), tokens.min(30)],
        }
    }

    #[test]
    fn the_oldest_are_folded_first_to_their_ends_and_then_to_a_line() {
        let results = [old(1, 1_000), old(2, 20), old(3, 5_000), old(4, 5_000)];
        assert_eq!(plan(&results, 0), []);
        assert_eq!(plan(&results, 700), [(CallId(1), Fold::Ends)]);
        let ends = [(CallId(1), Fold::Ends), (CallId(3), Fold::Ends)];
        assert_eq!(plan(&results, 5_000), ends);
        let more = [
            (CallId(1), Fold::Line),
            (CallId(3), Fold::Ends),
            (CallId(4), Fold::Ends),
        ];
        assert_eq!(plan(&results, 10_300), more);
        let all = [1, 3, 4].map(|call| (CallId(call), Fold::Line));
        assert_eq!(plan(&results, u64::MAX), all, "what is short stays");
    }

    #[test]
    fn what_is_folded_to_a_line_says_how_long_it_was() {
        let long = "x".repeat(4_000);
        let line = folded(&long, Fold::Line, None);
        assert!(
            line.contains("about 1000 tokens") && !line.contains('\n'),
            "{line}"
        );
        assert_eq!(folded("short", Fold::Line, None), "short");
        assert!(tokens(&folded(&long, Fold::Ends, None)) < 280);
    }

    proptest! {
        #[test]
        fn a_plan_saves_what_is_asked_or_all_there_is_and_never_unfolds(
            sizes in proptest::collection::vec(0u64..3_000, 0..20), excess in 0u64..30_000
        ) {
            let results: Vec<_> = (1..).zip(&sizes).map(|(call, size)| old(call, *size)).collect();
            let plan = plan(&results, excess);
            let saved: u64 = plan.iter().map(|(call, fold)| {
                let of = &results[call.0 as usize - 1];
                of.tokens[0] - of.tokens[if *fold == Fold::Ends { 1 } else { 2 }]
            }).sum();
            let most: u64 = results.iter().map(|of| of.tokens[0] - of.tokens[2]).sum();
            prop_assert!(saved >= excess.min(most));
        }

        #[test]
        fn a_cut_text_is_within_the_limit_and_its_note(text in ".{0,400}", limit in 0u32..50) {
            let cut = cut(&text, limit, None);
            prop_assert!(tokens(&cut) <= tokens(&text).max(u64::from(limit) + 20));
        }
    }
}
