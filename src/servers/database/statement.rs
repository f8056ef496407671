//! The SQL of a change: names quoted, values as parameters. Pure; the engines run it.

use serde_json::Value;

use crate::servers::database::catalogue::{Relation, quoted};
use crate::servers::database::engine::{Change, Comparison, Condition, Deed, Test};

/// In what the engines differ.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// The mark of the parameter with this number, from 1.
    pub mark: fn(usize) -> String,
    /// What stands between `INSERT` or `UPDATE` and the rest, such as ` OR ABORT`.
    pub conflict: &'static str,
    /// A quoted column as a text, to be compared by `LIKE`.
    pub as_text: fn(&str) -> String,
}

/// A statement and the values of its parameters, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// The statement.
    pub sql: String,
    /// The values.
    pub values: Vec<Value>,
}

/// The statement of a change, without a `RETURNING`.
pub fn build(change: &Change, dialect: Dialect) -> Built {
    let mut writer = Writer {
        dialect,
        values: Vec::new(),
    };
    let (table, conflict) = (whole(&change.table), dialect.conflict);
    let sql = match &change.deed {
        Deed::Insert(values) if values.is_empty() => {
            format!("INSERT{conflict} INTO {table} DEFAULT VALUES")
        }
        Deed::Insert(values) => {
            let names: Vec<String> = values.iter().map(|(name, _)| quoted(name)).collect();
            let marks: Vec<String> = values.iter().map(|(_, v)| writer.mark(v)).collect();
            format!(
                "INSERT{conflict} INTO {table} ({}) VALUES ({})",
                names.join(", "),
                marks.join(", ")
            )
        }
        Deed::Update(values, conditions) => {
            let set: Vec<String> = values
                .iter()
                .map(|(name, value)| format!("{} = {}", quoted(name), writer.mark(value)))
                .collect();
            let only = writer.only(conditions);
            format!("UPDATE{conflict} {table} SET {}{only}", set.join(", "))
        }
        Deed::Delete(conditions) => format!("DELETE FROM {table}{}", writer.only(conditions)),
    };
    Built {
        sql,
        values: writer.values,
    }
}

/// The table's name with its schema.
pub fn whole(table: &Relation) -> String {
    let schema = table.schema.as_ref();
    let schema = schema.map(|schema| format!("{}.", quoted(schema)));
    format!("{}{}", schema.unwrap_or_default(), quoted(&table.name))
}

struct Writer {
    dialect: Dialect,
    values: Vec<Value>,
}

impl Writer {
    fn mark(&mut self, value: &Value) -> String {
        self.values.push(value.clone());
        (self.dialect.mark)(self.values.len())
    }

    fn only(&mut self, conditions: &[Condition]) -> String {
        let tests: Vec<String> = conditions.iter().map(|c| self.condition(c)).collect();
        if tests.is_empty() {
            return String::new();
        }
        format!(" WHERE {}", tests.join(" AND "))
    }

    fn condition(&mut self, condition: &Condition) -> String {
        let column = quoted(&condition.column);
        match &condition.test {
            Test::Compare(by, value) => format!("{column} {} {}", by.sql(), self.mark(value)),
            Test::Like(value) => format!(
                "{} LIKE {}",
                (self.dialect.as_text)(&column),
                self.mark(value)
            ),
            Test::In(values) => {
                let marks: Vec<String> = values.iter().map(|v| self.mark(v)).collect();
                format!("{column} IN ({})", marks.join(", "))
            }
            Test::IsNull => format!("{column} IS NULL"),
            Test::IsNotNull => format!("{column} IS NOT NULL"),
        }
    }
}

impl Comparison {
    fn sql(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "<>",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::database::catalogue::Kind;
    use serde_json::json;

    fn sql(schema: Option<&str>, deed: Deed) -> (String, Vec<Value>) {
        let table = Relation {
            schema: schema.map(str::to_owned),
            name: "a \"b\"; --".to_owned(),
            shown: String::new(),
            kind: Kind::Table,
            columns: Vec::new(),
            comment: None,
        };
        let change = Change {
            table,
            deed,
            max_rows: None,
        };
        let built = build(
            &change,
            Dialect {
                mark: |n| format!("${n}"),
                conflict: "",
                as_text: |column| format!("CAST({column} AS text)"),
            },
        );
        (built.sql, built.values)
    }

    #[test]
    fn names_are_quoted_and_values_are_parameters() {
        let x = |value: Value| ("x\"y".to_owned(), value);
        let condition = |column: &str, test| Condition {
            column: column.to_owned(),
            test,
        };
        let evil = json!("'; DROP TABLE t; --");
        assert_eq!(
            sql(None, Deed::Insert(vec![x(evil.clone()), x(json!(null))])),
            (
                "INSERT INTO \"a \"\"b\"\"; --\" (\"x\"\"y\", \"x\"\"y\") VALUES ($1, $2)"
                    .to_owned(),
                vec![evil.clone(), json!(null)]
            )
        );
        assert_eq!(
            sql(Some("s"), Deed::Insert(Vec::new())).0,
            "INSERT INTO \"s\".\"a \"\"b\"\"; --\" DEFAULT VALUES"
        );
        let conditions = vec![
            condition("a", Test::Compare(Comparison::Unequal, json!(1))),
            condition("b", Test::Like(evil.clone())),
            condition("c", Test::In(vec![json!(2), json!(3)])),
            condition("d", Test::IsNull),
            condition("e", Test::IsNotNull),
        ];
        assert_eq!(
            sql(None, Deed::Update(vec![x(json!(0))], conditions)),
            (
                "UPDATE \"a \"\"b\"\"; --\" SET \"x\"\"y\" = $1 WHERE \"a\" <> $2 AND CAST(\"b\" AS text) LIKE $3 \
                 AND \"c\" IN ($4, $5) AND \"d\" IS NULL AND \"e\" IS NOT NULL"
                    .to_owned(),
                vec![json!(0), json!(1), evil, json!(2), json!(3)]
            )
        );
        assert_eq!(
            sql(None, Deed::Delete(Vec::new())).0,
            "DELETE FROM \"a \"\"b\"\"; --\""
        );
    }
}
