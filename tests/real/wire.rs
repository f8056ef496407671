//! One connection of the program's own to a real server, without a host: what a server is asked and what it asks, word by word.
//!
//! Answers nothing by itself but a question for roots that a test does not wait for.

use std::collections::BTreeMap;

use mcpdeck::config::{Launch, ProtocolChoice, Secret, ServerSpec};
use mcpdeck::ids::{AskId, CallId, ErrandId};
use mcpdeck::mcp::ask::{Ask, Reply};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::listing::Listed;
use mcpdeck::mcp::request::{Errand, ErrandEnd, ListKind, Method};
use mcpdeck::mcp::result::{Block, CallOutcome, ToolResult};
use mcpdeck::mcp::status::Hello;
use mcpdeck::mcp::tool::Tool;
use serde_json::{Value, json};

use crate::home::Home;
use crate::support::{self, Server, command, dialled, request};

/// A server's program, what it is given, and the variables set for it.
pub struct Program {
    pub command: String,
    pub args: Vec<String>,
    pub env: Vec<(&'static str, String)>,
}

impl Program {
    pub fn new(command: impl Into<String>, args: &[&str]) -> Self {
        Self {
            command: command.into(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: Vec::new(),
        }
    }

    pub fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// As a server of this home.
    pub fn spec(&self, home: &Home, protocol: ProtocolChoice) -> ServerSpec {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        let mut launch = command(&self.command, &args);
        let own = [("HOME", home.path("home").to_string_lossy().into_owned())];
        let env = self.env.iter().cloned().chain(own);
        launch.env = env
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .collect::<BTreeMap<_, _>>();
        launch.cwd = Some(home.work());
        let mut spec = support::spec(Launch::Stdio(launch));
        spec.protocol = protocol;
        // Python takes its time to start where many start at once.
        spec.startup_timeout = support::LIMIT;
        spec
    }
}

/// A connection that stands.
pub struct Wire {
    pub hello: Hello,
    server: Server,
    /// What came while something else was waited for.
    pub passed: Vec<ServerEvent>,
    next: u64,
}

impl Wire {
    /// Dials, and reads the tools as every user of a connection does first: of them it learns which tools run as tasks.
    pub async fn dial(spec: ServerSpec) -> Self {
        let mut server = dialled(spec, |_| {});
        let hello = server.connected().await;
        let mut wire = Self {
            hello,
            server,
            passed: Vec::new(),
            next: 0,
        };
        wire.tools().await;
        wire
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Waits for the event of which `pick` makes something; the others are kept in `passed`.
    pub async fn until<T>(&mut self, pick: impl Fn(&ServerEvent) -> Option<T>) -> T {
        loop {
            let event = self.server.event().await;
            if let ServerEvent::Ended(failure) = &event {
                panic!("the server has gone: {failure:#?}");
            }
            if let Some(picked) = pick(&event) {
                return picked;
            }
            self.passed.push(event);
        }
    }

    /// Whether it says that it has this list. Templates are announced by the same word as resources.
    pub fn offers(&self, kind: ListKind) -> bool {
        self.hello.capabilities.get(kind.capability()).is_some()
    }

    /// One of its lists, or why there is none.
    pub async fn list(&mut self, kind: ListKind) -> Result<Listed, String> {
        self.server.connection.list(kind);
        self.until(|event| match event {
            ServerEvent::Listed(listed) if listed.kind() == kind => Some(Ok(listed.clone())),
            ServerEvent::ListFailed(of, why) if *of == kind => Some(Err(why.clone())),
            _ => None,
        })
        .await
    }

    pub async fn tools(&mut self) -> Vec<Tool> {
        match self.list(ListKind::Tools).await {
            Ok(Listed::Tools(tools)) => {
                assert_eq!(tools.rejected, [], "tools that could not be used");
                tools.items
            }
            other => panic!("{other:?}"),
        }
    }

    /// The names of what stands in one of its lists: names of tools and prompts, URIs of resources and templates. A server that
    /// has resources need not know templates.
    pub async fn names(&mut self, kind: ListKind) -> Vec<String> {
        let listed = match self.list(kind).await {
            Err(why) if kind == ListKind::Templates && why.contains("-32601") => return Vec::new(),
            listed => listed.unwrap_or_else(|why| panic!("{kind:?}: {why}")),
        };
        let (names, rejected): (Vec<String>, _) = match listed {
            Listed::Tools(l) => (l.items.into_iter().map(|t| t.name).collect(), l.rejected),
            Listed::Resources(l) => (l.items.into_iter().map(|r| r.uri).collect(), l.rejected),
            Listed::Templates(l) => {
                let uris = l.items.into_iter().map(|t| t.uri_template);
                (uris.collect(), l.rejected)
            }
            Listed::Prompts(l) => (l.items.into_iter().map(|p| p.name).collect(), l.rejected),
        };
        assert_eq!(rejected, [], "{kind:?} that could not be used");
        names
    }

    /// Starts a request and gives its number.
    pub fn start(&mut self, method: Method, what: &str, arguments: Value) -> u64 {
        let call = self.number();
        let mut request = request(call, what, arguments);
        request.method = method;
        self.server.connection.call(request);
        call
    }

    pub fn start_tool(&mut self, tool: &str, arguments: Value) -> u64 {
        self.start(Method::Tool, tool, arguments)
    }

    pub fn cancel(&self, call: u64) {
        self.server.connection.cancel(CallId(call));
    }

    pub async fn outcome(&mut self, call: u64) -> CallOutcome {
        self.until(|event| match event {
            ServerEvent::Call(CallId(of), CallEvent::Finished(outcome)) if *of == call => {
                Some(outcome.clone())
            }
            _ => None,
        })
        .await
    }

    /// The answer of a call that must be answered well.
    pub async fn answer(&mut self, call: u64) -> ToolResult {
        match self.outcome(call).await {
            CallOutcome::Answered { result } if !result.is_error => {
                std::sync::Arc::unwrap_or_clone(result)
            }
            other => panic!("no good answer but {other:#?}"),
        }
    }

    pub async fn call(&mut self, tool: &str, arguments: Value) -> ToolResult {
        let call = self.start_tool(tool, arguments);
        self.answer(call).await
    }

    /// The blocks of a resource.
    pub async fn read(&mut self, uri: &str) -> Vec<Block> {
        let call = self.start(Method::Resource, uri, json!({"uri": uri}));
        self.answer(call).await.content
    }

    /// The messages of a prompt.
    pub async fn prompt(&mut self, prompt: &str, arguments: Value) -> Vec<Block> {
        let call = self.start(Method::Prompt, prompt, arguments);
        self.answer(call).await.content
    }

    pub async fn errand(&mut self, what: Errand) -> ErrandEnd {
        let errand = ErrandId(self.number());
        self.server.connection.errand(errand, what);
        self.until(|event| match event {
            ServerEvent::Errand(of, end) if *of == errand => Some(end.clone()),
            _ => None,
        })
        .await
    }

    /// The next question that is not about roots; those are answered with none.
    pub async fn asked(&mut self) -> (AskId, Ask) {
        loop {
            let (ask, what) = self.asked_anything().await;
            if what != Ask::Roots {
                return (ask, what);
            }
            self.reply(ask, json!({"roots": []}));
        }
    }

    pub async fn asked_anything(&mut self) -> (AskId, Ask) {
        self.until(|event| match event {
            ServerEvent::Asked { ask, what, .. } => Some((*ask, what.clone())),
            _ => None,
        })
        .await
    }

    pub fn reply(&self, ask: AskId, value: Value) {
        self.server.connection.reply(ask, Reply::Result { value });
    }

    pub fn roots_changed(&self) {
        self.server.connection.roots_changed();
    }

    /// The events of one call that have come so far.
    pub fn of_call(&self, call: u64) -> Vec<&CallEvent> {
        let of_call = |event| match event {
            &ServerEvent::Call(CallId(of), ref event) if of == call => Some(event),
            _ => None,
        };
        self.passed.iter().filter_map(of_call).collect()
    }

    pub async fn closed(self) {
        self.server.closed().await;
    }
}
