//! What a server wants written, as a request to our model; and what the model wrote, as the protocol's result.
//!
//! Pure. Nothing of our own conversation, instructions or tools goes into it, whatever the server asks for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::agent::model::{
    Completion, Finish, Message, ModelCall, ModelRequest, ToolOffer, Wishes,
};
use crate::config::ModelMode;
use crate::host::arguments;
use crate::host::asks::reply;
use crate::host::book::Book;
use crate::host::state::SamplingState;
use crate::mcp::ask::{Reply, Sampling, SamplingMessage};
use crate::mcp::convert;
use crate::mcp::result::Block;

/// The first revision in which tools go along.
pub(super) const TOOLS_SINCE: &str = "2025-11-25";
/// Messages in one request.
const MESSAGES: usize = 200;
/// Bytes of all texts of one request.
const BYTES: usize = 200_000;
/// Tools in one request.
const TOOLS: usize = 128;

/// Model-safe names of a server's tools, and its own names for them.
type Names = BTreeMap<String, String>;

/// Whether a request can be written at all.
pub(super) fn check(wanted: &Sampling) -> Result<(), Reply> {
    request(wanted, true, &Book::default()).map(|_| ())
}

/// The request to our model.
pub(super) fn request(
    wanted: &Sampling,
    has_tools: bool,
    book: &Book,
) -> Result<(ModelRequest, Names), Reply> {
    let bad = |why: String| reply::error(reply::BAD, why);
    if wanted.messages.is_empty() || wanted.messages.len() > MESSAGES {
        return Err(bad(format!("there must be 1 to {MESSAGES} messages")));
    }
    if wanted.tools.len() > TOOLS {
        return Err(bad(format!("there may be at most {TOOLS} tools")));
    }
    let offers = has_tools && wanted.tool_choice.as_deref() != Some("none");
    let names = match has_tools {
        true => names(wanted),
        false => Names::new(),
    };
    let must_use = offers && wanted.tool_choice.as_deref() == Some("required");
    let messages = messages(wanted, &names, must_use).map_err(bad)?;
    let tools = match offers {
        true => tools(wanted, &names),
        false => Vec::new(),
    };
    let request = ModelRequest {
        messages,
        tools,
        mode: match book.mode {
            ModelMode::Auto | ModelMode::Tools => ModelMode::Tools,
            ModelMode::Prompt => ModelMode::Prompt,
        },
        plain_schemas: book.plain_schemas,
        more_tokens: false,
        wishes: Wishes {
            max_tokens: Some(u32::try_from(wanted.max_tokens.max(1)).unwrap_or(u32::MAX)),
            temperature: wanted.temperature,
            stop: wanted.stop.iter().take(4).cloned().collect(),
        },
    };
    Ok((request, names))
}

/// The server's messages, with its own system prompt before them.
fn messages(wanted: &Sampling, names: &Names, must_use: bool) -> Result<Vec<Message>, String> {
    let mut conversation = Conversation::new(names);
    for message in &wanted.messages {
        conversation.add(message)?;
    }
    let mut messages = conversation.finish()?;
    let mut system = wanted.system.clone().unwrap_or_default();
    if must_use {
        system.push_str("\n\nUse at least one of the tools before you answer.");
    }
    if !system.trim().is_empty() {
        let text = system.trim().to_owned();
        messages.insert(0, Message::System { text });
    }
    if messages.iter().map(bytes).sum::<usize>() > BYTES {
        return Err(format!("the messages are longer than {BYTES} bytes"));
    }
    Ok(messages)
}

fn bytes(message: &Message) -> usize {
    match message {
        Message::System { text } | Message::User { text } | Message::Tool { text, .. } => {
            text.len()
        }
        Message::Assistant { text, calls } => {
            text.len() + calls.iter().map(|call| call.arguments.len()).sum::<usize>()
        }
    }
}

/// Names that every endpoint accepts: `[A-Za-z0-9_-]{1,64}`.
fn names(wanted: &Sampling) -> Names {
    let mut names = Names::new();
    for tool in &wanted.tools {
        let safe = |c: char| match c {
            c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => c,
            _ => '_',
        };
        let plain: String = tool.name.chars().map(safe).take(60).collect();
        let numbered = (2..).map(|n| format!("{plain}_{n}"));
        let mut candidates = std::iter::once(plain.clone()).chain(numbered);
        let free = candidates.find(|name| !name.is_empty() && !names.contains_key(name));
        names.insert(free.unwrap_or_default(), tool.name.clone());
    }
    names
}

fn tools(wanted: &Sampling, names: &Names) -> Vec<ToolOffer> {
    let offer = |tool: &crate::mcp::tool::Tool| {
        let (name, _) = names.iter().find(|(_, own)| **own == tool.name)?;
        Some(ToolOffer {
            name: name.clone(),
            description: tool.description.clone().unwrap_or_default(),
            schema: tool.input_schema.clone(),
        })
    };
    wanted.tools.iter().filter_map(offer).collect()
}

/// The server's messages, put together so that every use of a tool is followed by its result.
struct Conversation<'a> {
    names: &'a Names,
    messages: Vec<Message>,
    /// The server's numbers of uses without a result yet, and the calls that they became.
    open: Vec<(String, ModelCall)>,
    seen: BTreeSet<String>,
    calls: u32,
}

impl<'a> Conversation<'a> {
    fn new(names: &'a Names) -> Self {
        Self {
            names,
            messages: Vec::new(),
            open: Vec::new(),
            seen: BTreeSet::new(),
            calls: 0,
        }
    }

    fn add(&mut self, message: &SamplingMessage) -> Result<(), String> {
        let of = |kind: &str, block: &Block| matches!(block, Block::Other { value } if value.get("type").and_then(Value::as_str) == Some(kind));
        let results: Vec<&Block> = message
            .content
            .iter()
            .filter(|block| of("tool_result", block))
            .collect();
        if !results.is_empty() {
            if results.len() != message.content.len() || message.role != "user" {
                return Err("a message with tool results may hold nothing else".to_owned());
            }
            return results.into_iter().try_for_each(|block| self.result(block));
        }
        self.settled()?;
        let text: Vec<String> = message
            .content
            .iter()
            .filter(|block| !of("tool_use", block))
            .map(Block::as_text)
            .collect();
        let text = text.join("\n");
        match message.role.as_str() {
            "assistant" => {
                let uses = message.content.iter().filter(|block| of("tool_use", block));
                let calls: Vec<ModelCall> = uses
                    .map(|block| self.call(block))
                    .collect::<Result<_, _>>()?;
                self.messages.push(Message::Assistant { text, calls });
            }
            "user" => self.messages.push(Message::User { text }),
            other => return Err(format!("there is no role `{other}`")),
        }
        Ok(())
    }

    fn call(&mut self, block: &Block) -> Result<ModelCall, String> {
        let Block::Other { value } = block else {
            return Err("a use of a tool is no object".to_owned());
        };
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let (Some(id), Some(name)) = (text("id"), text("name")) else {
            return Err("a use of a tool must have an `id` and a `name`".to_owned());
        };
        if !self.seen.insert(id.to_owned()) {
            return Err(format!("the tool use `{id}` is there twice"));
        }
        self.calls += 1;
        let safe = self.names.iter().find(|(_, own)| *own == name);
        let call = ModelCall {
            id: format!("s{:08}", self.calls),
            name: safe.map_or_else(|| "unknown_tool".to_owned(), |(safe, _)| safe.clone()),
            arguments: value.get("input").unwrap_or(&json!({})).to_string(),
            extra: serde_json::Map::new(),
        };
        self.open.push((id.to_owned(), call.clone()));
        Ok(call)
    }

    fn result(&mut self, block: &Block) -> Result<(), String> {
        let Block::Other { value } = block else {
            return Err("a tool result is no object".to_owned());
        };
        let id = value.get("toolUseId").and_then(Value::as_str);
        let id = id.ok_or("a tool result must have a `toolUseId`")?;
        let Some(place) = self.open.iter().position(|(open, _)| open == id) else {
            return Err(format!("the tool result `{id}` answers no use of a tool"));
        };
        let (_, call) = self.open.remove(place);
        self.messages.push(Message::Tool {
            call: call.id,
            name: call.name,
            text: result_text(value),
        });
        Ok(())
    }

    fn settled(&self) -> Result<(), String> {
        match self.open.first() {
            Some((id, _)) => Err(format!("the use of a tool `{id}` has no result")),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Vec<Message>, String> {
        self.settled()?;
        // Results in the order of their calls: some endpoints insist.
        let mut order: Vec<String> = Vec::new();
        for message in &self.messages {
            if let Message::Assistant { calls, .. } = message {
                order.extend(calls.iter().map(|call| call.id.clone()));
            }
        }
        let place = |message: &Message| match message {
            Message::Tool { call, .. } => order.iter().position(|id| id == call),
            _ => None,
        };
        let is_result = |message: &Message| matches!(message, Message::Tool { .. });
        for run in self
            .messages
            .chunk_by_mut(|a, b| is_result(a) && is_result(b))
        {
            run.sort_by_key(place);
        }
        Ok(self.messages)
    }
}

fn result_text(value: &Value) -> String {
    let blocks = value.get("content").and_then(Value::as_array);
    let text = |block: &Value| convert::block(block).as_text();
    let parts: Vec<String> = blocks.into_iter().flatten().map(text).collect();
    let words = match (parts.is_empty(), value.get("structuredContent")) {
        (true, Some(structured)) => structured.to_string(),
        _ => parts.join("\n"),
    };
    match value.get("isError").and_then(Value::as_bool) {
        Some(true) => format!("error: {words}"),
        Some(false) | None => words,
    }
}

/// What the server is answered when our model has written.
pub(super) fn result(sampled: &SamplingState, completion: Completion, model: String) -> Reply {
    let text = json!({ "type": "text", "text": sampled.text });
    // A call that was cut is none; a tool that was not offered cannot be used.
    let is_whole = completion.finish == Finish::Stop;
    let calls = completion.calls.iter().filter(|_| is_whole);
    let mut uses = Vec::new();
    for call in calls.filter(|_| !sampled.names.is_empty()) {
        let own = sampled.names.get(&call.name).unwrap_or(&call.name);
        let Ok(line) = arguments::canonical(&call.arguments) else {
            let why = "the client's model used a tool with arguments that are no JSON";
            return reply::error(reply::FAILED, why);
        };
        let input = Value::Object(arguments::object(&line));
        let id = format!("{}-{}", sampled.stream, call.id);
        uses.push(json!({ "type": "tool_use", "id": id, "name": own, "input": input }));
    }
    let stop = match completion.finish {
        Finish::Stop if !uses.is_empty() => "toolUse",
        Finish::Stop => "endTurn",
        Finish::Length => "maxTokens",
        Finish::Filtered => "contentFilter",
    };
    let content = if uses.is_empty() {
        text
    } else {
        if !sampled.text.trim().is_empty() {
            uses.insert(0, text);
        }
        Value::Array(uses)
    };
    Reply::Result {
        value: json!({ "role": "assistant", "content": content, "model": model, "stopReason": stop }),
    }
}
