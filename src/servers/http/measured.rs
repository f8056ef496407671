//! A handler whose tool calls are counted and waited for; everything else it passes on as it is.

use std::borrow::Cow;
use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam,
    CompleteRequestParams, CompleteResult, CustomNotification, CustomRequest, CustomResult,
    DiscoverResult, ErrorData, GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams,
    GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult, ListToolsResult,
    PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
    ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult, ReadResourceRequestParams,
    ReadResourceResponse, ServerConfig, SubscriptionFilter, Tool, UpdateTaskParams,
};
#[allow(deprecated)]
use rmcp::model::{SetLevelRequestParams, SubscribeRequestParams, UnsubscribeRequestParams};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use tokio::time::Instant;

use crate::servers::http::Shared;
use crate::servers::served::Served;

type Context = RequestContext<RoleServer>;
type Told = NotificationContext<RoleServer>;
type Page = Option<PaginatedRequestParams>;
type Outcome<T> = Result<T, ErrorData>;

/// The handler with the counters beside it.
#[derive(Clone)]
pub struct Measured {
    inner: Served,
    shared: Arc<Shared>,
}

impl Measured {
    /// Counts the calls of `inner`.
    pub fn new(inner: Served, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

/// Methods that the inner handler answers as it is asked.
macro_rules! passed_on {
    ($($name:ident($($part:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(async fn $name(&self, $($part: $kind),*) -> $answer {
            self.inner.$name($($part),*).await
        })*
    };
}

#[allow(deprecated)]
impl ServerHandler for Measured {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Outcome<CallToolResponse> {
        let name = request.name.clone();
        let metrics = &self.shared.metrics;
        let _waited_for = self.shared.stop.calls().token();
        let _under_way = metrics.begins();
        let (began, stop) = (Instant::now(), context.ct.clone());
        let outcome = self.inner.call_tool(request, context).await;
        let how = match &outcome {
            _ if stop.is_cancelled() => "cancelled",
            Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => "refused",
            Ok(_) => "ok",
            Err(_) => "error",
        };
        // A name that a client made up must not become a label.
        let known = self.inner.get_tool(&name).is_some();
        metrics.ended(if known { &name } else { "unknown" }, how, began.elapsed());
        outcome
    }

    fn get_info(&self) -> ServerConfig {
        self.inner.get_info()
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.inner.get_tool(name)
    }

    fn negotiate_initialize(&self, request: &InitializeRequestParams) -> Outcome<InitializeResult> {
        self.inner.negotiate_initialize(request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.inner.supported_protocol_versions()
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.inner.accepted_subscription_filter(requested)
    }

    passed_on! {
        ping(context: Context) -> Outcome<()>;
        initialize(request: InitializeRequestParams, context: Context) -> Outcome<InitializeResult>;
        discover(context: Context) -> Outcome<DiscoverResult>;
        complete(request: CompleteRequestParams, context: Context) -> Outcome<CompleteResult>;
        set_level(request: SetLevelRequestParams, context: Context) -> Outcome<()>;
        get_prompt(request: GetPromptRequestParams, context: Context) -> Outcome<GetPromptResponse>;
        list_prompts(page: Page, context: Context) -> Outcome<ListPromptsResult>;
        list_resources(page: Page, context: Context) -> Outcome<ListResourcesResult>;
        list_resource_templates(page: Page, context: Context) -> Outcome<ListResourceTemplatesResult>;
        read_resource(request: ReadResourceRequestParams, context: Context) -> Outcome<ReadResourceResponse>;
        listen(context: SubscriptionContext) -> Outcome<()>;
        subscribe(request: SubscribeRequestParams, context: Context) -> Outcome<()>;
        unsubscribe(request: UnsubscribeRequestParams, context: Context) -> Outcome<()>;
        list_tools(page: Page, context: Context) -> Outcome<ListToolsResult>;
        on_custom_request(request: CustomRequest, context: Context) -> Outcome<CustomResult>;
        get_task(request: GetTaskParams, context: Context) -> Outcome<GetTaskResult>;
        update_task(request: UpdateTaskParams, context: Context) -> Outcome<()>;
        cancel_task(request: CancelTaskParams, context: Context) -> Outcome<()>;
        list_skills(page: Page, context: Context) -> Outcome<ListSkillsResult>;
        get_skill(request: GetSkillRequestParams, context: Context) -> Outcome<rmcp::model::GetSkillResult>;
        read_resource_directory(
            request: ReadResourceDirectoryRequestParams, context: Context
        ) -> Outcome<ReadResourceDirectoryResult>;
        on_cancelled(notification: CancelledNotificationParam, context: Told) -> ();
        on_progress(notification: ProgressNotificationParam, context: Told) -> ();
        on_initialized(context: Told) -> ();
        on_roots_list_changed(context: Told) -> ();
        on_custom_notification(notification: CustomNotification, context: Told) -> ();
    }
}
