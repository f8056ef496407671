//! The view with what it keeps between frames, and the colours of code that are made beside the draw thread.
//!
//! One block is coloured at a time: a long conversation that comes on the screen at once may not take all processors. Pictures
//! (feature `images`) are made in the same row.

use std::collections::VecDeque;

use ratatui::Frame;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::app::{App, Measured};
use crate::config::ThemeChoice;
#[cfg(feature = "images")]
use crate::terminal::pictures::{Made, Pictures};
use crate::view::highlight::{Highlighted, Job, highlight_now};
#[cfg(feature = "images")]
use crate::view::picture;
use crate::view::{self, Memo, Theme};

/// Draws, and colours what was drawn.
pub struct Canvas {
    memo: Memo,
    theme: (ThemeChoice, Theme),
    waiting: VecDeque<Work>,
    running: Option<JoinHandle<Done>>,
    #[cfg(feature = "images")]
    pictures: Pictures,
}

/// What is made beside the draw thread.
enum Work {
    Colours(Job),
    #[cfg(feature = "images")]
    Picture(picture::Job),
}

/// What was made.
enum Done {
    Colours(Job, Highlighted),
    #[cfg(feature = "images")]
    Picture(Box<Made>),
}

impl Canvas {
    /// A canvas in this theme.
    pub fn new(theme: ThemeChoice) -> Self {
        #[cfg(feature = "images")]
        let pictures = Pictures::here();
        #[cfg(feature = "images")]
        let memo = if pictures.is_on() {
            Memo::new().with_pictures()
        } else {
            Memo::new()
        };
        #[cfg(not(feature = "images"))]
        let memo = Memo::new();
        Self {
            memo,
            theme: (theme, colours(theme)),
            waiting: VecDeque::new(),
            running: None,
            #[cfg(feature = "images")]
            pictures,
        }
    }

    /// Draws the state.
    pub fn draw(&mut self, app: &App, frame: &mut Frame<'_>) -> Measured {
        if self.theme.0 != app.theme {
            self.theme = (app.theme, colours(app.theme));
        }
        let measured = view::draw(app, &self.theme.1, frame, &mut self.memo);
        #[cfg(feature = "images")]
        if self.memo.has_pictures() {
            self.pictures.place(frame.buffer_mut());
        }
        measured
    }

    /// Another program had the terminal meanwhile.
    pub fn resumed(&mut self) {
        self.memo.forget_pictures();
    }

    /// Begins to colour what the last frame showed plain. Must be called inside a tokio runtime.
    pub fn begin_colours(&mut self) {
        let colours = self.memo.pending().into_iter().map(Work::Colours);
        self.waiting.extend(colours);
        #[cfg(feature = "images")]
        {
            let pictures = self.memo.pending_pictures().into_iter();
            self.waiting.extend(pictures.map(Work::Picture));
        }
        if self.running.is_none()
            && let Some(work) = self.waiting.pop_front()
        {
            self.running = Some(self.start(work));
        }
    }

    #[cfg_attr(not(feature = "images"), allow(clippy::unused_self))]
    fn start(&self, work: Work) -> JoinHandle<Done> {
        match work {
            Work::Colours(job) => spawn_blocking(move || {
                let colours = highlight_now(&job);
                Done::Colours(job, colours)
            }),
            #[cfg(feature = "images")]
            Work::Picture(job) => {
                let maker = self.pictures.maker();
                spawn_blocking(move || Done::Picture(Box::new(maker.make(job))))
            }
        }
    }

    /// Waits until colours have come for something that was drawn plain; for ever when none are being made. Loses nothing when
    /// dropped.
    pub async fn coloured(&mut self) {
        let Some(task) = &mut self.running else {
            return std::future::pending().await;
        };
        let done = task.await;
        self.running = None;
        // What failed stays plain.
        match done {
            Ok(Done::Colours(job, colours)) => self.memo.fulfil(&job, colours),
            #[cfg(feature = "images")]
            Ok(Done::Picture(made)) => {
                let (job, lines) = self.pictures.keep(*made);
                self.memo.show(&job, lines);
            }
            Err(_) => {}
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
