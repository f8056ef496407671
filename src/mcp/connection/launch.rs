//! From a server's launch, as the configuration has it, to a link over the right transport, or to its program alone (`mcpdeck proxy`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio_util::task::TaskTracker;

use crate::config::{Access, Bundled, Enforcement, Launch, ServerSpec, StdioLaunch, StoreUrl};
use crate::mcp::connection::Dial;
use crate::mcp::failure::Failure;
use crate::mcp::transport::child::Program;
use crate::mcp::transport::{Link, confine, http, stdio};
use crate::mcp::wire::tap::ConnectionTap;

/// Starts the server or opens its URL. Nothing is sent yet.
pub fn open(dial: &Dial, tap: &ConnectionTap, tasks: &TaskTracker) -> Result<Link, Box<Failure>> {
    let (spec, own) = (&dial.spec, dial.own_binary.as_path());
    let program = match &spec.launch {
        Launch::Stdio(launch) => command(launch, spec, own)?.supervised(own),
        Launch::Bundled(bundled) => ours(own.to_path_buf(), bundled),
        Launch::Http(launch) => {
            return http::start(launch, &dial.authorizer, tap, &dial.faults, tasks);
        }
    };
    stdio::start(&program, tap, &dial.faults, tasks)
}

/// The program of a server, confined where it is to be; none for one at a URL.
///
/// # Errors
/// When it is not there, or the system cannot confine it: then it must not be started.
pub fn program(spec: &ServerSpec, own_binary: &Path) -> Result<Option<Program>, Box<Failure>> {
    match &spec.launch {
        Launch::Stdio(launch) => command(launch, spec, own_binary).map(Some),
        Launch::Bundled(bundled) => Ok(Some(ours(own_binary.to_path_buf(), bundled))),
        Launch::Http(_) => Ok(None),
    }
}

fn command(
    launch: &StdioLaunch,
    spec: &ServerSpec,
    own_binary: &Path,
) -> Result<Program, Box<Failure>> {
    let program = Program::resolve(launch)?;
    match &spec.policy.confine {
        Some(by) => {
            confine::check(by)?;
            program.confined(by, own_binary)
        }
        None => Ok(program),
    }
}

/// How much of the server's confinement the system holds, where it asks for one.
///
/// # Errors
/// When the system cannot hold it: then the server must not be started.
pub fn confinement(dial: &Dial) -> Result<Option<Enforcement>, Box<Failure>> {
    match (&dial.spec.launch, &dial.spec.policy.confine) {
        (Launch::Stdio(_), Some(by)) => confine::check(by).map(Some),
        _ => Ok(None),
    }
}

/// The variable that brings a URL to our own server when it holds a password: a process's arguments are there for all to see.
const URL: &str = "MCPDECK_DATABASE_URL";

/// The variable that tells our own file server where its trash lies.
const DATA: &str = "MCPDECK_DATA_DIR";

/// Where a file server is told to keep its trash.
fn data_dir(bundled: &Bundled) -> Option<(OsString, OsString)> {
    match bundled {
        Bundled::Filesystem { data_dir, .. } => {
            let data = data_dir.as_ref()?;
            Some((DATA.into(), data.into()))
        }
        Bundled::Database { .. } | Bundled::Crm { .. } => None,
    }
}

/// `mcpdeck serve ...` for a bundled server.
fn ours(binary: PathBuf, bundled: &Bundled) -> Program {
    let mut args = vec!["serve".to_owned()];
    let mut secret = None;
    let mut url = |args: &mut Vec<String>, url: &StoreUrl| match url.is_secret() {
        true => secret = Some(url.expose().to_owned()),
        false => args.push(url.expose().to_owned()),
    };
    let access = match bundled {
        Bundled::Filesystem { roots, access, .. } => {
            args.push("filesystem".to_owned());
            args.extend(roots.iter().map(|root| root.to_string_lossy().into_owned()));
            access
        }
        Bundled::Database { url: place, access } => {
            args.push("database".to_owned());
            url(&mut args, place);
            access
        }
        Bundled::Crm { url: place, access } => {
            args.push("crm".to_owned());
            if let Some(place) = place {
                url(&mut args, place);
            }
            access
        }
    };
    match (access, bundled) {
        (Access::ReadOnly, _) => args.push("--read-only".to_owned()),
        (Access::ReadWrite, Bundled::Database { .. }) => {
            args.extend(["--access".to_owned(), "read-write".to_owned()]);
        }
        (Access::ReadWrite | Access::Changes, _) => {}
    }
    let mut program = Program::bundled(binary, args);
    let secret = secret.map(|url| (OsString::from(URL), OsString::from(url)));
    program
        .env
        .extend(secret.into_iter().chain(data_dir(bundled)));
    program
}
