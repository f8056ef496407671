//! Writes down what happens in the terminal program, where `--record` asks for it: each event before it is taken in, and of each
//! frame a digest, so that a replay can show that it draws the same.

use ratatui::Frame;

use crate::app::recorded::{self, Drawn};
use crate::app::{App, AppEvent, Measured};
use crate::ids::Moment;
use crate::record::form::name;
use crate::record::{Said, Sink};
use crate::view::text;

/// The recording of a session, or none.
#[derive(Debug, Clone, Default)]
pub struct Recording(pub Option<Sink>);

impl Recording {
    /// The host is started.
    pub(super) fn start(&self, now: Moment) {
        if let Some(sink) = &self.0 {
            sink.put(name::START, now, &true, Said::Whole);
        }
    }

    /// An event is about to be taken in by this state.
    pub(super) fn event(&self, app: &App, event: &AppEvent, now: Moment) {
        if let (Some(_), Some(secret)) = (&self.0, recorded::given(app, event)) {
            app.secrets.learn(secret);
        }
        if let Some(sink) = &self.0
            && let Some(written) = recorded::event(app, event)
        {
            sink.put(written.name, now, &written.body, written.said);
        }
    }

    /// What a frame of this state looks like, while it is there.
    pub(super) fn sees(&self, app: &App, frame: &mut Frame) -> Option<((u16, u16), String)> {
        self.0.as_ref()?;
        let buffer = frame.buffer_mut();
        let size = (buffer.area.width, buffer.area.height);
        let digest = match app.types_secret() {
            true => String::new(),
            false => text::digest(&text::of(buffer)),
        };
        Some((size, digest))
    }

    /// A frame was drawn.
    pub(super) fn drawn(
        &self,
        seen: Option<((u16, u16), String)>,
        measured: &Measured,
        now: Moment,
    ) {
        if let (Some(sink), Some((size, frame))) = (&self.0, seen) {
            let measured = measured.clone();
            let drawn = Drawn {
                size,
                frame,
                measured,
            };
            sink.put(name::DRAWN, now, &drawn, Said::Whole);
        }
    }
}
