//! `mcpdeck login SERVER`: signs in at a server, by a browser here, or by an address that is opened elsewhere and pasted back.
//!
//! The same path as in the terminal program: the server is dialled, refuses, and the host's sign-in follows.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Args;
use tokio::sync::mpsc;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::interrupt::Interrupt;
use crate::cli::{failure, output, setup};
use crate::config::{Config, Launch};
use crate::driver::headless::Headless;
use crate::host::{Command, Host, Settings, SignInState};
use crate::ids::ServerName;
use crate::mcp::failure::FailureKind;
use crate::terminal::browser;
use crate::text::clean;

/// `mcpdeck login ...`
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// The server
    pub server: String,
    /// Only print the address: nothing is opened here
    #[arg(long)]
    pub no_browser: bool,
    /// The address that the browser ended at: goes on with a sign-in that was begun before
    #[arg(long, value_name = "URL")]
    pub redirect: Option<String>,
}

/// Signs in, and tells what the server offers then.
pub fn run(args: &LoginArgs, global: &Global) -> Result<ExitCode, CliError> {
    let mut config = setup::config(global)?;
    failure::keep_only(&mut config, &args.server)?;
    at_a_url(&config, &args.server)?;
    config.model.provider = crate::config::Provider::None;
    let settings = Settings {
        probe_every: None,
        ..setup::settings(&config)
    };
    setup::block_on(async {
        let mut run = setup::headless(config, settings, global)?;
        let mut interrupt = Interrupt::listen();
        run.start();
        let outcome = login(args, &mut run, &mut interrupt).await;
        let closed = run.shutdown().await;
        outcome?;
        closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Only a server at a URL that is not told its header can be signed in to.
pub fn at_a_url(config: &Config, name: &str) -> Result<(), CliError> {
    let Some(spec) = config
        .servers
        .iter()
        .find(|spec| spec.name.as_str() == name)
    else {
        return Ok(());
    };
    let usage = |why: String| CliError::new(ErrorKind::Usage, why);
    match &spec.launch {
        Launch::Http(http) if http.is_told_who_we_are() => Err(usage(format!(
            "server `{name}` gets its `Authorization` header from the configuration: there is nothing to sign in to"
        ))
        .hint("take `bearer_token_env_var` out of its table to sign in instead")),
        Launch::Http(_) => Ok(()),
        Launch::Stdio(_) | Launch::Bundled(_) => Err(usage(format!(
            "server `{name}` is a program and not at a URL: it takes its credentials from its `env`"
        ))),
    }
}

async fn login(
    args: &LoginArgs,
    run: &mut Headless,
    interrupt: &mut Interrupt,
) -> Result<(), CliError> {
    failure::settled(run, interrupt).await?;
    let name = ServerName::new(&args.server);
    let server = run.host.server(&name);
    let status = server.map(|server| &server.status);
    if status.is_some_and(|status| status.is_ready()) {
        output::note(&format!("server `{name}` lets you in already"));
        return Ok(());
    }
    let kind = status
        .and_then(|status| status.failure())
        .map(|failure| failure.kind);
    if let (Some(server), true) = (server, kind != Some(FailureKind::NeedsSignIn)) {
        return Err(failure::of(server));
    }
    match &args.redirect {
        Some(redirect) => run.command(Command::FinishSignIn {
            server: name.clone(),
            redirect: redirect.clone(),
        }),
        None => {
            run.command(Command::SignIn(name.clone()));
            until(run, interrupt, |host| {
                state(host, &name) != Some(&SignInState::Starting)
            })
            .await?;
            visit(args, &name, run, interrupt).await?;
        }
    }
    until(run, interrupt, |host| {
        !matches!(state(host, &name), Some(SignInState::Starting))
    })
    .await?;
    if let Some(SignInState::Failed { why }) = state(&run.host, &name) {
        let why = format!("the sign-in at server `{name}` did not come about: {why}");
        return Err(CliError::new(ErrorKind::Server, why));
    }
    failure::settled(run, interrupt).await?;
    tell(&name, &run.host)
}

fn state<'h>(host: &'h Host, name: &ServerName) -> Option<&'h SignInState> {
    host.sign_ins.get(name)
}

async fn until(
    run: &mut Headless,
    interrupt: &mut Interrupt,
    wish: impl Fn(&Host) -> bool,
) -> Result<(), CliError> {
    tokio::select! {
        () = run.until(wish) => Ok(()),
        signal = interrupt.wait() => Err(failure::interrupted(signal)),
    }
}

/// Shows the address, opens it after a yes, and waits for the browser or for an address that is pasted.
async fn visit(
    args: &LoginArgs,
    name: &ServerName,
    run: &mut Headless,
    interrupt: &mut Interrupt,
) -> Result<(), CliError> {
    let Some(SignInState::Visit { url, comes_back }) = state(&run.host, name).cloned() else {
        return Ok(());
    };
    output::note("To sign in, go to this address:");
    output::data(&format!("{}\n", clean::line(&url)));
    let is_terminal = std::io::stdin().is_terminal();
    let here = comes_back && !args.no_browser;
    if !is_terminal && !here {
        return Err(CliError::new(ErrorKind::Server, format!("not signed in at server `{name}` yet"))
            .hint(format!(
                "go to the address, then: mcpdeck login {name} --redirect 'ADDRESS THAT THE BROWSER ENDED AT'"
            )));
    }
    if is_terminal {
        let open = if here { "Enter opens it here. " } else { "" };
        output::note(&format!(
            "{open}Where the browser runs elsewhere, its last page does not load: paste that page's address here."
        ));
    }
    let mut lines = lines(is_terminal);
    let opened = here.then_some(url.as_str());
    while matches!(state(&run.host, name), Some(SignInState::Visit { .. })) {
        tokio::select! {
            () = run.step() => {}
            signal = interrupt.wait() => return Err(failure::interrupted(signal)),
            Some(line) = lines.recv() => said(line.trim(), opened, name, run).await,
        }
    }
    Ok(())
}

/// A line of the person: nothing opens the browser, anything else is the address that it ended at.
async fn said(line: &str, url: Option<&str>, name: &ServerName, run: &mut Headless) {
    match (line, url) {
        ("", Some(url)) => {
            if let Err(why) = browser::open(url).await {
                output::note(&clean::line(&format!("{why}; open the address yourself")));
            }
        }
        ("", None) => {}
        (redirect, _) => run.command(Command::FinishSignIn {
            server: name.clone(),
            redirect: redirect.to_owned(),
        }),
    }
}

/// The lines of a person at a terminal; a script says nothing.
fn lines(is_terminal: bool) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    if is_terminal {
        // Not a task: a read that waits must not hold the end of the program.
        std::thread::spawn(move || {
            let mut line = String::new();
            while std::io::stdin()
                .read_line(&mut line)
                .is_ok_and(|read| read > 0)
            {
                if sender.blocking_send(std::mem::take(&mut line)).is_err() {
                    return;
                }
            }
        });
    }
    lines
}

fn tell(name: &ServerName, host: &Host) -> Result<(), CliError> {
    match host.server(name) {
        Some(server) if server.status.is_ready() => {
            let count = server.tools.len();
            let tools = if count == 1 { "tool" } else { "tools" };
            output::note(&format!("signed in at server `{name}`: {count} {tools}"));
            Ok(())
        }
        Some(server) => Err(failure::of(server)),
        None => Err(CliError::new(ErrorKind::Server, "the server is gone")),
    }
}
