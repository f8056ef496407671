//! What is counted, in Prometheus' words. The labels are bounded: tools that exist, a handful of outcomes, status codes.
//!
//! Filled by `gate` and `measured`, read by `health`.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper ends of the buckets, in seconds: from an answer out of memory to a query at its limit.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    tool: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tool {
    tool: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: u16,
}

/// The counters of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: Family<Call, Counter>,
    seconds: Family<Tool, Histogram>,
    under_way: Gauge,
    requests: Family<Status, Counter>,
    unauthorized: Counter<u64, AtomicU64>,
    forbidden: Counter<u64, AtomicU64>,
    limited: Counter<u64, AtomicU64>,
    connections: Gauge,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut new = Self {
            registry: Registry::with_prefix("mcpdeck"),
            calls: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            under_way: Gauge::default(),
            requests: Family::default(),
            unauthorized: Counter::default(),
            forbidden: Counter::default(),
            limited: Counter::default(),
            connections: Gauge::default(),
        };
        new.register();
        new
    }

    fn register(&mut self) {
        let all = &mut self.registry;
        all.register(
            "tool_calls",
            "Tool calls by how they ended",
            self.calls.clone(),
        );
        let help = "How long tool calls took";
        all.register_with_unit(
            "tool_call_duration",
            help,
            Unit::Seconds,
            self.seconds.clone(),
        );
        let help = "Tool calls under way";
        all.register("tool_calls_in_flight", help, self.under_way.clone());
        let help = "Answers to requests for the MCP endpoint by status";
        all.register("http_requests", help, self.requests.clone());
        let help = "Requests without a good token";
        all.register("auth_failures", help, self.unauthorized.clone());
        let help = "Requests whose token does not permit what they asked for";
        all.register("permission_failures", help, self.forbidden.clone());
        let help = "Requests over their rate limit";
        all.register("rate_limited", help, self.limited.clone());
        let help = "Connections that are open";
        all.register("connections", help, self.connections.clone());
    }

    /// A request was answered.
    pub fn answered(&self, status: StatusCode) {
        let status_code = Status {
            status: status.as_u16(),
        };
        self.requests.get_or_create(&status_code).inc();
    }

    /// The guard let somebody not in.
    pub fn denied(&self, status: StatusCode) {
        match status {
            StatusCode::UNAUTHORIZED => self.unauthorized.inc(),
            StatusCode::FORBIDDEN => self.forbidden.inc(),
            StatusCode::TOO_MANY_REQUESTS => self.limited.inc(),
            _ => 0,
        };
    }

    /// A call begins; what is given back counts it as under way.
    pub fn begins(&self) -> UnderWay {
        UnderWay::new(&self.under_way)
    }

    /// A connection is open for as long as what is given back lives.
    pub fn connected(&self) -> UnderWay {
        UnderWay::new(&self.connections)
    }

    /// A call of a tool that exists has ended.
    pub fn ended(&self, tool: &str, outcome: &'static str, took: Duration) {
        let tool = tool.to_owned();
        self.seconds
            .get_or_create(&Tool { tool: tool.clone() })
            .observe(took.as_secs_f64());
        self.calls.get_or_create(&Call { tool, outcome }).inc();
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _written = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

/// Counts one thing as there while it lives.
#[derive(Debug)]
pub struct UnderWay(Gauge);

impl UnderWay {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}
