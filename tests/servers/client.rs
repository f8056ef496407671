//! A client with one server of its own, and a data directory that is nobody else's.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rmcp::model::{CallToolRequest, CallToolRequestParams, ClientRequest, ProtocolVersion, Tool};
use rmcp::service::{PeerRequestOptions, RequestHandle, RunningService};
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub const LIMIT: Duration = Duration::from_secs(20);

/// What a tool answered.
#[derive(Debug)]
pub struct Reply {
    pub is_error: bool,
    pub text: String,
    pub data: Value,
}

pub struct Served {
    pub client: RunningService<RoleClient, ()>,
    pub child: Child,
    pub data: TempDir,
    pub tools: Vec<Tool>,
}

/// The command with nothing of the person's own data in reach.
pub fn command(args: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpdeck"));
    command
        .arg("serve")
        .args(args)
        .env("MCPDECK_DATA_DIR", data)
        .env_remove("MCPDECK_QUERY_TIMEOUT_MS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

pub fn modern() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    }
}

impl Served {
    pub async fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[], ClientLifecycleMode::Initialize).await
    }

    pub async fn start_with(
        args: &[&str],
        env: &[(&str, &str)],
        lifecycle: ClientLifecycleMode,
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = command(args, data.path());
        let mut child = command.envs(env.iter().copied()).spawn().unwrap();
        let pipes = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let client = ().serve_with_lifecycle(pipes, lifecycle);
        let client = tokio::time::timeout(LIMIT, client).await.unwrap().unwrap();
        let tools = client.list_all_tools().await.unwrap();
        Self {
            client,
            child,
            data,
            tools,
        }
    }

    /// The filesystem server on a folder that holds its own data, in `.data`: the trash lies inside the root.
    pub async fn start_around_its_data() -> (TempDir, Self) {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join(".data");
        let env = [("MCPDECK_DATA_DIR", data.to_str().unwrap())];
        let args = ["filesystem", home.path().to_str().unwrap()];
        let server = Self::start_with(&args, &env, ClientLifecycleMode::Initialize).await;
        (home, server)
    }

    /// Starts a call and gives what cancels it.
    pub async fn started(&self, tool: &'static str, arguments: Value) -> RequestHandle<RoleClient> {
        let arguments = arguments.as_object().unwrap().clone();
        let params = CallToolRequestParams::new(tool).with_arguments(arguments);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let options = PeerRequestOptions::no_options();
        let sent = self.client.send_cancellable_request(request, options);
        sent.await.unwrap()
    }

    /// Calls a tool and holds a good answer against the schema that the tool promised.
    pub async fn call(&self, name: &str, arguments: Value) -> Reply {
        let mut params = CallToolRequestParams::new(name.to_owned());
        params.arguments = arguments.as_object().cloned();
        let call = tokio::time::timeout(LIMIT, self.client.call_tool(params));
        let result = call.await.unwrap().unwrap();
        let text = result.content.iter().filter_map(|block| block.as_text());
        let text = text
            .map(|block| block.text.clone())
            .collect::<Vec<_>>()
            .join("\n");
        let is_error = result.is_error == Some(true);
        let data = result.structured_content.unwrap_or(Value::Null);
        if !is_error {
            let tool = self.tools.iter().find(|tool| tool.name == name).unwrap();
            let schema = Value::Object(tool.output_schema.as_deref().unwrap().clone());
            let checked = jsonschema::validate(&schema, &data);
            assert!(checked.is_ok(), "{name}: {checked:?} in {data}");
        }
        Reply {
            is_error,
            text,
            data,
        }
    }

    /// The structured answer of a call that must go well.
    pub async fn good(&self, name: &str, arguments: Value) -> Value {
        let reply = self.call(name, arguments).await;
        assert!(!reply.is_error, "{name}: {}", reply.text);
        reply.data
    }

    /// The sentence of a call that must be refused.
    pub async fn refused(&self, name: &str, arguments: Value) -> String {
        let reply = self.call(name, arguments.clone()).await;
        assert!(
            reply.is_error,
            "{name} {arguments} went through: {}",
            reply.text
        );
        reply.text
    }

    /// Closes stdin and waits for the end.
    pub async fn leave(self) -> ExitStatus {
        let Self {
            client, mut child, ..
        } = self;
        client.cancel().await.unwrap();
        tokio::time::timeout(LIMIT, child.wait())
            .await
            .unwrap()
            .unwrap()
    }
}
