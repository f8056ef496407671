//! A handler of any kind behind one type.
//!
//! The protocol library and the HTTP side are generic over what they serve, and large: with one type they are compiled once,
//! and not again for each server. Who wants to see its tool calls looks on here, so that nobody has to pass on all the other
//! methods to see that one. Knows nothing of what is served. Made by `servers`, given to the library by `stdio` and `http`.

use std::borrow::Cow;
use std::sync::Arc;

use futures::future::BoxFuture;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam,
    CompleteRequestParams, CompleteResult, CustomNotification, CustomRequest, CustomResult,
    DiscoverResult, ErrorData, GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams,
    GetSkillResult, GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
    ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult, ReadResourceRequestParams,
    ReadResourceResponse, ServerConfig, SubscriptionFilter, Tool, UpdateTaskParams,
};
#[allow(deprecated)]
use rmcp::model::{SetLevelRequestParams, SubscribeRequestParams, UnsubscribeRequestParams};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

type Context = RequestContext<RoleServer>;
type Told = NotificationContext<RoleServer>;
type Page = Option<PaginatedRequestParams>;
/// What a handler answers.
pub type Outcome<T> = Result<T, ErrorData>;

/// Looks on while tools are called.
pub trait Watch: Send + Sync {
    /// Runs the call, and gives its outcome as it came.
    fn around<'a>(&'a self, call: Called<'a>) -> BoxFuture<'a, Outcome<CallToolResponse>>;
}

/// A tool call that is about to run.
pub struct Called<'a> {
    /// The tool as the client named it.
    pub tool: String,
    /// Whether there is a tool of this name.
    pub known: bool,
    /// Whether the client has taken the call back.
    pub stop: CancellationToken,
    /// The call; nothing of it runs before this is awaited.
    pub run: BoxFuture<'a, Outcome<CallToolResponse>>,
}

/// Any handler. A clone is the same for another client.
pub struct Served {
    handler: Arc<dyn Erased>,
    watch: Option<Arc<dyn Watch>>,
}

impl Served {
    /// Hides what kind of handler it is.
    pub fn new(handler: impl ServerHandler + Clone) -> Self {
        Self {
            handler: Arc::new(handler),
            watch: None,
        }
    }

    /// The same handler, with somebody who looks on; in place of who did before.
    pub fn watched(self, watch: Arc<dyn Watch>) -> Self {
        Self {
            watch: Some(watch),
            ..self
        }
    }
}

impl Clone for Served {
    fn clone(&self) -> Self {
        Self {
            handler: self.handler.another(),
            watch: self.watch.clone(),
        }
    }
}

/// Writes a method of the library's trait three times: behind a pointer, for every handler, and for `Served`.
macro_rules! erased {
    ($($name:ident($($part:ident: $kind:ty),*) -> $answer:ty;)*) => {
        /// What the library asks of a handler, in a form that can stand behind a pointer.
        #[allow(deprecated)]
        trait Erased: Send + Sync {
            fn another(&self) -> Arc<dyn Erased>;
            fn info(&self) -> ServerConfig;
            fn tool(&self, name: &str) -> Option<Tool>;
            fn negotiate(&self, request: &InitializeRequestParams) -> Outcome<InitializeResult>;
            fn versions(&self) -> Cow<'static, [ProtocolVersion]>;
            fn accepted(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter>;
            fn call(
                &self,
                request: CallToolRequestParams,
                context: Context,
            ) -> BoxFuture<'_, Outcome<CallToolResponse>>;
            $(fn $name(&self, $($part: $kind),*) -> BoxFuture<'_, $answer>;)*
        }

        #[allow(deprecated)]
        impl<H: ServerHandler + Clone> Erased for H {
            fn another(&self) -> Arc<dyn Erased> {
                Arc::new(self.clone())
            }

            fn info(&self) -> ServerConfig {
                self.get_info()
            }

            fn tool(&self, name: &str) -> Option<Tool> {
                self.get_tool(name)
            }

            fn negotiate(&self, request: &InitializeRequestParams) -> Outcome<InitializeResult> {
                self.negotiate_initialize(request)
            }

            fn versions(&self) -> Cow<'static, [ProtocolVersion]> {
                self.supported_protocol_versions()
            }

            fn accepted(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
                self.accepted_subscription_filter(requested)
            }

            fn call(
                &self,
                request: CallToolRequestParams,
                context: Context,
            ) -> BoxFuture<'_, Outcome<CallToolResponse>> {
                Box::pin(self.call_tool(request, context))
            }

            $(fn $name(&self, $($part: $kind),*) -> BoxFuture<'_, $answer> {
                Box::pin(ServerHandler::$name(self, $($part),*))
            })*
        }

        #[allow(deprecated)]
        impl ServerHandler for Served {
            fn get_info(&self) -> ServerConfig {
                self.handler.info()
            }

            fn get_tool(&self, name: &str) -> Option<Tool> {
                self.handler.tool(name)
            }

            fn negotiate_initialize(
                &self,
                request: &InitializeRequestParams,
            ) -> Outcome<InitializeResult> {
                self.handler.negotiate(request)
            }

            fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
                self.handler.versions()
            }

            fn accepted_subscription_filter(
                &self,
                requested: &SubscriptionFilter,
            ) -> Option<SubscriptionFilter> {
                self.handler.accepted(requested)
            }

            fn call_tool(
                &self,
                request: CallToolRequestParams,
                context: Context,
            ) -> impl Future<Output = Outcome<CallToolResponse>> + Send + '_ {
                let Some(watch) = &self.watch else {
                    return self.handler.call(request, context);
                };
                let tool = request.name.to_string();
                watch.around(Called {
                    known: self.handler.tool(&tool).is_some(),
                    tool,
                    stop: context.ct.clone(),
                    run: self.handler.call(request, context),
                })
            }

            $(fn $name(
                &self,
                $($part: $kind),*
            ) -> impl Future<Output = $answer> + Send + '_ {
                Erased::$name(&*self.handler, $($part),*)
            })*
        }
    };
}

erased! {
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
    get_skill(request: GetSkillRequestParams, context: Context) -> Outcome<GetSkillResult>;
    read_resource_directory(
        request: ReadResourceDirectoryRequestParams, context: Context
    ) -> Outcome<ReadResourceDirectoryResult>;
    on_cancelled(notification: CancelledNotificationParam, context: Told) -> ();
    on_progress(notification: ProgressNotificationParam, context: Told) -> ();
    on_initialized(context: Told) -> ();
    on_roots_list_changed(context: Told) -> ();
    on_custom_notification(notification: CustomNotification, context: Told) -> ();
}
