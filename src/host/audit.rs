//! What is written down of each call: that it was sent, and how it ended, with who decided and why; and of each frame that the
//! person sent by hand. Never an argument, only its digest.
//!
//! Pure. Looks at the calls after each event, not at the ways that lead there: no way by which a call is sent or ends can be
//! forgotten. The driver stamps the time and writes the lines.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chain;
use crate::host::call::{CallEnd, CallState, Origin, Ruler, Ruling, ToolCall};
use crate::host::effect::Effect;
use crate::host::keep::Keep;
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::{CallId, ErrandId, Moment, ServerName};
use crate::mcp::request::Method;
use crate::mcp::result::CallOutcome;

/// Characters of a name, and of a sentence, that are written down: a line of the record has a bound.
const NAME: usize = 300;
const SENTENCE: usize = 1_000;

/// One line of the record of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The call's number in this run.
    pub call: CallId,
    /// Whether the model made it; else the person did.
    pub by_model: bool,
    /// The server; absent when the model named a tool that there is not.
    pub server: Option<ServerName>,
    /// [`crate::config::Launch::identity`] of the server.
    pub launch: Option<String>,
    /// What was asked for.
    pub method: Method,
    /// The tool's or prompt's own name, or the resource's URI.
    pub tool: String,
    /// SHA-256 of the arguments, as the line of JSON that is sent.
    pub arguments: String,
    /// Who decided, and why.
    pub ruling: Ruling,
    /// How it ended; absent in the line that says that it was sent.
    pub end: Option<AuditEnd>,
}

/// How a call ended, for the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEnd {
    /// One word or two: [`crate::host::CallEnd::word`].
    pub outcome: String,
    /// What sort of error it was: `tool_error` when the tool said so, the code of a JSON-RPC error, else the outcome.
    pub error: Option<String>,
    /// Why it did not do what was asked, where that was not the server's answer.
    pub why: Option<String>,
    /// From sending to the end; zero when it was never sent.
    pub took: Duration,
    /// Whether it was sent at all.
    pub sent: bool,
    /// Whether an earlier answer was given for it.
    pub cached: bool,
}

/// A frame that the person wrote and sent as it stands: no call of the host, and yet it may have acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFrame {
    /// Its errand's number in this run.
    pub errand: ErrandId,
    /// The server.
    pub server: ServerName,
    /// [`crate::config::Launch::identity`] of the server.
    pub launch: Option<String>,
    /// The frame's `method`, where it has one.
    pub method: Option<String>,
    /// The tool's or prompt's own name, or the resource's URI, where it names one.
    pub tool: Option<String>,
    /// SHA-256 of the frame, as it is sent.
    pub frame: String,
}

/// Which calls have been written down, and how far.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::host) struct Audited {
    /// Calls that have been looked at.
    seen: usize,
    /// Those of them that have not ended, and whether it was written that they were sent.
    open: BTreeMap<CallId, bool>,
}

impl Host {
    /// The lines that the calls want now, before everything else: what is sent is written down first.
    pub(in crate::host) fn written_down(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut audited = std::mem::take(&mut self.book.audited);
        for call in self.calls.iter().skip(audited.seen) {
            audited.open.insert(call.id, false);
        }
        audited.seen = self.calls.len();
        let mut records = Vec::new();
        audited.open.retain(|id, was_sent| {
            let Some(call) = self.call(*id) else {
                return false;
            };
            match &call.state {
                CallState::Running { .. } if !*was_sent => {
                    *was_sent = true;
                    records.push(self.record(call, false));
                    true
                }
                CallState::Done { .. } => {
                    records.push(self.record(call, *was_sent));
                    false
                }
                CallState::Running { .. } | CallState::Asking { .. } | CallState::Queued { .. } => {
                    true
                }
            }
        });
        self.book.audited = audited;
        if records.is_empty() {
            return effects;
        }
        let keep = |record| Effect::Keep(Keep::Audit(Box::new(record)));
        records.into_iter().map(keep).chain(effects).collect()
    }

    /// The newest calls came from an earlier run, and were written down there. Those of this run that are open stay so.
    pub fn calls_are_written_down(&mut self) {
        self.book.audited.seen = self.calls.len();
    }

    fn record(&self, call: &ToolCall, sent: bool) -> AuditRecord {
        let spec = call.server.as_ref().and_then(|name| self.server(name));
        let spec = spec.and_then(|server| server.spec.as_ref());
        let ruling = call.ruling.clone().unwrap_or_else(undecided);
        let end = match &call.state {
            CallState::Done { took, end, .. } => Some(AuditEnd {
                outcome: end.word().to_owned(),
                error: end.is_error().then(|| sort(end)),
                why: why(end).map(|why| cut(why, SENTENCE)),
                took: *took,
                sent,
                cached: call.cached.is_some(),
            }),
            CallState::Running { .. } | CallState::Asking { .. } | CallState::Queued { .. } => None,
        };
        AuditRecord {
            call: call.id,
            by_model: matches!(call.origin, Origin::Model { .. }),
            server: call.server.clone(),
            launch: spec.map(|spec| cut(&spec.launch.identity(), SENTENCE)),
            method: call.method,
            tool: cut(&call.tool, NAME),
            arguments: chain::sha256(call.arguments.as_bytes()),
            ruling: Ruling {
                by: ruling.by,
                why: cut(&ruling.why, SENTENCE),
            },
            end,
        }
    }

    /// The line for a frame of the person's own, which is written before the frame is sent.
    pub(in crate::host) fn frame_written_down(
        &self,
        errand: ErrandId,
        server: &ServerName,
        frame: &str,
    ) -> Effect {
        let spec = self.server(server).and_then(|server| server.spec.as_ref());
        let parsed: Value = serde_json::from_str(frame).unwrap_or_default();
        let word = |value: &Value| value.as_str().map(|text| cut(text, NAME));
        let params = &parsed["params"];
        Effect::Keep(Keep::Frame(Box::new(AuditFrame {
            errand,
            server: server.clone(),
            launch: spec.map(|spec| cut(&spec.launch.identity(), SENTENCE)),
            method: word(&parsed["method"]),
            tool: word(&params["name"]).or_else(|| word(&params["uri"])),
            frame: chain::sha256(frame.as_bytes()),
        })))
    }

    /// Writes to the call who decided about it.
    pub(in crate::host) fn rule(
        &mut self,
        id: CallId,
        by: Ruler,
        why: impl Into<String>,
        now: Moment,
    ) {
        let why = why.into();
        if let Some(call) = self.call_mut(id) {
            let why = why.clone();
            call.ruling = Some(Ruling { by, why });
        }
        self.step(id, now, Step::Ruled { by, why });
    }
}

/// The turn was interrupted while the person was asked.
fn undecided() -> Ruling {
    Ruling {
        by: Ruler::Mcpdeck,
        why: "it ended before it was decided".to_owned(),
    }
}

/// What sort of error it is, by the names of OpenTelemetry's conventions where they have one.
fn sort(end: &CallEnd) -> String {
    match end {
        CallEnd::Outcome {
            outcome: CallOutcome::Answered { .. },
        } => "tool_error".to_owned(),
        CallEnd::Outcome {
            outcome: CallOutcome::Refused { code, .. },
        } => code.to_string(),
        CallEnd::Outcome {
            outcome: CallOutcome::TimedOut { .. },
        } => "timeout".to_owned(),
        other => other.word().replace(' ', "_"),
    }
}

/// Why nothing came of it, in our own words: a complaint about arguments, and what a server says of them, may repeat them.
fn why(end: &CallEnd) -> Option<&str> {
    match end {
        CallEnd::Outcome {
            outcome: CallOutcome::Lost { why } | CallOutcome::NotSent { why },
        }
        | CallEnd::Refused { why }
        | CallEnd::Unavailable { why } => Some(why),
        CallEnd::Outcome { .. }
        | CallEnd::Denied { .. }
        | CallEnd::Invalid { .. }
        | CallEnd::Interrupted
        | CallEnd::Repeated { .. } => None,
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
