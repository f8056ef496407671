//! Streams that are asked for with GET, in the era with a handshake: the server's own, and one that is resumed.
//!
//! The server's own stream is opened behind `initialized` and again whenever it drops. A server that has none says so once.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};
use tokio::time::{Instant, sleep};

use super::cause::{self, Trouble};
use super::client::Request;
use super::events::Event;
use super::post::{Content, Ended, content};
use super::shared::{Heard, Shared};
use super::stream::{EventStream, Over};
use crate::mcp::transport::Inbound;

/// The wait before a stream is asked for again, where the server names none; doubles with each vain try.
const WAIT: Duration = Duration::from_secs(1);
/// The longest of those waits.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The shortest wait, whatever the server says.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);
/// Tries in a row without a new event after which an answer is given up, and the server's own waits no longer hold.
const MOST_TRIES: u32 = 5;
/// A stream that lived so long was a good one.
const GOOD: Duration = Duration::from_secs(60);

/// Where a stream goes on after it dropped.
#[derive(Default)]
pub struct Resume {
    /// The last event's id.
    pub last: Option<HeaderValue>,
    retry: Option<Duration>,
    tries: u32,
}

impl Resume {
    /// An event has come.
    pub fn seen(&mut self, event: &Event) {
        if let Some(id) = event.id.as_deref() {
            let id = HeaderValue::from_str(id).ok();
            let id = id.filter(|id| !id.is_empty());
            if id != self.last {
                self.tries = 0;
            }
            self.last = id;
        }
        if event.message().is_some() {
            self.tries = 0;
        }
        self.retry = event.retry.or(self.retry);
    }

    /// Whether another try is worth it for somebody who waits for an answer.
    pub fn may_go_on(&self) -> bool {
        self.tries < MOST_TRIES
    }

    /// Waits before the next try: as long as the server asked for, and longer when that led to nothing.
    pub async fn pause(&mut self) {
        let growing = WAIT
            .saturating_mul(1 << self.tries.min(5))
            .min(LONGEST_WAIT);
        let wait = match self.retry {
            Some(asked) if self.tries < MOST_TRIES => asked,
            Some(asked) => asked.max(growing),
            None => growing,
        };
        self.tries += 1;
        sleep(wait.max(SHORTEST_WAIT)).await;
    }
}

/// Whether a trouble may pass by itself.
pub fn passes(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Network(_) => true,
        Trouble::Status(refused) => matches!(refused.status, 408 | 409 | 425 | 429 | 500..=599),
        _ => false,
    }
}

impl Shared {
    /// Asks for a stream, from an event on where one is named.
    pub(super) async fn get(&self, last: Option<&HeaderValue>) -> Result<EventStream, Trouble> {
        let mut headers = self.session_headers();
        let in_session = self.has_session();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(last) = last {
            headers.insert("last-event-id", last.clone());
        }
        let request = Request {
            verb: Method::GET,
            url: self.url.clone(),
            headers,
            message: None,
        };
        let response = self.exchange(&request).await?;
        if !response.status().is_success() {
            // A server without this way may well say 404 too: only one that had it means the session.
            let in_session = in_session && self.known().has_stream;
            return Err(self.refused(response, in_session).await);
        }
        match content(&response) {
            Content::Events => {
                self.known().has_stream = true;
                Ok(EventStream::new(response, self.tap.clone()))
            }
            Content::Json => Err(Trouble::ContentType(Some("application/json".to_owned()))),
            Content::Other(kind) => Err(Trouble::ContentType(kind)),
        }
    }

    /// Reads the server's own stream to its end.
    async fn listened(&self, stream: &mut EventStream, resume: &mut Resume) {
        let since = Instant::now();
        let over = loop {
            let event = match stream.next().await {
                Ok(event) => event,
                Err(over) => break over,
            };
            resume.seen(&event);
            let Some(text) = event.message() else {
                continue;
            };
            // No answer comes this way, so a broken message is nobody's.
            if let Heard::Broken(_) = self.hear(text, None, stream.carried(&event)).await {
                self.report(Inbound::Stray(text.to_owned())).await;
            }
        };
        if over == Over::TooLong {
            // Resuming would bring the same event again.
            resume.last = None;
        }
        if since.elapsed() >= GOOD {
            resume.tries = 0;
        }
    }
}

/// Keeps the server's own stream open for as long as the link lasts.
pub async fn listen(shared: Arc<Shared>) -> Ended {
    let mut resume = Resume::default();
    loop {
        let opened = shared.get(resume.last.as_ref()).await;
        shared.settled();
        match opened {
            Ok(mut stream) => shared.listened(&mut stream, &mut resume).await,
            Err(trouble @ Trouble::SessionOver) => {
                return Ended::fatal(cause::of(&trouble).failure);
            }
            Err(trouble) if passes(&trouble) => {}
            // The place is forgotten there, but perhaps not the way.
            Err(Trouble::Status(_)) if resume.last.is_some() => resume.last = None,
            // No such stream, or not for us. What is wrong with our credentials the next request finds out and tells.
            Err(_) => return Ended::default(),
        }
        resume.pause().await;
    }
}
