//! What is done about results: looked at in another way, compared, made once more, copied.
//!
//! Pure.

use serde_json::Value;

use super::list::Offered;
use super::look::{self, Look};
use super::{Face, OffersTab, Scene, Wish, words};
use crate::app::inspector::wire::detail;
use crate::host::fix::Given;
use crate::host::{Command, ToolCall, arguments};
use crate::ids::ServerName;

impl OffersTab {
    pub(super) fn look(&mut self, at: &Scene<'_>) {
        let Some(result) = self.call(at).and_then(ToolCall::result) else {
            return;
        };
        let shelf = self.shelf_mut(at.kind);
        let now = shelf.look.unwrap_or_else(|| Look::best(result));
        shelf.look = Some(now.next(result));
        shelf.scroll = 0;
    }

    pub(super) fn history(&mut self, at: &Scene<'_>) {
        self.shelf_mut(at.kind).show(Face::History(0));
    }

    pub(super) fn compare(&mut self, at: &Scene<'_>) -> Vec<Wish> {
        let Some(call) = self.call(at) else {
            return vec![Wish::Complain("Nothing was called so far.".to_owned())];
        };
        let id = call.id;
        let shelf = self.shelf_mut(at.kind);
        match shelf.held.take() {
            Some(first) if first != id => {
                shelf
                    .faces
                    .push(Face::Compare(first.min(id), first.max(id)));
                shelf.scroll = 0;
                Vec::new()
            }
            Some(_) => vec![Wish::Say("No longer held.".to_owned())],
            None => {
                shelf.held = Some(id);
                let word = format!("Call {id} is held: c on another result compares the two.");
                vec![Wish::Say(word)]
            }
        }
    }

    pub(super) fn repeat(&mut self, at: &Scene<'_>) -> Vec<Wish> {
        let Some(call) = self.call(at) else {
            return vec![Wish::Complain("Nothing was called so far.".to_owned())];
        };
        if call.end().is_none() {
            return vec![Wish::Complain("It is still under way.".to_owned())];
        }
        if at.host.is_unknown(call) {
            let why =
                "Its outcome is unknown, it may have run: look first. The form sends it again.";
            return vec![Wish::Complain(why.to_owned())];
        }
        if call.cached.is_some() {
            return vec![Wish::Command(Command::Afresh(call.id))];
        }
        let value = Value::Object(arguments::object(&call.arguments));
        let of = offered(call);
        let command = command(at.server, &of, &value);
        command.map(Wish::Command).into_iter().collect()
    }

    pub(super) fn copy_result(&self, at: &Scene<'_>) -> Vec<Wish> {
        let call = self.call(at);
        let Some((call, result)) = call.and_then(|call| Some((call, call.result()?))) else {
            return vec![Wish::Complain("There is no result to copy.".to_owned())];
        };
        let look = self.shelf(at.kind).look;
        let text = match look.unwrap_or_else(|| Look::best(result)) {
            Look::Raw => match at.as_it_passed(call) {
                Some(entry) => detail::pretty(entry),
                None => serde_json::to_string_pretty(&look::raw(result)).unwrap_or_default(),
            },
            Look::Text | Look::Table | Look::Tree | Look::Image => result.as_text().into_owned(),
        };
        vec![Wish::Copy(text)]
    }

    /// The call as it would be sent from the form, else the one that is looked at, else one without arguments.
    pub(super) fn copy_call(&self, as_shell: bool, at: &Scene<'_>) -> Vec<Wish> {
        let Some(of) = self.marked(at) else {
            return Vec::new();
        };
        let sent = |call: &ToolCall| {
            (
                offered(call),
                Value::Object(arguments::object(&call.arguments)),
            )
        };
        let (of, value) = match (self.form(at), self.call(at)) {
            (Some(form), _) => (of, form.value()),
            (None, Some(call)) => sent(call),
            (None, None) => (of, Value::Object(Default::default())),
        };
        if !as_shell {
            return vec![Wish::Copy(words::request(&of, &value))];
        }
        let spec = at.server().and_then(|server| server.spec.as_ref());
        let by = spec.filter(|_| at.given == Given::Flags);
        match words::shell(at.server, by, &of, &value) {
            Some(line) => vec![Wish::Copy(line)],
            None => vec![Wish::Complain(
                "A name in it has control characters, or begins as a flag does: no line for a shell says it safely."
                    .to_owned(),
            )],
        }
    }
}

/// What a call is of.
pub fn offered(call: &ToolCall) -> Offered {
    use crate::mcp::request::Method;
    match call.method {
        Method::Tool => Offered::Tool(call.tool.clone()),
        Method::Resource => Offered::Resource(call.tool.clone()),
        Method::Prompt => Offered::Prompt(call.tool.clone()),
    }
}

/// The command that makes a call with these arguments.
pub(super) fn command(server: &ServerName, of: &Offered, value: &Value) -> Option<Command> {
    let server = server.clone();
    Some(match of {
        Offered::Tool(tool) => Command::Call {
            server,
            tool: tool.clone(),
            arguments: value.to_string(),
        },
        Offered::Prompt(prompt) => Command::GetPrompt {
            server,
            prompt: prompt.clone(),
            arguments: value.to_string(),
            send: false,
        },
        Offered::Resource(_) | Offered::Template(_) => {
            let uri = value.get("uri").and_then(Value::as_str);
            let uri = uri.unwrap_or(of.name()).to_owned();
            Command::Read { server, uri }
        }
    })
}
