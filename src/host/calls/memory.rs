//! What the host keeps of calls that are over: bounded in bytes, however long the program runs.
//!
//! Pure. The newest results stay whole. Of older ones stays what the model was given; what was too long for it is in a file anyway.

use std::sync::Arc;

use crate::agent::window;
use crate::host::call::{CallEnd, CallState};
use crate::host::outcome;
use crate::host::state::Host;
use crate::ids::CallId;
use crate::mcp::result::{CallOutcome, ToolResult};
use crate::mcp::weight;
use crate::text::human;

/// Bytes of results that are kept whole. The last one always is: somebody may be about to look at it.
const KEPT: usize = 12 << 20;
/// Bytes of what stays of the others, for the model. By the time that so much more was said, its context has let go of them too.
const WORDS: usize = 4 << 20;
/// Tokens that stay for good.
const BRIEF: u32 = 250;
/// A result of fewer bytes is not worth letting go of.
const SMALL: usize = 4 * 1024;
/// Progress messages that stay of a call that is over.
const MESSAGES: usize = 20;
/// Tokens of the line that says what was let go of.
const NOTE: u32 = 40;
/// How that line ends.
const LET_GO: &str = "was let go of to save memory";

impl Host {
    /// A call is over: lets go of the oldest results where all together have become too many bytes.
    pub(super) fn let_go_of_results(&mut self, id: CallId) {
        let Some(call) = self.call_mut(id) else {
            return;
        };
        let over = call.messages.len().saturating_sub(MESSAGES);
        call.messages.drain(..over);
        let bytes = call.end().map_or(0, weight::of_written);
        if bytes < SMALL {
            return;
        }
        self.book.kept_results.push_back((id, bytes));
        let mut kept: usize = self.book.kept_results.iter().map(|(_, bytes)| bytes).sum();
        while kept > KEPT && self.book.kept_results.len() > 1 {
            let Some((oldest, bytes)) = self.book.kept_results.pop_front() else {
                return;
            };
            kept -= bytes;
            self.let_go(oldest, bytes);
        }
    }

    /// Cuts a result to what the model was given, and the oldest of those to a few words.
    fn let_go(&mut self, id: CallId, bytes: usize) {
        let limit = self.settings.limits.result_tokens.saturating_sub(NOTE);
        let words = self.cut_to(id, limit, bytes).unwrap_or_default();
        self.book.kept_words.push_back((id, words));
        let mut kept: usize = self.book.kept_words.iter().map(|(_, bytes)| bytes).sum();
        while kept > WORDS {
            let Some((oldest, bytes)) = self.book.kept_words.pop_front() else {
                return;
            };
            kept -= bytes;
            self.cut_to(oldest, BRIEF, bytes);
        }
    }

    /// Gives how many bytes stay of a result.
    fn cut_to(&mut self, id: CallId, limit: u32, bytes: usize) -> Option<usize> {
        let call = self.call_mut(id)?;
        let saved = call.saved_to.clone();
        let words = outcome::words_of(call);
        if !window::is_too_long(&words, limit) {
            return Some(words.len());
        }
        let note = format!(
            "[mcpdeck] the whole of this answer, {}, {LET_GO}",
            human::bytes(bytes as u64)
        );
        // The words of a failure begin with what kind it is, which the outcome says again.
        let plain = words.strip_prefix("error: ").unwrap_or(&words);
        let short = window::cut(plain, limit, saved.as_deref());
        let short = match saved {
            // One that is cut a second time says already how long it was.
            None if !short.ends_with(LET_GO) => format!("{short}\n{note}"),
            _ => short,
        };
        let kept = short.len();
        let CallState::Done { end, .. } = &mut call.state else {
            return None;
        };
        let CallEnd::Outcome { outcome } = end else {
            return None;
        };
        match outcome {
            CallOutcome::Answered { result } => {
                let is_error = result.is_error;
                *result = Arc::new(ToolResult {
                    is_error,
                    ..ToolResult::text(short)
                });
            }
            CallOutcome::Refused { message, .. } => *message = short,
            CallOutcome::Lost { why }
            | CallOutcome::NotSent { why }
            | CallOutcome::Unreadable { why } => *why = short,
            CallOutcome::TimedOut { .. } | CallOutcome::Cancelled => {}
        }
        Some(kept)
    }
}
