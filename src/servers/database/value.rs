//! The values that a client may send: texts, numbers, booleans, null. Pure; every tool checks by it.

use serde_json::Value;

use crate::servers::toolbox::Refusal;

/// Whether the value can be a parameter.
///
/// # Errors
/// It is an array, an object or a whole number beyond 64 bits; a sentence that names `field`.
pub fn check(value: &Value, field: &str) -> Result<(), Refusal> {
    let fits = match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.is_f64() || number.as_i64().is_some(),
        Value::Array(_) | Value::Object(_) => false,
    };
    if fits {
        return Ok(());
    }
    Err(Refusal(format!(
        "`{field}` must be a text, a number that fits 64 bits, a boolean or null."
    )))
}
