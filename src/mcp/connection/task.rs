//! A call that goes on as a task, in the form of 2025-11-25 and in that of the extension since: what a report on it calls for.
//!
//! A pure machine: no clock, no channel. `session::tasks` feeds it and asks for the reports.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::asks::MOST_OPEN;
use super::rounds::questions;
use crate::mcp::ask::Ask;
use crate::mcp::convert;
use crate::mcp::event::Task;
use crate::mcp::status::Era;

/// The least time between two questions for a report, whatever the server says.
const SHORTEST: Duration = Duration::from_millis(100);
/// The most time.
const LONGEST: Duration = Duration::from_secs(60);
/// The time where the server says none.
const USUAL: Duration = Duration::from_secs(1);
/// Reports in a row that may fail to come before the task is given up.
const MOST_MISSED: u32 = 5;

/// What a report calls for.
#[derive(Debug, PartialEq)]
pub enum Word {
    /// It goes on.
    Working,
    /// The server asks these, each by its key.
    Ask(Vec<(String, Ask)>),
    /// The result must be fetched (`tasks/result`).
    Fetch,
    /// It is done; this is the result.
    Done(Value),
    /// It failed with a JSON-RPC error.
    Failed(i64, String),
    /// The server has ended it.
    Ended(String),
}

/// A task under way.
#[derive(Debug)]
pub struct Running {
    era: Era,
    /// What is known of it.
    pub shown: Task,
    poll: Duration,
    missed: u32,
    answers: BTreeMap<String, Option<Value>>,
    /// Keys that were answered: a server repeats them until it has taken notice.
    sent: Vec<String>,
}

impl Running {
    /// A task that was just created; its report is inside the result in one era and is the result in the other.
    ///
    /// # Errors
    /// When the result names no task, as a sentence.
    pub fn created(era: Era, result: &Value) -> Result<Self, String> {
        let report = match era {
            Era::Legacy => result.get("task").unwrap_or(&Value::Null),
            Era::Modern => result,
        };
        let Some(id) = report.get("taskId").and_then(Value::as_str) else {
            return Err(format!(
                "the server began a task without a `taskId`: {}",
                convert::excerpt(&result.to_string())
            ));
        };
        let mut running = Self::known(era, id);
        running.look(report);
        Ok(running)
    }

    /// A task of which only the id is known.
    pub fn known(era: Era, id: &str) -> Self {
        Self {
            era,
            shown: Task {
                id: id.to_owned(),
                status: "working".to_owned(),
                message: None,
            },
            poll: USUAL,
            missed: 0,
            answers: BTreeMap::new(),
            sent: Vec::new(),
        }
    }

    /// How long to wait before the next question for a report.
    pub fn poll(&self) -> Duration {
        self.poll
    }

    /// A report did not come: whether it is worth asking again.
    pub fn missed(&mut self) -> bool {
        self.missed += 1;
        self.missed < MOST_MISSED
    }

    /// Takes what is shown from a report: whether any of it is new.
    fn look(&mut self, report: &Value) -> bool {
        let text = |key: &str| report.get(key).and_then(Value::as_str).map(str::to_owned);
        let interval = ["pollIntervalMs", "pollInterval"]
            .into_iter()
            .find_map(|key| report.get(key).and_then(Value::as_f64))
            .filter(|millis| *millis >= 0.0);
        if let Some(millis) = interval {
            let most = LONGEST.as_secs_f64();
            let wished = Duration::from_secs_f64((millis / 1000.0).min(most));
            self.poll = wished.max(SHORTEST);
        }
        let now = Task {
            id: self.shown.id.clone(),
            status: text("status").unwrap_or_else(|| self.shown.status.clone()),
            message: text("statusMessage"),
        };
        let is_new = now != self.shown;
        self.shown = now;
        is_new
    }

    /// A report has come: whether what is shown has changed, and what it calls for.
    ///
    /// # Errors
    /// When the server asks for what cannot be given, or the report is none, as a sentence.
    pub fn report(&mut self, report: &Value) -> Result<(bool, Word), String> {
        if !report.get("status").is_some_and(Value::is_string) {
            return Err(format!(
                "the report on the task has no `status`: {}",
                convert::excerpt(&report.to_string())
            ));
        }
        self.missed = 0;
        let changed = self.look(report);
        let word = match (self.shown.status.as_str(), self.era) {
            ("input_required" | "completed" | "failed", Era::Legacy) => Word::Fetch,
            ("input_required", Era::Modern) => self.asked(report)?,
            ("completed", Era::Modern) => match report.get("result") {
                Some(result) => Word::Done(result.clone()),
                None => return Err("the task is completed and has no `result`".to_owned()),
            },
            ("failed", Era::Modern) => {
                let (code, words) = match report.get("error") {
                    Some(error) => convert::rpc_error(error),
                    None => (0, self.words("the task failed")),
                };
                Word::Failed(code, words)
            }
            ("cancelled", _) => Word::Ended(self.words("the server cancelled the task")),
            _ => Word::Working,
        };
        Ok((changed, word))
    }

    fn words(&self, what: &str) -> String {
        match &self.shown.message {
            Some(message) => format!("{what}: {message}"),
            None => what.to_owned(),
        }
    }

    /// The questions that were not put before.
    fn asked(&mut self, report: &Value) -> Result<Word, String> {
        let all = questions(report)?;
        let is_new = |key: &String| !self.answers.contains_key(key) && !self.sent.contains(key);
        let fresh: Vec<(String, Ask)> = all.into_iter().filter(|(key, _)| is_new(key)).collect();
        if fresh.is_empty() {
            return Ok(Word::Working);
        }
        // It goes on reporting while a person thinks: what it asks must not pile up.
        if self.answers.len() + fresh.len() > MOST_OPEN {
            return Err(format!(
                "the task asks for more than {MOST_OPEN} inputs at once"
            ));
        }
        let keys = fresh.iter().map(|(key, _)| (key.clone(), None));
        self.answers.extend(keys);
        Ok(Word::Ask(fresh))
    }

    /// One question has been answered: the answers to send once there is one to each.
    pub fn answered(&mut self, key: &str, value: Value) -> Option<Map<String, Value>> {
        self.answers.get_mut(key)?.get_or_insert(value);
        if self.answers.values().any(Option::is_none) {
            return None;
        }
        let given = std::mem::take(&mut self.answers);
        self.sent.extend(given.keys().cloned());
        let pair = |(key, value): (String, Option<Value>)| Some((key, value?));
        Some(given.into_iter().filter_map(pair).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn roots() -> Value {
        json!({ "method": "roots/list" })
    }

    proptest! {
        #[test]
        fn each_key_is_asked_once_however_often_it_is_reported(
            reports in proptest::collection::vec(proptest::collection::btree_set("[abc]", 0..3), 1..12),
        ) {
            let mut task = Running::known(Era::Modern, "t");
            let mut asked = Vec::new();
            let mut sent = Vec::new();
            for keys in reports {
                let requests: Map<String, Value> = keys.iter().map(|key| (key.clone(), roots())).collect();
                let report = json!({ "status": "input_required", "inputRequests": requests });
                let (_, word) = task.report(&report).map_err(TestCaseError::fail)?;
                let Word::Ask(fresh) = word else { continue };
                for (key, _) in fresh {
                    prop_assert!(!asked.contains(&key), "{key} is asked twice");
                    asked.push(key.clone());
                    sent.extend(task.answered(&key, json!({})).into_iter().flatten().map(|(key, _)| key));
                }
            }
            sent.sort();
            asked.sort();
            prop_assert_eq!(sent, asked);
        }

        #[test]
        fn the_wait_is_bounded_whatever_a_server_says(millis in any::<f64>(), whole in any::<i64>()) {
            for value in [json!(millis), json!(whole), json!("soon"), Value::Null] {
                let report = json!({ "taskId": "t", "status": "working", "pollIntervalMs": value });
                let task = Running::created(Era::Modern, &report).map_err(TestCaseError::fail)?;
                prop_assert!(task.poll() >= SHORTEST && task.poll() <= LONGEST);
            }
        }
    }

    #[test]
    fn every_end_of_a_task_is_told_apart() {
        let mut task = Running::known(Era::Modern, "t");
        let mut word = |report: Value| task.report(&report).map(|(_, word)| word);
        assert_eq!(word(json!({ "status": "working" })), Ok(Word::Working));
        assert_eq!(word(json!({ "status": "later" })), Ok(Word::Working));
        let done = json!({ "status": "completed", "result": { "content": [] } });
        assert_eq!(word(done), Ok(Word::Done(json!({ "content": [] }))));
        let failed = json!({ "status": "failed", "error": { "code": -1, "message": "no" } });
        assert_eq!(word(failed), Ok(Word::Failed(-1, "no".into())));
        let ended = word(json!({ "status": "cancelled", "statusMessage": "full" }));
        assert!(matches!(ended, Ok(Word::Ended(why)) if why.ends_with("full")));
        assert!(word(json!({ "status": "completed" })).is_err());
        assert!(word(json!({})).is_err());
        let mut old = Running::known(Era::Legacy, "t");
        for status in ["completed", "failed", "input_required"] {
            let (_, word) = old.report(&json!({ "status": status })).unwrap();
            assert_eq!(word, Word::Fetch);
        }
    }

    #[test]
    fn what_is_shown_changes_with_the_words() {
        let mut task = Running::known(Era::Modern, "t");
        let mut changed = |report: Value| task.report(&report).unwrap().0;
        assert!(!changed(json!({ "status": "working" })));
        assert!(changed(
            json!({ "status": "working", "statusMessage": "half" })
        ));
        assert!(!changed(
            json!({ "status": "working", "statusMessage": "half" })
        ));
    }

    #[test]
    fn a_task_whose_reports_stay_away_is_given_up_and_one_that_comes_makes_up_for_it() {
        let mut task = Running::known(Era::Legacy, "t");
        assert!((1..MOST_MISSED).all(|_| task.missed()));
        task.report(&json!({ "status": "working" })).unwrap();
        assert!(task.missed());
        assert!((2..MOST_MISSED).all(|_| task.missed()) && !task.missed());
    }
}
