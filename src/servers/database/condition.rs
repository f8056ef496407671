//! Conditions on rows as a client writes them, checked against the table. Pure; called by `change`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::servers::database::catalogue::Relation;
use crate::servers::database::engine::{Comparison, Condition, Test};
use crate::servers::database::value;
use crate::servers::toolbox::Refusal;

/// The most values after `in`.
const MOST_VALUES: usize = 1000;

/// One condition on a column.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionArg {
    /// The column.
    column: String,
    /// How it is compared; `=` when absent.
    #[serde(default)]
    op: Op,
    /// With what: a text, number or boolean; a list of them for `in`; nothing for `is_null` and `is_not_null`.
    value: Option<Value>,
}

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub enum Op {
    /// The same.
    #[default]
    #[serde(rename = "=")]
    Equal,
    /// Another one.
    #[serde(rename = "!=")]
    Unequal,
    /// Less.
    #[serde(rename = "<")]
    Less,
    /// Less or the same.
    #[serde(rename = "<=")]
    AtMost,
    /// More.
    #[serde(rename = ">")]
    Greater,
    /// More or the same.
    #[serde(rename = ">=")]
    AtLeast,
    /// A pattern in which `%` stands for any characters and `_` for one.
    #[serde(rename = "like")]
    Like,
    /// One of a list.
    #[serde(rename = "in")]
    In,
    /// Without a value.
    #[serde(rename = "is_null")]
    IsNull,
    /// With a value.
    #[serde(rename = "is_not_null")]
    IsNotNull,
}

/// The conditions by the catalogue's names.
///
/// # Errors
/// A column that is not there, or a value that does not fit its operator.
pub fn conditions(table: &Relation, given: Vec<ConditionArg>) -> Result<Vec<Condition>, Refusal> {
    let each = given.into_iter().enumerate().map(|(n, arg)| {
        let column = table.column(&arg.column)?.name.clone();
        let test = test(arg.op, arg.value, &format!("where[{n}].value"))?;
        Ok(Condition { column, test })
    });
    each.collect()
}

fn test(op: Op, value: Option<Value>, field: &str) -> Result<Test, Refusal> {
    let by = match op {
        Op::Equal => Comparison::Equal,
        Op::Unequal => Comparison::Unequal,
        Op::Less => Comparison::Less,
        Op::AtMost => Comparison::AtMost,
        Op::Greater => Comparison::Greater,
        Op::AtLeast => Comparison::AtLeast,
        Op::Like => return Ok(Test::Like(single(value, field)?)),
        Op::In => return Ok(Test::In(several(value, field)?)),
        Op::IsNull | Op::IsNotNull if value.is_some() => {
            return Err(Refusal(format!(
                "`{field}` has no place beside `is_null` and `is_not_null`; leave it out."
            )));
        }
        Op::IsNull => return Ok(Test::IsNull),
        Op::IsNotNull => return Ok(Test::IsNotNull),
    };
    Ok(Test::Compare(by, single(value, field)?))
}

/// Nothing equals NULL, not even NULL: a condition with it would never hold, and silently change nothing.
fn single(value: Option<Value>, field: &str) -> Result<Value, Refusal> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Err(Refusal(format!(
            "`{field}` is missing or null. Use the op `is_null` or `is_not_null` to ask for rows without or with a value."
        )));
    };
    value::check(&value, field)?;
    Ok(value)
}

fn several(value: Option<Value>, field: &str) -> Result<Vec<Value>, Refusal> {
    let Some(Value::Array(values)) = value else {
        return Err(Refusal(format!(
            "`{field}` must be a list of values for `in`."
        )));
    };
    if values.is_empty() || values.len() > MOST_VALUES {
        return Err(Refusal(format!(
            "`{field}` must hold 1 to {MOST_VALUES} values, and it holds {}.",
            values.len()
        )));
    }
    let each = values.into_iter().enumerate();
    each.map(|(n, value)| single(Some(value), &format!("{field}[{n}]")))
        .collect()
}
