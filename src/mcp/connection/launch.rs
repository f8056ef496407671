//! From a server's launch, as the configuration has it, to a link over the right transport.

use tokio_util::task::TaskTracker;

use crate::config::{Access, Bundled, Launch};
use crate::mcp::connection::Dial;
use crate::mcp::failure::Failure;
use crate::mcp::transport::child::Program;
use crate::mcp::transport::{Link, http, stdio};
use crate::mcp::wire::tap::ConnectionTap;

/// Starts the server or opens its URL. Nothing is sent yet.
pub fn open(dial: &Dial, tap: &ConnectionTap, tasks: &TaskTracker) -> Result<Link, Box<Failure>> {
    match &dial.spec.launch {
        Launch::Stdio(launch) => stdio::start(&Program::resolve(launch)?, tap, tasks),
        Launch::Bundled(bundled) => {
            let program = Program::bundled(dial.own_binary.clone(), arguments(bundled));
            stdio::start(&program, tap, tasks)
        }
        Launch::Http(launch) => http::start(launch, tap, tasks),
    }
}

/// `mcpdeck serve ...` for a bundled server.
fn arguments(bundled: &Bundled) -> Vec<String> {
    let (mut args, access, is_database) = match bundled {
        Bundled::Filesystem { roots, access } => {
            let roots = roots.iter().map(|root| root.to_string_lossy().into_owned());
            let mut args = vec!["filesystem".to_owned()];
            args.extend(roots);
            (args, access, false)
        }
        Bundled::Database { url, access } => {
            (vec!["database".to_owned(), url.clone()], access, true)
        }
    };
    args.insert(0, "serve".to_owned());
    match access {
        Access::ReadOnly => args.push("--read-only".to_owned()),
        // Folders know no difference between the two.
        Access::ReadWrite if is_database => args.push("--access=read-write".to_owned()),
        Access::Changes | Access::ReadWrite => {}
    }
    args
}
