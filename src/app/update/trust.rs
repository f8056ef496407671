//! The configuration while the program runs: the question whether a folder's file may run, and what follows from files that were
//! read again.
//!
//! Pure. Whoever carries effects out is told of a configuration before anything that follows from it.

use std::sync::Arc;

use super::host_effects;
use super::overlay::scrolled;
use super::question::TYPED_AHEAD;
use crate::agent::transcript::Level;
use crate::app::dialog::Trusting;
use crate::app::effect::AppEffect;
use crate::app::intent::{Move, TrustKey};
use crate::app::key::{Code, Key};
use crate::app::state::App;
use crate::config::{Asks, Config, News, Permitted, ThemeChoice};
use crate::host::ModelState;

impl App {
    /// Puts the question before anything is started. The host must stand on the configuration without the folder's file.
    pub fn ask_for_trust(&mut self, asks: Arc<Asks>) {
        let why =
            "not looked for yet: first it is to be said whether this folder's mcp.toml may run";
        let wait = ModelState::Absent {
            why: why.to_owned(),
        };
        let model = std::mem::replace(&mut self.host.model, wait);
        self.trust = Some(Box::new(Trusting {
            model: Some(model),
            ..Trusting::new(asks, true)
        }));
    }

    /// Takes the question away; gives whether the host is still to be started.
    fn answered(&mut self) -> bool {
        let Some(asked) = self.trust.take() else {
            return false;
        };
        if let Some(model) = asked.model {
            self.host.model = model;
        }
        asked.starting
    }

    /// The configuration's files have changed.
    pub(super) fn news(&mut self, news: News) -> Vec<AppEffect> {
        match news {
            News::Wrong(why) => {
                self.host.reload_failed(&why);
                Vec::new()
            }
            News::Read(Permitted::Runs(config)) => {
                let starts = self.answered();
                self.declined = None;
                self.take_over(&config, starts)
            }
            News::Read(Permitted::Asks(asks)) => self.asked_for_trust(asks),
            News::Touched(path) => self.sources_touched(path),
        }
    }

    fn asked_for_trust(&mut self, asks: Arc<Asks>) -> Vec<AppEffect> {
        if let Some(asked) = &mut self.trust {
            // Another state of the same file: the question begins anew.
            **asked = Trusting {
                model: asked.model.take(),
                ..Trusting::new(asks, asked.starting)
            };
            return Vec::new();
        }
        match &self.declined {
            // The no still stands, and another file has changed. Where the folder's file never ran, the rest is taken over; where
            // an earlier state of it runs, it cannot be told apart from the rest any more.
            Some((digest, left_out)) if *digest == asks.folder.digest => match left_out {
                true => self.take_over(&asks.without, false),
                false => {
                    let text = "The configuration has changed, and waits: this folder's mcp.toml is not trusted as it is now";
                    let hint = "start mcpdeck again, or change the file: then you are asked again";
                    self.host
                        .transcript
                        .note(Level::Warning, text, Some(hint.to_owned()));
                    Vec::new()
                }
            },
            _ => {
                self.trust = Some(Box::new(Trusting::new(asks, false)));
                Vec::new()
            }
        }
    }

    /// The person's answer.
    pub(super) fn trust(&mut self, key: TrustKey) -> Vec<AppEffect> {
        let Some(asked) = &mut self.trust else {
            return Vec::new();
        };
        let (asks, starting) = (asked.asks.clone(), asked.starting);
        match key {
            TrustKey::Yes if !asked.seen => {
                self.complain("There is more: look at it to the end first, with PgDn.");
                Vec::new()
            }
            TrustKey::Yes => {
                self.answered();
                self.declined = None;
                let mut effects = vec![AppEffect::Trust(Box::new(asks.folder.clone()))];
                effects.extend(self.take_over(&asks.with, starting));
                effects
            }
            TrustKey::No => {
                self.answered();
                self.decline(&asks, starting)
            }
            TrustKey::Quit => self.quit(),
        }
    }

    /// The yes could not be written down.
    pub(super) fn trust_not_kept(&mut self, why: &str) -> Vec<AppEffect> {
        self.complain(format!(
            "The yes holds for this run only, it could not be written down: {why}"
        ));
        Vec::new()
    }

    fn decline(&mut self, asks: &Asks, starting: bool) -> Vec<AppEffect> {
        let was_left_out = self.declined.as_ref().is_some_and(|(_, out)| *out);
        self.declined = Some((asks.folder.digest.clone(), starting || was_left_out));
        let (text, hint) = match starting || was_left_out {
            true => (
                "This folder's mcp.toml was left out: nothing of it runs",
                "mcpdeck trust, or the next start, asks again",
            ),
            false => (
                "This folder's mcp.toml has changed and is not trusted as it is now: what ran before goes on",
                "mcpdeck trust, or the next start, asks again",
            ),
        };
        self.host
            .transcript
            .note(Level::Info, text, Some(hint.to_owned()));
        match starting {
            true => self.begin(),
            false => Vec::new(),
        }
    }

    fn take_over(&mut self, config: &Arc<Config>, starts: bool) -> Vec<AppEffect> {
        let mut effects = vec![AppEffect::Configure(config.clone())];
        effects.extend(host_effects(self.host.reload(config, self.now)));
        if starts {
            effects.extend(self.begin());
        }
        if self.configured_theme != config.ui.theme {
            self.configured_theme = config.ui.theme;
            match config.ui.theme {
                ThemeChoice::Auto => effects.push(AppEffect::DetectTheme),
                theme => self.theme = theme,
            }
        }
        let last = self.host.servers.len().saturating_sub(1);
        self.servers.marked = self.servers.marked.min(last);
        effects
    }

    /// Whether this key was on its way elsewhere when the question came.
    pub(super) fn is_trust_typed_ahead(&mut self, key: Key) -> bool {
        let now = self.now;
        let Some(asked) = &mut self.trust else {
            return false;
        };
        let early = asked
            .shown
            .is_none_or(|shown| now.since(shown) < TYPED_AHEAD);
        let answers = key.typed().is_some() || key.code == Code::Esc;
        if answers && early {
            asked.shown = Some(now);
        }
        answers && early
    }

    /// What the view measured of the question: its end may be in sight now.
    pub(super) fn trust_drawn(&mut self) {
        let ((rows, area), now) = (self.chat.measured.detail, self.now);
        if let Some(asked) = &mut self.trust
            && area > 0
        {
            asked.shown.get_or_insert(now);
            asked.scroll = asked.scroll.min(rows.saturating_sub(area));
            asked.seen |= asked.scroll + area >= rows;
        }
    }

    pub(super) fn scroll_trust(&mut self, by: Move) {
        let (rows, area) = self.chat.measured.detail;
        if let Some(asked) = &mut self.trust {
            asked.scroll = scrolled(asked.scroll, by, rows, area);
            asked.seen |= area > 0 && asked.scroll + area >= rows;
        }
    }
}
