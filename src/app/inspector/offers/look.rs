//! The ways of looking at a result, and which of them a result has.
//!
//! Pure. The view lays them out.

use std::borrow::Cow;

use serde_json::Value;

use crate::mcp::result::{Block, ToolResult};

/// Characters of a text that is tried as JSON.
const TRIED: usize = 1 << 20;

/// A way of looking at a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Look {
    /// What a person reads.
    Text,
    /// Rows and columns.
    Table,
    /// Names and values, one in the other.
    Tree,
    /// Pictures.
    Image,
    /// The answer as JSON.
    Raw,
}

impl Look {
    /// All of them, in the order in which one goes through them.
    pub const ALL: [Self; 5] = [Self::Text, Self::Table, Self::Tree, Self::Image, Self::Raw];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Table => "table",
            Self::Tree => "tree",
            Self::Image => "image",
            Self::Raw => "raw",
        }
    }

    /// Whether there is anything to see of this result.
    pub fn suits(self, result: &ToolResult) -> bool {
        match self {
            Self::Raw => true,
            Self::Text => !result.content.is_empty() || result.structured.is_none(),
            Self::Table => data(result).is_some_and(|value| is_table(&value)),
            Self::Tree => data(result).is_some_and(|value| value.is_object() || value.is_array()),
            Self::Image => result.content.iter().any(is_image),
        }
    }

    /// The one that suits a result best.
    pub fn best(result: &ToolResult) -> Self {
        let order = [Self::Image, Self::Table, Self::Text, Self::Tree];
        let best = order.into_iter().find(|look| look.suits(result));
        best.unwrap_or(Self::Raw)
    }

    /// The next one that there is anything to see in.
    #[must_use]
    pub fn next(self, result: &ToolResult) -> Self {
        let at = Self::ALL.iter().position(|look| *look == self).unwrap_or(0);
        let after = Self::ALL.iter().cycle().skip(at + 1).take(Self::ALL.len());
        let next = after.copied().find(|look| look.suits(result));
        next.unwrap_or(Self::Raw)
    }
}

/// What of a result is data: its structured content, else a text that is JSON.
pub fn data(result: &ToolResult) -> Option<Cow<'_, Value>> {
    if let Some(value) = &result.structured {
        return Some(Cow::Borrowed(value));
    }
    let [
        Block::Text { text }
        | Block::Resource {
            text: Some(text), ..
        },
    ] = result.content.as_slice()
    else {
        return None;
    };
    let text = text.trim();
    let may = text.starts_with(['{', '[']) && text.len() <= TRIED;
    let value = may.then(|| serde_json::from_str(text).ok()).flatten();
    value.map(Cow::Owned)
}

fn is_image(block: &Block) -> bool {
    match block {
        Block::Image { .. } => true,
        Block::Said { block, .. } => is_image(block),
        Block::Resource { mime, blob, .. } => {
            blob.is_some()
                && mime
                    .as_deref()
                    .is_some_and(|mime| mime.starts_with("image/"))
        }
        Block::Text { .. } | Block::Audio { .. } | Block::Link { .. } | Block::Other { .. } => {
            false
        }
    }
}

/// Whether a value has rows: a list of objects, itself or as the only list of an object.
fn is_table(value: &Value) -> bool {
    let of_objects = |rows: &[Value]| !rows.is_empty() && rows.iter().all(Value::is_object);
    match value {
        Value::Array(rows) => of_objects(rows),
        Value::Object(fields) if fields.contains_key("columns") => {
            fields.get("rows").is_some_and(Value::is_array)
        }
        Value::Object(fields) => {
            let mut lists = fields.values().filter_map(Value::as_array);
            let first = lists.next();
            lists.next().is_none() && first.is_some_and(|rows| of_objects(rows))
        }
        _ => false,
    }
}

/// A result as JSON, in the protocol's names, for people: what came as a base64 text stands there whole.
pub fn raw(result: &ToolResult) -> Value {
    let content: Vec<Value> = result.content.iter().map(block).collect();
    let mut out = serde_json::Map::new();
    out.insert("content".to_owned(), Value::Array(content));
    if let Some(structured) = &result.structured {
        out.insert("structuredContent".to_owned(), structured.clone());
    }
    if result.is_error {
        out.insert("isError".to_owned(), Value::Bool(true));
    }
    Value::Object(out)
}

fn block(of: &Block) -> Value {
    let text = |text: &String| Some(Value::from(text.as_str()));
    let maybe = |text: &Option<String>| text.as_deref().map(Value::from);
    match of {
        Block::Text { text: of } => object([("type", Some("text".into())), ("text", text(of))]),
        Block::Image { mime, data } | Block::Audio { mime, data } => {
            let is_image = matches!(of, Block::Image { .. });
            let kind = if is_image { "image" } else { "audio" };
            object([
                ("type", Some(kind.into())),
                ("mimeType", text(mime)),
                ("data", text(data)),
            ])
        }
        Block::Link {
            uri,
            name,
            title,
            description,
            mime,
            size,
        } => object([
            ("type", Some("resource_link".into())),
            ("uri", text(uri)),
            ("name", maybe(name)),
            ("title", maybe(title)),
            ("description", maybe(description)),
            ("mimeType", maybe(mime)),
            ("size", size.map(Value::from)),
        ]),
        Block::Resource { .. } => resource(of),
        Block::Said { role, block: of } => {
            object([("role", text(role)), ("content", Some(block(of)))])
        }
        Block::Other { value } => value.clone(),
    }
}

fn resource(of: &Block) -> Value {
    let Block::Resource {
        uri,
        mime,
        text,
        blob,
    } = of
    else {
        return Value::Null;
    };
    let maybe = |text: &Option<String>| text.as_deref().map(Value::from);
    object([
        ("uri", Some(Value::from(uri.as_str()))),
        ("mimeType", maybe(mime)),
        ("text", maybe(text)),
        ("blob", maybe(blob)),
    ])
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let known = |(name, value): (&str, Option<Value>)| Some((name.to_owned(), value?));
    Value::Object(fields.into_iter().filter_map(known).collect())
}
