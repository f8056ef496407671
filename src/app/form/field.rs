//! One field of a form: what can be written or chosen in it, its value, and what is wrong with that.
//!
//! Pure. The complaints are ours and made for people; where we have no words for a rule, the schema's checker has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::format::Format;
use super::value::figure;
use crate::app::composer::Composer;
use crate::host::arguments;

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name in the value.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What is meant.
    pub description: Option<String>,
    /// There is no value without it.
    pub required: bool,
    /// It looks as if it asked for a password or the like.
    pub secret: bool,
    /// What the schema fills in.
    pub default: Option<Value>,
    /// What sort of field, and what is written or chosen in it.
    pub kind: Kind,
    /// What is wrong with that.
    pub complaint: Option<String>,
    /// The person has changed it.
    pub touched: bool,
    pub(super) schema: Value,
    /// The text that the default was filled in as, where it is one that is written.
    pub(super) filled: Option<String>,
    /// What it held when it was checked last.
    pub(super) seen: Option<Kind>,
}

/// What sort of field, with what it holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A text.
    Text {
        /// What is written.
        input: Composer,
        /// What it must look like.
        format: Option<Format>,
        /// Characters at least.
        min: Option<u64>,
        /// Characters at most.
        max: Option<u64>,
    },
    /// A number.
    Number {
        /// What is written.
        input: Composer,
        /// Without a fraction.
        whole: bool,
        /// The least.
        min: Option<f64>,
        /// The most.
        max: Option<f64>,
    },
    /// Yes or no; absent: neither was said.
    Flag(Option<bool>),
    /// One of several.
    One {
        /// What can be chosen.
        options: Vec<Choosable>,
        /// Which is.
        chosen: Option<usize>,
    },
    /// Some of several.
    Many {
        /// What can be chosen.
        options: Vec<Choosable>,
        /// Which are.
        chosen: BTreeSet<usize>,
        /// How many at least.
        min: Option<u64>,
        /// How many at most.
        max: Option<u64>,
    },
    /// Anything else, written as JSON.
    Json(Composer),
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Choosable {
    /// What is sent.
    pub value: Value,
    /// Its name for people.
    pub title: Option<String>,
}

impl Field {
    /// What can be chosen in it.
    pub fn options(&self) -> &[Choosable] {
        match &self.kind {
            Kind::One { options, .. } | Kind::Many { options, .. } => options,
            Kind::Text { .. } | Kind::Number { .. } | Kind::Flag(_) | Kind::Json(_) => &[],
        }
    }

    /// Whether an option is chosen.
    pub fn is_chosen(&self, option: usize) -> bool {
        match &self.kind {
            Kind::One { chosen, .. } => *chosen == Some(option),
            Kind::Many { chosen, .. } => chosen.contains(&option),
            Kind::Text { .. } | Kind::Number { .. } | Kind::Flag(_) | Kind::Json(_) => false,
        }
    }

    /// The text that is written in it, where one writes.
    pub fn text(&self) -> Option<&Composer> {
        match &self.kind {
            Kind::Text { input, .. } | Kind::Number { input, .. } | Kind::Json(input) => {
                Some(input)
            }
            Kind::Flag(_) | Kind::One { .. } | Kind::Many { .. } => None,
        }
    }

    pub(super) fn text_mut(&mut self) -> Option<&mut Composer> {
        match &mut self.kind {
            Kind::Text { input, .. } | Kind::Number { input, .. } | Kind::Json(input) => {
                Some(input)
            }
            Kind::Flag(_) | Kind::One { .. } | Kind::Many { .. } => None,
        }
    }

    pub(super) fn first_chosen(&self) -> usize {
        let options = 0..self.options().len();
        options
            .into_iter()
            .find(|option| self.is_chosen(*option))
            .unwrap_or(0)
    }

    /// What is expected, for whoever fills it in; absent: anything.
    pub fn expected(&self) -> Option<String> {
        let words = match &self.kind {
            Kind::Text {
                format: Some(format),
                ..
            } => format.words().to_owned(),
            Kind::Text { min, max, .. } => {
                format!("{} characters", range(least(*min), *max)?)
            }
            Kind::Number {
                whole, min, max, ..
            } => {
                let what = if *whole { "a whole number" } else { "a number" };
                match range(min.map(figure), max.map(figure)) {
                    Some(range) => format!("{what}, {range}"),
                    None => what.to_owned(),
                }
            }
            Kind::Many { min, max, .. } => format!("choose {}", range(least(*min), *max)?),
            Kind::Json(_) => "JSON".to_owned(),
            Kind::Flag(_) | Kind::One { .. } => return None,
        };
        Some(words)
    }

    /// What it comes to: a value, none, or why there is none.
    ///
    /// # Errors
    /// What is wrong, in words for the person.
    pub fn value(&self) -> Result<Option<Value>, String> {
        let value = match &self.kind {
            Kind::Text {
                input,
                format,
                min,
                max,
            } => self.text_value(input.text(), *format, *min, *max)?,
            Kind::Number {
                input,
                whole,
                min,
                max,
            } => self.number_value(input.text(), *whole, *min, *max)?,
            Kind::Flag(said) => said.map(Value::Bool),
            Kind::One { options, chosen } => {
                let option = chosen.and_then(|at| options.get(at));
                option.map(|option| option.value.clone())
            }
            Kind::Many {
                options,
                chosen,
                min,
                max,
            } => self.many_value(options, chosen, *min, *max)?,
            Kind::Json(input) => self.json_value(input.text())?,
        };
        match (value, &self.kind) {
            (Some(value), _) => Ok(Some(value)),
            (None, _) if !self.required => Ok(None),
            (None, Kind::Flag(_)) => Err("yes or no is needed".to_owned()),
            (None, Kind::One { .. } | Kind::Many { .. }) => Err("one must be chosen".to_owned()),
            (None, Kind::Text { .. } | Kind::Number { .. } | Kind::Json(_)) => {
                Err("it is needed".to_owned())
            }
        }
    }

    /// Checks it anew where it has changed since; answers whether it had.
    pub(super) fn refresh(&mut self, whole: &Value) -> bool {
        if self.seen.as_ref() == Some(&self.kind) {
            return false;
        }
        // The first look is at what the schema filled in.
        self.touched |= self.seen.is_some();
        self.seen = Some(self.kind.clone());
        self.complaint = match self.value() {
            Ok(Some(value)) => self.refused(&value, whole),
            Ok(None) => None,
            Err(why) => Some(why),
        };
        true
    }

    /// What the schema's checker says, for rules that we have no words for (`pattern`, `multipleOf`).
    fn refused(&self, value: &Value, whole: &Value) -> Option<String> {
        let name = self.name.as_str();
        let mut schema = json!({"type": "object", "properties": {name: self.schema}});
        for key in ["$schema", "$defs", "definitions"] {
            if let Some(known) = whole.get(key) {
                schema[key] = known.clone();
            }
        }
        let line = json!({name: value}).to_string();
        let why = arguments::check(&line, &schema).err()?;
        let pattern = self.schema.get("pattern").and_then(Value::as_str);
        Some(match pattern {
            Some(pattern) if why.contains("does not match") => {
                format!("it must match the pattern {pattern}")
            }
            _ => match why.split_once("`: ") {
                Some((_, why)) => why.to_owned(),
                None => why,
            },
        })
    }

    /// What is to be said at the field now: what is missing only when it was to be accepted.
    pub fn says(&self, tried: bool) -> Option<&str> {
        let complaint = self.complaint.as_deref()?;
        (tried || self.touched || self.default.is_some()).then_some(complaint)
    }

    pub(super) fn say(&mut self, yes: bool) {
        if let Kind::Flag(said) = &mut self.kind {
            *said = Some(yes);
        }
    }

    pub(super) fn toggle(&mut self, option: usize) {
        let required = self.required;
        match &mut self.kind {
            Kind::Flag(said) => *said = Some(!said.unwrap_or(false)),
            Kind::One { chosen, .. } if *chosen == Some(option) && !required => *chosen = None,
            Kind::One { chosen, .. } => *chosen = Some(option),
            Kind::Many { chosen, .. } => {
                if !chosen.remove(&option) {
                    chosen.insert(option);
                }
            }
            Kind::Text { .. } | Kind::Number { .. } | Kind::Json(_) => {}
        }
    }

    pub(super) fn clear(&mut self) {
        match &mut self.kind {
            Kind::Flag(said) => *said = None,
            Kind::One { chosen, .. } => *chosen = None,
            Kind::Many { chosen, .. } => chosen.clear(),
            Kind::Text { .. } | Kind::Number { .. } | Kind::Json(_) => {}
        }
    }
}

fn least(count: Option<u64>) -> Option<u64> {
    count.filter(|count| *count > 0)
}

/// `1 to 5`, `at least 1`, `at most 5`.
fn range<T: std::fmt::Display>(min: Option<T>, max: Option<T>) -> Option<String> {
    match (min, max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}")),
        (Some(min), None) => Some(format!("at least {min}")),
        (None, Some(max)) => Some(format!("at most {max}")),
        (None, None) => None,
    }
}
