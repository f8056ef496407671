//! Pages of a server's lists: each item is read alone, so that one odd item costs itself and no other.
//!
//! Pure.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::{excerpt, text};
use crate::mcp::listing::{ListHints, Listed, Listing, Rejected};
use crate::mcp::param_headers;
use crate::mcp::prompt::{Prompt, PromptArgument};
use crate::mcp::resource::{Resource, Template};
use crate::mcp::tool::{Annotations, Icon, TaskSupport, Tool};

/// Adds one page to a list and gives the cursor of the next one. With `heed_headers` a tool whose `x-mcp-header` annotations are
/// invalid is left out, as the protocol asks of HTTP clients.
///
/// # Errors
/// When the page is no such list at all; the reason as a sentence.
pub fn page(
    page: &Value,
    heed_headers: bool,
    listed: &mut Listed,
) -> Result<Option<String>, String> {
    let kind = listed.kind();
    super::complete(page)?;
    let Some(items) = page.get(kind.key()).and_then(Value::as_array) else {
        return Err(format!(
            "the answer to {} has no array `{}`: {}",
            kind.wire(),
            kind.key(),
            excerpt(&page.to_string())
        ));
    };
    let usable = |item: &Value| {
        tool(item).and_then(|tool| match heed_headers {
            true => with_valid_headers(tool),
            false => Ok(tool),
        })
    };
    match listed {
        Listed::Tools(list) => add(items, list, usable, |tool| &tool.name),
        Listed::Resources(list) => add(items, list, resource, |resource| &resource.uri),
        Listed::Templates(list) => add(items, list, template, |template| &template.uri_template),
        Listed::Prompts(list) => add(items, list, prompt, |prompt| &prompt.name),
    }
    let cursor = page.get("nextCursor").and_then(Value::as_str);
    Ok(cursor.map(str::to_owned))
}

/// What a page says of how long it is good. A negative time is none at all, as the protocol says.
pub fn hints(page: &Value) -> ListHints {
    let ttl = page.get("ttlMs").filter(|ttl| ttl.is_number());
    let millis = |ttl: &Value| match (ttl.as_u64(), ttl.as_f64()) {
        (Some(whole), _) => whole,
        // A fraction is cut; what is below nothing is nothing.
        (None, Some(ms)) => {
            Duration::try_from_secs_f64(ms / 1_000.0).map_or(0, |ttl| ttl.as_millis() as u64)
        }
        (None, None) => 0,
    };
    ListHints {
        ttl_ms: ttl.map(millis),
        public: page.get("cacheScope").and_then(Value::as_str) == Some("public"),
    }
}

fn add<T>(
    items: &[Value],
    list: &mut Listing<T>,
    read: impl Fn(&Value) -> Result<T, Rejected>,
    key: impl Fn(&T) -> &String,
) {
    let mut known: HashSet<String> = list.items.iter().map(|item| key(item).clone()).collect();
    for item in items {
        match read(item) {
            Ok(item) if !known.insert(key(&item).clone()) => list.rejected.push(Rejected {
                name: Some(key(&item).clone()),
                why: "one of this name was listed before".to_owned(),
            }),
            Ok(item) => list.items.push(item),
            Err(rejected) => list.rejected.push(rejected),
        }
    }
}

fn with_valid_headers(tool: Tool) -> Result<Tool, Rejected> {
    match param_headers::invalid(&tool.input_schema) {
        Some(why) => Err(Rejected {
            name: Some(tool.name),
            why,
        }),
        None => Ok(tool),
    }
}

/// What makes an item what it is: a text that is there and not empty.
fn named(item: &Value, key: &str) -> Result<String, Rejected> {
    let reject = |why: String| Rejected { name: None, why };
    if !item.is_object() {
        return Err(reject("it is no JSON object".to_owned()));
    }
    text(item, key)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| reject(format!("it has no `{key}`")))
}

/// One tool.
///
/// # Errors
/// Why it cannot be used.
pub fn tool(item: &Value) -> Result<Tool, Rejected> {
    let name = named(item, "name")?;
    let reject = |why: &str| Rejected {
        name: Some(name.clone()),
        why: why.to_owned(),
    };
    let input_schema = match item.get("inputSchema") {
        Some(schema) if schema.is_object() => schema.clone(),
        None | Some(Value::Null) => return Err(reject("it has no `inputSchema`")),
        Some(_) => return Err(reject("its `inputSchema` is no JSON object")),
    };
    let hints = item.get("annotations");
    let hint = |key: &str| {
        hints
            .and_then(|hints| hints.get(key))
            .and_then(Value::as_bool)
    };
    let title = text(item, "title").or_else(|| hints.and_then(|hints| text(hints, "title")));
    Ok(Tool {
        name,
        title,
        description: text(item, "description"),
        input_schema,
        output_schema: item.get("outputSchema").filter(|s| s.is_object()).cloned(),
        annotations: Annotations {
            read_only: hint("readOnlyHint"),
            destructive: hint("destructiveHint"),
            idempotent: hint("idempotentHint"),
            open_world: hint("openWorldHint"),
        },
        icons: icons(item),
        task: task_support(item),
    })
}

fn task_support(item: &Value) -> TaskSupport {
    match item
        .pointer("/execution/taskSupport")
        .and_then(Value::as_str)
    {
        Some("optional") => TaskSupport::Optional,
        Some("required") => TaskSupport::Required,
        _ => TaskSupport::Forbidden,
    }
}

/// Pictures whose source is safe to look at: nothing that runs, nothing in the clear.
fn icons(item: &Value) -> Vec<Icon> {
    let list = item.get("icons").and_then(Value::as_array);
    let safe = |icon: &Value| {
        let src = text(icon, "src")?;
        let lower = src.trim_start().to_ascii_lowercase();
        let is_safe = lower.starts_with("https://") || lower.starts_with("data:image/");
        is_safe.then(|| Icon {
            src,
            mime: text(icon, "mimeType"),
        })
    };
    list.into_iter().flatten().filter_map(safe).collect()
}

fn resource(item: &Value) -> Result<Resource, Rejected> {
    let uri = named(item, "uri")?;
    Ok(Resource {
        name: text(item, "name").unwrap_or_else(|| uri.clone()),
        uri,
        title: text(item, "title"),
        description: text(item, "description"),
        mime: text(item, "mimeType"),
        size: item.get("size").and_then(Value::as_u64),
        icons: icons(item),
    })
}

fn template(item: &Value) -> Result<Template, Rejected> {
    let uri_template = named(item, "uriTemplate")?;
    Ok(Template {
        name: text(item, "name").unwrap_or_else(|| uri_template.clone()),
        uri_template,
        title: text(item, "title"),
        description: text(item, "description"),
        mime: text(item, "mimeType"),
    })
}

fn prompt(item: &Value) -> Result<Prompt, Rejected> {
    let name = named(item, "name")?;
    let arguments = item.get("arguments").and_then(Value::as_array);
    let argument = |item: &Value| {
        Some(PromptArgument {
            name: text(item, "name").filter(|name| !name.is_empty())?,
            title: text(item, "title"),
            description: text(item, "description"),
            required: item.get("required").and_then(Value::as_bool) == Some(true),
        })
    };
    Ok(Prompt {
        name,
        title: text(item, "title"),
        description: text(item, "description"),
        arguments: arguments
            .into_iter()
            .flatten()
            .filter_map(argument)
            .collect(),
        icons: icons(item),
    })
}
