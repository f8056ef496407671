//! What is filled in before a call: the form of a tool's schema, or the texts of a prompt and of a resource template.
//!
//! Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Offered;
use super::list;
use crate::app::composer::{Composer, Edit};
use crate::app::fields::Fields;
use crate::app::form::tree::Tree;
use crate::host::{Host, Server, arguments};
use crate::ids::ServerName;
use crate::mcp::prompt::Prompt;

/// What is filled in.
#[derive(Debug, Clone)]
pub enum Filling {
    /// The arguments of a tool.
    Call(Box<Tree>),
    /// Texts.
    Texts(Box<Fields>),
}

impl Filling {
    /// What has to be filled in for a thing; absent: nothing has, or it is gone. It begins with what was sent last by hand.
    pub fn of(host: &Host, server: &Server, of: &Offered) -> Option<Self> {
        let last = || last_sent(host, &server.name, of);
        match of {
            Offered::Resource(_) => None,
            Offered::Tool(name) => {
                let tool = server.tools.iter().find(|tool| tool.name == *name)?;
                let tree = match last() {
                    Some(sent) => Tree::with(&tool.input_schema, Value::Object(sent)),
                    None => Tree::new(&tool.input_schema),
                };
                Some(Self::Call(Box::new(tree)))
            }
            Offered::Prompt(name) => {
                let prompt = server.prompts.iter().find(|prompt| prompt.name == *name)?;
                let given: BTreeMap<String, String> = last()
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                    .collect();
                let fields = Fields::of_prompt(&server.name, prompt, &given);
                Some(Self::Texts(Box::new(fields)))
            }
            Offered::Template(uri) => {
                let mut templates = server.templates.iter();
                let template = templates.find(|template| template.uri_template == *uri)?;
                let words = template.description.clone();
                let fields = Fields::of_template(&server.name, uri, words, None)?;
                Some(Self::Texts(Box::new(fields)))
            }
        }
    }

    /// Brings it in line with a server that has changed its schema meanwhile: what was filled in stays.
    pub fn follow(&mut self, server: &Server, of: &Offered) {
        match (self, of) {
            (Self::Call(tree), Offered::Tool(name)) => {
                if let Some(tool) = server.tools.iter().find(|tool| tool.name == *name) {
                    tree.follow(&tool.input_schema);
                }
            }
            (Self::Texts(fields), Offered::Prompt(name)) => {
                if let Some(prompt) = server.prompts.iter().find(|prompt| prompt.name == *name) {
                    follow_prompt(fields, server, prompt);
                }
            }
            (Self::Call(_) | Self::Texts(_), _) => {}
        }
    }

    /// The arguments, when they fit; else what is wrong has the keys.
    pub fn accept(&mut self) -> Option<Value> {
        match self {
            Self::Call(tree) => tree.accept(),
            Self::Texts(fields) => {
                if let Some(missing) = fields.missing() {
                    let name = fields.rows.get(missing).map(|field| field.name.clone());
                    fields.at = missing;
                    fields.complaint = Some(format!("`{}` is required.", name.unwrap_or_default()));
                    return None;
                }
                Some(texts(fields))
            }
        }
    }

    /// The arguments as they stand, whether they fit or not.
    pub fn value(&self) -> Value {
        match self {
            Self::Call(tree) => tree.value().clone(),
            Self::Texts(fields) => texts(fields),
        }
    }

    /// Puts a typed character in.
    pub fn insert(&mut self, typed: char) {
        match self {
            Self::Call(tree) => tree.insert(typed),
            Self::Texts(fields) => write(fields, |input| input.insert(typed)),
        }
    }

    /// Puts a pasted text in.
    pub fn paste(&mut self, text: &str) {
        match self {
            Self::Call(tree) => tree.paste(text),
            Self::Texts(fields) => write(fields, |input| {
                input.paste(text);
            }),
        }
    }

    /// Edits the text that has the keys.
    pub fn edit(&mut self, edit: Edit) {
        match self {
            Self::Call(tree) => tree.edit(edit),
            Self::Texts(fields) => write(fields, |input| input.edit(edit)),
        }
    }
}

fn follow_prompt(fields: &mut Fields, server: &Server, prompt: &Prompt) {
    let known = fields.rows.iter().map(|row| (&row.name, row.required));
    if known.eq(prompt.arguments.iter().map(|of| (&of.name, of.required))) {
        return;
    }
    let at = fields.rows.get(fields.at).map(|row| row.name.clone());
    let given = fields.rows.iter();
    let given = given.map(|row| (row.name.clone(), row.value.text().to_owned()));
    *fields = Fields::of_prompt(&server.name, prompt, &given.collect());
    let place = fields
        .rows
        .iter()
        .position(|row| Some(&row.name) == at.as_ref());
    fields.at = place.unwrap_or_default();
}

fn write(fields: &mut Fields, change: impl FnOnce(&mut Composer)) {
    fields.marked = None;
    fields.complaint = None;
    if let Some(field) = fields.rows.get_mut(fields.at) {
        change(&mut field.value);
    }
}

/// The values of texts as arguments; of a template, the URI that they make.
fn texts(fields: &Fields) -> Value {
    match fields.uri() {
        Some(uri) => json!({"uri": uri}),
        None => {
            let values = fields.values().into_iter();
            let object: Map<String, Value> =
                values.map(|(name, value)| (name, value.into())).collect();
            Value::Object(object)
        }
    }
}

/// What was sent last for it, whoever sent it.
fn last_sent(host: &Host, server: &ServerName, of: &Offered) -> Option<Map<String, Value>> {
    let call = list::calls(host, server, of).next()?;
    Some(arguments::object(&call.arguments))
}
