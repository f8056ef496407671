//! Carries a model's stream to the host, and sees to it that every stream has an end: a turn waits for nothing else.

use std::panic::AssertUnwindSafe;

use futures::{FutureExt, Stream, StreamExt};
use tokio::sync::mpsc;

use crate::agent::model::{ModelError, ModelErrorKind, ModelEvent};
use crate::driver::traces::Asking;
use crate::host::HostEvent;
use crate::ids::StreamId;

/// Passes everything on until the end. A source that stops without a last word, or panics, is reported as cut.
pub async fn pump(
    stream: StreamId,
    source: impl Stream<Item = ModelEvent> + Unpin,
    events: mpsc::Sender<HostEvent>,
    traced: Option<Asking>,
) {
    let passing = AssertUnwindSafe(pass(stream, source, &events, traced)).catch_unwind();
    let why = match passing.await {
        Ok(true) => return,
        Ok(false) => "The model's stream ended without its last word",
        Err(_panic) => "The adapter of the model stopped at an error of its own",
    };
    let error = ModelError {
        kind: ModelErrorKind::Cut,
        message: why.to_owned(),
        hint: Some("send the prompt again".to_owned()),
        retry_after: None,
    };
    let event = ModelEvent::Failed(error);
    let _gone = events.send(HostEvent::Model { stream, event }).await;
}

/// Gives whether the last word was passed on, or nobody listens any more.
async fn pass(
    stream: StreamId,
    mut source: impl Stream<Item = ModelEvent> + Unpin,
    events: &mpsc::Sender<HostEvent>,
    mut traced: Option<Asking>,
) -> bool {
    while let Some(event) = source.next().await {
        if let ModelEvent::Failed(error) = &event {
            tracing::warn!(kind = ?error.kind, why = error.message, "model failed");
        }
        if let Some(traced) = &mut traced {
            traced.heard(&event);
        }
        let is_last = matches!(event, ModelEvent::Done(_) | ModelEvent::Failed(_));
        let sent = events.send(HostEvent::Model { stream, event }).await;
        if sent.is_err() || is_last {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;
    use crate::agent::model::{Completion, Finish};

    async fn pumped(source: impl Stream<Item = ModelEvent> + Unpin) -> Vec<ModelEvent> {
        let (events, mut out) = mpsc::channel(16);
        pump(StreamId(7), source, events, None).await;
        let mut passed = Vec::new();
        while let Some(HostEvent::Model {
            stream: StreamId(7),
            event,
        }) = out.recv().await
        {
            passed.push(event);
        }
        passed
    }

    fn is_cut(event: &ModelEvent) -> bool {
        matches!(event, ModelEvent::Failed(error) if error.kind == ModelErrorKind::Cut)
    }

    #[tokio::test]
    async fn what_follows_the_last_word_is_not_passed_on() {
        let done = ModelEvent::Done(Completion {
            finish: Finish::Stop,
            calls: Vec::new(),
            usage: None,
            notes: Vec::new(),
        });
        let source = [ModelEvent::Opened, done.clone(), ModelEvent::Opened];
        assert_eq!(
            pumped(stream::iter(source)).await,
            [ModelEvent::Opened, done]
        );
    }

    #[tokio::test]
    async fn a_source_that_stops_or_panics_is_reported_as_cut() {
        let stops = pumped(stream::iter([ModelEvent::Opened])).await;
        assert!(stops.len() == 2 && is_cut(&stops[1]), "{stops:?}");
        let bad = |n: u32| assert_ne!(n, 1, "a defect of the adapter");
        let panics = stream::iter([0, 1]).map(move |n| {
            bad(n);
            ModelEvent::Opened
        });
        let panics = pumped(panics).await;
        assert!(panics.len() == 2 && is_cut(&panics[1]), "{panics:?}");
    }
}
