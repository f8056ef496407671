//! From what is written or chosen in a field to its value.
//!
//! Pure. The complaints are for the person: they say what is expected.

use std::collections::BTreeSet;

use serde_json::{Number, Value, json};

use super::field::{Choosable, Field};
use super::format::Format;
use super::written::{self, is_kept};

impl Field {
    pub(super) fn text_value(
        &self,
        text: &str,
        format: Option<Format>,
        min: Option<u64>,
        max: Option<u64>,
    ) -> Result<Option<Value>, String> {
        let kept = self.kept(text);
        if text.is_empty() && kept.is_none() {
            // An empty text is a value only where the schema says that it may be one.
            let may_be = self.required && min == Some(0) && format.is_none();
            return Ok(may_be.then(|| json!("")));
        }
        // What is sent is measured: composed, the default may be shorter than it is.
        let text = kept.as_ref().and_then(Value::as_str).unwrap_or(text);
        let count = text.chars().count() as u64;
        if let Some(min) = min.filter(|min| count < *min) {
            return Err(format!("{min} characters at least, and it has {count}"));
        }
        if let Some(max) = max.filter(|max| count > *max) {
            return Err(format!("{max} characters at most, and it has {count}"));
        }
        match format {
            Some(format) if !format.fits(text) => Err(format!("it must be {}", format.words())),
            _ => Ok(Some(kept.clone().unwrap_or_else(|| json!(text)))),
        }
    }

    pub(super) fn number_value(
        &self,
        text: &str,
        whole: bool,
        min: Option<f64>,
        max: Option<f64>,
    ) -> Result<Option<Value>, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let number = match self.kept(text) {
            Some(Value::Number(number)) => Some(number),
            _ => number(text, whole),
        };
        let Some(number) = number else {
            return Err(match (is_digits(text) || !is_kept(text), whole) {
                (true, _) => "it has more digits than a number can be sent with here".to_owned(),
                (_, true) => "it must be a whole number such as 42".to_owned(),
                (_, false) => "it must be a number such as 4.2, with a point".to_owned(),
            });
        };
        let size = number.as_f64().unwrap_or(f64::NAN);
        if let Some(min) = min.filter(|min| size < *min) {
            return Err(format!("{} is the least", figure(min)));
        }
        if let Some(max) = max.filter(|max| size > *max) {
            return Err(format!("{} is the most", figure(max)));
        }
        Ok(Some(Value::Number(number)))
    }

    pub(super) fn many_value(
        &self,
        options: &[Choosable],
        chosen: &BTreeSet<usize>,
        min: Option<u64>,
        max: Option<u64>,
    ) -> Result<Option<Value>, String> {
        let count = chosen.len() as u64;
        if count == 0 {
            let is_value = self.required || self.default.as_ref().is_some_and(Value::is_array);
            return Ok((is_value && min.unwrap_or(0) == 0).then(|| json!([])));
        }
        if let Some(min) = min.filter(|min| count < *min) {
            return Err(format!("{min} at least, and {count} chosen"));
        }
        if let Some(max) = max.filter(|max| count > *max) {
            return Err(format!("{max} at most, and {count} chosen"));
        }
        let values = || chosen.iter().filter_map(|at| options.get(*at));
        // The default keeps its own order.
        if let Some(Value::Array(default)) = &self.default
            && default.len() == chosen.len()
            && values().all(|option| default.contains(&option.value))
        {
            return Ok(self.default.clone());
        }
        let values = values().map(|option| option.value.clone());
        Ok(Some(Value::Array(values.collect())))
    }

    pub(super) fn json_value(&self, text: &str) -> Result<Option<Value>, String> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        if let Some(kept) = self.kept(text) {
            return Ok(Some(kept));
        }
        written::read(text).map(Some)
    }

    /// The default, where the text is still the one that it was filled in as: the input keeps its text composed, and the
    /// default need not be.
    pub(super) fn kept(&self, text: &str) -> Option<Value> {
        let unedited = self.filled.as_deref() == Some(text);
        self.default.clone().filter(|_| unedited)
    }
}

/// Whether nothing but the digits of a whole number is written.
fn is_digits(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A bound as people read it: `1.8e19` and not all the digits that its nearest binary number happens to have.
pub(super) fn figure(bound: f64) -> String {
    match bound.abs() < 1e16 {
        true => bound.to_string(),
        false => format!("{bound:e}"),
    }
}

/// A number as people write it; absent: it is none, or it would be sent with other digits.
pub(super) fn number(text: &str, whole: bool) -> Option<Number> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<u64>() {
        return Some(number.into());
    }
    if is_digits(text) {
        return None;
    }
    let number = text
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite() && is_kept(text))?;
    if !whole {
        return Number::from_f64(number);
    }
    // `3.0` and `1e3` are whole; beyond 2^53 a fraction can no longer be told.
    let fits = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and small enough")]
    fits.then_some(number as i64).map(Number::from)
}
