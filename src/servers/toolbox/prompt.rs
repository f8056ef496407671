//! A prompt of a server: words for the model that a person asks for by name. Called by `handler` off the async threads.

use rmcp::model::{JsonObject, PromptArgument};
use tokio_util::sync::CancellationToken;

use crate::servers::toolbox::Refusal;

/// One argument of a prompt.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Whether the prompt makes no sense without it.
    pub required: bool,
}

/// One prompt of a server with the state `S`.
pub struct Prompt<S> {
    /// The name that gets it.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it is good for.
    pub description: &'static str,
    /// What it asks for.
    pub arguments: &'static [Ask],
    /// The text of the one message, spoken by the user.
    pub run: fn(&S, &JsonObject, &CancellationToken) -> Result<String, Refusal>,
}

impl<S> Prompt<S> {
    /// What a client sees of it.
    pub fn listed(&self) -> rmcp::model::Prompt {
        let arguments = self.arguments.iter().map(|ask| {
            PromptArgument::new(ask.name)
                .with_description(ask.description)
                .with_required(ask.required)
        });
        rmcp::model::Prompt::new(self.name, Some(self.description), Some(arguments.collect()))
            .with_title(self.title)
    }

    /// The first required argument that is missing.
    pub fn missing(&self, arguments: &JsonObject) -> Option<&'static str> {
        let required = self.arguments.iter().filter(|ask| ask.required);
        required
            .map(|ask| ask.name)
            .find(|name| !arguments.contains_key(*name))
    }
}
