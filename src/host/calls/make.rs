//! How a call comes to be: by the model or by hand, its tool found, its arguments checked, and what is decided about it.
//!
//! Pure. A call that cannot be sent ends here, with the precise complaint for whoever made it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::json;

use crate::agent::model::ModelCall;
use crate::agent::transcript::Entry;
use crate::host::approval::Decision;
use crate::host::arguments;
use crate::host::call::{CallEnd, CallState, Origin, Ruler, ToolCall};
use crate::host::effect::Effect;
use crate::host::own_tools;
use crate::host::servers::absence;
use crate::host::state::Host;
use crate::ids::{CallId, Moment, ServerName, TurnId};
use crate::mcp::request::Method;
use crate::text::nearest;

impl Host {
    /// Makes the calls of a step. Gives the numbers of all, of those without an end yet, and what is to be done.
    pub(in crate::host) fn propose(
        &mut self,
        turn: TurnId,
        written: Vec<ModelCall>,
        now: Moment,
    ) -> (Vec<CallId>, BTreeSet<CallId>, Vec<Effect>) {
        let mut effects = Vec::new();
        let mut all = Vec::new();
        // The model was given no tools for this step, only the chance to answer.
        let is_hushed = self.book.hushed;
        for call in written {
            let id = self.make_model_call(turn, call, now);
            effects.extend(if is_hushed {
                self.rule(id, Ruler::Mcpdeck, "no tools were on offer any more", now);
                self.finish(id, not_on_offer(), now)
            } else {
                self.admit(id, now)
            });
            all.push(id);
        }
        let open = all
            .iter()
            .copied()
            .filter(|id| self.call(*id).is_some_and(|call| call.end().is_none()));
        let open = open.collect();
        (all, open, effects)
    }

    fn make_model_call(&mut self, turn: TurnId, call: ModelCall, now: Moment) -> CallId {
        let origin = |call| Origin::Model { turn, call };
        if let Some(entry) = self.book.catalog.find(&call.name) {
            let server = Some(entry.server.clone());
            let what = (Method::Tool, entry.tool.clone());
            let arguments = call.arguments.clone();
            return self.push_call(origin(call), server, what, arguments, now);
        }
        if let Some(wanted) = own_tools::wanted(&call.name, &call.arguments) {
            let what = (wanted.method, wanted.name);
            let server = Some(wanted.server);
            return self.push_call(origin(call), server, what, wanted.arguments, now);
        }
        let what = (Method::Tool, call.name.clone());
        let arguments = call.arguments.clone();
        self.push_call(origin(call), None, what, arguments, now)
    }

    /// The number of the next call.
    pub(in crate::host) fn next_call(&self) -> CallId {
        CallId(self.calls.len() as u64 + 1)
    }

    fn push_call(
        &mut self,
        origin: Origin,
        server: Option<ServerName>,
        (method, tool): (Method, String),
        arguments: String,
        now: Moment,
    ) -> CallId {
        let id = self.next_call();
        let state = CallState::Done {
            at: now,
            took: Duration::ZERO,
            end: CallEnd::Interrupted,
        };
        self.calls.push(ToolCall {
            id,
            origin,
            server,
            method,
            tool,
            arguments,
            state,
            progress: None,
            messages: VecDeque::new(),
            created: now,
            request_id: None,
            task: None,
            saved_to: None,
            resent: 0,
            mismatch: None,
            ruling: None,
            cached: None,
            steps: Vec::new(),
            steps_lost: 0,
        });
        id
    }

    /// Checks a new call by the model and sends it, asks for it, or ends it.
    fn admit(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        let fits = self.prepare(id);
        // Counted whether it fits or not: the same wrong call over and over leads nowhere either.
        if let Some(times) = self.count_repeat(id) {
            self.book.hushed = true;
            self.rule(
                id,
                Ruler::Mcpdeck,
                format!("the same call {times} times in a row"),
                now,
            );
            return self.finish(id, CallEnd::Repeated { times }, now);
        }
        if let Err(end) = fits {
            self.rule(
                id,
                Ruler::Mcpdeck,
                "it could not be sent as it was made",
                now,
            );
            return self.finish(id, end, now);
        }
        let Some(call) = self.call(id) else {
            return Vec::new();
        };
        let Some(server) = call.server.as_ref().and_then(|name| self.server(name)) else {
            return Vec::new();
        };
        if let Some(why) = self.why_held(call) {
            return self.refuse(id, why, now);
        }
        match self.decide(server, call) {
            Decision::Allow(ruling) => {
                self.rule(id, ruling.by, ruling.why, now);
                self.dispatch(id, now)
            }
            Decision::Refuse(why) => {
                self.rule(id, Ruler::Mcpdeck, why.clone(), now);
                self.finish(id, CallEnd::Refused { why }, now)
            }
            Decision::Ask(why) => self.look_and_ask(id, why, now),
        }
    }

    /// Finds the tool, checks the arguments against its schema, and writes them as the line that will be sent.
    fn prepare(&mut self, id: CallId) -> Result<(), CallEnd> {
        let invalid = |complaint| CallEnd::Invalid { complaint };
        let Some(call) = self.call_mut(id) else {
            return Err(CallEnd::Interrupted);
        };
        let line = arguments::canonical(&call.arguments);
        if let Ok(line) = &line {
            call.arguments.clone_from(line);
        }
        let Some(call) = self.call(id) else {
            return Err(CallEnd::Interrupted);
        };
        if let Some(end) = self.own_end(call) {
            return Err(end);
        }
        let Some(server) = call.server.as_ref().and_then(|name| self.server(name)) else {
            return Err(invalid(match (&call.server, call.method) {
                (Some(name), Method::Resource | Method::Prompt) => {
                    self.no_such_server(name.as_str())
                }
                (_, _) => self.no_such_tool(call),
            }));
        };
        if !server.status.is_ready() && !server.is_expected() {
            return Err(CallEnd::Unavailable {
                why: absence(server),
            });
        }
        if call.method != Method::Tool {
            // What a resource or a prompt wants is the server's to say.
            return line.map(|_| ()).map_err(invalid);
        }
        let Some(tool) = server.tool(&call.tool) else {
            return Err(invalid(self.no_such_tool(call)));
        };
        arguments::check(&line.map_err(invalid)?, &tool.input_schema).map_err(invalid)
    }

    fn no_such_tool(&self, call: &ToolCall) -> String {
        let names = self.book.catalog.entries().iter();
        let near = match &call.server {
            Some(server) => {
                let own = names
                    .filter(|entry| &entry.server == server)
                    .map(|entry| entry.tool.as_str());
                nearest(&call.tool, own)
            }
            None => nearest(&call.tool, names.map(|entry| entry.name.as_str())),
        };
        let hint = near
            .map(|name| format!("; did you mean `{name}`?"))
            .unwrap_or_default();
        format!("there is no tool `{}`{hint}", call.title())
    }

    /// The loop guard: gives the count when this call has now been made too often in a row.
    fn count_repeat(&mut self, id: CallId) -> Option<u32> {
        let call = self.call(id)?;
        let key = (
            call.server.clone(),
            call.tool.clone(),
            call.arguments.clone(),
        );
        let times = match self.book.repeated.take() {
            Some((last, times)) if last == key => times + 1,
            _ => 1,
        };
        self.book.repeated = Some((key, times));
        let limit = self.settings.limits.same_call.max(2);
        (times >= limit).then_some(times)
    }

    /// A call by the person: checked and sent without a question. Always makes a call, so that there is something to see.
    pub(in crate::host) fn call_by_hand(
        &mut self,
        server: &ServerName,
        tool: &str,
        written: &str,
        now: Moment,
    ) -> Vec<Effect> {
        self.by_hand(server, (Method::Tool, tool.to_owned()), written, now)
    }

    /// Reads a resource for the person.
    pub(in crate::host) fn read_by_hand(
        &mut self,
        server: &ServerName,
        uri: &str,
        now: Moment,
    ) -> Vec<Effect> {
        let arguments = json!({ "uri": uri }).to_string();
        let what = (Method::Resource, uri.to_owned());
        self.by_hand(server, what, &arguments, now)
    }

    /// Gets a prompt for the person; with `send`, the model answers it.
    pub(in crate::host) fn prompt_by_hand(
        &mut self,
        server: &ServerName,
        prompt: &str,
        arguments: &str,
        send: bool,
        now: Moment,
    ) -> Vec<Effect> {
        if send {
            self.book.to_send.insert(self.next_call());
        }
        let what = (Method::Prompt, prompt.to_owned());
        self.by_hand(server, what, arguments, now)
    }

    fn by_hand(
        &mut self,
        server: &ServerName,
        what: (Method, String),
        written: &str,
        now: Moment,
    ) -> Vec<Effect> {
        let id = self.push_call(
            Origin::Hand,
            Some(server.clone()),
            what,
            written.to_owned(),
            now,
        );
        self.transcript.push(Entry::Hand { call: id });
        match self.prepare(id) {
            Ok(()) => {
                self.rule(id, Ruler::Hand, "the person made it", now);
                self.send_by_hand(id, now)
            }
            Err(end) => {
                self.rule(
                    id,
                    Ruler::Mcpdeck,
                    "it could not be sent as it was made",
                    now,
                );
                self.finish(id, end, now)
            }
        }
    }
}

impl Host {
    /// Sends a call by the person. A tool that has changed behind their back is asked for first.
    fn send_by_hand(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        let why = self.call(id).and_then(|call| self.why_held(call));
        match why {
            None => self.dispatch(id, now),
            Some(why) if self.settings.headless => self.refuse(id, why, now),
            Some(_) => {
                let why = "the server has changed what it says of this tool since you accepted it";
                self.ask(id, why.to_owned(), now);
                Vec::new()
            }
        }
    }
}

fn not_on_offer() -> CallEnd {
    CallEnd::Invalid {
        complaint: "no tools were on offer any more after the same call had been made too often"
            .to_owned(),
    }
}
