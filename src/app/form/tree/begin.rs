//! What a place of a form begins with: its default, what it needs, and the way that a value goes.
//!
//! Pure. With bounds, because schemas are a server's and may ask for themselves.

use serde_json::{Map, Value, json};

use super::shape::{BUDGET, Sort, WEIGHT, flat, shape, weight};
use crate::app::form::read;
use crate::host::arguments;

/// Objects within objects that are made at once because they are needed, one in the other and in all.
const DEEP: usize = 6;
const MADE: usize = 200;

/// What a place begins with: its default, or what it needs; absent: nothing.
pub(super) fn blank(schema: &Value, root: &Value) -> Option<Value> {
    begun(schema, root, DEEP, &mut Effort::default())
}

/// What was made so far, and what was read for it.
#[derive(Default)]
struct Effort {
    made: usize,
    weight: usize,
}

fn begun(schema: &Value, root: &Value, deep: usize, effort: &mut Effort) -> Option<Value> {
    let shape = shape(schema, root);
    for key in ["default", "const"] {
        if let Some(value) = shape.schema.get(key) {
            return Some(value.clone());
        }
    }
    match shape.sort {
        Sort::Object if deep > 0 && effort.made < MADE => {
            effort.made += 1;
            let mut object = Map::new();
            for (name, schema) in shape.properties() {
                if effort.weight >= WEIGHT {
                    break;
                }
                let mut budget = BUDGET;
                let plain = flat(schema, root, &mut budget);
                effort.weight += plain.values().map(weight).sum::<usize>();
                let wanted = shape.needs(name) || plain.contains_key("default");
                let inner = wanted
                    .then(|| begun(schema, root, deep - 1, effort))
                    .flatten();
                object.extend(inner.map(|inner| (name.clone(), inner)));
            }
            Some(Value::Object(object))
        }
        Sort::List => Some(json!([])),
        Sort::Ways | Sort::Object | Sort::Leaf | Sort::Any => None,
    }
}

/// What an item or a new name begins with, which cannot be nothing.
pub(super) fn seed(schema: &Value, root: &Value) -> Value {
    let mut schema = schema.clone();
    // The first way, as often as there are ways within ways.
    for _ in 0..8 {
        if let Some(value) = blank(&schema, root) {
            return value;
        }
        let shape = shape(&schema, root);
        if let (Sort::Ways, Some(first)) = (shape.sort, shape.ways.first()) {
            schema = first.clone();
            continue;
        }
        if let Some(option) = read::options(&shape.schema).and_then(|of| of.into_iter().next()) {
            return option.value;
        }
        return match shape.schema.get("type").and_then(Value::as_str) {
            Some("string") => json!(""),
            Some("number" | "integer") => {
                let least = shape
                    .schema
                    .get("minimum")
                    .filter(|least| least.is_number());
                least.cloned().unwrap_or(json!(0))
            }
            Some("boolean") => json!(false),
            Some("array") => json!([]),
            Some("object") => json!({}),
            _ => Value::Null,
        };
    }
    Value::Null
}

/// The way that a value goes: the first whose schema it fits, else the first of its sort.
pub(super) fn way(ways: &[Value], value: &Value, root: &Value) -> Option<usize> {
    let fits = |way: &Value| arguments::fits(value, &within(way, root));
    let alike = |way: &Value| {
        let shape = shape(way, root);
        let word = shape.schema.get("type").and_then(Value::as_str);
        match value {
            Value::Object(_) => word == Some("object"),
            Value::Array(_) => word == Some("array"),
            Value::String(_) => word == Some("string"),
            Value::Number(_) => matches!(word, Some("number" | "integer")),
            Value::Bool(_) => word == Some("boolean"),
            Value::Null => false,
        }
    };
    let fitting = ways.iter().position(fits);
    fitting.or_else(|| ways.iter().position(alike))
}

/// A part of a schema as one of its own, with what its references point at.
pub(super) fn within(part: &Value, root: &Value) -> Value {
    let mut whole = part.clone();
    if let (Value::Object(whole), Value::Object(root)) = (&mut whole, root) {
        for key in ["$schema", "$defs", "definitions"] {
            if let (Some(known), false) = (root.get(key), whole.contains_key(key)) {
                whole.insert(key.to_owned(), known.clone());
            }
        }
    }
    whole
}
