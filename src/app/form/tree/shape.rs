//! What a schema says of one place: references followed, parts of `allOf` put together, null set apart, the ways of `oneOf`
//! and `anyOf` listed. What it comes to as a field is read by [`super::super::read`].
//!
//! Pure. One place at a time, so that a schema that contains itself is read only as far as somebody goes; and with a budget,
//! because schemas are a server's.

use serde_json::{Map, Value, json};

use super::path::Path;
use crate::app::form::{OPTIONS, read};

/// Schemas that are put together for one place.
pub(super) const BUDGET: usize = 256;
/// What may be read of all places of a form together, in values of their schemas: a schema may lead to itself, or to one that is
/// large, from each of its names.
pub(super) const WEIGHT: usize = 100_000;
/// Ways of one place.
const WAYS: usize = 100;
/// What a schema says of one place.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// The schema in one piece; `type` is one word where it is known.
    pub schema: Value,
    /// Null fits too.
    pub nullable: bool,
    /// What sort of value.
    pub sort: Sort,
    /// The schemas among which one chooses, where the sort says so.
    pub ways: Vec<Value>,
}

/// The sorts of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Named fields.
    Object,
    /// Items one below the other.
    List,
    /// One of several ways.
    Ways,
    /// A single field.
    Leaf,
    /// Nothing that a field can be made of: JSON.
    Any,
}

/// What `schema`, a part of `root`, says.
pub(super) fn shape(schema: &Value, root: &Value) -> Shape {
    let mut budget = BUDGET;
    let mut plain = flat(schema, root, &mut budget);
    let mut nullable = without_null(&mut plain);
    let mut ways = Vec::new();
    if !has_options(&plain) {
        for key in ["anyOf", "oneOf"] {
            if ways.is_empty() && plain.get(key).is_some_and(Value::is_array) {
                nullable |= branches(&mut plain, key, root, &mut budget, &mut ways);
            }
        }
        if ways.is_empty() {
            ways = types(&plain);
        }
    }
    let sort = if ways.is_empty() {
        sort(&mut plain, root)
    } else {
        Sort::Ways
    };
    Shape {
        schema: Value::Object(plain),
        nullable,
        sort,
        ways,
    }
}

/// Takes the branches apart: a single one is part of the whole, of several each is a way. Answers whether one of them is null.
fn branches(
    plain: &mut Map<String, Value>,
    key: &str,
    root: &Value,
    budget: &mut usize,
    ways: &mut Vec<Value>,
) -> bool {
    let Some(Value::Array(of)) = plain.shift_remove(key) else {
        return false;
    };
    let of: Vec<_> = of
        .iter()
        .take(WAYS)
        .map(|branch| flat(branch, root, budget))
        .collect();
    let is_null = |branch: &Map<String, Value>| {
        branch.get("type").is_some_and(|kind| kind == "null")
            || branch.get("const").is_some_and(Value::is_null)
    };
    let nullable = of.iter().any(is_null);
    let mut others: Vec<_> = of.into_iter().filter(|branch| !is_null(branch)).collect();
    if others.len() == 1 {
        let only = others.remove(0);
        merge(plain, &only);
        without_null(plain);
    } else {
        ways.extend(others.into_iter().map(|branch| {
            let mut way = plain.clone();
            // They speak of the whole.
            way.shift_remove("default");
            let title = branch.get("title").cloned();
            merge(&mut way, &branch);
            way.shift_remove("title");
            way.extend(title.map(|title| ("title".to_owned(), title)));
            Value::Object(way)
        }));
    }
    nullable
}

/// One way for each of several types.
fn types(plain: &Map<String, Value>) -> Vec<Value> {
    let Some(Value::Array(types)) = plain.get("type") else {
        return Vec::new();
    };
    let way = |name: &Value| {
        let mut way = plain.clone();
        way.insert("type".to_owned(), name.clone());
        way.shift_remove("default");
        way.shift_remove("title");
        Value::Object(way)
    };
    types.iter().take(WAYS).map(way).collect()
}

/// A schema with its references followed and the parts of its `allOf` put in.
pub(super) fn flat(schema: &Value, root: &Value, budget: &mut usize) -> Map<String, Value> {
    let Value::Object(own) = schema else {
        return Map::new();
    };
    if *budget == 0 {
        return Map::new();
    }
    *budget -= 1;
    let mut out = own.clone();
    if let Some(Value::String(reference)) = own.get("$ref") {
        match target(reference, root) {
            Some(target) => {
                out.shift_remove("$ref");
                merge(&mut out, &flat(target, root, budget));
            }
            // It points outside: the server knows what it means.
            None => return Map::new(),
        }
    }
    if let Some(Value::Array(parts)) = own.get("allOf") {
        out.shift_remove("allOf");
        for part in parts {
            merge(&mut out, &flat(part, root, budget));
        }
    }
    out
}

/// What a reference within the document points at.
fn target<'a>(reference: &str, root: &'a Value) -> Option<&'a Value> {
    let pointer = reference.strip_prefix('#')?;
    // The pointer is part of a URI there.
    let pointer = pointer
        .replace("%25", "%")
        .replace("%7E", "~")
        .replace("%20", " ");
    root.pointer(&pointer)
}

/// Puts what another schema says into this one, which has the last word where both say something.
fn merge(into: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (key, value) in other {
        match (key.as_str(), into.get_mut(key), value) {
            (_, None, _) => {
                into.insert(key.clone(), value.clone());
            }
            ("properties", Some(Value::Object(mine)), Value::Object(theirs)) => {
                for (name, theirs) in theirs {
                    let both = match mine.get(name) {
                        Some(mine) => json!({"allOf": [mine, theirs]}),
                        None => theirs.clone(),
                    };
                    mine.insert(name.clone(), both);
                }
            }
            ("required", Some(Value::Array(mine)), Value::Array(theirs)) => {
                for name in theirs {
                    if !mine.contains(name) {
                        mine.push(name.clone());
                    }
                }
            }
            _ => {}
        }
    }
}

/// Takes null out of the types. Answers whether it was there.
fn without_null(plain: &mut Map<String, Value>) -> bool {
    let Some(Value::Array(types)) = plain.get_mut("type") else {
        return false;
    };
    let before = types.len();
    types.retain(|name| name != "null");
    let had = types.len() < before;
    if let [only] = types.as_slice() {
        let only = only.clone();
        plain.insert("type".to_owned(), only);
    }
    had
}

fn has_options(plain: &Map<String, Value>) -> bool {
    read::options(&Value::Object(plain.clone())).is_some()
}

fn sort(plain: &mut Map<String, Value>, root: &Value) -> Sort {
    let schema = Value::Object(plain.clone());
    if let Some(options) = read::options(&schema) {
        return few(options.len());
    }
    let has = |keys: &[&str]| keys.iter().any(|key| plain.contains_key(*key));
    let known = plain.get("type").and_then(Value::as_str);
    let word = match known {
        Some(word) => word.to_owned(),
        None if has(&["properties", "additionalProperties", "patternProperties"]) => {
            "object".to_owned()
        }
        None if has(&["items", "prefixItems"]) => "array".to_owned(),
        None if has(&["pattern", "minLength", "maxLength", "format"]) => "string".to_owned(),
        None if has(&["minimum", "maximum", "multipleOf"]) => "number".to_owned(),
        None => return Sort::Any,
    };
    plain.insert("type".to_owned(), word.clone().into());
    match word.as_str() {
        "object" => Sort::Object,
        "array" => list(plain, root),
        "string" | "number" | "integer" | "boolean" => Sort::Leaf,
        "null" => {
            plain.insert("enum".to_owned(), json!([null]));
            Sort::Leaf
        }
        _ => Sort::Any,
    }
}

/// Several of what can be chosen is one field; other items stand one below the other.
fn list(plain: &mut Map<String, Value>, root: &Value) -> Sort {
    let is_tuple = plain.contains_key("prefixItems");
    let Some(items) = plain.get("items").filter(|_| !is_tuple) else {
        return Sort::List;
    };
    let mut budget = BUDGET;
    let items = Value::Object(flat(items, root, &mut budget));
    match read::options(&items) {
        Some(options) if few(options.len()) == Sort::Leaf => {
            plain.insert("items".to_owned(), items);
            Sort::Leaf
        }
        _ => Sort::List,
    }
}

/// More than anybody goes through are written.
fn few(options: usize) -> Sort {
    if options <= OPTIONS {
        Sort::Leaf
    } else {
        Sort::Any
    }
}

/// How many values a schema, or a part of one, is made of.
pub(super) fn weight(schema: &Value) -> usize {
    match schema {
        Value::Object(of) => of.values().map(weight).sum::<usize>() + 1,
        Value::Array(of) => of.iter().map(weight).sum::<usize>() + 1,
        _ => 1,
    }
}

impl Shape {
    /// What it costs to read it.
    pub fn weight(&self) -> usize {
        weight(&self.schema) + self.ways.iter().map(weight).sum::<usize>()
    }

    /// A text of the schema.
    pub fn text(&self, key: &str) -> Option<String> {
        let text = self.schema.get(key).and_then(Value::as_str);
        text.filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
    }

    /// The schemas of an object's named fields.
    pub fn properties(&self) -> impl Iterator<Item = (&String, &Value)> {
        let named = self.schema.get("properties").and_then(Value::as_object);
        named.into_iter().flatten()
    }

    /// Whether an object needs this field.
    pub fn needs(&self, name: &str) -> bool {
        let named = self.schema.get("required").and_then(Value::as_array);
        named.is_some_and(|names| names.iter().any(|known| known == name))
    }

    /// The schema of what an object holds besides; absent: it may hold nothing besides.
    pub fn besides(&self) -> Option<Value> {
        match self.schema.get("additionalProperties") {
            Some(Value::Bool(false)) => None,
            Some(schema @ Value::Object(_)) => Some(schema.clone()),
            _ => Some(json!({})),
        }
    }

    /// Whether names that the schema does not know are asked for. A tool that says nothing of its arguments takes none.
    pub fn invites(&self, is_whole: bool) -> bool {
        let said = self.schema.get("additionalProperties");
        let open = said.is_some_and(|said| said.is_object() || *said == true)
            || self.schema.get("patternProperties").is_some();
        open || (!is_whole && said.is_none() && self.properties().next().is_none())
    }

    /// The schema of an item.
    pub fn item(&self, at: usize) -> Value {
        let items = self.schema.get("items");
        let listed = self.schema.get("prefixItems").or(items);
        if let Some(Value::Array(listed)) = listed {
            let rest = match self.schema.get("prefixItems") {
                Some(_) => items,
                None => self.schema.get("additionalItems"),
            };
            return listed.get(at).or(rest).cloned().unwrap_or_default();
        }
        items.cloned().unwrap_or_default()
    }

    /// How many items an array holds at most.
    pub fn most(&self) -> Option<u64> {
        self.schema.get("maxItems").and_then(Value::as_u64)
    }
}

/// A place that can be told from all others: a value's place, and how many choices of a way lie before it there.
pub(super) type Spot = (Path, usize);
