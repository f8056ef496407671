//! What is counted, in Prometheus' words, for `--metrics ADDR`.
//!
//! Impure. `door` is the HTTP side. Labels are bounded: servers of the configuration, tools that were called there (so many at
//! most), a handful of words. Filled by `witness`; the names are what `assets/grafana.json` asks for.

mod door;
mod servers;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::host::{AuditRecord, Host, ModelState, StopReason};
use crate::mcp::request::Method;
use crate::text::clean;
use servers::Servers;

pub use door::{OpenError, allowed, is_loopback, open};

/// Upper ends of the buckets, in seconds: from an answer of a local process to a tool that works for minutes.
const BUCKETS: [f64; 13] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0,
];
/// Tools that have figures of their own; all further ones share the name [`OTHER`].
const TOOLS: usize = 500;
const OTHER: &str = "other";
/// How turns end.
const REASONS: [&str; 7] = [
    "answered",
    "interrupted",
    "step_limit",
    "length",
    "filtered",
    "repeated",
    "model_failed",
];
/// Characters of a name.
const NAME: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    server: String,
    tool: String,
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tool {
    server: String,
    tool: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    reason: &'static str,
}

/// The figures of this program.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: Family<Call, Counter>,
    seconds: Family<Tool, Histogram>,
    servers: Servers,
    tokens: Family<Kind, Counter>,
    turns: Family<Ended, Counter>,
    model_up: Gauge,
    known: Mutex<Known>,
}

/// What was seen last, to tell what is new.
#[derive(Debug, Default)]
struct Known {
    tools: HashSet<(String, String)>,
    prompt: u64,
    completion: u64,
    busy: bool,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("mcpdeck_client");
        let servers = Servers::registered(&mut registry);
        let mut new = Self {
            registry,
            calls: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            servers,
            tokens: Family::default(),
            turns: Family::default(),
            model_up: Gauge::default(),
            known: Mutex::default(),
        };
        new.register();
        new
    }

    fn register(&mut self) {
        let all = &mut self.registry;
        let help = "Calls by how they ended, sent or not";
        all.register("calls", help, self.calls.clone());
        let help = "How long calls took that were sent";
        all.register_with_unit("call_duration", help, Unit::Seconds, self.seconds.clone());
        let help = "Tokens as the model's endpoint counted them";
        all.register("tokens", help, self.tokens.clone());
        let help = "Turns of the agent by how they ended";
        all.register("turns", help, self.turns.clone());
        // What is there from the beginning can be told from what is not asked for.
        for kind in ["prompt", "completion"] {
            drop(self.tokens.get_or_create(&Kind { kind }));
        }
        for reason in REASONS {
            drop(self.turns.get_or_create(&Ended { reason }));
        }
        let help = "Whether there is a model";
        all.register("model_up", help, self.model_up.clone());
    }

    /// A call was sent, or has ended.
    pub fn record(&self, record: &AuditRecord) {
        let Some(end) = &record.end else {
            return;
        };
        let server = record.server.as_ref().map(|server| name(server.as_str()));
        // What was not sent may name anything that a model makes up.
        let is_real = end.sent || end.cached;
        let (server, tool) = match (server, record.method) {
            (Some(server), Method::Tool) if is_real => self.bounded(server, name(&record.tool)),
            (Some(server), Method::Resource) if is_real => (server, "@resources".to_owned()),
            (Some(server), Method::Prompt) if is_real => (server, "@prompts".to_owned()),
            (_, _) => (OTHER.to_owned(), OTHER.to_owned()),
        };
        if end.sent {
            let label = Tool {
                server: server.clone(),
                tool: tool.clone(),
            };
            let took = end.took.as_secs_f64();
            self.seconds.get_or_create_owned(&label).observe(took);
        }
        let outcome = end.outcome.clone();
        let label = Call {
            server,
            tool,
            outcome,
        };
        self.calls.get_or_create(&label).inc();
    }

    fn bounded(&self, server: String, tool: String) -> (String, String) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (server, tool);
        if known.tools.contains(&key) || known.tools.len() < TOOLS {
            known.tools.insert(key.clone());
            return key;
        }
        (key.0, OTHER.to_owned())
    }

    /// Looks at the host after an event.
    pub fn see(&self, host: &Host) {
        self.servers.see(host);
        let has_model = matches!(host.model, ModelState::Ready { .. });
        self.model_up.set(i64::from(has_model));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = (host.usage.prompt, host.usage.completion);
        self.add("prompt", usage.0, &mut known.prompt);
        self.add("completion", usage.1, &mut known.completion);
        let busy = host.is_busy();
        if std::mem::replace(&mut known.busy, busy) && !busy {
            let reason = host.stopped.as_ref().map_or(OTHER, reason);
            self.turns.get_or_create(&Ended { reason }).inc();
        }
    }

    /// The host counts from the beginning of a conversation; here it is counted for ever.
    fn add(&self, kind: &'static str, now: u64, before: &mut u64) {
        let new = if now < *before { now } else { now - *before };
        *before = now;
        self.tokens.get_or_create(&Kind { kind }).inc_by(new);
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _written = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A name as a label: one short line without control characters.
fn name(text: &str) -> String {
    clean::line(text).chars().take(NAME).collect()
}

/// Sets a counter that is counted elsewhere.
fn count(counter: &Counter<u64, AtomicU64>, to: u64) {
    counter.inner().store(to, Ordering::Relaxed);
}

fn reason(reason: &StopReason) -> &'static str {
    match reason {
        StopReason::Answered => "answered",
        StopReason::Interrupted => "interrupted",
        StopReason::StepLimit => "step_limit",
        StopReason::Length => "length",
        StopReason::Filtered => "filtered",
        StopReason::Repeated => "repeated",
        StopReason::ModelFailed => "model_failed",
    }
}

#[cfg(test)]
mod tests;
