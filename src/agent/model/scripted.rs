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

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;
    use crate::agent::model::request::Message;
    use crate::config::ModelMode;

    #[tokio::test(start_paused = true)]
    async fn the_stream_says_what_the_script_answers_at_its_pace() {
        let script = "opening = \"o\"\nfallback = \"one two three four five\"\nreply = []";
        let script = Script::parse(script).unwrap();
        let request = ModelRequest {
            messages: vec![Message::User { text: "?".into() }],
            tools: Vec::new(),
            mode: ModelMode::Tools,
            plain_schemas: false,
            more_tokens: false,
            wishes: Default::default(),
        };
        for (pace, pause) in [(20, 60), (0, 0)] {
            let script = Arc::new(script.clone().with_pace(pace));
            let start = tokio::time::Instant::now();
            let events: Vec<ModelEvent> = stream(script.clone(), request.clone()).collect().await;
            assert_eq!(start.elapsed().as_millis(), pause);
            assert_eq!(events, script.answer(&request));
            assert_eq!(events.len(), 5, "three pieces between the ends: {events:?}");
        }
    }
}
