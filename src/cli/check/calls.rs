//! Calls that `check --call` makes: a server that ends by one is found by nothing else.

use serde_json::Value;

use super::{Outcome, Tried};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::failure;
use crate::cli::interrupt::Interrupt;
use crate::driver::headless::Headless;
use crate::host::{CallEnd, Command, Host, ToolCall};
use crate::ids::{CallId, ServerName};
use crate::mcp::result::CallOutcome;

/// A call that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    server: ServerName,
    tool: String,
    arguments: String,
}

/// Reads `SERVER.TOOL` or `SERVER.TOOL={"json": 1}`.
pub fn wanted(written: &str) -> Result<Wanted, String> {
    let (name, arguments) = written.split_once('=').unwrap_or((written, "{}"));
    let (server, tool) = name
        .split_once('.')
        .ok_or_else(|| "write it as SERVER.TOOL or SERVER.TOOL={...}".to_owned())?;
    let object: serde_json::Map<String, Value> = serde_json::from_str(arguments)
        .map_err(|error| format!("the arguments are no JSON object: {error}"))?;
    Ok(Wanted {
        server: ServerName::new(server),
        tool: tool.to_owned(),
        arguments: Value::Object(object).to_string(),
    })
}

/// Makes them one after the other. One that its server ended by is told by that server; the others get a line of their own.
pub(super) async fn made(
    run: &mut Headless,
    wanted: &[Wanted],
    interrupt: &mut Interrupt,
) -> Result<Vec<Tried>, CliError> {
    let mut tried = Vec::new();
    for call in wanted {
        if run.host.server(&call.server).is_none() {
            let what = format!("--call: no server `{}` in the configuration", call.server);
            return Err(CliError::new(ErrorKind::Usage, what));
        }
        let before = run.host.calls.len();
        run.command(Command::Call {
            server: call.server.clone(),
            tool: call.tool.clone(),
            arguments: call.arguments.clone(),
        });
        if run.host.calls.len() == before {
            continue;
        }
        let id = CallId(run.host.calls.len() as u64);
        tokio::select! {
            () = run.until(|host| is_over(host, id)) => {}
            signal = interrupt.wait() => return Err(failure::interrupted(signal)),
        }
        tried.extend(run.host.call(id).and_then(|made| judged(call, made)));
    }
    Ok(tried)
}

/// The call has ended, and with it its connection, where that is why.
fn is_over(host: &Host, id: CallId) -> bool {
    let Some(call) = host.call(id) else {
        return true;
    };
    let server = call.server.as_ref().and_then(|name| host.server(name));
    match call.end() {
        None => false,
        Some(CallEnd::Outcome {
            outcome: CallOutcome::Lost { .. },
        }) => server.is_none_or(|server| server.losing.is_empty()),
        Some(_) => true,
    }
}

fn judged(wanted: &Wanted, call: &ToolCall) -> Option<Tried> {
    let end = call.end()?;
    let is_error = call.result().map(|result| result.is_error);
    let (outcome, what) = match (end, is_error) {
        (
            CallEnd::Outcome {
                outcome: CallOutcome::Lost { .. },
            },
            _,
        ) => return None,
        (_, Some(false)) => (Outcome::Good, "it answers".to_owned()),
        (_, Some(true)) => (
            Outcome::Odd,
            format!("the tool says: {}", failure::cause(end)),
        ),
        (_, None) => (Outcome::Failed, failure::cause(end)),
    };
    Some(Tried {
        name: format!("{}.{}", wanted.server, wanted.tool),
        outcome,
        what,
        fix: None,
    })
}
