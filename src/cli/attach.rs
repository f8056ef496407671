//! `mcpdeck attach`: the wire of a running proxy, in the inspector (`attach_screen`) or as JSON lines.
//!
//! A proxy writes where it can be looked into to a file for its owner alone; that is how it is found here.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::interrupt::Interrupt;
use crate::cli::{attach_screen, failure, output, proxy, setup};
use crate::config::Config;
use crate::mcp::proxy::watch::{self, AttachError, Attached, Running, Said};
use crate::text::clean;

/// `mcpdeck attach ...`
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// Which proxy, by its address or its process; may be left out when only one runs
    #[arg(value_name = "ADDR|PID")]
    pub proxy: Option<String>,
    /// Print the records as JSON lines instead of opening the terminal program
    #[arg(long)]
    pub json: bool,
}

/// Finds the proxy and looks on.
pub fn run(args: &AttachArgs, global: &Global) -> Result<ExitCode, CliError> {
    if global.wire_log.is_some() {
        let what = "attach only looks on: it writes no wire log";
        let hint = "give --wire-log to the proxy";
        return Err(CliError::new(ErrorKind::Usage, what).hint(hint));
    }
    setup::begin(&Config::default());
    if !args.json {
        attach_screen::needs_terminal()?;
    }
    setup::block_on(async {
        let attached = find(args.proxy.as_deref()).await?;
        match args.json {
            true => printed(attached).await,
            false => attach_screen::open(attached).await,
        }
    })
}

/// The proxy that is meant.
async fn find(wanted: Option<&str>) -> Result<Attached, CliError> {
    let folder = proxy::folder();
    let mut there: Vec<(Running, Attached)> = Vec::new();
    let mut refused = None;
    for running in watch::running(&folder) {
        if !wanted.is_none_or(|wanted| is_meant(&running, wanted)) {
            continue;
        }
        match Attached::at(&running).await {
            Ok(attached) => there.push((running, attached)),
            Err(AttachError::Gone) => watch::forget(&folder, &running),
            Err(_) if !running.lives() => watch::forget(&folder, &running),
            Err(error) => refused = Some(format!("proxy {}: {error}", running.pid)),
        }
    }
    match there.len() {
        1 => {}
        0 => return Err(none(wanted, refused)),
        _ => return Err(several(&there)),
    }
    match there.pop() {
        Some((_, attached)) => Ok(attached),
        None => Err(none(wanted, refused)),
    }
}

fn is_meant(running: &Running, wanted: &str) -> bool {
    let addresses = [Some(running.door), running.listen];
    let mut names = addresses.iter().flatten().map(ToString::to_string);
    running.pid.to_string() == wanted || names.any(|name| name == wanted)
}

fn none(wanted: Option<&str>, refused: Option<String>) -> CliError {
    let what = match (refused, wanted) {
        (Some(why), _) => why,
        (None, Some(wanted)) => format!("no proxy `{wanted}` runs here"),
        (None, None) => "no proxy runs here".to_owned(),
    };
    CliError::new(ErrorKind::Usage, what)
        .hint("start one: mcpdeck proxy --listen 0 -- CMD ARGS, or give a client `mcpdeck proxy --stdio -- CMD ARGS` as its server")
}

fn several(there: &[(Running, Attached)]) -> CliError {
    let line = |(running, _): &(Running, Attached)| {
        let place = running
            .listen
            .map_or_else(|| "stdio".to_owned(), |at| at.to_string());
        format!(
            "  {}  {place}  {}",
            running.pid,
            clean::line(&running.server)
        )
    };
    let lines: Vec<String> = there.iter().map(line).collect();
    let what = format!("several proxies run here:\n{}", lines.join("\n"));
    CliError::new(ErrorKind::Usage, what).hint("name one: mcpdeck attach PID")
}

/// Prints records until the proxy ends, or nobody reads them any more.
async fn printed(mut attached: Attached) -> Result<ExitCode, CliError> {
    let mut interrupt = Interrupt::listen();
    loop {
        let said = tokio::select! {
            said = attached.next() => said,
            signal = interrupt.wait() => return Err(failure::interrupted(signal)),
        };
        let is_heard = match said {
            Some(Said::Record(record)) => output::event(&record),
            Some(Said::Lost(count)) => output::event(&json!({ "lost": count })),
            Some(Said::Hello { .. }) => true,
            None => false,
        };
        if !is_heard {
            return Ok(ExitCode::SUCCESS);
        }
    }
}
