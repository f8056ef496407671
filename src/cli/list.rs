//! `mcpdeck list [SERVER]`: the servers and how they are, or all that one offers.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::interrupt::Interrupt;
use crate::cli::{failure, output, setup};
use crate::driver::headless::Headless;
use crate::host::{Host, Server, Settings};
use crate::mcp::listing::Rejected;
use crate::mcp::prompt::{Prompt, PromptArgument};
use crate::mcp::request::ListKind;
use crate::mcp::resource::{Resource, Template};
use crate::mcp::status::Status;
use crate::mcp::tool::Tool;
use crate::text::{clean, wrap};

/// What stands where the lines of the servers would be.
pub const NONE: &str = "no servers are configured: `mcpdeck config path` shows where to name them, `mcpdeck demo` shows some";

/// `mcpdeck list ...`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this server, with its tools, resources, templates and prompts
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
        let ended = failure::listed(&mut run, &mut interrupt).await;
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
        output::json(&json!({ "servers": servers }));
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

/// One server as JSON: state, era, all that it offers, and the failure where there is one.
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
        "capabilities": hello.map(|hello| &hello.capabilities),
        "instructions": hello.and_then(|hello| hello.instructions.as_ref()),
        "tools": server.tools,
        "resources": server.resources,
        "templates": server.templates,
        "prompts": server.prompts,
        "rejected": server.rejected,
        "changed": server.held.keys().collect::<Vec<_>>(),
        "flags": server.flags,
        "failure": server.status.failure(),
    })
}

fn table(host: &Host, whole: bool) -> String {
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
        if whole {
            for flag in &server.flags.server {
                text.push_str(&format!("  ! odd: {}\n", clean::line(&flag.sentence())));
            }
            text.push_str(&offers(server));
        }
    }
    text
}

/// All that a server offers, a paragraph for each kind that it has. Tools alone need no heading.
fn offers(server: &Server) -> String {
    let paragraphs: Vec<(&str, Vec<String>)> = ListKind::ALL
        .into_iter()
        .map(|kind| (kind.key(), lines(server, kind)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    let only_tools = paragraphs
        .iter()
        .all(|(key, _)| *key == ListKind::Tools.key());
    let mut text = String::new();
    for (key, lines) in &paragraphs {
        if !only_tools {
            text.push_str(heading(key));
        }
        text.extend(lines.iter().map(String::as_str));
    }
    text
}

fn heading(key: &str) -> &'static str {
    match key {
        "tools" => "tools\n",
        "resources" => "resources\n",
        "prompts" => "prompts\n",
        _ => "resource templates\n",
    }
}

/// The things of one kind and those of them that cannot be used, a line each.
fn lines(server: &Server, kind: ListKind) -> Vec<String> {
    let mut lines: Vec<String> = match kind {
        ListKind::Tools => server
            .tools
            .iter()
            .map(|tool| tool_lines(server, tool))
            .collect(),
        ListKind::Resources => server.resources.iter().map(resource_line).collect(),
        ListKind::Templates => {
            let line = |template: &Template| {
                named_line(
                    &template.uri_template,
                    &template.name,
                    template.title.as_deref(),
                    template.description.as_deref(),
                )
            };
            server.templates.iter().map(line).collect()
        }
        ListKind::Prompts => server.prompts.iter().map(prompt_line).collect(),
    };
    lines.extend(
        server
            .rejected
            .get(&kind)
            .into_iter()
            .flatten()
            .map(rejected_line),
    );
    lines
}

fn about(server: &Server) -> String {
    match &server.status {
        Status::Ready { hello, .. } => {
            let version = clean::line(&format!("{} {}", hello.name, hello.version));
            format!("{}  {}  {version}", counts(server), hello.revision)
        }
        status => status
            .failure()
            .map(|failure| clean::line(&failure.headline()))
            .unwrap_or_default(),
    }
}

/// `7 tools, 1 resource`: tools always, the others where there are some.
fn counts(server: &Server) -> String {
    let all = [
        (server.tools.len(), "tool"),
        (server.resources.len(), "resource"),
        (server.templates.len(), "template"),
        (server.prompts.len(), "prompt"),
    ];
    let said = all
        .iter()
        .enumerate()
        .filter(|(at, (count, _))| *at == 0 || *count > 0);
    let words = said.map(|(_, (count, word))| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// A tool, and below it what is to be said of it.
fn tool_lines(server: &Server, tool: &Tool) -> String {
    let mut text = line(&tool.name, tool.description.as_deref());
    if server.held.contains_key(&tool.name) {
        let name = clean::line(server.name.as_str());
        text.push_str(&format!(
            "    ! changed since you accepted it: `mcpdeck pins show {name}` shows how\n"
        ));
    }
    for flag in server.flags.of(&tool.name) {
        let words = clean::line(&flag.sentence());
        text.push_str(&format!("    ! odd: {words}\n"));
    }
    text
}

/// A name and the first line of what is said of it.
fn line(name: &str, about: Option<&str>) -> String {
    let first = about
        .unwrap_or_default()
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let about = wrap::truncate(&clean::line(first), 100);
    format!(
        "{}\n",
        format!("  {}  {about}", clean::line(name)).trim_end()
    )
}

fn resource_line(resource: &Resource) -> String {
    named_line(
        &resource.uri,
        &resource.name,
        resource.title.as_deref(),
        resource.description.as_deref(),
    )
}

/// By what it is asked for, then what it is called, where that says more.
fn named_line(key: &str, name: &str, title: Option<&str>, about: Option<&str>) -> String {
    let called = title.unwrap_or(name);
    match about {
        _ if called == key || called.is_empty() => line(key, about),
        None => line(key, Some(called)),
        Some(about) => line(key, Some(&format!("{}: {about}", called.trim()))),
    }
}

/// `name(required, [optional])`
fn prompt_line(prompt: &Prompt) -> String {
    let argument = |argument: &PromptArgument| match argument.required {
        true => argument.name.clone(),
        false => format!("[{}]", argument.name),
    };
    let arguments: Vec<String> = prompt.arguments.iter().map(argument).collect();
    let signature = match arguments.is_empty() {
        true => prompt.name.clone(),
        false => format!("{}({})", prompt.name, arguments.join(", ")),
    };
    line(
        &signature,
        prompt.description.as_deref().or(prompt.title.as_deref()),
    )
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
