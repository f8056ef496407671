//! Servers dialled, ended, dialled again, and switched off.
//!
//! Pure. Each dial has a generation of its own; whether an end is followed by another dial is for `mcp::lifecycle` to say.

use std::collections::BTreeMap;

use crate::host::book::Purpose;
use crate::host::effect::Effect;
use crate::host::server::{LastEnd, Server};
use crate::host::state::Host;
use crate::ids::{Generation, Moment, ServerName};
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::lifecycle::Next;
use crate::mcp::start::Start;
use crate::mcp::status::Status;

impl Server {
    /// Its connection has ended: what it ended by is kept, also while it is back.
    fn note_end(&mut self, failure: &Failure, now: Moment) {
        self.health.went_wrong(failure.headline());
        self.start.over(&failure.headline(), now);
        if self.status.is_ready() {
            self.health.exited(now);
            self.last_end = Some(Box::new(LastEnd {
                at: now,
                failure: failure.clone(),
                during: std::mem::take(&mut self.losing),
            }));
        }
    }

    /// A new connection begins: what was seen of the last one is gone.
    fn looked_anew(&mut self) {
        self.start = Start::default();
        self.stray.clear();
        self.losing.clear();
        self.undeclared.clear();
        self.told_changes.clear();
    }
}

impl Host {
    /// Dials a server anew under a new generation; a connection that stands is closed.
    pub(in crate::host) fn dial(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let Some(server) = self.server_mut(name).filter(|server| server.spec.is_some()) else {
            return Vec::new();
        };
        let old = server.generation;
        let is_open = matches!(
            server.status,
            Status::Starting { .. } | Status::Ready { .. }
        );
        (server.hello, server.confined) = (None, None);
        server.looked_anew();
        server.generation = old.next();
        server.restarts += u32::from(old != Generation(0));
        server.status = Status::Starting { since: now };
        (server.listing, server.probing) = (BTreeMap::new(), None);
        server.disconnected();
        // What it offered stays usable, and is believed again once this connection has said the same.
        let lists = server.lists.values_mut();
        lists.for_each(|list| (list.confirmed, list.read) = (false, None));
        let generation = server.generation;
        let remembered = self.book.eras.get(name).copied();
        self.errands_ended(name);
        self.rename_tools();
        let mut effects = self.asks_ended(name, old);
        if is_open && old != Generation(0) {
            effects.push(Effect::Close {
                server: name.clone(),
                generation: old,
            });
        }
        effects.push(Effect::Dial {
            server: name.clone(),
            generation,
            remembered,
        });
        effects
    }

    /// The person wants it anew, or on: earlier failures are forgotten.
    pub(in crate::host) fn restart(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        self.book
            .lifecycles
            .entry(name.clone())
            .or_default()
            .reset();
        self.forget_results(name);
        self.dial(name, now)
    }

    /// The person wants it off.
    pub(in crate::host) fn disable(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let Some(server) = self.server_mut(name).filter(|server| server.spec.is_some()) else {
            return Vec::new();
        };
        let is_open = matches!(
            server.status,
            Status::Starting { .. } | Status::Ready { .. }
        );
        server.status = Status::Disabled;
        server.disconnected();
        server.tools.clear();
        server.resources.clear();
        server.templates.clear();
        server.prompts.clear();
        server.rejected.clear();
        server.lists.clear();
        let generation = server.generation;
        self.errands_ended(name);
        self.forget_results(name);
        self.rename_tools();
        let mut effects = self.asks_ended(name, generation);
        effects.extend(self.release_held(name, now));
        effects.extend(self.give_up_tasks(name, now));
        effects.extend(self.gathered_if_settled(now));
        if is_open {
            effects.push(Effect::Close {
                server: name.clone(),
                generation,
            });
        }
        effects
    }

    /// What is done about an end.
    fn next_dial(&mut self, name: &ServerName, kind: FailureKind, now: Moment) -> Next {
        let random = self.book.dice.roll();
        let lifecycle = self.book.lifecycles.entry(name.clone()).or_default();
        let next = lifecycle.ended(kind, now, random);
        match lifecycle.has_been_ready() || self.settings.redials_at_start {
            true => next,
            false => Next::Stay,
        }
    }

    pub(super) fn ended(
        &mut self,
        name: &ServerName,
        failure: Box<Failure>,
        now: Moment,
    ) -> Vec<Effect> {
        let next = self.next_dial(name, failure.kind, now);
        let timer = self.book.numbers.timer();
        self.errands_ended(name);
        self.doubt_era(name, failure.kind);
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        server.note_end(&failure, now);
        (server.listing, server.probing) = (BTreeMap::new(), None);
        server.disconnected();
        let generation = server.generation;
        let mut effects = Vec::new();
        match next {
            Next::Stay => server.status = Status::Failed { failure },
            Next::Redial { after, attempt } => {
                server.status = Status::Waiting {
                    until: now.plus(after),
                    attempt,
                    failure,
                };
                self.book
                    .timers
                    .insert(timer, Purpose::Redial(name.clone(), generation));
                effects.push(Effect::SetTimer { timer, after });
            }
        }
        self.rename_tools();
        if effects.is_empty() {
            effects.extend(self.give_up_tasks(name, now));
        }
        effects.extend(self.release_held(name, now));
        effects.extend(self.gathered_if_settled(now));
        effects
    }

    /// What was remembered may be why a dial came to nothing: the next one finds out anew.
    fn doubt_era(&mut self, name: &ServerName, kind: FailureKind) {
        let never_spoke = self.server(name).is_some_and(|s| s.hello.is_none());
        let may_be_why = matches!(
            kind,
            FailureKind::Protocol | FailureKind::Timeout | FailureKind::Exited
        );
        if never_spoke && may_be_why {
            self.book.eras.remove(name);
        }
    }

    /// The wait of a server is over.
    pub(in crate::host) fn redial(
        &mut self,
        name: &ServerName,
        from: Generation,
        now: Moment,
    ) -> Vec<Effect> {
        match self.server(name) {
            Some(server)
                if server.generation == from && matches!(server.status, Status::Waiting { .. }) =>
            {
                self.dial(name, now)
            }
            _ => Vec::new(),
        }
    }
}
