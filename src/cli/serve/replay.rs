//! `mcpdeck serve replay FILE`: takes one server's frames out of a recording and hands them to the mock server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::{output, recorded};
use crate::ids::ServerName;
use crate::mcp::wire::record::{Direction, WireKind, WireRecord};
use crate::servers::replay::{self, Book, Frame};

/// `mcpdeck serve replay ...`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// What `--record` or `--wire-log` wrote
    pub file: PathBuf,
    /// Which of the recorded servers; needed where there are several
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
}

/// Serves the recording until stdin ends.
pub fn run(args: &ReplayArgs) -> Result<ExitCode, CliError> {
    let frames = recorded::frames(&args.file)?;
    let mut servers: BTreeMap<ServerName, Vec<WireRecord>> = BTreeMap::new();
    for record in frames.records {
        servers
            .entry(record.server.clone())
            .or_default()
            .push(record);
    }
    let (name, records) = choose(servers, args)?;
    let book = Book::read(records.into_iter().filter_map(frame));
    if book.is_empty() {
        let what = format!(
            "{}: nobody asked {name} anything in it",
            args.file.display()
        );
        return Err(CliError::new(ErrorKind::Usage, what)
            .hint("record a session in which the server is called"));
    }
    output::note(&format!(
        "replaying {name}: {} recorded requests",
        book.len()
    ));
    if book.skipped() > 0 {
        output::note(&format!(
            "warning: {} frames were cut or are no messages, and are not answered from",
            book.skipped()
        ));
    }
    replay::run(book)
        .map(|()| ExitCode::SUCCESS)
        .map_err(|error| CliError::new(ErrorKind::Server, format!("cannot serve: {error}")))
}

fn choose(
    mut servers: BTreeMap<ServerName, Vec<WireRecord>>,
    args: &ReplayArgs,
) -> Result<(ServerName, Vec<WireRecord>), CliError> {
    let names: Vec<&str> = servers.keys().map(ServerName::as_str).collect();
    let all = names.join(", ");
    let refused = |what: String| {
        let error = CliError::new(ErrorKind::Usage, format!("{}: {what}", args.file.display()));
        match all.is_empty() {
            true => error.hint("record a session in which a server is started"),
            false => error.hint(format!(
                "the recorded servers are {all}: give one by --server NAME"
            )),
        }
    };
    let wanted = match &args.server {
        Some(name) => Some(ServerName::new(name)),
        None if servers.len() == 1 => servers.keys().next().cloned(),
        None if servers.is_empty() => return Err(refused("no server was recorded".to_owned())),
        None => return Err(refused(format!("{} servers were recorded", servers.len()))),
    };
    let found = wanted.and_then(|name| servers.remove_entry(&name));
    let name = args.server.as_deref().unwrap_or_default();
    found.ok_or_else(|| refused(format!("no server `{name}` was recorded")))
}

/// What is no message has no part in it: stderr, noise, the marks of HTTP.
fn frame(record: WireRecord) -> Option<Frame> {
    let is_message = matches!(
        record.kind,
        WireKind::Request { .. }
            | WireKind::Response { .. }
            | WireKind::Error { .. }
            | WireKind::Notification { .. }
    );
    (is_message && record.direction != Direction::Stderr).then(|| Frame {
        out: record.direction == Direction::Out,
        connection: record.generation.0,
        text: record.text,
    })
}
