//! The lists of `/resources` and `/prompts`: every one of every server, found by a few letters, with what Enter does.
//!
//! Pure. A [`crate::app::palette::Palette`] shows them.

use crate::app::intent::{Intent, Reaching, SessionKey};
use crate::host::session::{Shelf as Shelved, Summary};
use crate::host::{Host, Server};
use crate::text::human;

/// What a palette lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shelf {
    /// Everything that can be done.
    #[default]
    Commands,
    /// Resources and templates.
    Resources,
    /// Prompts.
    Prompts,
    /// Saved sessions.
    Sessions,
}

/// A row to be: what it is called, what stands at its right, what it does, and more about it.
pub(super) type Candidate = (String, String, Intent, String);

impl Shelf {
    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Commands => "Commands",
            Self::Resources => "Resources of all servers · Enter reads",
            Self::Prompts => "Prompts of all servers · Enter uses",
            Self::Sessions => "Saved sessions · Enter goes on, Del deletes",
        }
    }

    /// What is said when it is empty.
    pub fn nothing(self) -> &'static str {
        match self {
            Self::Commands => "Nothing fits.",
            Self::Resources => "No resource fits, or no server lists any.",
            Self::Prompts => "No prompt fits, or no server lists any.",
            Self::Sessions => "No session fits, or none is saved.",
        }
    }
}

/// The rows of one of the lists.
pub(super) fn candidates(shelf: Shelf, host: &Host) -> Vec<Candidate> {
    let servers = host.servers.iter();
    match shelf {
        Shelf::Commands => Vec::new(),
        Shelf::Resources => servers.flat_map(resources).collect(),
        Shelf::Prompts => servers.flat_map(prompts).collect(),
        Shelf::Sessions => host.session.shelf.iter().flat_map(sessions).collect(),
    }
}

fn sessions(shelf: &Shelved) -> Vec<Candidate> {
    let session = |of: &Summary| {
        let s = if of.turns == 1 { "" } else { "s" };
        let right = format!("{} turn{s} · {}", of.turns, human::ago(of.age));
        let intent = Intent::Session(SessionKey::Resume(of.id.clone()));
        let (sent, told) = of.tokens;
        let mut more = vec![of.folder.display().to_string()];
        if sent + told > 0 {
            let (sent, told) = (human::count(sent), human::count(told));
            more.push(format!("{sent} in · {told} out tokens"));
        }
        let config = of.config.as_ref().map(|file| {
            let inside = file.strip_prefix(&of.folder).unwrap_or(file);
            inside.display().to_string()
        });
        more.extend(config);
        more.extend(of.open.then(|| "open in a window".to_owned()));
        more.extend(of.trouble.clone());
        more.push(of.id.clone());
        (of.name.clone(), right, intent, more.join(" · "))
    };
    shelf.sessions.iter().map(session).collect()
}

fn resources(server: &Server) -> Vec<Candidate> {
    let listed = server.resources.iter().map(|resource| {
        let intent = Intent::Reach(Reaching::Read {
            server: server.name.clone(),
            uri: resource.uri.clone(),
        });
        let size = resource.size.map(human::bytes);
        let right = [resource.mime.clone(), size];
        (
            format!("@{}:{}", server.name, resource.uri),
            right.into_iter().flatten().collect::<Vec<_>>().join(" · "),
            intent,
            about(&resource.name, &resource.title, &resource.description),
        )
    });
    let families = server.templates.iter().map(|template| {
        let intent = Intent::Reach(Reaching::FillTemplate {
            server: server.name.clone(),
            uri_template: template.uri_template.clone(),
        });
        let mime = template.mime.as_ref().map(|mime| format!(" · {mime}"));
        (
            format!("@{}:{}", server.name, template.uri_template),
            format!("template{}", mime.unwrap_or_default()),
            intent,
            about(&template.name, &template.title, &template.description),
        )
    });
    listed.chain(families).collect()
}

fn prompts(server: &Server) -> Vec<Candidate> {
    let row = |prompt: &crate::mcp::prompt::Prompt| {
        let names = prompt.arguments.iter().map(|argument| {
            let optional = if argument.required { "" } else { "?" };
            format!("{}{optional}", argument.name)
        });
        (
            format!("/{}:{}", server.name, prompt.name),
            names.collect::<Vec<_>>().join(" "),
            Intent::Reach(Reaching::UsePrompt {
                server: server.name.clone(),
                prompt: prompt.name.clone(),
            }),
            about(&prompt.name, &prompt.title, &prompt.description),
        )
    };
    server.prompts.iter().map(row).collect()
}

/// A title, or a name, and what is said about the thing.
fn about(name: &str, title: &Option<String>, description: &Option<String>) -> String {
    let title = title.as_deref().unwrap_or(name);
    match description.as_deref().map(str::trim) {
        Some(words) if !words.is_empty() && words != title => format!("{title}: {words}"),
        _ => title.to_owned(),
    }
}
