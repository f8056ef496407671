//! One step of a scripted conversation: from the request to the events that a model would send.
//!
//! Pure and without memory: the conversation itself tells which reply is being played and how far it is.

use std::collections::BTreeMap;

use minijinja::Value as Data;
use serde_json::Value;

use super::render::environment;
use super::{Call, Reply, Script, Step};
use crate::agent::model::call_id::CallIds;
use crate::agent::model::error::{ModelError, ModelErrorKind};
use crate::agent::model::event::{Completion, Finish, ModelEvent};
use crate::agent::model::request::{Message, ModelCall, ModelRequest, ToolOffer};

type Caught = BTreeMap<String, String>;

/// How a tool message begins whose call did not do what it should.
const FAILURES: [&str; 10] = [
    "error",
    "denied",
    "refused",
    "declined",
    "not run",
    "not allowed",
    "cancelled",
    "interrupted",
    "failed",
    "unknown tool",
];

impl Script {
    /// The events of the next step. Ends with `Done`, or with `Failed` when a template cannot be made from the results.
    pub fn answer(&self, request: &ModelRequest) -> Vec<ModelEvent> {
        let last_user = request
            .messages
            .iter()
            .enumerate()
            .rev()
            .find_map(|(index, message)| match message {
                Message::User { text } => Some((index, text)),
                Message::System { .. } | Message::Assistant { .. } | Message::Tool { .. } => None,
            });
        let Some((index, prompt)) = last_user else {
            return said(&self.opening());
        };
        let Some((reply, caught)) = self.find(prompt) else {
            return said(&self.fallback(prompt));
        };
        let played = Played::since(&request.messages[index + 1..]);
        let scene = Scene {
            script: self,
            request,
            prompt,
            caught,
            played,
        };
        scene
            .play(reply)
            .unwrap_or_else(|error| vec![ModelEvent::Opened, ModelEvent::Failed(error)])
    }

    /// A text without results; if its template fails the text stands as it was written, for it must be said in any case.
    pub(super) fn speak(&self, template: &str, caught: &Caught, prompt: &str) -> String {
        let context = self.context(prompt, caught, &Played::default());
        environment()
            .render_str(template, context)
            .unwrap_or_else(|_| template.to_owned())
    }

    fn context(&self, prompt: &str, caught: &Caught, played: &Played) -> Data {
        let mut context: BTreeMap<&str, Data> = caught
            .iter()
            .map(|(name, word)| (name.as_str(), Data::from(word.as_str())))
            .collect();
        context.insert("prompt", Data::from(prompt));
        context.insert("prompts", self.prompts().map(Data::from).collect());
        context.insert(
            "results",
            played.results.iter().map(Data::from_serialize).collect(),
        );
        Data::from_serialize(&context)
    }
}

/// What has happened since the prompt.
#[derive(Default)]
struct Played {
    steps: usize,
    results: Vec<Outcome>,
    /// Where the results of the last step begin.
    last: usize,
}

#[derive(serde::Serialize)]
struct Outcome {
    tool: String,
    text: String,
    /// Left out when absent, so that a template that asks for a field of it fails instead of finding nothing there.
    #[serde(skip_serializing_if = "Option::is_none")]
    structured: Option<Value>,
    error: bool,
}

impl Played {
    fn since(messages: &[Message]) -> Self {
        let mut played = Self::default();
        for message in messages {
            match message {
                Message::Assistant { calls, .. } if !calls.is_empty() => {
                    played.steps += 1;
                    played.last = played.results.len();
                }
                Message::Tool { name, text, .. } => played.results.push(Outcome::new(name, text)),
                Message::Assistant { .. } | Message::System { .. } | Message::User { .. } => {}
            }
        }
        played
    }
}

impl Outcome {
    fn new(name: &str, text: &str) -> Self {
        let structured = serde_json::from_str::<Value>(text)
            .ok()
            .filter(|value| value.is_object() || value.is_array());
        let start = text.trim_start().to_lowercase();
        let error = match &structured {
            Some(value) => value.get("error").is_some_and(Value::is_string),
            None => FAILURES.iter().any(|word| start.starts_with(word)),
        };
        Self {
            tool: name.to_owned(),
            text: text.to_owned(),
            structured,
            error,
        }
    }
}

struct Scene<'a> {
    script: &'a Script,
    request: &'a ModelRequest,
    prompt: &'a str,
    caught: Caught,
    played: Played,
}

impl Scene<'_> {
    fn play(&self, reply: &Reply) -> Result<Vec<ModelEvent>, ModelError> {
        let before = self
            .played
            .steps
            .checked_sub(1)
            .and_then(|index| reply.steps.get(index));
        let fresh = self
            .played
            .results
            .get(self.played.last..)
            .unwrap_or_default();
        if let Some(failed) = fresh.iter().find(|outcome| outcome.error) {
            let text = match before.and_then(|step| step.on_error.as_ref()) {
                Some(template) => self.render(template)?,
                None => as_it_came("That did not work", failed),
            };
            return Ok(said(&text));
        }
        // More steps than the reply has can only come from a host that asks again: the last step speaks once more.
        match reply.steps.get(self.played.steps).or(reply.steps.last()) {
            Some(step) => self.step(step, before),
            None => Ok(said(&self.script.fallback(self.prompt))),
        }
    }

    fn step(&self, step: &Step, before: Option<&Step>) -> Result<Vec<ModelEvent>, ModelError> {
        let text = match &step.say {
            Some(template) => self.say(template, before)?,
            None => String::new(),
        };
        let mut ids = CallIds::for_request(self.request);
        let mut calls = Vec::new();
        for call in &step.calls {
            let Some(name) = offered(&self.request.tools, call) else {
                return Ok(said(&not_offered(call)));
            };
            calls.push(ModelCall {
                id: ids.next_id(),
                name: name.to_owned(),
                arguments: self.arguments(&call.arguments)?.to_string(),
                extra: serde_json::Map::new(),
            });
        }
        Ok(events(&text, calls))
    }

    /// Renders; when that fails because a result came without structured content, that result is a failure that did not call itself one.
    fn say(&self, template: &str, before: Option<&Step>) -> Result<String, ModelError> {
        self.render(template).or_else(|error| {
            let mut results = self.played.results.iter();
            let bare = results.find(|outcome| outcome.structured.is_none());
            let bare = bare.ok_or(error)?;
            match before.and_then(|step| step.on_error.as_ref()) {
                Some(template) => self.render(template),
                None => Ok(as_it_came(
                    "The answer has not the form that this script knows",
                    bare,
                )),
            }
        })
    }

    fn render(&self, template: &str) -> Result<String, ModelError> {
        let context = self.script.context(self.prompt, &self.caught, &self.played);
        environment()
            .render_str(template, context)
            .map_err(|error| template_failed(self.prompt, &error))
    }

    /// Strings are templates; one that is a single `{{ expression }}` keeps the type of its value.
    fn arguments(&self, value: &Value) -> Result<Value, ModelError> {
        Ok(match value {
            Value::String(source) => match single_expression(source) {
                Some(expression) => self.evaluate(expression)?,
                None => Value::String(self.render(source)?),
            },
            Value::Array(items) => items
                .iter()
                .map(|item| self.arguments(item))
                .collect::<Result<_, _>>()?,
            Value::Object(fields) => fields
                .iter()
                .map(|(name, item)| Ok((name.clone(), self.arguments(item)?)))
                .collect::<Result<_, ModelError>>()?,
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    fn evaluate(&self, expression: &str) -> Result<Value, ModelError> {
        let environment = environment();
        let context = self.script.context(self.prompt, &self.caught, &self.played);
        let found = environment
            .compile_expression(expression)
            .and_then(|compiled| compiled.eval(context))
            .map_err(|error| template_failed(self.prompt, &error))?;
        serde_json::to_value(&found)
            .map_err(|error| script_error(format!("A call's argument cannot be made: {error}.")))
    }
}

fn single_expression(source: &str) -> Option<&str> {
    let inner = source.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then_some(inner.trim())
}

/// The offered name that stands for `server.tool`. Offered names replace signs and may carry a suffix against collisions.
fn offered<'a>(tools: &'a [ToolOffer], call: &Call) -> Option<&'a str> {
    let wanted = format!("{}_{}", plain(&call.server), plain(&call.tool));
    let suffixed = |name: &str| {
        let rest = plain(name);
        rest.strip_prefix(&wanted)
            .and_then(|rest| rest.strip_prefix('_'))
            .is_some_and(|rest| {
                !rest.is_empty() && rest.len() <= 8 && rest.bytes().all(|b| b.is_ascii_hexdigit())
            })
    };
    let names = || tools.iter().map(|tool| tool.name.as_str());
    names()
        .find(|name| plain(name) == wanted)
        .or_else(|| names().find(|name| suffixed(name)))
}

/// Lower case, with every run of other signs as one `_`.
fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out.trim_matches('_').to_owned()
}

fn not_offered(call: &Call) -> String {
    format!(
        "Here I would call `{}.{}`, but that tool is not on offer. Is the server `{}` ready? Its line among the servers says why not.",
        call.server, call.tool, call.server
    )
}

fn as_it_came(opening: &str, outcome: &Outcome) -> String {
    let data = minijinja::context! { text => outcome.text, tool => outcome.tool };
    environment()
        .render_str("{{ tool|code }} answered:\n\n{{ text|fence }}", data)
        .map_or_else(
            |_| format!("{opening}."),
            |rest| format!("{opening}. {rest}"),
        )
}

fn template_failed(prompt: &str, error: &minijinja::Error) -> ModelError {
    let line = error
        .line()
        .map_or_else(String::new, |line| format!(", line {line} of the template"));
    script_error(format!(
        "The script's answer to \"{prompt}\" cannot be made{line}: {error}."
    ))
}

fn script_error(message: String) -> ModelError {
    ModelError {
        kind: ModelErrorKind::Script,
        message,
        hint: Some("Mend this reply in the script; its templates see `prompt`, `prompts`, `results` and the caught words.".into()),
        retry_after: None,
    }
}

fn said(text: &str) -> Vec<ModelEvent> {
    events(text, Vec::new())
}

fn events(text: &str, calls: Vec<ModelCall>) -> Vec<ModelEvent> {
    let mut events = vec![ModelEvent::Opened];
    events.extend(
        pieces(text)
            .into_iter()
            .map(|piece| ModelEvent::Text(piece.to_owned())),
    );
    events.extend(calls.iter().map(|call| ModelEvent::Preparing {
        name: call.name.clone(),
        bytes: call.arguments.len(),
    }));
    events.push(ModelEvent::Done(Completion {
        finish: Finish::Stop,
        calls,
        usage: None,
        notes: Vec::new(),
    }));
    events
}

/// Two words a piece, each with the space behind it: enough to look alive, few enough to be quick.
fn pieces(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut words = 0;
    let mut spaced = false;
    for (index, c) in text.char_indices() {
        if spaced && !c.is_whitespace() {
            words += 1;
            if words == 2 {
                out.push(&text[start..index]);
                (start, words) = (index, 0);
            }
        }
        spaced = c.is_whitespace();
    }
    if start < text.len() {
        out.push(&text[start..]);
    }
    out
}
