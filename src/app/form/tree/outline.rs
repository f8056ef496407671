//! A schema as the rows of a tree: each name with what it takes, for people who read it.
//!
//! Pure. Read with the same eyes as the form, so that both say the same; a schema that contains itself is cut where it goes on.

use serde_json::Value;

use super::shape::{Shape, Sort, WEIGHT, shape};
use crate::app::form::read;
use crate::mcp::tool::Tool;

/// Rows of an outline.
const ROWS: usize = 400;
/// How deep it goes.
const DEEP: usize = 6;
/// Options that are named.
const NAMED: usize = 6;

/// One row of an outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// How far it stands in.
    pub depth: usize,
    /// The name, `[ ]` for the items of a list, `|` for one of several ways.
    pub name: String,
    /// It cannot be left out.
    pub required: bool,
    /// What it takes.
    pub takes: String,
    /// What is meant, in the server's words.
    pub words: Option<String>,
}

/// The outline of a schema.
pub fn outline(schema: &Value) -> Vec<Outline> {
    let mut writing = Writing {
        root: schema,
        out: Vec::new(),
        weight: 0,
        is_full: false,
    };
    let mut whole = shape(schema, schema);
    if whole.sort == Sort::Any {
        whole.sort = Sort::Object;
    }
    writing.inside(&whole, 0);
    writing.out
}

/// The outlines of what a tool takes and of what it answers with.
pub fn outlines(tool: &Tool) -> (Vec<Outline>, Option<Vec<Outline>>) {
    let answer = tool.output_schema.as_ref().map(outline);
    (outline(&tool.input_schema), answer)
}

struct Writing<'a> {
    root: &'a Value,
    out: Vec<Outline>,
    /// What was read so far, as [`WEIGHT`] counts it.
    weight: usize,
    /// It ends with a word that there is more.
    is_full: bool,
}

impl Writing<'_> {
    fn row(&mut self, depth: usize, name: &str, required: bool, schema: &Value) {
        if self.out.len() >= ROWS || self.weight >= WEIGHT {
            return self.end(depth);
        }
        let of = shape(schema, self.root);
        self.weight += of.weight();
        let words = [of.text("title"), of.text("description")];
        let words: Vec<String> = words.into_iter().flatten().collect();
        self.out.push(Outline {
            depth,
            name: name.to_owned(),
            required,
            takes: takes(&of, name, self.root),
            words: (!words.is_empty()).then(|| words.join(": ")),
        });
        self.inside(&of, depth + 1);
    }

    /// Says once that there is more.
    fn end(&mut self, depth: usize) {
        if !std::mem::replace(&mut self.is_full, true) {
            self.out.push(Outline {
                depth,
                name: "…".to_owned(),
                required: false,
                takes: String::new(),
                words: None,
            });
        }
    }

    fn inside(&mut self, of: &Shape, depth: usize) {
        if depth > DEEP {
            let has_more = matches!(of.sort, Sort::Object | Sort::Ways)
                && (of.properties().next().is_some() || !of.ways.is_empty());
            if let (true, Some(last)) = (has_more, self.out.last_mut()) {
                last.takes.push_str(", and so on");
            }
            return;
        }
        match of.sort {
            Sort::Object => {
                for (name, schema) in of.properties() {
                    self.row(depth, name, of.needs(name), schema);
                }
                if let (true, Some(besides)) = (of.invites(depth == 0), of.besides()) {
                    self.row(depth, "(any name)", false, &besides);
                }
            }
            Sort::List => {
                let item = of.item(0);
                if matches!(
                    shape(&item, self.root).sort,
                    Sort::Object | Sort::Ways | Sort::List
                ) {
                    self.row(depth, "[ ]", false, &item);
                }
            }
            Sort::Ways => {
                for way in &of.ways {
                    self.row(depth, "|", false, way);
                }
            }
            Sort::Leaf | Sort::Any => {}
        }
    }
}

/// What a place takes, in words.
fn takes(of: &Shape, name: &str, root: &Value) -> String {
    let mut words = match of.sort {
        Sort::Object => "object".to_owned(),
        Sort::List => {
            let item = shape(&of.item(0), root);
            match item.sort {
                Sort::Leaf => format!("list of {}", takes(&item, name, root)),
                Sort::Object | Sort::List | Sort::Ways | Sort::Any => "list".to_owned(),
            }
        }
        Sort::Ways => format!("one of {} ways", of.ways.len()),
        Sort::Any => "any JSON".to_owned(),
        Sort::Leaf => leaf(of, name),
    };
    if of.nullable {
        words.push_str(" or null");
    }
    if let Some(pattern) = of.text("pattern") {
        words.push_str(&format!(", matches {pattern}"));
    }
    if let Some(default) = of.schema.get("default") {
        words.push_str(&format!(", else {default}"));
    }
    words
}

fn leaf(of: &Shape, name: &str) -> String {
    let field = read::field(name, &of.schema, false);
    let options = field.options();
    if !options.is_empty() {
        let named = options
            .iter()
            .take(NAMED)
            .map(|option| option.value.to_string());
        let more = if options.len() > NAMED { ", …" } else { "" };
        let many = matches!(field.kind, crate::app::form::Kind::Many { .. });
        let of = if many { "some of" } else { "one of" };
        return format!("{of} {}{more}", named.collect::<Vec<_>>().join(", "));
    }
    let word = of.schema.get("type").and_then(Value::as_str);
    match (field.expected(), word) {
        (Some(expected), Some("string")) => format!("text, {expected}"),
        (Some(expected), _) => expected,
        (None, Some("string")) => "text".to_owned(),
        (None, Some("boolean")) => "yes or no".to_owned(),
        (None, word) => word.unwrap_or("text").to_owned(),
    }
}
