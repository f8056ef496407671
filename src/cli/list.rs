//! `mcpdeck list [SERVER]`: the servers and how they are, or the tools of one.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::interrupt::Interrupt;
use crate::cli::{failure, output, setup};
use crate::driver::headless::Headless;
use crate::host::{Host, Server, Settings};
use crate::mcp::status::Status;
use crate::mcp::tool::{Rejected, Tool};
use crate::text::{clean, wrap};

/// What stands where the lines of the servers would be.
const NONE: &str = "no servers are configured: `mcpdeck config path` shows where to name them, `mcpdeck demo` shows some";

/// `mcpdeck list ...`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this server, with its tools
    pub server: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Starts the servers, waits until each is settled, and prints them.
pub fn run(args: &ListArgs, global: &Global) -> Result<ExitCode, CliError> {
    let mut config = setup::config(global)?;
    if let Some(name) = &args.server {
        failure::keep_only(&mut config, name)?;
    }
    config.model.provider = crate::config::Provider::None;
    let settings = Settings {
        probe_every: None,
        ..setup::settings(&config)
    };
    setup::block_on(async {
        let mut run = setup::headless(config, settings, global)?;
        let mut interrupt = Interrupt::listen();
        run.start();
        let ended = failure::settled(&mut run, &mut interrupt).await;
        let code = print(args, &run, ended);
        run.shutdown()
            .await
            .map_err(|error| CliError::new(ErrorKind::Server, error))?;
        code
    })
}

fn print(
    args: &ListArgs,
    run: &Headless,
    ended: Result<(), CliError>,
) -> Result<ExitCode, CliError> {
    ended?;
    let host = &run.host;
    if args.json {
        let servers: Vec<Value> = host.servers.iter().map(server_json).collect();
        output::data(&format!("{:#}\n", json!({ "servers": servers })));
    } else {
        output::data(&table(host, args.server.is_some()));
        if host.servers.is_empty() {
            output::note(NONE);
        }
    }
    let must_be_there = |server: &&Server| args.server.is_some() || server.required;
    match host
        .servers
        .iter()
        .filter(must_be_there)
        .find(|server| server.status.failure().is_some())
    {
        Some(server) => Err(failure::of(server)),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// One server as JSON: state, era, tools, and the failure where there is one.
pub fn server_json(server: &Server) -> Value {
    let hello = match &server.status {
        Status::Ready { hello, .. } => Some(hello),
        _ => None,
    };
    json!({
        "name": server.name,
        "state": server.status.word(),
        "launch": server.spec.as_ref().map(|spec| spec.launch.identity()),
        "era": hello.map(|hello| hello.era),
        "revision": hello.map(|hello| &hello.revision),
        "server_name": hello.map(|hello| &hello.name),
        "server_version": hello.map(|hello| &hello.version),
        "tools": server.tools,
        "rejected": server.rejected,
        "failure": server.status.failure(),
    })
}

fn table(host: &Host, with_tools: bool) -> String {
    let widest = host
        .servers
        .iter()
        .map(|server| wrap::width(server.name.as_str()))
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for server in &host.servers {
        let name = wrap::pad(server.name.as_str(), widest);
        text.push_str(&format!(
            "{name}  {:<8}  {}\n",
            server.status.word(),
            about(server)
        ));
        if with_tools {
            server
                .tools
                .iter()
                .for_each(|tool| text.push_str(&tool_line(tool)));
            server
                .rejected_tools()
                .iter()
                .for_each(|tool| text.push_str(&rejected_line(tool)));
        }
    }
    text
}

fn about(server: &Server) -> String {
    match &server.status {
        Status::Ready { hello, .. } => {
            let version = clean::line(&format!("{} {}", hello.name, hello.version));
            let count = server.tools.len();
            let tools = if count == 1 { "tool" } else { "tools" };
            format!("{count} {tools}  {}  {version}", hello.revision)
        }
        status => status
            .failure()
            .map(|failure| clean::line(&failure.headline()))
            .unwrap_or_default(),
    }
}

fn tool_line(tool: &Tool) -> String {
    let about = tool.description.as_deref().unwrap_or_default();
    let first = about
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let name = clean::line(&tool.name);
    let about = wrap::truncate(&clean::line(first), 100);
    format!("{}\n", format!("  {name}  {about}").trim_end())
}

fn rejected_line(tool: &Rejected) -> String {
    let Some(name) = tool.name.as_deref() else {
        return format!("  not usable: {}\n", clean::line(&tool.why));
    };
    format!(
        "  {}  not usable: {}\n",
        clean::line(name),
        clean::line(&tool.why)
    )
}
