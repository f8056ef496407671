//! A frame of the person's own hand as a POST: whatever comes back is seen on the wire.
//!
//! Nobody waits for its answer, so none is handed on; what the server asks or tells meanwhile is. Nothing that goes wrong here is a
//! trouble of the link's.

use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::timeout;

use super::client::{BodyTrouble, Request, body_of};
use super::post::{Content, LINGER, content};
use super::shared::{Shared, exchange_of, method_of};
use super::stream::EventStream;
use crate::mcp::transport::{LONGEST_MESSAGE, Outgoing};
use crate::mcp::weight;
use crate::mcp::wire::record::{Carried, Direction, WireKind, classify_value};

impl Shared {
    /// Sends it and listens to the end.
    pub(super) async fn posted_raw(&self, outgoing: &Outgoing) {
        let (headers, _) = self.headers_of(&outgoing.message);
        let request = Request {
            verb: Method::POST,
            url: self.url.clone(),
            headers,
            message: Some(outgoing),
        };
        // Why it did not reach the server the tap has seen.
        let Ok(response) = self.exchange(&request).await else {
            return;
        };
        match content(&response) {
            Content::Events if response.status().is_success() => self.overheard(response).await,
            Content::Json | Content::Events | Content::Other(_) => self.seen(response).await,
        }
    }

    /// A body, for the tap alone.
    async fn seen(&self, response: Response) {
        let carried = Carried::Body {
            request: exchange_of(&response),
        };
        let body = match body_of(response, LONGEST_MESSAGE).await {
            Ok(body) | Err(BodyTrouble::TooLong(body)) => body,
            Err(BodyTrouble::Network(_)) => return,
        };
        if !body.is_empty() {
            self.look_at(&String::from_utf8_lossy(&body), carried).await;
        }
    }

    /// A stream, up to what follows its answer.
    async fn overheard(&self, response: Response) {
        let mut stream = EventStream::new(response, self.tap.clone());
        let mut answered = false;
        loop {
            let next = match answered {
                true => timeout(LINGER, stream.next()).await,
                false => Ok(stream.next().await),
            };
            let Ok(Ok(event)) = next else {
                return;
            };
            let Some(text) = event.message() else {
                continue;
            };
            match self.look_at(text, stream.carried(&event)).await {
                // The server's own words: they are meant for the connection, not for the frame.
                Some(value) if method_of(&value).is_some() => drop(self.message(value, None).await),
                Some(_) => answered = true,
                None => {}
            }
        }
    }

    async fn look_at(&self, text: &str, carried: Carried) -> Option<Value> {
        let value = match weight::is_too_much(text) {
            true => None,
            false => serde_json::from_str::<Value>(text).ok(),
        };
        let kind = value.as_ref().map_or(WireKind::NotJson, classify_value);
        self.tap
            .carried(Direction::In, kind, text.len(), text, Some(carried))
            .await;
        value
    }
}
