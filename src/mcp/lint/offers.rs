//! The rules about resources, templates and prompts.
//!
//! Pure. Called by `lint` alone.

use super::rules::*;
use super::server::flagged;
use super::{Finding, Object, Subject};
use crate::mcp::flags;
use crate::mcp::request::ListKind;

/// What to do about a thing that cannot be used.
const FIX: &str = "write it as the protocol's schema has it, each under a name of its own";

pub(super) fn look(of: &Subject<'_>, out: &mut Vec<Finding>) {
    rejected(of, out);
    hidden(of, out);
    for resource in of.resources.iter().filter(|it| !has_scheme(&it.uri)) {
        let object = Object::Resource(resource.uri.clone());
        let says = "its URI does not begin with a scheme";
        let fix = "write it as `scheme://...`, such as `file:///` and a path";
        out.push(Finding::new(BAD_URI, object, says, fix));
    }
    for template in of.templates {
        if let Some(says) = template_fault(&template.uri_template) {
            let object = Object::Template(template.uri_template.clone());
            let fix = "write each variable in braces of its own, such as `{path}`";
            out.push(Finding::new(BAD_TEMPLATE, object, says, fix));
        }
    }
    for prompt in of.prompts {
        let words = prompt.description.as_deref().unwrap_or_default();
        if words.trim().is_empty() {
            let object = Object::Prompt(prompt.name.clone());
            let (says, fix) = (
                "it has no description",
                "say in a sentence what it asks the model for",
            );
            out.push(Finding::new(NO_DESCRIPTION, object, says, fix));
        }
    }
}

/// What a person does not see of what a model, or whoever picks from the list, reads.
fn hidden(of: &Subject<'_>, out: &mut Vec<Finding>) {
    let mut look = |object: Object, words: &[(&str, Option<&str>)]| {
        let words = words
            .iter()
            .filter_map(|(part, text)| Some((*part, (*text)?)));
        let found = flags::of_words(words);
        out.extend(found.iter().filter_map(|it| flagged(it, object.clone())));
    };
    for it in of.resources {
        let words = [
            ("URI", Some(it.uri.as_str())),
            ("name", Some(&it.name)),
            ("title", it.title.as_deref()),
            ("description", it.description.as_deref()),
        ];
        look(Object::Resource(it.uri.clone()), &words);
    }
    for it in of.templates {
        let words = [
            ("template", Some(it.uri_template.as_str())),
            ("name", Some(&it.name)),
            ("title", it.title.as_deref()),
            ("description", it.description.as_deref()),
        ];
        look(Object::Template(it.uri_template.clone()), &words);
    }
    for it in of.prompts {
        let mut words = vec![("name", Some(it.name.as_str()))];
        words.push(("title", it.title.as_deref()));
        words.push(("description", it.description.as_deref()));
        for argument in &it.arguments {
            words.push(("an argument's name", Some(&argument.name)));
            words.push(("an argument's description", argument.description.as_deref()));
        }
        look(Object::Prompt(it.name.clone()), &words);
    }
}

/// What of the lists could not be used at all.
fn rejected(of: &Subject<'_>, out: &mut Vec<Finding>) {
    for kind in [ListKind::Resources, ListKind::Templates, ListKind::Prompts] {
        for one in of.rejected.get(&kind).into_iter().flatten() {
            // That the list as a whole failed is told with the capabilities.
            if one.name.is_none() && of.start.missing_list(kind).is_some() {
                continue;
            }
            let object = Object::of(kind, one.name.as_deref().unwrap_or("(without a name)"));
            let says = format!("it cannot be used: {}", one.why);
            out.push(Finding::new(UNUSABLE, object, says, FIX));
        }
    }
}

fn has_scheme(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    let begins = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
    begins && !rest.is_empty() && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn template_fault(template: &str) -> Option<&'static str> {
    let mut open = false;
    let mut variables = 0;
    for c in template.chars() {
        match (c, open) {
            ('{', false) => (open, variables) = (true, variables + 1),
            ('{', true) => return Some("it opens a brace inside another one"),
            ('}', false) => return Some("it closes a brace that is not open"),
            ('}', true) => open = false,
            _ => {}
        }
    }
    match (open, variables) {
        (true, _) => Some("it opens a brace and does not close it"),
        (false, 0) => Some("it has no variable: it is a resource, or a brace is missing"),
        (false, _) => None,
    }
}
