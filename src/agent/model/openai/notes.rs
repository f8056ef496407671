//! Doubts that the endpoint's own token count raises: a context that was cut silently, tools that were dropped silently.
//!
//! Pure. Both are guesses from a lower bound, so they are worded as such and stop nothing.

use serde_json::Value;

use crate::agent::model::event::Usage;

/// No tokenizer makes fewer tokens than one for so many bytes of ordinary text.
const BYTES_PER_TOKEN: usize = 8;
/// Below this the bound says nothing.
const LEAST: usize = 200;

/// What the count of the prompt's tokens shows about the body that was sent.
pub(super) fn doubts(body: &Value, usage: Usage) -> Option<String> {
    let tokens = |key: &str| {
        body.get(key)
            .map_or(0, |part| part.to_string().len() / BYTES_PER_TOKEN)
    };
    let (messages, tools) = (tokens("messages"), tokens("tools"));
    let counted = usize::try_from(usage.prompt).ok()?;
    if counted == 0 || messages + tools < LEAST || counted >= messages + tools {
        return None;
    }
    let sent = messages + tools;
    Some(
        if tools > 0 && counted >= messages && counted < tools.max(LEAST) {
            format!(
                "The endpoint counted {counted} tokens where at least {sent} were sent: it seems to drop the tools. \
             `mode = \"prompt\"` in `[model]` offers them in another way."
            )
        } else {
            format!(
                "The endpoint counted {counted} tokens where at least {sent} were sent: it seems to have cut the conversation to its context. \
             For Ollama start it with `OLLAMA_CONTEXT_LENGTH=16384`, or make an alias with a larger `num_ctx`."
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn doubt(messages: usize, tools: usize, prompt: u64) -> Option<String> {
        let body = json!({"messages": "x".repeat(messages), "tools": "x".repeat(tools)});
        doubts(
            &body,
            Usage {
                prompt,
                completion: 1,
            },
        )
    }

    #[test]
    fn a_count_that_cannot_be_is_told_and_a_plausible_one_is_not() {
        assert_eq!(doubt(4_000, 8_000, 3_000), None);
        assert_eq!(doubt(100, 100, 20), None);
        assert_eq!(doubt(4_000, 8_000, 0), None);
        assert!(doubt(100, 8_000, 45).is_some_and(|note| note.contains("drop the tools")));
        assert!(
            doubt(60_000, 20_000, 4_096).is_some_and(|note| note.contains("OLLAMA_CONTEXT_LENGTH"))
        );
    }
}
