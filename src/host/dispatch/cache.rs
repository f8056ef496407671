//! What the cache does about a call that may run: it answers it, lets it wait for an equal one that is under way, or nothing.
//!
//! Pure. Only answers of tools are kept for which the person has said so (`cache_sec`). Never an error, never what came of a
//! call in which the server asked something, and nothing that was read while something else was changed: a call that may
//! change something drops what is kept of its server, before and after it. Approval comes before: a kept answer needs the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::host::call::{CallEnd, CallState, ToolCall};
use crate::host::effect::Effect;
use crate::host::server::CacheUse;
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::{CallId, Generation, Moment, ServerName};
use crate::mcp::policy::cache::{Cache, Key};
use crate::mcp::request::Method;
use crate::mcp::result::{CallOutcome, ToolResult};

/// The answers that are kept, and the calls that may bring one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    results: Cache,
    /// Calls under way whose answer can be kept.
    leading: BTreeMap<CallId, Lead>,
    /// Calls that go to the server whatever is kept.
    fresh: BTreeSet<CallId>,
    /// How often the credentials for a server have changed.
    credentials: BTreeMap<ServerName, u32>,
}

#[derive(Debug, Clone, PartialEq)]
struct Lead {
    key: Key,
    ttl: Duration,
    /// Equal calls that wait for this one.
    waiting: Vec<CallId>,
    /// Something was changed or asked meanwhile: its answer is for this call alone.
    alone: bool,
}

impl Host {
    /// What the cache does about a call; absent: it is sent.
    pub(super) fn ask_cache(&mut self, id: CallId, now: Moment) -> Option<Vec<Effect>> {
        let Some((key, ttl)) = self.cache_key(id) else {
            self.may_change(id);
            return None;
        };
        let name = key.server.clone();
        if !self.book.kept.fresh.remove(&id) {
            if let Some((result, since)) = self.book.kept.results.get(&key, now) {
                self.count(&name, |cache| cache.hits += 1);
                let effects = self.answer_kept(id, result, since, now);
                return Some(effects);
            }
            let mut leading = self.book.kept.leading.iter_mut();
            if let Some((with, lead)) = leading.find(|(_, lead)| lead.key == key && !lead.alone) {
                lead.waiting.push(id);
                let with = *with;
                self.step(id, now, Step::CacheShares { with });
                if let Some(call) = self.call_mut(id) {
                    call.state = CallState::Queued {
                        since: now,
                        place: 0,
                    };
                }
                return Some(Vec::new());
            }
        }
        self.count(&name, |cache| cache.misses += 1);
        self.step(id, now, Step::CacheMiss);
        let lead = Lead {
            key,
            ttl,
            waiting: Vec::new(),
            alone: false,
        };
        self.book.kept.leading.insert(id, lead);
        None
    }

    fn answer_kept(
        &mut self,
        id: CallId,
        result: Arc<ToolResult>,
        since: Moment,
        now: Moment,
    ) -> Vec<Effect> {
        self.step(id, now, Step::CacheHit { since });
        if let Some(call) = self.call_mut(id) {
            call.cached = Some(since);
        }
        let outcome = CallOutcome::Answered { result };
        self.finish(id, CallEnd::Outcome { outcome }, now)
    }

    /// Under what its answer is kept, and for how long; absent for what is not to be kept.
    fn cache_key(&self, id: CallId) -> Option<(Key, Duration)> {
        let call = self.call(id).filter(|call| call.method == Method::Tool)?;
        let server = self.server(call.server.as_ref()?)?;
        let spec = server.spec.as_ref()?;
        let ttl = *spec.policy.cache.get(&call.tool)?;
        let credentials = self.book.kept.credentials.get(&server.name);
        let key = Key {
            server: server.name.clone(),
            principal: format!(
                "{} #{}",
                spec.launch.identity(),
                credentials.copied().unwrap_or_default()
            ),
            tool: call.tool.clone(),
            arguments: call.arguments.clone(),
        };
        (!ttl.is_zero()).then_some((key, ttl))
    }

    /// Whether the answers of this call's tool are kept: then a fresh one can be wanted.
    pub fn keeps_answers_of(&self, call: &ToolCall) -> bool {
        self.cache_key(call.id).is_some()
    }

    /// A call of a tool that is no declared read goes out, or has ended: what is kept of its server may be no longer true. The
    /// bundled servers share files and databases, so they share this too.
    fn may_change(&mut self, id: CallId) {
        let Some(call) = self.call(id).filter(|call| call.method == Method::Tool) else {
            return;
        };
        let Some(server) = call.server.as_ref().and_then(|name| self.server(name)) else {
            return;
        };
        let tool = server.tool(&call.tool);
        if tool.is_some_and(|tool| tool.annotations.read_only == Some(true)) {
            return;
        }
        let is_bundled = server.is_bundled();
        let all = self.servers.iter();
        let gone =
            all.filter(|other| other.name == server.name || is_bundled && other.is_bundled());
        let gone: Vec<ServerName> = gone.map(|server| server.name.clone()).collect();
        for name in gone {
            self.forget_results(&name);
        }
    }

    /// Forgets the answers of one server; what is under way there is kept by nobody.
    pub(in crate::host) fn forget_results(&mut self, name: &ServerName) {
        self.book.kept.results.forget(|key| key.server == *name);
        let mut leading = self.book.kept.leading.values_mut();
        while let Some(lead) = leading.find(|lead| lead.key.server == *name && !lead.alone) {
            lead.alone = true;
        }
        self.count(name, |_| {});
    }

    /// Forgets the answers of some tools of a server: their definitions have changed.
    pub(in crate::host) fn forget_tools(&mut self, name: &ServerName, tools: &BTreeSet<String>) {
        let is_gone = |key: &Key| key.server == *name && tools.contains(&key.tool);
        self.book.kept.results.forget(is_gone);
        let leading = self.book.kept.leading.values_mut();
        let gone = leading.filter(|lead| is_gone(&lead.key));
        gone.for_each(|lead| lead.alone = true);
        self.count(name, |_| {});
    }

    /// Other credentials are used from now on: another principal.
    pub(in crate::host) fn credentials_changed(&mut self, name: &ServerName) {
        let count = self.book.kept.credentials.entry(name.clone()).or_default();
        *count = count.wrapping_add(1);
        self.forget_results(name);
    }

    /// A server asks something: what comes of the calls that may be behind it is theirs alone.
    pub(in crate::host) fn asked_in_calls(
        &mut self,
        name: &ServerName,
        from: Generation,
        call: Option<CallId>,
    ) {
        for (id, lead) in &mut self.book.kept.leading {
            let runs = self.calls.iter().find(|call| call.id == *id).is_some_and(|call| {
                matches!(call.state, CallState::Running { generation, .. } if generation == from)
            });
            let is_meant = call.is_none_or(|call| call == *id);
            lead.alone |= lead.key.server == *name && runs && is_meant;
        }
    }

    /// A call has ended: its answer is kept where it can be, and those that waited for it get it, or go out themselves.
    pub(in crate::host) fn settle_cache(
        &mut self,
        id: CallId,
        end: &CallEnd,
        now: Moment,
    ) -> Vec<Effect> {
        self.book.kept.fresh.remove(&id);
        let Some(lead) = self.book.kept.leading.remove(&id) else {
            if self.call(id).is_some_and(|call| call.cached.is_none()) && has_run(end) {
                self.may_change(id);
            }
            return Vec::new();
        };
        let answer = match end {
            CallEnd::Outcome {
                outcome: CallOutcome::Answered { result },
            } if !lead.alone => Some(result),
            _ => None,
        };
        if let Some(result) = answer.filter(|result| !result.is_error) {
            let kept = &mut self.book.kept.results;
            kept.expire(now);
            kept.put(lead.key.clone(), result, lead.ttl, now);
        }
        self.count(&lead.key.server, |_| {});
        let mut effects = Vec::new();
        for follower in lead.waiting {
            if !self.is_queued(follower) {
                continue;
            }
            effects.extend(match answer {
                Some(result) => {
                    self.count(&lead.key.server, |cache| cache.hits += 1);
                    self.answer_kept(follower, result.clone(), now, now)
                }
                None => self.dispatch(follower, now),
            });
        }
        effects
    }

    fn is_queued(&self, id: CallId) -> bool {
        let call = self.call(id);
        call.is_some_and(|call| matches!(call.state, CallState::Queued { .. }))
    }

    /// Calls were cancelled without a word of their server: nothing comes of them, and an equal call that was not cancelled
    /// with them goes out itself.
    pub(in crate::host) fn cancelled_in_cache(&mut self, now: Moment) -> Vec<Effect> {
        let calls = &self.calls;
        let has_ended = |id: &CallId| {
            calls
                .iter()
                .any(|call| call.id == *id && call.end().is_some())
        };
        let leading = self.book.kept.leading.keys().copied();
        let ended: Vec<CallId> = leading.filter(has_ended).collect();
        let mut effects = Vec::new();
        for id in ended {
            let end = CallEnd::Interrupted;
            effects.extend(self.settle_cache(id, &end, now));
        }
        effects
    }

    /// The person wants this call's answer from the server itself: the same call by hand.
    pub(in crate::host) fn call_afresh(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        let Some(call) = self.call(id).filter(|call| self.keeps_answers_of(call)) else {
            return Vec::new();
        };
        let Some(server) = call.server.clone() else {
            return Vec::new();
        };
        let (tool, arguments) = (call.tool.clone(), call.arguments.clone());
        self.book.kept.fresh.insert(self.next_call());
        self.call_by_hand(&server, &tool, &arguments, now)
    }

    /// Counts something, and writes down what is held now.
    fn count(&mut self, name: &ServerName, change: impl FnOnce(&mut CacheUse)) {
        let (entries, bytes) = self.book.kept.results.held_of(name);
        if let Some(server) = self.server_mut(name) {
            change(&mut server.cache);
            (server.cache.entries, server.cache.bytes) = (entries, bytes);
        }
    }
}

/// Whether the call may have done something at its server.
fn has_run(end: &CallEnd) -> bool {
    match end {
        CallEnd::Outcome {
            outcome: CallOutcome::NotSent { .. },
        } => false,
        CallEnd::Outcome { .. } => true,
        CallEnd::Denied { .. }
        | CallEnd::Refused { .. }
        | CallEnd::Invalid { .. }
        | CallEnd::Unavailable { .. }
        | CallEnd::Interrupted
        | CallEnd::Repeated { .. } => false,
    }
}
