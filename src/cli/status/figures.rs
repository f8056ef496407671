//! The figures of servers as a table and as JSON.

use serde_json::{Value, json};

use crate::host::Server;
use crate::ids::Moment;
use crate::mcp::health::{Latency, Quarter};
use crate::mcp::status::Status;
use crate::text::{clean, human, wrap};

/// The names of the columns. The verdict is the last, because it is as long as it is.
const HEAD: [&str; 9] = [
    "server", "up", "p50", "p95", "errors", "tools", "tokens", "memory", "verdict",
];

/// One server a line.
pub fn table(servers: &[Server], now: Moment) -> String {
    if servers.is_empty() {
        return String::new();
    }
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(servers.iter().map(|server| row(server, now)));
    let wide = |column: usize| {
        let cells = rows.iter().map(|row| wrap::width(&row[column]));
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(wide).collect();
    let line = |row: &[String; HEAD.len()]| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells.map(|(cell, wide)| wrap::pad(cell, *wide)).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(server: &Server, now: Moment) -> [String; HEAD.len()] {
    let none = || "–".to_owned();
    let health = &server.health;
    let latency = health.latency();
    let took = |of: fn(&Latency) -> std::time::Duration| {
        latency
            .as_ref()
            .map_or_else(none, |l| human::duration(of(l)))
    };
    let is_ready = server.status.is_ready();
    let tools = |count: u64| match is_ready {
        true => human::count(count),
        false => none(),
    };
    [
        clean::line(server.name.as_str()),
        up(server, now).map_or_else(none, human::duration),
        took(|latency| latency.p50),
        took(|latency| latency.p95),
        human::count(health.errors),
        tools(server.tools.len() as u64),
        tools(server.tool_tokens),
        server
            .processes
            .map_or_else(none, |used| human::bytes(used.resident)),
        clean::line(&server.verdict_words(now)),
    ]
}

fn up(server: &Server, now: Moment) -> Option<std::time::Duration> {
    match &server.status {
        Status::Ready { since, .. } => Some(now.since(*since)),
        _ => None,
    }
}

/// All figures of one server.
pub fn json(server: &Server, now: Moment) -> Value {
    let health = &server.health;
    let hello = server.hello.as_ref().filter(|_| server.status.is_ready());
    json!({
        "server": server.name,
        "state": server.status.word(),
        "grade": server.verdict.grade,
        "cause": server.verdict.cause,
        "verdict": server.verdict_words(now),
        "era": hello.map(|hello| hello.era),
        "revision": hello.map(|hello| &hello.revision),
        "up_ms": up(server, now).map(millis),
        "restarts": server.restarts,
        "latency": health.latency().map(latency),
        "latency_of": health.latency().map(|_| if health.is_of_calls() { "calls" } else { "probes" }),
        "last_15_min": quarter(health.quarter(now)),
        "calls": health.calls,
        "errors": health.errors,
        "error_rate": health.error_rate(),
        "errors_in_a_row": health.in_a_row,
        "last_answer_ms": health.last_good.map(|last| millis(now.since(last))),
        "circuit": server.breaker.state(),
        "calls_running": server.load.running,
        "calls_waiting": server.load.waiting,
        "cache": server.cache,
        "tools": server.tools.len(),
        "tool_tokens": server.tool_tokens,
        "processes": server.processes,
        "failure": server.status.failure(),
    })
}

fn millis(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

fn latency(latency: Latency) -> Value {
    json!({
        "p50_ms": millis(latency.p50),
        "p95_ms": millis(latency.p95),
        "p99_ms": millis(latency.p99),
    })
}

fn quarter(of: Quarter) -> Value {
    json!({
        "latency": of.latency.map(latency),
        "calls": of.calls,
        "errors": of.errors,
        "exits": of.exits,
        "stderr_lines": of.stderr,
    })
}
