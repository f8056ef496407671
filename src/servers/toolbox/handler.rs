//! The face of a toolbox towards the protocol library: lists, calls, reads. Every call passes the guard.

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestMethod,
    CompleteRequestParams, CompleteResult, ConstString, ContentBlock, ErrorData,
    GetPromptRequestMethod, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
    ListPromptsRequestMethod, ListPromptsResult, ListResourceTemplatesRequestMethod,
    ListResourceTemplatesResult, ListResourcesRequestMethod, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, PromptMessage, ReadResourceRequestMethod, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, Role, ServerConfig, Tool,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};

use crate::servers::guard::{Call, Caller, Ended};
use crate::servers::nearest::nearest;
use crate::servers::toolbox::entry::Entry;
use crate::servers::toolbox::resource::contents;
use crate::servers::toolbox::{Refusal, Resources, Toolbox};

/// What reading a resource and getting a prompt are called where calls are counted and recorded.
const READ: &str = "resources/read";
const GET: &str = "prompts/get";

type Context = RequestContext<RoleServer>;

impl<S: Send + Sync + 'static> Toolbox<S> {
    fn position(&self, name: &str, caller: &Caller) -> Result<usize, ErrorData> {
        let permitted = |entry: &&Entry<S>| caller.may_call(&entry.tool.name);
        let found = self
            .entries
            .iter()
            .position(|entry| entry.tool.name == name);
        // What may not be called is not there: its name is not told either.
        let found = found.filter(|index| self.entries.get(*index).as_ref().is_some_and(permitted));
        found.ok_or_else(|| {
            let names = self.entries.iter().filter(permitted);
            let hint = nearest(name, names.map(|entry| entry.tool.name.as_ref()));
            let hint = hint.map(|n| format!("; did you mean `{n}`?"));
            let message = format!("no tool is called `{name}`{}", hint.unwrap_or_default());
            ErrorData::invalid_params(message, None)
        })
    }

    /// Runs `work` on a thread where it may block, and counts it as under way.
    async fn blocking<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce(&S) -> T + Send + 'static,
    ) -> Result<T, ErrorData> {
        self.blocking_on(self.state.clone(), what, work).await
    }

    async fn blocking_on<T: Send + 'static>(
        &self,
        state: Arc<S>,
        what: &str,
        work: impl FnOnce(&S) -> T + Send + 'static,
    ) -> Result<T, ErrorData> {
        let done = self.running.spawn_blocking(move || work(&state)).await;
        done.map_err(|panic| {
            ErrorData::internal_error(format!("`{what}` broke off: {panic}"), None)
        })
    }

    /// What there is to read. A method whose capability is not declared is not there either.
    fn resources<M: ConstString>(&self) -> Result<Resources<S>, ErrorData> {
        let none = ErrorData::method_not_found::<M>;
        self.resources.clone().ok_or_else(none)
    }
}

impl<S: Send + Sync + 'static> ServerHandler for Toolbox<S> {
    fn get_info(&self) -> ServerConfig {
        self.info.clone()
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.ask_for_roots(&context, false).await;
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        self.ask_for_roots(&context, true).await;
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = caller(&context);
        let permitted = self.entries.iter();
        let permitted = permitted.filter(|entry| caller.may_call(&entry.tool.name));
        let tools = permitted.map(|entry| entry.tool.clone()).collect();
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = caller(&context);
        let found = self.position(&request.name, &caller);
        let index = found.inspect_err(|_| {
            self.guard
                .denied(&caller, Some(&request.name), "no such tool");
        })?;
        let state = match self.state_for(&mut request, &context).await {
            Ok(state) => state,
            Err(question) => return Ok(question.into()),
        };
        let arguments = Arc::new(Value::Object(request.arguments.unwrap_or_default()));
        let entries = self.entries.clone();
        let (name, stop) = (request.name, context.ct);
        let run = {
            let (arguments, stop) = (arguments.clone(), stop.clone());
            self.blocking_on(state, &name, move |state| {
                let entry = entries.get(index)?;
                Some(entry.call(state, &arguments, &stop))
            })
        };
        let run = async {
            let gone = || ErrorData::internal_error("the tool is gone", None);
            run.await?.ok_or_else(gone)
        };
        let entry = self.entries.get(index);
        let call = Call {
            caller: &caller,
            tool: &name,
            arguments: &arguments,
            changes: entry.is_some_and(|entry| entry.changes()),
            stop: &stop,
        };
        let check = || entry.and_then(|entry| entry.complaint(&arguments));
        match self.guard.call(call, check, run).await {
            Ok(result) => result.map(Into::into),
            Err(refusal) => Ok(CallToolResult::error(vec![ContentBlock::text(refusal.0)]).into()),
        }
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let entry = self.entries.iter().find(|entry| entry.tool.name == name)?;
        Some(entry.tool.clone())
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources = self.resources::<ListResourcesRequestMethod>()?;
        if !caller(&context).may_read() {
            return Ok(ListResourcesResult::default());
        }
        let list = move |state: &S| (resources.list)(state, &context.ct);
        let listed = self.blocking("resources/list", list).await?;
        let listed = listed.map_err(internal)?.into_iter().map(Into::into);
        Ok(ListResourcesResult::with_all_items(listed.collect()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let resources = self.resources::<ReadResourceRequestMethod>()?;
        let caller = caller(&context);
        let missing = || {
            let message = format!("there is no resource `{}`", request.uri);
            ErrorData::resource_not_found(message, Some(json!({ "uri": request.uri })))
        };
        if !caller.may_read() {
            return Err(missing());
        }
        let (uri, stop) = (request.uri.clone(), context.ct.clone());
        let read = self.blocking(READ, move |state: &S| (resources.read)(state, &uri, &stop));
        let call = Call {
            caller: &caller,
            tool: READ,
            arguments: &json!({ "uri": request.uri }),
            changes: false,
            stop: &context.ct,
        };
        let found = self.guard.call(call, || None, read).await;
        let page = found
            .map_err(internal)??
            .map_err(internal)?
            .ok_or_else(missing)?;
        Ok(ReadResourceResult::new(vec![contents(&request.uri, page)]).into())
    }

    async fn list_resource_templates(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.resources::<ListResourceTemplatesRequestMethod>()?;
        Ok(ListResourceTemplatesResult::with_all_items(Vec::new()))
    }

    async fn complete(
        &self,
        _request: CompleteRequestParams,
        _context: Context,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }

    async fn list_prompts(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        if self.prompts.is_empty() {
            return Err(ErrorData::method_not_found::<ListPromptsRequestMethod>());
        }
        let may = caller(&context).may_prompt();
        let prompts = self.prompts.iter().filter(|_| may);
        let prompts = prompts.map(|prompt| prompt.listed());
        Ok(ListPromptsResult::with_all_items(prompts.collect()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        if self.prompts.is_empty() {
            return Err(ErrorData::method_not_found::<GetPromptRequestMethod>());
        }
        let caller = caller(&context);
        let index = self.prompts.iter().position(|p| p.name == request.name);
        let index = index.filter(|_| caller.may_prompt()).ok_or_else(|| {
            ErrorData::invalid_params(format!("there is no prompt `{}`", request.name), None)
        })?;
        let arguments = request.arguments.unwrap_or_default();
        let recorded = json!({ "name": request.name, "arguments": arguments });
        let (prompts, stop) = (self.prompts.clone(), context.ct.clone());
        let run = self.blocking(&request.name, move |state| {
            let prompt = prompts.get(index)?;
            Some(match prompt.missing(&arguments) {
                Some(name) => Err(Refusal(format!("the argument `{name}` is missing"))),
                None => (prompt.run)(state, &arguments, &stop),
            })
        });
        let call = Call {
            caller: &caller,
            tool: GET,
            arguments: &recorded,
            changes: false,
            stop: &context.ct,
        };
        let text = self.guard.call(call, || None, run).await;
        let text = text.map_err(internal)??;
        let text = text.unwrap_or_else(|| Err(Refusal::new("the prompt is gone")));
        let text = text.map_err(|Refusal(why)| ErrorData::invalid_params(why, None))?;
        let message = PromptMessage::new_text(Role::User, text);
        Ok(GetPromptResult::new(vec![message]).into())
    }
}

impl Ended for Result<CallToolResult, ErrorData> {
    fn outcome(&self) -> &'static str {
        match self {
            Ok(result) if result.is_error == Some(true) => "failed",
            Ok(_) => "done",
            Err(_) => "error",
        }
    }
}

impl<T> Ended for Result<Result<T, Refusal>, ErrorData> {
    fn outcome(&self) -> &'static str {
        match self {
            Ok(Ok(_)) => "done",
            Ok(Err(_)) => "failed",
            Err(_) => "error",
        }
    }
}

impl<T> Ended for Result<Option<Result<T, Refusal>>, ErrorData> {
    fn outcome(&self) -> &'static str {
        match self {
            Ok(Some(Ok(_))) => "done",
            Ok(_) => "failed",
            Err(_) => "error",
        }
    }
}

fn internal(refusal: Refusal) -> ErrorData {
    ErrorData::internal_error(refusal.0, None)
}

/// Who speaks: what the HTTP side found out, or the one client at the other end of the pipe.
pub fn caller(context: &Context) -> Arc<Caller> {
    let parts = context.extensions.get::<http::request::Parts>();
    let found = parts.and_then(|parts| parts.extensions.get::<Arc<Caller>>());
    found.cloned().unwrap_or_else(Caller::local)
}
