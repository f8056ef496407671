//! Saved sessions: the list, going on with one, names, and what is said of the saving.
//!
//! Pure.

use crate::app::browse::Shelf;
use crate::app::effect::AppEffect;
use crate::app::intent::{Intent, SessionKey};
use crate::app::palette::Palette;
use crate::app::state::{Anchor, App, Opening, Overlay};
use crate::host::session::{self, SessionState};
use crate::host::{Command, Saving, SessionCommand};
use crate::text::clean;

impl App {
    pub(super) fn session(&mut self, wish: SessionKey) -> Vec<AppEffect> {
        match wish {
            SessionKey::Browse => self.browse_sessions(),
            SessionKey::Resume(id) => {
                self.chat.anchor = Anchor::Follow;
                self.command(Command::Session(SessionCommand::Resume(id)))
            }
            SessionKey::Rename(title) => {
                self.command(Command::Session(SessionCommand::Rename(title)))
            }
            SessionKey::Tell => {
                let text = told(&self.host.session);
                self.complain(text);
                Vec::new()
            }
            SessionKey::Delete => self.delete_session(),
        }
    }

    /// What the person asked for on the command line.
    pub(super) fn begin_with(&mut self) -> Vec<AppEffect> {
        match self.opening.take() {
            Some(Opening::Session(id)) => {
                self.command(Command::Session(SessionCommand::Resume(id)))
            }
            Some(Opening::List) => self.browse_sessions(),
            None => Vec::new(),
        }
    }

    fn browse_sessions(&mut self) -> Vec<AppEffect> {
        if self.host.session.saving == Saving::Off {
            self.complain("Sessions are not kept in this run.");
            return Vec::new();
        }
        self.browse(Shelf::Sessions);
        self.command(Command::Session(SessionCommand::List))
    }

    /// What lies on top lists.
    pub(super) fn shelf(&self) -> Option<Shelf> {
        match &self.overlay {
            Overlay::Palette(palette) => Some(palette.shelf),
            _ => None,
        }
    }

    fn session_list(&mut self) -> Option<&mut Palette> {
        match &mut self.overlay {
            Overlay::Palette(palette) if palette.shelf == Shelf::Sessions => Some(palette),
            _ => None,
        }
    }

    /// A new list has come: the mark stays at its row.
    pub(super) fn fill_sessions(&mut self) {
        let trouble = self.host.session.shelf.as_ref();
        let trouble = trouble.and_then(|shelf| shelf.trouble.clone());
        if let Overlay::Palette(palette) = &mut self.overlay
            && palette.shelf == Shelf::Sessions
        {
            let marked = palette.marked;
            palette.filter(&self.host);
            palette.marked = marked.min(palette.rows.len().saturating_sub(1));
            if let Some(trouble) = trouble {
                self.complain(clean::line(&trouble));
            }
        }
    }

    fn delete_session(&mut self) -> Vec<AppEffect> {
        let Some(palette) = self.session_list() else {
            return Vec::new();
        };
        let Some(Intent::Session(SessionKey::Resume(id))) = palette.chosen().cloned() else {
            return Vec::new();
        };
        if palette.doomed.take().as_ref() == Some(&id) {
            return self.command(Command::Session(SessionCommand::Delete(id)));
        }
        palette.doomed = Some(id);
        self.complain("Del once more deletes it for good; any other key keeps it.");
        Vec::new()
    }

    /// Any other key than the one that asked keeps the session.
    pub(super) fn stir_sessions(&mut self, intent: Option<&Intent>) {
        if matches!(intent, Some(Intent::Session(SessionKey::Delete))) {
            return;
        }
        let kept = self.session_list().and_then(|list| list.doomed.take());
        if kept.is_some() {
            self.toast = None;
        }
    }

    /// Says what came of a wish about sessions.
    pub(super) fn hear_of_sessions(&mut self) {
        let (number, word) = &self.host.session.word;
        if *number == self.heard {
            return;
        }
        self.heard = *number;
        match word.clone() {
            Ok(what) => self.say(format!("{what}.")),
            Err(why) => self.complain(format!("{why}.")),
        }
    }
}

/// Where the conversation is saved, and whether it is.
fn told(of: &SessionState) -> String {
    let name = match &of.title {
        Some(title) => format!(" “{}”", session::name(Some(title), None)),
        None => String::new(),
    };
    let id = of.id.as_deref().unwrap_or_default();
    match &of.saving {
        Saving::Off => "This conversation is not kept: the program was started so.".to_owned(),
        Saving::Nothing => "Nothing has been said yet that could be saved.".to_owned(),
        Saving::Going => {
            format!("Session{name} is being saved, and is safe when the turn ends. {id}")
        }
        Saving::Saved => format!("Session{name} is saved. mcpdeck --resume {id}"),
        Saving::Failed { why } => format!("Session{name} is not saved: {}", clean::line(why)),
    }
}
