//! Calls that go on as tasks of their server after their connection has ended: followed over the next one, or given up.
//!
//! Pure. A task is never begun anew: what is unknown at the end is said to be unknown, with the task's id.

use std::time::Duration;

use crate::agent::transcript::Level;
use crate::host::book::Purpose;
use crate::host::call::{CallEnd, CallState, ToolCall};
use crate::host::effect::Effect;
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::{CallId, Generation, Moment, ServerName};
use crate::mcp::event::CallEvent;
use crate::mcp::result::CallOutcome;
use crate::mcp::status::Status;

/// How long a connection that ends may take to say so, once it has given up what it carried.
const GRACE: Duration = Duration::from_secs(2);

fn is_open(status: &Status) -> bool {
    matches!(status, Status::Starting { .. } | Status::Ready { .. })
}

impl Host {
    /// The connection of a call has ended, and its task may go on.
    pub(super) fn set_adrift(&mut self, id: CallId, why: String, now: Moment) -> Vec<Effect> {
        self.step(id, now, Step::Adrift { why: why.clone() });
        let is_known = self.book.adrift.insert(id, why).is_some();
        let Some(call) = self.call(id) else {
            return Vec::new();
        };
        let CallState::Running { generation, .. } = call.state else {
            self.book.adrift.remove(&id);
            return Vec::new();
        };
        let left = self.time_left(call, now);
        let found = call.server.as_ref().and_then(|name| self.server(name));
        let status = found.map(|server| (&server.status, server.generation));
        match status {
            None | Some((Status::Failed { .. } | Status::Disabled, _)) => self.give_up(id, now),
            Some(_) if left.is_zero() => self.give_up(id, now),
            // A newer connection is there already: the old one's last word was late.
            Some((Status::Ready { .. }, current)) if current > generation => self.follow(id, now),
            Some(_) if is_known => Vec::new(),
            // A connection that ends says so at once; one that goes on has given the task up for good.
            Some((status, current)) if current == generation && is_open(status) => {
                self.adrift_until(id, GRACE.min(left))
            }
            Some(_) => self.adrift_until(id, left),
        }
    }

    fn adrift_until(&mut self, id: CallId, after: Duration) -> Vec<Effect> {
        let timer = self.book.numbers.timer();
        self.book.timers.insert(timer, Purpose::Adrift(id));
        vec![Effect::SetTimer { timer, after }]
    }

    /// A server is ready again: its tasks are followed.
    pub(in crate::host) fn follow_tasks(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let ids = self.adrift_at(name);
        let mut effects = self.cancel_left(name);
        effects.extend(ids.into_iter().flat_map(|id| self.follow(id, now)));
        effects
    }

    /// The person cancels calls whose tasks have no connection: they are cancelled on the next one, and that is said.
    pub(super) fn cancel_adrift(&mut self, ids: &[CallId]) {
        for id in ids {
            if self.book.adrift.remove(id).is_none() {
                continue;
            }
            let Some(call) = self.call(*id) else {
                continue;
            };
            let Some(task) = &call.task else {
                continue;
            };
            let text = format!(
                "{} was cancelled while its server was away: its task `{}` may go on there, and is cancelled when the server is back",
                call.title(),
                task.id
            );
            self.book.to_cancel.insert(*id);
            self.transcript.note(Level::Warning, text, None);
        }
    }

    /// Cancels on a new connection what could not be cancelled on the last one. What it says of it comes after the calls' end.
    fn cancel_left(&mut self, name: &ServerName) -> Vec<Effect> {
        let Some(server) = self.server(name) else {
            return Vec::new();
        };
        let (generation, timeout) = (server.generation, server.tool_timeout());
        let is_there = |id: &CallId| {
            let call = self.call(*id)?;
            (call.server.as_ref() == Some(name)).then_some(())?;
            Some((*id, call.task.as_ref()?.id.clone()))
        };
        let left: Vec<_> = self.book.to_cancel.iter().filter_map(is_there).collect();
        let mut effects = Vec::new();
        for (call, task) in left {
            self.book.to_cancel.remove(&call);
            let server = name.clone();
            effects.push(Effect::FollowTask {
                call,
                server: server.clone(),
                generation,
                task,
                timeout,
                max_total: timeout,
            });
            effects.push(Effect::CancelCall {
                call,
                server,
                generation,
            });
        }
        effects
    }

    /// A server will not come back by itself: its tasks are lost sight of.
    pub(in crate::host) fn give_up_tasks(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let ids = self.adrift_at(name);
        ids.into_iter()
            .flat_map(|id| self.give_up(id, now))
            .collect()
    }

    /// A time is over: the one in which a connection says that it ends, or the one that a call has at all.
    pub(in crate::host) fn adrift_too_long(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        let Some(why) = self.book.adrift.get(&id).cloned() else {
            return Vec::new();
        };
        let Some(call) = self.call(id).filter(|call| call.end().is_none()) else {
            self.book.adrift.remove(&id);
            return Vec::new();
        };
        let left = self.time_left(call, now);
        let stands = call.server.as_ref().and_then(|name| self.server(name));
        let stands = stands.is_some_and(|server| {
            let at = |generation: Generation| generation == server.generation;
            is_open(&server.status)
                && matches!(call.state, CallState::Running { generation, .. } if at(generation))
        });
        if stands {
            self.book.adrift.remove(&id);
            let outcome = CallOutcome::Lost { why };
            self.finish(id, CallEnd::Outcome { outcome }, now)
        } else if left.is_zero() {
            self.give_up(id, now)
        } else {
            self.adrift_until(id, left)
        }
    }

    /// What an outcome on a later connection says of a task: a server that does not know it any more has not refused the call.
    pub(super) fn outcome_of_followed(&self, id: CallId, outcome: CallOutcome) -> CallOutcome {
        if !self.book.followed.contains(&id) {
            return outcome;
        }
        match outcome {
            CallOutcome::Refused { code, message } => CallOutcome::Lost {
                why: self.task_words(
                    id,
                    &format!(
                        "the connection ended, and the server then said of it ({code}): {message}"
                    ),
                ),
            },
            other => other,
        }
    }

    /// Whether this is the end of a connection, for a call whose task may go on.
    pub(super) fn goes_on(call: &ToolCall, event: &CallEvent) -> Option<String> {
        match event {
            CallEvent::Finished(CallOutcome::Lost { why }) if call.task.is_some() => {
                Some(why.clone())
            }
            _ => None,
        }
    }

    fn adrift_at(&self, name: &ServerName) -> Vec<CallId> {
        let is_there = |id: &&CallId| {
            let call = self.call(**id);
            call.is_some_and(|call| call.server.as_ref() == Some(name))
        };
        self.book.adrift.keys().filter(is_there).copied().collect()
    }

    fn follow(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        self.book.adrift.remove(&id);
        let Some(call) = self.call(id).filter(|call| call.end().is_none()) else {
            return Vec::new();
        };
        let (Some(server), Some(task)) = (call.server.clone(), call.task.clone()) else {
            return Vec::new();
        };
        let max_total = self.time_left(call, now);
        let Some(found) = self.server(&server) else {
            return Vec::new();
        };
        let (generation, timeout) = (found.generation, found.tool_timeout());
        if let Some(ToolCall {
            state: CallState::Running { generation: at, .. },
            ..
        }) = self.call_mut(id)
        {
            *at = generation;
        }
        self.book.followed.insert(id);
        self.step(id, now, Step::Followed { generation });
        vec![Effect::FollowTask {
            call: id,
            server,
            generation,
            task: task.id,
            timeout,
            max_total,
        }]
    }

    fn give_up(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        let Some(why) = self.book.adrift.remove(&id) else {
            return Vec::new();
        };
        if self.call(id).is_none_or(|call| call.end().is_some()) {
            return Vec::new();
        }
        let why = self.task_words(id, &why);
        let outcome = CallOutcome::Lost { why };
        self.finish(id, CallEnd::Outcome { outcome }, now)
    }

    fn task_words(&self, id: CallId, why: &str) -> String {
        let task = self.call(id).and_then(|call| call.task.as_ref());
        match task {
            Some(task) => format!("{why}; its task `{}` may still run there", task.id),
            None => why.to_owned(),
        }
    }

    fn time_left(&self, call: &ToolCall, now: Moment) -> Duration {
        let server = call.server.as_ref().and_then(|name| self.server(name));
        let limit = server.map_or(Duration::ZERO, crate::host::server::Server::call_limit);
        limit.saturating_sub(call.elapsed(now))
    }
}
