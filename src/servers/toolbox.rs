//! A table of tools over one state: lists them, checks arguments against their schema, runs them off the async threads.
//!
//! Knows nothing of what a tool does and of how the client is reached. Filled by each server, served by `stdio`. What a tool
//! fails with is a result that the model reads; only an unknown tool is an error of the protocol.

use std::sync::{Arc, OnceLock};

use rmcp::handler::server::common::schema_for_input;
use rmcp::handler::server::tool::schema_for_output;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
    ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::servers::Access;
use crate::servers::nearest::nearest;

/// What a tool gives back.
#[derive(Debug)]
pub struct Answer<T> {
    /// `structuredContent`.
    pub data: T,
    /// The short text beside it.
    pub text: String,
}

/// Why a tool did not do it: a sentence for the model, with what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

impl Refusal {
    /// A refusal that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// What a tool does to its environment; the annotations say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Reads,
    /// Only adds; a second call adds again or is refused.
    Adds,
    /// Only adds; a second call changes nothing more.
    Ensures,
    /// May replace or remove something.
    Replaces,
}

/// What a tool is called and what it does to its environment.
#[derive(Debug, Clone, Copy)]
pub struct Sign {
    /// The name that calls it.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// For the model.
    pub description: &'static str,
    /// What it does to its environment.
    pub effect: Effect,
}

type Outcome = Result<(Value, String), Refusal>;
type Run<S> = dyn Fn(&S, Value, &CancellationToken) -> Outcome + Send + Sync;

struct Entry<S> {
    tool: Tool,
    checker: OnceLock<Option<jsonschema::Validator>>,
    run: Box<Run<S>>,
}

/// One server: its state, its tools and its introduction.
pub struct Toolbox<S> {
    state: Arc<S>,
    entries: Arc<Vec<Entry<S>>>,
    access: Access,
    info: ServerConfig,
    running: TaskTracker,
}

impl<S: Send + Sync + 'static> Toolbox<S> {
    /// A server without tools yet.
    pub fn new(name: &str, instructions: String, state: S, access: Access) -> Self {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build());
        info.server_info = Implementation::new(name, env!("CARGO_PKG_VERSION"));
        Self {
            state: Arc::new(state),
            entries: Arc::new(Vec::new()),
            access,
            info: info.with_instructions(instructions),
            running: TaskTracker::new(),
        }
    }

    /// Adds a tool, unless it changes something and the access forbids that: then it neither shows nor runs.
    #[must_use]
    pub fn with<A, T>(
        mut self,
        sign: Sign,
        run: fn(&S, A, &CancellationToken) -> Result<Answer<T>, Refusal>,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + 'static,
        T: Serialize + JsonSchema + 'static,
    {
        if self.access == Access::ReadOnly && sign.effect != Effect::Reads {
            return self;
        }
        let mut input = schema_for_input::<A>().unwrap_or_default();
        // Some model endpoints refuse an object without this word, even when it has nothing to say.
        Arc::make_mut(&mut input)
            .entry("properties")
            .or_insert_with(|| Value::Object(JsonObject::new()));
        let tool = Tool::new(sign.name, sign.description, input)
            .with_title(sign.title)
            .with_raw_output_schema(schema_for_output::<T>())
            .with_annotations(annotations(sign));
        let entry = Entry {
            tool,
            checker: OnceLock::new(),
            run: Box::new(move |state, arguments, stop| {
                let arguments =
                    serde_json::from_value(arguments).map_err(|e| Refusal(e.to_string()))?;
                let answer = run(state, arguments, stop)?;
                let data = serde_json::to_value(answer.data).map_err(|e| Refusal(e.to_string()))?;
                Ok((data, answer.text))
            }),
        };
        // Nobody else holds the table while it is being filled.
        if let Some(entries) = Arc::get_mut(&mut self.entries) {
            entries.push(entry);
        }
        self
    }

    /// The calls under way, to wait for before the process ends.
    pub fn running(&self) -> TaskTracker {
        self.running.clone()
    }

    fn position(&self, name: &str) -> Result<usize, ErrorData> {
        let found = self
            .entries
            .iter()
            .position(|entry| entry.tool.name == name);
        found.ok_or_else(|| {
            let names = self.entries.iter().map(|entry| entry.tool.name.as_ref());
            let hint = nearest(name, names).map(|n| format!("; did you mean `{n}`?"));
            let message = format!("no tool is called `{name}`{}", hint.unwrap_or_default());
            ErrorData::invalid_params(message, None)
        })
    }
}

impl<S> Entry<S> {
    fn call(&self, state: &S, arguments: JsonObject, stop: &CancellationToken) -> CallToolResult {
        let arguments = Value::Object(arguments);
        let outcome = self
            .complaint(&arguments)
            .map_or_else(|| (self.run)(state, arguments, stop), Err);
        match outcome {
            Ok((data, text)) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
                result.structured_content = Some(data);
                result
            }
            Err(Refusal(message)) => CallToolResult::error(vec![ContentBlock::text(message)]),
        }
    }

    /// What is wrong with the arguments, by field.
    fn complaint(&self, arguments: &Value) -> Option<Refusal> {
        let checker = self
            .checker
            .get_or_init(|| jsonschema::validator_for(&self.tool.schema_as_json_value()).ok());
        let errors: Vec<String> = checker
            .as_ref()?
            .iter_errors(arguments)
            .map(|error| match error.instance_path().to_string().as_str() {
                "" => error.to_string(),
                path => format!("`{}`: {error}", path.trim_start_matches('/')),
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

impl<S: Send + Sync + 'static> ServerHandler for Toolbox<S> {
    fn get_info(&self) -> ServerConfig {
        self.info.clone()
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.entries.iter().map(|entry| entry.tool.clone());
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let index = self.position(&request.name)?;
        let (entries, state) = (self.entries.clone(), self.state.clone());
        let arguments = request.arguments.unwrap_or_default();
        let call = self.running.spawn_blocking(move || {
            entries
                .get(index)
                .map(|entry| entry.call(&state, arguments, &context.ct))
        });
        match call.await {
            Ok(Some(result)) => Ok(result.into()),
            Ok(None) => Err(ErrorData::internal_error("the tool is gone", None)),
            Err(panic) => Err(ErrorData::internal_error(
                format!("`{}` broke off: {panic}", request.name),
                None,
            )),
        }
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let entry = self.entries.iter().find(|entry| entry.tool.name == name)?;
        Some(entry.tool.clone())
    }
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
