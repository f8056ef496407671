//! What is answered where nobody can be asked: declined, unless a flag has answered beforehand.
//!
//! Pure. Read by the machine of questions alone; made by the command line.

use std::collections::BTreeMap;

use globset::Glob;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::transcript::Level;
use crate::host::asks::reply;
use crate::host::form;
use crate::host::state::Host;
use crate::ids::ServerName;
use crate::mcp::ask::{Ask, Reply};

/// Answers given beforehand to what servers ask. They count only where `Settings::headless` is set: in front of a person, the
/// person answers. The default declines everything, each in the way that its method has for a no:
/// - a form: `{"action": "decline"}`, unless [`Self::forms`] has an answer for the server that fits the form (defaults of the
///   form fill what the answer leaves out; keys that the form does not have are left out). An answer that does not fit declines,
///   and a note in the transcript says why;
/// - a URL: `{"action": "decline"}`, unless [`Self::accept_urls`] fits the server. Accepting opens nothing: the URL is in a note
///   in the transcript for whoever reads it;
/// - sampling: an error `-1`, unless [`Self::allow_sampling`] fits the server; the limits on sampling hold all the same;
/// - roots: an error `-1`, unless `Settings::roots`, or `roots` in the configuration, names folders.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Answers {
    /// Objects for forms, by the server's name; `*` stands for every server that has none of its own. `{}` accepts with the
    /// form's defaults.
    pub forms: BTreeMap<String, Value>,
    /// Servers (globs) whose URLs are accepted.
    pub accept_urls: Vec<String>,
    /// Servers (globs) for which our model may write.
    pub allow_sampling: Vec<String>,
}

impl Answers {
    /// Whether our model may write for this server.
    pub(super) fn allows_sampling(&self, server: &ServerName) -> bool {
        fits(&self.allow_sampling, server)
    }

    fn form(&self, server: &ServerName) -> Option<&Value> {
        self.forms
            .get(server.as_str())
            .or_else(|| self.forms.get("*"))
    }
}

fn fits(globs: &[String], server: &ServerName) -> bool {
    let fits = |glob: &String| {
        Glob::new(glob).is_ok_and(|g| g.compile_matcher().is_match(server.as_str()))
    };
    globs.iter().any(fits)
}

impl Host {
    /// The answer to a form or a URL where nobody can be asked.
    pub(super) fn answer_by_flag(&mut self, server: &ServerName, what: &Ask) -> Reply {
        let answers = &self.settings.answers;
        let (note, reply) = match what {
            Ask::Form { schema, message } => match answers.form(server) {
                Some(given) => match form::fill(schema, given) {
                    Ok(content) => return reply::filled(content),
                    Err(wrong) => (
                        format!(
                            "Server `{server}` asked \"{message}\"; the answer given beforehand does not fit, so it was declined: {}",
                            form::sentence(&wrong)
                        ),
                        reply::no(what),
                    ),
                },
                None => (
                    format!(
                        "Server `{server}` asked \"{message}\"; it was declined, because nobody can be asked here"
                    ),
                    reply::no(what),
                ),
            },
            Ask::Url { url, message, .. } if fits(&answers.accept_urls, server) => (
                format!("Server `{server}` asks to visit {url}: \"{message}\""),
                reply::accepted(),
            ),
            Ask::Url { url, .. } => (
                format!(
                    "Server `{server}` asked to visit {url}; it was declined, because nobody can be asked here"
                ),
                reply::no(what),
            ),
            Ask::Roots | Ask::Sampling(_) => return reply::no(what),
        };
        self.transcript.note(Level::Warning, note, None);
        reply
    }
}
