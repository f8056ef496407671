//! Money, exact: whole hundredths of a currency's unit, in and out as decimal text, never a float.
//!
//! Sums go through `i128`, so that no number of opportunities can make them wrap. Pure; used by the opportunities and the report.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use crate::servers::toolbox::Refusal;

/// The currency of an amount that names none.
pub const CURRENCY: &str = "USD";

/// Decimal digits that survive the way through a JSON number of any program.
const SAFE_DIGITS: usize = 15;

/// An amount as a call gives it: a decimal text, or a number that is taken as it was written.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Amount(Value);

impl JsonSchema for Amount {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number"]})
    }
}

impl Amount {
    /// The amount in hundredths.
    ///
    /// # Errors
    /// Not a plain decimal, below zero, more than two decimals, or more than the store can hold.
    pub fn minor(&self, field: &str) -> Result<i64, Refusal> {
        let text = match &self.0 {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) if number.is_f64() => written(&number.to_string(), field)?,
            other => other.to_string(),
        };
        parsed(&text).map_err(|why| Refusal(format!("`{field}`: {why}")))
    }
}

/// A number with a point, as the digits that were sent; refused where a float may have changed them on the way.
fn written(number: &str, field: &str) -> Result<String, Refusal> {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if number.contains('e') || digits > SAFE_DIGITS {
        return Err(Refusal(format!(
            "`{field}`: {number} has too many digits to be exact as a number. Send it as text, such as \"75000.50\"."
        )));
    }
    Ok(number.strip_suffix(".0").unwrap_or(number).to_owned())
}

fn parsed(text: &str) -> Result<i64, String> {
    if text.starts_with('-') {
        return Err(format!("`{text}` is below zero; give 0 or more."));
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || text.ends_with('.') {
        return Err(format!(
            "`{text}` is no amount. Write digits and at most two decimals, such as 75000 or \"75000.50\"."
        ));
    }
    if part.len() > 2 {
        return Err(format!(
            "`{text}` has more than two decimals. Round it first."
        ));
    }
    let minor = format!("{whole}{part:0<2}");
    minor
        .parse()
        .map_err(|_| format!("`{text}` is too large; the most is {}.", shown(i64::MAX)))
}

/// The amount as text, with two decimals.
pub fn shown(minor: i64) -> String {
    sum(i128::from(minor))
}

/// A sum of amounts as text, with two decimals.
pub fn sum(minor: i128) -> String {
    format!("{}.{:02}", minor / 100, (minor % 100).abs())
}

/// A sum of amounts each times its percent, as text: two decimals, or up to four where it needs them.
pub fn weighted(minor_percent: i128) -> String {
    let mut text = format!(
        "{}.{:04}",
        minor_percent / 10_000,
        (minor_percent % 10_000).abs()
    );
    for _ in 0..2 {
        if text.ends_with('0') {
            text.pop();
        }
    }
    text
}

/// The same for people: `75,000.00`.
pub fn grouped(text: &str) -> String {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let mut out = String::new();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if part.is_empty() {
        out
    } else {
        format!("{out}.{part}")
    }
}

/// A currency's code in capitals.
///
/// # Errors
/// Not three letters.
pub fn currency(given: Option<&str>) -> Result<String, Refusal> {
    let code = given.unwrap_or(CURRENCY).trim().to_ascii_uppercase();
    if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(code);
    }
    Err(Refusal(format!(
        "`currency`: `{code}` is no currency code. Write its three letters, such as USD, EUR or VND."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn minor(value: Value) -> Result<i64, String> {
        Amount(value).minor("amount").map_err(|refusal| refusal.0)
    }

    #[test]
    fn amounts_are_taken_as_written() {
        for (given, hundredths) in [
            (json!("75000"), 7_500_000),
            (json!(75000), 7_500_000),
            (json!("75000.50"), 7_500_050),
            (json!(75000.5), 7_500_050),
            (json!(0.07), 7),
            (json!(1e5), 10_000_000),
            (json!("92233720368547758.07"), i64::MAX),
            (json!(9_007_199_254_740_993_u64), 900_719_925_474_099_300),
        ] {
            assert_eq!(minor(given.clone()), Ok(hundredths), "{given}");
        }
        for (given, why) in [
            (json!("75,000"), "no amount"),
            (json!(""), "no amount"),
            (json!("1."), "no amount"),
            (json!("1e5"), "no amount"),
            (json!("1.005"), "two decimals"),
            (json!(0.125), "two decimals"),
            (json!(-1), "below zero"),
            (json!("92233720368547758.08"), "too large"),
            (json!(12_345_678_901_234.56), "as text"),
            (json!(1e300), "as text"),
        ] {
            let said = minor(given.clone()).unwrap_err();
            assert!(
                said.contains(why) && said.starts_with("`amount`"),
                "{given}: {said}"
            );
        }
    }

    #[test]
    fn amounts_are_written_with_two_decimals_and_more_only_where_exactness_needs_them() {
        assert_eq!(shown(7), "0.07");
        assert_eq!(sum(i128::from(i64::MAX) * 3), "276701161105643274.21");
        assert_eq!(weighted(7_500_050 * 25), "18750.125");
        assert_eq!(weighted(1), "0.0001");
        assert_eq!(weighted(7_500_000 * 25), "18750.00");
        assert_eq!(grouped("1234567.50"), "1,234,567.50");
        assert_eq!(grouped("999.00"), "999.00");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(hundredths in 0..=i64::MAX) {
            prop_assert_eq!(minor(json!(shown(hundredths))), Ok(hundredths));
        }
    }
}
