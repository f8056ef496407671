//! All about one server: how it is started, what it said, why it failed, its tools and its log. And the tools of all servers.
//!
//! Pure.

use std::path::PathBuf;

use ratatui::style::Style;
use ratatui::text::Line;
use serde_json::Value;

use crate::app::App;
use crate::config::{Confinement, Enforcement, Launch, PASSED_ON};
use crate::host::{LogLine, Server};
use crate::ids::{Moment, ServerName};
use crate::mcp::failure::Failure;
use crate::mcp::request::ListKind;
use crate::mcp::status::Status;
use crate::mcp::tool::Tool;
use crate::text::{clean, human};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{code, pins, question, resources, servers, vitals};

/// Characters of a description that are shown.
const WORDS: usize = 1_000;

/// The lines of a server's overlay.
pub(super) fn lines(app: &App, name: &ServerName, cols: usize, theme: &Theme) -> Lines {
    let Some(server) = app.host.server(name) else {
        return vec![span("There is no such server.", theme.dim).into()];
    };
    let mut out = facts(app, server, cols, theme);
    if let Some(failure) = server.status.failure() {
        section(&mut out, "Why it is not there", theme);
        out.extend(failed(failure, cols, theme));
    }
    if !server.tools.is_empty() || server.status.is_ready() {
        let doubt = match server.is_unconfirmed(ListKind::Tools) {
            true => " · from the last time, not confirmed yet",
            false => "",
        };
        let title = format!("Tools · {}{doubt}", server.tools.len());
        section(&mut out, &title, theme);
        for tool in &server.tools {
            out.extend(described(server, tool, cols, theme));
        }
    }
    out.extend(resources::sections(server, app.now, cols, theme));
    if !server.log.is_empty() {
        section(&mut out, "Log", theme);
        for line in &server.log {
            out.extend(logged(line, app.now, cols, theme));
        }
    }
    out
}

fn logged(line: &LogLine, now: Moment, cols: usize, theme: &Theme) -> Lines {
    let at = human::duration(now.since(line.at));
    let spans = [
        span(format!("{at} ago "), theme.dim),
        span(
            format!("{} ", clean::line(&line.level)),
            level(&line.level, theme),
        ),
        span(clean::line(&head(&line.text)), theme.text),
    ];
    styled::wrapped(&spans, cols)
}

/// The tools of all servers.
pub(super) fn tools(app: &App, cols: usize, theme: &Theme) -> Lines {
    let mut out = Vec::new();
    for server in &app.host.servers {
        let (sign, word, style) = servers::state(server, theme, app.now);
        if !out.is_empty() {
            out.push(Line::default());
        }
        let title = vec![
            span(clean::line(server.name.as_str()), theme.accent),
            span(format!("  {sign} {word}"), style),
            span(format!("  {}", servers::tools(server)), theme.dim),
        ];
        let mut title = title;
        if !server.tools.is_empty() && server.is_unconfirmed(ListKind::Tools) {
            title.push(span(", from the last time, not confirmed yet", theme.dim));
        }
        out.push(Line::from(styled::cropped(title, cols)));
        for tool in &server.tools {
            out.extend(described(server, tool, cols, theme));
        }
    }
    if out.is_empty() {
        out.push(span("No servers, no tools.", theme.dim).into());
    }
    out
}

fn section(out: &mut Lines, title: &str, theme: &Theme) {
    out.push(Line::default());
    out.push(span(title.to_owned(), theme.accent).into());
}

fn level(name: &str, theme: &Theme) -> Style {
    match name {
        "warning" | "notice" => theme.warn,
        "error" | "critical" | "alert" | "emergency" => theme.bad,
        _ => theme.dim,
    }
}

fn fact(out: &mut Lines, name: &str, value: Spans, cols: usize, theme: &Theme) {
    let name = span(format!("{name:<14}"), theme.dim);
    out.extend(styled::fact(name, value, cols));
}

/// What is to be thought of one that is there, and since when.
fn verdict(server: &Server, now: Moment, theme: &Theme) -> Spans {
    let (sign, style) = vitals::grade(server.verdict.grade, theme);
    let words = clean::line(&server.verdict_words(now));
    let since = human::duration(now.since(server.verdict.since));
    vec![
        span(format!("{sign} {words}"), style),
        span(format!(" · for {since}"), theme.dim),
    ]
}

fn facts(app: &App, server: &Server, cols: usize, theme: &Theme) -> Lines {
    let mut out = Vec::new();
    let (sign, word, style) = servers::state(server, theme, app.now);
    let required = if server.required { " · required" } else { "" };
    // How one does that is there, its verdict says.
    let word = match server.status.is_ready() {
        true => span(word, theme.text),
        false => span(format!("{sign} {word}"), style),
    };
    let state = vec![word, span(required, theme.dim)];
    fact(&mut out, "state", state, cols, theme);
    if server.status.is_ready() {
        fact(
            &mut out,
            "verdict",
            verdict(server, app.now, theme),
            cols,
            theme,
        );
    }
    let launch = server
        .spec
        .as_ref()
        .map(|spec| clean::line(&spec.launch.identity()));
    let launch = launch.map(|launch| ("started as", launch)).into_iter();
    let said = launch
        .chain(process(server))
        .chain(standing(server, app.now));
    for (name, text) in said.chain(resources::log_level(server)) {
        fact(&mut out, name, vec![span(text, theme.text)], cols, theme);
    }
    out.extend(pins::of_server(server, cols, theme));
    for (name, value) in vitals::long(server, theme, app.now) {
        fact(&mut out, name, value, cols, theme);
    }
    // What it failed by is told below, whole.
    let failed = server.status.failure().map(Failure::headline);
    let error = server.health.last_error.as_ref();
    if let Some(error) = error.filter(|error| failed.as_ref() != Some(*error)) {
        let error = vec![span(clean::line(&head(error)), theme.warn)];
        fact(&mut out, "last error", error, cols, theme);
    }
    out
}

/// What a server's process gets of our environment and what it may touch: nothing that is not said here.
fn process(server: &Server) -> Vec<(&'static str, String)> {
    let Some(spec) = &server.spec else {
        return Vec::new();
    };
    let Launch::Stdio(launch) = &spec.launch else {
        return Vec::new();
    };
    let mut named = PASSED_ON.join(" ") + " LC_*";
    let names = launch.env.keys().chain(&launch.env_vars);
    for name in names {
        named.push_str(&format!(", {}", clean::line(name)));
    }
    let may = match &spec.policy.confine {
        None => "what you may: it is not confined".to_owned(),
        Some(confine) => confined(confine, server.confined),
    };
    vec![("environment", named), ("may touch", may)]
}

fn confined(confine: &Confinement, held: Option<Enforcement>) -> String {
    let list = |paths: &[PathBuf]| {
        let paths = paths
            .iter()
            .map(|path| clean::line(&path.to_string_lossy()));
        paths.collect::<Vec<_>>().join(", ")
    };
    let mut parts = vec!["reads the system's programs".to_owned()];
    if !confine.read.is_empty() {
        parts.push(format!("reads {}", list(&confine.read)));
    }
    if !confine.write.is_empty() {
        parts.push(format!("changes {}", list(&confine.write)));
    }
    parts.push(match confine.network {
        true => "TCP is open".to_owned(),
        false => "no TCP (UDP is not held)".to_owned(),
    });
    parts.push(
        match held {
            Some(Enforcement::Fully) => "fully enforced by the kernel",
            Some(Enforcement::Partly) => {
                "partly enforced: this kernel does not hold signals and abstract sockets"
            }
            None => "not started",
        }
        .to_owned(),
    );
    parts.join(" · ")
}

/// What its state has to say.
fn standing(server: &Server, now: Moment) -> Vec<(&'static str, String)> {
    match &server.status {
        Status::Ready { since, hello } => {
            let up = human::duration(now.since(*since));
            let version = format!(
                "{} {}",
                clean::line(&hello.name),
                clean::line(&hello.version)
            );
            let era = servers::era_word(hello.era);
            let mut facts = vec![
                ("up", format!("{up} · restarts {}", server.restarts)),
                ("calls itself", version),
                (
                    "protocol",
                    format!("{era} · {}", clean::line(&hello.revision)),
                ),
                ("capabilities", resources::capabilities(&hello.capabilities)),
            ];
            let extensions = resources::extensions(&hello.capabilities);
            facts.extend(extensions.map(|names| ("extensions", names)));
            let words = hello.instructions.as_ref();
            facts.extend(words.map(|words| ("instructions", clean::block(&head(words)))));
            facts
        }
        Status::Starting { since } => vec![("for", human::duration(now.since(*since)))],
        Status::Waiting { until, attempt, .. } => {
            let left = human::duration(until.since(now));
            vec![("next try", format!("in {left}, try {}", attempt + 1))]
        }
        Status::Disabled | Status::Failed { .. } => Vec::new(),
    }
}

fn failed(failure: &Failure, cols: usize, theme: &Theme) -> Lines {
    let mut out = code::plain(&clean::block(&failure.message), theme.bad, cols);
    let mut pair = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            fact(
                &mut out,
                name,
                vec![span(clean::block(value), theme.text)],
                cols,
                theme,
            );
        }
    };
    pair("command", &failure.target);
    pair("exit", &failure.exit);
    pair("stdout line", &failure.stdout_line);
    pair("hint", &failure.hint);
    if !failure.stderr.is_empty() {
        out.push(span("stderr, its last lines", theme.dim).into());
        let text = failure.stderr.join("\n");
        let lines = code::plain(
            &clean::block(&text),
            theme.text,
            cols.saturating_sub(2).max(1),
        );
        out.extend(styled::prefixed(
            lines,
            &[span("│ ", theme.border)],
            &[span("│ ", theme.border)],
        ));
    }
    out
}

/// A tool with its arguments and what it does.
fn described(server: &Server, tool: &Tool, cols: usize, theme: &Theme) -> Lines {
    let mut spans = vec![
        span(clean::line(&tool.name), theme.strong),
        span(format!("({})", arguments(&tool.input_schema)), theme.dim),
    ];
    if tool.annotations != crate::mcp::tool::Annotations::default() {
        spans.push(span(
            format!("  says: {}", question::claims(&tool.annotations)),
            theme.dim,
        ));
    }
    if let Some(title) = &tool.title {
        spans.push(span(format!("  {}", clean::line(&head(title))), theme.text));
    }
    if let Some(traits) = resources::traits(tool) {
        spans.push(span(format!("  {traits}"), theme.dim));
    }
    let mut out = styled::prefixed(
        styled::wrapped(&spans, cols.saturating_sub(4).max(1)),
        &[span("  ", theme.text)],
        &[span("    ", theme.text)],
    );
    if let Some(words) = &tool.description {
        let lines = code::plain(
            &clean::block(head(words).trim()),
            theme.text,
            cols.saturating_sub(4).max(1),
        );
        out.extend(styled::indented(lines, 4));
    }
    let room = cols.saturating_sub(4).max(1);
    let remarks = pins::remarks(server, &tool.name, room, theme);
    out.extend(styled::indented(remarks, 4));
    out
}

/// `path, limit?: integer`.
fn arguments(schema: &Value) -> String {
    let required = schema.get("required").and_then(Value::as_array);
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
        return String::new();
    };
    let one = |(name, of): (&String, &Value)| {
        let needed = required.is_some_and(|all| all.iter().any(|r| r.as_str() == Some(name)));
        let mark = if needed { "" } else { "?" };
        match of.get("type").and_then(Value::as_str) {
            Some(kind) => format!("{}{mark}: {}", clean::line(name), clean::line(kind)),
            None => format!("{}{mark}", clean::line(name)),
        }
    };
    fields
        .iter()
        .take(32)
        .map(one)
        .collect::<Vec<_>>()
        .join(", ")
}

fn head(text: &str) -> String {
    text.chars().take(WORDS).collect()
}
