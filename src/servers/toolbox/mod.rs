//! A table of tools over one state, with the resources and prompts beside them: lists them, checks arguments against their
//! schema, runs them off the async threads.
//!
//! Knows nothing of what a tool does and of how the client is reached. Filled by each server, served by `stdio` and `http`. What
//! a tool fails with is a result that the model reads; only an unknown tool is an error of the protocol.
//!
//! `entry` is one tool, `prompt` and `resource` what stands beside the tools, `roots` what a client narrows the server to,
//! `handler` the face towards the protocol library.

mod entry;
mod handler;
mod prompt;
mod resource;
mod roots;

use std::sync::Arc;

use rmcp::model::{ContentBlock, Implementation, ServerCapabilities, ServerConfig};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::servers::Access;
use crate::servers::guard::Guard;
use crate::servers::http::Ready;
use entry::Entry;

pub use handler::caller;
pub use prompt::{Ask, Prompt};
pub use resource::{Listed, Page, Resources};

/// What a tool gives back.
#[derive(Debug)]
pub struct Answer<T> {
    /// `structuredContent`.
    pub data: T,
    /// The short text beside it.
    pub text: String,
    /// What follows the text: images, audio, embedded resources.
    pub blocks: Vec<ContentBlock>,
}

impl<T> Answer<T> {
    /// An answer of data and the text beside it.
    pub fn new(data: T, text: impl Into<String>) -> Self {
        Self {
            data,
            text: text.into(),
            blocks: Vec::new(),
        }
    }

    /// The same with one more block after the text.
    #[must_use]
    pub fn with_block(mut self, block: ContentBlock) -> Self {
        self.blocks.push(block);
        self
    }
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

/// Whether a state can do its work; may block.
type Check<S> = fn(&S) -> Result<(), Refusal>;

/// One server: its state, what it offers and its introduction. A clone is the same server for another client.
pub struct Toolbox<S> {
    state: Arc<S>,
    entries: Arc<Vec<Entry<S>>>,
    prompts: Arc<Vec<Prompt<S>>>,
    resources: Option<Resources<S>>,
    access: Access,
    info: ServerConfig,
    guard: Arc<Guard>,
    running: TaskTracker,
    ready: Option<Check<S>>,
    narrow: Option<roots::Narrow<S>>,
    client_roots: Option<Arc<roots::ClientRoots<S>>>,
}

impl<S> Clone for Toolbox<S> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            entries: self.entries.clone(),
            prompts: self.prompts.clone(),
            resources: self.resources.clone(),
            access: self.access,
            info: self.info.clone(),
            guard: self.guard.clone(),
            running: self.running.clone(),
            ready: self.ready,
            narrow: self.narrow,
            client_roots: self.client_roots.clone(),
        }
    }
}

impl<S: Send + Sync + 'static> Toolbox<S> {
    /// A server without tools yet, which nobody guards.
    pub fn new(name: &str, instructions: String, state: S, access: Access) -> Self {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build());
        info.server_info = Implementation::new(name, env!("CARGO_PKG_VERSION"));
        Self {
            state: Arc::new(state),
            entries: Arc::new(Vec::new()),
            prompts: Arc::new(Vec::new()),
            resources: None,
            access,
            info: info.with_instructions(instructions),
            guard: Arc::new(Guard::default()),
            running: TaskTracker::new(),
            ready: None,
            narrow: None,
            client_roots: None,
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
        // Nobody else holds the table while it is being filled.
        if let Some(entries) = Arc::get_mut(&mut self.entries) {
            entries.push(Entry::new(sign, run));
        }
        self
    }

    /// Adds a prompt.
    #[must_use]
    pub fn with_prompt(mut self, prompt: Prompt<S>) -> Self {
        self.info.capabilities.prompts = Some(Default::default());
        if let Some(prompts) = Arc::get_mut(&mut self.prompts) {
            prompts.push(prompt);
        }
        self
    }

    /// Offers resources.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources<S>) -> Self {
        self.info.capabilities.resources = Some(Default::default());
        self.resources = Some(resources);
        self
    }

    /// Puts every call under a guard.
    #[must_use]
    pub fn guarded(mut self, guard: Arc<Guard>) -> Self {
        self.guard = guard;
        self
    }

    /// Says whether it can do its work, which `/readyz` asks; may block.
    #[must_use]
    pub fn with_readiness(mut self, ready: Check<S>) -> Self {
        self.ready = Some(ready);
        self
    }

    /// The question whether it can do its work, where it has an answer.
    pub fn readiness(&self) -> Option<Ready> {
        let (ready, state) = (self.ready?, self.state.clone());
        Some(Arc::new(move || {
            let state = state.clone();
            Box::pin(async move {
                let asked = tokio::task::spawn_blocking(move || ready(&state)).await;
                let asked = asked.unwrap_or_else(|panic| Err(Refusal::new(panic.to_string())));
                asked.map_err(|Refusal(why)| why)
            })
        }))
    }

    /// The calls under way, to wait for before the process ends.
    pub fn running(&self) -> TaskTracker {
        self.running.clone()
    }
}
