//! `mcpdeck logout SERVER` and `mcpdeck auth status`: what is kept of sign-ins, without speaking to any server.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::{failure, login, output, setup};
use crate::config::{HttpLaunch, Launch};
use crate::ids::ServerName;
use crate::mcp::auth::{Account, Authorizer, SignInError, Store};
use crate::text::{clean, wrap};

/// `mcpdeck logout ...`
#[derive(Debug, Args)]
pub struct LogoutArgs {
    /// The server
    pub server: String,
}

/// `mcpdeck auth ...`
#[derive(Debug, Args)]
pub struct AuthArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AuthCommand,
}

/// The words after `auth`.
#[derive(Debug, Subcommand)]
pub enum AuthCommand {
    /// Where you are signed in, and for how long
    Status {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Forgets what is kept for a server.
pub fn logout(args: &LogoutArgs, global: &Global) -> Result<ExitCode, CliError> {
    let mut config = setup::config(global)?;
    failure::keep_only(&mut config, &args.server)?;
    login::at_a_url(&config, &args.server)?;
    let launch = config.servers.iter().find_map(|spec| match &spec.launch {
        Launch::Http(launch) => Some(launch),
        Launch::Stdio(_) | Launch::Bundled(_) => None,
    });
    let Some(launch) = launch else {
        let why = format!("the table of server `{}` cannot be read", args.server);
        return Err(CliError::new(ErrorKind::Usage, why)
            .hint("`mcpdeck config check` says what is wrong with it"));
    };
    let authorizer = Authorizer::of(launch, setup::credentials());
    let was = setup::block_on(async { authorizer.sign_out().await.map_err(refused) })?;
    output::note(&match was {
        true => format!("signed out of server `{}`", args.server),
        false => format!("you were not signed in at server `{}`", args.server),
    });
    Ok(ExitCode::SUCCESS)
}

fn refused(error: SignInError) -> CliError {
    let cli = CliError::new(ErrorKind::Server, error.why);
    match error.hint {
        Some(hint) => cli.hint(hint),
        None => cli,
    }
}

/// Prints what is kept for each server at a URL.
pub fn run(args: &AuthArgs, global: &Global) -> Result<ExitCode, CliError> {
    let AuthCommand::Status { json } = args.command;
    let config = setup::config_to_read(global)?;
    let store = setup::credentials();
    let mut known = Vec::new();
    for spec in &config.servers {
        if let Launch::Http(launch) = &spec.launch {
            known.push((&spec.name, Standing::of(launch, &store)?));
        }
    }
    match json {
        true => {
            let servers: Vec<Value> = known.iter().map(|(name, how)| how.json(name)).collect();
            output::json(&json!({ "servers": servers }));
        }
        false if known.is_empty() => output::note("no server of the configuration is at a URL"),
        false => output::data(&table(&known)),
    }
    Ok(ExitCode::SUCCESS)
}

/// How we stand with a server.
enum Standing {
    /// The configuration says who we are.
    Configured,
    /// Nothing is kept.
    Nothing,
    /// This is kept.
    Kept(Account),
}

impl Standing {
    fn of(launch: &HttpLaunch, store: &Store) -> Result<Self, CliError> {
        if launch.is_told_who_we_are() {
            return Ok(Self::Configured);
        }
        let account = Authorizer::of(launch, store.clone()).account();
        let account = account.map_err(refused)?;
        Ok(account.map_or(Self::Nothing, Self::Kept))
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Nothing => "signed-out",
            Self::Kept(account) if account.signed_in => "signed-in",
            Self::Kept(account) if account.renews => "renews",
            Self::Kept(_) => "expired",
        }
    }

    fn about(&self, name: &ServerName) -> String {
        match self {
            Self::Configured => "its `Authorization` header is in the configuration".to_owned(),
            Self::Nothing => format!("if it wants a sign-in: mcpdeck login {name}"),
            Self::Kept(account) => {
                let scopes = match account.scopes.is_empty() {
                    true => String::new(),
                    false => format!(" for {}", account.scopes.join(" ")),
                };
                let line = format!("{}{scopes}, kept in {}", account.issuer, account.kept_in);
                clean::line(&line)
            }
        }
    }

    fn json(&self, name: &ServerName) -> Value {
        let account = match self {
            Self::Kept(account) => Some(account),
            Self::Configured | Self::Nothing => None,
        };
        json!({ "name": name, "state": self.word(), "account": account })
    }
}

fn table(known: &[(&ServerName, Standing)]) -> String {
    let widths = known.iter().map(|(name, _)| wrap::width(name.as_str()));
    let widest = widths.max().unwrap_or(0);
    let line = |(name, how): &(&ServerName, Standing)| {
        let padded = wrap::pad(name.as_str(), widest);
        format!("{padded}  {:<10}  {}\n", how.word(), how.about(name))
    };
    known.iter().map(line).collect()
}
