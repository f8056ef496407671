//! Errands: small requests of a front end, each with exactly one end.

use std::time::Duration;

use tokio::time::Instant;

use super::Session;
use crate::config::LOG_LEVELS;
use crate::ids::ErrandId;
use crate::mcp::connection::pending::{Answer, Purpose, failure};
use crate::mcp::convert;
use crate::mcp::event::ServerEvent;
use crate::mcp::request::{Errand, ErrandEnd};
use crate::mcp::status::Era;

/// How long an errand may take.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Session {
    pub(super) async fn errand(&mut self, id: ErrandId, what: Errand) {
        match (&what, self.voice.era) {
            // A server would refuse every request that carries another one.
            (Errand::SetLogLevel { level }, _) if !LOG_LEVELS.contains(&level.as_str()) => {
                let why = format!("`{level}` is no level; there are {}", LOG_LEVELS.join(", "));
                self.reporter.no_errand(id, &why).await;
            }
            (Errand::SetLogLevel { level }, Era::Modern) => {
                self.voice.log_level = Some(level.clone());
                self.errand_done(id, ErrandEnd::Done).await;
            }
            (Errand::Raw { frame }, _) => self.raw(id, frame).await,
            (Errand::Subscribe { uri }, Era::Modern) => self.subscribe(id, uri.clone()).await,
            (Errand::Unsubscribe { uri }, Era::Modern) => {
                self.unsubscribe(uri).await;
                self.errand_done(id, ErrandEnd::Done).await;
            }
            (Errand::Complete { .. } | Errand::Preview { .. }, _)
            | (
                Errand::Subscribe { .. } | Errand::Unsubscribe { .. } | Errand::SetLogLevel { .. },
                Era::Legacy,
            ) => self.errand_sent(id, what).await,
        }
    }

    async fn errand_sent(&mut self, id: ErrandId, what: Errand) {
        let voice = self.voice.clone();
        let deadline = Some(Instant::now() + TIMEOUT);
        let purpose = Purpose::Errand(id, what.clone());
        if let Err(why) = self.put(purpose, deadline, |id| voice.errand(id, &what)) {
            self.reporter.no_errand(id, &why).await;
        }
    }

    pub(super) async fn errand_answered(&mut self, id: ErrandId, what: &Errand, answer: Answer) {
        let method = match what {
            Errand::Complete { .. } => "completion/complete",
            Errand::Raw { .. } => "the frame",
            Errand::Preview { .. } => "tools/call",
            Errand::Subscribe { .. } => "resources/subscribe",
            Errand::Unsubscribe { .. } => "resources/unsubscribe",
            Errand::SetLogLevel { .. } => "logging/setLevel",
        };
        let end = match (answer, what) {
            (Answer::Result(result), Errand::Complete { .. }) => convert::completion(&result),
            (Answer::Result(result), Errand::Preview { .. }) => convert::previewed(&result),
            (Answer::Result(result), _) => convert::complete(&result).map(|_| ErrandEnd::Done),
            (other, _) => {
                let within = format!("within {} s", TIMEOUT.as_secs());
                Err(failure(method, other, &within))
            }
        };
        self.errand_done(id, end.unwrap_or_else(|why| ErrandEnd::Failed { why }))
            .await;
    }

    pub(super) async fn errand_done(&mut self, id: ErrandId, end: ErrandEnd) {
        self.reporter.event(ServerEvent::Errand(id, end)).await;
    }
}
