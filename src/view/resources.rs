//! What a server has beside tools, in its details: resources, templates, prompts, what of its lists cannot be used, what it is
//! asked to tell, and its capabilities in words.
//!
//! Pure. Called by `server_detail`.

use ratatui::text::Line;
use serde_json::Value;

use crate::host::Server;
use crate::ids::Moment;
use crate::mcp::prompt::Prompt;
use crate::mcp::request::ListKind;
use crate::mcp::tool::{Icon, TaskSupport, Tool};
use crate::text::{clean, human};
use crate::view::code;
use crate::view::styled::{self, Lines, span};
use crate::view::theme::Theme;

/// Things of one list that are shown; the palettes have all.
const SHOWN: usize = 12;
/// Rejected things of one list that are shown.
const REJECTED: usize = 20;
/// Characters of a server's words about one thing.
const WORDS: usize = 300;
/// Names of capabilities or extensions that are said.
const NAMES: usize = 32;

/// The sections about everything but tools.
pub(super) fn sections(server: &Server, now: Moment, cols: usize, theme: &Theme) -> Lines {
    let mut out = Vec::new();
    let resources = server.resources.iter().map(|resource| {
        let size = resource.size.map(human::bytes);
        let more = [
            resource.title.clone().or(Some(resource.name.clone())),
            resource.mime.clone(),
            size,
        ];
        entry(&resource.uri, &more, cols, theme)
    });
    let hint = "/resources lists all";
    list(&mut out, "Resources", resources, hint, cols, theme);
    let templates = server.templates.iter().map(|template| {
        let more = [
            template.title.clone().or(Some(template.name.clone())),
            template.mime.clone(),
        ];
        entry(&template.uri_template, &more, cols, theme)
    });
    list(&mut out, "Resource templates", templates, hint, cols, theme);
    let prompts = server
        .prompts
        .iter()
        .map(|prompt| prompt_entry(prompt, cols, theme));
    list(
        &mut out,
        "Prompts",
        prompts,
        "/prompts lists all",
        cols,
        theme,
    );
    rejected(&mut out, server, cols, theme);
    subscribed(&mut out, server, now, cols, theme);
    out
}

fn list(
    out: &mut Lines,
    title: &str,
    mut items: impl ExactSizeIterator<Item = Lines>,
    hint: &str,
    cols: usize,
    theme: &Theme,
) {
    let count = items.len();
    if count == 0 {
        return;
    }
    let all = human::count(u64::try_from(count).unwrap_or(u64::MAX));
    section(out, &format!("{title} · {all}"), theme);
    items
        .by_ref()
        .take(SHOWN)
        .for_each(|lines| out.extend(lines));
    if count > SHOWN {
        let more = format!("  … {} more: {hint}", count - SHOWN);
        out.extend(code::plain(&more, theme.dim, cols));
    }
}

fn section(out: &mut Lines, title: &str, theme: &Theme) {
    out.push(Line::default());
    out.push(span(title.to_owned(), theme.accent).into());
}

fn head(text: &str) -> String {
    clean::line(&text.chars().take(WORDS).collect::<String>())
}

/// A name and what is said about it, with what is folded standing a little to the right.
fn entry(name: &str, more: &[Option<String>], cols: usize, theme: &Theme) -> Lines {
    let more: Vec<String> = more.iter().flatten().map(|text| head(text)).collect();
    let spans = [
        span(head(name), theme.strong),
        span(format!("  {}", more.join(" · ")), theme.dim),
    ];
    hanging(&spans, cols, theme)
}

fn hanging(spans: &[ratatui::text::Span<'static>], cols: usize, theme: &Theme) -> Lines {
    styled::prefixed(
        styled::wrapped(spans, cols.saturating_sub(4).max(1)),
        &[span("  ", theme.text)],
        &[span("    ", theme.text)],
    )
}

fn prompt_entry(prompt: &Prompt, cols: usize, theme: &Theme) -> Lines {
    let arguments = prompt.arguments.iter().take(NAMES).map(|argument| {
        let mark = if argument.required { "" } else { "?" };
        format!("{}{mark}", head(&argument.name))
    });
    let arguments = arguments.collect::<Vec<_>>().join(", ");
    let words = prompt.title.as_deref().or(prompt.description.as_deref());
    let spans = [
        span(head(&prompt.name), theme.strong),
        span(format!("({arguments})"), theme.dim),
        span(format!("  {}", head(words.unwrap_or_default())), theme.dim),
    ];
    hanging(&spans, cols, theme)
}

/// What could not be used, and why; of tools it stands with the tools.
fn rejected(out: &mut Lines, server: &Server, cols: usize, theme: &Theme) {
    for (kind, of) in &server.rejected {
        let title = match kind {
            ListKind::Tools => "Tools that cannot be used",
            ListKind::Resources => "Resources that cannot be used",
            ListKind::Templates => "Resource templates that cannot be used",
            ListKind::Prompts => "Prompts that cannot be used",
        };
        if of.is_empty() {
            continue;
        }
        section(out, &format!("{title} · {}", of.len()), theme);
        for rejected in of.iter().take(REJECTED) {
            let name = rejected.name.as_deref().unwrap_or("(no name)");
            let spans = [
                span(format!("✗ {}:", head(name)), theme.bad),
                span(format!(" {}", head(&rejected.why)), theme.text),
            ];
            out.extend(styled::wrapped(&spans, cols));
        }
        if of.len() > REJECTED {
            let more = format!("… {} more", of.len() - REJECTED);
            out.push(span(more, theme.dim).into());
        }
    }
}

fn subscribed(out: &mut Lines, server: &Server, now: Moment, cols: usize, theme: &Theme) {
    if server.subscriptions.is_empty() {
        return;
    }
    section(
        out,
        &format!("Subscriptions · {}", server.subscriptions.len()),
        theme,
    );
    for (uri, changed) in server.subscriptions.iter().take(SHOWN) {
        let changed = match changed {
            Some(at) => format!("changed {} ago", human::duration(now.since(*at))),
            None => "no change so far".to_owned(),
        };
        out.extend(entry(uri, &[Some(changed)], cols, theme));
    }
    if server.subscriptions.len() > SHOWN {
        let more = format!("  … {} more", server.subscriptions.len() - SHOWN);
        out.push(span(more, theme.dim).into());
    }
}

/// What a server says that it can, in words.
pub(super) fn capabilities(value: &Value) -> String {
    let Some(fields) = value.as_object().filter(|fields| !fields.is_empty()) else {
        return "none told".to_owned();
    };
    let has = |of: &Value, flag: &str| of.get(flag).and_then(Value::as_bool) == Some(true);
    let said = fields.iter().take(NAMES).filter_map(|(name, of)| {
        let changes = || has(of, "listChanged").then_some("tells of changes");
        let (word, more) = match name.as_str() {
            "tools" | "prompts" => (name.as_str(), vec![changes()]),
            "resources" => {
                let subscribe = has(of, "subscribe").then_some("can be subscribed to");
                (name.as_str(), vec![subscribe, changes()])
            }
            "logging" => ("log messages", Vec::new()),
            "completions" => ("completions", Vec::new()),
            "tasks" => ("tasks", Vec::new()),
            // They have lines of their own.
            "extensions" | "experimental" => return None,
            other => return Some(format!("{} (not known here)", head(other))),
        };
        let more: Vec<&str> = more.into_iter().flatten().collect();
        Some(match more.as_slice() {
            [] => word.to_owned(),
            more => format!("{word} ({})", more.join(", ")),
        })
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() {
        "none told".to_owned()
    } else {
        said.join(", ")
    }
}

/// The extensions that a server announces, each with whether we speak it; absent where there are none.
pub(super) fn extensions(value: &Value) -> Option<String> {
    let names = ["extensions", "experimental"]
        .into_iter()
        .filter_map(|key| {
            let fields = value.get(key)?.as_object()?;
            let name = move |name: &String| {
                let word = if is_spoken(name) {
                    "supported"
                } else {
                    "not supported"
                };
                format!("{} ({word})", head(name))
            };
            Some(fields.keys().take(NAMES).map(name).collect::<Vec<_>>())
        });
    let names: Vec<String> = names.flatten().collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The extensions that mcpdeck speaks. Client credentials and enterprise-managed authorization are no server's to announce.
fn is_spoken(name: &str) -> bool {
    name == "io.modelcontextprotocol/tasks"
}

/// What a tool says of itself beside its description: a title, pictures, whether it runs as a task, an answer's schema.
pub(super) fn traits(tool: &Tool) -> Option<String> {
    let task = match tool.task {
        TaskSupport::Forbidden => None,
        TaskSupport::Optional => Some("can run as a task".to_owned()),
        TaskSupport::Required => Some("runs as a task".to_owned()),
    };
    let schema = tool
        .output_schema
        .is_some()
        .then(|| "answers by a schema".to_owned());
    let said = [icons(&tool.icons), task, schema];
    let said: Vec<String> = said.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// Pictures as a word: a terminal draws none from the network.
fn icons(icons: &[Icon]) -> Option<String> {
    let first = icons.first()?;
    let kind = first
        .mime
        .as_deref()
        .map(|mime| format!(" ({})", head(mime)));
    let count = match icons.len() {
        1 => "an icon".to_owned(),
        more => format!("{more} icons"),
    };
    Some(format!("{count}{}", kind.unwrap_or_default()))
}

/// The level from which on a server logs, as a fact.
pub(super) fn log_level(server: &Server) -> Option<(&'static str, String)> {
    let level = server.log_level.as_deref()?;
    Some(("logs", format!("from {} on", head(level))))
}
