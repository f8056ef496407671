//! A form that a server asks to be filled in (`elicitation/create`): its fields as data, and whether an answer fits.
//!
//! Pure. Dialogs draw the fields and ask [`Field::read`] and [`Field::check`] while the person types; the host checks the whole
//! with [`check`] before anything is sent. All words here that are not complaints are the server's: clean them at the exits.

mod formats;
mod read;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::host::arguments;

pub use formats::Format;

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The key of its value in the answer.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it is, in the server's words.
    pub description: Option<String>,
    /// Whether the form cannot do without it.
    pub required: bool,
    /// What stands there at first; only where it fits the field itself.
    pub default: Option<Value>,
    /// What may stand there.
    pub kind: Kind,
}

/// What may stand in a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A text; lengths in characters.
    Text {
        /// What sort of text.
        format: Option<Format>,
        /// The least length.
        min: Option<u64>,
        /// The greatest length.
        max: Option<u64>,
    },
    /// A number.
    Number {
        /// Without a fraction.
        whole: bool,
        /// The least.
        min: Option<f64>,
        /// The greatest.
        max: Option<f64>,
    },
    /// Yes or no.
    Boolean,
    /// One of these.
    One {
        /// Which there are.
        choices: Vec<Choice>,
    },
    /// Any of these, as a list.
    Many {
        /// Which there are.
        choices: Vec<Choice>,
        /// The least number of them.
        min: Option<u64>,
        /// The greatest number of them.
        max: Option<u64>,
    },
    /// A kind that the protocol does not have: any JSON, as it is written.
    Other,
}

/// One value that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown; absent: the value itself.
    pub title: Option<String>,
}

/// What is wrong with one field of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// The field's name; empty where it is the answer as a whole.
    pub field: String,
    /// What is wrong, as a short sentence.
    pub why: String,
}

/// The fields of a form, in the server's order.
pub fn fields(schema: &Value) -> Vec<Field> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| {
        required.is_some_and(|names| names.iter().any(|known| known.as_str() == Some(name)))
    };
    properties
        .iter()
        .map(|(name, about)| read::field(name, about, is_required(name)))
        .collect()
}

/// The answer that stands there before anyone has typed: every default.
pub fn defaults(schema: &Value) -> Map<String, Value> {
    let default = |field: Field| Some((field.name, field.default?));
    fields(schema).into_iter().filter_map(default).collect()
}

/// An answer made without a person: the defaults, and over them what is given for fields that there are. A text for a field
/// that is none is read as if it had been typed there.
///
/// # Errors
/// What does not fit.
pub fn fill(schema: &Value, given: &Value) -> Result<Map<String, Value>, Vec<Complaint>> {
    let mut answer = defaults(schema);
    let known = fields(schema);
    for (key, value) in given.as_object().into_iter().flatten() {
        if let Some(field) = known.iter().find(|field| &field.name == key) {
            let typed = value.as_str().filter(|_| field.check(value).is_err());
            let read = typed.and_then(|text| field.read(text).ok().flatten());
            answer.insert(key.clone(), read.unwrap_or_else(|| value.clone()));
        }
    }
    check(schema, &Value::Object(answer))
}

/// Whether an answer fits its form; gives the object that is sent.
///
/// # Errors
/// Every field that does not fit.
pub fn check(schema: &Value, answer: &Value) -> Result<Map<String, Value>, Vec<Complaint>> {
    let whole = |why: String| Complaint {
        field: String::new(),
        why,
    };
    let Value::Object(answer) = answer else {
        return Err(vec![whole("the answer must be an object".to_owned())]);
    };
    let fields = fields(schema);
    let mut complaints: Vec<Complaint> = fields
        .iter()
        .filter_map(|field| field.complaint(answer.get(&field.name)))
        .collect();
    let is_unknown = |key: &&String| !fields.iter().any(|field| &field.name == *key);
    complaints.extend(answer.keys().filter(is_unknown).map(|key| Complaint {
        field: key.clone(),
        why: "the form has no such field".to_owned(),
    }));
    if complaints.is_empty() {
        // What the schema says beyond the kinds that the protocol has, such as a pattern.
        let line = Value::Object(answer.clone()).to_string();
        if let Err(why) = arguments::check(&line, schema) {
            complaints.push(whole(why));
        }
    }
    if complaints.is_empty() {
        Ok(answer.clone())
    } else {
        Err(complaints)
    }
}

impl Field {
    /// What is shown as its name.
    pub fn label(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }

    /// Whether a value fits it.
    ///
    /// # Errors
    /// What is wrong, as a short sentence.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match (&self.kind, value) {
            (Kind::Text { format, min, max }, Value::String(text)) => {
                count(text.chars().count(), *min, *max, "characters")?;
                format.map_or(Ok(()), |format| format.check(text))
            }
            (Kind::Text { .. }, _) => Err("must be a text".to_owned()),
            (Kind::Number { whole, min, max }, Value::Number(number)) => {
                in_range(number, *whole, *min, *max)
            }
            (Kind::Number { whole: true, .. }, _) => Err("must be a whole number".to_owned()),
            (Kind::Number { .. }, _) => Err("must be a number".to_owned()),
            (Kind::Boolean, Value::Bool(_)) | (Kind::Other, _) => Ok(()),
            (Kind::Boolean, _) => Err("must be yes or no".to_owned()),
            (Kind::One { choices }, value) => is_choice(choices, value),
            (Kind::Many { choices, min, max }, Value::Array(chosen)) => {
                count(chosen.len(), *min, *max, "choices")?;
                if (1..chosen.len()).any(|n| chosen[..n].contains(&chosen[n])) {
                    return Err("has the same choice twice".to_owned());
                }
                chosen.iter().try_for_each(|one| is_choice(choices, one))
            }
            (Kind::Many { .. }, _) => Err("must be a list of choices".to_owned()),
        }
    }

    /// The value of what a person typed: nothing at all is no value. Several choices are separated by commas; a choice is
    /// known by its value or its title.
    ///
    /// # Errors
    /// What is wrong, as a short sentence.
    pub fn read(&self, typed: &str) -> Result<Option<Value>, String> {
        let value = match self.typed(typed)? {
            Some(value) => value,
            None if self.required => return Err("is required".to_owned()),
            None => return Ok(None),
        };
        self.check(&value).map(|()| Some(value))
    }

    fn typed(&self, typed: &str) -> Result<Option<Value>, String> {
        let trimmed = typed.trim();
        if trimmed.is_empty() {
            return Ok(None);
        }
        let chosen = |choices: &[Choice], one: &str| {
            let fits = |choice: &&Choice| {
                choice.value == one || choice.title.as_deref().is_some_and(|title| title == one)
            };
            let known = choices.iter().find(fits);
            Value::String(known.map_or(one, |choice| &choice.value).to_owned())
        };
        Ok(Some(match &self.kind {
            Kind::Text { format: None, .. } => Value::String(typed.to_owned()),
            Kind::Text { .. } => Value::String(trimmed.to_owned()),
            Kind::Number { .. } => match serde_json::from_str(trimmed) {
                Ok(Value::Number(number)) => Value::Number(number),
                _ => return Err("must be a number".to_owned()),
            },
            Kind::Boolean => match trimmed.to_lowercase().as_str() {
                "yes" | "y" | "true" | "on" | "1" => Value::Bool(true),
                "no" | "n" | "false" | "off" | "0" => Value::Bool(false),
                _ => return Err("must be yes or no".to_owned()),
            },
            Kind::One { choices } => chosen(choices, trimmed),
            Kind::Many { choices, .. } => {
                let words = trimmed.split(',').map(str::trim);
                let words = words.filter(|word| !word.is_empty());
                words.map(|word| chosen(choices, word)).collect()
            }
            Kind::Other => serde_json::from_str(trimmed)
                .map_err(|error| format!("must be valid JSON: {error}"))?,
        }))
    }

    fn complaint(&self, value: Option<&Value>) -> Option<Complaint> {
        let why = match value {
            Some(value) => self.check(value).err()?,
            None if self.required => "is required".to_owned(),
            None => return None,
        };
        Some(Complaint {
            field: self.name.clone(),
            why,
        })
    }
}

impl Choice {
    /// What is shown.
    pub fn label(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.value)
    }
}

/// The complaints as one line.
pub fn sentence(complaints: &[Complaint]) -> String {
    let one = |complaint: &Complaint| match complaint.field.as_str() {
        "" => complaint.why.clone(),
        field => format!("`{field}` {}", complaint.why),
    };
    complaints.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn count(has: usize, min: Option<u64>, max: Option<u64>, of: &str) -> Result<(), String> {
    let has = has as u64;
    match (min, max) {
        (Some(min), _) if has < min => Err(format!("needs at least {min} {of}")),
        (_, Some(max)) if has > max => Err(format!("may have at most {max} {of}")),
        _ => Ok(()),
    }
}

fn in_range(
    number: &serde_json::Number,
    whole: bool,
    min: Option<f64>,
    max: Option<f64>,
) -> Result<(), String> {
    let value = number.as_f64().unwrap_or(f64::NAN);
    if whole && !number.is_i64() && !number.is_u64() && value.fract() != 0.0 {
        return Err("must be a whole number".to_owned());
    }
    match (min, max) {
        (Some(min), _) if value < min => Err(format!("must be at least {min}")),
        (_, Some(max)) if value > max => Err(format!("must be at most {max}")),
        _ => Ok(()),
    }
}

fn is_choice(choices: &[Choice], value: &Value) -> Result<(), String> {
    if choices
        .iter()
        .any(|choice| value.as_str() == Some(&choice.value))
    {
        return Ok(());
    }
    let known: Vec<_> = choices.iter().map(|choice| choice.value.as_str()).collect();
    Err(format!("must be one of {}", known.join(", ")))
}
