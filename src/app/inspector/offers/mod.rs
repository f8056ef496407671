//! The tabs of what a server offers: its tools, its resources and its prompts. What is marked, what is filled in, what is looked at.
//!
//! Plain state; `keys` changes it, the view reads it. Calls are the host's: the history of a tool is read from there, and so are the
//! values that a form begins with the second time. Nothing of it is written to disk.

mod fill;
mod keys;
pub mod list;
pub mod look;
mod scene;
mod show;
pub mod words;

use std::collections::BTreeMap;

pub use fill::Filling;
pub use list::{Offer, Offered};
pub use look::Look;
pub use scene::{OffersKey, Scene, Wish};

use crate::app::composer::Composer;
use crate::app::keymap::Context;
use crate::host::Server;
use crate::ids::{CallId, Moment};

/// The three lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum OfferKind {
    /// Tools.
    #[default]
    Tools,
    /// Resources and templates.
    Resources,
    /// Prompts.
    Prompts,
}

/// What lies on the list, the last on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// What is to be filled in.
    Form,
    /// What came of a call.
    Result(CallId),
    /// The calls of what is marked, newest first, and the marked one of them.
    History(usize),
    /// How two results differ.
    Compare(CallId, CallId),
}

/// One of the lists, as it is looked at.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// What is searched for.
    pub query: Composer,
    /// Whether it is being typed.
    pub searching: bool,
    /// The marked row of what fits.
    pub marked: usize,
    /// What stood in it when it was marked: the row follows it when the server's list changes.
    of: Option<Offered>,
    /// What lies on the list.
    pub faces: Vec<Face>,
    /// The first line on show of what can be scrolled.
    pub scroll: usize,
    /// How results are looked at; absent: as it suits each best.
    pub look: Option<Look>,
    /// The first of two results that are to be compared.
    pub held: Option<CallId>,
}

/// The three tabs.
#[derive(Debug, Clone, Default)]
pub struct OffersTab {
    /// The lists, by what is in them.
    pub shelves: BTreeMap<OfferKind, Shelf>,
    /// What is filled in, for each thing that was opened.
    pub forms: BTreeMap<Offered, Filling>,
    /// When a form was closed because what it was for is gone, or the last key since that was meant for it.
    pub closed: Option<Moment>,
}

impl OffersTab {
    /// One of the lists.
    pub fn shelf(&self, kind: OfferKind) -> Shelf {
        self.shelves.get(&kind).cloned().unwrap_or_default()
    }

    /// Who gets the keys in one of the lists.
    pub fn context(&self, kind: OfferKind) -> Context {
        match self.shelves.get(&kind) {
            Some(shelf) if shelf.searching => Context::OffersSearch,
            Some(shelf) if shelf.face() == Some(Face::Form) => Context::CallForm,
            _ => Context::Offers,
        }
    }

    /// Brings what is marked and filled in into line with a server that may have changed its lists. Gives what a form was open for
    /// that is closed now.
    pub fn follow(&mut self, server: &Server) -> Option<Offered> {
        for (of, form) in &mut self.forms {
            form.follow(server, of);
        }
        let mut closed = None;
        for (kind, shelf) in &mut self.shelves {
            let all = list::offers(server, *kind, "");
            let fitting = list::offers(server, *kind, shelf.query.text());
            if !all.is_empty() && shelf.follow(&fitting) {
                closed = shelf.of.clone();
            }
        }
        closed
    }

    fn shelf_mut(&mut self, kind: OfferKind) -> &mut Shelf {
        self.shelves.entry(kind).or_default()
    }
}

impl Shelf {
    /// Marks the row of what was marked. What is open for a thing that is gone is closed: it must not be another thing's. Whether a
    /// form was.
    fn follow(&mut self, offers: &[Offer]) -> bool {
        if self.of.is_none() {
            return false;
        }
        let row = offers
            .iter()
            .position(|offer| Some(&offer.of) == self.of.as_ref());
        match row {
            Some(row) => {
                self.marked = row;
                false
            }
            None => std::mem::take(&mut self.faces).contains(&Face::Form),
        }
    }

    /// What lies on top of the list.
    pub fn face(&self) -> Option<Face> {
        self.faces.last().copied()
    }

    /// Puts something on top; what is open of the same sort is replaced.
    fn show(&mut self, face: Face) {
        let same = |known: &Face| std::mem::discriminant(known) == std::mem::discriminant(&face);
        if let Some(at) = self.faces.iter().position(same) {
            self.faces.truncate(at);
        }
        self.faces.push(face);
        self.scroll = 0;
    }
}
