//! The inspector: opened for a server, its tabs, and what goes on to the tab on show.
//!
//! Pure. What a key means in a tab is in the tab's own file.

mod follow;
mod lab;
mod offers;
mod overview;
mod wire;

use super::lists::moved;
use crate::app::effect::AppEffect;
use crate::app::inspector::{
    FollowKey, InspectTab, Inspector, LabKey, OffersKey, OverviewKey, WireKey,
};
use crate::app::intent::{Inspecting, Move};
use crate::app::state::{App, Overlay};
use crate::host::Command;
use crate::ids::ServerName;

impl App {
    /// Opens the program for one server: nothing lies behind the inspector.
    pub fn inspect_alone(&mut self, server: ServerName) {
        let mut inspector = Inspector::new(server);
        inspector.alone = true;
        self.inspector = Some(Box::new(inspector));
    }

    /// Opens the program for the wire of another program's server: it is not ours, so nothing but its wire can be looked at.
    pub fn attach_alone(&mut self, server: ServerName, behind: String) {
        let mut inspector = Inspector::new(server);
        inspector.alone = true;
        inspector.attached = Some(behind);
        inspector.tab = InspectTab::Wire;
        self.inspector = Some(Box::new(inspector));
    }

    pub(super) fn inspect(&mut self, wish: Inspecting) -> Vec<AppEffect> {
        match wish {
            Inspecting::Open(server) => self.open_inspector(server),
            Inspecting::Tab(tab) => self.show_tab(tab),
            Inspecting::NextTab => self.tab_beside(true),
            Inspecting::PreviousTab => self.tab_beside(false),
            Inspecting::Back => self.inspector_back(),
            Inspecting::Overview(key) => self.overview_key(key),
            Inspecting::Offers(key) => self.offers_key(key),
            Inspecting::Wire(key) => self.wire_key(key),
            Inspecting::Follow(key) => self.follow_key(key),
            Inspecting::Lab(key) => self.lab_key(key),
        }
    }

    /// The inspector of the server that is named, open or marked. What its tabs remember of the same server stays.
    fn open_inspector(&mut self, named: Option<ServerName>) -> Vec<AppEffect> {
        let Some(server) = named.or_else(|| self.server_in_view()) else {
            self.say("There is no server to inspect.");
            return Vec::new();
        };
        self.overlay = Overlay::None;
        match &mut self.inspector {
            Some(inspector) if inspector.server == server || inspector.attached.is_some() => {}
            Some(inspector) if inspector.alone => self.inspect_alone(server),
            _ => self.inspector = Some(Box::new(Inspector::new(server))),
        }
        self.look_anew();
        self.command(Command::Look)
    }

    /// Shows a tab of the inspector.
    pub(super) fn show_tab(&mut self, tab: InspectTab) -> Vec<AppEffect> {
        if let Some(inspector) = &mut self.inspector
            && (inspector.attached.is_none() || tab == InspectTab::Wire)
        {
            inspector.tab = tab;
        }
        Vec::new()
    }

    fn tab_beside(&mut self, on: bool) -> Vec<AppEffect> {
        match &self.inspector {
            Some(inspector) => self.show_tab(inspector.tab.beside(on)),
            None => Vec::new(),
        }
    }

    /// Closes what is open in the tab, else the inspector.
    pub(super) fn inspector_back(&mut self) -> Vec<AppEffect> {
        let Some((tab, alone)) = self.inspector.as_ref().map(|open| (open.tab, open.alone)) else {
            return Vec::new();
        };
        let closed = match tab {
            InspectTab::Overview => self.overview_back(),
            InspectTab::Tools | InspectTab::Resources | InspectTab::Prompts => self.offers_back(),
            InspectTab::Wire => self.wire_back(),
            InspectTab::Follow => self.follow_back(),
            InspectTab::Lab => self.lab_back(),
        };
        if !closed && alone {
            self.say("Press Ctrl-C twice to quit.");
        } else if !closed {
            self.inspector = None;
        }
        Vec::new()
    }

    /// From the list of the tab to what stands beside it, or back, where keys go through both.
    pub(super) fn take_keys_across(&mut self) -> Vec<AppEffect> {
        let Some(inspector) = &self.inspector else {
            return Vec::new();
        };
        match inspector.tab {
            InspectTab::Wire if inspector.wire.detail.has_keys => self.wire_key(WireKey::Back),
            InspectTab::Wire => self.wire_key(WireKey::Enter),
            _ => Vec::new(),
        }
    }

    /// The wheel, or whatever else moves without a key of the tab.
    pub(super) fn move_in_inspector(&mut self, by: Move) -> Vec<AppEffect> {
        let Some(tab) = self.inspector.as_ref().map(|open| open.tab) else {
            return Vec::new();
        };
        match tab {
            InspectTab::Overview => self.overview_key(OverviewKey::Go(by)),
            InspectTab::Tools | InspectTab::Resources | InspectTab::Prompts => {
                self.offers_key(OffersKey::Go(by))
            }
            InspectTab::Wire => self.wire_key(WireKey::Go(by)),
            InspectTab::Follow => self.follow_key(FollowKey::Go(by)),
            InspectTab::Lab => self.lab_key(LabKey::Go(by)),
        }
    }
}
