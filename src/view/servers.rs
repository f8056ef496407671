//! Server health: one line a server, and below, where there is room, more about the marked one.
//!
//! Pure.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::{App, Overlay, Pane};
use crate::host::Server;
use crate::ids::Moment;
use crate::mcp::status::{Era, Status};
use crate::mcp::verdict::Grade;
use crate::text::{clean, human, wrap};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{calls, pane, vitals};

/// Columns of a name at most.
const NAME: usize = 18;
/// Samples in a sparkline, and how few are worth drawing.
pub(super) const SPARKS: usize = 10;
const FEW: usize = 3;

/// Draws the pane. Gives the first row on show and how many there are.
pub(super) fn draw(
    app: &App,
    theme: &Theme,
    frame: &mut Frame,
    area: Rect,
    boxed: bool,
) -> (usize, usize) {
    let focused = app.focus == Pane::Servers && matches!(app.overlay, Overlay::None);
    let servers = &app.host.servers;
    let ready = servers
        .iter()
        .filter(|server| server.status.is_ready())
        .count();
    let title = format!("Servers · {ready} of {} ready", servers.len());
    let inner = pane::framed(frame, theme, area, &title, focused, boxed);
    let cols = usize::from(inner.width);
    if servers.is_empty() {
        let word = span(
            "No servers. mcpdeck config path says where to name them.",
            theme.dim,
        );
        pane::lines(frame, inner, &styled::wrapped(&[word], cols));
        return (0, usize::from(inner.height));
    }
    let marked = app.servers.marked.min(servers.len() - 1);
    let rows = usize::from(inner.height);
    let first = calls::first_row(servers.len(), rows, Some(marked));
    list(app, theme, frame, inner, (first, marked, focused));
    let used = u16::try_from(servers.len().min(rows)).unwrap_or(inner.height);
    let below = Rect {
        y: inner.y + used,
        height: inner.height - used,
        ..inner
    };
    if below.height >= 3 {
        more(app, &servers[marked], theme, frame, below);
    }
    (first, rows)
}

fn list(
    app: &App,
    theme: &Theme,
    frame: &mut Frame,
    area: Rect,
    (first, marked, focused): (usize, usize, bool),
) {
    let servers = &app.host.servers;
    let widest = |of: fn(&Server) -> usize| servers.iter().map(of).max().unwrap_or(0);
    let name = widest(|server| wrap::width(&clean::line(server.name.as_str()))).min(NAME);
    let word = widest(column);
    let tools = widest(|server| tools(server).len());
    let cols = usize::from(area.width);
    let rows = usize::from(area.height);
    for (row, server) in servers.iter().skip(first).take(rows).enumerate() {
        let mut text = line(server, (name, word, tools), cols, theme, app.now);
        if app.host.lab.on_at(&server.name).is_some() {
            // Whatever else has no room: what is seen of this server now is not all its own doing.
            let mut spans = std::mem::take(&mut text.spans);
            spans.insert(2.min(spans.len()), span(" [fault on]", theme.warn));
            text.spans = styled::cropped(spans, cols);
        }
        pane::line(frame, area, row, &text);
        if focused && first + row == marked {
            pane::mark(frame, theme, area, row);
        }
    }
}

/// What stands below the list about the marked server.
fn more(app: &App, server: &Server, theme: &Theme, frame: &mut Frame, area: Rect) {
    let body = pane::ruled(
        frame,
        theme,
        area,
        &clean::line(server.name.as_str()),
        false,
    );
    let cols = usize::from(body.width);
    let mut lines = Lines::new();
    if let Some(faults) = app.host.lab.on_at(&server.name) {
        let name = span(format!("{:<11}", "faults"), theme.dim);
        let words = vec![span(faults.words(), theme.warn)];
        lines.extend(styled::fact(name, words, cols));
    }
    lines.extend(facts(server, cols, theme, app.now));
    pane::lines(frame, body, &lines);
}

fn facts(server: &Server, cols: usize, theme: &Theme, now: Moment) -> Lines {
    let mut facts: Vec<(&str, Spans)> = Vec::new();
    let text = |text: String| vec![span(text, theme.text)];
    if let Some(failure) = server.status.failure() {
        let headline = span(clean::line(&failure.headline()), theme.bad);
        facts.push(("cause", vec![headline]));
        let hint = failure.hint.as_ref();
        facts.extend(hint.map(|hint| ("hint", text(clean::line(hint)))));
        if server.status.needs_sign_in() {
            let name = clean::line(server.name.as_str());
            facts.push(("sign in", text(format!("s here, or /login {name}"))));
        }
    } else if server.verdict.grade > Grade::Healthy {
        let (sign, style) = vitals::grade(server.verdict.grade, theme);
        let words = clean::line(&server.verdict_words(now));
        facts.push(("verdict", vec![span(format!("{sign} {words}"), style)]));
    }
    facts.extend(vitals::short(server, theme, now));
    if !server.held.is_empty() {
        let count = server.held.len();
        let text = format!("{count} changed, blocked (a: look)");
        facts.push(("tools", vec![span(text, theme.warn)]));
    }
    // A failure is told once, as its cause.
    if let (Some(failure), Some(error)) = (server.status.failure(), &server.health.last_error)
        && *error == failure.headline()
    {
        facts.retain(|(name, _)| *name != "last error");
    }
    facts
        .into_iter()
        .flat_map(|(name, value)| styled::fact(span(format!("{name:<11}"), theme.dim), value, cols))
        .collect()
}

/// Sign, word and style of a server's state.
pub(super) fn state(
    server: &Server,
    theme: &Theme,
    now: Moment,
) -> (&'static str, &'static str, Style) {
    let status = &server.status;
    let (sign, style) = match status {
        Status::Disabled => ("–", theme.dim),
        Status::Starting { .. } => (calls::spinner(now), theme.busy),
        Status::Ready { .. } => vitals::grade(server.verdict.grade, theme),
        Status::Waiting { .. } => ("!", theme.warn),
        // Nothing is broken: something is to be done.
        Status::Failed { .. } if status.needs_sign_in() => ("!", theme.warn),
        Status::Failed { .. } => ("✗", theme.bad),
    };
    (sign, word(status), style)
}

/// The state in a word or two.
fn word(status: &Status) -> &'static str {
    match status {
        Status::Failed { .. } if status.needs_sign_in() => "needs sign-in",
        _ => status.word(),
    }
}

/// How wide the state stands in the list: what is said with a reason has no column.
fn column(server: &Server) -> usize {
    match server.status {
        Status::Ready { .. } | Status::Disabled | Status::Starting { .. } => {
            word(&server.status).len()
        }
        Status::Waiting { .. } | Status::Failed { .. } => 0,
    }
}

/// One server on one line, name and state padded to these columns. What does not fit goes from the right, the cause of a failure last.
fn line(
    server: &Server,
    (name, wide, tools): (usize, usize, usize),
    cols: usize,
    theme: &Theme,
    now: Moment,
) -> Line<'static> {
    let (sign, word, style) = state(server, theme, now);
    let mut spans = vec![
        span(format!("{sign} "), style),
        span(
            wrap::pad(&clean::line(server.name.as_str()), name),
            theme.strong,
        ),
    ];
    let words = || {
        span(
            format!(" {}", clean::line(&server.verdict_words(now))),
            style,
        )
    };
    match &server.status {
        Status::Disabled => spans.push(span(format!(" {word}"), style)),
        Status::Starting { since } => {
            let since = human::duration(now.since(*since));
            spans.push(span(format!(" {word} {since}"), style));
            if server.is_expected() {
                let text = format!(" · {}, not confirmed yet", self::tools(server));
                spans.push(span(text, theme.dim));
            }
        }
        Status::Ready { .. } if server.verdict.grade > Grade::Healthy => spans.push(words()),
        Status::Ready { hello, .. } => {
            spans.push(span(format!(" {word:<wide$}"), style));
            let taken = styled::width(&spans);
            spans.extend(figures(server, hello.era, (taken, tools), cols, theme));
        }
        Status::Waiting { until, attempt, .. } => {
            // What counts stands first: the reason may be long.
            let left = human::countdown(until.since(now));
            let text = format!(" again in {left}, try {}:", attempt + 1);
            spans.push(span(text, theme.warn));
            let words = clean::line(&server.verdict.words);
            spans.push(span(format!(" {words}"), theme.dim));
        }
        Status::Failed { .. } => spans.push(words()),
    }
    Line::from(styled::cropped(spans, cols))
}

fn figures(
    server: &Server,
    era: Era,
    (taken, tools): (usize, usize),
    cols: usize,
    theme: &Theme,
) -> Spans {
    let mut spans = vec![span(
        format!(" {:>tools$} ", self::tools(server)),
        theme.text,
    )];
    spans.push(span(format!("{} ", era_word(era)), theme.dim));
    let mut errors = Spans::new();
    if let Some(rate) = server.health.error_rate().filter(|rate| *rate > 0.0) {
        errors = vec![span(format!(" {} err", vitals::percent(rate)), theme.bad)];
    }
    let health = &server.health;
    if cols >= 70 {
        let sparks = vitals::sparkline(health, SPARKS);
        spans.push(span(format!("{sparks:<SPARKS$} "), theme.busy));
        if let Some(latency) = health.latency() {
            spans.extend(vitals::latency(latency, cols >= 90, theme));
        }
        spans.extend(errors);
    } else if let Some(latency) = health.latency() {
        let [half, most] = [latency.p50, latency.p95].map(human::duration);
        spans.push(span(both(&half, &most), theme.text));
        spans.extend(errors);
        // What room is left shows how it came to be.
        let room = cols.saturating_sub(taken + styled::width(&spans) + 1);
        if room >= FEW {
            let sparks = vitals::sparkline(health, room.min(SPARKS));
            spans.push(span(format!(" {sparks}"), theme.busy));
        }
    }
    // A list of which everything could be used has an empty entry.
    let rejected: usize = server.rejected.values().map(Vec::len).sum();
    if rejected > 0 {
        let text = format!(" {rejected} rejected");
        spans.push(span(text, theme.warn));
    }
    if let Some(error) = server.health.last_error.as_ref().filter(|_| cols >= 90) {
        spans.push(span(format!(" last: {}", clean::line(error)), theme.dim));
    }
    spans
}

/// `3 tools`.
pub(super) fn tools(server: &Server) -> String {
    match server.tools.len() {
        1 => "1 tool".to_owned(),
        count => format!("{} tools", human::count(count as u64)),
    }
}

/// `3 ms/1.2 s`, or `3/14 ms` where the unit is the same.
fn both(half: &str, most: &str) -> String {
    match (half.rsplit_once(' '), most.rsplit_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number}/{most}"),
        _ => format!("{half}/{most}"),
    }
}

/// The era as a word.
pub(super) fn era_word(era: Era) -> &'static str {
    match era {
        Era::Legacy => "legacy",
        Era::Modern => "modern",
    }
}
