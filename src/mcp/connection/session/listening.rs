//! The stream of changes of the new era: kept open, asked for again after its end, replaced when another one is wanted.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Session;
use crate::ids::ErrandId;
use crate::mcp::connection::pending::{Answer, Purpose, failure};
use crate::mcp::connection::streams::Filter;
use crate::mcp::event::ServerEvent;
use crate::mcp::request::{ErrandEnd, ListKind};

/// How long an acknowledgement is awaited; a server that never sends one is believed to tell all the same.
const ACKNOWLEDGE: Duration = Duration::from_secs(10);

impl Session {
    /// Asks for what is wanted and not told yet, and lets go of what is not wanted.
    pub(super) async fn listen(&mut self) {
        for id in self.streams.idle() {
            self.stop_stream(id);
        }
        let Some(filter) = self.streams.missing() else {
            return;
        };
        let voice = self.voice.clone();
        let deadline = Some(Instant::now() + ACKNOWLEDGE);
        let json = filter.to_json();
        let put = self.put(Purpose::Listen, deadline, |id| voice.listen(id, json));
        match put {
            Ok(id) => self.streams.opened(id),
            Err(why) => self.end_subscribing(&why).await,
        }
    }

    fn stop_stream(&mut self, id: i64) {
        if let Some(pending) = self.pending.remove(&id) {
            self.withdraw(id, &pending.gate, "another stream tells of what is wanted");
        }
    }

    pub(super) async fn subscribe(&mut self, errand: ErrandId, uri: String) {
        let is_new = self.streams.wanted.uris.insert(uri.clone());
        if !is_new && self.streams.opening().is_none() && self.streams.missing().is_none() {
            return self.errand_done(errand, ErrandEnd::Done).await;
        }
        self.subscribing.push((errand, uri));
        self.listen().await;
    }

    pub(super) async fn unsubscribe(&mut self, uri: &str) {
        self.streams.wanted.uris.remove(uri);
        let given_up = |(_, of): &mut (ErrandId, String)| of.as_str() == uri;
        let errands: Vec<_> = self.subscribing.extract_if(.., given_up).collect();
        for (errand, _) in errands {
            let why = "it was asked for no longer before the server could agree";
            self.reporter.no_errand(errand, why).await;
        }
        self.listen().await;
    }

    /// The server tells on a stream of what it has agreed to; without an acknowledgement it is believed to tell of all.
    pub(super) async fn stream_stands(&mut self, id: i64, agreed: Option<Filter>) {
        if self.streams.opening() != Some(id) {
            return;
        }
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.deadline = None;
        }
        let asked = self.streams.filter(id);
        for old in self.streams.acknowledged(id) {
            self.stop_stream(old);
        }
        let subscribing = std::mem::take(&mut self.subscribing);
        for (errand, uri) in subscribing {
            if !asked.uris.contains(&uri) {
                // It was asked for after this stream: the next one carries it.
                self.subscribing.push((errand, uri));
            } else if agreed.as_ref().is_some_and(|it| !it.uris.contains(&uri)) {
                self.streams.refused(&uri);
                let why = format!("the server does not agree to tell when {uri} changes");
                self.errand_done(errand, ErrandEnd::Failed { why }).await;
            } else {
                self.errand_done(errand, ErrandEnd::Done).await;
            }
        }
        self.listen().await;
    }

    /// A stream has ended.
    pub(super) async fn stream_ended(&mut self, id: i64, asked: Instant, answer: Answer) {
        let Some((filter, is_last)) = self.streams.ended(id) else {
            return;
        };
        match answer {
            // A server that will not tell is not asked again, and one that has gone cannot be.
            Answer::Ended(_) => {}
            Answer::Error { .. } => {
                let why = failure("subscriptions/listen", answer, "in time");
                self.end_subscribing(&why).await;
                self.streams.wanted = match is_last {
                    // Perhaps it tells of lists and not of resources.
                    true if !filter.uris.is_empty() => Filter {
                        uris: Default::default(),
                        ..filter
                    },
                    true => Filter::default(),
                    false => self.streams.newest(),
                };
                self.listen().await;
            }
            Answer::Result(_) | Answer::Unreadable(_) | Answer::Failed(..) | Answer::TimedOut => {
                if is_last || self.streams.missing().is_some() {
                    self.relisten.over(asked, Instant::now());
                }
                // It has ended at once too often: nobody waits for what will not come.
                if self.relisten.at().is_none() {
                    self.end_subscribing("the server ends its streams of changes at once")
                        .await;
                }
            }
        }
    }

    /// It is time to ask again after a stream has ended. What changed while nobody listened is not told again.
    pub(super) async fn listen_again(&mut self) {
        let wanted = self.streams.wanted.clone();
        self.listen().await;
        let lists = [
            (wanted.tools, ListKind::Tools),
            (wanted.resources, ListKind::Resources),
            (wanted.resources, ListKind::Templates),
            (wanted.prompts, ListKind::Prompts),
        ];
        for (_, kind) in lists.into_iter().filter(|(told, _)| *told) {
            self.reporter.event(ServerEvent::Changed(kind)).await;
        }
        for uri in wanted.uris {
            let updated = ServerEvent::ResourceUpdated { uri };
            self.reporter.event(updated).await;
        }
    }

    /// The server tells what it has agreed to.
    pub(super) async fn acknowledged(&mut self, id: Option<i64>, params: &Value) {
        if let Some(id) = id {
            let agreed = params.get("notifications").map(Filter::from_json);
            self.stream_stands(id, agreed).await;
        }
    }

    pub(super) async fn end_subscribing(&mut self, why: &str) {
        for (errand, uri) in std::mem::take(&mut self.subscribing) {
            self.streams.wanted.uris.remove(&uri);
            self.reporter.no_errand(errand, why).await;
        }
    }
}
