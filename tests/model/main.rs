//! The model adapters against an endpoint that speaks the real protocol over a socket: one fixture for each thing that real endpoints
//! were seen to do, one case for each way to fail.

#[path = "../support/endpoint.rs"]
mod endpoint;

mod detect;
mod errors;
mod quirks;
mod requests;

use std::time::Duration;

use futures::StreamExt;
use mcpdeck::agent::model::openai::OpenAi;
use mcpdeck::agent::model::{Completion, Message, ModelError, ModelEvent, ModelRequest, ToolOffer};
use mcpdeck::config::{ModelMode, ModelSettings};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(10);

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Default)]
struct Outcome {
    text: String,
    reasoning: String,
    prepared: Vec<String>,
    opened: bool,
    done: Option<Completion>,
    failed: Option<ModelError>,
}

impl Outcome {
    fn calls(&self) -> Vec<(&str, &str)> {
        let calls = self.done.iter().flat_map(|done| &done.calls);
        calls
            .map(|call| (call.name.as_str(), call.arguments.as_str()))
            .collect()
    }

    #[track_caller]
    fn error(&self) -> &ModelError {
        self.failed
            .as_ref()
            .unwrap_or_else(|| panic!("it did not fail: {self:?}"))
    }
}

fn request() -> ModelRequest {
    let offer = |name: &str| ToolOffer {
        name: name.into(),
        description: format!("About {name}.\nMore."),
        schema: json!({"type": "object", "properties": {"path": {"type": "string", "pattern": "^(?!x)"}, "depth": {"type": "integer", "minimum": 1}}, "required": ["path"]}),
    };
    ModelRequest {
        messages: vec![
            Message::System {
                text: "Be brief.".into(),
            },
            Message::User {
                text: "List the files.".into(),
            },
        ],
        tools: vec![
            offer("files__list_directory"),
            offer("files__read_text_file"),
        ],
        mode: ModelMode::Tools,
        plain_schemas: false,
        more_tokens: false,
        wishes: Default::default(),
    }
}

async fn ask(settings: &ModelSettings, base_url: &str, request: ModelRequest) -> Outcome {
    let adapter = OpenAi::new(settings, base_url, "local").expect("the settings are good");
    collect(adapter.stream(request, LIMIT)).await
}

/// Reads a stream to its end and holds its law: exactly one `Done` or `Failed`, and nothing behind it.
async fn collect(stream: impl futures::Stream<Item = ModelEvent>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut stream = std::pin::pin!(stream);
    while let Some(event) = stream.next().await {
        assert!(
            outcome.done.is_none() && outcome.failed.is_none(),
            "{event:?} after the end"
        );
        match event {
            ModelEvent::Opened => outcome.opened = true,
            ModelEvent::Text(text) => outcome.text += &text,
            ModelEvent::Reasoning(text) => outcome.reasoning += &text,
            ModelEvent::Preparing { name, .. } if !outcome.prepared.contains(&name) => {
                outcome.prepared.push(name)
            }
            ModelEvent::Preparing { .. } => {}
            ModelEvent::Done(done) => outcome.done = Some(done),
            ModelEvent::Failed(error) => outcome.failed = Some(error),
        }
    }
    assert!(
        outcome.done.is_some() || outcome.failed.is_some(),
        "no end: {outcome:?}"
    );
    outcome
}
