//! All about one tool, resource or prompt: the server's words, its hints, and its schema as a tree.
//!
//! Pure.

use ratatui::text::Line;

use crate::app::form::tree::{Outline, outlines};
use crate::app::inspector::offers::{Offered, list};
use crate::mcp::prompt::Prompt;
use crate::mcp::tool::{Annotations, Tool};
use crate::text::{clean, human};
use crate::view::code;
use crate::view::inspector::offers::{Desk, short};
use crate::view::resources;
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::{calls, pins};

/// Characters of a description.
const WORDS: usize = 4_000;
/// Columns of a fact's name.
const NAME: usize = 10;

/// The lines about a thing.
pub(super) fn lines(desk: &Desk<'_>, of: &Offered, cols: usize) -> Lines {
    let mut out = match of {
        Offered::Tool(name) => {
            let tool = desk.server.tools.iter().find(|tool| tool.name == *name);
            tool.map_or_else(Vec::new, |tool| of_tool(desk, tool, cols))
        }
        Offered::Prompt(name) => {
            let prompt = desk
                .server
                .prompts
                .iter()
                .find(|prompt| prompt.name == *name);
            prompt.map_or_else(Vec::new, |prompt| of_prompt(desk, prompt, cols))
        }
        Offered::Resource(uri) => of_resource(desk, uri, cols),
        Offered::Template(uri) => of_template(desk, uri, cols),
    };
    out.extend(called(desk, of, cols));
    out
}

fn of_tool(desk: &Desk<'_>, tool: &Tool, cols: usize) -> Lines {
    let theme = desk.theme;
    let mut out = words(
        desk,
        tool.title.as_deref(),
        tool.description.as_deref(),
        cols,
    );
    let hints = hints(&tool.annotations);
    if !hints.is_empty() {
        let said = format!("{} (its own word)", hints.join(", "));
        out.extend(fact(desk, "hints", said, cols));
    }
    if let Some(traits) = resources::traits(tool) {
        out.extend(fact(desk, "besides", traits, cols));
    }
    out.extend(pins::remarks(desk.server, &tool.name, cols, theme));
    let (takes, answers) = outlines(tool);
    section(desk, &mut out, "Takes");
    if takes.is_empty() {
        out.push(span("No arguments.", theme.dim).into());
    }
    out.extend(tree(desk, &takes, cols));
    if let Some(answers) = answers {
        section(desk, &mut out, "Answers with");
        out.extend(tree(desk, &answers, cols));
    }
    out
}

fn hints(of: &Annotations) -> Vec<&'static str> {
    let said = [
        (of.read_only, "only reads", "writes"),
        (of.destructive, "may destroy", "destroys nothing"),
        (of.idempotent, "may be repeated", "does more when repeated"),
        (of.open_world, "reaches outside", "stays inside"),
    ];
    let word = |(said, yes, no): (Option<bool>, &'static str, &'static str)| {
        said.map(|said| if said { yes } else { no })
    };
    said.into_iter().filter_map(word).collect()
}

fn of_prompt(desk: &Desk<'_>, prompt: &Prompt, cols: usize) -> Lines {
    let mut out = words(
        desk,
        prompt.title.as_deref(),
        prompt.description.as_deref(),
        cols,
    );
    section(desk, &mut out, "Takes");
    if prompt.arguments.is_empty() {
        out.push(span("No arguments.", desk.theme.dim).into());
    }
    let row = |argument: &crate::mcp::prompt::PromptArgument| Outline {
        depth: 0,
        name: argument.name.clone(),
        required: argument.required,
        takes: "text".to_owned(),
        words: argument
            .description
            .clone()
            .or_else(|| argument.title.clone()),
    };
    let rows: Vec<Outline> = prompt.arguments.iter().map(row).collect();
    out.extend(tree(desk, &rows, cols));
    out
}

fn of_resource(desk: &Desk<'_>, uri: &str, cols: usize) -> Lines {
    let Some(of) = desk.server.resources.iter().find(|of| of.uri == *uri) else {
        return Vec::new();
    };
    let mut out = words(desk, of.title.as_deref(), of.description.as_deref(), cols);
    out.extend(fact(desk, "name", short(&of.name, WORDS), cols));
    out.extend(fact(desk, "URI", short(&of.uri, WORDS), cols));
    if let Some(mime) = &of.mime {
        out.extend(fact(desk, "type", short(mime, WORDS), cols));
    }
    if let Some(size) = of.size {
        out.extend(fact(desk, "size", human::bytes(size), cols));
    }
    out
}

fn of_template(desk: &Desk<'_>, uri: &str, cols: usize) -> Lines {
    let mut templates = desk.server.templates.iter();
    let Some(of) = templates.find(|of| of.uri_template == *uri) else {
        return Vec::new();
    };
    let mut out = words(desk, of.title.as_deref(), of.description.as_deref(), cols);
    out.extend(fact(desk, "name", short(&of.name, WORDS), cols));
    out.extend(fact(desk, "template", short(uri, WORDS), cols));
    if let Some(mime) = &of.mime {
        out.extend(fact(desk, "type", short(mime, WORDS), cols));
    }
    out
}

/// The calls that were made of it, in a line.
fn called(desk: &Desk<'_>, of: &Offered, cols: usize) -> Lines {
    let mut calls = list::calls(desk.at.host, desk.at.server, of);
    let Some(last) = calls.next() else {
        return Vec::new();
    };
    let mut out = Vec::new();
    section(desk, &mut out, &format!("Calls · {}", calls.count() + 1));
    out.push(calls::line(last, cols, desk.theme, desk.app.now));
    out
}

fn words(desk: &Desk<'_>, title: Option<&str>, description: Option<&str>, cols: usize) -> Lines {
    let mut out = Vec::new();
    if let Some(title) = title {
        out.extend(styled::wrapped(
            &[span(short(title, 400), desk.theme.strong)],
            cols,
        ));
    }
    if let Some(text) = description.map(str::trim).filter(|text| !text.is_empty()) {
        let text: String = text.chars().take(WORDS).collect();
        out.extend(code::plain(&clean::block(&text), desk.theme.text, cols));
    }
    out
}

fn fact(desk: &Desk<'_>, name: &str, value: String, cols: usize) -> Lines {
    let name = span(format!("{name:<NAME$}"), desk.theme.dim);
    styled::fact(name, vec![span(clean::line(&value), desk.theme.text)], cols)
}

fn section(desk: &Desk<'_>, out: &mut Lines, title: &str) {
    if !out.is_empty() {
        out.push(Line::default());
    }
    out.push(span(title.to_owned(), desk.theme.accent).into());
}

/// A schema's rows: the name, what it takes, and below it what is meant.
fn tree(desk: &Desk<'_>, rows: &[Outline], cols: usize) -> Lines {
    let theme = desk.theme;
    let mut out = Vec::new();
    for row in rows {
        let indent = (row.depth * 2).min(cols / 3);
        let room = cols.saturating_sub(indent + 2).max(1);
        let mut spans: Spans = vec![span(short(&row.name, 200), theme.entity)];
        if row.required {
            spans.push(span("*", theme.warn));
        }
        spans.push(span(format!("  {}", short(&row.takes, 400)), theme.dim));
        let lines = styled::prefixed(
            styled::wrapped(&spans, room),
            &[span("", theme.text)],
            &[span("  ", theme.text)],
        );
        out.extend(styled::indented(lines, indent));
        if let Some(text) = &row.words {
            let mut lines = code::plain(&short(text, 300), theme.text, room);
            lines.truncate(3);
            out.extend(styled::indented(lines, indent + 2));
        }
    }
    out
}
