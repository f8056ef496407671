//! From a schema to fields: the kinds that the protocol has for forms in all its revisions, and what servers send besides.
//!
//! Pure. What is no plain field is written as JSON, so that no server's form is out of reach.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::field::{Choosable, Field, Kind};
use super::format::Format;
use crate::app::composer::Composer;

/// Words for secrets, in the names and descriptions of fields. Single words, or several in a row.
const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "credential",
    "credentials",
    "token",
    "apikey",
    "api key",
    "access key",
    "private key",
    "pin",
    "cvv",
    "cvc",
    "otp",
    "card number",
    "credit card",
    "seed phrase",
    "mật khẩu",
    "mã otp",
    "密码",
    "密碼",
    "口令",
    "密钥",
    "令牌",
];

/// The fields of an object's schema, in its order.
pub(super) fn fields(schema: &Value) -> Vec<Field> {
    let required = |name: &str| {
        let named = schema.get("required").and_then(Value::as_array);
        named.is_some_and(|names| names.iter().any(|known| known == name))
    };
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    properties
        .iter()
        .map(|(name, schema)| field(name, schema, required(name)))
        .collect()
}

/// One field, filled with its default.
pub(super) fn field(name: &str, schema: &Value, required: bool) -> Field {
    let text = |key: &str| {
        let text = schema.get(key).and_then(Value::as_str);
        text.filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
    };
    let (title, description) = (text("title"), text("description"));
    let kind = kind(plain(schema), schema.get("default"));
    let default = schema.get("default").cloned();
    let filled = filled_as(&kind, default.as_ref());
    let secret = matches!(kind, Kind::Text { .. })
        && (text("format").is_some_and(|format| format == "password")
            || [Some(name), title.as_deref(), description.as_deref()]
                .into_iter()
                .flatten()
                .any(speaks_of_a_secret));
    Field {
        name: name.to_owned(),
        title,
        description,
        required,
        secret,
        default,
        kind,
        complaint: None,
        touched: false,
        schema: schema.clone(),
        filled,
        seen: None,
    }
}

/// The text in which a default stands in its field, where it is written there and is a value of the field's kind.
fn filled_as(kind: &Kind, default: Option<&Value>) -> Option<String> {
    let input = match (kind, default?) {
        (Kind::Text { input, .. }, Value::String(_) | Value::Number(_) | Value::Bool(_))
        | (Kind::Number { input, .. }, Value::Number(_))
        | (Kind::Json(input), _) => input,
        _ => return None,
    };
    Some(input.text().to_owned())
}

/// The schema itself, or the one of `anyOf` or `oneOf` that is not null: how optional fields are written by some.
fn plain(schema: &Value) -> &Value {
    let branches = ["anyOf", "oneOf"]
        .iter()
        .find_map(|key| schema.get(key).and_then(Value::as_array));
    let is_null = |branch: &&Value| branch.get("type").is_some_and(|kind| kind == "null");
    match branches {
        Some(branches) if branches.iter().any(|branch| is_null(&branch)) => {
            let mut others = branches.iter().filter(|branch| !is_null(branch));
            match (others.next(), others.next()) {
                (Some(only), None) => only,
                _ => schema,
            }
        }
        _ => schema,
    }
}

fn kind(schema: &Value, default: Option<&Value>) -> Kind {
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let count = |key: &str| schema.get(key).and_then(Value::as_u64);
    if let Some(options) = options(schema) {
        let chosen = default.and_then(|value| place(&options, value));
        return Kind::One { options, chosen };
    }
    let word = type_of(schema);
    match word {
        Some("string") | None => Kind::Text {
            input: written(default),
            format: schema
                .get("format")
                .and_then(Value::as_str)
                .and_then(Format::named),
            min: count("minLength"),
            max: count("maxLength"),
        },
        Some("number" | "integer") => Kind::Number {
            input: written(default.filter(|value| value.is_number())),
            whole: word == Some("integer"),
            min: number("minimum"),
            max: number("maximum"),
        },
        Some("boolean") => Kind::Flag(default.and_then(Value::as_bool)),
        Some("array") => match schema.get("items").and_then(options) {
            Some(options) => Kind::Many {
                chosen: places(&options, default),
                options,
                min: count("minItems"),
                max: count("maxItems"),
            },
            None => Kind::Json(json(default)),
        },
        Some(_) => Kind::Json(json(default)),
    }
}

fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::Array(types) => types
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        other => other.as_str(),
    }
}

/// What can be chosen: `enum` with or without `enumNames`, or `oneOf` and `anyOf` of constants with titles. Each value once.
pub(super) fn options(schema: &Value) -> Option<Vec<Choosable>> {
    let array = |key: &str| schema.get(key).and_then(Value::as_array);
    let mut known: HashSet<&Value> = HashSet::new();
    let mut option = |value, title: Option<&Value>| {
        let title = title.and_then(Value::as_str).map(str::to_owned);
        known.insert(value).then(|| Choosable {
            value: Value::clone(value),
            title: title.filter(|title| !title.trim().is_empty()),
        })
    };
    let mut options: Vec<Choosable> = Vec::new();
    if let Some(values) = array("enum") {
        let names = array("enumNames").map_or(&[][..], Vec::as_slice);
        for (at, value) in values.iter().enumerate() {
            options.extend(option(value, names.get(at)));
        }
    } else if let Some(value) = schema.get("const") {
        options.extend(option(value, None));
    } else {
        for branch in array("oneOf").or_else(|| array("anyOf"))? {
            options.extend(option(branch.get("const")?, branch.get("title")));
        }
    }
    (!options.is_empty()).then_some(options)
}

fn place(options: &[Choosable], value: &Value) -> Option<usize> {
    options.iter().position(|option| option.value == *value)
}

fn places(options: &[Choosable], default: Option<&Value>) -> BTreeSet<usize> {
    let values = default.and_then(Value::as_array);
    let known = |value: &Value| place(options, value);
    values.into_iter().flatten().filter_map(known).collect()
}

/// A text as it is, another value as JSON.
fn written(value: Option<&Value>) -> Composer {
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    filled(&text)
}

pub(super) fn json(value: Option<&Value>) -> Composer {
    filled(&value.map(Value::to_string).unwrap_or_default())
}

fn filled(text: &str) -> Composer {
    let mut input = Composer::default();
    if !text.is_empty() {
        input.set(text);
    }
    input
}

/// Whether a name or a description speaks of something that a server must not ask for in a form.
fn speaks_of_a_secret(text: &str) -> bool {
    // `apiKey`, `api_key` and `API key` are the same words.
    let mut words = String::from(" ");
    let mut before = ' ';
    for c in text.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
        before = c;
    }
    words.push(' ');
    SECRETS.iter().any(|secret| {
        if secret.is_ascii() {
            words.contains(&format!(" {secret} "))
        } else {
            words.contains(secret)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_words_and_not_by_parts_of_words() {
        for text in [
            "apiKey",
            "API_KEY",
            "your password",
            "db-password",
            "accessToken",
            "Mật khẩu của bạn",
            "请输入密码",
            "PIN",
        ] {
            assert!(speaks_of_a_secret(text), "{text}");
        }
        for text in [
            "max_tokens",
            "spinning",
            "secretary",
            "name",
            "key",
            "Tokyo",
        ] {
            assert!(!speaks_of_a_secret(text), "{text}");
        }
    }
}
