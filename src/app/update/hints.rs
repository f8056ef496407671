//! Which keys the status line shows: those of the table that would do something now.
//!
//! Pure.

use crate::app::browse::Shelf;
use crate::app::form::FieldKey;
use crate::app::intent::{Inspecting, Intent, Keeping, Reaching};
use crate::app::keymap::{self, Binding, Context};
use crate::app::state::App;
use crate::mcp::status::Status;

impl App {
    /// The keys that the status line shows now, as (key, label), the weightiest first.
    pub fn hints(&self) -> Vec<(String, &'static str)> {
        let context = self.context();
        keymap::hints(context)
            .filter(|binding| self.has_use(context, binding))
            .map(|binding| (binding.shown_key(), self.label(binding)))
            .collect()
    }

    fn has_use(&self, context: Context, binding: &Binding) -> bool {
        match (&binding.intent, context) {
            (Intent::Back, Context::Chat) => self.is_running(),
            (Intent::Inspect(Inspecting::Open(_)), _) => self.server_in_view().is_some(),
            (Intent::Restart(_), _) => self.server_in_view().is_some(),
            (Intent::Disable(_), _) => self.is_server_in_view_off() == Some(false),
            (Intent::Enable(_), _) => self.is_server_in_view_off() == Some(true),
            (Intent::Pins(_), _) => self.changed_server().is_some(),
            (Intent::CopyResult, _) => self.call_in_view().is_some_and(|call| call.end().is_some()),
            (Intent::LookAfter | Intent::RepeatCall, _) => self.unknown_in_view().is_some(),
            (Intent::Keeping(Keeping::Afresh), _) => self.has_kept_answer_in_view(),
            (Intent::SignIn(_), _) => self.server_to_sign_in_at().is_some(),
            // The dialogs show their answers with their keys themselves.
            (Intent::Answer(_), context) if context != Context::Reason => false,
            (Intent::Sign(_) | Intent::Trust(_), _) => false,
            (Intent::Field(FieldKey::Clear), Context::Form) => self.has_folders(),
            (Intent::Arguments(_), _) => {
                let (rows, area) = self.chat.measured.ask;
                rows > area
            }
            (Intent::Reach(Reaching::SaveBlocks), _) => self.has_files_in_view(),
            (Intent::Session(_), Context::Palette) => self.shelf() == Some(Shelf::Sessions),
            (Intent::Inspect(Inspecting::Offers(key)), Context::Offers | Context::CallForm) => {
                self.offers_has_use(*key)
            }
            (Intent::Open, Context::Calls) => !self.host.calls.is_empty(),
            (Intent::Open, Context::Servers) => !self.host.servers.is_empty(),
            _ => true,
        }
    }

    /// A prompt that cannot go out now waits: the word for the key says so.
    fn label(&self, binding: &Binding) -> &'static str {
        match binding.intent {
            Intent::Submit if !self.can_send() => "send next",
            Intent::Pins(_) if self.shows_changes() => "accept",
            _ => binding.label,
        }
    }

    fn is_server_in_view_off(&self) -> Option<bool> {
        let server = self.host.server(&self.server_in_view()?)?;
        Some(matches!(server.status, Status::Disabled))
    }
}
