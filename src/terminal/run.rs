//! The loop of the terminal program: an event in, what is ready with it, all effects, one frame.
//!
//! Input comes first, then what must be delivered, then the wire, then the frame, then the clock. Nothing here waits for a
//! server or a model: `perform` only starts things.

use std::io::{self, Write};
use std::sync::Arc;

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::{App, AppEffect, AppEvent, Measured, Overlay};
use crate::config::{Config, FolderFile, News, ThemeChoice};
use crate::driver::Clock;
use crate::host::{Effect, Host, HostEvent, SessionEvent};
use crate::mcp::wire::live::LiveRecords;
use crate::terminal::browser::Browser;
use crate::terminal::canvas::Canvas;
use crate::terminal::guard::{Guard, Screen};
use crate::terminal::input::{Input, is_gone};
use crate::terminal::pace::{Pace, at};
use crate::terminal::recording::Recording;
use crate::terminal::saving::Saver;
use crate::terminal::signals::{Signals, Told};
use crate::terminal::{clipboard, notify, theme};

/// Events of one kind that are taken in before the next frame.
const AT_ONCE: usize = 256;
/// Bytes of the wire that are: where they are taken in their secrets are taken out, and a key may be waiting.
const BYTES_AT_ONCE: usize = 512 * 1024;

/// The rest of the program as the loop sees it.
pub struct Outside<'a> {
    /// What must be delivered to the host.
    pub events: &'a mut mpsc::Receiver<HostEvent>,
    /// What passed on the wire; some may have been dropped.
    pub wire: &'a mut LiveRecords,
    /// What a script proposes after this prompt of the person, or at the start; asked whenever a turn has ended.
    pub suggest: &'a mut dyn FnMut(Option<&str>) -> Option<String>,
    /// Looks at the host after it has taken something in.
    pub see: &'a mut dyn FnMut(&Host),
    /// What the configuration's files say when they have changed.
    pub news: &'a mut mpsc::Receiver<News>,
    /// Another configuration counts from now on.
    pub configure: &'a mut dyn FnMut(Arc<Config>),
    /// Writes down that a folder's file may run.
    pub trust: &'a mut dyn FnMut(&FolderFile) -> Result<(), String>,
    /// Where the session is recorded.
    pub recording: Recording,
    /// Starts to carry out an effect of the host.
    pub perform: &'a mut dyn FnMut(Effect),
    /// The clock of the whole program.
    pub clock: Clock,
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The person quit.
    Quit,
    /// A signal of this number.
    Signal(i32),
    /// The terminal is gone.
    Gone,
}

/// Takes the terminal, draws the first frame, starts the host, and goes on until the program is to end. Gives the terminal
/// back whatever happens.
///
/// # Errors
/// What the system says of the terminal or of the signals.
pub async fn run<'a>(app: &'a mut App, outside: Outside<'a>) -> io::Result<Ended> {
    let guard = Guard::enter()?;
    let backend = CrosstermBackend::new(Screen::default());
    let mut looping = Loop {
        app,
        outside,
        canvas: Canvas::new(ThemeChoice::Auto),
        browser: Browser::default(),
        guard,
        terminal: Terminal::new(backend)?,
        pace: Pace::default(),
        saver: Saver::default(),
        ended: None,
        suspends: false,
        was_busy: false,
        ticked: Instant::now(),
    };
    // Before anything is started that a signal must end.
    let mut signals = Signals::listen()?;
    let begun = looping.begin();
    looping.unless_gone(begun)?;
    let mut input = Input::new();
    while looping.ended.is_none() {
        let turned = looping.turn(&mut input, &mut signals).await;
        looping.unless_gone(turned)?;
    }
    Ok(looping.ended.unwrap_or(Ended::Quit))
}

struct Loop<'a> {
    app: &'a mut App,
    outside: Outside<'a>,
    canvas: Canvas,
    browser: Browser,
    guard: Guard,
    terminal: Terminal<CrosstermBackend<Screen>>,
    pace: Pace,
    saver: Saver,
    ended: Option<Ended>,
    suspends: bool,
    was_busy: bool,
    ticked: Instant,
}

/// What woke the loop.
enum Woken {
    Signal(Told),
    Input(AppEvent),
    Other(AppEvent),
    Coloured,
    Frame,
}

impl Loop<'_> {
    /// The first frame stands before anything is started: how many servers there are must not be felt.
    fn begin(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.take_in(AppEvent::Resize(size.width, size.height));
        if self.app.theme == ThemeChoice::Auto {
            self.take_in(AppEvent::Theme(theme::detect_here()));
        }
        self.propose(None);
        self.frame()?;
        let now = self.outside.clock.now();
        self.outside.recording.start(now);
        let effects = self.app.start(now);
        self.carry_out(effects);
        self.pace.mark();
        Ok(())
    }

    /// Waits for one thing, takes in what came with it, and draws when a frame is due.
    async fn turn(&mut self, input: &mut Input, signals: &mut Signals) -> io::Result<()> {
        match self.wait(input, signals).await {
            Woken::Signal(Told::End(number)) => self.end(Ended::Signal(number)),
            Woken::Signal(Told::Continued) => self.resume()?,
            Woken::Input(event) => self.take_input(event),
            Woken::Other(event) => self.take_in(event),
            Woken::Coloured => self.pace.mark(),
            Woken::Frame => {}
        }
        self.drain(input);
        if std::mem::take(&mut self.suspends) {
            self.suspend(signals).await?;
        }
        let now = Instant::now();
        if self.tick_at().is_some_and(|tick| tick <= now) {
            self.take_in(AppEvent::Tick);
        }
        if self.ended.is_none() && self.pace.is_due(now) {
            self.frame()?;
        }
        Ok(())
    }

    async fn wait(&mut self, input: &mut Input, signals: &mut Signals) -> Woken {
        let frame = self.pace.deadline(Instant::now());
        let tick = self.tick_at();
        let outside = &mut self.outside;
        tokio::select! {
            biased;
            told = signals.next() => Woken::Signal(told),
            event = input.next() => Woken::Input(event),
            Some(event) = outside.events.recv() => Woken::Other(AppEvent::Host(event)),
            Some(record) = outside.wire.recv() => Woken::Other(AppEvent::Wire(record)),
            Some(news) = outside.news.recv() => Woken::Other(AppEvent::News(Box::new(news))),
            opened = self.browser.opened() => Woken::Other(opened),
            () = at(frame) => Woken::Frame,
            () = self.canvas.coloured() => Woken::Coloured,
            saved = self.saver.saved() => Woken::Other(AppEvent::Saved(saved)),
            () = at(tick) => Woken::Other(AppEvent::Tick),
        }
    }

    fn tick_at(&self) -> Option<Instant> {
        self.app.tick().map(|after| self.ticked + after)
    }

    /// Takes in what is there already, some of each kind, so that no kind can hold up the frame.
    fn drain(&mut self, input: &mut Input) {
        for _ in 0..AT_ONCE {
            if self.ended.is_some() || self.suspends {
                return;
            }
            let Some(event) = input.ready() else {
                break;
            };
            self.take_input(event);
        }
        for _ in 0..AT_ONCE {
            let Ok(event) = self.outside.events.try_recv() else {
                break;
            };
            self.take_in(AppEvent::Host(event));
        }
        let mut bytes = 0;
        for _ in 0..AT_ONCE {
            let Some(record) = self.outside.wire.try_recv() else {
                break;
            };
            bytes += record.text.len();
            self.take_in(AppEvent::Wire(record));
            if bytes > BYTES_AT_ONCE {
                break;
            }
        }
    }

    fn take_input(&mut self, event: AppEvent) {
        if matches!(event, AppEvent::Resize(..)) {
            // Sizes in between may never be told of, and the terminal has cut or moved its cells at each of them: even the
            // same size again says nothing about what still stands.
            self.forget_screen();
        }
        if event == AppEvent::Terminate {
            self.end(Ended::Gone);
        } else {
            self.take_in(event);
        }
    }

    fn take_in(&mut self, event: AppEvent) {
        // The wire is on the screen only in what lies on top.
        let shows = !matches!(event, AppEvent::Wire(_))
            || matches!(self.app.overlay, Overlay::Detail { .. })
            || self.app.inspector.is_some();
        if shows {
            self.pace.mark();
            self.ticked = Instant::now();
        }
        let concerns_host = !matches!(event, AppEvent::Wire(_));
        let resumes = matches!(
            event,
            AppEvent::Host(HostEvent::Session(SessionEvent::Opened { .. }))
        );
        let now = self.outside.clock.now();
        // Before it is taken in: what is typed into a field for secrets is known by the state that it meets.
        self.outside.recording.event(self.app, &event, now);
        let effects = self.app.update(event, now);
        self.carry_out(effects);
        if concerns_host {
            (self.outside.see)(&self.app.host);
        }
        let is_busy = self.app.host.is_busy();
        let has_ended = std::mem::replace(&mut self.was_busy, is_busy) && !is_busy;
        if has_ended || resumes {
            let last = self.app.last_prompt().map(str::to_owned);
            self.propose(last.as_deref());
        }
    }

    fn propose(&mut self, last: Option<&str>) {
        let suggestion = (self.outside.suggest)(last);
        if suggestion.is_some() || self.app.suggestion.is_some() {
            self.take_in(AppEvent::Suggestion(suggestion));
        }
    }

    fn carry_out(&mut self, effects: Vec<AppEffect>) {
        for effect in effects {
            match effect {
                AppEffect::Host(effect) => (self.outside.perform)(effect),
                AppEffect::Copy(text) => {
                    let copied = clipboard::copy(self.terminal.backend_mut(), &text);
                    self.take_in(AppEvent::Copied(copied));
                }
                AppEffect::Ring => self.write_out(notify::BELL),
                AppEffect::Notify(text) => {
                    let sequence = notify::sequence(&text, &notify::Terminal::here());
                    self.write_out(&sequence);
                }
                AppEffect::Open(url) => self.browser.begin(url),
                AppEffect::FindFolders(mut folders) => {
                    folders.retain(|folder| !folder.is_dir());
                    self.take_in(AppEvent::Missing(folders));
                }
                AppEffect::Save(files) => self.saver.order(files),
                AppEffect::Configure(config) => (self.outside.configure)(config),
                AppEffect::Trust(folder) => {
                    if let Err(why) = (self.outside.trust)(&folder) {
                        self.take_in(AppEvent::TrustNotKept(why));
                    }
                }
                AppEffect::DetectTheme => self.take_in(AppEvent::Theme(theme::detect_here())),
                AppEffect::Redraw => self.forget_screen(),
                AppEffect::Suspend => self.suspends = true,
                AppEffect::Quit => self.ended = self.ended.or(Some(Ended::Quit)),
            }
        }
    }

    fn end(&mut self, why: Ended) {
        self.ended = Some(why);
        self.take_in(AppEvent::Terminate);
    }

    /// A terminal that goes away may fail before it is told of.
    fn unless_gone(&mut self, done: io::Result<()>) -> io::Result<()> {
        if done.is_err() && is_gone() {
            self.end(Ended::Gone);
            return Ok(());
        }
        done
    }

    fn frame(&mut self) -> io::Result<()> {
        let (app, canvas) = (&*self.app, &mut self.canvas);
        let recording = &self.outside.recording;
        let mut measured = Measured::default();
        let mut seen = None;
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            measured = canvas.draw(app, frame);
            seen = recording.sees(app, frame);
        })?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())?;
        self.pace.drawn(Instant::now());
        self.canvas.begin_colours();
        let now = self.outside.clock.now();
        self.outside.recording.drawn(seen, &measured, now);
        let effects = self.app.update(AppEvent::Drawn(measured), now);
        self.carry_out(effects);
        Ok(())
    }

    /// Writes what no frame holds. What the terminal makes of it cannot be known.
    fn write_out(&mut self, sequence: &str) {
        let out = self.terminal.backend_mut();
        // A failure here is one of the next frame too, and is told there.
        let _ = out
            .write_all(sequence.as_bytes())
            .and_then(|()| Write::flush(out));
    }

    /// The next frame writes every cell. By a resize, because `Terminal::clear` asks the terminal where its cursor is, and
    /// waits for the answer.
    fn forget_screen(&mut self) {
        if let Ok(size) = self.terminal.size() {
            // A failure here is one of the next frame too, and is told there.
            let _ = self
                .terminal
                .resize(Rect::new(0, 0, size.width, size.height));
        }
        self.pace.mark();
    }

    /// Ctrl-Z.
    async fn suspend(&mut self, signals: &mut Signals) -> io::Result<()> {
        self.guard.leave();
        signals.stop().await;
        self.resume()
    }

    fn resume(&mut self) -> io::Result<()> {
        self.guard.reenter()?;
        self.canvas.resumed();
        let size = self.terminal.size()?;
        self.take_in(AppEvent::Resize(size.width, size.height));
        self.take_in(AppEvent::Resumed);
        Ok(())
    }
}
