//! The Overview tab: the verdict with its true cause, how the server came up step by step, what it announces, and what the rules
//! have against it.
//!
//! Pure. All words of a server are cleaned here.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Room;
use crate::app::inspector::overview::{OverviewTab, Repeat};
use crate::config::Launch;
use crate::host::Server;
use crate::host::fix;
use crate::ids::Moment;
use crate::mcp::failure::Failure;
use crate::mcp::lint::{Finding, Level, Object};
use crate::mcp::start::{Start, Step, StepEnd};
use crate::mcp::status::{Hello, Status};
use crate::text::human::{self, plural};
use crate::text::{clean, wrap};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{calls, code, pane, resources, servers, vitals};

/// Columns below which nothing stands beside anything.
const NARROW: usize = 60;
/// Lines of stderr that are shown; the wire has them all.
const STDERR: usize = 8;
/// Characters of instructions that are shown.
const WORDS: usize = 600;

/// Draws the tab and says how many rows it has.
pub(super) fn draw(room: &mut Room<'_>, frame: &mut Frame, area: Rect) {
    let (app, theme, tab) = (room.app, room.theme, &room.inspector.overview);
    let cols = usize::from(area.width);
    let lines = match app.host.server(&room.inspector.server) {
        Some(server) => lines(server, tab, app.now, cols, theme),
        None => vec![span("There is no such server.", theme.dim).into()],
    };
    let rows = usize::from(area.height);
    room.measured.detail = (lines.len(), rows);
    let first = tab.at.min(lines.len().saturating_sub(rows));
    pane::lines(frame, area, lines.get(first..).unwrap_or_default());
}

fn lines(server: &Server, tab: &OverviewTab, now: Moment, cols: usize, theme: &Theme) -> Lines {
    let mut out = verdict(server, tab, now, cols, theme);
    out.extend(watching(tab, cols, theme));
    let took = server.start.took().map(human::duration);
    let title = match took.filter(|_| server.status.is_ready()) {
        Some(took) => format!("How it came up · {took}"),
        None => "How it came up".to_owned(),
    };
    section(&mut out, &title, theme);
    out.extend(checklist(server, now, cols, theme));
    if let Some(hello) = &server.hello {
        section(&mut out, "What it says of itself", theme);
        out.extend(itself(server, hello, cols, theme));
    }
    // Why it is not there stands on top.
    let cause = tab.cause().filter(|_| server.status.failure().is_some());
    let others = || tab.findings.iter().filter(|found| Some(*found) != cause);
    if others().next().is_some() {
        section(&mut out, &counted(others()), theme);
        for found in others() {
            out.extend(finding(found, cols, theme));
        }
    } else if server.status.is_ready() {
        section(&mut out, "Nothing against it by any rule", theme);
    }
    out
}

fn section(out: &mut Lines, title: &str, theme: &Theme) {
    out.push(Line::default());
    out.push(span(title.to_owned(), theme.accent).into());
}

fn fact(out: &mut Lines, name: &str, value: Spans, cols: usize, theme: &Theme) {
    let wide = if cols < NARROW { 11 } else { 14 };
    let name = span(format!("{name:<wide$}"), theme.dim);
    out.extend(styled::fact(name, value, cols));
}

/// How it does, why, and what to do about it.
fn verdict(server: &Server, tab: &OverviewTab, now: Moment, cols: usize, theme: &Theme) -> Lines {
    let mut out = Lines::new();
    let (sign, word, style) = servers::state(server, theme, now);
    let mut state = vec![span(format!("{sign} {word}"), style)];
    if server.status.is_ready() {
        let (sign, style) = vitals::grade(server.verdict.grade, theme);
        let words = clean::line(&server.verdict_words(now));
        state = vec![span(format!("{sign} {words}"), style)];
    }
    if let Status::Waiting { until, .. } = &server.status {
        let left = human::countdown(until.since(now));
        state.push(span(format!(" · next try in {left}"), theme.dim));
    }
    fact(&mut out, "verdict", state, cols, theme);
    let launch = server.spec.as_ref().map(|spec| spec.launch.identity());
    if let Some(launch) = launch {
        let launch = vec![span(clean::line(&launch), theme.text)];
        fact(&mut out, "started as", launch, cols, theme);
    }
    if let Some(failure) = server.status.failure() {
        let cause = tab
            .cause()
            .map_or_else(|| failure.headline(), |found| found.says.clone());
        let cause = vec![span(clean::line(&cause), theme.bad)];
        fact(&mut out, "cause", cause, cols, theme);
        let fix = tab
            .cause()
            .map_or_else(|| fix::of(server, tab.given), |found| found.fix.clone());
        let fix = vec![span(clean::line(&fix), theme.strong)];
        fact(&mut out, "fix", fix, cols, theme);
        out.extend(words_of(failure, cols, theme));
    }
    out
}

/// What was said on stderr and stdout before it failed.
fn words_of(failure: &Failure, cols: usize, theme: &Theme) -> Lines {
    let mut out = Lines::new();
    if let Some(line) = &failure.stdout_line {
        let line = vec![span(clean::line(line), theme.text)];
        fact(&mut out, "stdout", line, cols, theme);
    }
    if failure.stderr.is_empty() {
        return out;
    }
    let skip = failure.stderr.len().saturating_sub(STDERR);
    let text = failure.stderr[skip..].join("\n");
    out.push(span("stderr, its last lines", theme.dim).into());
    let inner = cols.saturating_sub(2).max(1);
    let bar = [span("│ ", theme.border)];
    let lines = code::plain(&clean::block(&text), theme.text, inner);
    out.extend(styled::prefixed(lines, &bar, &bar));
    out
}

/// What is done when the files change.
fn watching(tab: &OverviewTab, cols: usize, theme: &Theme) -> Lines {
    let mut out = Lines::new();
    let watch = &tab.watch;
    if watch.paths.is_empty() {
        return out;
    }
    let paths = watch
        .paths
        .iter()
        .map(|path| clean::line(&path.to_string_lossy()));
    let mut words = paths.collect::<Vec<_>>().join(", ");
    if let Some(path) = &watch.touched {
        let path = clean::line(&path.to_string_lossy());
        words.push_str(&format!(" · restarts: {}, last for {path}", watch.restarts));
    }
    let words = vec![span(words, theme.text)];
    fact(&mut out, "watches", words, cols, theme);
    if let Some((style, words)) = repeated(&watch.repeat, theme) {
        let words = vec![span(clean::line(&words), style)];
        fact(&mut out, "last call", words, cols, theme);
    }
    out
}

/// What becomes of the last call.
fn repeated(repeat: &Repeat, theme: &Theme) -> Option<(Style, String)> {
    Some(match repeat {
        Repeat::Nothing => return None,
        Repeat::Held(wish) => (
            theme.warn,
            format!(
                "{} is not repeated: it may change something; y repeats it now and after each restart",
                wish.words()
            ),
        ),
        Repeat::Next(wish) => (
            theme.busy,
            format!("{} is repeated once it is ready", wish.words()),
        ),
        Repeat::Done(wish) => (theme.good, format!("{} was repeated", wish.words())),
    })
}

fn is_child(server: &Server) -> bool {
    let spec = server.spec.as_ref();
    spec.is_none_or(|spec| !matches!(spec.launch, Launch::Http(_)))
}

fn checklist(server: &Server, now: Moment, cols: usize, theme: &Theme) -> Lines {
    let Start { steps, .. } = &server.start;
    if steps.is_empty() {
        return vec![span("  not started yet", theme.dim).into()];
    }
    let child = is_child(server);
    let wide = steps
        .iter()
        .map(|step| wrap::width(&step.what.words(child)))
        .max();
    let wide = wide.filter(|_| cols >= NARROW).unwrap_or(0);
    let line = |step: &Step| {
        let name = clean::line(&step.what.words(child));
        // Where nothing stands beside anything, a name takes what it takes.
        let name = match wide {
            0 => name,
            wide => wrap::pad(&name, wide),
        };
        let (sign, style, took, note) = end(step, now, theme);
        let mut spans = vec![
            span(format!("{sign} "), style),
            span(name, theme.text),
            span(
                format!("  {:>7}", took.map(human::duration).unwrap_or_default()),
                theme.dim,
            ),
        ];
        if let Some(note) = note {
            spans.push(span(format!("  {}", clean::line(&note)), style));
        }
        let lines = styled::wrapped(&spans, cols.saturating_sub(4).max(1));
        styled::prefixed(
            lines,
            &[span("  ", theme.text)],
            &[span("    ", theme.text)],
        )
    };
    steps.iter().flat_map(line).collect()
}

type End = (&'static str, Style, Option<Duration>, Option<String>);

fn end(step: &Step, now: Moment, theme: &Theme) -> End {
    match &step.end {
        None => {
            let so_far = Some(now.since(step.since));
            (
                calls::spinner(now),
                theme.busy,
                so_far,
                Some("no answer yet".to_owned()),
            )
        }
        Some((took, StepEnd::Done { says })) => ("✓", theme.good, Some(*took), says.clone()),
        Some((took, StepEnd::Refused { why })) => ("–", theme.dim, Some(*took), Some(why.clone())),
        Some((took, StepEnd::Failed { why })) => ("✗", theme.bad, Some(*took), Some(why.clone())),
    }
}

fn itself(server: &Server, hello: &Hello, cols: usize, theme: &Theme) -> Lines {
    let mut out = Lines::new();
    let text = |text: String| vec![span(text, theme.text)];
    let name = format!(
        "{} {}",
        clean::line(&hello.name),
        clean::line(&hello.version)
    );
    fact(&mut out, "name", text(name), cols, theme);
    let era = servers::era_word(hello.era);
    let revision = format!("{} · {era}", clean::line(&hello.revision));
    fact(&mut out, "protocol", text(revision), cols, theme);
    let can = resources::capabilities(&hello.capabilities);
    fact(&mut out, "can", text(can), cols, theme);
    if let Some(names) = resources::extensions(&hello.capabilities) {
        fact(&mut out, "extensions", text(names), cols, theme);
    }
    fact(&mut out, "has", text(counts(server)), cols, theme);
    let tokens = human::count(server.tool_tokens);
    let costs = format!("about {tokens} tokens in each request");
    fact(&mut out, "costs", text(costs), cols, theme);
    if let Some(words) = &hello.instructions {
        let head: String = words.chars().take(WORDS).collect();
        let more = words.chars().nth(WORDS).map_or("", |_| " …");
        let words = format!("{}{more}", clean::block(&head));
        fact(&mut out, "instructions", text(words), cols, theme);
    }
    out
}

fn counts(server: &Server) -> String {
    [
        (server.tools.len(), "tool"),
        (server.resources.len(), "resource"),
        (server.templates.len(), "template"),
        (server.prompts.len(), "prompt"),
    ]
    .map(|(count, what)| plural(count, what))
    .join(", ")
}

/// `Rules · 1 error, 2 warnings, 3 notes`
fn counted<'a>(findings: impl Iterator<Item = &'a Finding> + Clone) -> String {
    let count = |level| {
        let of_level = |found: &&Finding| found.rule.level == level;
        findings.clone().filter(of_level).count()
    };
    let part = |level: Level| match count(level) {
        0 => None,
        count => Some(plural(count, level.word())),
    };
    let parts = [Level::Error, Level::Warning, Level::Note]
        .into_iter()
        .filter_map(part);
    format!("Rules · {}", parts.collect::<Vec<_>>().join(", "))
}

fn finding(found: &Finding, cols: usize, theme: &Theme) -> Lines {
    let (sign, style) = match found.rule.level {
        Level::Error => ("✗", theme.bad),
        Level::Warning => ("!", theme.warn),
        Level::Note => ("·", theme.dim),
    };
    let about = match &found.object {
        Object::Server => String::new(),
        object => format!("{}: ", clean::line(&object.words())),
    };
    let says = [
        span(format!("{sign} {} ", found.rule.level.word()), style),
        span(format!("{} ", found.rule.id), theme.strong),
        span(format!("{about}{}", clean::line(&found.says)), theme.text),
    ];
    let room = cols.saturating_sub(6).max(1);
    let (first, indent) = ([span("  ", theme.text)], [span("    ", theme.text)]);
    let below = |spans: &[Span<'static>], first: &[Span<'static>]| {
        styled::prefixed(styled::wrapped(spans, room), first, &indent)
    };
    let mut out = below(&says, &first);
    let rule = [
        span("rule  ", theme.dim),
        span(found.rule.text, theme.text),
        span(format!(" ({})", found.rule.source), theme.dim),
    ];
    out.extend(below(&rule, &indent));
    let fix = [
        span("fix   ", theme.dim),
        span(clean::line(&found.fix), theme.text),
    ];
    out.extend(below(&fix, &indent));
    out
}
