//! From a server's launch, as the configuration has it, to a link over the right transport.

use std::ffi::OsString;
use std::path::PathBuf;

use tokio_util::task::TaskTracker;

use crate::config::{Access, Bundled, Enforcement, Launch, StoreUrl};
use crate::mcp::connection::Dial;
use crate::mcp::failure::Failure;
use crate::mcp::transport::child::Program;
use crate::mcp::transport::{Link, confine, http, stdio};
use crate::mcp::wire::tap::ConnectionTap;

/// Starts the server or opens its URL. Nothing is sent yet.
pub fn open(dial: &Dial, tap: &ConnectionTap, tasks: &TaskTracker) -> Result<Link, Box<Failure>> {
    match &dial.spec.launch {
        Launch::Stdio(launch) => {
            let mut program = Program::resolve(launch)?.supervised(&dial.own_binary);
            if let Some(by) = &dial.spec.policy.confine {
                confinement(dial)?;
                program = program.confined(by, &dial.own_binary)?;
            }
            stdio::start(&program, tap, tasks)
        }
        Launch::Bundled(bundled) => {
            stdio::start(&program(dial.own_binary.clone(), bundled), tap, tasks)
        }
        Launch::Http(launch) => http::start(launch, &dial.authorizer, tap, tasks),
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
fn program(binary: PathBuf, bundled: &Bundled) -> Program {
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
