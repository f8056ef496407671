//! A recorded session with time under the person's hand: played, stepped forward and back, sought, and looked at.
//!
//! Pure. Nothing is carried out: no server, no model and no file is touched. A step back is a rebuild from the nearest state
//! that was kept. What a person opens while looking happens to a copy, which is gone as soon as time moves on: the record stays
//! what it is. `terminal::replay` feeds it keys and time, `view::replay` draws it.

mod keys;
mod session;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::app::effect::AppEffect;
use crate::app::event::AppEvent;
use crate::app::state::{App, Measured};
use crate::ids::Moment;

pub use keys::{HELP, ReplayKey};
pub use session::{Happened, Session, Step};
pub use words::Weight;

/// How fast time can go, as a factor in hundredths.
const SPEEDS: [u64; 9] = [10, 25, 50, 100, 200, 400, 800, 1600, 6400];
/// The speed of the record itself.
const AS_IT_WAS: usize = 3;
/// States that are kept for steps back, and the steps between two of them at first.
const KEPT: usize = 12;
const EVERY: usize = 256;

/// A session that is being replayed.
#[derive(Debug, Clone)]
pub struct Replay {
    session: Arc<Session>,
    /// The program as it was after so many steps.
    app: App,
    at: usize,
    kept: BTreeMap<usize, App>,
    every: usize,
    /// The copy in which a person looks around.
    looking: Option<Box<App>>,
    now: Moment,
    playing: bool,
    speed: usize,
    /// Whether the keys are on show.
    pub help: bool,
    /// A short word about the last key.
    pub word: Option<&'static str>,
    /// The person wants to leave.
    pub quitting: bool,
}

impl Replay {
    /// A session before its first step, at rest.
    pub fn new(session: Arc<Session>) -> Self {
        let app = session.start.app();
        Self {
            kept: BTreeMap::from([(0, app.clone())]),
            session,
            app,
            at: 0,
            every: EVERY,
            looking: None,
            now: Moment(0),
            playing: false,
            speed: AS_IT_WAS,
            help: false,
            word: None,
            quitting: false,
        }
    }

    /// What is to be drawn: the program as it was, or the copy in which the person looks around.
    pub fn app(&self) -> &App {
        self.looking.as_deref().unwrap_or(&self.app)
    }

    /// The program as it was.
    pub fn recorded(&self) -> &App {
        &self.app
    }

    /// Whether a person looks around.
    pub fn is_looking(&self) -> bool {
        self.looking.is_some()
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// How many steps lie behind.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The time in the record.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Whether time goes on by itself.
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// How fast, in hundredths of the record's own speed.
    pub fn speed(&self) -> u64 {
        SPEEDS.get(self.speed).copied().unwrap_or(100)
    }

    /// The last step that mattered at all.
    pub fn last(&self) -> Option<&Step> {
        let mut behind = self.session.steps[..self.at].iter().rev();
        behind.find(|step| step.weight() > Weight::None)
    }

    /// How many steps of some weight lie behind, and how many there are. Both are counted anew: a bar asks for them once a frame.
    pub fn count(&self) -> (usize, usize) {
        let matters = |step: &&Step| step.weight() > Weight::None;
        let steps = &self.session.steps;
        (
            steps[..self.at].iter().filter(matters).count(),
            steps.iter().filter(matters).count(),
        )
    }

    /// Goes one step on, whatever it is.
    pub fn step(&mut self) -> Option<&Step> {
        self.looking = None;
        let step = self.session.steps.get(self.at)?;
        step.apply(&mut self.app);
        self.now = self.now.max(step.at);
        self.at += 1;
        if self.at.is_multiple_of(self.every) {
            self.keep();
        }
        self.session.steps.get(self.at - 1)
    }

    /// Goes on to behind the next step of this weight, or to the end.
    pub fn forward(&mut self, weight: Weight) {
        while let Some(step) = self.step() {
            if step.weight() >= weight {
                break;
            }
        }
        self.rest();
    }

    /// Goes back to behind the step of this weight before the last one, or to the start.
    pub fn back(&mut self, weight: Weight) {
        let behind = &self.session.steps[..self.at];
        let fits = |step: &Step| step.weight() >= weight;
        let last = behind.iter().rposition(fits).unwrap_or(0);
        let before = behind[..last].iter().rposition(fits);
        self.seek(before.map_or(0, |before| before + 1));
    }

    /// Goes to where so many steps lie behind.
    pub fn seek(&mut self, to: usize) {
        let to = to.min(self.session.steps.len());
        if to < self.at {
            let (at, app) = match self.kept.range(..=to).next_back() {
                Some((at, app)) => (*at, app.clone()),
                None => (0, self.session.start.app()),
            };
            (self.at, self.app) = (at, app);
        }
        while self.at < to && self.step().is_some() {}
        self.looking = None;
        self.rest();
    }

    /// Time at rest is that of the last step.
    fn rest(&mut self) {
        let last = self.at.checked_sub(1);
        let last = last.and_then(|last| self.session.steps.get(last));
        self.now = last.map(|step| step.at).unwrap_or_default();
    }

    /// Lets so much of the person's time pass.
    pub fn advance(&mut self, elapsed: Duration) {
        if !self.playing {
            return;
        }
        let micros = elapsed.as_micros() * u128::from(self.speed()) / 100;
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        self.now = self.now.plus(Duration::from_micros(micros));
        while self.due().is_some_and(|due| due <= self.now) {
            self.step();
        }
        if self.due().is_none() {
            self.playing = false;
            self.rest();
        }
    }

    /// How long it takes until the next step, in the person's time; absent: time stands still.
    pub fn wait(&self) -> Option<Duration> {
        let due = self.due().filter(|_| self.playing)?;
        let wait = due.since(self.now).as_micros() * 100 / u128::from(self.speed());
        Some(Duration::from_micros(
            u64::try_from(wait).unwrap_or(u64::MAX),
        ))
    }

    fn due(&self) -> Option<Moment> {
        self.session.steps.get(self.at).map(|step| step.at)
    }

    /// Keeps the state for steps back. When there are too many of them every other one goes.
    fn keep(&mut self) {
        self.kept.insert(self.at, self.app.clone());
        if self.kept.len() > KEPT {
            self.every *= 2;
            let every = self.every;
            self.kept.retain(|at, _| at.is_multiple_of(every));
        }
    }

    /// What the view measured, for whoever looks around; the record has its own.
    pub fn measured(&mut self, measured: Measured) {
        if let Some(app) = &mut self.looking {
            let now = app.now;
            app.update(AppEvent::Drawn(measured), now);
        }
    }

    /// Looks around: what would send or write anything does not happen.
    fn look(&mut self, event: AppEvent) -> Vec<AppEffect> {
        let mut app = match &self.looking {
            Some(app) => app.clone(),
            None => Box::new(self.app.clone()),
        };
        // Nothing is proposed: Tab goes to the other panes, as it does at an empty input.
        app.suggestion = None;
        let now = app.now;
        let mut effects = app.update(event, now);
        let acts = |effect: &AppEffect| match effect {
            AppEffect::Host(_)
            | AppEffect::Open(_)
            | AppEffect::FindFolders(_)
            | AppEffect::Save(_)
            | AppEffect::Configure(_)
            | AppEffect::Trust(_) => true,
            AppEffect::Copy(_)
            | AppEffect::DetectTheme
            | AppEffect::Ring
            | AppEffect::Notify(_)
            | AppEffect::Redraw
            | AppEffect::Suspend
            | AppEffect::Quit => false,
        };
        // At the end of the record the program may be about to end: that is no wish of whoever looks.
        let leaves = app.quitting && !self.app.quitting;
        if leaves || effects.iter().any(acts) {
            self.word = Some("a replay sends nothing and writes nothing");
            return Vec::new();
        }
        effects.retain(|effect| {
            matches!(
                effect,
                AppEffect::Copy(_) | AppEffect::Redraw | AppEffect::Suspend
            )
        });
        self.looking = Some(app);
        effects
    }
}
