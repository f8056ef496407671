//! The time of a call in which its server waits for a person, or for our model, and not the other way round.
//!
//! Pure. A question of which nobody knows for which call it is holds every call of its server: the server can answer none of
//! them wrongly late.

use std::time::Duration;

use crate::host::asks::Asker;
use crate::host::call::{CallState, ToolCall};
use crate::host::state::Host;
use crate::ids::{CallId, Generation, Moment, ServerName};

/// How long a call has been held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::host) struct Held {
    /// Since when it is held now.
    since: Option<Moment>,
    /// For how long it was before.
    before: Duration,
    /// The person went to a URL for it: it is held until the server says that this is done.
    visiting: bool,
}

impl Held {
    fn total(&self, now: Moment) -> Duration {
        let running = self.since.map(|since| now.since(since));
        self.before + running.unwrap_or_default()
    }

    fn hold(&mut self, held: bool, now: Moment) {
        match (held, self.since) {
            (true, None) => self.since = Some(now),
            (false, Some(_)) => (self.before, self.since) = (self.total(now), None),
            (true, Some(_)) | (false, None) => {}
        }
    }
}

fn concerns(asker: &Asker, call: &ToolCall) -> bool {
    let CallState::Running { generation, .. } = call.state else {
        return false;
    };
    call.server.as_ref() == Some(&asker.server)
        && generation == asker.generation
        && asker.call.is_none_or(|of| of == call.id)
}

impl Host {
    /// Stops and starts the clocks of running calls by the questions that are open.
    pub(super) fn hold_calls(&mut self, now: Moment) {
        let asks = self.open_asks();
        if asks.is_empty() && self.book.held.is_empty() {
            return;
        }
        for call in &self.calls {
            if !matches!(call.state, CallState::Running { .. }) {
                self.book.held.remove(&call.id);
                continue;
            }
            let asked = asks.iter().any(|asker| concerns(asker, call));
            match self.book.held.get_mut(&call.id) {
                Some(held) => held.hold(asked || held.visiting, now),
                None if asked => {
                    let since = Some(now);
                    let held = Held {
                        since,
                        ..Held::default()
                    };
                    self.book.held.insert(call.id, held);
                }
                None => {}
            }
        }
    }

    /// How long a call that ends now was held in all.
    pub(super) fn waited(&mut self, id: CallId, now: Moment) -> Duration {
        let held = self.book.held.remove(&id);
        held.map_or(Duration::ZERO, |held| held.total(now))
    }

    /// The person goes to the URL for which a server asks.
    pub(in crate::host) fn visiting(&mut self, asker: &Asker) {
        for call in self.calls.iter().filter(|call| concerns(asker, call)) {
            self.book.held.entry(call.id).or_default().visiting = true;
        }
    }

    /// A server says that what it sent the person to a URL for is done.
    pub(super) fn visits_over(&mut self, name: &ServerName, from: Generation) {
        for call in &self.calls {
            let is_there =
                matches!(call.state, CallState::Running { generation, .. } if generation == from);
            if is_there
                && call.server.as_ref() == Some(name)
                && let Some(held) = self.book.held.get_mut(&call.id)
            {
                held.visiting = false;
            }
        }
    }
}
