//! The figures of servers: where each stands, what it has to do, what its caches spare, what its processes use.
//!
//! Impure like its neighbours. Taken whole from the host's state each time; a server that the configuration no longer has is
//! forgotten.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::driver::metrics::{count, name};
use crate::host::{Host, Server};
use crate::mcp::policy::breaker::BreakerState;
use crate::mcp::verdict::Grade;

const STATES: [&str; 5] = ["disabled", "starting", "ready", "waiting", "failed"];
const GRADES: [&str; 5] = ["unknown", "healthy", "slow", "failing", "down"];
const BREAKER: [&str; 3] = ["closed", "open", "probing"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    server: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stands {
    server: String,
    state: &'static str,
}

type Gauges = Family<Of, Gauge>;
type Words = Family<Stands, Gauge>;
type Counters = Family<Of, Counter<u64, AtomicU64>>;

/// The figures of all servers.
#[derive(Debug, Default)]
pub(super) struct Servers {
    up: Gauges,
    state: Words,
    verdict: Words,
    breaker: Words,
    tools: Gauges,
    running: Gauges,
    waiting: Gauges,
    entries: Gauges,
    bytes: Gauges,
    processes: Gauges,
    resident: Gauges,
    restarts: Counters,
    errors: Counters,
    hits: Counters,
    misses: Counters,
    names: Mutex<BTreeSet<String>>,
}

impl Servers {
    fn gauges(&self) -> [(&'static str, &'static str, &Gauges); 6] {
        [
            ("server_up", "Whether calls can be sent to it", &self.up),
            ("server_tools", "Tools that it offers", &self.tools),
            ("calls_running", "Calls with the server", &self.running),
            ("calls_waiting", "Calls that wait in line", &self.waiting),
            ("cache_entries", "Answers that are kept", &self.entries),
            ("server_processes", "Its processes", &self.processes),
        ]
    }

    fn sizes(&self) -> [(&'static str, &'static str, &Gauges); 2] {
        let resident = "What its processes take";
        [
            ("cache_size", "What the kept answers take", &self.bytes),
            ("server_resident_memory", resident, &self.resident),
        ]
    }

    fn words(&self) -> [(&'static str, &'static str, &Words); 3] {
        [
            ("server_state", "1 for where it stands", &self.state),
            ("server_verdict", "1 for how it does", &self.verdict),
            ("server_breaker", "1 for its breaker", &self.breaker),
        ]
    }

    fn counters(&self) -> [(&'static str, &'static str, &Counters); 4] {
        let misses = "Calls that could have been, and were sent";
        [
            ("server_restarts", "Dials after the first", &self.restarts),
            ("server_errors", "Calls that went wrong", &self.errors),
            ("cache_hits", "Calls answered without it", &self.hits),
            ("cache_misses", misses, &self.misses),
        ]
    }

    pub(super) fn registered(all: &mut Registry) -> Self {
        let new = Self::default();
        for (name, help, gauges) in new.gauges() {
            all.register(name, help, gauges.clone());
        }
        for (name, help, sizes) in new.sizes() {
            all.register_with_unit(name, help, Unit::Bytes, sizes.clone());
        }
        for (name, help, words) in new.words() {
            all.register(name, help, words.clone());
        }
        for (name, help, counters) in new.counters() {
            all.register(name, help, counters.clone());
        }
        new
    }

    pub(super) fn see(&self, host: &Host) {
        let names: BTreeSet<String> = host.servers.iter().map(|s| name(s.name.as_str())).collect();
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != names {
            self.forget();
            *known = names;
        }
        drop(known);
        host.servers.iter().for_each(|server| self.set(server));
    }

    fn set(&self, server: &Server) {
        let of = Of {
            server: name(server.name.as_str()),
        };
        let processes = server.processes.unwrap_or_default();
        for (gauges, value) in [
            (&self.up, i64::from(server.status.is_ready())),
            (&self.tools, whole(server.tools.len())),
            (&self.running, whole(server.load.running)),
            (&self.waiting, whole(server.load.waiting)),
            (&self.entries, whole(server.cache.entries)),
            (&self.bytes, whole(server.cache.bytes)),
            (&self.processes, i64::from(processes.count)),
            (
                &self.resident,
                i64::try_from(processes.resident).unwrap_or(i64::MAX),
            ),
        ] {
            gauges.get_or_create(&of).set(value);
        }
        for (counters, value) in [
            (&self.restarts, u64::from(server.restarts)),
            (&self.errors, server.health.errors),
            (&self.hits, server.cache.hits),
            (&self.misses, server.cache.misses),
        ] {
            count(&counters.get_or_create(&of), value);
        }
        self.stand(server, &of);
    }

    /// The words that hold of it.
    fn stand(&self, server: &Server, of: &Of) {
        let grade = match server.verdict.grade {
            Grade::Unknown => "unknown",
            Grade::Healthy => "healthy",
            Grade::Slow => "slow",
            Grade::Failing => "failing",
            Grade::Down => "down",
        };
        let breaker = match server.breaker.state() {
            BreakerState::Closed => "closed",
            BreakerState::Open { .. } => "open",
            BreakerState::Probing => "probing",
        };
        mark(&self.state, of, &STATES, server.status.word());
        mark(&self.verdict, of, &GRADES, grade);
        mark(&self.breaker, of, &BREAKER, breaker);
    }

    fn forget(&self) {
        for (_, _, gauges) in self.gauges().into_iter().chain(self.sizes()) {
            gauges.clear();
        }
        for (_, _, counters) in self.counters() {
            counters.clear();
        }
        for (_, _, words) in self.words() {
            words.clear();
        }
    }
}

/// 1 for the word that holds, 0 for the others.
fn mark(words: &Words, of: &Of, all: &[&'static str], holds: &str) {
    for state in all {
        let stands = Stands {
            server: of.server.clone(),
            state,
        };
        words.get_or_create(&stands).set(i64::from(*state == holds));
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
