//! The command line as `clap` reads it. Words only: what they do is in the file of each subcommand.

use clap::{Parser, Subcommand};

use crate::cli::ask::AskArgs;
use crate::cli::attach::AttachArgs;
use crate::cli::audit::AuditArgs;
use crate::cli::auth::{AuthArgs, LogoutArgs};
use crate::cli::cache::CacheArgs;
use crate::cli::call::CallArgs;
use crate::cli::check::CheckArgs;
use crate::cli::compare::CompareArgs;
use crate::cli::complete::CompleteArgs;
use crate::cli::config::ConfigArgs;
use crate::cli::conformance::ConformanceArgs;
use crate::cli::demo::DemoArgs;
use crate::cli::export::ExportArgs;
use crate::cli::global::Global;
use crate::cli::inspect::InspectArgs;
use crate::cli::lint::LintArgs;
use crate::cli::list::ListArgs;
use crate::cli::login::LoginArgs;
use crate::cli::pins::PinsArgs;
use crate::cli::prompt::PromptArgs;
use crate::cli::proxy::ProxyArgs;
use crate::cli::read::ReadArgs;
use crate::cli::replay::ReplayArgs;
use crate::cli::resume::ResumeArgs;
use crate::cli::serve::ServeArgs;
use crate::cli::sessions::SessionsArgs;
use crate::cli::status::StatusArgs;
use crate::cli::test::TestArgs;
use crate::cli::token::TokenArgs;
use crate::cli::trust::{TrustArgs, UntrustArgs};
use crate::cli::undo::UndoArgs;
use crate::cli::watch::WatchArgs;

/// What a script can tell from the end of a run. The README has the long form.
const EXIT_CODES: &str = "Exit codes: 0 good, 1 tool error, 2 usage or configuration, 3 server, 4 model, 130 interrupted";

/// The terminal for people who work with MCP servers: chat with an agent, watch its tool calls and the health of the servers.
///
/// Without a subcommand it opens the terminal program on the servers of `./mcp.toml`.
#[derive(Debug, Parser)]
#[command(name = "mcpdeck", version, about, after_help = EXIT_CODES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What the terminal program begins with.
    #[command(flatten)]
    pub begin: ResumeArgs,
    /// What every subcommand takes.
    #[command(flatten)]
    pub global: Global,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try it without a key: a scratch workspace, real servers, and a script that plays the model
    Demo(DemoArgs),
    /// Ask the agent and print its answer
    #[command(after_help = EXIT_CODES)]
    Ask(Box<AskArgs>),
    /// List the servers, or all that one offers
    #[command(after_help = EXIT_CODES)]
    List(ListArgs),
    /// Say how the servers are, with figures and a verdict for each
    #[command(after_help = EXIT_CODES)]
    Status(StatusArgs),
    /// Try every server and the model, and say what to do about each that does not work
    #[command(after_help = EXIT_CODES)]
    Check(CheckArgs),
    /// Open the terminal on one server: how it starts, what it offers, every frame; needs no configuration
    #[command(after_help = EXIT_CODES)]
    Inspect(Box<InspectArgs>),
    /// Hold one server against the rules of the protocol, and what it offers against a baseline; for CI
    #[command(after_help = EXIT_CODES)]
    Lint(Box<LintArgs>),
    /// Call one tool and print its result
    #[command(after_help = EXIT_CODES)]
    Call(Box<CallArgs>),
    /// Try the cases of test files against a server: for the continuous integration of its author
    #[command(after_help = crate::cli::test::EXIT_CODES)]
    Test(Box<TestArgs>),
    /// Stand between another client and its server, and see what they say to each other
    Proxy(Box<ProxyArgs>),
    /// Look on at a running proxy
    Attach(AttachArgs),
    /// Read one resource
    #[command(after_help = EXIT_CODES)]
    Read(Box<ReadArgs>),
    /// Get one prompt, its arguments filled in
    #[command(after_help = EXIT_CODES)]
    Prompt(Box<PromptArgs>),
    /// Ask what could stand as an argument of a prompt or in a resource template
    #[command(after_help = EXIT_CODES)]
    Complete(Box<CompleteArgs>),
    /// Print a line for each change of a resource
    #[command(after_help = EXIT_CODES)]
    Watch(Box<WatchArgs>),
    /// Show, accept or forget what is pinned of the servers' tools
    #[command(after_help = EXIT_CODES)]
    Pins(PinsArgs),
    /// Sign in at a server that wants it
    #[command(after_help = EXIT_CODES)]
    Login(LoginArgs),
    /// Forget a sign-in
    Logout(LogoutArgs),
    /// Show where you are signed in
    Auth(AuthArgs),
    /// List, show, name, delete and export saved conversations
    Sessions(SessionsArgs),
    /// Show or remove what is kept of the servers' lists between runs
    Cache(CacheArgs),
    /// Play a session that `--record` kept: in the terminal, as frames of text, or as its conversation
    #[command(after_help = EXIT_CODES)]
    Replay(ReplayArgs),
    /// Say what differs between two recorded sessions: definitions, calls, results, times; exit code 1 where something does
    #[command(after_help = EXIT_CODES)]
    Compare(CompareArgs),
    /// Give what passed on the wire as HTTP Archive (HAR) or as OpenTelemetry spans (OTLP)
    #[command(after_help = EXIT_CODES)]
    Export(ExportArgs),
    /// Check the configuration, find its files, import another program's
    Config(ConfigArgs),
    /// Look at what a folder's `mcp.toml` would start, and agree to it
    #[command(after_help = EXIT_CODES)]
    Trust(TrustArgs),
    /// Take that back
    Untrust(UntrustArgs),
    /// Run one of mcpdeck's own MCP servers over stdio, for mcpdeck or for any other host
    Serve(Box<ServeArgs>),
    /// Make keys and tokens for served servers, and read tokens
    Token(TokenArgs),
    /// Show, check and export the record of calls, also that of a served server
    Audit(AuditArgs),
    /// Take back a change that the file server made, or list them
    #[command(after_help = EXIT_CODES)]
    Undo(UndoArgs),
    /// The client that the official conformance suite is run against
    #[command(hide = true)]
    ConformanceClient(ConformanceArgs),
}

impl Command {
    /// Whether something runs in it that `--record` can keep: a host's session, or what passes a proxy.
    pub fn runs_session(&self) -> bool {
        match self {
            Self::Attach(_)
            | Self::Logout(_)
            | Self::Auth(_)
            | Self::Sessions(_)
            | Self::Cache(_)
            | Self::Replay(_)
            | Self::Compare(_)
            | Self::Export(_)
            | Self::Config(_)
            | Self::Trust(_)
            | Self::Untrust(_)
            | Self::Serve(_)
            | Self::Token(_)
            | Self::Audit(_)
            | Self::Undo(_) => false,
            Self::Demo(_)
            | Self::Ask(_)
            | Self::Proxy(_)
            | Self::List(_)
            | Self::Status(_)
            | Self::Check(_)
            | Self::Inspect(_)
            | Self::Lint(_)
            | Self::Call(_)
            | Self::Test(_)
            | Self::Read(_)
            | Self::Prompt(_)
            | Self::Complete(_)
            | Self::Watch(_)
            | Self::Pins(_)
            | Self::Login(_)
            | Self::ConformanceClient(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn no_subcommand_redefines_what_all_of_them_take() {
        super::Args::command().debug_assert();
    }
}
