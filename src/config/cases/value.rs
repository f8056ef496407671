//! Values of a test file: JSON written as TOML, and arrays of tables.

use serde_json::{Map, Value as Json};

use crate::config::file::{At, Entry, Node, Table, Value};
use crate::config::reader::Reader;

/// What can be written of JSON in TOML.
pub(super) const JSON_VALUES: &str =
    "texts, numbers, booleans, arrays and tables; for `null`, a text with the whole JSON";

/// A TOML value as JSON, or the place of what has no counterpart there.
pub(super) fn json_of(node: &Node) -> Result<Json, (At, String)> {
    let none = |what: &str| Err((node.at, format!("{what} has no counterpart in JSON")));
    match &node.value {
        Value::String(text) => Ok(Json::String(text.clone())),
        Value::Integer(Some(number)) => Ok(Json::from(*number)),
        Value::Integer(None) => none("a number of more than 64 bits"),
        Value::Float(number) if number.is_finite() => Ok(Json::from(*number)),
        Value::Float(_) => none("a number that is not finite"),
        Value::Boolean(truth) => Ok(Json::Bool(*truth)),
        Value::Datetime => none("a date or time (write it as a text)"),
        Value::Array(items) => items.iter().map(json_of).collect(),
        Value::Table(table) => {
            let mut object = Map::new();
            for entry in &table.entries {
                object.insert(entry.key.clone(), json_of(&entry.node)?);
            }
            Ok(Json::Object(object))
        }
    }
}

/// The tables of an array of tables.
pub(super) fn tables<'c>(
    reader: &mut Reader<'c>,
    entry: &'c Entry,
    key: &str,
) -> Vec<(At, &'c Table)> {
    let expected = format!("tables `[[{}]]`", reader.full(key));
    let Value::Array(items) = &entry.node.value else {
        let message = format!("wrong type: {}", entry.node.value.kind());
        reader.complain(entry.node.at, key, message, expected);
        return Vec::new();
    };
    let mut tables = Vec::new();
    for item in items {
        match &item.value {
            Value::Table(table) => tables.push((item.at, table)),
            other => {
                let message = format!("wrong type: {}", other.kind());
                reader.complain(item.at, key, message, expected.clone());
            }
        }
    }
    tables
}
