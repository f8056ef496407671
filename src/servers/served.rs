//! A handler of any kind behind one type.
//!
//! The protocol library and the HTTP side are generic over what they serve, and large: with one type they are compiled once,
//! and not again for each server. Knows nothing of what is served. Made by `servers` and `http`, given to the library.

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

type Context = RequestContext<RoleServer>;
type Told = NotificationContext<RoleServer>;
type Page = Option<PaginatedRequestParams>;
type Outcome<T> = Result<T, ErrorData>;

/// Any handler. A clone is the same for another client.
pub struct Served(Arc<dyn Erased>);

impl Served {
    /// Hides what kind of handler it is.
    pub fn new(handler: impl ServerHandler + Clone) -> Self {
        Self(Arc::new(handler))
    }
}

impl Clone for Served {
    fn clone(&self) -> Self {
        Self(self.0.another())
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

            $(fn $name(&self, $($part: $kind),*) -> BoxFuture<'_, $answer> {
                Box::pin(ServerHandler::$name(self, $($part),*))
            })*
        }

        #[allow(deprecated)]
        impl ServerHandler for Served {
            fn get_info(&self) -> ServerConfig {
                self.0.info()
            }

            fn get_tool(&self, name: &str) -> Option<Tool> {
                self.0.tool(name)
            }

            fn negotiate_initialize(
                &self,
                request: &InitializeRequestParams,
            ) -> Outcome<InitializeResult> {
                self.0.negotiate(request)
            }

            fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
                self.0.versions()
            }

            fn accepted_subscription_filter(
                &self,
                requested: &SubscriptionFilter,
            ) -> Option<SubscriptionFilter> {
                self.0.accepted(requested)
            }

            $(fn $name(
                &self,
                $($part: $kind),*
            ) -> impl Future<Output = $answer> + Send + '_ {
                Erased::$name(&*self.0, $($part),*)
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
    call_tool(request: CallToolRequestParams, context: Context) -> Outcome<CallToolResponse>;
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
