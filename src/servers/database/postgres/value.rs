//! Values to and fro. What comes is the server's own text for each value, by the type of its column; what goes is a text that the
//! server reads as the type that it wants there. Nothing is rounded on the way. Pure.
//!
//! Whole numbers, floats and booleans are JSON's; a `numeric` is a text with all its digits; `json` is a text as it stands; a
//! `bytea` is `{"blob_bytes": n}`; times are ISO 8601 in the session's time zone, with its offset; all others are texts.

use std::error::Error;

use serde_json::{Number, Value, json};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

/// A value as JSON, from the server's text.
pub fn json_of(kind: &Type, text: Option<&str>) -> Value {
    let Some(text) = text else {
        return Value::Null;
    };
    let number = match *kind {
        Type::BOOL => return Value::Bool(text == "t"),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => {
            text.parse::<i64>().ok().map(Number::from)
        }
        // Infinity and NaN are no JSON numbers.
        Type::FLOAT4 | Type::FLOAT8 => text.parse::<f64>().ok().and_then(Number::from_f64),
        Type::BYTEA => {
            let digits = text.strip_prefix("\\x").map_or(text.len(), str::len);
            return json!({ "blob_bytes": digits / 2 });
        }
        Type::TIMESTAMP => return Value::from(iso(text, false)),
        Type::TIMESTAMPTZ => return Value::from(iso(text, true)),
        _ => None,
    };
    number.map_or_else(|| Value::from(text), Value::Number)
}

/// `2026-11-22 14:05:00+00` as `2026-11-22T14:05:00+00:00`; what is no such time (`infinity`, years BC) stays.
fn iso(text: &str, zone: bool) -> String {
    let Some((date, time)) = text.split_once(' ') else {
        return text.to_owned();
    };
    if time.ends_with("BC") {
        return text.to_owned();
    }
    let hours_only = zone
        && time
            .rfind(['+', '-'])
            .is_some_and(|at| time.len() - at == 3);
    format!("{date}T{time}{}", if hours_only { ":00" } else { "" })
}

/// The type's name as people write it in SQL.
pub fn kind_name(kind: &Type) -> String {
    if let Kind::Array(of) = kind.kind() {
        return format!("{}[]", kind_name(of));
    }
    let name = match *kind {
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::FLOAT4 => "real",
        Type::FLOAT8 => "double precision",
        Type::VARCHAR => "character varying",
        Type::BPCHAR => "character",
        Type::TIMESTAMP => "timestamp",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        Type::TIME => "time",
        Type::TIMETZ => "time with time zone",
        Type::VARBIT => "bit varying",
        _ => kind.name(),
    };
    name.to_owned()
}

/// Decimal digits that every float keeps.
const SAFE_DIGITS: usize = 15;

/// A parameter: the text of a value, for whatever type the server expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter(Option<String>);

/// A number with a point or beyond 64 bits has been a float on its way here, and may have lost digits on it: that is no matter
/// to a float, and to all other types the client has to send it as text.
///
/// # Errors
/// Such a number for such a type; a sentence that says so.
pub fn exact(value: &Value, kind: &Type) -> Result<(), String> {
    let Value::Number(number) = value else {
        return Ok(());
    };
    let text = number.to_string();
    let mantissa = text.split('e').next().unwrap_or_default();
    let digits = mantissa.strip_suffix(".0").unwrap_or(mantissa);
    let digits = digits.bytes().filter(u8::is_ascii_digit).count();
    let is_float = matches!(*kind, Type::FLOAT4 | Type::FLOAT8);
    if is_float || !number.is_f64() || digits <= SAFE_DIGITS {
        return Ok(());
    }
    Err(format!(
        "The number {text} has more than {SAFE_DIGITS} digits and may have been rounded on its way here; send it as text, in quotation marks, to keep each of them."
    ))
}

impl Parameter {
    /// The text of a JSON value; an array or object is its JSON.
    pub fn of(value: &Value) -> Self {
        Self(match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(text) = &self.0 else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// An answer of the server's that is text in its binary form too, such as `text`, `name` and `json`.
#[derive(Debug)]
pub struct Text(pub String);

impl<'a> FromSql<'a> for Text {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?.to_owned()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_digits_and_their_kind() {
        let of = |kind, text| json_of(&kind, Some(text));
        assert_eq!(of(Type::INT8, "-9223372036854775808"), json!(i64::MIN));
        assert_eq!(of(Type::OID, "4294967295"), json!(4_294_967_295_u32));
        assert_eq!(
            of(Type::NUMERIC, "12345678901234567890.123456789000"),
            json!("12345678901234567890.123456789000")
        );
        assert_eq!(of(Type::FLOAT8, "0.1"), json!(0.1));
        assert_eq!(of(Type::FLOAT4, "NaN"), json!("NaN"));
        assert_eq!(of(Type::FLOAT8, "-Infinity"), json!("-Infinity"));
        assert_eq!(of(Type::BOOL, "f"), json!(false));
        assert_eq!(of(Type::BYTEA, "\\x00ff10"), json!({"blob_bytes": 3}));
        assert_eq!(of(Type::JSONB, "{\"a\": 1}"), json!("{\"a\": 1}"));
        assert_eq!(json_of(&Type::TEXT, None), Value::Null);
    }

    #[test]
    fn times_are_iso_8601() {
        let of = |kind, text| json_of(&kind, Some(text));
        let zoned = |text| of(Type::TIMESTAMPTZ, text);
        assert_eq!(
            zoned("2026-11-22 14:05:00+00"),
            json!("2026-11-22T14:05:00+00:00")
        );
        assert_eq!(
            zoned("2026-11-22 14:05:00.5-03:30"),
            json!("2026-11-22T14:05:00.5-03:30")
        );
        assert_eq!(zoned("infinity"), json!("infinity"));
        assert_eq!(
            zoned("0044-03-15 12:00:00+00 BC"),
            json!("0044-03-15 12:00:00+00 BC")
        );
        assert_eq!(
            of(Type::TIMESTAMP, "2026-11-22 14:05:00"),
            json!("2026-11-22T14:05:00")
        );
        assert_eq!(of(Type::DATE, "2026-11-22"), json!("2026-11-22"));
    }

    #[test]
    fn a_number_that_may_have_lost_digits_is_for_floats_alone() {
        let long: Value = serde_json::from_str("12345678901234567890.12").unwrap();
        for (value, kind, fine) in [
            (long.clone(), Type::NUMERIC, false),
            (long.clone(), Type::TEXT, false),
            (long, Type::FLOAT8, true),
            (json!(0.1 + 0.2), Type::NUMERIC, false),
            (json!(19.99), Type::NUMERIC, true),
            (json!(75000.0), Type::NUMERIC, true),
            (json!(i64::MAX), Type::NUMERIC, true),
            (json!("12345678901234567890.12"), Type::NUMERIC, true),
        ] {
            assert_eq!(exact(&value, &kind).is_ok(), fine, "{value} for {kind}");
        }
    }

    #[test]
    fn a_parameter_is_its_text() {
        let of = |value| Parameter::of(&value);
        assert_eq!(of(json!(null)), Parameter(None));
        assert_eq!(of(json!("1; DROP")), Parameter(Some("1; DROP".to_owned())));
        assert_eq!(of(json!(u64::MAX)), Parameter(Some(u64::MAX.to_string())));
        assert_eq!(of(json!([1, "a"])), Parameter(Some("[1,\"a\"]".to_owned())));
    }
}
