//! The tools that mcpdeck itself offers to the model, by which it reaches the servers' resources and prompts.
//!
//! Pure. A list is answered from what is known; a read or a prompt becomes a call to its server, which is approved, sent and shown
//! like any other. They are on offer only while a server that is ready has such things.

use serde_json::{Map, Value, json};

use crate::agent::model::ToolOffer;
use crate::host::arguments;
use crate::host::call::{CallEnd, ToolCall};
use crate::host::server::Server;
use crate::host::state::Host;
use crate::ids::ServerName;
use crate::mcp::request::Method;
use crate::mcp::result::{CallOutcome, ToolResult};
use crate::text::wrap;

/// Entries of one page of a list.
const PAGE: usize = 100;
/// Columns of a description in a list.
const DESCRIPTION: usize = 200;

/// One of our own tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    ListResources,
    ReadResource,
    ListPrompts,
    GetPrompt,
}

/// What the model wants of a server by one of our own tools.
pub(super) struct Wanted {
    pub server: ServerName,
    pub method: Method,
    pub name: String,
    pub arguments: String,
}

impl Own {
    const ALL: [Self; 4] = [
        Self::ListResources,
        Self::ReadResource,
        Self::ListPrompts,
        Self::GetPrompt,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::ListResources => "mcpdeck__list_resources",
            Self::ReadResource => "mcpdeck__read_resource",
            Self::ListPrompts => "mcpdeck__list_prompts",
            Self::GetPrompt => "mcpdeck__get_prompt",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.name() == name)
    }

    fn is_of_resources(self) -> bool {
        matches!(self, Self::ListResources | Self::ReadResource)
    }

    fn description(self) -> &'static str {
        match self {
            Self::ListResources => {
                "Lists the resources (data that can be read by a URI) and resource templates of the connected servers."
            }
            Self::ReadResource => {
                "Reads one resource of a server by its URI, or by a URI made from one of its templates."
            }
            Self::ListPrompts => "Lists the prompts that the connected servers have prepared.",
            Self::GetPrompt => "Gets one prompt of a server, filled in with arguments.",
        }
    }

    fn schema(self) -> Value {
        let server = json!({"type": "string", "description": "the server's name"});
        let list = json!({
            "server": {"type": "string", "description": "only of this server"},
            "contains": {"type": "string", "description": "only where name, title or URI contains this"},
            "page": {"type": "integer", "minimum": 1, "description": "which page of the list, from 1"},
        });
        let (properties, required) = match self {
            Self::ListResources | Self::ListPrompts => (list, json!([])),
            Self::ReadResource => (
                json!({"server": server, "uri": {"type": "string"}}),
                json!(["server", "uri"]),
            ),
            Self::GetPrompt => (
                json!({
                    "server": server,
                    "name": {"type": "string", "description": "the prompt's name"},
                    "arguments": {"type": "object", "additionalProperties": {"type": "string"}},
                }),
                json!(["server", "name"]),
            ),
        };
        json!({"type": "object", "properties": properties, "required": required})
    }

    /// The arguments, where they fit.
    fn read(self, written: &str) -> Result<Map<String, Value>, String> {
        let line = arguments::canonical(written)?;
        arguments::check(&line, &self.schema())?;
        Ok(arguments::object(&line))
    }
}

/// What a call by the model to one of our own tools wants of a server; none for a list, for arguments that do not fit, and for any
/// other name.
pub(super) fn wanted(name: &str, written: &str) -> Option<Wanted> {
    let own = Own::of(name)?;
    let given = own.read(written).ok()?;
    let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
    let server = ServerName::new(text("server")?);
    match own {
        Own::ListResources | Own::ListPrompts => None,
        Own::ReadResource => {
            let uri = text("uri")?;
            Some(Wanted {
                server,
                method: Method::Resource,
                arguments: json!({ "uri": uri }).to_string(),
                name: uri,
            })
        }
        Own::GetPrompt => Some(Wanted {
            server,
            method: Method::Prompt,
            name: text("name")?,
            arguments: given.get("arguments").unwrap_or(&json!({})).to_string(),
        }),
    }
}

impl Host {
    /// Our own tools, where they lead somewhere. A server's tool that has one of these names keeps it.
    pub(super) fn own_offers(&self) -> Vec<ToolOffer> {
        let ready = || {
            self.servers
                .iter()
                .filter(|server| server.status.is_ready())
        };
        let resources =
            ready().any(|server| !server.resources.is_empty() || !server.templates.is_empty());
        let prompts = ready().any(|server| !server.prompts.is_empty());
        let leads = |own: &Own| match own.is_of_resources() {
            true => resources,
            false => prompts,
        };
        let is_free = |own: &Own| self.book.catalog.find(own.name()).is_none();
        let offer = |own: Own| ToolOffer {
            name: own.name().to_owned(),
            description: own.description().to_owned(),
            schema: own.schema(),
        };
        let own = Own::ALL.into_iter().filter(leads).filter(is_free);
        own.map(offer).collect()
    }

    /// How a call to one of our own tools ends here, where it is one: with a list, or with what is wrong with its arguments.
    pub(super) fn own_end(&self, call: &ToolCall) -> Option<CallEnd> {
        let own = Own::of(&call.tool).filter(|_| call.server.is_none())?;
        let invalid = |complaint: String| CallEnd::Invalid { complaint };
        let given = match own.read(&call.arguments) {
            Ok(given) => given,
            Err(complaint) => return Some(invalid(complaint)),
        };
        let named = given.get("server").and_then(Value::as_str);
        if let Some(name) = named.filter(|name| self.server(&ServerName::new(name)).is_none()) {
            return Some(invalid(self.no_such_server(name)));
        }
        let servers = self
            .servers
            .iter()
            .filter(|server| named.is_none_or(|name| server.name.as_str() == name));
        let entries: Vec<Value> = match own.is_of_resources() {
            true => servers.flat_map(resources).collect(),
            false => servers.flat_map(prompts).collect(),
        };
        let result = ToolResult::text(page(entries, &given));
        let outcome = CallOutcome::Answered {
            result: result.into(),
        };
        Some(CallEnd::Outcome { outcome })
    }

    pub(super) fn no_such_server(&self, name: &str) -> String {
        let names: Vec<_> = self.servers.iter().map(|s| s.name.as_str()).collect();
        format!(
            "there is no server `{name}`; there are {}",
            names.join(", ")
        )
    }
}

fn page(entries: Vec<Value>, given: &Map<String, Value>) -> String {
    let contains = given.get("contains").and_then(Value::as_str);
    let contains = contains.unwrap_or_default().to_lowercase();
    let fits = |entry: &Value| {
        ["uri", "uri_template", "name", "title"].iter().any(|key| {
            let text = entry.get(key).and_then(Value::as_str);
            text.is_some_and(|text| text.to_lowercase().contains(&contains))
        })
    };
    let fitting: Vec<_> = entries.into_iter().filter(fits).collect();
    let page = given.get("page").and_then(Value::as_u64).unwrap_or(1);
    let skipped = usize::try_from(page.saturating_sub(1))
        .unwrap_or(usize::MAX)
        .saturating_mul(PAGE);
    let shown = fitting.iter().skip(skipped).take(PAGE);
    let mut lines: Vec<String> = shown.map(Value::to_string).collect();
    let left = fitting.len().saturating_sub(skipped.saturating_add(PAGE));
    if lines.is_empty() {
        lines.push("(nothing)".to_owned());
    }
    if left > 0 {
        lines.push(format!("({left} more on the next pages)"));
    }
    lines.join("\n")
}

/// An object without the keys that have no value.
fn entry(pairs: &[(&str, Option<&str>)]) -> Value {
    let some = |(key, text): &(&str, Option<&str>)| {
        let text = text.as_ref()?;
        let short = match *key {
            "description" => wrap::truncate(text, DESCRIPTION),
            _ => (*text).to_owned(),
        };
        Some(((*key).to_owned(), Value::String(short)))
    };
    Value::Object(pairs.iter().filter_map(some).collect())
}

fn resources(server: &Server) -> Vec<Value> {
    if !server.status.is_ready() {
        return Vec::new();
    }
    let name = Some(server.name.as_str());
    let resources = server.resources.iter().map(|resource| {
        entry(&[
            ("server", name),
            ("uri", Some(&resource.uri)),
            ("name", Some(&resource.name)),
            ("title", resource.title.as_deref()),
            ("description", resource.description.as_deref()),
            ("mime", resource.mime.as_deref()),
        ])
    });
    let templates = server.templates.iter().map(|template| {
        entry(&[
            ("server", name),
            ("uri_template", Some(&template.uri_template)),
            ("name", Some(&template.name)),
            ("title", template.title.as_deref()),
            ("description", template.description.as_deref()),
            ("mime", template.mime.as_deref()),
        ])
    });
    resources.chain(templates).collect()
}

fn prompts(server: &Server) -> Vec<Value> {
    if !server.status.is_ready() {
        return Vec::new();
    }
    let prompt = |prompt: &crate::mcp::prompt::Prompt| {
        let mut line = entry(&[
            ("server", Some(server.name.as_str())),
            ("name", Some(&prompt.name)),
            ("title", prompt.title.as_deref()),
            ("description", prompt.description.as_deref()),
        ]);
        let argument = |argument: &crate::mcp::prompt::PromptArgument| {
            let required = argument.required;
            json!({ "name": argument.name, "required": required, "description": argument.description })
        };
        line["arguments"] = prompt.arguments.iter().map(argument).collect();
        line
    };
    server.prompts.iter().map(prompt).collect()
}
