//! `mcpdeck conformance-client URL`: the official suite's client under test. Hidden.
//!
//! One path, whatever server stands there: connect, list all there is, call, read and get it once, answer what is asked, end. It
//! is the headless host with a patient person in front of it (`person`), who fills in what schemas ask for (`made`); nothing here
//! may know a scenario. What the suite tells besides the URL is data for any client: the revision, calls to make, credentials.

mod context;
mod made;
mod person;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::{failure, output, setup};
use crate::config::{
    ApprovePolicy, Config, HttpLaunch, Launch, ModelSettings, OauthSettings, ProtocolChoice,
    Provider, ServerSpec, TransportChoice,
};
use crate::driver::headless::Headless;
use crate::host::{CallEnd, Command, Host, Server, Settings};
use crate::ids::{CallId, ServerName};
use crate::mcp::auth::Store;
use crate::mcp::result::CallOutcome;
use crate::mcp::tool::Tool;
use crate::text::clean;
use context::Context;
use person::Person;

/// The suite gives a client 30 s in all.
const CALL: Duration = Duration::from_secs(20);
const ALL: Duration = Duration::from_secs(28);
/// How long the end of a connection may come behind that of its last call.
const BEHIND: Duration = Duration::from_secs(1);
/// Lists are long at times; a client under test need not read all of a library.
const AT_MOST: usize = 50;

/// `mcpdeck conformance-client ...`
#[derive(Debug, Args)]
pub struct ConformanceArgs {
    /// The server under test's other side
    pub url: String,
}

/// Walks the path once. 0 when all that was asked was answered; 3 when the server could not be used.
pub fn run(args: &ConformanceArgs, global: &Global) -> Result<ExitCode, CliError> {
    let context = Context::read()?;
    let config = config(&args.url, context.sign_in());
    let settings = Settings {
        probe_every: None,
        ..setup::settings(&config)
    };
    setup::block_on(async {
        let mut run = setup::headless_with(config, settings, global, Store::memory())?;
        run.start();
        let outcome = tokio::time::timeout(ALL, walk(&mut run, &context)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(too_long()));
        let closed = run.shutdown().await;
        outcome?;
        closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn too_long() -> CliError {
    let seconds = ALL.as_secs();
    CliError::new(ErrorKind::Server, format!("not done within {seconds} s"))
}

fn config(url: &str, oauth: OauthSettings) -> Config {
    let protocol = match std::env::var("MCP_CONFORMANCE_PROTOCOL_VERSION").as_deref() {
        Ok(revision) if revision >= "2026-07-28" => ProtocolChoice::Modern,
        Ok(_) => ProtocolChoice::Legacy,
        Err(_) => ProtocolChoice::Auto,
    };
    let server = ServerSpec {
        name: name(),
        launch: Launch::Http(HttpLaunch {
            shown: url.to_owned(),
            url: url.to_owned(),
            headers: BTreeMap::new(),
            transport: TransportChoice::Auto,
            oauth: Box::new(oauth),
        }),
        enabled: true,
        required: true,
        startup_timeout: CALL,
        tool_timeout: CALL,
        enabled_tools: None,
        disabled_tools: Vec::new(),
        roots: None,
        log_level: None,
        protocol,
        approve: ApprovePolicy::Never,
        tool_approve: BTreeMap::new(),
        policy: Box::default(),
    };
    Config {
        servers: vec![server],
        model: ModelSettings {
            provider: Provider::None,
            ..ModelSettings::default()
        },
        ..Config::default()
    }
}

fn name() -> ServerName {
    ServerName::new("server")
}

/// All there is, once.
async fn walk(run: &mut Headless, context: &Context) -> Result<(), CliError> {
    let mut person = Person::default();
    person.until(run, failure::is_listed).await?;
    if let Some(server) = run.host.server(&name())
        && !server.status.is_ready()
    {
        return Err(failure::of(server));
    }
    for wish in wishes(&run.host, context) {
        carry_out(run, &mut person, wish).await?;
    }
    Ok(())
}

/// What to ask of the server, in the order of its lists.
fn wishes(host: &Host, context: &Context) -> Vec<Command> {
    let Some(server) = host.server(&name()) else {
        return Vec::new();
    };
    let tools = server.tools.iter().take(AT_MOST);
    let mut wishes: Vec<Command> = tools
        .flat_map(|tool| calls_of(tool, server, context))
        .collect();
    let resources = server.resources.iter().take(AT_MOST);
    wishes.extend(resources.map(|resource| Command::Read {
        server: name(),
        uri: resource.uri.clone(),
    }));
    let prompts = server.prompts.iter().take(AT_MOST);
    wishes.extend(prompts.map(|prompt| Command::GetPrompt {
        server: name(),
        prompt: prompt.name.clone(),
        arguments: Value::Object(made::prompt_arguments(prompt)).to_string(),
        send: false,
    }));
    wishes
}

/// The calls of one tool: with the arguments that are given for it, else with some that its schema asks for.
fn calls_of(tool: &Tool, server: &Server, context: &Context) -> Vec<Command> {
    let given = context.calls.iter().filter(|call| call.name == tool.name);
    let mut arguments: Vec<_> = given
        .map(|call| made::without_nulls(&call.arguments))
        .collect();
    if arguments.is_empty() {
        arguments.push(made::arguments(&tool.input_schema, &server.tools));
    }
    let call = |arguments| Command::Call {
        server: name(),
        tool: tool.name.clone(),
        arguments: Value::Object(arguments).to_string(),
    };
    arguments.into_iter().map(call).collect()
}

/// Makes one call and waits for its end. One that a sign-in was missing for has not run, and is made again after it.
async fn carry_out(run: &mut Headless, person: &mut Person, wish: Command) -> Result<(), CliError> {
    loop {
        let signed_in = person.sign_ins();
        run.command(wish.clone());
        let id = CallId(run.host.calls.len() as u64);
        person
            .until(run, |host| {
                host.call(id).is_some_and(|call| call.end().is_some())
            })
            .await?;
        let Some(end) = run.host.call(id).and_then(|call| call.end()).cloned() else {
            return Err(CliError::new(ErrorKind::Server, "the call was not made"));
        };
        if has_not_run(&end) {
            // What was missing is told by the end of the connection, which comes behind that of the call.
            let ends =
                run.until(|host| !host.servers.iter().all(|server| server.status.is_ready()));
            let _stands = tokio::time::timeout(BEHIND, ends).await;
        }
        person.until(run, failure::is_listed).await?;
        if person.sign_ins() > signed_in && has_not_run(&end) {
            continue;
        }
        return told(run, id, &end);
    }
}

fn has_not_run(end: &CallEnd) -> bool {
    matches!(
        end,
        CallEnd::Unavailable { .. }
            | CallEnd::Outcome {
                outcome: CallOutcome::NotSent { .. },
            }
    )
}

/// Prints what came of a call. An answer is an answer, good or bad; none at all is the end.
fn told(run: &Headless, id: CallId, end: &CallEnd) -> Result<(), CliError> {
    let title = run
        .host
        .call(id)
        .map(|call| clean::line(&call.title()))
        .unwrap_or_default();
    output::note(&format!("{title}: {}", end.word()));
    match end {
        CallEnd::Outcome {
            outcome: CallOutcome::Answered { .. } | CallOutcome::Refused { .. },
        }
        | CallEnd::Invalid { .. } => Ok(()),
        _ => Err(CliError::new(
            ErrorKind::Server,
            format!("{title}: {}", failure::cause(end)),
        )),
    }
}
