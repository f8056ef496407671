//! A form of text fields: the arguments of a prompt, or the variables of a resource template.
//!
//! Pure. `update` moves it, the view draws it over the panes; what it is filled with goes to the server as it is typed.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::app::asker::{Ask, Asker};
use crate::app::composer::Composer;
use crate::app::suggest::completes;
use crate::app::template::UriTemplate;
use crate::host::Host;
use crate::ids::ServerName;
use crate::mcp::prompt::Prompt;
use crate::mcp::request::{Errand, Reference};

/// An open form.
#[derive(Debug, Clone)]
pub struct Fields {
    /// What it is for.
    pub purpose: Purpose,
    /// What it says on top, raw.
    pub words: Option<String>,
    /// Its fields.
    pub rows: Vec<Field>,
    /// The field that has the keys.
    pub at: usize,
    /// The marked one of the values that the server proposes for it.
    pub marked: Option<usize>,
    /// What is missing.
    pub complaint: Option<String>,
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// The argument's or variable's name.
    pub name: String,
    /// What is said about it, raw.
    pub words: String,
    /// Whether it cannot stay empty.
    pub required: bool,
    /// What is typed.
    pub value: Composer,
}

/// What a form is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The arguments of a prompt, which is got and sent to the model then.
    Prompt {
        /// The server.
        server: ServerName,
        /// The prompt.
        prompt: String,
    },
    /// The variables of a resource template.
    Template {
        /// The server.
        server: ServerName,
        /// The template.
        uri_template: String,
        /// The part of the input that the mention replaces; absent: the resource is read.
        into: Option<Range<usize>>,
    },
}

impl Fields {
    /// The form for a prompt, with what was given already.
    pub fn of_prompt(
        server: &ServerName,
        prompt: &Prompt,
        given: &BTreeMap<String, String>,
    ) -> Self {
        let field = |argument: &crate::mcp::prompt::PromptArgument| {
            let mut value = Composer::default();
            value.set(given.get(&argument.name).map_or("", String::as_str));
            let words = [&argument.title, &argument.description].map(|words| words.as_deref());
            Field {
                name: argument.name.clone(),
                words: words.into_iter().flatten().collect::<Vec<_>>().join(": "),
                required: argument.required,
                value,
            }
        };
        let rows = prompt.arguments.iter().map(field).collect();
        let purpose = Purpose::Prompt {
            server: server.clone(),
            prompt: prompt.name.clone(),
        };
        Self::new(purpose, prompt.description.clone(), rows)
    }

    /// The form for a template; nothing where it cannot be read as one.
    pub fn of_template(
        server: &ServerName,
        uri_template: &str,
        words: Option<String>,
        into: Option<Range<usize>>,
    ) -> Option<Self> {
        let variables = UriTemplate::parse(uri_template)?.variables();
        let field = |(name, optional): (String, bool)| Field {
            name,
            words: String::new(),
            required: !optional,
            value: Composer::default(),
        };
        let rows = variables.into_iter().map(field).collect();
        let purpose = Purpose::Template {
            server: server.clone(),
            uri_template: uri_template.to_owned(),
            into,
        };
        Some(Self::new(purpose, words, rows))
    }

    fn new(purpose: Purpose, words: Option<String>, rows: Vec<Field>) -> Self {
        let empty = |field: &Field| field.required && field.value.is_empty();
        Self {
            purpose,
            words,
            at: rows.iter().position(empty).unwrap_or(0),
            rows,
            marked: None,
            complaint: None,
        }
    }

    /// The server that it is for.
    pub fn server(&self) -> &ServerName {
        match &self.purpose {
            Purpose::Prompt { server, .. } | Purpose::Template { server, .. } => server,
        }
    }

    /// The values that are not empty.
    pub fn values(&self) -> BTreeMap<String, String> {
        let filled = self.rows.iter().filter(|field| !field.value.is_empty());
        filled
            .map(|field| (field.name.clone(), field.value.text().to_owned()))
            .collect()
    }

    /// The first field that cannot stay empty and is.
    pub fn missing(&self) -> Option<usize> {
        let empty = |field: &Field| field.required && field.value.is_empty();
        self.rows.iter().position(empty)
    }

    /// The URI that the fields make, where they are those of a template.
    pub fn uri(&self) -> Option<String> {
        match &self.purpose {
            Purpose::Prompt { .. } => None,
            Purpose::Template { uri_template, .. } => {
                Some(UriTemplate::parse(uri_template)?.expand(&self.values()))
            }
        }
    }

    /// What the server has to be asked for the field that has the keys.
    pub fn ask(&self, host: &Host) -> Option<Ask> {
        let server = host.server(self.server()).filter(|s| completes(s))?;
        let field = self.rows.get(self.at)?;
        let of = match &self.purpose {
            Purpose::Prompt { prompt, .. } => Reference::Prompt {
                name: prompt.clone(),
            },
            Purpose::Template { uri_template, .. } => Reference::Template {
                uri_template: uri_template.clone(),
            },
        };
        let mut context = self.values();
        context.remove(&field.name);
        let errand = Errand::Complete {
            of,
            argument: field.name.clone(),
            value: field.value.text().to_owned(),
            context,
        };
        Some((server.name.clone(), errand))
    }

    /// The values that the server proposes for the field, without the one that is written.
    pub fn proposals<'a>(&self, asker: &'a Asker) -> Vec<&'a str> {
        let written = self
            .rows
            .get(self.at)
            .map_or("", |field| field.value.text());
        let values = asker.answer().map_or(&[][..], |answer| &answer.values);
        let values = values.iter().map(String::as_str);
        values.filter(|value| *value != written).collect()
    }
}
