//! Streamable HTTP, through the protocol library's worker with an HTTP client of our own.
//!
//! `client` wraps that client so that the tap sees what passes, `cause` words what went wrong. The worker knows sessions, streams
//! and headers of both eras. It is told not to renew a session by itself: that would send a call a second time.

mod cause;
mod client;
mod watch;

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rmcp::RoleClient;
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig, StreamableHttpClientWorker,
    StreamableHttpError,
};
use rmcp::transport::{Transport, WorkerTransport};
use serde_json::Value;
use tokio::sync::{mpsc, watch as flag};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::client::TappedClient;
use crate::config::{HttpLaunch, TransportChoice};
use crate::mcp::auth::Authorizer;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::transport::{
    Gate, IN_QUEUE, Inbound, LONGEST_MESSAGE, Link, Notes, OUT_QUEUE, Outgoing,
};
use crate::mcp::wire::secrets;
use crate::mcp::wire::tap::ConnectionTap;

/// How long a connection to the host may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the end of a session may take.
const CLOSE: Duration = Duration::from_secs(2);

type HttpError = StreamableHttpError<reqwest::Error>;
type Worker = StreamableHttpClientTransport<TappedClient>;

/// Opens a link to a URL. Nothing is sent yet.
///
/// # Errors
/// When the URL or a header cannot be used, or the transport is not spoken.
pub fn start(
    launch: &HttpLaunch,
    _authorizer: &Authorizer,
    tap: &ConnectionTap,
    tasks: &TaskTracker,
) -> Result<Link, Box<Failure>> {
    let url = usable_url(launch)?;
    let http = http_client(launch, &url)
        .map_err(|why| misconfigured(launch, why, "correct the headers in the server's table"))?;
    let (out, queue) = mpsc::channel(OUT_QUEUE);
    let (reports, inbound) = mpsc::channel(IN_QUEUE);
    let (settle, settled) = flag::channel(false);
    let notes = Notes::new(secrets::masked_url(launch.shown_url()));
    let stop = CancellationToken::new();
    let client = TappedClient::new(http, tap.clone(), reports.clone(), settle);
    let pump = Pump {
        transport: WorkerTransport::spawn(StreamableHttpClientWorker::new(
            client.clone(),
            worker_config(&launch.url),
        )),
        client,
        queue,
        reports,
        notes: notes.clone(),
        sends: FuturesUnordered::new(),
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

fn usable_url(launch: &HttpLaunch) -> Result<url::Url, Box<Failure>> {
    if launch.transport == TransportChoice::Sse {
        return Err(misconfigured(
            launch,
            "this version does not speak the HTTP+SSE transport of 2024-11-05 yet".to_owned(),
            "ask for the server's Streamable HTTP URL, often the same one with /mcp at its end, and drop `transport = \"sse\"`",
        ));
    }
    let hint = "correct `url` in the server's table";
    let url = url::Url::parse(&launch.url)
        .map_err(|error| misconfigured(launch, format!("the URL cannot be used: {error}"), hint))?;
    if !matches!(url.scheme(), "http" | "https") {
        let message = format!("the URL begins with {}:, not http: or https:", url.scheme());
        return Err(misconfigured(launch, message, hint));
    }
    Ok(url)
}

fn worker_config(url: &str) -> StreamableHttpClientTransportConfig {
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    config.allow_stateless = true;
    config.reinit_on_expired_session = false;
    config.max_sse_event_size = LONGEST_MESSAGE;
    config
}

/// A client of our own: the configured headers, and redirects only where they keep method and origin, so that no header leaks.
/// A server on this machine is never asked for through a proxy.
fn http_client(launch: &HttpLaunch, url: &url::Url) -> Result<reqwest::Client, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &launch.headers {
        let bad = |what: &str| format!("the header `{name}` has {what}");
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("no valid name"))?;
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| bad("a value that is not allowed"))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    let mut builder = reqwest::Client::builder();
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder
        .default_headers(headers)
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::custom(|attempt| {
            let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
            let same_origin = attempt
                .previous()
                .last()
                .is_some_and(|from| from.origin() == attempt.url().origin());
            match keeps_method && same_origin && attempt.previous().len() < 5 {
                true => attempt.follow(),
                false => attempt.stop(),
            }
        }))
        .build()
        .map_err(|error| format!("no HTTP client could be made: {error}"))
}

fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Carries messages between the link and the worker.
struct Pump {
    transport: Worker,
    client: TappedClient,
    queue: mpsc::Receiver<Outgoing>,
    reports: mpsc::Sender<Inbound>,
    notes: Notes,
    sends: FuturesUnordered<BoxFuture<'static, Sent>>,
}

/// How the sending of one message ended.
struct Sent {
    id: Option<i64>,
    gate: Gate,
    result: Result<(), HttpError>,
}

impl Pump {
    async fn run(mut self, stop: CancellationToken) {
        let failure = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    break Failure::new(FailureKind::Stopped, "the connection was closed");
                }
                Some(sent) = self.sends.next(), if !self.sends.is_empty() => {
                    if let Some(fatal) = self.sent(sent).await {
                        break fatal;
                    }
                }
                outgoing = self.queue.recv() => match outgoing {
                    Some(outgoing) => self.send(outgoing).await,
                    None => break Failure::new(FailureKind::Stopped, "the connection was closed"),
                },
                message = self.transport.receive() => match message {
                    Some(message) => self.receive(&message).await,
                    None => break self.last_word(),
                },
            }
        };
        let _slow_server = timeout(CLOSE, self.transport.close()).await;
        let failure = Box::new(self.notes.dress(failure));
        let _connection_gone = self.reports.send(Inbound::Closed(failure)).await;
    }

    async fn send(&mut self, outgoing: Outgoing) {
        let Outgoing { id, message, gate } = outgoing;
        if !gate.pass() {
            return;
        }
        match serde_json::from_value::<ClientJsonRpcMessage>(message) {
            Ok(message) => {
                let sending = Transport::<RoleClient>::send(&mut self.transport, message);
                self.sends.push(Box::pin(async move {
                    let result = sending.await;
                    Sent { id, gate, result }
                }));
            }
            Err(error) => {
                gate.never_left();
                let why = format!("the message cannot be sent over HTTP: {error}");
                self.failed(id, false, why).await;
            }
        }
    }

    /// Tells what came of a message; gives the failure when the link is of no more use.
    async fn sent(&mut self, sent: Sent) -> Option<Failure> {
        let error = sent.result.err()?;
        let verdict = cause::of(&error);
        if !verdict.may_have_left {
            sent.gate.never_left();
        }
        let why = verdict.failure.message.clone();
        self.failed(sent.id, verdict.may_have_left, why).await;
        verdict.is_fatal.then_some(verdict.failure)
    }

    async fn failed(&mut self, id: Option<i64>, may_have_left: bool, why: String) {
        if let Some(id) = id {
            let failed = Inbound::Failed {
                id,
                may_have_left,
                why,
            };
            let _connection_gone = self.reports.send(failed).await;
        }
    }

    async fn receive(&mut self, message: &rmcp::model::ServerJsonRpcMessage) {
        let Ok(mut value) = serde_json::to_value(message) else {
            return;
        };
        // What came over a stream is kept as it came; the library's types would lose what they do not know.
        if let Some(raw) = value.get("id").and_then(|id| self.client.raw_result(id)) {
            value["result"] = raw;
        }
        let _connection_gone = self.reports.send(Inbound::Message(value)).await;
    }

    /// The worker has gone: why, from the last exchange that went wrong.
    fn last_word(&self) -> Failure {
        self.client
            .last_trouble()
            .unwrap_or_else(|| Failure::new(FailureKind::Protocol, "the server ended the exchange"))
    }
}

/// The message's id, where it is a request of ours.
fn request_id(message: &Value) -> Option<i64> {
    message.get("method")?;
    message.get("id")?.as_i64()
}
