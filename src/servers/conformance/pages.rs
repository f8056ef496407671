//! The fixture's resources, templates, prompts and completions: what is listed and what comes back. Called by `mod`.

use rmcp::model::{
    CompleteRequestParams, CompletionInfo, ContentBlock, ErrorData, GetPromptResult, JsonObject,
    Prompt, PromptArgument, PromptMessage, Reference, Resource, ResourceContents, ResourceTemplate,
    Role,
};

use crate::servers::conformance::rounds;

/// One red pixel.
pub const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";

const WATCHED: &str = "test://watched-resource";

/// What `resources/list` shows.
pub fn resources() -> Vec<Resource> {
    let listed = [
        (
            "test://static-text",
            "static-text",
            "text/plain",
            "A text that never changes",
        ),
        (
            "test://static-binary",
            "static-binary",
            "image/png",
            "An image that never changes",
        ),
        (
            WATCHED,
            "watched-resource",
            "text/plain",
            "A text that may be subscribed to",
        ),
    ];
    let resource = |(uri, name, mime, description)| {
        Resource::new(uri, name)
            .with_description(description)
            .with_mime_type(mime)
    };
    listed.map(resource).to_vec()
}

/// What `resources/templates/list` shows.
pub fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("test://template/{id}/data", "template-data")
            .with_description("The data of any id")
            .with_mime_type("application/json"),
    ]
}

/// What a URI holds.
pub fn read(uri: &str) -> Option<ResourceContents> {
    let text = |text: &str| ResourceContents::text(text, uri).with_mime_type("text/plain");
    match uri {
        "test://static-text" => Some(text("This is the content of the static text resource.")),
        "test://static-binary" => {
            Some(ResourceContents::blob(PNG, uri).with_mime_type("image/png"))
        }
        WATCHED => Some(text("This is the content of the watched resource.")),
        _ => {
            let id = uri
                .strip_prefix("test://template/")?
                .strip_suffix("/data")?;
            let data = serde_json::json!({
                "id": id,
                "templateTest": true,
                "data": format!("Data for ID: {id}"),
            });
            let page = ResourceContents::text(data.to_string(), uri);
            Some(page.with_mime_type("application/json"))
        }
    }
}

/// What `prompts/list` shows.
pub fn prompts() -> Vec<Prompt> {
    let argument = |name: &str, description: &str| {
        PromptArgument::new(name)
            .with_description(description)
            .with_required(true)
    };
    let prompt = |name: &str, description: &str, arguments: Vec<PromptArgument>| {
        let arguments = (!arguments.is_empty()).then_some(arguments);
        Prompt::new(name, Some(description), arguments)
    };
    vec![
        prompt("test_simple_prompt", "A prompt without arguments", vec![]),
        prompt(
            "test_prompt_with_arguments",
            "A prompt of two arguments",
            vec![
                argument("arg1", "The first argument"),
                argument("arg2", "The second argument"),
            ],
        ),
        prompt(
            "test_prompt_with_embedded_resource",
            "A prompt with a resource in it",
            vec![argument("resourceUri", "The resource to embed")],
        ),
        prompt(
            "test_prompt_with_image",
            "A prompt with an image in it",
            vec![],
        ),
        prompt(rounds::PROMPT.name, rounds::PROMPT.description, vec![]),
    ]
}

/// The messages of a prompt that asks nothing.
///
/// # Errors
/// No such prompt, or an argument that it needs is missing.
pub fn prompt(name: &str, arguments: &JsonObject) -> Result<GetPromptResult, ErrorData> {
    let argument = |name: &str| {
        let given = arguments.get(name).and_then(|value| value.as_str());
        let missing = || format!("the argument `{name}` is missing or no string");
        given.ok_or_else(|| ErrorData::invalid_params(missing(), None))
    };
    let say = |text: String| PromptMessage::new_text(Role::User, text);
    let messages = match name {
        "test_simple_prompt" => vec![say("This is a simple prompt for testing.".to_owned())],
        "test_prompt_with_arguments" => {
            let (first, second) = (argument("arg1")?, argument("arg2")?);
            vec![say(format!(
                "Prompt with arguments: arg1='{first}', arg2='{second}'"
            ))]
        }
        "test_prompt_with_embedded_resource" => {
            let uri = argument("resourceUri")?;
            let page = ResourceContents::text("Embedded resource content for testing.", uri);
            let block = ContentBlock::resource(page.with_mime_type("text/plain"));
            vec![
                PromptMessage::new(Role::User, block),
                say("Please process the embedded resource above.".to_owned()),
            ]
        }
        "test_prompt_with_image" => vec![
            PromptMessage::new(Role::User, ContentBlock::image(PNG, "image/png")),
            say("Please analyze the image above.".to_owned()),
        ],
        _ => return Err(no_prompt(name)),
    };
    Ok(GetPromptResult::new(messages))
}

/// The error for a prompt that is not there, or not for this caller.
pub fn no_prompt(name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("there is no prompt `{name}`"), None)
}

/// What an argument may be completed to.
///
/// # Errors
/// The protocol library holds more values against the rules.
pub fn complete(request: &CompleteRequestParams) -> Result<CompletionInfo, ErrorData> {
    let known: &[&str] = match &request.r#ref {
        Reference::Prompt(prompt) if prompt.name == "test_prompt_with_arguments" => {
            &["test", "testValue1", "testValue2"]
        }
        Reference::Resource(_) => &["1", "12", "123"],
        _ => &[],
    };
    let begun = |value: &&&str| value.starts_with(&request.argument.value);
    let values = known.iter().filter(begun);
    CompletionInfo::new(values.map(|value| (*value).to_owned()).collect())
        .map_err(|error| ErrorData::internal_error(error, None))
}
