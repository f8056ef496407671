//! The rules about tools: names, descriptions, schemas, hints, and what strikes the eye.
//!
//! Pure. Called by `lint` alone.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rules::*;
use super::server::flagged;
use super::{Finding, Object, Rule, Subject};
use crate::mcp::flags;
use crate::mcp::request::ListKind;
use crate::mcp::tool::Tool;

/// Characters of a description that every provider takes.
const DESCRIPTION: usize = 1_024;
/// Characters of a name that the protocol allows, and that providers take.
const NAME: (usize, usize) = (128, 64);
/// Tools that are looked at: what is beyond is over every budget by its number alone.
const LOOKED_AT: usize = 2_000;
/// Arguments without a description that are named.
const NAMED: usize = 4;
/// Beginnings of names that speak of a change, and of one that takes away.
const CHANGES: [&str; 10] = [
    "create", "update", "write", "insert", "set", "add", "edit", "send", "move", "rename",
];
const TAKES_AWAY: [&str; 6] = ["delete", "remove", "drop", "destroy", "purge", "truncate"];

pub(super) fn look(of: &Subject<'_>, out: &mut Vec<Finding>) {
    rejected(of, out);
    for tool in of.tools.iter().take(LOOKED_AT) {
        let mut say = |rule: Rule, says: String, fix: &str| {
            out.push(Finding::new(
                rule,
                Object::Tool(tool.name.clone()),
                says,
                fix,
            ));
        };
        name(tool, &mut say);
        description(tool, &mut say);
        hints(tool, &mut say);
        schemas(of, tool, &mut say);
        arguments(tool, &mut say);
        let flags = flags::of_tool(tool);
        let object = || Object::Tool(tool.name.clone());
        out.extend(flags.iter().filter_map(|flag| flagged(flag, object())));
    }
    alike(of.tools, out);
}

/// Where a rule's word goes.
type Say<'a> = dyn FnMut(Rule, String, &str) + 'a;

/// What of the list could not be used at all.
fn rejected(of: &Subject<'_>, out: &mut Vec<Finding>) {
    for one in of.rejected.get(&ListKind::Tools).into_iter().flatten() {
        let name = one.name.as_deref();
        // That the list as a whole failed is told with the capabilities.
        if name.is_none() && of.start.missing_list(ListKind::Tools).is_some() {
            continue;
        }
        let is_twice = name.is_some_and(|name| of.tools.iter().any(|tool| tool.name == name));
        let (rule, fix) = match (is_twice, one.why.contains("`inputSchema`")) {
            (true, false) => (
                DUPLICATE_NAME,
                "give each tool a name of its own: the second one cannot be called",
            ),
            (_, true) => (
                NO_SCHEMA,
                "give it an `inputSchema`; without arguments `{ \"type\": \"object\", \"additionalProperties\": false }`",
            ),
            (false, false) => (
                UNUSABLE,
                "write the definition as the protocol's schema has it",
            ),
        };
        let object = Object::Tool(name.unwrap_or("(without a name)").to_owned());
        let says = format!("it cannot be used: {}", one.why);
        out.push(Finding::new(rule, object, says, fix));
    }
}

fn name(tool: &Tool, say: &mut Say<'_>) {
    let length = tool.name.chars().count();
    let dotted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let plain = |c: char| dotted(c) && c != '.';
    let odd = tool.name.chars().find(|c| !dotted(*c));
    let fix = "use letters, digits, `_` and `-`, at most 64 of them";
    if let Some(odd) = odd {
        say(BAD_NAME, format!("its name holds {odd:?}"), fix);
    } else if length > NAME.0 {
        say(BAD_NAME, format!("its name has {length} characters"), fix);
    } else if length > NAME.1 {
        let says =
            format!("its name has {length} characters: hosts that pass it on as it is are refused");
        say(REFUSED_NAME, says, fix);
    } else if !tool.name.chars().all(plain) {
        let says = "its name holds a dot: hosts that pass it on as it is are refused".to_owned();
        say(REFUSED_NAME, says, fix);
    }
}

fn description(tool: &Tool, say: &mut Say<'_>) {
    let words = tool.description.as_deref().unwrap_or_default();
    let count = words.chars().count();
    if words.trim().is_empty() {
        let fix = "say in a sentence or two what it does and when to use it";
        say(NO_DESCRIPTION, "it has no description".to_owned(), fix);
    } else if count > DESCRIPTION {
        let fix = "say what it does and when to use it; what concerns one argument belongs to that argument";
        say(
            LONG_DESCRIPTION,
            format!("its description has {count} characters"),
            fix,
        );
    }
}

fn hints(tool: &Tool, say: &mut Say<'_>) {
    let claims = &tool.annotations;
    let reads = claims.read_only == Some(true);
    if reads && claims.destructive == Some(true) {
        let says = "it says both `readOnlyHint: true` and `destructiveHint: true`".to_owned();
        say(
            CONTRADICTING_HINTS,
            says,
            "a tool that changes nothing destroys nothing: take one of them back",
        );
    }
    let verb = first_word(&tool.name);
    let takes_away = TAKES_AWAY.contains(&verb.as_str());
    let changes = takes_away || CHANGES.contains(&verb.as_str());
    if reads && changes {
        let says = format!("it says `readOnlyHint: true`, and its name begins with `{verb}`");
        say(
            HINT_AGAINST_NAME,
            says,
            "take the hint back, or give it a name that says what it does",
        );
    } else if takes_away && claims.destructive == Some(false) {
        let says = format!("it says `destructiveHint: false`, and its name begins with `{verb}`");
        say(
            HINT_AGAINST_NAME,
            says,
            "take the hint back, or give it a name that says what it does",
        );
    }
}

/// `delete` of `delete_row`, `deleteRow` and `delete-row`.
fn first_word(name: &str) -> String {
    let is_end = |(at, c): &(usize, char)| *at > 0 && !c.is_ascii_lowercase();
    let end = name
        .char_indices()
        .find(is_end)
        .map_or(name.len(), |(at, _)| at);
    name[..end].to_ascii_lowercase()
}

fn schemas(of: &Subject<'_>, tool: &Tool, say: &mut Say<'_>) {
    let both = [
        ("inputSchema", Some(&tool.input_schema), INVALID_SCHEMA),
        (
            "outputSchema",
            tool.output_schema.as_ref(),
            INVALID_OUTPUT_SCHEMA,
        ),
    ];
    for (field, schema, rule) in both {
        let Some(fault) = schema.and_then(|schema| (of.schema)(schema)) else {
            continue;
        };
        let says = format!(
            "its `{field}` {}: {}",
            match fault.outside {
                true => "points to something that is not in it",
                false => "is no valid JSON Schema",
            },
            fault.why
        );
        match fault.outside {
            true => say(
                OUTSIDE_REFERENCE,
                says,
                "put what it refers to into `$defs` of the schema itself",
            ),
            false => say(
                rule,
                says,
                "correct it; a JSON Schema 2020-12 validator names the same place",
            ),
        }
    }
    kind(tool, say);
}

fn kind(tool: &Tool, say: &mut Say<'_>) {
    let kind = tool.input_schema.get("type").and_then(Value::as_str);
    if kind != Some("object") {
        let is = kind.map_or("has no `type`".to_owned(), |kind| {
            format!("is of type `{kind}`")
        });
        let says = format!("its `inputSchema` {is}");
        say(
            SCHEMA_IS_NO_OBJECT,
            says,
            "add `\"type\": \"object\"` at the top of the schema",
        );
    }
}

fn arguments(tool: &Tool, say: &mut Say<'_>) {
    let none = serde_json::Map::new();
    let fields = tool
        .input_schema
        .get("properties")
        .and_then(Value::as_object);
    let fields = fields.unwrap_or(&none);
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    let unknown: Vec<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|name| !fields.contains_key(*name))
        .collect();
    if !unknown.is_empty() {
        let says = format!(
            "it requires `{}`, which no property describes",
            unknown.join("`, `")
        );
        say(
            REQUIRED_UNKNOWN,
            says,
            "describe it in `properties`, or do not require it",
        );
    }
    undescribed(fields, say);
}

fn undescribed(fields: &serde_json::Map<String, Value>, say: &mut Say<'_>) {
    let silent =
        |of: &Value| of.is_object() && of.get("description").is_none() && of.get("$ref").is_none();
    let undescribed = || fields.iter().filter(|(_, of)| silent(of));
    let count = undescribed().count();
    if count > 0 {
        let names: Vec<&str> = undescribed()
            .take(NAMED)
            .map(|(name, _)| name.as_str())
            .collect();
        let more = if count > NAMED { " and others" } else { "" };
        let says = format!("it does not describe `{}`{more}", names.join("`, `"));
        say(
            UNDESCRIBED_ARGUMENT,
            says,
            "add a `description` to each property",
        );
    }
}

/// Tools of one server that only look different.
fn alike(tools: &[Tool], out: &mut Vec<Finding>) {
    let mut bones: BTreeMap<String, &str> = BTreeMap::new();
    for tool in tools.iter().take(LOOKED_AT) {
        let bone = flags::skeleton(&tool.name);
        if bone.is_empty() {
            continue;
        }
        match bones.get(&bone) {
            Some(first) => {
                let says = format!("its name looks like that of `{first}`");
                let fix = "give them names that differ in their words";
                out.push(Finding::new(
                    ALIKE_NAME,
                    Object::Tool(tool.name.clone()),
                    says,
                    fix,
                ));
            }
            None => {
                bones.insert(bone, &tool.name);
            }
        }
    }
}
