//! A saved session becomes the conversation again; and the person's other wishes about sessions.
//!
//! Pure. What was with a server when the record ends is of unknown outcome, for the person and for the model. Nothing is written
//! before the person speaks again, so that a look into a session leaves its file as it is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::transcript::{Entry, Fold, Level};
use crate::host::call::{CallEnd, CallState, Origin, ToolCall};
use crate::host::effect::Effect;
use crate::host::session::keep::Keeper;
use crate::host::session::line::{CallLine, Stage};
use crate::host::session::record::Record;
use crate::host::session::state::{Saving, SessionEvent, SessionWish};
use crate::host::state::Host;
use crate::ids::{CallId, Moment, TurnId};
use crate::mcp::result::CallOutcome;
use crate::text::human;

/// A wish of the person about sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionCommand {
    /// Lists the saved ones.
    List,
    /// Goes on with one: its name for programs, or how that begins.
    Resume(String),
    /// Gives the conversation a name.
    Rename(String),
    /// Deletes one for good.
    Delete(String),
}

impl Host {
    pub(in crate::host) fn session_command(&mut self, command: SessionCommand) -> Vec<Effect> {
        match command {
            SessionCommand::List => vec![Effect::Session(SessionWish::List)],
            SessionCommand::Resume(id) => self.resume(id),
            SessionCommand::Rename(title) => {
                self.rename(&title);
                Vec::new()
            }
            SessionCommand::Delete(id) if self.is_this(&id) => {
                let why = "this conversation is that session; `/clear` begins another one";
                self.session_word(Err(why.to_owned()));
                Vec::new()
            }
            SessionCommand::Delete(id) => vec![Effect::Session(SessionWish::Delete { id })],
        }
    }

    fn resume(&mut self, id: String) -> Vec<Effect> {
        let refusal = if self.session.saving == Saving::Off {
            Some("sessions are not kept in this run")
        } else if self.is_busy() {
            Some("a turn is running")
        } else if self.is_this(&id) {
            Some("this conversation is that session")
        } else {
            None
        };
        if let Some(why) = refusal {
            self.session_word(Err(format!("Not resumed: {why}")));
            return Vec::new();
        }
        self.session.opening = true;
        let conversation = self.book.keeper.conversation + 1;
        vec![Effect::Session(SessionWish::Open { id, conversation })]
    }

    /// Whether the conversation's name for programs begins so.
    fn is_this(&self, part: &str) -> bool {
        let own = self.session.id.as_deref();
        own.is_some_and(|own| own.starts_with(&part.to_ascii_lowercase()))
    }

    fn rename(&mut self, title: &str) {
        let title: String = title.trim().chars().take(200).collect();
        let said = format!("This conversation is called “{title}” now");
        self.session.title = Some(title);
        self.session_word(Ok(said));
    }

    fn session_word(&mut self, word: Result<String, String>) {
        self.session.word = (self.session.word.0 + 1, word);
    }

    pub(in crate::host) fn session_event(
        &mut self,
        event: SessionEvent,
        now: Moment,
    ) -> Vec<Effect> {
        match event {
            SessionEvent::Written { batch, id, synced } => self.written(batch, id, synced),
            SessionEvent::Unwritten { batch, why } => self.unwritten(batch, why),
            SessionEvent::Gone { conversation } => self.gone(conversation),
            SessionEvent::Opened {
                conversation,
                record,
                copy,
                age,
            } => return self.opened(conversation, *record, copy, age, now),
            SessionEvent::Listed(shelf) => self.session.shelf = Some(shelf),
            SessionEvent::Done { what } => self.session_word(Ok(what)),
            SessionEvent::Failed { why } => {
                self.session.opening = false;
                self.session_word(Err(why));
            }
        }
        Vec::new()
    }

    /// Of the last conversation's orders nothing is shown any more.
    fn is_current(&self, batch: u64) -> bool {
        batch > self.book.keeper.first_batch && batch <= self.book.keeper.batch
    }

    fn written(&mut self, batch: u64, id: String, synced: bool) {
        if !self.is_current(batch) {
            return;
        }
        self.session.id = Some(id);
        let is_all = synced && batch == self.book.keeper.batch;
        self.session.saving = if is_all { Saving::Saved } else { Saving::Going };
    }

    fn unwritten(&mut self, batch: u64, why: String) {
        if !self.is_current(batch) {
            let text = format!("The end of the last conversation is not saved: {why}");
            self.transcript.note(Level::Warning, text, None);
            return;
        }
        let is_news = !matches!(self.session.saving, Saving::Failed { .. });
        if is_news {
            let text = format!("This conversation is not saved: {why}");
            let hint = "it goes on all the same, and the saving is tried again each time something is said";
            self.transcript
                .note(Level::Warning, text, Some(hint.to_owned()));
        }
        self.session.saving = Saving::Failed { why };
    }

    /// The file is there no more, so everything is written once more, as a session of its own.
    fn gone(&mut self, conversation: u64) {
        let keeper = &self.book.keeper;
        if keeper.conversation != conversation {
            return;
        }
        self.book.keeper = Keeper {
            begun: true,
            ..keeper.next(keeper.first_call)
        };
        self.session.id = None;
        let text = "The file of this session was removed; the conversation is saved once more, as a new session";
        self.transcript.note(Level::Warning, text, None);
    }

    /// The conversation is over, all that is to be written of it has gone out, and another begins.
    pub(in crate::host) fn next_session(&mut self) -> Vec<Effect> {
        let effects = self.keep_conversation(true).into_iter().collect();
        self.transcript.clear();
        self.book.told = None;
        self.usage = crate::agent::model::Usage::default();
        self.book.keeper = self.book.keeper.next(self.calls.len());
        (self.session.id, self.session.title) = (None, None);
        self.session.restored = (0, 0);
        if self.session.saving != Saving::Off {
            self.session.saving = Saving::Nothing;
        }
        effects
    }

    fn opened(
        &mut self,
        conversation: u64,
        record: Record,
        copy: Option<String>,
        age: Duration,
        now: Moment,
    ) -> Vec<Effect> {
        // The person began another conversation before this one was read.
        if self.book.keeper.conversation + 1 != conversation || !self.session.opening {
            self.session.opening = false;
            return Vec::new();
        }
        self.session.opening = false;
        let mut effects = self.interrupt(now);
        effects.extend(self.next_session());
        let words = welcome(&record, age);
        let trouble = record.trouble.clone();
        let unknown = self.bring_back(record, copy.is_some());
        self.transcript.note(Level::Info, words, None);
        if unknown > 0 {
            let text = match unknown {
                1 => "1 call was with its server when the record ends: its outcome is unknown, and the model is told so".to_owned(),
                many => format!("{many} calls were with their servers when the record ends: their outcome is unknown, and the model is told so"),
            };
            self.transcript.note(Level::Warning, text, None);
        }
        if let Some(trouble) = trouble.filter(|_| copy.is_none()) {
            let text = format!("The session's file is not as it should be: {trouble}");
            self.transcript.note(Level::Warning, text, None);
        }
        if let Some(why) = copy {
            let text = format!(
                "The session's file stays as it is, because {why}; what is said from here on goes into a copy"
            );
            self.transcript.note(Level::Warning, text, None);
        }
        effects
    }

    /// Makes a record the conversation. Gives how many calls are of unknown outcome.
    fn bring_back(&mut self, record: Record, is_copy: bool) -> usize {
        let mut unknown = 0;
        let mut places = BTreeMap::new();
        for line in record.calls {
            let id = CallId(self.calls.len() as u64 + 1);
            places.insert(line.call, id);
            let keeper = &mut self.book.keeper;
            keeper.last = keeper.last.max(line.call);
            keeper.numbers.insert(id, (line.call, line.stage.order()));
            if line.attached {
                self.book.attached.insert(id);
            }
            unknown += usize::from(matches!(line.stage, Stage::Sent { .. }));
            self.calls.push(revived(line, id));
        }
        self.calls_are_written_down();
        for entry in record.entries {
            if let Entry::Assistant(step) = &entry {
                self.book.numbers.go_past(step.turn);
            }
            self.transcript.push(placed(entry, &places));
        }
        self.usage = record.usage;
        self.book.keeper.entries = self.transcript.entries().len();
        self.book.keeper.title.clone_from(&record.title);
        self.session.title = record.title;
        self.session.restored = (self.transcript.entries().len(), self.calls.len());
        if !is_copy {
            self.session.id = Some(record.id);
            self.session.saving = Saving::Saved;
        }
        unknown
    }
}

fn welcome(record: &Record, age: Duration) -> String {
    format!(
        "Resumed “{}”: {}, {}, written {}",
        record.name(),
        human::plural(record.turns(), "turn"),
        human::plural(record.calls.len(), "call"),
        human::ago(age)
    )
}

/// An entry with the numbers that its calls have in this run.
fn placed(mut entry: Entry, places: &BTreeMap<u64, CallId>) -> Entry {
    match &mut entry {
        Entry::Assistant(step) => {
            let ids = step.calls.iter();
            step.calls = ids.filter_map(|id| places.get(&id.0).copied()).collect();
        }
        // A record gives no place to a call that it does not hold.
        Entry::Hand { call } => *call = places.get(&call.0).copied().unwrap_or_default(),
        Entry::Compacted(compacted) => {
            let kept = |(id, fold): &(CallId, Fold)| Some((*places.get(&id.0)?, *fold));
            compacted.folded = compacted.folded.iter().filter_map(kept).collect();
        }
        Entry::User { .. } | Entry::Note(_) | Entry::Told { .. } => {}
    }
    entry
}

/// A call as it stands in this run: what did not end then has ended by now.
fn revived(line: CallLine, id: CallId) -> ToolCall {
    let state = state(line.stage, line.made);
    ToolCall {
        id,
        origin: match line.model {
            Some(written) => Origin::Model {
                turn: TurnId(written.turn),
                call: written.call,
            },
            None => Origin::Hand,
        },
        server: line.server,
        method: line.method,
        tool: line.tool,
        arguments: line.arguments,
        state,
        progress: None,
        messages: std::collections::VecDeque::new(),
        created: line.made,
        request_id: None,
        resent: 0,
        task: None,
        saved_to: line.saved_to,
        mismatch: line.mismatch,
        ruling: line.ruling,
        cached: line.cached,
        steps: Vec::new(),
        steps_lost: 0,
    }
}

fn state(stage: Stage, made: Moment) -> CallState {
    let over = |at, how| CallState::Done {
        at,
        took: Duration::ZERO,
        end: how,
    };
    match stage {
        Stage::Made => {
            let why = "mcpdeck ended before it was sent".to_owned();
            over(made, CallEnd::Unavailable { why })
        }
        Stage::Sent { since } => {
            let why = "mcpdeck ended while the call was with its server".to_owned();
            let outcome = CallOutcome::Lost { why };
            over(since, CallEnd::Outcome { outcome })
        }
        Stage::Over { when, took, how } => CallState::Done {
            at: when,
            took,
            end: how,
        },
    }
}
