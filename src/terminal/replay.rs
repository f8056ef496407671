//! The loop of a replay: keys, time, frames. No host runs behind it and nothing is carried out but what is for the terminal itself.

use std::io::{self, Write};
use std::time::Duration;

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use tokio::time::Instant;

use crate::app::replay::Replay;
use crate::app::{AppEffect, AppEvent, Measured};
use crate::config::ThemeChoice;
use crate::terminal::guard::{Guard, Screen};
use crate::terminal::input::{Input, is_gone};
use crate::terminal::pace::at;
use crate::terminal::run::Ended;
use crate::terminal::signals::{Signals, Told};
use crate::terminal::{clipboard, theme};
use crate::view::{self, Memo, Theme};

/// The least time between two frames, and the most while time goes on: the clock on the screen counts.
const FRAME: Duration = Duration::from_millis(16);
const CLOCK: Duration = Duration::from_millis(100);

/// Takes the terminal, replays the session in it until the person leaves, and gives it back.
///
/// # Errors
/// What the system says of the terminal or of the signals.
pub async fn replay(replay: &mut Replay) -> io::Result<Ended> {
    match play(replay).await {
        // It may fail before it is told of.
        Err(_) if is_gone() => Ok(Ended::Gone),
        ended => ended,
    }
}

async fn play(replay: &mut Replay) -> io::Result<Ended> {
    let guard = Guard::enter()?;
    let mut playing = Playing {
        terminal: Terminal::new(CrosstermBackend::new(Screen::default()))?,
        theme: colours(theme::detect_here()),
        memo: Memo::new(),
        replay,
        guard,
        before: Instant::now(),
    };
    playing.frame()?;
    let mut signals = Signals::listen()?;
    let mut input = Input::new();
    loop {
        if let Some(ended) = playing.turn(&mut input, &mut signals).await? {
            return Ok(ended);
        }
    }
}

struct Playing<'a> {
    replay: &'a mut Replay,
    terminal: Terminal<CrosstermBackend<Screen>>,
    theme: Theme,
    memo: Memo,
    guard: Guard,
    before: Instant,
}

impl Playing<'_> {
    /// Waits for one thing, takes in what came with it, and draws.
    async fn turn(
        &mut self,
        input: &mut Input,
        signals: &mut Signals,
    ) -> io::Result<Option<Ended>> {
        let due = self.replay.wait();
        let wake = due.map(|due| Instant::now() + due.clamp(FRAME, CLOCK));
        let event = tokio::select! {
            biased;
            told = signals.next() => match told {
                Told::End(number) => return Ok(Some(Ended::Signal(number))),
                Told::Continued => {
                    self.take_again()?;
                    None
                }
            },
            event = input.next() => Some(event),
            () = at(wake) => None,
        };
        self.pass();
        let mut next = event;
        while let Some(event) = next {
            if event == AppEvent::Terminate {
                return Ok(Some(Ended::Gone));
            }
            self.take(event, signals).await?;
            next = input.ready();
        }
        if self.replay.quitting {
            return Ok(Some(Ended::Quit));
        }
        self.frame()?;
        Ok(None)
    }

    /// Time has passed since it was last looked at.
    fn pass(&mut self) {
        let now = Instant::now();
        self.replay.advance(now - self.before);
        self.before = now;
    }

    async fn take(&mut self, event: AppEvent, signals: &mut Signals) -> io::Result<()> {
        let effects = match event {
            AppEvent::Key(key) => self.replay.key(key),
            AppEvent::Resize(..) => return self.forget_screen(),
            event => self.replay.event(event),
        };
        for effect in effects {
            match effect {
                AppEffect::Copy(text) => {
                    let copied = clipboard::copy(self.terminal.backend_mut(), &text);
                    self.replay.event(AppEvent::Copied(copied));
                }
                AppEffect::Redraw => self.forget_screen()?,
                AppEffect::Suspend => self.suspend(signals).await?,
                // Nothing else comes out of a replay.
                _ => {}
            }
        }
        Ok(())
    }

    fn frame(&mut self) -> io::Result<()> {
        let (replay, theme, memo) = (&*self.replay, &self.theme, &mut self.memo);
        let mut measured = Measured::default();
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal
            .draw(|frame| measured = view::replay::draw(replay, theme, frame, memo))?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())?;
        self.replay.measured(measured);
        Ok(())
    }

    fn forget_screen(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal
            .resize(Rect::new(0, 0, size.width, size.height))
    }

    async fn suspend(&mut self, signals: &mut Signals) -> io::Result<()> {
        self.guard.leave();
        signals.stop().await;
        self.take_again()
    }

    /// The terminal is ours again. The time without it did not pass.
    fn take_again(&mut self) -> io::Result<()> {
        self.guard.reenter()?;
        self.before = Instant::now();
        self.forget_screen()
    }
}

fn colours(theme: ThemeChoice) -> Theme {
    match theme {
        ThemeChoice::Auto | ThemeChoice::Dark => Theme::dark(),
        ThemeChoice::Light => Theme::light(),
        ThemeChoice::Mono => Theme::mono(),
    }
}
