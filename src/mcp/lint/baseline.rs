//! What a server offered and how it was defined, in a file that stands beside the server's code: a change is drift.
//!
//! Pure. What is the same although it is written otherwise, and what differs, `mcp::pins` says; this adds what came and went.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Object;
use crate::mcp::pins::{Difference, Pinned, differences, value_differences};
use crate::mcp::prompt::Prompt;
use crate::mcp::request::ListKind;
use crate::mcp::resource::{Resource, Template};
use crate::mcp::tool::Tool;

/// The form of the file.
const FORM: u32 = 1;

/// What a server lists.
#[derive(Debug, Clone, Copy)]
pub struct Offers<'a> {
    /// Its tools.
    pub tools: &'a [Tool],
    /// Its prompts.
    pub prompts: &'a [Prompt],
    /// Its resources.
    pub resources: &'a [Resource],
    /// Its resource templates.
    pub templates: &'a [Template],
}

/// Definitions by name, as JSON.
type Defined = BTreeMap<String, Value>;

/// What one server offered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The form of the file: 1.
    pub mcpdeck_baseline: u32,
    /// The tools by name.
    pub tools: BTreeMap<String, Pinned>,
    /// The prompts by name; absent in a file that was written when only tools were: they are not compared then. So with the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Defined>,
    /// The resources by URI. Of what they hold nothing is kept, not even how much it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Defined>,
    /// The templates by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<Defined>,
}

/// One thing that is not as it was.
#[derive(Debug, Clone, PartialEq)]
pub enum Drift {
    /// It was not there.
    Came(Object),
    /// It is not there any more.
    Went(Object),
    /// It is defined otherwise.
    Changed(Object, Vec<Difference>),
}

impl Baseline {
    /// All as it is now.
    pub fn of(offers: Offers<'_>) -> Self {
        let pin = |tool: &Tool| (tool.name.clone(), Pinned::of(tool));
        let prompts = offers.prompts.iter();
        let resources = offers.resources.iter();
        let templates = offers.templates.iter();
        Self {
            mcpdeck_baseline: FORM,
            tools: offers.tools.iter().map(pin).collect(),
            prompts: Some(prompts.map(|of| (of.name.clone(), prompt(of))).collect()),
            resources: Some(resources.map(|of| (of.uri.clone(), resource(of))).collect()),
            templates: Some(
                templates
                    .map(|of| (of.uri_template.clone(), template(of)))
                    .collect(),
            ),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Why it is no such file, as a sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let read: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match read.mcpdeck_baseline {
            FORM => Ok(read),
            other => Err(format!(
                "it is of form {other}, and this version reads form {FORM}"
            )),
        }
    }

    /// The text of the file, one line a field, so that a change of it can be read in a review.
    pub fn text(&self) -> String {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{text}\n")
    }

    /// How many things of each list it holds.
    pub fn counts(&self) -> [(ListKind, usize); 4] {
        let count = |of: &Option<Defined>| of.as_ref().map_or(0, BTreeMap::len);
        [
            (ListKind::Tools, self.tools.len()),
            (ListKind::Resources, count(&self.resources)),
            (ListKind::Templates, count(&self.templates)),
            (ListKind::Prompts, count(&self.prompts)),
        ]
    }

    /// What is not as it was: tools, resources, templates, prompts, each by name.
    pub fn drift(&self, offers: Offers<'_>) -> Vec<Drift> {
        let now = Self::of(offers);
        let mut out = drifted(ListKind::Tools, &self.tools, &now.tools, |was, is| {
            (!was.is_same(is)).then(|| differences(was, is))
        });
        let others = [
            (ListKind::Resources, &self.resources, &now.resources),
            (ListKind::Templates, &self.templates, &now.templates),
            (ListKind::Prompts, &self.prompts, &now.prompts),
        ];
        for (kind, was, is) in others {
            if let (Some(was), Some(is)) = (was, is) {
                out.extend(drifted(kind, was, is, |was, is| {
                    (was != is).then(|| value_differences(was, is))
                }));
            }
        }
        out
    }
}

/// What came, went and changed of one list.
fn drifted<T>(
    kind: ListKind,
    was: &BTreeMap<String, T>,
    is: &BTreeMap<String, T>,
    changed: impl Fn(&T, &T) -> Option<Vec<Difference>>,
) -> Vec<Drift> {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let of = |name: &String| {
        let object = Object::of(kind, name);
        match (was.get(name), is.get(name)) {
            (None, _) => Some(Drift::Came(object)),
            (_, None) => Some(Drift::Went(object)),
            (Some(was), Some(is)) => changed(was, is).map(|how| Drift::Changed(object, how)),
        }
    };
    names.into_iter().filter_map(of).collect()
}

fn prompt(of: &Prompt) -> Value {
    let arguments = of.arguments.iter().map(|argument| {
        let mut what = defined([
            ("title", argument.title.as_deref()),
            ("description", argument.description.as_deref()),
        ]);
        what.insert("required".to_owned(), argument.required.into());
        (argument.name.clone(), Value::Object(what))
    });
    let arguments: Map<String, Value> = arguments.collect();
    let mut what = defined([
        ("title", of.title.as_deref()),
        ("description", of.description.as_deref()),
    ]);
    what.insert("arguments".to_owned(), Value::Object(arguments));
    Value::Object(what)
}

fn resource(of: &Resource) -> Value {
    let what = defined([
        ("name", Some(&of.name)),
        ("title", of.title.as_deref()),
        ("description", of.description.as_deref()),
        ("mimeType", of.mime.as_deref()),
    ]);
    Value::Object(what)
}

fn template(of: &Template) -> Value {
    let what = defined([
        ("name", Some(&of.name)),
        ("title", of.title.as_deref()),
        ("description", of.description.as_deref()),
        ("mimeType", of.mime.as_deref()),
    ]);
    Value::Object(what)
}

/// The fields that are said.
fn defined<const N: usize>(fields: [(&str, Option<&str>); N]) -> Map<String, Value> {
    let said = |(name, text): (&str, Option<&str>)| Some((name.to_owned(), json!(text?)));
    fields.into_iter().filter_map(said).collect()
}

impl Drift {
    /// What it is about.
    pub fn object(&self) -> &Object {
        match self {
            Self::Came(object) | Self::Went(object) | Self::Changed(object, _) => object,
        }
    }

    /// What became of it, in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Came(_) => "came",
            Self::Went(_) => "went",
            Self::Changed(..) => "changed",
        }
    }
}
