//! Streamable HTTP in both of its forms, and HTTP+SSE of 2024-11-05, with an HTTP client of our own.
//!
//! Not through the protocol library: its worker reads each message into types and writes it again, which loses what the types do not
//! know, and hides statuses, `WWW-Authenticate`, `Retry-After` and stream ids, which the tap must see and a refusal needs. Here JSON
//! passes as it is. `pump` is the life of a link, `post` that of one message, `listen` the server's own stream, `old` the transport
//! of 2024-11-05, `client` one exchange with tokens, redirects and waits, `events` the pure reader of streams, `headers` the pure
//! rules of the new era, `cause` all words, `meddle` the faults of the lab. No session is renewed here: that would send a call a second time.

mod again;
pub(in crate::mcp) mod cause;
pub(in crate::mcp) mod client;
pub(in crate::mcp) mod events;
pub(in crate::mcp) mod headers;
mod listen;
mod meddle;
mod old;
mod post;
mod pump;
mod raw;
mod running;
pub(in crate::mcp) mod shared;
mod stream;

use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::pump::Pump;
use self::shared::{Known, Shared};
use crate::config::HttpLaunch;
use crate::mcp::auth::Authorizer;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::transport::meddler::Meddler;
use crate::mcp::transport::{IN_QUEUE, Link, Notes, OUT_QUEUE};
use crate::mcp::wire::secrets;
use crate::mcp::wire::tap::ConnectionTap;

/// Opens a link to a URL. Nothing is sent yet. The authorizer is asked only where the configuration names no credentials itself.
///
/// # Errors
/// When the URL or a header cannot be used.
pub fn start(
    launch: &HttpLaunch,
    authorizer: &Authorizer,
    tap: &ConnectionTap,
    faults: &Meddler,
    tasks: &TaskTracker,
) -> Result<Link, Box<Failure>> {
    let url = usable_url(launch)?;
    let http = client::http_client(launch, &url)
        .map_err(|why| misconfigured(launch, why, "correct the headers in the server's table"))?;
    let (out, queue) = mpsc::channel(OUT_QUEUE);
    let (reports, inbound) = mpsc::channel(IN_QUEUE);
    let (settle, settled) = watch::channel(false);
    let notes = Notes::new(secrets::masked_url(launch.shown_url()));
    let stop = CancellationToken::new();
    let authorizer = (!client::has_credentials(launch)).then(|| authorizer.clone());
    let pump = Pump {
        shared: Arc::new(Shared {
            http,
            url,
            choice: launch.transport,
            configured: client::configured(launch),
            authorizer,
            tap: tap.clone(),
            faults: faults.clone(),
            reports,
            settle,
            known: Mutex::new(Known::default()),
        }),
        queue,
        notes: notes.clone(),
    };
    tasks.spawn(pump.run(stop.clone()));
    Ok(Link {
        out,
        inbound,
        notes,
        stop,
        is_child: false,
        settled: Some(settled),
    })
}

fn misconfigured(launch: &HttpLaunch, message: String, hint: &str) -> Box<Failure> {
    Box::new(Failure {
        target: Some(secrets::masked_url(launch.shown_url())),
        hint: Some(hint.to_owned()),
        ..Failure::new(FailureKind::Config, message)
    })
}

pub(in crate::mcp) fn usable_url(launch: &HttpLaunch) -> Result<url::Url, Box<Failure>> {
    let hint = "correct `url` in the server's table";
    let url = url::Url::parse(&launch.url)
        .map_err(|error| misconfigured(launch, format!("the URL cannot be used: {error}"), hint))?;
    if !matches!(url.scheme(), "http" | "https") {
        let message = format!("the URL begins with {}:, not http: or https:", url.scheme());
        return Err(misconfigured(launch, message, hint));
    }
    Ok(url)
}
