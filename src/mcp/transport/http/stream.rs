//! The events of one response, with the tap on what is no message; messages are recorded where they are understood.
//!
//! Used by `post`, `listen` and `old`. Never asks for a stream again by itself.

use std::collections::VecDeque;

use reqwest::Response;

use super::cause;
use super::events::{Event, Parser, TooLong};
use super::shared::exchange_of;
use crate::ids::Seq;
use crate::mcp::transport::LONGEST_MESSAGE;
use crate::mcp::wire::record::{Carried, Direction, WireKind};
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
    /// The record of the request that it answers.
    request: Seq,
    tap: ConnectionTap,
}

impl EventStream {
    /// The events of a response.
    pub fn new(response: Response, tap: ConnectionTap) -> Self {
        Self {
            request: exchange_of(&response),
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

    /// How one of its events came.
    pub fn carried(&self, event: &Event) -> Carried {
        let retry = event.retry.map(|wait| wait.as_millis());
        Carried::Event {
            request: self.request,
            name: event.name.clone(),
            id: event.id.clone(),
            retry_ms: retry.and_then(|wait| u64::try_from(wait).ok()),
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
        let carried = Some(self.carried(event));
        self.tap
            .carried(Direction::In, kind, 0, &text, carried)
            .await;
    }
}
