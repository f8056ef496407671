//! The view with what it keeps between frames, and the colours of code that are made beside the draw thread.
//!
//! One block is coloured at a time: a long conversation that comes on the screen at once may not take all processors.

use std::collections::VecDeque;

use ratatui::Frame;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::app::{App, Measured};
use crate::config::ThemeChoice;
use crate::view::highlight::{Highlighted, Job, highlight_now};
use crate::view::{self, Memo, Theme};

/// Draws, and colours what was drawn.
pub struct Canvas {
    memo: Memo,
    theme: (ThemeChoice, Theme),
    waiting: VecDeque<Job>,
    running: Option<(Job, JoinHandle<Highlighted>)>,
}

impl Canvas {
    /// A canvas in this theme.
    pub fn new(theme: ThemeChoice) -> Self {
        Self {
            memo: Memo::new(),
            theme: (theme, colours(theme)),
            waiting: VecDeque::new(),
            running: None,
        }
    }

    /// Draws the state.
    pub fn draw(&mut self, app: &App, frame: &mut Frame<'_>) -> Measured {
        if self.theme.0 != app.theme {
            self.theme = (app.theme, colours(app.theme));
        }
        view::draw(app, &self.theme.1, frame, &mut self.memo)
    }

    /// Begins to colour what the last frame showed plain. Must be called inside a tokio runtime.
    pub fn begin_colours(&mut self) {
        self.waiting.extend(self.memo.pending());
        if self.running.is_none()
            && let Some(job) = self.waiting.pop_front()
        {
            let work = job.clone();
            self.running = Some((job, spawn_blocking(move || highlight_now(&work))));
        }
    }

    /// Waits until colours have come for something that was drawn plain; for ever when none are being made. Loses nothing when
    /// dropped.
    pub async fn coloured(&mut self) {
        let Some((_, task)) = &mut self.running else {
            return std::future::pending().await;
        };
        let colours = task.await;
        // A block whose colouring failed stays plain.
        if let (Some((job, _)), Ok(colours)) = (self.running.take(), colours) {
            self.memo.fulfil(&job, colours);
        }
        self.begin_colours();
    }
}

/// `Auto` has been answered before the first frame; until then it is dark.
fn colours(theme: ThemeChoice) -> Theme {
    match theme {
        ThemeChoice::Auto | ThemeChoice::Dark => Theme::dark(),
        ThemeChoice::Light => Theme::light(),
        ThemeChoice::Mono => Theme::mono(),
    }
}
