//! The inspector: one server from all sides, in place of the three panes. Which server, which tab, and what each tab remembers.
//!
//! Plain state; `update` changes it, the view reads it. What happened is the host's and the wire log's to know.

pub mod follow;
pub mod lab;
pub mod offers;
pub mod overview;
pub mod wire;

use serde::{Deserialize, Serialize};

use crate::app::keymap::Context;
use crate::ids::ServerName;

pub use follow::{FollowKey, FollowTab};
pub use lab::{LabKey, LabPart, LabTab};
pub use offers::{OfferKind, OffersKey, OffersTab};
pub use overview::{OverviewKey, OverviewTab};
pub use wire::{WireKey, WireTab};

/// One server from all sides.
#[derive(Debug, Clone)]
pub struct Inspector {
    /// Which.
    pub server: ServerName,
    /// The tab on show.
    pub tab: InspectTab,
    /// Nothing lies behind it: the program was opened for it.
    pub alone: bool,
    /// The server of another program is looked at through a proxy: this is what stands behind it, and its wire is all there is.
    pub attached: Option<String>,
    /// How it began, what it says of itself, what is wrong with it.
    pub overview: OverviewTab,
    /// Its tools, resources and prompts.
    pub offers: OffersTab,
    /// What passed on the wire.
    pub wire: WireTab,
    /// One call, or one moment, on a line of time.
    pub follow: FollowTab,
    /// Eras beside each other, and faults.
    pub lab: LabTab,
}

/// The tabs, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum InspectTab {
    /// How it began, what it says of itself, what is wrong with it.
    #[default]
    Overview,
    /// Its tools.
    Tools,
    /// Its resources and templates.
    Resources,
    /// Its prompts.
    Prompts,
    /// What passed on the wire.
    Wire,
    /// One call, or one moment, on a line of time.
    Follow,
    /// Eras beside each other, and faults.
    Lab,
}

impl InspectTab {
    /// All of them; the digit that opens one is its place from 1.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Tools,
        Self::Resources,
        Self::Prompts,
        Self::Wire,
        Self::Follow,
        Self::Lab,
    ];

    /// Its name on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Tools => "Tools",
            Self::Resources => "Resources",
            Self::Prompts => "Prompts",
            Self::Wire => "Wire",
            Self::Follow => "Follow",
            Self::Lab => "Lab",
        }
    }

    /// The tab after, or before; behind the last comes the first.
    pub fn beside(self, on: bool) -> Self {
        let count = Self::ALL.len();
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0);
        Self::ALL[(at + if on { 1 } else { count - 1 }) % count]
    }
}

impl Inspector {
    /// The inspector of a server, at its first tab.
    pub fn new(server: ServerName) -> Self {
        Self {
            server,
            tab: InspectTab::default(),
            alone: false,
            attached: None,
            overview: OverviewTab::default(),
            offers: OffersTab::default(),
            wire: WireTab::default(),
            follow: FollowTab::default(),
            lab: LabTab::default(),
        }
    }

    /// Who gets the keys in it.
    pub fn context(&self) -> Context {
        match self.tab {
            InspectTab::Overview => Context::Overview,
            InspectTab::Tools => self.offers.context(OfferKind::Tools),
            InspectTab::Resources => self.offers.context(OfferKind::Resources),
            InspectTab::Prompts => self.offers.context(OfferKind::Prompts),
            InspectTab::Wire if self.wire.prompt.is_some() => Context::WireFilter,
            InspectTab::Wire => Context::Wire,
            InspectTab::Follow => Context::Follow,
            InspectTab::Lab => Context::Lab,
        }
    }
}
