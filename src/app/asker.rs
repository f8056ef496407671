//! Completions asked of servers while a person types: a moment after the last key, one at a time, and an answer counts only for
//! the text that it was asked for.
//!
//! Pure. The input's completions and the argument form share it; `update` sends what is due.

use std::collections::VecDeque;
use std::time::Duration;

use crate::host::{ErrandState, Host};
use crate::ids::{ErrandId, Moment, ServerName};
use crate::mcp::request::{Errand, ErrandEnd};

/// How long typing has to pause before a server is asked.
const PAUSE: Duration = Duration::from_millis(150);
/// How long an answer is waited for before another question may be asked.
const PATIENCE: Duration = Duration::from_secs(10);
/// Answers that are kept while the same thing is being written.
const KEPT: usize = 32;

/// What is asked, and of whom.
pub type Ask = (ServerName, Errand);

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values {
    /// The values, the server's best first.
    pub values: Vec<String>,
    /// How many more it has, where it says so; `Some(0)`: more, but nobody knows how many.
    pub more: Option<u64>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asker {
    wanted: Option<(Ask, Moment)>,
    under_way: Option<(ErrandId, Ask, Moment)>,
    known: VecDeque<(Ask, Values)>,
}

impl Asker {
    /// Says what is wanted now; nothing: whatever was known is forgotten, for it may be otherwise the next time.
    pub fn want(&mut self, ask: Option<Ask>, now: Moment) {
        match ask {
            None => {
                self.wanted = None;
                self.known.clear();
            }
            Some(ask) if self.wanted.as_ref().is_some_and(|(old, _)| *old == ask) => {}
            Some(ask) => self.wanted = Some((ask, now)),
        }
    }

    /// What the server said to what is wanted now.
    pub fn answer(&self) -> Option<&Values> {
        let (wanted, _) = self.wanted.as_ref()?;
        let mut known = self.known.iter();
        known.find_map(|(ask, values)| (ask == wanted).then_some(values))
    }

    /// Whether an answer to what is wanted is still to come.
    pub fn is_waiting(&self) -> bool {
        self.wanted.is_some() && self.answer().is_none()
    }

    /// When there will be something to send, if nothing changes.
    pub fn due(&self) -> Option<Moment> {
        if !self.is_waiting() {
            return None;
        }
        let (_, since) = self.wanted.as_ref()?;
        let free = self.under_way.as_ref().map(|(.., at)| at.plus(PATIENCE));
        Some(since.plus(PAUSE).max(free.unwrap_or_default()))
    }

    /// What is to be sent now.
    pub fn take_due(&mut self, now: Moment) -> Option<Ask> {
        let due = self.due().is_some_and(|due| due <= now);
        self.wanted
            .as_ref()
            .filter(|_| due)
            .map(|(ask, _)| ask.clone())
    }

    /// It was sent as this errand.
    pub fn sent(&mut self, id: ErrandId, ask: Ask, now: Moment) {
        self.under_way = Some((id, ask, now));
    }

    /// Looks whether the answer is there. Gives whether anything came.
    pub fn observe(&mut self, host: &Host) -> bool {
        let Some((id, ask, _)) = &self.under_way else {
            return false;
        };
        let mut errands = host.errands.iter();
        let values = match errands.find(|errand| errand.id == *id) {
            Some(ErrandState { end: None, .. }) => return false,
            Some(ErrandState { end: Some(end), .. }) => values(end),
            // Pushed out by newer ones: nobody will answer it.
            None => Values::default(),
        };
        self.known.push_back((ask.clone(), values));
        while self.known.len() > KEPT {
            self.known.pop_front();
        }
        self.under_way = None;
        true
    }
}

fn values(end: &ErrandEnd) -> Values {
    match end {
        ErrandEnd::Completed {
            values,
            total,
            more,
        } => {
            let given = u64::try_from(values.len()).unwrap_or(u64::MAX);
            let left = total.map_or(0, |total| total.saturating_sub(given));
            Values {
                values: values.clone(),
                more: (*more || left > 0).then_some(left),
            }
        }
        // Nobody waits for a completion: without one, one types on.
        ErrandEnd::Done | ErrandEnd::Previewed { .. } | ErrandEnd::Failed { .. } => {
            Values::default()
        }
    }
}
