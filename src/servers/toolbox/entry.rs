//! One tool in the table: its definition, the check of its arguments, and its function behind one type.
//!
//! The definition that is listed and the one that arguments are checked against are the same. Filled and called by `toolbox`.

use std::sync::OnceLock;

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
type Run<S> = dyn Fn(&S, Value, &CancellationToken) -> Outcome + Send + Sync;

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
                let arguments =
                    serde_json::from_value(arguments).map_err(|e| Refusal(e.to_string()))?;
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
    pub fn call(
        &self,
        state: &S,
        arguments: JsonObject,
        stop: &CancellationToken,
    ) -> CallToolResult {
        match (self.run)(state, Value::Object(arguments), stop) {
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

    /// What is wrong with the arguments, by field.
    pub fn complaint(&self, arguments: &Value) -> Option<Refusal> {
        let checker = self
            .checker
            .get_or_init(|| jsonschema::validator_for(&self.tool.schema_as_json_value()).ok());
        let errors: Vec<String> = checker
            .as_ref()?
            .iter_errors(arguments)
            .map(|error| match error.instance_path().to_string().as_str() {
                "" => error.to_string(),
                path => format!(
                    "`{}`: {error}{}",
                    path.trim_start_matches('/'),
                    near(&error)
                ),
            })
            .collect();
        if errors.is_empty() {
            return None;
        }
        let known = self.tool.input_schema.get("properties");
        let known = known.and_then(Value::as_object).map(|p| {
            p.keys()
                .map(|key| format!("`{key}`"))
                .collect::<Vec<_>>()
                .join(", ")
        });
        Some(Refusal(format!(
            "Bad arguments for `{}`: {}. It takes: {}.",
            self.tool.name,
            errors.join("; "),
            known
                .filter(|k| !k.is_empty())
                .unwrap_or_else(|| "nothing".to_owned()),
        )))
    }
}

/// The word of a list that is nearest to one that is not in it.
fn near(error: &jsonschema::ValidationError<'_>) -> String {
    let jsonschema::error::ValidationErrorKind::Enum { options } = error.kind() else {
        return String::new();
    };
    let known = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let known = known.iter().filter_map(Value::as_str);
    let given = error.instance().as_str();
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
