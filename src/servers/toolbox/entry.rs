//! One tool in the table: its definition, the check of its arguments, and its function behind one type.
//!
//! The definition that is listed and the one that arguments are checked against are the same. Filled and called by `toolbox`.

use std::sync::OnceLock;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use rmcp::handler::server::common::schema_for_input;
use rmcp::handler::server::tool::schema_for_output;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::servers::nearest::nearest;
use crate::servers::toolbox::{Answer, Effect, Refusal, Sign};

type Outcome = Result<Answer<Value>, Refusal>;
type Run<S> = dyn Fn(&S, &Value, &CancellationToken) -> Outcome + Send + Sync;

/// A tool of a server with the state `S`.
pub struct Entry<S> {
    /// What a client sees of it.
    pub tool: Tool,
    effect: Effect,
    checker: OnceLock<Option<jsonschema::Validator>>,
    run: Box<Run<S>>,
}

impl<S> Entry<S> {
    /// A tool whose schemas are those of the function's argument and answer.
    pub fn new<A, T>(
        sign: Sign,
        run: fn(&S, A, &CancellationToken) -> Result<Answer<T>, Refusal>,
    ) -> Self
    where
        S: 'static,
        A: DeserializeOwned + JsonSchema + 'static,
        T: Serialize + JsonSchema + 'static,
    {
        let mut input = schema_for_input::<A>().unwrap_or_default();
        // Some model endpoints refuse an object without this word, even when it has nothing to say.
        std::sync::Arc::make_mut(&mut input)
            .entry("properties")
            .or_insert_with(|| Value::Object(JsonObject::new()));
        let tool = Tool::new(sign.name, sign.description, input)
            .with_title(sign.title)
            .with_raw_output_schema(schema_for_output::<T>())
            .with_annotations(annotations(sign));
        Self {
            tool,
            effect: sign.effect,
            checker: OnceLock::new(),
            run: Box::new(move |state, arguments, stop| {
                let arguments = A::deserialize(arguments).map_err(|e| Refusal(e.to_string()))?;
                let answer = run(state, arguments, stop)?;
                let data = serde_json::to_value(answer.data).map_err(|e| Refusal(e.to_string()))?;
                Ok(Answer {
                    data,
                    text: answer.text,
                    blocks: answer.blocks,
                })
            }),
        }
    }

    /// Whether it may change something.
    pub fn changes(&self) -> bool {
        self.effect != Effect::Reads
    }

    /// Runs the tool on arguments that `complaint` has nothing against.
    pub fn call(&self, state: &S, arguments: &Value, stop: &CancellationToken) -> CallToolResult {
        match (self.run)(state, arguments, stop) {
            Ok(answer) => {
                let mut blocks = vec![ContentBlock::text(answer.text)];
                blocks.extend(answer.blocks);
                let mut result = CallToolResult::success(blocks);
                result.structured_content = Some(answer.data);
                result
            }
            Err(Refusal(message)) => CallToolResult::error(vec![ContentBlock::text(message)]),
        }
    }

    /// What is wrong with the arguments, by field; none when nothing is.
    pub fn complaint(&self, arguments: &Value) -> Option<Refusal> {
        let checker = self
            .checker
            .get_or_init(|| jsonschema::validator_for(&self.tool.schema_as_json_value()).ok());
        let name = &self.tool.name;
        let Some(checker) = checker else {
            return Some(Refusal(format!(
                "`{name}` has a schema that checks nothing: it is not run"
            )));
        };
        // Most calls are good, and to say only that is much cheaper than to look for what is wrong.
        if checker.is_valid(arguments) {
            return None;
        }
        let mut errors = checker
            .iter_errors(arguments)
            .map(|error| self.words(&error));
        let mut told: Vec<String> = errors.by_ref().take(MOST_ERRORS).collect();
        if told.is_empty() {
            return None;
        }
        let more = errors.count();
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        let known: Vec<String> = self.fields().map(|field| format!("`{field}`")).collect();
        let known = if known.is_empty() {
            "nothing".to_owned()
        } else {
            known.join(", ")
        };
        let told = told.join("; ");
        Some(Refusal(format!(
            "Bad arguments for `{name}`: {told}. It takes: {known}."
        )))
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        let properties = self.tool.input_schema.get("properties");
        let properties = properties.and_then(Value::as_object);
        properties
            .into_iter()
            .flat_map(|p| p.keys().map(String::as_str))
    }

    /// One error: the field, and what is wrong with it. A text is not repeated, as it may be long, or a secret.
    fn words(&self, error: &ValidationError<'_>) -> String {
        let path = field(&error.instance_path().to_string());
        let at = |name: &str| match path.as_str() {
            "" => format!("`{name}`"),
            path => format!("`{path}.{name}`"),
        };
        let mut message = match error.kind() {
            ValidationErrorKind::Required { property } => {
                return format!("{} is missing", at(property.as_str().unwrap_or_default()));
            }
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let unknown = unexpected.iter().take(MOST_ERRORS).map(|name| {
                    let near = || nearest(name, self.fields());
                    let known = path.is_empty() && name.len() <= MOST_SHOWN;
                    let hint = known.then(near).flatten();
                    let hint = hint.map_or_else(String::new, |n| format!(" (did you mean `{n}`?)"));
                    let short: String = name.chars().take(MOST_SHOWN).collect();
                    format!("{} is unknown{hint}", at(&short))
                });
                return unknown.collect::<Vec<_>>().join("; ");
            }
            _ => match error.instance().as_ref() {
                Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    error.masked_with("what it got").to_string()
                }
                _ => error.to_string(),
            },
        };
        message.push_str(&near(error));
        match path.as_str() {
            "" => message,
            path => format!("`{path}`: {message}"),
        }
    }
}

/// The errors that are told of one call, and the characters of a foreign name that are repeated.
const MOST_ERRORS: usize = 5;
const MOST_SHOWN: usize = 64;

/// A JSON pointer as people write it: `edits[0].old_text`.
fn field(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit()) {
            path.push_str(&format!("[{step}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&step);
        }
    }
    path
}

/// The word of a list that is nearest to one that is not in it.
fn near(error: &ValidationError<'_>) -> String {
    let ValidationErrorKind::Enum { options } = error.kind() else {
        return String::new();
    };
    let known = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let known = known.iter().filter_map(Value::as_str);
    let given = error
        .instance()
        .as_str()
        .filter(|given| given.len() <= MOST_SHOWN);
    let found = given.and_then(|given| nearest(given, known));
    found
        .map(|word| format!("; did you mean `{word}`?"))
        .unwrap_or_default()
}

fn annotations(sign: Sign) -> ToolAnnotations {
    let hints = ToolAnnotations::with_title(sign.title).open_world(false);
    match sign.effect {
        Effect::Reads => hints.read_only(true).destructive(false).idempotent(true),
        Effect::Adds => hints.read_only(false).destructive(false).idempotent(false),
        Effect::Ensures => hints.read_only(false).destructive(false).idempotent(true),
        Effect::Replaces => hints.read_only(false).destructive(true).idempotent(false),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Edit {
        old_text: String,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Asked {
        path: String,
        #[serde(default)]
        edits: Vec<Edit>,
        #[schemars(range(min = 1))]
        limit: Option<u32>,
    }

    #[derive(Serialize, JsonSchema)]
    struct Told {}

    #[test]
    fn a_complaint_names_the_field_and_repeats_no_text() {
        let sign = Sign {
            name: "edit",
            title: "Edit",
            description: "",
            effect: Effect::Replaces,
        };
        let entry: Entry<()> = Entry::new(sign, |(), _: Asked, _| Ok(Answer::new(Told {}, "")));
        let secret = "hunter2 ".repeat(1_000);
        for (arguments, words) in [
            (json!({}), "`path` is missing"),
            (
                json!({ "path": "x", "pth": 1 }),
                "`pth` is unknown (did you mean `path`?)",
            ),
            (
                json!({ "path": "x", "edits": [{}] }),
                "`edits[0].old_text` is missing",
            ),
            (
                json!({ "path": "x", "edits": [{ "old_text": 7 }] }),
                "`edits[0].old_text`: 7 is not",
            ),
            (
                json!({ "path": "x", "limit": 0 }),
                "`limit`: 0 is less than the minimum",
            ),
            (
                json!({ "path": "x", "limit": secret }),
                "`limit`: what it got is not",
            ),
            (
                json!({ "path": { "password": secret } }),
                "`path`: what it got is not",
            ),
        ] {
            let complaint = entry.complaint(&arguments).unwrap().0;
            assert!(complaint.contains(words), "{complaint}");
            assert!(
                complaint.contains("It takes: `path`, `edits`, `limit`."),
                "{complaint}"
            );
            assert!(
                complaint.len() < 300 && !complaint.contains("hunter2"),
                "{complaint}"
            );
        }
        let many: Vec<Value> = (0..100).map(|_| json!({})).collect();
        let complaint = entry
            .complaint(&json!({ "path": "x", "edits": many }))
            .unwrap()
            .0;
        assert!(complaint.contains("and 95 more"), "{complaint}");
        assert!(entry.complaint(&json!({ "path": "x" })).is_none());
    }
}
