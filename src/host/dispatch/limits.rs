//! How many calls a server gets: those at a time, those a minute, and the line in which the others wait.
//!
//! Pure. Each server has a line of its own, so that a stuck one delays no other. What is in line has not been sent: cancelled there,
//! it never is.

use std::time::Duration;

use crate::host::book::Purpose;
use crate::host::call::{CallEnd, CallState};
use crate::host::effect::Effect;
use crate::host::servers::absence;
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::{CallId, Moment, ServerName};
use crate::mcp::policy::limiter::Admission;
use crate::mcp::status::Status;

/// What becomes of a call in line.
enum Fate {
    /// It is sent now.
    Goes,
    /// It ends without being sent, or sent again.
    Ends(CallEnd),
    /// It waits, until then at the latest; those behind it may go.
    Waits(Option<Moment>),
    /// It waits, and so does the rest of the line.
    Blocks(Option<Moment>),
}

impl Host {
    /// Whether a call has to wait for its turn; it is put into the line then.
    pub(super) fn waits_for_its_turn(&mut self, id: CallId, now: Moment) -> bool {
        let Some(name) = self.call(id).and_then(|call| call.server.clone()) else {
            return false;
        };
        let is_free = self.admission(&name, now) == Admission::Now;
        let line = self.book.lines.entry(name).or_default();
        if is_free && line.is_empty() {
            return false;
        }
        line.push_back(id);
        let place = line.len();
        self.step(id, now, Step::Queued { place });
        if let Some(call) = self.call_mut(id) {
            call.state = CallState::Queued { since: now, place };
        }
        true
    }

    /// After each event: the lines move on as far as they can, and the servers' loads are what they are.
    pub(in crate::host) fn flow(&mut self, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.look_after_calls();
        let names: Vec<ServerName> = self.book.lines.keys().cloned().collect();
        for name in names {
            // Each round ends a call or sends one.
            while let Some((id, fate)) = self.next_in_line(&name, now) {
                effects.extend(match fate {
                    Fate::Ends(end) => self.finish(id, end, now),
                    Fate::Goes | Fate::Waits(_) | Fate::Blocks(_) => self.send(id, now),
                });
                self.look_after_calls();
            }
            effects.extend(self.look_again(&name, now));
        }
        self.number_lines();
        effects
    }

    /// Forgets what is over.
    fn look_after_calls(&mut self) {
        let is_open = |calls: &[crate::host::call::ToolCall], id: &CallId, queued: bool| {
            let at = usize::try_from(id.0.saturating_sub(1)).unwrap_or(usize::MAX);
            calls.get(at).is_some_and(|call| match call.state {
                CallState::Queued { .. } => queued,
                CallState::Running { .. } => !queued,
                CallState::Asking { .. } | CallState::Done { .. } => false,
            })
        };
        let calls = &self.calls;
        let ended = |id: &CallId| {
            let at = usize::try_from(id.0.saturating_sub(1)).unwrap_or(usize::MAX);
            calls.get(at).is_none_or(|call| call.end().is_some())
        };
        self.book.resends.retain(|id, _| !ended(id));
        self.book.under_way.retain(|id| is_open(calls, id, false));
        for line in self.book.lines.values_mut() {
            line.retain(|id| is_open(calls, id, true));
        }
        self.book.lines.retain(|_, line| !line.is_empty());
    }

    /// The first call in line with which something is to be done, taken out of it.
    fn next_in_line(&mut self, name: &ServerName, now: Moment) -> Option<(CallId, Fate)> {
        let line = self.book.lines.get(name)?;
        let mut found = None;
        for id in line {
            match self.fate(name, *id, now) {
                Fate::Waits(_) => {}
                Fate::Blocks(_) => break,
                fate @ (Fate::Goes | Fate::Ends(_)) => {
                    found = Some((*id, fate));
                    break;
                }
            }
        }
        let (id, fate) = found?;
        if let Some(line) = self.book.lines.get_mut(name) {
            line.retain(|other| *other != id);
        }
        Some(match fate {
            Fate::Ends(end) => (id, Fate::Ends(self.end_of_resend(id).unwrap_or(end))),
            fate => (id, fate),
        })
    }

    fn fate(&self, name: &ServerName, id: CallId, now: Moment) -> Fate {
        let again = self.book.resends.get(&id);
        let unavailable = |why: String| Fate::Ends(CallEnd::Unavailable { why });
        let Some(server) = self.server(name) else {
            return unavailable("its server is gone".to_owned());
        };
        let is_lost = matches!(server.status, Status::Failed { .. } | Status::Disabled);
        if let Some(again) = again {
            if is_lost || again.until <= now {
                return unavailable(absence(server));
            }
            let is_shut = !server.status.is_ready() || self.open_circuit(id, now).is_some();
            if is_shut || again.not_before > now {
                let then = match is_shut {
                    true => again.until,
                    false => again.not_before,
                };
                return Fate::Waits(Some(then));
            }
        } else if !server.status.is_ready() {
            return unavailable(absence(server));
        } else if let Some(why) = self.open_circuit(id, now) {
            return unavailable(why);
        }
        match self.admission(name, now) {
            Admission::Now => Fate::Goes,
            Admission::AfterOne => Fate::Blocks(again.map(|again| again.until)),
            Admission::NotBefore(then) => Fate::Blocks(Some(then)),
        }
    }

    fn admission(&self, name: &ServerName, now: Moment) -> Admission {
        let Some(server) = self.server(name) else {
            return Admission::Now;
        };
        let most = server.most_calls();
        let running = self.under_way_at(name);
        match self.book.limiters.get(name) {
            Some(limiter) => limiter.admits(most, running, now),
            None => crate::mcp::policy::limiter::Limiter::default().admits(most, running, now),
        }
    }

    fn under_way_at(&self, name: &ServerName) -> usize {
        let is_there = |id: &&CallId| {
            let call = self.call(**id);
            call.is_some_and(|call| {
                call.server.as_ref() == Some(name)
                    && matches!(call.state, CallState::Running { .. })
            })
        };
        self.book.under_way.iter().filter(is_there).count()
    }

    /// A timer for the first moment at which a call in line may go, or is given up.
    fn look_again(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let Some(line) = self.book.lines.get(name) else {
            return Vec::new();
        };
        let moments = line.iter().map(|id| match self.fate(name, *id, now) {
            Fate::Waits(then) | Fate::Blocks(then) => then,
            Fate::Goes | Fate::Ends(_) => Some(now),
        });
        let Some(then) = moments.flatten().min() else {
            return Vec::new();
        };
        let planned = self.book.line_wakes.get(name);
        if planned.is_some_and(|planned| *planned <= then) {
            return Vec::new();
        }
        self.book.line_wakes.insert(name.clone(), then);
        let timer = self.book.numbers.timer();
        let purpose = Purpose::Line(name.clone());
        self.book.timers.insert(timer, purpose);
        let after = then.since(now).max(Duration::from_millis(1));
        vec![Effect::SetTimer { timer, after }]
    }

    /// Each call in line knows its place, and each server its load.
    fn number_lines(&mut self) {
        let lines: Vec<(CallId, usize)> = self
            .book
            .lines
            .values()
            .flat_map(|line| line.iter().copied().zip(1..))
            .collect();
        for (id, at) in lines {
            if let Some(call) = self.call_mut(id)
                && let CallState::Queued { place, .. } = &mut call.state
            {
                *place = at;
            }
        }
        let loads = self.servers.iter().map(|server| {
            let waiting = self.book.lines.get(&server.name);
            (
                self.under_way_at(&server.name),
                waiting.map_or(0, std::collections::VecDeque::len),
            )
        });
        let loads: Vec<(usize, usize)> = loads.collect();
        for (server, (running, waiting)) in self.servers.iter_mut().zip(loads) {
            (server.load.running, server.load.waiting) = (running, waiting);
        }
    }
}
