//! How a server came up, step by step: what was done or asked, since when, how long it took, and how it ended.
//!
//! Pure data. The connection reports each word of the handshake, the host adds its clock and the lists; the overview of a server
//! shows it as a checklist, and the rules of `lint` look at what came of each list.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::Moment;
use crate::mcp::request::ListKind;

/// Tries of one connection that are kept; there are at most two, and nothing may grow for ever.
const MOST: usize = 40;

/// A word of the handshake, as the connection reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartWord {
    /// A process is about to be started, or a URL about to be opened; the second one of a connection is a fresh try.
    Opening,
    /// It runs, or can be written to.
    Opened,
    /// A request is on its way.
    Asked(String),
    /// It was answered.
    Answered {
        /// The request.
        method: String,
        /// The revision that the answer names, such as `2025-11-25`; empty where it names none.
        revision: String,
        /// Whether that one is spoken here.
        known: bool,
    },
    /// It was answered by an error, or by what is no answer to it.
    Refused {
        /// The request.
        method: String,
        /// Why, as a sentence.
        why: String,
    },
    /// A notification is on its way.
    Told(String),
}

/// How a server came up, or how far it came.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Start {
    /// In the order in which they began.
    pub steps: Vec<Step>,
    /// The revision that it answered with and that nobody knows here; empty where it named none.
    pub unknown_revision: Option<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What was done.
    pub what: StepKind,
    /// Since when.
    pub since: Moment,
    /// How it ended; absent while it is under way.
    pub end: Option<(Duration, StepEnd)>,
}

/// What is done in a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// The process is started, or the URL opened.
    Open,
    /// A request of the handshake.
    Ask(String),
    /// A notification of the handshake.
    Tell(String),
    /// A list is read to its last page.
    List(ListKind),
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepEnd {
    /// As it should.
    Done {
        /// What came of it, in a word or two.
        says: Option<String>,
    },
    /// The server did not know it or refused it, and that is no fault where another step took its place.
    Refused {
        /// Why, as a sentence.
        why: String,
    },
    /// It came to nothing.
    Failed {
        /// Why, as a sentence.
        why: String,
    },
}

impl Start {
    /// Takes a word of the handshake.
    pub fn word(&mut self, word: StartWord, now: Moment) {
        match word {
            StartWord::Opening => {
                // What the first try left open was given up with it.
                let why = "given up: tried once more with a fresh start".to_owned();
                self.close_all(&StepEnd::Refused { why }, now);
                self.begin(StepKind::Open, now);
            }
            StartWord::Opened => self.end(&StepKind::Open, StepEnd::Done { says: None }, now),
            StartWord::Asked(method) => self.begin(StepKind::Ask(method), now),
            StartWord::Answered {
                method,
                revision,
                known,
            } => self.answered(method, revision, known, now),
            StartWord::Refused { method, why } => {
                self.end(&StepKind::Ask(method), StepEnd::Refused { why }, now);
            }
            StartWord::Told(method) => {
                let what = StepKind::Tell(method);
                self.begin(what.clone(), now);
                self.end(&what, StepEnd::Done { says: None }, now);
            }
        }
    }

    fn answered(&mut self, method: String, revision: String, known: bool, now: Moment) {
        let end = match known {
            true => StepEnd::Done {
                says: Some(revision),
            },
            false => {
                let why = match revision.as_str() {
                    "" => "its answer names no revision".to_owned(),
                    other => format!("it answers with revision `{other}`, which is not known"),
                };
                self.unknown_revision = Some(revision);
                StepEnd::Failed { why }
            }
        };
        self.end(&StepKind::Ask(method), end, now);
    }

    /// A list is asked for. One that is read again takes the place of the first reading.
    pub fn listing(&mut self, kind: ListKind, now: Moment) {
        let what = StepKind::List(kind);
        self.steps.retain(|step| step.what != what);
        self.begin(what, now);
    }

    /// A list has come or failed.
    pub fn listed(&mut self, kind: ListKind, end: StepEnd, now: Moment) {
        self.end(&StepKind::List(kind), end, now);
    }

    /// The connection has ended: what was under way came to nothing.
    pub fn over(&mut self, why: &str, now: Moment) {
        let why = why.to_owned();
        self.close_all(&StepEnd::Failed { why }, now);
    }

    /// Why a list that was announced is not there.
    pub fn missing_list(&self, kind: ListKind) -> Option<&str> {
        let step = self.of(&StepKind::List(kind))?;
        match &step.end {
            Some((_, StepEnd::Refused { why } | StepEnd::Failed { why })) => Some(why),
            Some((_, StepEnd::Done { .. })) | None => None,
        }
    }

    /// How long it took from the first step to the last one that is over.
    pub fn took(&self) -> Option<Duration> {
        let first = self.steps.first()?.since;
        let ends = self.steps.iter().filter_map(|step| {
            let (took, _) = step.end.as_ref()?;
            Some(step.since.plus(*took).since(first))
        });
        ends.max()
    }

    /// The last step of this kind.
    fn of(&self, what: &StepKind) -> Option<&Step> {
        self.steps.iter().rfind(|step| step.what == *what)
    }

    fn begin(&mut self, what: StepKind, since: Moment) {
        if self.steps.len() < MOST {
            let end = None;
            self.steps.push(Step { what, since, end });
        }
    }

    fn end(&mut self, what: &StepKind, end: StepEnd, now: Moment) {
        let open = |step: &&mut Step| step.end.is_none() && step.what == *what;
        if let Some(step) = self.steps.iter_mut().rev().find(open) {
            step.end = Some((now.since(step.since), end));
        }
    }

    fn close_all(&mut self, end: &StepEnd, now: Moment) {
        for step in self.steps.iter_mut().filter(|step| step.end.is_none()) {
            step.end = Some((now.since(step.since), end.clone()));
        }
    }
}

impl StepKind {
    /// The step in words; `child` where the server is a process.
    pub fn words(&self, child: bool) -> String {
        match (self, child) {
            (Self::Open, true) => "start the process".to_owned(),
            (Self::Open, false) => "open the URL".to_owned(),
            (Self::Ask(method) | Self::Tell(method), _) => method.clone(),
            (Self::List(kind), _) => kind.wire().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment(millis * 1_000)
    }

    fn asked(start: &mut Start, method: &str, from: u64) {
        start.word(StartWord::Asked(method.into()), at(from));
    }

    #[test]
    fn each_step_has_its_time_and_its_end() {
        let mut start = Start::default();
        start.word(StartWord::Opening, at(0));
        start.word(StartWord::Opened, at(4));
        asked(&mut start, "server/discover", 4);
        let why = "error -32601".to_owned();
        start.word(
            StartWord::Refused {
                method: "server/discover".into(),
                why: why.clone(),
            },
            at(10),
        );
        asked(&mut start, "initialize", 10);
        let revision = "2025-11-25".to_owned();
        start.word(
            StartWord::Answered {
                method: "initialize".into(),
                revision: revision.clone(),
                known: true,
            },
            at(15),
        );
        start.word(StartWord::Told("notifications/initialized".into()), at(15));
        start.listing(ListKind::Tools, at(15));
        let ends: Vec<_> = start.steps.iter().map(|step| step.end.clone()).collect();
        let millis = Duration::from_millis;
        assert_eq!(
            ends,
            [
                Some((millis(4), StepEnd::Done { says: None })),
                Some((millis(6), StepEnd::Refused { why })),
                Some((
                    millis(5),
                    StepEnd::Done {
                        says: Some(revision)
                    }
                )),
                Some((millis(0), StepEnd::Done { says: None })),
                None,
            ]
        );
        assert_eq!(start.missing_list(ListKind::Tools), None);
        start.over("it ended", at(30));
        assert_eq!(start.missing_list(ListKind::Tools), Some("it ended"));
        assert_eq!(start.took(), Some(millis(30)));
    }

    #[test]
    fn a_second_try_closes_what_the_first_left_open_and_a_list_is_kept_once() {
        let mut start = Start::default();
        start.word(StartWord::Opening, at(0));
        asked(&mut start, "server/discover", 1);
        start.word(StartWord::Opening, at(9));
        assert!(start.steps[..2].iter().all(|step| step.end.is_some()));
        assert_eq!(start.steps[2].end, None);
        for round in 0..100 {
            start.listing(ListKind::Tools, at(10 + round));
            start.listed(
                ListKind::Tools,
                StepEnd::Done { says: None },
                at(11 + round),
            );
        }
        assert_eq!(start.steps.len(), 4);
    }
}
