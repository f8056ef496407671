//! The scripted model as an adapter: plays [`Script::answer`] at a pace that the eye can follow.
//!
//! Impure only by its clock. It reaches no network and reads no file; `driver` reads the script and holds it.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, Stream};

use crate::agent::model::event::ModelEvent;
use crate::agent::model::request::ModelRequest;
use crate::agent::model::script::Script;

/// The events of one step, each text after the script's pace. Dropping the stream ends it.
pub fn stream(
    script: Arc<Script>,
    request: ModelRequest,
) -> impl Stream<Item = ModelEvent> + Send + 'static {
    let pace = script.pace();
    let events: VecDeque<ModelEvent> = script.answer(&request).into();
    stream::unfold(events, move |mut events| async move {
        let event = events.pop_front()?;
        if !pace.is_zero() && matches!(event, ModelEvent::Text(_)) {
            tokio::time::sleep(pace).await;
        }
        Some((event, events))
    })
}
