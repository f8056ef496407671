//! The keys of a replay. They are taken first; all others look around in what is on the screen.
//!
//! Pure.

use super::Replay;
use super::words::Weight;
use crate::app::effect::AppEffect;
use crate::app::event::AppEvent;
use crate::app::key::{Code, Key};
use crate::app::keymap::Context;

/// What a key of a replay means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayKey {
    /// Time goes on by itself, or stops.
    Play,
    /// To the next thing that happened.
    Next,
    /// To the one before.
    Previous,
    /// To the next prompt, call, answer or change of a server.
    NextScene,
    /// To the one before.
    PreviousScene,
    /// To the start.
    Start,
    /// To the end.
    End,
    /// Faster.
    Faster,
    /// Slower.
    Slower,
    /// The keys.
    Help,
    /// Leaves.
    Quit,
}

/// The keys as the help tells them.
pub const HELP: [(&str, &str); 9] = [
    ("Space", "play or pause"),
    (". ,", "one event forward or back"),
    (
        "> <",
        "to the next or last prompt, call, answer or server change",
    ),
    ("G g", "to the end or the start"),
    ("+ -", "faster or slower"),
    ("q Ctrl-C", "leave"),
    (
        "others",
        "look around: Tab, Enter and Esc for panes, details, the wire, the inspector",
    ),
    (
        "",
        "what you open is a copy: it is gone when time moves on, and the record stays as it is",
    ),
    (
        "",
        "in a field that you opened, such as a search, all keys type until Esc",
    ),
];

impl ReplayKey {
    /// What a key means, if it is one of a replay.
    pub fn of(key: Key) -> Option<Self> {
        if key == Key::char('c').ctrl() {
            return Some(Self::Quit);
        }
        Some(match key.typed()? {
            ' ' => Self::Play,
            '.' => Self::Next,
            ',' => Self::Previous,
            '>' => Self::NextScene,
            '<' => Self::PreviousScene,
            'g' => Self::Start,
            'G' => Self::End,
            '+' | '=' => Self::Faster,
            '-' => Self::Slower,
            '?' => Self::Help,
            'q' => Self::Quit,
            _ => return None,
        })
    }
}

impl Replay {
    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Vec<AppEffect> {
        self.word = None;
        if std::mem::take(&mut self.help) && !matches!(ReplayKey::of(key), Some(ReplayKey::Quit)) {
            return Vec::new();
        }
        match ReplayKey::of(key) {
            Some(ReplayKey::Quit) if key.ctrl => self.press(ReplayKey::Quit),
            Some(meaning) if !self.types() => self.press(meaning),
            _ => self.other(key),
        }
        .unwrap_or_default()
    }

    /// Takes anything else that a person does: the mouse, a paste.
    pub fn event(&mut self, event: AppEvent) -> Vec<AppEffect> {
        self.word = None;
        match event {
            AppEvent::Mouse(_) | AppEvent::Copied(_) => self.look(event),
            _ => Vec::new(),
        }
    }

    /// Whether the person has opened a field that takes letters.
    fn types(&self) -> bool {
        let context = self.app().context();
        self.is_looking()
            && context.types()
            && !is_input(context)
            && context != self.recorded().context()
    }

    fn other(&mut self, key: Key) -> Option<Vec<AppEffect>> {
        if is_input(self.app().context()) && (key.typed().is_some() || key.code == Code::Enter) {
            self.word = Some("nothing can be said in a replay; Tab goes to the other panes");
            return None;
        }
        self.playing = false;
        Some(self.look(AppEvent::Key(key)))
    }

    fn press(&mut self, key: ReplayKey) -> Option<Vec<AppEffect>> {
        if !matches!(key, ReplayKey::Faster | ReplayKey::Slower | ReplayKey::Play) {
            self.playing = false;
        }
        match key {
            ReplayKey::Play if self.at == self.session.steps.len() => {
                self.seek(0);
                self.playing = true;
            }
            ReplayKey::Play => {
                self.playing = !self.playing;
                if self.playing {
                    self.looking = None;
                }
            }
            ReplayKey::Next => self.forward(Weight::Step),
            ReplayKey::Previous => self.back(Weight::Step),
            ReplayKey::NextScene => self.forward(Weight::Scene),
            ReplayKey::PreviousScene => self.back(Weight::Scene),
            ReplayKey::Start => self.seek(0),
            ReplayKey::End => self.seek(usize::MAX),
            ReplayKey::Faster => self.speed = (self.speed + 1).min(super::SPEEDS.len() - 1),
            ReplayKey::Slower => self.speed = self.speed.saturating_sub(1),
            ReplayKey::Help => self.help = true,
            ReplayKey::Quit => self.quitting = true,
        }
        None
    }
}

/// Whether the keys go to the chat's input, where nothing can be said any more.
fn is_input(context: Context) -> bool {
    matches!(context, Context::Chat | Context::Completing)
}
