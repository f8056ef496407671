//! The rules: what each is called, how much it weighs, what it says and where that stands. Nothing but this table.
//!
//! An id never changes and is never used for another rule: people name it in their CI. Read by the other files of `lint`.

use super::{Level, Rule};

macro_rules! rules {
    ($($name:ident = $id:literal, $level:ident, $source:literal, $text:literal;)*) => {
        $(
            #[doc = $text]
            pub const $name: Rule = Rule {
                id: $id,
                level: Level::$level,
                text: $text,
                source: $source,
            };
        )*

        /// Every rule, the heaviest first within a subject.
        pub const ALL: &[Rule] = &[$($name),*];
    };
}

rules! {
    DOES_NOT_START = "does-not-start", Error,
        "MCP 2025-11-25, Lifecycle, Initialization",
        "The initialization phase MUST be the first interaction between client and server.";
    UNKNOWN_REVISION = "unknown-revision", Error,
        "MCP 2025-11-25, Lifecycle, Version Negotiation",
        "If the server supports the requested protocol version, it MUST respond with the same version. Otherwise, the server MUST respond with another protocol version it supports.";
    ENDS_DURING_A_CALL = "ends-during-a-call", Error,
        "MCP 2025-11-25, Tools, Error Handling",
        "A tool that fails reports that in its result with `isError: true`; the server goes on.";
    ENDS_BY_ITSELF = "ends-by-itself", Error,
        "MCP 2025-11-25, Lifecycle, Shutdown",
        "The client ends the connection; a server goes on until its stdin is closed.";
    STDOUT_NOISE = "stdout-noise", Error,
        "MCP 2025-11-25, Transports, stdio",
        "The server MUST NOT write anything to its stdout that is not a valid MCP message.";
    DECLARED_NOT_THERE = "declared-not-there", Error,
        "MCP 2026-07-28, Tools, Capabilities (the same for resources and prompts)",
        "Servers that declare the `tools` capability MUST respond to `tools/list` requests.";
    THERE_NOT_DECLARED = "there-not-declared", Error,
        "MCP 2025-11-25, Tools, Capabilities (the same for resources and prompts)",
        "Servers that support tools MUST declare the `tools` capability.";
    CHANGES_NOT_DECLARED = "changes-not-declared", Warning,
        "MCP 2025-11-25, Tools, List Changed Notification",
        "When the list changes, servers that declared the `listChanged` capability SHOULD send a notification.";
    LIST_CHANGED_SILENT = "list-changed-silent", Note,
        "MCP 2025-11-25, Tools, Capabilities",
        "`listChanged` indicates whether the server will emit notifications when the list changes.";
    NAMELESS_SERVER = "nameless-server", Warning,
        "MCP 2025-11-25, schema.ts, Implementation",
        "`serverInfo` names the implementation: `name` and `version` are required.";
    OLD_REVISION = "old-revision", Note,
        "MCP 2025-11-25, Lifecycle, Version Negotiation",
        "The version SHOULD be the latest one supported.";
    LONG_INSTRUCTIONS = "long-instructions", Warning,
        "budget of mcpdeck",
        "Instructions go into each request to the model: more than 4,000 characters of them are over the budget.";
    HEAVY_DEFINITIONS = "heavy-definitions", Warning,
        "budget of mcpdeck",
        "All definitions of tools go into each request to the model: more than 10,000 tokens of them are over the budget.";
    NO_SCHEMA = "no-schema", Error,
        "MCP 2025-11-25, Tools, Data Types, Tool",
        "`inputSchema` MUST be a valid JSON Schema object (not `null`).";
    UNUSABLE = "unusable", Error,
        "MCP 2025-11-25, schema.ts",
        "An item of a list has the fields that the schema of the protocol requires, and each of them once.";
    INVALID_SCHEMA = "invalid-schema", Error,
        "MCP 2025-11-25, Overview, Schema Validation",
        "Schemas MUST be valid according to their declared or default dialect.";
    SCHEMA_IS_NO_OBJECT = "schema-is-no-object", Error,
        "MCP 2025-11-25, schema.ts, Tool",
        "`inputSchema` is of `type: \"object\"`.";
    INVALID_OUTPUT_SCHEMA = "invalid-output-schema", Error,
        "MCP 2025-11-25, Overview, Schema Validation",
        "Schemas MUST be valid according to their declared or default dialect.";
    OUTSIDE_REFERENCE = "outside-reference", Warning,
        "MCP 2026-07-28, Overview, $ref Resolution",
        "Implementations MUST NOT automatically dereference `$ref` values that resolve to a network URI.";
    REQUIRED_UNKNOWN = "required-unknown", Warning,
        "JSON Schema 2020-12, Validation, required",
        "An argument that is required is described in `properties`.";
    DUPLICATE_NAME = "duplicate-name", Error,
        "MCP 2025-11-25, Tools, Tool Names",
        "Tool names SHOULD be unique within a server.";
    ALIKE_NAME = "alike-name", Warning,
        "MCP 2025-11-25, Tools, Tool Names",
        "Tool names SHOULD be unique within a server; two that only look the same are one to a model.";
    BAD_NAME = "bad-name", Warning,
        "MCP 2025-11-25, Tools, Tool Names",
        "Tool names SHOULD be 1 to 128 characters: letters A-Z and a-z, digits, underscore, hyphen and dot.";
    REFUSED_NAME = "refused-name", Warning,
        "OpenAI API, function.name; the same at most other providers",
        "Names of functions are a-z, A-Z, 0-9, underscores and dashes, at most 64 of them.";
    NO_DESCRIPTION = "no-description", Warning,
        "MCP 2025-11-25, Tools, Data Types, Tool",
        "`description`: human-readable description of functionality, by which a model chooses the tool.";
    LONG_DESCRIPTION = "long-description", Warning,
        "OpenAI API, function.description",
        "Descriptions of functions are at most 1,024 characters.";
    UNDESCRIBED_ARGUMENT = "undescribed-argument", Note,
        "JSON Schema 2020-12, Validation, description",
        "An argument has a description, by which a model fills it in.";
    CONTRADICTING_HINTS = "contradicting-hints", Warning,
        "MCP 2025-11-25, schema.ts, ToolAnnotations",
        "`destructiveHint` and `idempotentHint` are meaningful only when `readOnlyHint` is false.";
    HINT_AGAINST_NAME = "hint-against-name", Warning,
        "MCP 2025-11-25, schema.ts, ToolAnnotations",
        "`readOnlyHint`: the tool does not modify its environment. `destructiveHint: false`: it performs only additive updates.";
    HIDDEN_TEXT = "hidden-text", Error,
        "MCP 2025-11-25, Tools, Security Considerations",
        "What a person reads of a tool, a prompt or a resource is what a model reads: no characters that do not show.";
    SPEAKS_TO_THE_MODEL = "speaks-to-the-model", Warning,
        "MCP 2025-11-25, Tools, Security Considerations",
        "A description says what the tool does; it does not tell the model what to do.";
    BAD_URI = "bad-uri", Error,
        "MCP 2025-11-25, Resources, Common URI Schemes; RFC 3986",
        "Each resource is uniquely identified by a URI, which begins with a scheme.";
    BAD_TEMPLATE = "bad-template", Error,
        "MCP 2025-11-25, Resources, Resource Templates; RFC 6570",
        "A URI template has its variables in braces: `file:///{path}`.";
}
