//! One tool call as state: who made it, what is sent, where it stands, what came of it.
//!
//! Plain data; `calls` is the machine that moves it. A call is never removed while the program runs.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::model::ModelCall;
use crate::host::step::Step;
use crate::ids::{CallId, Generation, Moment, QuestionId, ServerName, TurnId};
use crate::mcp::event::{Progress, Task};
use crate::mcp::request::Method;
use crate::mcp::result::{CallOutcome, ToolResult};

/// Progress messages that a call keeps, the newest ones.
const MESSAGES: usize = 200;
/// Characters of one that are kept.
const MESSAGE: usize = 2_000;

/// One tool call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolCall {
    /// Its number.
    pub id: CallId,
    /// Who made it.
    pub origin: Origin,
    /// The server; absent when the model named a tool that there is not.
    pub server: Option<ServerName>,
    /// What is asked for.
    pub method: Method,
    /// The server's own name of the tool or prompt, or the resource's URI (or the name that the model made up).
    pub tool: String,
    /// The arguments as one line of JSON: what is checked, shown and sent, byte for byte.
    pub arguments: String,
    /// Where it stands.
    pub state: CallState,
    /// The last progress that the server reported.
    pub progress: Option<Progress>,
    /// What the server said with its progress, the newest last. Bounded; the wire log has all.
    pub messages: VecDeque<ProgressMessage>,
    /// When it was made.
    pub created: Moment,
    /// The JSON-RPC id once it is on the wire.
    pub request_id: Option<String>,
    /// The task that carries it, where there is one.
    pub task: Option<Task>,
    /// The file that holds the whole result, when it was too long for the model.
    pub saved_to: Option<PathBuf>,
    /// How often it was sent again after its connection was lost: only what the person, or a bundled server, says is repeatable.
    pub resent: u32,
    /// How its structured answer does not fit the schema that the tool gives for it.
    pub mismatch: Option<String>,
    /// Who decided that it may run, or may not, and why; absent until that is decided.
    pub ruling: Option<Ruling>,
    /// When its answer came from the server, where it was not sent because that answer was still good.
    pub cached: Option<Moment>,
    /// What was decided about it on its way, the oldest first. Bounded.
    pub steps: Vec<(Moment, Step)>,
    /// How many of them are not kept any more.
    pub steps_lost: u32,
}

/// Who decided about a call, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Who.
    pub by: Ruler,
    /// Why, as a short sentence: the rule, the flag, the person's words.
    pub why: String,
}

/// Who can decide about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruler {
    /// The person, asked for this call.
    Person,
    /// The person's own hand made the call.
    Hand,
    /// An earlier answer of the person, for the session or for always.
    Rule,
    /// `approve` of the configuration, or a bundled server's read.
    Policy,
    /// A flag of the command line.
    Flag,
    /// mcpdeck itself: arguments, a loop, a pin that does not fit, a server that is away.
    Mcpdeck,
}

/// The server's words at one point of its progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProgressMessage {
    /// When they came.
    pub at: Moment,
    /// The words, raw.
    pub text: String,
}

/// Who made a call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The model, in a step of a turn.
    Model {
        /// The turn.
        turn: TurnId,
        /// The call as the model wrote it.
        call: ModelCall,
    },
    /// The person, by `/call`, a form, or `mcpdeck call`.
    Hand,
}

/// Where a call stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CallState {
    /// The person is asked.
    Asking {
        /// The question.
        question: QuestionId,
    },
    /// It may run, and waits for its turn: its server takes so many at a time, or so many a minute.
    Queued {
        /// Since when.
        since: Moment,
        /// Its place in the line of its server, from 1.
        place: usize,
    },
    /// With the server.
    Running {
        /// Since when.
        since: Moment,
        /// On which connection.
        generation: Generation,
    },
    /// Over.
    Done {
        /// When.
        at: Moment,
        /// From sending to the end; zero when it was never sent.
        took: Duration,
        /// How.
        end: CallEnd,
    },
}

/// How a call ended: the server's outcome, or why there was no call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum CallEnd {
    /// It was sent; this came of it.
    Outcome {
        /// The outcome.
        outcome: CallOutcome,
    },
    /// The person said no.
    Denied {
        /// The person's words for the model.
        reason: Option<String>,
    },
    /// It needs approval and there is nobody to ask.
    Refused {
        /// Why, and how it could be allowed.
        why: String,
    },
    /// The arguments do not fit the tool's schema, or are no JSON, or there is no such tool.
    Invalid {
        /// The precise complaint.
        complaint: String,
    },
    /// The server is not there.
    Unavailable {
        /// Why.
        why: String,
    },
    /// The turn was interrupted before it was sent.
    Interrupted,
    /// The same call had been made too often in a row.
    Repeated {
        /// How often.
        times: u32,
    },
}

impl ToolCall {
    /// `server.tool`, as rules and people name it; `server:prompt` and `@server:uri` for the others.
    pub fn title(&self) -> String {
        match (&self.server, self.method) {
            (Some(server), Method::Tool) => format!("{server}.{}", self.tool),
            (Some(server), Method::Prompt) => format!("{server}:{}", self.tool),
            (Some(server), Method::Resource) => format!("@{server}:{}", self.tool),
            (None, _) => self.tool.clone(),
        }
    }

    /// The name under which it is approved: the tool's own; `@resources` and `@prompts` for all of the others of a server. A tool
    /// whose own name begins with `@` gets one more, so that no server can name a tool after what was allowed for its resources.
    pub fn approval_key(&self) -> Cow<'_, str> {
        match self.method {
            Method::Tool if self.tool.starts_with('@') => Cow::Owned(format!("@{}", self.tool)),
            Method::Tool => Cow::Borrowed(&self.tool),
            Method::Resource => Cow::Borrowed("@resources"),
            Method::Prompt => Cow::Borrowed("@prompts"),
        }
    }

    /// The server reports progress. Words that repeat the last ones are not kept again.
    pub fn progressed(&mut self, progress: Progress, now: Moment) {
        if let Some(words) = &progress.message {
            let text: String = words.chars().take(MESSAGE).collect();
            let news = self.messages.back().is_none_or(|last| last.text != text);
            if news && !text.trim().is_empty() {
                self.messages.push_back(ProgressMessage { at: now, text });
            }
            if self.messages.len() > MESSAGES {
                self.messages.pop_front();
            }
        }
        self.progress = Some(progress);
    }

    /// How it ended, when it has.
    pub fn end(&self) -> Option<&CallEnd> {
        match &self.state {
            CallState::Done { end, .. } => Some(end),
            CallState::Asking { .. } | CallState::Queued { .. } | CallState::Running { .. } => None,
        }
    }

    /// The server's answer, when there is one.
    pub fn result(&self) -> Option<&ToolResult> {
        match self.end() {
            Some(CallEnd::Outcome {
                outcome: CallOutcome::Answered { result },
            }) => Some(result),
            _ => None,
        }
    }

    /// How long it has run, or ran.
    pub fn elapsed(&self, now: Moment) -> Duration {
        match &self.state {
            CallState::Asking { .. } | CallState::Queued { .. } => Duration::ZERO,
            CallState::Running { since, .. } => now.since(*since),
            CallState::Done { took, .. } => *took,
        }
    }
}

impl CallEnd {
    /// Whether the call did not do what was asked.
    pub fn is_error(&self) -> bool {
        match self {
            Self::Outcome { outcome } => outcome.is_error(),
            Self::Denied { .. }
            | Self::Refused { .. }
            | Self::Invalid { .. }
            | Self::Unavailable { .. }
            | Self::Interrupted
            | Self::Repeated { .. } => true,
        }
    }

    /// The end as one word: `ok`, `error`, `denied`, `unknown` and the like.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Outcome {
                outcome: CallOutcome::Answered { result },
            } if !result.is_error => "ok",
            Self::Outcome {
                outcome: CallOutcome::Answered { .. } | CallOutcome::Refused { .. },
            } => "error",
            Self::Outcome {
                outcome: CallOutcome::TimedOut { .. },
            } => "timed out",
            Self::Outcome {
                outcome: CallOutcome::Cancelled,
            } => "cancelled",
            Self::Outcome {
                outcome: CallOutcome::Lost { .. },
            } => "outcome unknown",
            Self::Outcome {
                outcome: CallOutcome::NotSent { .. },
            } => "not sent",
            Self::Outcome {
                outcome: CallOutcome::Unreadable { .. },
            } => "unreadable",
            Self::Denied { .. } => "denied",
            Self::Refused { .. } => "refused",
            Self::Invalid { .. } => "invalid",
            Self::Unavailable { .. } => "unavailable",
            Self::Interrupted => "interrupted",
            Self::Repeated { .. } => "repeated",
        }
    }
}
