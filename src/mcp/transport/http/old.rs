//! HTTP+SSE, the transport of 2024-11-05: one stream for all that the server says, and a second URL for what it is told.
//!
//! Chosen by the configuration, or when a server refuses the first POST as only such a one does. The stream is the connection:
//! when it is over the link is, and whoever wants it back dials again. No message goes to another origin than the stream's.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::cause::{self, Trouble};
use super::client::{Request, drain};
use super::post::{Content, Ended, content};
use super::pump::stopped;
use super::running::Running;
use super::shared::{Asked, Heard, Shared};
use super::stream::{EventStream, Over};
use crate::mcp::convert::excerpt;
use crate::mcp::failure::Failure;
use crate::mcp::transport::stdio::guess_id;
use crate::mcp::transport::{Inbound, Outgoing};
use crate::mcp::wire::record::Carried;
use crate::mcp::wire::secrets::masked_url;

/// How long the endpoint may take to be named.
const ENDPOINT: Duration = Duration::from_secs(10);

/// A stream that has named its endpoint.
pub struct Opened {
    stream: EventStream,
    endpoint: url::Url,
}

/// Opens the stream and waits for the endpoint.
pub async fn open(shared: &Shared) -> Result<Opened, Trouble> {
    match timeout(ENDPOINT, opened(shared)).await {
        Ok(opened) => opened,
        Err(_) => Err(no_endpoint(&format!(
            "it named no endpoint within {} s",
            ENDPOINT.as_secs()
        ))),
    }
}

fn no_endpoint(why: &str) -> Trouble {
    Trouble::NoEndpoint(format!(
        "the server does not speak the HTTP+SSE transport of 2024-11-05: {why}"
    ))
}

async fn opened(shared: &Shared) -> Result<Opened, Trouble> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    let request = Request {
        verb: Method::GET,
        url: shared.url.clone(),
        headers,
        message: None,
    };
    let response = shared.exchange(&request).await?;
    if !response.status().is_success() {
        return Err(shared.refused(response, false).await);
    }
    // What a redirect led to is of the same origin.
    let base = response.url().clone();
    match content(&response) {
        Content::Events => {}
        Content::Json => return Err(Trouble::ContentType(Some("application/json".to_owned()))),
        Content::Other(kind) => return Err(Trouble::ContentType(kind)),
    }
    let mut stream = EventStream::new(response, shared.tap.clone());
    loop {
        let event = stream
            .next()
            .await
            .map_err(|_| no_endpoint("its stream ended at once"))?;
        if event.name.as_deref() != Some("endpoint") {
            continue;
        }
        let place = event.data.unwrap_or_default();
        let endpoint = base.join(place.trim());
        let endpoint = endpoint.map_err(|_| no_endpoint("its endpoint is no URL"))?;
        if endpoint.origin() != base.origin() {
            let place = masked_url(endpoint.as_str());
            return Err(Trouble::NoEndpoint(format!(
                "the server wants messages sent to another origin ({}), where nothing of this server's may go",
                excerpt(&place)
            )));
        }
        return Ok(Opened { stream, endpoint });
    }
}

/// Opens the stream for the first message, where the configuration asks for this transport.
pub async fn forced(
    shared: Arc<Shared>,
    mut queue: mpsc::Receiver<Outgoing>,
    stop: &CancellationToken,
) -> Failure {
    let first = tokio::select! {
        biased;
        () = stop.cancelled() => return stopped(),
        first = queue.recv() => first,
    };
    let Some(first) = first else {
        return stopped();
    };
    let opened = match shared.is_modern(&first.message) {
        true => Err(Trouble::TooNew),
        false => tokio::select! {
            biased;
            () = stop.cancelled() => return stopped(),
            opened = open(&shared) => opened,
        },
    };
    match opened {
        Ok(opened) => run(shared, opened, first, queue, stop).await,
        Err(trouble) => {
            first.gate.never_left();
            if let Some(asked) = Asked::of(&first.message) {
                let why = cause::of(&trouble).failure.message;
                shared.failed(&asked, false, why).await;
            }
            cause::of(&trouble).failure
        }
    }
}

/// Carries messages until the stream is over.
pub async fn run(
    shared: Arc<Shared>,
    opened: Opened,
    first: Outgoing,
    mut queue: mpsc::Receiver<Outgoing>,
    stop: &CancellationToken,
) -> Failure {
    let Opened {
        mut stream,
        endpoint,
    } = opened;
    shared.known().has_handshake = true;
    shared.settled();
    let send = |outgoing| post(shared.clone(), endpoint.clone(), outgoing);
    let mut running = Running::default();
    running.send(first, send);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return stopped(),
            done = running.next() => {
                if let Some(failure) = done.ended.fatal {
                    return failure;
                }
            }
            event = stream.next() => match event {
                Ok(event) => {
                    if let Some(text) = event.message() {
                        shared.hear_old(text, stream.carried(&event)).await;
                    }
                }
                Err(over) => return cause::stream_over(&words(&over)),
            },
            outgoing = queue.recv(), if running.has_room() => match outgoing {
                Some(outgoing) => running.send(outgoing, send),
                None => return stopped(),
            },
        }
    }
}

fn words(over: &Over) -> String {
    match over {
        Over::Ended => "the server closed it".to_owned(),
        Over::Broke(why) => why.clone(),
        Over::TooLong => cause::too_long("an event"),
    }
}

/// Sends one message; its answer comes over the stream.
async fn post(shared: Arc<Shared>, endpoint: url::Url, outgoing: Outgoing) -> Ended {
    let asked = Asked::of(&outgoing.message);
    let is_first = asked
        .as_ref()
        .is_some_and(|asked| asked.method == "initialize");
    let request = Request {
        verb: Method::POST,
        url: endpoint,
        headers: match is_first {
            true => HeaderMap::new(),
            false => shared.session_headers(),
        },
        message: Some(&outgoing),
    };
    let sent = shared.exchange(&request).await;
    if outgoing.raw.is_some() {
        // What is refused is seen on the wire, and is no trouble of the connection's.
        if let Ok(response) = sent {
            shared.refusal(response).await;
        }
        return Ended::default();
    }
    let trouble = match sent {
        Ok(response) if response.status().is_success() => {
            drain(response).await;
            return Ended::default();
        }
        // The endpoint is the session's own: one that is not there any more has forgotten it.
        Ok(response) => shared.refused(response, !is_first).await,
        Err(trouble) => trouble,
    };
    shared
        .came_to_nothing(&outgoing, asked.as_ref(), &trouble)
        .await
}

impl Shared {
    /// Takes in a message of the one stream. One that is broken may be the answer that somebody waits for.
    async fn hear_old(&self, text: &str, carried: Carried) {
        if let Heard::Broken(why) = self.hear(text, None, carried).await {
            let looks_like_message = text.trim_start().starts_with('{');
            let inbound = match looks_like_message {
                true => Inbound::Unreadable {
                    id: guess_id(text),
                    why,
                },
                false => Inbound::Stray(text.to_owned()),
            };
            self.report(inbound).await;
        }
    }
}
