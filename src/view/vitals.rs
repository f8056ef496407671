//! The figures of one server: how fast, how often wrong, what it holds and uses. Short for the pane, long for its detail.
//!
//! Pure. Called by `servers` and `server_detail`.

use ratatui::style::Style;

use crate::host::Server;
use crate::ids::Moment;
use crate::mcp::health::{Finish, Health, Latency, Quarter, Sample};
use crate::mcp::policy::breaker::BreakerState;
use crate::mcp::status::Status;
use crate::mcp::verdict::Grade;
use crate::text::{clean, human};
use crate::view::servers::SPARKS;
use crate::view::styled::{Spans, span};
use crate::view::theme::Theme;

/// A name and what there is to say of it.
type Fact = (&'static str, Spans);

/// Sign and style of a judgement.
pub(super) fn grade(grade: Grade, theme: &Theme) -> (&'static str, Style) {
    match grade {
        Grade::Unknown | Grade::Healthy => ("✓", theme.good),
        Grade::Slow => ("!", theme.warn),
        Grade::Failing | Grade::Down => ("✗", theme.bad),
    }
}

/// What fits below the list, the weightiest first.
pub(super) fn short(server: &Server, theme: &Theme, now: Moment) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    let text = |text: String| vec![span(text, theme.text)];
    let health = &server.health;
    if let Some(latency) = health.latency() {
        facts.push((of_what(health), self::latency(latency, true, theme)));
    }
    if let Status::Ready { since, hello } = &server.status {
        let up = human::duration(now.since(*since));
        let revision = clean::line(&hello.revision);
        let restarts = match server.restarts {
            0 => String::new(),
            count => format!(" · restarted {count}×"),
        };
        facts.push(("protocol", text(format!("{revision} · up {up}{restarts}"))));
    }
    if health.calls > 0 {
        facts.push(("so far", so_far(health, theme)));
    }
    facts.extend(line(traffic(server, now)).map(|words| ("traffic", text(words))));
    let uses = [tools(server), memory(server, false)].into_iter().flatten();
    facts.extend(line(uses.collect()).map(|words| ("uses", text(words))));
    if let Some(error) = &health.last_error {
        let error = error.strip_prefix("error: ").unwrap_or(error);
        facts.push(("last error", vec![span(clean::line(error), theme.warn)]));
    }
    if let Status::Ready { hello, .. } = &server.status {
        let version = format!("{} {}", hello.name, hello.version);
        facts.push(("server", text(clean::line(&version))));
    }
    facts
}

/// All of it, a line each.
pub(super) fn long(server: &Server, theme: &Theme, now: Moment) -> Vec<Fact> {
    let health = &server.health;
    let mut facts = speeds(health, theme, now);
    let calls = match health.calls {
        0 => vec![span("none yet", theme.text)],
        _ => so_far(health, theme),
    };
    facts.push(("calls", calls));
    let text = |text: String| vec![span(text, theme.text)];
    if let Some(last) = health.last_good {
        let ago = human::duration(now.since(last));
        facts.push(("last answer", text(format!("{ago} ago"))));
    }
    if server.status.is_ready() {
        let circuit = circuit(server, now).unwrap_or_else(|| "closed".to_owned());
        facts.push(("circuit", text(circuit)));
        facts.push(("queue", text(queue(server))));
    }
    let more = [
        ("cache", cache(server)),
        ("tools cost", tools(server)),
        ("memory", memory(server, true)),
    ];
    let more = more
        .into_iter()
        .filter_map(|(name, words)| Some((name, text(words?))));
    facts.extend(more);
    facts
}

/// How fast it is, by its last calls and by the last minutes.
fn speeds(health: &Health, theme: &Theme, now: Moment) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    if let Some(latency) = health.latency() {
        let mut spans = self::latency(latency, true, theme);
        spans.push(span(format!("  {}", sparkline(health, SPARKS)), theme.busy));
        facts.push((of_what(health), spans));
    }
    let quarter = health.quarter(now);
    if quarter != Quarter::default() {
        facts.push(("last 15 min", of_quarter(quarter, theme)));
    }
    facts
}

/// Whether and until when nothing is sent; absent where calls pass.
fn circuit(server: &Server, now: Moment) -> Option<String> {
    match server.breaker.state() {
        BreakerState::Closed => None,
        BreakerState::Open { until } => {
            let left = human::countdown(until.since(now));
            Some(format!("open, next try in {left}"))
        }
        BreakerState::Probing => Some("open, one try under way".to_owned()),
    }
}

fn queue(server: &Server) -> String {
    let load = server.load;
    format!("{} running, {} waiting", load.running, load.waiting)
}

fn line(words: Vec<String>) -> Option<String> {
    (!words.is_empty()).then(|| words.join(" · "))
}

fn of_what(health: &Health) -> &'static str {
    match health.is_of_calls() {
        true => "latency",
        false => "probes",
    }
}

/// `8 calls, 0 errors`, with what is wrong now.
fn so_far(health: &Health, theme: &Theme) -> Spans {
    let counted = |count: u64, what: &str| {
        let s = if count == 1 { "" } else { "s" };
        format!("{} {what}{s}", human::count(count))
    };
    let calls = counted(health.calls, "call");
    let errors = counted(health.errors, "error");
    let mut spans = vec![span(format!("{calls}, {errors}"), theme.text)];
    if let Some(rate) = health.error_rate().filter(|rate| *rate > 0.0) {
        let text = format!(" ({} of the latest)", percent(rate));
        spans.push(span(text, theme.text));
    }
    if health.in_a_row > 1 {
        let text = format!(", {} in a row", health.in_a_row);
        spans.push(span(text, theme.bad));
    }
    spans
}

fn of_quarter(quarter: Quarter, theme: &Theme) -> Spans {
    let mut spans = match quarter.latency {
        Some(latency) => {
            let mut spans = self::latency(latency, true, theme);
            spans.push(span("  ", theme.dim));
            spans
        }
        None => Vec::new(),
    };
    let counts = [
        (quarter.calls, "call", "calls"),
        (quarter.errors, "error", "errors"),
        (quarter.exits, "end", "ends"),
        (quarter.stderr, "line on stderr", "lines on stderr"),
    ];
    let words = counts.iter().filter(|(count, ..)| *count > 0);
    let words = words.map(|(count, one, many)| match count {
        1 => format!("1 {one}"),
        _ => format!("{} {many}", human::count(*count)),
    });
    let words: Vec<String> = words.collect();
    spans.push(span(words.join(", "), theme.text));
    spans
}

/// What goes on between calls and the server, where there is anything to say.
fn traffic(server: &Server, now: Moment) -> Vec<String> {
    let load = server.load;
    let circuit = circuit(server, now).map(|words| format!("circuit {words}"));
    let queue = (load.running + load.waiting > 0).then(|| queue(server));
    [circuit, queue, cache(server)]
        .into_iter()
        .flatten()
        .collect()
}

fn cache(server: &Server) -> Option<String> {
    let cache = server.cache;
    let asked = cache.hits + cache.misses;
    (asked > 0 || cache.entries > 0).then(|| {
        let [hits, asked] = [cache.hits, asked].map(human::count);
        let bytes = human::bytes(cache.bytes as u64);
        format!("cache {hits} of {asked} hit, {bytes}")
    })
}

/// `3 tools ≈ 412 tokens`: in each request to the model.
fn tools(server: &Server) -> Option<String> {
    let tokens = human::count(server.tool_tokens);
    (server.tool_tokens > 0).then(|| format!("{} ≈ {tokens} tokens", super::servers::tools(server)))
}

/// `47.1 MB in 3 processes`; that it is one alone is said where there is room.
fn memory(server: &Server, whole: bool) -> Option<String> {
    let used = server.processes?;
    let resident = human::bytes(used.resident);
    Some(match used.count {
        1 if whole => format!("{resident} in 1 process"),
        1 => resident,
        count => format!("{resident} in {count} processes"),
    })
}

/// `12 %`; what is not nothing is at least 1.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).max(1.0))
}

/// `p50 2 ms p95 14 ms`, and `p99 20 ms` where there is room.
pub(super) fn latency(latency: Latency, whole: bool, theme: &Theme) -> Spans {
    let figures = [
        ("p50 ", latency.p50),
        (" p95 ", latency.p95),
        (" p99 ", latency.p99),
    ];
    let shown = figures.iter().take(if whole { 3 } else { 2 });
    let pair = |(name, took): &(&'static str, std::time::Duration)| {
        [
            span(*name, theme.dim),
            span(human::duration(*took), theme.text),
        ]
    };
    shown.flat_map(pair).collect()
}

/// The last samples as bars; what went wrong is an `x`.
pub(super) fn sparkline(health: &Health, most: usize) -> String {
    const BARS: [char; 7] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'];
    let skip = health.samples().len().saturating_sub(most);
    let last: Vec<&Sample> = health.samples().skip(skip).collect();
    let slowest = last.iter().map(|sample| sample.took.as_micros()).max();
    let slowest = slowest.unwrap_or(0).max(1);
    let bar = |sample: &&Sample| {
        if sample.end != Finish::Good {
            return 'x';
        }
        let step = sample.took.as_micros() * (BARS.len() as u128 - 1) / slowest;
        usize::try_from(step)
            .ok()
            .and_then(|step| BARS.get(step))
            .copied()
            .unwrap_or('▁')
    };
    last.iter().map(bar).collect()
}
