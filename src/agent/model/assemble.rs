//! Chunks of Chat Completions to events: text, reasoning, whole calls, the end.
//!
//! Pure; called by `openai` with each chunk as it came. Accepts what real endpoints send, not what the specification says; each oddity
//! is named where it is handled and has a fixture in `tests/fixtures/model`.

use serde_json::Value;

use crate::agent::model::call_id::CallIds;
use crate::agent::model::event::{Completion, Finish, ModelEvent, Usage};
use crate::agent::model::fallback::{Gate, calls_in};
use crate::agent::model::merge::Merger;
use crate::agent::model::request::{ModelCall, ModelRequest, ToolOffer};
use crate::agent::model::think::{Parted, Think};
use crate::config::ModelMode;

/// Bytes of text, reasoning and calls that one step may come to. What context there is ends an answer long before; an endpoint that
/// never ends is ended here.
const MOST: usize = 2 << 20;

/// One step in the making.
#[derive(Debug, Clone)]
pub struct Assembler {
    offers: Vec<ToolOffer>,
    ids: CallIds,
    think: Think,
    gate: Gate,
    calls: Merger,
    finish: Option<Finish>,
    usage: Option<Usage>,
    said: bool,
    /// Of text, reasoning and calls so far.
    bytes: usize,
    /// It was ended because it was too long.
    cut: bool,
    /// Calls were asked for as text, so one as text is nothing to note.
    by_prompt: bool,
}

/// An error that stood inside the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamedError {
    /// The `error` field, object or string.
    pub error: Value,
}

/// A stream that ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incomplete {
    /// Whether it had brought anything.
    pub anything: bool,
}

impl Assembler {
    /// For the answer to this request.
    pub fn new(request: &ModelRequest) -> Self {
        Self {
            ids: CallIds::for_request(request),
            think: Think::default(),
            gate: if request.tools.is_empty() {
                Gate::open()
            } else {
                Gate::default()
            },
            calls: Merger::default(),
            finish: None,
            usage: None,
            said: false,
            bytes: 0,
            cut: false,
            by_prompt: request.mode == ModelMode::Prompt,
            offers: request.tools.clone(),
        }
    }

    /// Takes one chunk. The events so far stand even when a later chunk is an error.
    pub fn chunk(&mut self, chunk: &Value) -> Result<Vec<ModelEvent>, StreamedError> {
        // LM Studio, vLLM, llama.cpp and Ollama report failures inside a stream that began with 200.
        if let Some(error) = error_in(chunk) {
            return Err(StreamedError { error });
        }
        if let Some(usage) = chunk.get("usage").and_then(usage) {
            self.usage = Some(usage);
        }
        let mut events = Vec::new();
        // The chunk with the usage has `choices: []`, or none at all.
        let choice = chunk.get("choices").and_then(|choices| choices.get(0));
        if let Some(choice) = choice {
            // A completion that was not streamed has `message` where a chunk has `delta`.
            let delta = choice.get("delta").or_else(|| choice.get("message"));
            if let Some(delta) = delta {
                self.delta(delta, &mut events);
            }
            if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
                if reason == "error" {
                    return Err(StreamedError {
                        error: choice.clone(),
                    });
                }
                self.finish = finish(reason).or(self.finish);
            }
        }
        Ok(events)
    }

    /// Whether it has grown too long: what comes now is not to be taken, and `end` gives it as cut for its length.
    pub fn is_full(&mut self) -> bool {
        self.cut = self.bytes > MOST;
        self.cut
    }

    fn delta(&mut self, delta: &Value, events: &mut Vec<ModelEvent>) {
        let reasoning = ["reasoning_content", "reasoning"]
            .iter()
            .find_map(|key| delta.get(*key)?.as_str().filter(|text| !text.is_empty()));
        if let Some(text) = reasoning {
            self.bytes += text.len();
            events.push(ModelEvent::Reasoning(text.to_owned()));
        }
        match delta.get("content") {
            Some(Value::String(text)) => self.content(text, events),
            Some(Value::Array(parts)) => parts.iter().for_each(|part| self.part(part, events)),
            _ => {}
        }
        for fragment in delta
            .get("tool_calls")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let arguments = fragment.pointer("/function/arguments");
            self.bytes += arguments.and_then(Value::as_str).map_or(0, str::len);
            if let Some((name, bytes)) = self.calls.push(fragment) {
                events.push(ModelEvent::Preparing {
                    name: name.to_owned(),
                    bytes,
                });
            }
        }
    }

    /// Mistral sends content as a list of typed parts.
    fn part(&mut self, part: &Value, events: &mut Vec<ModelEvent>) {
        if let Some(text) = part.get("text").and_then(Value::as_str) {
            self.content(text, events);
        }
        for inner in part
            .get("thinking")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Some(text) = inner.get("text").and_then(Value::as_str) {
                self.bytes += text.len();
                events.push(ModelEvent::Reasoning(text.to_owned()));
            }
        }
    }

    fn content(&mut self, text: &str, events: &mut Vec<ModelEvent>) {
        self.bytes += text.len();
        let parted = self.think.push(text);
        self.parted(parted, events);
    }

    fn parted(&mut self, parted: Parted, events: &mut Vec<ModelEvent>) {
        if !parted.reasoning.is_empty() {
            events.push(ModelEvent::Reasoning(parted.reasoning));
        }
        let text = self.gate.push(&parted.text);
        if !text.is_empty() {
            self.said = true;
            events.push(ModelEvent::Text(text));
        }
    }

    /// The stream has ended. `closed`: it said so itself by `[DONE]`, which counts when it gave no reason to stop.
    pub fn end(mut self, closed: bool) -> Result<Vec<ModelEvent>, Incomplete> {
        let mut events = Vec::new();
        let rest = std::mem::take(&mut self.think).finish();
        self.parted(rest, &mut events);
        let held = std::mem::take(&mut self.gate).into_held();
        let finish = self.reason(closed, &held)?;
        let mut notes = self.doubts();
        let (mut calls, nameless) = std::mem::take(&mut self.calls).finish(&mut self.ids);
        if nameless > 0 {
            notes.push("The endpoint sent a tool call without a name; it was dropped.".to_owned());
        }
        // Whatever reason it gives, calls make a tool turn: Gemini and LiteLLM say "stop" then.
        let written = if calls.is_empty() && nameless == 0 && finish == Finish::Stop {
            self.written_calls(&held)
        } else {
            Vec::new()
        };
        if written.is_empty() {
            if !held.is_empty() {
                events.push(ModelEvent::Text(held));
            }
        } else {
            if !self.by_prompt {
                notes.push(
                    "The model wrote its tool call as text; it was read as a call.".to_owned(),
                );
            }
            calls = written;
        }
        events.push(ModelEvent::Done(Completion {
            finish,
            calls,
            usage: self.usage,
            notes,
        }));
        Ok(events)
    }

    /// Why it has ended.
    fn reason(&self, closed: bool, held: &str) -> Result<Finish, Incomplete> {
        let anything = self.said || !held.trim().is_empty() || !self.calls.is_empty();
        match self.finish {
            _ if self.cut => Ok(Finish::Length),
            Some(finish) => Ok(finish),
            None if closed && anything => Ok(Finish::Stop),
            None => Err(Incomplete { anything }),
        }
    }

    /// What is odd about how it ended.
    fn doubts(&self) -> Vec<String> {
        let most = MOST >> 20;
        let cut = format!("The answer was cut at {most} MiB: the endpoint did not end it.");
        self.cut.then_some(cut).into_iter().collect()
    }

    fn written_calls(&mut self, held: &str) -> Vec<ModelCall> {
        let written = calls_in(held, &self.offers).unwrap_or_default();
        let calls = written.into_iter().map(|call| ModelCall {
            id: self.ids.next_id(),
            name: call.name,
            arguments: call.arguments,
            extra: serde_json::Map::new(),
        });
        calls.collect()
    }
}

fn error_in(chunk: &Value) -> Option<Value> {
    match chunk.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => {
            // Older vLLM sends the error itself as the chunk.
            let bare = chunk.get("object").and_then(Value::as_str) == Some("error");
            bare.then(|| chunk.clone())
        }
        Some(error) => Some(error.clone()),
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let count = |key: &str| value.get(key).and_then(Value::as_u64);
    Some(Usage {
        prompt: count("prompt_tokens")?,
        completion: count("completion_tokens").unwrap_or(0),
    })
}

fn finish(reason: &str) -> Option<Finish> {
    match reason {
        "" => None,
        "length" | "max_tokens" | "model_length" => Some(Finish::Length),
        "content_filter" | "safety" | "SAFETY" | "refusal" => Some(Finish::Filtered),
        _ => Some(Finish::Stop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::model::request::Message;
    use proptest::prelude::*;
    use serde_json::json;

    fn assembler() -> Assembler {
        let offer = ToolOffer {
            name: "list".into(),
            description: String::new(),
            schema: json!({"type": "object"}),
        };
        Assembler::new(&ModelRequest {
            messages: vec![Message::User { text: "go".into() }],
            tools: vec![offer],
            mode: ModelMode::Tools,
            plain_schemas: false,
            more_tokens: false,
            wishes: Default::default(),
        })
    }

    fn run(deltas: &[Value]) -> (String, Vec<(String, String)>) {
        let mut assembler = assembler();
        let mut events = Vec::new();
        for delta in deltas {
            events.extend(
                assembler
                    .chunk(&json!({"choices": [{"delta": delta}]}))
                    .unwrap(),
            );
        }
        let last = json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]});
        events.extend(assembler.chunk(&last).unwrap());
        events.extend(assembler.end(true).unwrap());
        let mut text = String::new();
        let mut calls = Vec::new();
        for event in events {
            match event {
                ModelEvent::Text(more) => text += &more,
                ModelEvent::Done(done) => calls = done.calls,
                _ => {}
            }
        }
        (
            text,
            calls
                .into_iter()
                .map(|call| (call.name, call.arguments))
                .collect(),
        )
    }

    /// How an endpoint numbers and names its fragments.
    #[derive(Debug, Clone, Copy)]
    struct Habit {
        index: u8,
        ids: u8,
        repeats_name: bool,
        empties: bool,
        /// The first fragment has a name and no arguments yet. Needs ids: two calls of one tool could not be told apart.
        opens_empty: bool,
    }

    fn fragments(habit: Habit, calls: &[(String, String)], cuts: &[usize]) -> Vec<Value> {
        let mut cuts = cuts.iter().cycle();
        let mut out = Vec::new();
        for (number, (name, arguments)) in calls.iter().enumerate() {
            let mut letters = arguments.chars();
            let mut first = true;
            loop {
                let length = if first && habit.opens_empty {
                    0
                } else {
                    *cuts.next().unwrap()
                };
                let piece: String = letters.by_ref().take(length).collect();
                if piece.is_empty() && !first {
                    break;
                }
                let empty = if habit.empties {
                    json!("")
                } else {
                    Value::Null
                };
                let named = first || habit.repeats_name;
                let mut fragment = json!({
                    "id": match habit.ids { 0 => json!(format!("c{number}")), 1 if first => json!(format!("c{number}")), _ => empty.clone() },
                    "type": "function",
                    "function": {"name": if named { json!(name) } else { empty }, "arguments": piece},
                });
                match habit.index {
                    0 => fragment["index"] = json!(number),
                    1 => fragment["index"] = json!(number + 1),
                    2 => fragment["index"] = json!(0),
                    _ => {}
                }
                out.push(json!({"content": null, "tool_calls": [fragment]}));
                first = false;
            }
        }
        out
    }

    proptest! {
        #[test]
        fn any_chunking_by_any_endpoint_gives_the_same_calls(
            (index, ids) in (0..4_u8, 0..3_u8),
            (repeats_name, empties, empty_start) in (any::<bool>(), any::<bool>(), any::<bool>()),
            calls in proptest::collection::vec(("[ab]|[a-z]{1,6}", proptest::collection::btree_map("[a-z\"{}]{0,4}", "[a-z ,{}\"ắ]{0,12}", 0..3)), 1..4),
            cuts in proptest::collection::vec(1..9_usize, 1..20),
        ) {
            let calls: Vec<(String, String)> = calls.into_iter().map(|(name, fields)| (name, json!(fields).to_string())).collect();
            let habit = Habit { index, ids, repeats_name, empties, opens_empty: empty_start && ids != 2 };
            let (text, found) = run(&fragments(habit, &calls, &cuts));
            prop_assert_eq!(text, "");
            prop_assert_eq!(found, calls);
        }

        #[test]
        fn any_chunk_is_survived(text in ".{0,60}", flag in any::<bool>()) {
            let mut assembler = assembler();
            for value in [
                json!(text), json!({"choices": text}), json!({"choices": [text]}), json!({"choices": [{"delta": text}]}),
                json!({"choices": [{"delta": {"tool_calls": [text, {"function": text}, {"index": text, "id": 3}]}}]}),
                json!({"choices": [{"delta": {"content": [text, {"text": text}, {"thinking": text}]}, "finish_reason": flag}]}),
                json!({"usage": text}), json!(null), json!([]),
            ] {
                let _ = assembler.chunk(&value);
            }
            let _ = assembler.end(flag);
        }
    }

    #[test]
    fn an_id_that_changes_with_every_fragment_is_one_call() {
        let deltas = [
            json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "list", "arguments": "{\"p\":"}}]}),
            json!({"tool_calls": [{"index": 0, "id": "b", "function": {"name": "", "arguments": "1}"}}]}),
        ];
        assert_eq!(run(&deltas).1, vec![("list".into(), "{\"p\":1}".into())]);
    }

    #[test]
    fn unknown_fields_of_a_call_are_kept() {
        let mut assembler = assembler();
        let call = json!({"index": 0, "id": "a", "function": {"name": "list", "arguments": {"p": 1}}, "extra_content": {"google": {"thought_signature": "s"}}});
        let chunk =
            json!({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "stop"}]});
        assembler.chunk(&chunk).unwrap();
        let events = assembler.end(false).unwrap();
        let Some(ModelEvent::Done(done)) = events.last() else {
            panic!("{events:?}")
        };
        assert_eq!(done.calls[0].arguments, r#"{"p":1}"#);
        assert_eq!(
            Value::Object(done.calls[0].extra.clone()),
            json!({"extra_content": {"google": {"thought_signature": "s"}}})
        );
        assert_eq!(done.finish, Finish::Stop);
    }

    #[test]
    fn an_end_without_a_reason_counts_only_when_it_was_announced_and_brought_something() {
        assert_eq!(assembler().end(true), Err(Incomplete { anything: false }));
        let mut told = assembler();
        told.chunk(&json!({"choices": [{"delta": {"content": "Hi"}}]}))
            .unwrap();
        assert_eq!(told.clone().end(false), Err(Incomplete { anything: true }));
        assert!(told.end(true).is_ok());
    }
}
