//! One step of a scripted conversation: from the request to the events that a model would send.
//!
//! Pure and without memory: the conversation itself tells which reply is being played and how far it is.

use std::collections::BTreeMap;

use minijinja::Value as Data;
use serde_json::Value;

use super::played::{Outcome, Played};
use super::render::environment;
use super::{Call, Reply, Script, Step};
use crate::agent::model::call_id::CallIds;
use crate::agent::model::error::{ModelError, ModelErrorKind};
use crate::agent::model::event::{Completion, Finish, ModelEvent};
use crate::agent::model::request::{Message, ModelCall, ModelRequest, ToolOffer};

type Caught = BTreeMap<String, String>;

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
        let context = self.context(prompt, caught, &[], None);
        environment()
            .render_str(template, context)
            .unwrap_or_else(|_| template.to_owned())
    }

    fn context(
        &self,
        prompt: &str,
        caught: &Caught,
        results: &[Outcome],
        item: Option<&Value>,
    ) -> Data {
        let mut context: BTreeMap<&str, Data> = caught
            .iter()
            .map(|(name, word)| (name.as_str(), Data::from(word.as_str())))
            .collect();
        context.insert("prompt", Data::from(prompt));
        context.insert("prompts", self.prompts().map(Data::from).collect());
        context.insert(
            "results",
            results.iter().map(Data::from_serialize).collect(),
        );
        if let Some(item) = item {
            context.insert("item", Data::from_serialize(item));
        }
        Data::from_serialize(&context)
    }
}

/// A call that is to be made, and the entry that it is made for.
type Due<'s> = (&'s Call, Option<Value>);

struct Scene<'a> {
    script: &'a Script,
    request: &'a ModelRequest,
    prompt: &'a str,
    caught: Caught,
    played: Played,
}

impl Scene<'_> {
    fn play(&self, reply: &Reply) -> Result<Vec<ModelEvent>, ModelError> {
        let (before, next) = self.position(reply)?;
        let before = before.and_then(|index| reply.steps.get(index));
        let last = self.played.steps.last().copied().unwrap_or_default();
        let fresh = self.played.results.get(last..).unwrap_or_default();
        if let Some(failed) = fresh.iter().find(|outcome| outcome.error) {
            let text = match before.and_then(|step| step.on_error.as_ref()) {
                Some(template) => self.render(template, None)?,
                None => as_it_came("That did not work", failed),
            };
            return Ok(said(&text));
        }
        let next = self.reached(reply, next, &self.played.results);
        // More steps than the reply has can only come from a host that asks again: the last step speaks once more.
        let played = next.and_then(|next| match reply.steps.get(next).or(reply.steps.last()) {
            Some(step) => self.step(step),
            None => Ok(said(&self.script.fallback(self.prompt))),
        });
        played.or_else(|error| self.bare(before, error))
    }

    /// When something cannot be made because a result came without structured content, that result is a failure that did not call
    /// itself one.
    fn bare(
        &self,
        before: Option<&Step>,
        error: ModelError,
    ) -> Result<Vec<ModelEvent>, ModelError> {
        let mut results = self.played.results.iter();
        let bare = results.find(|outcome| outcome.structured.is_none());
        let bare = bare.ok_or(error)?;
        Ok(said(
            &match before.and_then(|step| step.on_error.as_ref()) {
                Some(template) => self.render(template, None)?,
                None => as_it_came("The answer has not the form that this script knows", bare),
            },
        ))
    }

    /// The step that was played last and the one behind it. Which steps were passed over is found out again from what was known then.
    fn position(&self, reply: &Reply) -> Result<(Option<usize>, usize), ModelError> {
        let (mut before, mut next) = (None, 0);
        for known in &self.played.steps {
            let known = self.played.results.get(..*known).unwrap_or_default();
            let played = self.reached(reply, next, known)?;
            (before, next) = (Some(played), played + 1);
        }
        Ok((before, next))
    }

    /// The first step from `next` on that has something to do.
    fn reached(&self, reply: &Reply, next: usize, known: &[Outcome]) -> Result<usize, ModelError> {
        let mut next = next;
        while let Some(step) = reply.steps.get(next) {
            if step.calls.is_empty() || !self.due(step, known)?.is_empty() {
                break;
            }
            next += 1;
        }
        Ok(next)
    }

    /// The calls of a step that are to be made, each with the entry that it is made for.
    fn due<'s>(&self, step: &'s Step, known: &[Outcome]) -> Result<Vec<Due<'s>>, ModelError> {
        let mut due = Vec::new();
        for call in &step.calls {
            let entries = match &call.each {
                None => vec![None],
                Some(each) => match self.evaluate(each, known, None)? {
                    Value::Array(entries) => entries.into_iter().map(Some).collect(),
                    other => {
                        let why = format!("`each` is {other} and no list: {each}.");
                        return Err(script_error(why));
                    }
                },
            };
            for entry in entries {
                let wanted = match &call.condition {
                    Some(condition) => self.holds(condition, known, entry.as_ref())?,
                    None => true,
                };
                if wanted {
                    due.push((call, entry));
                }
            }
        }
        Ok(due)
    }

    fn step(&self, step: &Step) -> Result<Vec<ModelEvent>, ModelError> {
        let text = match &step.say {
            Some(template) => self.render(template, None)?,
            None => String::new(),
        };
        let mut ids = CallIds::for_request(self.request);
        let mut calls = Vec::new();
        for (call, item) in self.due(step, &self.played.results)? {
            let Some(name) = offered(&self.request.tools, call) else {
                return Ok(said(&not_offered(call)));
            };
            calls.push(ModelCall {
                id: ids.next_id(),
                name: name.to_owned(),
                arguments: self.arguments(&call.arguments, item.as_ref())?.to_string(),
                extra: serde_json::Map::new(),
            });
        }
        Ok(events(&text, calls))
    }

    fn render(&self, template: &str, item: Option<&Value>) -> Result<String, ModelError> {
        let results = &self.played.results;
        let context = self
            .script
            .context(self.prompt, &self.caught, results, item);
        environment()
            .render_str(template, context)
            .map_err(|error| template_failed(self.prompt, &error))
    }

    /// Strings are templates; one that is a single `{{ expression }}` keeps the type of its value.
    fn arguments(&self, value: &Value, item: Option<&Value>) -> Result<Value, ModelError> {
        Ok(match value {
            Value::String(source) => match single_expression(source) {
                Some(expression) => self.evaluate(expression, &self.played.results, item)?,
                None => Value::String(self.render(source, item)?),
            },
            Value::Array(items) => items
                .iter()
                .map(|value| self.arguments(value, item))
                .collect::<Result<_, _>>()?,
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), self.arguments(value, item)?)))
                .collect::<Result<_, ModelError>>()?,
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    fn evaluate(
        &self,
        expression: &str,
        known: &[Outcome],
        item: Option<&Value>,
    ) -> Result<Value, ModelError> {
        let found = self.found(expression, known, item)?;
        serde_json::to_value(&found)
            .map_err(|error| script_error(format!("A call's argument cannot be made: {error}.")))
    }

    fn holds(
        &self,
        expression: &str,
        known: &[Outcome],
        item: Option<&Value>,
    ) -> Result<bool, ModelError> {
        Ok(self.found(expression, known, item)?.is_true())
    }

    fn found(
        &self,
        expression: &str,
        known: &[Outcome],
        item: Option<&Value>,
    ) -> Result<Data, ModelError> {
        let environment = environment();
        let context = self.script.context(self.prompt, &self.caught, known, item);
        environment
            .compile_expression(expression)
            .and_then(|compiled| compiled.eval(context))
            .map_err(|error| template_failed(self.prompt, &error))
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
