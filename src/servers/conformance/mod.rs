//! The server that the official conformance suite is run against: tools, resources and prompts of the names and contents
//! that its scenarios ask for, over the same transport and guard as the servers of use. Not for people; hidden in the help.
//!
//! `tools` and `pages` hold what never changes, `live` the tools that speak to the client while they run, `rounds` the calls
//! that need the client's answers first, `seal` the state between two of them, `handler` is
//! the face towards the protocol library. It is a handler of its own and no toolbox:
//! what it must show (requests to the client, subscriptions, completion) no server of use does.

mod handler;
mod live;
mod pages;
mod rounds;
mod seal;
mod tools;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::RoleServer;
#[expect(deprecated, reason = "logging is what is tested")]
use rmcp::model::LoggingLevel;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    InputResponses,
};
use rmcp::service::{RequestContext, SubscriptionSink};
use tokio_util::task::TaskTracker;

use crate::servers::guard::Guard;
use crate::servers::http::Work;
use crate::servers::served::Served;
use crate::servers::{ServeError, Serving};
use rounds::{Flow, Step};
use seal::Seal;

type Context = RequestContext<RoleServer>;
type Sinks = Mutex<HashMap<u64, SubscriptionSink>>;

/// Serves the fixture until its clients are gone or the process is told to end.
///
/// # Errors
/// The transport could not be had.
pub async fn serve(serving: Serving) -> Result<(), ServeError> {
    let work = Work {
        handler: Served::new(Fixture::new(serving.guard.clone())),
        guard: serving.guard,
        running: TaskTracker::new(),
        ready: None,
    };
    crate::servers::serve_work(work, serving.transport).await
}

/// The fixture. A clone is the same for another client.
pub struct Fixture {
    guard: Arc<Guard>,
    seal: Arc<Seal>,
    subscribers: Arc<Sinks>,
    next: Arc<AtomicU64>,
    /// What this client wants to have logged, where it said so by `logging/setLevel`.
    #[expect(deprecated, reason = "logging is what is tested")]
    level: Mutex<Option<LoggingLevel>>,
}

impl Clone for Fixture {
    fn clone(&self) -> Self {
        Self {
            guard: self.guard.clone(),
            seal: self.seal.clone(),
            subscribers: self.subscribers.clone(),
            next: self.next.clone(),
            level: Mutex::new(None),
        }
    }
}

impl Fixture {
    fn new(guard: Arc<Guard>) -> Self {
        Self {
            guard,
            seal: Arc::new(Seal::new()),
            subscribers: Arc::default(),
            next: Arc::default(),
            level: Mutex::new(None),
        }
    }

    /// A tool's answer, once it is known to exist and the guard lets it run.
    async fn run(
        &self,
        request: &CallToolRequestParams,
        context: &Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        let arguments = request.arguments.clone().unwrap_or_default();
        if let Some(fixed) = tools::fixed(name, &arguments) {
            return Ok(fixed.into());
        }
        if let Some(flow) = rounds::TOOLS.iter().find(|flow| flow.name == name) {
            let answers = request.input_responses.as_ref();
            let step = self.step(flow, context, answers, request.request_state.as_deref())?;
            return Ok(match step {
                Step::Ask(asked) => asked.into(),
                Step::Done(words) => {
                    CallToolResult::success(vec![ContentBlock::text(words)]).into()
                }
            });
        }
        let level = *self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let level = context.meta.log_level().or(level);
        if let Some(answer) = live::call(name, &arguments, context, level).await {
            return answer.map(Into::into);
        }
        self.change(name, context).await.map(Into::into)
    }

    /// The tools that change the fixture, and the one that needs a capability.
    async fn change(&self, name: &str, context: &Context) -> Result<CallToolResult, ErrorData> {
        match name {
            "test_missing_capability" => {
                let client = context.client_capabilities().unwrap_or_default();
                if client.sampling.is_none() {
                    return Err(rounds::undeclared(&["sampling"]));
                }
            }
            "test_trigger_tool_change" => {
                for subscriber in self.subscribers() {
                    // It hears only of what it asked for, and may be gone.
                    let _refused = subscriber.notify_tool_list_changed().await;
                }
            }
            "test_trigger_prompt_change" => {
                for subscriber in self.subscribers() {
                    let _refused = subscriber.notify_prompt_list_changed().await;
                }
            }
            _ => {
                let message = format!("no tool is called `{name}`");
                return Err(ErrorData::invalid_params(message, None));
            }
        }
        Ok(CallToolResult::success(vec![ContentBlock::text("Done")]))
    }

    fn step(
        &self,
        flow: &Flow,
        context: &Context,
        answers: Option<&InputResponses>,
        state: Option<&str>,
    ) -> Result<Step, ErrorData> {
        let client = context.client_capabilities().unwrap_or_default();
        flow.step(&self.seal, &client, answers, state)
    }

    fn subscribers(&self) -> Vec<SubscriptionSink> {
        let sinks = self.subscribers.lock();
        let sinks = sinks.unwrap_or_else(PoisonError::into_inner);
        sinks.values().cloned().collect()
    }
}
