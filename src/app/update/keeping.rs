//! Keys and commands about what is kept: answers and lists in the cache, the conversation in the model's context.
//!
//! Pure.

use crate::app::effect::AppEffect;
use crate::app::intent::Keeping;
use crate::app::state::{Anchor, App, Detail};
use crate::host::Command;

impl App {
    /// One small function for each wish.
    pub(super) fn keeping(&mut self, wish: Keeping) -> Vec<AppEffect> {
        match wish {
            Keeping::Cache => {
                self.show(Detail::Cache);
                Vec::new()
            }
            Keeping::Context => {
                self.show(Detail::Context);
                Vec::new()
            }
            Keeping::ClearCache(server) => {
                self.say(match &server {
                    Some(name) => format!("What was kept of {name} is forgotten."),
                    None => "What was kept is forgotten.".to_owned(),
                });
                self.command(Command::ClearCache(server))
            }
            Keeping::Afresh => self.call_afresh(),
            Keeping::Compact(words) => {
                self.chat.anchor = Anchor::Follow;
                self.command(Command::Compact(words))
            }
        }
    }

    /// Whether the call in view is of a tool whose answers are kept.
    pub(super) fn has_kept_answer_in_view(&self) -> bool {
        let call = self.call_in_view();
        call.is_some_and(|call| call.end().is_some() && self.host.keeps_answers_of(call))
    }

    fn call_afresh(&mut self) -> Vec<AppEffect> {
        let Some(call) = self.call_in_view().map(|call| call.id) else {
            return Vec::new();
        };
        if !self.has_kept_answer_in_view() {
            self.say("No answer of this tool is kept; `cache_sec` in its table keeps them.");
            return Vec::new();
        }
        // The new call is the newest: it is what one wants to see.
        self.calls.marked = None;
        let effects = self.command(Command::Afresh(call));
        let newest = self.host.calls.last().map(|call| call.id);
        if let (Some(new), crate::app::Overlay::Detail { of, scroll }) = (newest, &mut self.overlay)
        {
            (*of, *scroll) = (Detail::Call(new), 0);
        }
        effects
    }
}
