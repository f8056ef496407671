//! Frames of the person's own hand: sent as they stand, whatever they mean, and without harm to the requests of ours.
//!
//! Their answers are seen on the wire. What an answer could be taken for must not exist: no id is used twice, and an error without
//! an id soon after belongs to the frame.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Session;
use crate::ids::ErrandId;
use crate::mcp::request::ErrandEnd;
use crate::mcp::transport::stdio;

/// How long an error without an id is taken for the answer to a frame of the person's own.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// Ids of ours stay below: JSON numbers are whole up to there in every language.
const HIGHEST: i64 = 1 << 53;

impl Session {
    pub(super) async fn raw(&mut self, errand: ErrandId, frame: &str) {
        let end = match self.sent_raw(frame) {
            Ok(()) => ErrandEnd::Done,
            Err(why) => ErrandEnd::Failed { why },
        };
        self.errand_done(errand, end).await;
    }

    fn sent_raw(&mut self, frame: &str) -> Result<(), String> {
        if frame.contains(['\n', '\r']) {
            return Err("a frame is one line".to_owned());
        }
        let message: Value =
            serde_json::from_str(frame).map_err(|error| format!("this is no JSON: {error}"))?;
        let ids = asked_ids(&message);
        if let Some(id) = ids.iter().find(|id| self.pending.contains_key(id)) {
            return Err(format!(
                "a request with the id {id} is under way: its answer and this one's could not be told apart; choose another id"
            ));
        }
        if !self.link.send_raw(frame.to_owned(), message) {
            return Err(self.not_queued());
        }
        // A later request of ours never bears an id that may still be answered.
        for id in ids.into_iter().filter(|id| *id < HIGHEST) {
            self.next_id = self.next_id.max(id + 1);
        }
        self.raw_until = Some(Instant::now() + ANSWERED_WITHIN);
        Ok(())
    }

    /// Whether an error without an id answers a frame of the person's own. Only one is taken for it.
    pub(super) fn answers_raw(&mut self) -> bool {
        let until = self.raw_until.take();
        until.is_some_and(|until| Instant::now() < until)
    }
}

/// The ids under which something is asked: of a message, or of each in a batch.
fn asked_ids(message: &Value) -> Vec<i64> {
    let one = |message: &Value| stdio::id_of(message.get("id")?);
    match message {
        Value::Array(batch) => batch.iter().filter_map(one).collect(),
        message => one(message).into_iter().collect(),
    }
}
