//! The rows of the completions: what each kind of place can hold, and what fits what was typed.
//!
//! Pure. Called by [`super::Suggest::fit`]. Names and URIs that cannot be written as one word are left out, or lead to a form.

use crate::app::asker::Asker;
use crate::app::fuzzy::{self, Fit};
use crate::app::mention::{Kind, Prompting, Spot};
use crate::app::slash::COMMANDS;
use crate::app::suggest::{Suggestion, Then, server, typed_template};
use crate::host::{Host, Server};
use crate::mcp::resource::Resource;
use crate::mcp::tool::Tool;
use crate::text::clean;

/// Characters of a server's words that stand beside a row.
const NOTE: usize = 200;

/// The rows for what is written at the caret.
pub(super) fn of(spot: &Spot, host: &Host, asker: &Asker) -> Vec<Suggestion> {
    match &spot.kind {
        Kind::Command => fitted(&spot.typed, '/', commands(host)),
        Kind::Server => {
            let all = host.servers.iter();
            let row = |s: &Server| plain(s.name.as_str(), s.status.word());
            fitted(&spot.typed, ' ', all.map(row).collect())
        }
        Kind::Tool(of) => {
            let tools = server(host, of).map_or(&[][..], |server| &server.tools);
            let row = |tool: &Tool| {
                plain(
                    &tool.name,
                    note(tool.title.as_deref(), tool.description.as_deref()),
                )
            };
            fitted(&spot.typed, ' ', tools.iter().map(row).collect())
        }
        Kind::Uri(of) => {
            let resources = server(host, of).map_or(&[][..], |server| &server.resources);
            let resources = resources.iter().filter(|r| is_word(&r.uri));
            let row = |r: &Resource| plain(&r.uri, note(r.title.as_deref(), Some(&r.name)));
            fitted(&spot.typed, ' ', resources.map(row).collect())
        }
        Kind::Word(words) => {
            let row = |word: &str| plain(word, "");
            fitted(&spot.typed, ' ', words.split('|').map(row).collect())
        }
        Kind::Argument(prompting) => fitted(&spot.typed, ' ', arguments(prompting, host)),
        Kind::Value(_, argument) => values(argument, asker),
        Kind::Mention => mentions(spot, host, asker),
    }
}

/// A row whose text is followed by a blank.
fn plain(text: &str, note: impl Into<String>) -> Suggestion {
    Suggestion {
        insert: format!("{text} "),
        label: text.to_owned(),
        note: note.into(),
        hits: Vec::new(),
        then: Then::Write,
    }
}

/// The rows that fit. What was typed is compared with the label behind `sign`, if it begins with that.
fn fitted(typed: &str, sign: char, all: Vec<Suggestion>) -> Vec<Suggestion> {
    let named = all.into_iter().map(|row| {
        let name = row.label.strip_prefix(sign).unwrap_or(&row.label);
        (name.to_owned(), row.note.clone(), row)
    });
    let marked = |fit: Fit<Suggestion>| {
        let by = u32::from(fit.item.label.starts_with(sign));
        Suggestion {
            hits: fit.hits.into_iter().map(|hit| hit + by).collect(),
            ..fit.item
        }
    };
    fuzzy::rank_plain(typed, named)
        .into_iter()
        .map(marked)
        .collect()
}

/// A title, else the first line of a description.
fn note(title: Option<&str>, description: Option<&str>) -> String {
    let words = title.or(description).unwrap_or_default();
    let line = words.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or_default().trim().chars().take(NOTE).collect()
}

/// Whether a name can stand in the input as one word, as it is.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace) && clean::line(text) == text
}

fn commands(host: &Host) -> Vec<Suggestion> {
    let own = COMMANDS.iter().map(|command| {
        let text = format!("/{}", command.name);
        let ends = command.arguments.is_empty();
        Suggestion {
            insert: if ends {
                text.clone()
            } else {
                format!("{text} ")
            },
            note: command.help.to_owned(),
            then: if ends { Then::Send } else { Then::Write },
            label: text,
            hits: Vec::new(),
        }
    });
    let prompts = host.servers.iter().flat_map(|server| {
        server.prompts.iter().map(|prompt| {
            let label = format!("/{}:{}", server.name, prompt.name);
            let then = if !is_word(&prompt.name) {
                Then::Prompt(server.name.clone(), prompt.name.clone())
            } else if prompt.arguments.is_empty() {
                Then::Send
            } else {
                Then::Write
            };
            Suggestion {
                insert: format!("{label} "),
                note: note(prompt.title.as_deref(), prompt.description.as_deref()),
                label,
                hits: Vec::new(),
                then,
            }
        })
    });
    own.chain(prompts).collect()
}

/// The arguments of a prompt that are not written yet.
fn arguments(prompting: &Prompting, host: &Host) -> Vec<Suggestion> {
    let prompts = server(host, &prompting.server).map_or(&[][..], |server| &server.prompts);
    let Some(prompt) = prompts.iter().find(|p| p.name == prompting.prompt) else {
        return Vec::new();
    };
    let open = prompt.arguments.iter();
    let open = open.filter(|a| !prompting.given.contains_key(&a.name) && is_word(&a.name));
    open.map(|argument| {
        let words = note(argument.title.as_deref(), argument.description.as_deref());
        let needed = if argument.required {
            "required"
        } else {
            "optional"
        };
        Suggestion {
            insert: format!("{}=", argument.name),
            label: format!("{}=", argument.name),
            note: [needed, &words].join(" ").trim().to_owned(),
            hits: Vec::new(),
            then: Then::Write,
        }
    })
    .collect()
}

/// What the server would put in the place of a value; in its order, for it knows best.
fn values(argument: &str, asker: &Asker) -> Vec<Suggestion> {
    let known = asker.answer().map_or(&[][..], |answer| &answer.values);
    let row = |value: &String| Suggestion {
        insert: format!("{argument}={} ", quoted(value)),
        ..plain(value, "")
    };
    known.iter().map(row).collect()
}

/// A value as one word of the line.
fn quoted(value: &str) -> String {
    let value = clean::line(value);
    let is_bare = |c: char| !c.is_whitespace() && !"\"'\\[{".contains(c);
    if !value.is_empty() && value.chars().all(is_bare) {
        return value;
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

fn mentions(spot: &Spot, host: &Host, asker: &Asker) -> Vec<Suggestion> {
    let named = spot.typed.split_once(':');
    let only = named.and_then(|(name, uri)| Some((server(host, name)?, uri)));
    let mut out = Vec::new();
    if let Some((server, uri)) = only {
        out.extend(completed(server, uri, asker));
    }
    let mut all = Vec::new();
    let servers = host.servers.iter();
    for server in servers.filter(|s| only.is_none_or(|(only, _)| only.name == s.name)) {
        if only.is_none() && !(server.resources.is_empty() && server.templates.is_empty()) {
            let label = format!("@{}:", server.name);
            let counts = (server.resources.len(), server.templates.len());
            all.push(Suggestion {
                insert: label.clone(),
                note: counted(counts.0, counts.1),
                label,
                hits: Vec::new(),
                then: Then::Write,
            });
        }
        all.extend(of_server(server));
    }
    let taken: Vec<String> = out
        .iter()
        .map(|row: &Suggestion| row.insert.clone())
        .collect();
    let fitting = fitted(&spot.typed, '@', all);
    out.extend(
        fitting
            .into_iter()
            .filter(|row| !taken.contains(&row.insert)),
    );
    out
}

fn counted(resources: usize, templates: usize) -> String {
    let some = |count: usize, what: &str| {
        let s = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {what}{s}"))
    };
    let said = [some(resources, "resource"), some(templates, "template")];
    said.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The resources and templates of a server that can be written in the input.
fn of_server(server: &Server) -> impl Iterator<Item = Suggestion> {
    let name = &server.name;
    let resources = server.resources.iter().filter(|r| is_word(&r.uri));
    let resources = resources.map(move |resource| {
        let mut words = note(resource.title.as_deref(), Some(&resource.name));
        if let Some(mime) = &resource.mime {
            words.push_str(&format!(" · {mime}"));
        }
        plain(&format!("@{name}:{}", resource.uri), words)
    });
    let templates = server.templates.iter().map(move |template| {
        let label = format!("@{name}:{}", template.uri_template);
        let words = note(template.title.as_deref(), Some(&template.name));
        Suggestion {
            then: Then::Template(name.clone(), template.uri_template.clone()),
            ..plain(&label, format!("{words} · template"))
        }
    });
    resources.chain(templates)
}

/// What the server would put in the place of a template's variable.
fn completed(server: &Server, uri: &str, asker: &Asker) -> Vec<Suggestion> {
    let Some((_, typing)) = typed_template(server, uri) else {
        return Vec::new();
    };
    let known = asker.answer().map_or(&[][..], |answer| &answer.values);
    let row = |value: &String| {
        let whole = format!("@{}:{}", server.name, typing.with(uri, value));
        Suggestion {
            insert: whole.clone(),
            note: format!("{} {value}", typing.variable),
            ..plain(&whole, "")
        }
    };
    known
        .iter()
        .map(row)
        .filter(|row| is_word(&row.label))
        .collect()
}
