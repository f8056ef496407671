//! Two tables of figures: what the model sees and what it costs (`/context`), and what is kept of answers and lists (`/cache`).
//!
//! Pure.

use std::time::Duration;

use ratatui::text::Line;

use crate::app::App;
use crate::host::context::Part;
use crate::host::{CacheUse, ListState, Server};
use crate::ids::Moment;
use crate::mcp::request::ListKind;
use crate::text::{clean, human, wrap};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;

/// Cells of the bar of one row, and columns from which there is one.
const BAR: usize = 12;
const ROOMY: usize = 50;

/// What the model sees of everything, the largest part first.
pub(super) fn context(app: &App, cols: usize, theme: &Theme) -> Lines {
    let context = app.host.context();
    let share = share(context.used, context.window);
    let (used, window) = (human::count(context.used), human::count(context.window));
    let style = if context.used > context.window / 5 * 4 {
        theme.warn
    } else {
        theme.text
    };
    let head = [
        span(format!("About {used} of {window} tokens, {share} %"), style),
        span(
            ", by our estimate; old results are folded from 80 % on",
            theme.dim,
        ),
    ];
    let mut out = styled::wrapped(&head, cols);
    out.push(Line::from(bar(
        context.used,
        context.window,
        cols.min(60),
        theme,
    )));
    for part in &context.parts {
        out.push(Line::default());
        out.extend(costs(part, context.used, cols, theme));
    }
    out
}

/// A part and what it is made of.
fn costs(part: &Part, all: u64, cols: usize, theme: &Theme) -> Lines {
    let count = match part.items.len() {
        0 => String::new(),
        some => format!(" · {}", human::count(some as u64)),
    };
    let name = span(clean::line(&part.name), theme.strong);
    let name = vec![name, span(count, theme.dim)];
    let mut out = vec![cost(name, part.tokens, all, cols, theme)];
    for (name, tokens) in &part.items {
        let name = span(format!("  {}", clean::line(name)), theme.text);
        out.push(cost(vec![name], *tokens, all, cols, theme));
    }
    out
}

/// One row: what it is, its tokens, its share, and that as a bar where there is room.
fn cost(name: Spans, tokens: u64, all: u64, cols: usize, theme: &Theme) -> Line<'static> {
    let mut right = vec![
        span(format!(" {:>8}", human::count(tokens)), theme.text),
        span(format!(" {:>3} %", share(tokens, all)), theme.dim),
    ];
    if cols >= ROOMY {
        right.push(span(" ", theme.text));
        right.extend(bar(tokens, all, BAR, theme));
    }
    styled::spread(name, right, cols)
}

/// What is kept, server by server.
pub(super) fn cache(app: &App, cols: usize, theme: &Theme) -> Lines {
    let servers = &app.host.servers;
    let names = servers
        .iter()
        .map(|server| wrap::width(&clean::line(server.name.as_str())));
    let name = names.max().unwrap_or(0).clamp(5, 24);
    let mut out = answers(servers, name, cols, theme);
    out.push(Line::default());
    out.push(span("Lists of the servers", theme.accent).into());
    for server in servers {
        out.extend(lists(server, name, app.now, cols, theme));
    }
    out.push(Line::default());
    let text = "/cache clear forgets all of it, /cache clear SERVER what is of one server.";
    out.extend(styled::wrapped(&[span(text, theme.dim)], cols));
    out
}

/// Hits and sizes by server and in all.
fn answers(servers: &[Server], name: usize, cols: usize, theme: &Theme) -> Lines {
    let mut out: Lines = vec![span("Answers of tools", theme.accent).into()];
    let heads = ["hits", "misses", "rate", "held", "size"].map(str::to_owned);
    let head = aligned(&heads, cols);
    let mut row = |what: &str, cells: String, style| {
        let text = format!("{}{cells}", wrap::pad(&clean::line(what), name));
        let spans = styled::cropped(vec![span(text, style)], cols);
        out.push(Line::from(spans));
    };
    row("", head, theme.dim);
    let mut all = CacheUse::default();
    for server in servers {
        let of = server.cache;
        all.hits += of.hits;
        all.misses += of.misses;
        all.entries += of.entries;
        all.bytes += of.bytes;
        row(server.name.as_str(), aligned(&cells(&of), cols), theme.text);
    }
    row("all", aligned(&cells(&all), cols), theme.strong);
    let keeps = |server: &Server| {
        let spec = server.spec.as_ref();
        spec.is_some_and(|spec| !spec.policy.cache.is_empty())
    };
    if !servers.iter().any(keeps) {
        let text = "No tool's answers are kept: `cache_sec` in [mcp_servers.NAME.tools.TOOL] says for how long they are.";
        out.extend(styled::wrapped(&[span(text, theme.dim)], cols));
    }
    out
}

fn cells(of: &CacheUse) -> [String; 5] {
    let asked = of.hits + of.misses;
    let rate = match asked {
        0 => "–".to_owned(),
        _ => format!("{} %", share(of.hits, asked)),
    };
    [
        human::count(of.hits),
        human::count(of.misses),
        rate,
        human::count(of.entries as u64),
        human::bytes(of.bytes as u64),
    ]
}

/// The cells of a row under each other; in a narrow room only hits, their rate, and the size.
fn aligned(cells: &[String; 5], cols: usize) -> String {
    let [hits, misses, rate, held, size] = cells;
    let all = [hits, misses, rate, held, size];
    let few = [hits, rate, size];
    let shown: &[&String] = if cols >= 72 { &all } else { &few };
    shown.iter().map(|cell| format!(" {cell:>8}")).collect()
}

fn lists(server: &Server, name: usize, now: Moment, cols: usize, theme: &Theme) -> Lines {
    let of = |kind: ListKind| match kind {
        ListKind::Tools => ("tools", server.tools.len()),
        ListKind::Resources => ("resources", server.resources.len()),
        ListKind::Templates => ("templates", server.templates.len()),
        ListKind::Prompts => ("prompts", server.prompts.len()),
    };
    let usual = server
        .spec
        .as_ref()
        .map(|spec| spec.policy.list_ttl)
        .unwrap_or_default();
    let rows = server.lists.iter().map(|(kind, list)| {
        let (what, count) = of(*kind);
        let ttl = list.ttl.unwrap_or(usual);
        let who = if list.ttl.is_some() {
            "the server says"
        } else {
            "usual"
        };
        let state = stands(list, now, ttl, who);
        format!("{} {what}, {state}", human::count(count as u64))
    });
    let rows: Vec<String> = match server.lists.is_empty() {
        true => vec!["none yet".to_owned()],
        false => rows.collect(),
    };
    let title = clean::line(server.name.as_str());
    let rows = rows.into_iter().enumerate().flat_map(|(at, text)| {
        let head = if at == 0 {
            title.clone()
        } else {
            String::new()
        };
        let head = span(format!("{} ", wrap::pad(&head, name)), theme.text);
        styled::fact(head, vec![span(text, theme.dim)], cols)
    });
    rows.collect()
}

fn stands(list: &ListState, now: Moment, ttl: Duration, who: &str) -> String {
    match list.read {
        Some(read) if !list.confirmed => {
            let age = human::duration(now.since(read));
            format!("the old ones: reading them again failed {age} ago")
        }
        Some(read) => {
            let age = human::duration(now.since(read));
            match ttl.is_zero() {
                true => format!("read {age} ago, asked again whenever needed ({who})"),
                false => format!("read {age} ago, good for {} ({who})", human::duration(ttl)),
            }
        }
        None if list.confirmed => "asked again when needed".to_owned(),
        None => "from the last time, not confirmed yet".to_owned(),
    }
}

fn share(part: u64, all: u64) -> u64 {
    (part * 100 + all / 2).checked_div(all).unwrap_or(0)
}

fn bar(part: u64, all: u64, cells: usize, theme: &Theme) -> Spans {
    let all = all.max(1);
    let full = (part.min(all) * cells as u64).div_ceil(all);
    let full = usize::try_from(full).unwrap_or(cells).min(cells);
    vec![
        span("▰".repeat(full), theme.busy),
        span("▱".repeat(cells - full), theme.dim),
    ]
}
