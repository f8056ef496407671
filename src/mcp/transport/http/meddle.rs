//! The faults of the lab over HTTP: what becomes of a message from the server, and refusals that the server never gave.
//!
//! Called only while a fault is on. The rest of the client cannot tell it from what a server does.

use reqwest::Response;
use reqwest::header::WWW_AUTHENTICATE;
use serde_json::Value;
use tokio::time::sleep;

use super::cause;
use super::client::Request;
use super::shared::{Asked, Heard, SESSION, Shared};
use crate::mcp::fault::{FaultKind, Plan, list_changed};
use crate::mcp::transport::meddler::{self, dripped};
use crate::mcp::transport::stdio::id_of;
use crate::mcp::transport::{Inbound, LONGEST_MESSAGE};
use crate::mcp::wire::record::Direction;

impl Shared {
    /// Carries out what the faults do to a message from the server.
    pub(super) async fn meddled(
        &self,
        text: &str,
        message: Value,
        (plan, struck): (Plan, &[FaultKind]),
        asked: Option<&Asked>,
    ) -> Heard {
        let altered = plan.altered(text, &message);
        for fault in struck {
            let words = plan.words(*fault, &altered);
            meddler::record(&self.tap, Direction::In, *fault, &message, &words).await;
            self.report(Inbound::Meddled(*fault)).await;
        }
        if let Some(wait) = plan.delay {
            sleep(wait).await;
        }
        let heard = match plan.drop {
            true => lost(&message, asked),
            false => self.altered(&altered, &plan, asked).await,
        };
        for _ in 0..plan.storm {
            self.message(list_changed(), None).await;
        }
        heard
    }

    async fn altered(&self, text: &str, plan: &Plan, asked: Option<&Asked>) -> Heard {
        dripped(plan, text.len()).await;
        if text.len() > LONGEST_MESSAGE {
            return Heard::Broken(cause::too_long("an answer"));
        }
        let value = match serde_json::from_str::<Value>(text) {
            Ok(value) => value,
            Err(error) => return Heard::Broken(cause::no_json("a message", &error)),
        };
        if plan.twice {
            self.message(value.clone(), None).await;
        }
        match plan.behind {
            true => self.faults.overtaken().await,
            false => self.faults.passed(),
        }
        self.message(value, asked).await
    }

    /// The answer that a fault of the lab gives instead of the server.
    pub(super) async fn refused_by_lab(&self, request: &Request<'_>) -> Option<Response> {
        if !self.faults.is_on() {
            return None;
        }
        let message = &request.message?.message;
        let kinds: &[FaultKind] = match request.headers.contains_key(SESSION) {
            true => &[FaultKind::Unauthorized, FaultKind::Expired],
            false => &[FaultKind::Unauthorized],
        };
        let fault = self.faults.at_request(message, kinds)?;
        let words = Plan::default().words(fault, "");
        meddler::record(&self.tap, Direction::Out, fault, message, &words).await;
        self.report(Inbound::Meddled(fault)).await;
        let answer = match fault {
            FaultKind::Expired => http::Response::builder().status(404),
            _ => http::Response::builder()
                .status(401)
                .header(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""),
        };
        answer.body(String::new()).ok().map(Response::from)
    }
}

/// What a message that never came looks like to the exchange that waits for it: over, with nothing to report.
fn lost(message: &Value, asked: Option<&Asked>) -> Heard {
    let of = message.get("id").and_then(id_of);
    match of.is_some() && of == asked.map(|asked| asked.id) && message.get("method").is_none() {
        true => Heard::Answer,
        false => Heard::Other,
    }
}
