//! Keys in the tabs of what the server offers: its tools, resources and prompts.
//!
//! Pure. What a key means stands with the tab's state; here its wishes are seen to.

use crate::app::asker::Ask;
use crate::app::effect::AppEffect;
use crate::app::form::Field;
use crate::app::inspector::offers::{Face, Filling, Look, Scene, Wish};
use crate::app::inspector::{InspectTab, OfferKind, OffersKey, OffersTab};
use crate::app::keymap::Context;
use crate::app::state::App;
use crate::host::ToolCall;

impl App {
    pub(super) fn offers_key(&mut self, key: OffersKey) -> Vec<AppEffect> {
        let wishes = self.with_offers(|tab, scene| tab.press(key, scene));
        let wishes = wishes.unwrap_or_default().into_iter();
        wishes.flat_map(|wish| self.grant(wish)).collect()
    }

    /// A character that is typed into a search or a form.
    pub(in crate::app::update) fn offers_typed(&mut self, typed: char) {
        self.with_offers(|tab, scene| tab.insert(typed, scene));
    }

    /// A text that is pasted there.
    pub(in crate::app::update) fn offers_pasted(&mut self, text: &str) {
        self.with_offers(|tab, scene| tab.paste(text, scene));
    }

    /// Whether a text of these tabs has the keys.
    pub(in crate::app::update) fn types_in_offers(&self) -> bool {
        matches!(self.context(), Context::OffersSearch | Context::CallForm)
    }

    /// The field of a call's form that has the keys. In JSON there is none: the names beside the values say what they are.
    pub(in crate::app) fn call_field(&self) -> Option<&Field> {
        let fills = self.context() == Context::CallForm;
        let inspector = self.inspector.as_deref().filter(|_| fills)?;
        match inspector.offers.form(&self.scene()?)? {
            Filling::Call(tree) if tree.raw.is_none() => tree.row()?.field(),
            Filling::Call(_) | Filling::Texts(_) => None,
        }
    }

    /// What has to be asked of the server for what is being written.
    pub(in crate::app::update) fn offers_ask(&self) -> Option<Ask> {
        let tab = self.context() == Context::CallForm;
        let inspector = self.inspector.as_deref().filter(|_| tab)?;
        inspector.offers.ask(&self.scene()?)
    }

    /// Closes what is open inside the tab; says whether there was anything.
    pub(super) fn offers_back(&mut self) -> bool {
        let open = self.with_offers(|tab, scene| {
            let open = tab.holds_back(scene.kind);
            tab.press(OffersKey::Back, scene);
            open
        });
        open.unwrap_or(false)
    }

    /// Whether a key would do anything now: the status line shows no other.
    pub(in crate::app::update) fn offers_has_use(&self, key: OffersKey) -> bool {
        let (Some(inspector), Some(scene)) = (self.inspector.as_deref(), self.scene()) else {
            return false;
        };
        let tab = &inspector.offers;
        let face = tab.shelf(scene.kind).face();
        let result = tab.call(&scene).and_then(ToolCall::result);
        let looks_at = matches!(face, Some(Face::Result(_)));
        match key {
            OffersKey::Look => {
                let looks = |look: &Look| result.is_some_and(|result| look.suits(result));
                looks_at && Look::ALL.iter().filter(|look| looks(look)).count() > 1
            }
            OffersKey::Compare => result.is_some() && face.is_some(),
            OffersKey::CopyResult => result.is_some() && face.is_some(),
            OffersKey::Repeat | OffersKey::History => tab.call(&scene).is_some(),
            OffersKey::Open => matches!(face, None | Some(Face::History(_))),
            OffersKey::Search => face.is_none(),
            OffersKey::Raw | OffersKey::Reset => {
                matches!(tab.form(&scene), Some(Filling::Call(_)))
            }
            OffersKey::Go(_)
            | OffersKey::Back
            | OffersKey::Form(_)
            | OffersKey::Edit(_)
            | OffersKey::Newline
            | OffersKey::Send
            | OffersKey::CopyShell
            | OffersKey::CopyJson => true,
        }
    }

    fn grant(&mut self, wish: Wish) -> Vec<AppEffect> {
        match wish {
            Wish::Command(command) => {
                let before = self.host.calls.len();
                let effects = self.command(command);
                let made = self.host.calls.get(before..).and_then(<[ToolCall]>::last);
                let kind = self.offers_kind();
                if let (Some(id), Some(inspector), Some(kind)) =
                    (made.map(|call| call.id), &mut self.inspector, kind)
                {
                    inspector.offers.sent(id, kind);
                }
                effects
            }
            Wish::Copy(text) => vec![AppEffect::Copy(text)],
            Wish::Say(text) => {
                self.say(text);
                Vec::new()
            }
            Wish::Complain(text) => {
                self.complain(text);
                Vec::new()
            }
        }
    }

    fn offers_kind(&self) -> Option<OfferKind> {
        match self.inspector.as_ref()?.tab {
            InspectTab::Tools => Some(OfferKind::Tools),
            InspectTab::Resources => Some(OfferKind::Resources),
            InspectTab::Prompts => Some(OfferKind::Prompts),
            InspectTab::Overview | InspectTab::Wire | InspectTab::Follow | InspectTab::Lab => None,
        }
    }

    /// What the keys of these tabs are pressed in front of; nothing in another tab.
    pub fn scene(&self) -> Option<Scene<'_>> {
        let kind = self.offers_kind()?;
        let inspector = self.inspector.as_ref()?;
        Some(Scene {
            host: &self.host,
            wire: &self.wire,
            server: &inspector.server,
            given: inspector.overview.given,
            kind,
            asker: &self.reach.asker,
            area: self.chat.measured.detail,
            cols: self.chat.measured.field,
        })
    }

    /// The state of the tabs is taken out while it changes, for what it is pressed in front of is the rest of the program.
    fn with_offers<T>(
        &mut self,
        change: impl FnOnce(&mut OffersTab, &Scene<'_>) -> T,
    ) -> Option<T> {
        let mut tab = std::mem::take(&mut self.inspector.as_mut()?.offers);
        let done = self.scene().map(|scene| change(&mut tab, &scene));
        if let Some(inspector) = &mut self.inspector {
            inspector.offers = tab;
        }
        done
    }
}
