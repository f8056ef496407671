//! The events of one response, with the tap on what is no message; messages are recorded where they are understood.
//!
//! Used by `post`, `listen` and `old`. Never asks for a stream again by itself.

use std::collections::VecDeque;

use reqwest::Response;

use super::cause;
use super::events::{Event, Parser, TooLong};
use crate::mcp::transport::LONGEST_MESSAGE;
use crate::mcp::wire::record::{Direction, WireKind};
use crate::mcp::wire::secrets::masked_url;
use crate::mcp::wire::tap::ConnectionTap;

/// Why a stream gives no more events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// The server closed it.
    Ended,
    /// The connection broke.
    Broke(String),
    /// An event was too long.
    TooLong,
}

/// A stream of events under way. Dropping it closes it.
pub struct EventStream {
    response: Response,
    parser: Parser,
    ready: VecDeque<Event>,
    over: Option<Over>,
    tap: ConnectionTap,
}

impl EventStream {
    /// The events of a response.
    pub fn new(response: Response, tap: ConnectionTap) -> Self {
        Self {
            response,
            parser: Parser::new(LONGEST_MESSAGE),
            ready: VecDeque::new(),
            over: None,
            tap,
        }
    }

    /// The next event. Can be dropped and asked again without a loss.
    ///
    /// # Errors
    /// Why there is none any more.
    pub async fn next(&mut self) -> Result<Event, Over> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                if event.message().is_none() {
                    self.record(&event).await;
                }
                return Ok(event);
            }
            if let Some(over) = &self.over {
                return Err(over.clone());
            }
            self.over = match self.response.chunk().await {
                Ok(Some(bytes)) => match self.parser.feed(&bytes, &mut self.ready) {
                    Ok(()) => None,
                    Err(TooLong) => Some(Over::TooLong),
                },
                Ok(None) => Some(Over::Ended),
                Err(error) => Some(Over::Broke(cause::causes(&error))),
            };
        }
    }

    async fn record(&self, event: &Event) {
        let mut words = vec!["SSE".to_owned()];
        if let Some(name) = &event.name {
            words.push(format!("event {name}"));
        }
        words.extend(event.id.as_ref().map(|id| format!("id {id}")));
        let retry = event.retry.map(|wait| wait.as_millis());
        words.extend(retry.map(|wait| format!("retry {wait} ms")));
        let data = event.data.as_deref().filter(|data| !data.is_empty());
        words.extend(data.map(|data| format!("data {}", masked_url(data))));
        let text = words.join(", ");
        let kind = WireKind::Http { status: None };
        self.tap.record(Direction::In, kind, 0, &text).await;
    }
}
