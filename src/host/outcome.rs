//! The end of a call in words: what the model reads as its result, and the short form for people.
//!
//! Pure. Says plainly when the outcome is unknown, so that nobody repeats a call that may have run.

use std::borrow::Cow;

use crate::agent::prompt::CallRecord;
use crate::agent::transcript::Fold;
use crate::agent::window;
use crate::host::call::{CallEnd, Origin, ToolCall};
use crate::host::state::Host;
use crate::mcp::result::{Block, CallOutcome, ToolResult};
use crate::mcp::status::Era;
use crate::text::human;

/// The call and its result as the model sees them; absent for a call by hand, and for one that was not run because it was the
/// same once more: small models that are told so say the call again instead of answering, and answer when it is not there.
pub fn record(call: &ToolCall, limit: u32, fold: Option<Fold>) -> Option<CallRecord> {
    let Origin::Model { call: written, .. } = &call.origin else {
        return None;
    };
    if let Some(CallEnd::Repeated { .. }) = call.end() {
        return None;
    }
    let words = words_of(call);
    let saved_to = call.saved_to.as_deref();
    let mut result = window::cut(&words, limit, saved_to);
    if let Some(fold) = fold {
        result = window::folded(&result, fold, saved_to);
    }
    Some(CallRecord {
        call: written.clone(),
        result,
    })
}

impl Host {
    /// What may help with a call that failed on a connection of the new era with words that smell of the old one.
    pub fn era_hint(&self, call: &ToolCall) -> Option<&'static str> {
        let Some(CallEnd::Outcome { outcome }) = call.end() else {
            return None;
        };
        let server = self.server(call.server.as_ref()?)?;
        let is_modern = server.hello.as_ref()?.era == Era::Modern;
        is_modern.then(|| outcome.era_hint()).flatten()
    }
}

/// The end of a call in words for the model, with what is odd about its answer.
pub fn words_of(call: &ToolCall) -> Cow<'_, str> {
    let Some(end) = call.end() else {
        return "error: it has no result yet".into();
    };
    let words = words(end);
    if let (Some(why), Some(result)) = (&call.mismatch, call.result()) {
        let mut words = words.into_owned();
        // What the tool says for people may be all that is right.
        let text = result.as_text();
        if result.structured.is_some() && !result.content.is_empty() && !words.contains(&*text) {
            words = format!("{words}\n{text}");
        }
        words.push_str(&format!(
            "\n[mcpdeck] The structured answer does not fit the schema that the tool gives for it: {why}"
        ));
        return words.into();
    }
    words
}

/// The end in words for the model. What is no success starts with `error:`, `denied:` or `outcome unknown:`.
pub fn words(end: &CallEnd) -> Cow<'_, str> {
    let words = match end {
        CallEnd::Outcome { outcome } => return outcome_words(outcome),
        CallEnd::Denied {
            reason: Some(reason),
        } => format!("denied: the person refused this call and says: {reason}"),
        CallEnd::Denied { reason: None } => "denied: the person refused this call".to_owned(),
        CallEnd::Refused { why } => format!("denied: not sent, because {why}"),
        CallEnd::Invalid { complaint } => format!("error: not sent, because {complaint}"),
        CallEnd::Unavailable { why } => format!("error: not sent, because {why}"),
        CallEnd::Interrupted => {
            "error: not sent, because the person interrupted the turn".to_owned()
        }
        CallEnd::Repeated { times } => format!(
            "error: not sent, because the same call with the same arguments was made {times} times in a row; \
             use the result that you have, or answer"
        ),
    };
    words.into()
}

fn outcome_words(outcome: &CallOutcome) -> Cow<'_, str> {
    let unknown = "it may have run; do not repeat it, check with a read first";
    let words = match outcome {
        CallOutcome::Answered { result } if result.is_error => {
            format!("error: {}", result.as_text())
        }
        CallOutcome::Answered { result } => return answer(result),
        CallOutcome::Refused { code, message } => {
            format!("error: the server refused ({code}): {message}")
        }
        CallOutcome::TimedOut { after } => {
            format!(
                "outcome unknown: no answer within {}; {unknown}",
                human::duration(*after)
            )
        }
        CallOutcome::Cancelled => format!("outcome unknown: the person cancelled it; {unknown}"),
        CallOutcome::Lost { why } => format!("outcome unknown: {why}; {unknown}"),
        CallOutcome::NotSent { why } => format!("error: not sent, because {why}"),
        CallOutcome::Unreadable { why } => format!("outcome unknown: {why}; {unknown}"),
    };
    words.into()
}

/// Structured content is exact where the text block is a table for people, so the model reads that when there is both.
fn answer(result: &ToolResult) -> Cow<'_, str> {
    match &result.structured {
        Some(value) => {
            let other = |block: &&Block| !matches!(block, Block::Text { .. });
            let others = result.content.iter().filter(other).map(Block::as_text);
            let parts: Vec<String> = std::iter::once(value.to_string()).chain(others).collect();
            parts.join("\n").into()
        }
        None if result.content.is_empty() => "(no content)".into(),
        None => result.as_text(),
    }
}
