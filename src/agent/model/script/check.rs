//! From the TOML of a script to a [`Script`], with the line of whatever is wrong.
//!
//! Pure; called by [`Script::parse`] alone.

use serde_json::Value;
use toml::Spanned;

use super::phrase::Phrase;
use super::render::environment;
use super::{Call, CallFile, Reply, ReplyFile, Script, ScriptError, ScriptFile, Step, StepFile};

/// Reads and checks.
pub(super) fn script(text: &str) -> Result<Script, ScriptError> {
    let lines = Lines(text);
    let file: ScriptFile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        lines.error(at, error.message())
    })?;
    let replies = file
        .reply
        .into_iter()
        .map(|found| lines.reply(found))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Script {
        opening: lines.template(file.opening)?,
        fallback: lines.template(file.fallback)?,
        pace_ms: file.pace_ms.min(1000),
        replies,
    })
}

/// Knows the text, to say on which line a thing is.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn error(&self, at: usize, message: impl Into<String>) -> ScriptError {
        let before = self.0.as_bytes().iter().take(at);
        ScriptError {
            line: before.filter(|byte| **byte == b'\n').count() + 1,
            message: message.into(),
        }
    }

    fn reply(&self, found: Spanned<ReplyFile>) -> Result<Reply, ScriptError> {
        let at = found.span().start;
        let reply = found.into_inner();
        let mut when = vec![Phrase::literal(reply.prompt.get_ref())];
        for phrase in &reply.when {
            let read = Phrase::parse(phrase.get_ref());
            when.push(read.map_err(|why| self.error(phrase.span().start, why))?);
        }
        let last = reply.step.len().checked_sub(1).ok_or_else(|| {
            self.error(
                at,
                "a `[[reply]]` needs at least one `[[reply.step]]`, the last one with `say` alone",
            )
        })?;
        let steps = reply
            .step
            .into_iter()
            .enumerate()
            .map(|(index, found)| self.step(found, index == last))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Reply {
            prompt: reply.prompt.into_inner(),
            when,
            suggest: reply.suggest,
            steps,
        })
    }

    fn step(&self, found: Spanned<StepFile>, last: bool) -> Result<Step, ScriptError> {
        let at = found.span().start;
        let step = found.into_inner();
        let calls = step
            .call
            .into_iter()
            .chain(step.calls)
            .map(|call| self.call(call))
            .collect::<Result<Vec<_>, _>>()?;
        match (last, calls.is_empty(), &step.say) {
            (true, false, _) => Err(self.error(
                at,
                "the last step of a reply cannot call: add a `[[reply.step]]` with `say`",
            )),
            (true, true, None) => Err(self.error(at, "the last step of a reply needs `say`")),
            (false, true, _) => {
                Err(self.error(at, "a step before the last one needs `call` or `calls`"))
            }
            (true, true, Some(_)) | (false, false, _) => Ok(Step {
                say: step.say.map(|say| self.template(say)).transpose()?,
                calls,
                on_error: step.on_error.map(|say| self.template(say)).transpose()?,
            }),
        }
    }

    fn call(&self, found: Spanned<CallFile>) -> Result<Call, ScriptError> {
        let at = found.span().start;
        let call = found.into_inner();
        let arguments = Value::Object(call.arguments);
        self.templates_within(at, &arguments)?;
        match call.tool.split_once('.') {
            Some((server, tool)) if !server.is_empty() && !tool.is_empty() => Ok(Call {
                server: server.to_owned(),
                tool: tool.to_owned(),
                arguments,
                each: self.expression(at, "each", call.each)?,
                condition: self.expression(at, "if", call.condition)?,
            }),
            _ => Err(self.error(
                at,
                format!("`{}` is no tool: write `server.tool`", call.tool),
            )),
        }
    }

    fn expression(
        &self,
        at: usize,
        key: &str,
        source: Option<String>,
    ) -> Result<Option<String>, ScriptError> {
        if let Some(Err(error)) = source
            .as_deref()
            .map(|s| environment().compile_expression(s).map(|_| ()))
        {
            let why = error.detail().unwrap_or("the expression does not parse");
            return Err(self.error(at, format!("in `{key}`: {why}")));
        }
        Ok(source)
    }

    fn template(&self, source: Spanned<String>) -> Result<String, ScriptError> {
        self.templates_within(
            source.span().start,
            &Value::String(source.get_ref().clone()),
        )?;
        Ok(source.into_inner())
    }

    fn templates_within(&self, at: usize, value: &Value) -> Result<(), ScriptError> {
        match value {
            Value::String(source) => match environment().template_from_str(source) {
                Ok(_) => Ok(()),
                Err(error) => {
                    let line = error.line().unwrap_or(1);
                    let why = error.detail().unwrap_or("the template does not parse");
                    Err(self.error(at, format!("in line {line} of this template: {why}")))
                }
            },
            Value::Array(items) => items
                .iter()
                .try_for_each(|item| self.templates_within(at, item)),
            Value::Object(fields) => fields
                .values()
                .try_for_each(|item| self.templates_within(at, item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }
}
