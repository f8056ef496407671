//! The keys of a server's table that make its [`Policy`], those of its tools' tables among them.

use std::time::Duration;

use crate::config::policy::{Confinement, Policy};
use crate::config::reader::Reader;
use crate::config::resolve::seconds;

/// A day: an answer that is older is no answer any more.
const LONGEST_TTL: f64 = 86_400.0;

/// Reads the keys of a server's table.
pub(super) fn policy(reader: &mut Reader<'_>) -> Policy {
    let default = Policy::default();
    Policy {
        calls_at_once: reader
            .whole("calls_at_once")
            .map_or(default.calls_at_once, |calls| calls.max(1)),
        calls_per_minute: reader.whole("calls_per_minute").map(|calls| calls.max(1)),
        call_limit: seconds(reader, "call_limit_sec"),
        list_ttl: ttl(reader, "list_ttl_sec").unwrap_or(default.list_ttl),
        confine: confine(reader),
        ..default
    }
}

/// Reads the keys of one tool's table.
pub(super) fn tool(reader: &mut Reader<'_>, name: &str, policy: &mut Policy) {
    if reader.boolean("repeatable") == Some(true) {
        policy.repeatable.push(name.to_owned());
    }
    if let Some(ttl) = ttl(reader, "cache_sec") {
        policy.cache.insert(name.to_owned(), ttl);
    }
}

fn ttl(reader: &mut Reader<'_>, key: &str) -> Option<Duration> {
    let seconds = reader.number(key, 0.0, LONGEST_TTL)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// `confine = { read = ["~/docs"], write = ["/tmp/x"], network = false }`
fn confine(reader: &mut Reader<'_>) -> Option<Confinement> {
    let table = reader.inner("confine")?;
    let mut inner = Reader::new(reader.context, table, reader.full("confine"));
    inner.only(&["read", "write", "network"], &[]);
    let confine = Confinement {
        read: inner.folders("read").unwrap_or_default(),
        write: inner.folders("write").unwrap_or_default(),
        network: inner.boolean("network").unwrap_or(false),
    };
    reader.problems.append(&mut inner.problems);
    Some(confine)
}
