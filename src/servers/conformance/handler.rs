//! The face of the fixture towards the protocol library: lists, calls, reads, subscriptions. Every call passes the guard.
#![expect(deprecated, reason = "the older revisions are tested as well")]

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    ContentBlock, ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
    Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, PromptMessage, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, Role, ServerCapabilities, ServerConfig,
    SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool,
    UnsubscribeRequestParams,
};
use rmcp::service::SubscriptionContext;
use serde_json::{Value, json};

use crate::servers::conformance::rounds::{self, Step};
use crate::servers::conformance::{Context, Fixture, pages, tools};
use crate::servers::guard::{Call, Ended};
use crate::servers::toolbox::{Refusal, caller};

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_completions()
            .enable_logging()
            .build();
        let mut info = ServerConfig::new(capabilities);
        info.server_info = Implementation::new("mcpdeck-conformance", env!("CARGO_PKG_VERSION"));
        info.with_instructions("The fixture of the conformance suite; of no use otherwise.")
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = caller(&context);
        let tools = tools::list().into_iter();
        let permitted = tools.filter(|tool| caller.may_call(&tool.name));
        Ok(ListToolsResult::with_all_items(permitted.collect()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::list().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = caller(&context);
        if self.get_tool(&request.name).is_none() || !caller.may_call(&request.name) {
            let message = format!("no tool is called `{}`", request.name);
            return Err(ErrorData::invalid_params(message, None));
        }
        let arguments = Value::Object(request.arguments.clone().unwrap_or_default());
        let run = self.run(&request, &context);
        let guard = &self.guard;
        let call = Call {
            caller: &caller,
            tool: &request.name,
            arguments: &arguments,
            changes: false,
            stop: &context.ct,
        };
        match guard.call(call, || None, run).await {
            Ok(answer) => answer,
            Err(refusal) => Ok(CallToolResult::error(vec![ContentBlock::text(refusal.0)]).into()),
        }
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        if !caller(&context).may_read() {
            return Ok(ListResourcesResult::default());
        }
        Ok(ListResourcesResult::with_all_items(pages::resources()))
    }

    async fn list_resource_templates(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(
            pages::templates(),
        ))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri;
        if !caller(&context).may_read() {
            return Err(missing(&uri));
        }
        let read = async { pages::read(&uri).ok_or_else(|| missing(&uri)) };
        let page = self.guarded("resources/read", json!({ "uri": uri }), &context, read);
        Ok(ReadResourceResult::new(vec![page.await?]).into())
    }

    async fn list_prompts(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        if !caller(&context).may_prompt() {
            return Ok(ListPromptsResult::default());
        }
        Ok(ListPromptsResult::with_all_items(pages::prompts()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        if !caller(&context).may_prompt() {
            return Err(pages::no_prompt(&request.name));
        }
        let told = json!({ "name": request.name, "arguments": request.arguments });
        let run = async { self.prompt(&request, &context) };
        self.guarded("prompts/get", told, &context, run).await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: Context,
    ) -> Result<CompleteResult, ErrorData> {
        pages::complete(&request).map(CompleteResult::new)
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        _context: Context,
    ) -> Result<(), ErrorData> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.level);
        Ok(())
    }

    // Nothing here ever changes its content, so that a subscription has nothing to keep.
    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _context: Context,
    ) -> Result<(), ErrorData> {
        let page = pages::read(&request.uri);
        page.map(|_| ()).ok_or_else(|| missing(&request.uri))
    }

    async fn unsubscribe(
        &self,
        _request: UnsubscribeRequestParams,
        _context: Context,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let held = Held { fixture: self, key };
        let sink = context.sink().clone();
        let sinks = self.subscribers.lock();
        sinks
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, sink);
        context.cancelled().await;
        drop(held);
        Ok(())
    }
}

impl Fixture {
    /// Runs under the guard what is no tool.
    async fn guarded<T>(
        &self,
        what: &str,
        arguments: Value,
        context: &Context,
        run: impl Future<Output = Result<T, ErrorData>>,
    ) -> Result<T, ErrorData> {
        let caller = caller(context);
        let call = Call {
            caller: &caller,
            tool: what,
            arguments: &arguments,
            changes: false,
            stop: &context.ct,
        };
        let refused = |Refusal(why)| ErrorData::internal_error(why, None);
        let run = async { run.await.map(Ok) };
        let outcome = self.guard.call(call, || None, run).await;
        outcome.map_err(refused)??.map_err(refused)
    }

    fn prompt(
        &self,
        request: &GetPromptRequestParams,
        context: &Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        if request.name != rounds::PROMPT.name {
            let arguments = request.arguments.clone().unwrap_or_default();
            return pages::prompt(&request.name, &arguments).map(Into::into);
        }
        let answers = request.input_responses.as_ref();
        let state = request.request_state.as_deref();
        Ok(match self.step(&rounds::PROMPT, context, answers, state)? {
            Step::Ask(asked) => asked.into(),
            Step::Done(words) => {
                let message = PromptMessage::new_text(Role::User, words);
                GetPromptResult::new(vec![message]).into()
            }
        })
    }
}

/// A subscriber in the list; it leaves it however its request ends.
struct Held<'a> {
    fixture: &'a Fixture,
    key: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let sinks = self.fixture.subscribers.lock();
        sinks
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl Ended for Result<CallToolResponse, ErrorData> {
    fn outcome(&self) -> &'static str {
        match self {
            Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => "failed",
            Ok(_) => "done",
            Err(_) => "error",
        }
    }
}

fn missing(uri: &str) -> ErrorData {
    let message = format!("there is no resource `{uri}`");
    ErrorData::resource_not_found(message, Some(json!({ "uri": uri })))
}
