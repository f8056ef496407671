//! What keys do in the tabs of what a server offers.
//!
//! Pure: what has to happen outside is wished for, and `update` sees to it.

use std::collections::btree_map::Entry;

use super::list::{self, Offered};
use super::show::command;
use super::{Face, Filling, OfferKind, OffersKey, OffersTab, Scene, Wish};
use crate::app::asker::Ask;
use crate::app::composer::Edit;
use crate::app::fields::Fields;
use crate::app::form::tree::{Tree, TreeKey};
use crate::app::intent::Move;
use crate::host::{Command, ToolCall};
use crate::ids::CallId;

impl OffersTab {
    /// Does what a key means.
    pub fn press(&mut self, key: OffersKey, at: &Scene<'_>) -> Vec<Wish> {
        let wishes = self.act(key, at);
        self.remember(at);
        wishes
    }

    /// Keeps in mind what is marked.
    fn remember(&mut self, at: &Scene<'_>) {
        let of = self.marked(at);
        self.shelf_mut(at.kind).of = of;
    }

    fn act(&mut self, key: OffersKey, at: &Scene<'_>) -> Vec<Wish> {
        match key {
            OffersKey::Go(by) => return self.go(by, at),
            OffersKey::Open => return self.open(at),
            OffersKey::Back => self.back(at),
            OffersKey::Search => self.search(at),
            OffersKey::Form(key) => return self.form_key(key, at),
            OffersKey::Edit(edit) => self.edit(edit, at),
            OffersKey::Newline => self.insert('\n', at),
            OffersKey::Raw => self.toggle_raw(at),
            OffersKey::Reset => self.reset(at),
            OffersKey::Send => return self.send(at),
            OffersKey::Look => self.look(at),
            OffersKey::History => self.history(at),
            OffersKey::Compare => return self.compare(at),
            OffersKey::Repeat => return self.repeat(at),
            OffersKey::CopyResult => return self.copy_result(at),
            OffersKey::CopyShell | OffersKey::CopyJson => {
                return self.copy_call(key == OffersKey::CopyShell, at);
            }
        }
        Vec::new()
    }

    /// What is marked in the list.
    pub fn marked(&self, at: &Scene<'_>) -> Option<Offered> {
        let shelf = self.shelf(at.kind);
        let offers = list::offers(at.server()?, at.kind, shelf.query.text());
        let last = offers.len().checked_sub(1)?;
        offers
            .into_iter()
            .nth(shelf.marked.min(last))
            .map(|offer| offer.of)
    }

    /// The form on show.
    pub fn form(&self, at: &Scene<'_>) -> Option<&Filling> {
        match self.shelf(at.kind).face() {
            Some(Face::Form) => self.forms.get(&self.marked(at)?),
            _ => None,
        }
    }

    fn form_mut(&mut self, at: &Scene<'_>) -> Option<&mut Filling> {
        let of = self.marked(at)?;
        match self.shelf(at.kind).face() {
            Some(Face::Form) => self.forms.get_mut(&of),
            _ => None,
        }
    }

    /// The call whose result is looked at: the open one, else the marked one of the history, else the newest.
    pub fn call<'a>(&self, at: &Scene<'a>) -> Option<&'a ToolCall> {
        match self.shelf(at.kind).face() {
            Some(Face::Result(id) | Face::Compare(_, id)) => at.host.call(id),
            Some(Face::History(row)) => {
                let of = self.marked(at)?;
                nth_call(at, &of, row)
            }
            Some(Face::Form) | None => nth_call(at, &self.marked(at)?, 0),
        }
    }

    /// What has to be asked of the server for the text that has the keys.
    pub fn ask(&self, at: &Scene<'_>) -> Option<Ask> {
        match self.form(at)? {
            Filling::Texts(fields) => fields.ask(at.host),
            Filling::Call(_) => None,
        }
    }

    /// A typed character.
    pub fn insert(&mut self, typed: char, at: &Scene<'_>) {
        let shelf = self.shelf_mut(at.kind);
        if shelf.searching {
            shelf.query.insert(typed);
            shelf.marked = 0;
            self.remember(at);
        } else if let Some(form) = self.form_mut(at) {
            form.insert(typed);
        }
    }

    /// A pasted text.
    pub fn paste(&mut self, text: &str, at: &Scene<'_>) {
        let shelf = self.shelf_mut(at.kind);
        if shelf.searching {
            shelf.query.paste(&text.replace('\n', " "));
            shelf.marked = 0;
            self.remember(at);
        } else if let Some(form) = self.form_mut(at) {
            form.paste(text);
        }
    }

    fn edit(&mut self, edit: Edit, at: &Scene<'_>) {
        let shelf = self.shelf_mut(at.kind);
        if shelf.searching {
            shelf.query.edit(edit);
            shelf.marked = 0;
        } else if let Some(form) = self.form_mut(at) {
            form.edit(edit);
        }
    }

    /// The call that a command has made is looked at.
    pub fn sent(&mut self, id: CallId, kind: OfferKind) {
        let shelf = self.shelf_mut(kind);
        shelf.look = None;
        shelf.show(Face::Result(id));
    }

    fn go(&mut self, by: Move, at: &Scene<'_>) -> Vec<Wish> {
        let (total, rows) = at.area;
        let page = rows.max(2) - 1;
        let shelf = self.shelf(at.kind);
        match shelf.face() {
            None if matches!(by, Move::PageUp | Move::PageDown) => {
                let shelf = self.shelf_mut(at.kind);
                shelf.scroll = moved(shelf.scroll, by, total.saturating_sub(rows) + 1, page);
            }
            None => {
                let count = at.server().map_or(0, |server| {
                    list::offers(server, at.kind, shelf.query.text()).len()
                });
                let shelf = self.shelf_mut(at.kind);
                shelf.marked = moved(shelf.marked, by, count, page);
                shelf.scroll = 0;
            }
            Some(Face::History(row)) => {
                let count = self
                    .marked(at)
                    .map_or(0, |of| list::calls(at.host, at.server, &of).count());
                let row = moved(row, by, count, page);
                if let Some(face) = self.shelf_mut(at.kind).faces.last_mut() {
                    *face = Face::History(row);
                }
            }
            Some(Face::Form) => {
                let key = match by {
                    Move::Up | Move::PageUp | Move::Top => TreeKey::Previous,
                    Move::Down | Move::PageDown | Move::Bottom => TreeKey::Next,
                };
                return self.form_key(key, at);
            }
            Some(Face::Result(_) | Face::Compare(..)) => {
                let last = total.saturating_sub(rows) + 1;
                let shelf = self.shelf_mut(at.kind);
                shelf.scroll = moved(shelf.scroll, by, last, page);
            }
        }
        Vec::new()
    }

    fn back(&mut self, at: &Scene<'_>) {
        if let Some(Filling::Call(tree)) = self.form_mut(at)
            && tree.raw.is_some()
        {
            // What is whole is taken over. What is not yet stays as it is written, for when the form is opened again.
            tree.toggle_raw();
            if tree.raw.is_none() {
                return;
            }
        }
        let shelf = self.shelf_mut(at.kind);
        if shelf.searching {
            shelf.searching = false;
            return;
        }
        if shelf.faces.pop().is_none() {
            shelf.query = Default::default();
        }
        shelf.scroll = 0;
    }

    /// Whether there is anything of this list to close before the inspector.
    pub fn holds_back(&self, kind: OfferKind) -> bool {
        let shelf = self.shelf(kind);
        shelf.searching || !shelf.faces.is_empty() || !shelf.query.is_empty()
    }

    fn search(&mut self, at: &Scene<'_>) {
        let shelf = self.shelf_mut(at.kind);
        shelf.searching = !shelf.searching;
        if shelf.searching {
            shelf.faces.clear();
        }
    }

    fn open(&mut self, at: &Scene<'_>) -> Vec<Wish> {
        if let Some(Face::History(_)) = self.shelf(at.kind).face() {
            if let Some(id) = self.call(at).map(|call| call.id) {
                let shelf = self.shelf_mut(at.kind);
                shelf.faces.push(Face::Result(id));
                shelf.scroll = 0;
            }
            return Vec::new();
        }
        let (Some(of), Some(server)) = (self.marked(at), at.server()) else {
            return Vec::new();
        };
        if let Offered::Resource(uri) = &of {
            return vec![Wish::Command(Command::Read {
                server: at.server.clone(),
                uri: uri.clone(),
            })];
        }
        if let Entry::Vacant(place) = self.forms.entry(of) {
            let Some(form) = Filling::of(at.host, server, place.key()) else {
                let why = "It cannot be filled in here: it is no URI template of RFC 6570.";
                return vec![Wish::Complain(why.to_owned())];
            };
            place.insert(form);
        }
        self.shelf_mut(at.kind).show(Face::Form);
        Vec::new()
    }

    fn form_key(&mut self, key: TreeKey, at: &Scene<'_>) -> Vec<Wish> {
        let cols = at.cols;
        let values = match self.form(at) {
            Some(Filling::Texts(fields)) => {
                let values = fields.proposals(at.asker);
                values.into_iter().map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let sends = match self.form_mut(at) {
            Some(Filling::Call(tree))
                if tree.rows.is_empty() && tree.raw.is_none() && key == TreeKey::Act =>
            {
                true
            }
            Some(Filling::Call(tree)) => {
                tree.press(key, cols);
                false
            }
            Some(Filling::Texts(fields)) => text_key(fields, key, &values),
            None => false,
        };
        if sends { self.send(at) } else { Vec::new() }
    }

    fn toggle_raw(&mut self, at: &Scene<'_>) {
        if let Some(Filling::Call(tree)) = self.form_mut(at) {
            tree.toggle_raw();
        }
    }

    fn reset(&mut self, at: &Scene<'_>) {
        match self.form_mut(at) {
            Some(Filling::Call(tree)) if tree.raw.is_some() => tree.drop_raw(),
            Some(Filling::Call(tree)) => **tree = Tree::new(tree.schema()),
            Some(Filling::Texts(_)) | None => {}
        }
    }

    fn send(&mut self, at: &Scene<'_>) -> Vec<Wish> {
        let Some(of) = self.marked(at) else {
            return Vec::new();
        };
        let Some(value) = self.form_mut(at).and_then(Filling::accept) else {
            return Vec::new();
        };
        command(at.server, &of, &value)
            .map(Wish::Command)
            .into_iter()
            .collect()
    }
}

fn nth_call<'a>(at: &Scene<'a>, of: &Offered, row: usize) -> Option<&'a ToolCall> {
    let calls: Vec<CallId> = list::calls(at.host, at.server, of)
        .map(|call| call.id)
        .collect();
    at.host.call(*calls.get(row)?)
}

/// A key in a form of texts. Answers whether it is to be sent.
fn text_key(fields: &mut Fields, key: TreeKey, values: &[String]) -> bool {
    let count = fields.rows.len().max(1);
    match key {
        TreeKey::Act if fields.marked.is_some() => take(fields, values),
        TreeKey::Act if fields.at + 1 >= count => return true,
        TreeKey::Down if !values.is_empty() => {
            let next = fields.marked.map_or(0, |marked| marked + 1);
            fields.marked = Some(next.min(values.len() - 1));
        }
        TreeKey::Up if fields.marked.is_some() => {
            fields.marked = fields.marked.and_then(|marked| marked.checked_sub(1));
        }
        TreeKey::Next | TreeKey::Down | TreeKey::Act => step(fields, 1),
        TreeKey::Previous | TreeKey::Up => step(fields, count - 1),
        TreeKey::Left | TreeKey::Right | TreeKey::Toggle => {}
        TreeKey::Clear | TreeKey::Special => {
            if let Some(field) = fields.rows.get_mut(fields.at) {
                field.value.set("");
            }
        }
    }
    false
}

fn take(fields: &mut Fields, values: &[String]) {
    let value = fields.marked.take().and_then(|marked| values.get(marked));
    if let (Some(value), at) = (value, fields.at)
        && let Some(field) = fields.rows.get_mut(at)
    {
        field.value.set("");
        field.value.paste(value);
    }
}

fn step(fields: &mut Fields, by: usize) {
    fields.at = (fields.at + by) % fields.rows.len().max(1);
    fields.marked = None;
}

/// The row after a move, within `count`.
fn moved(at: usize, by: Move, count: usize, page: usize) -> usize {
    let last = count.saturating_sub(1);
    let to = match by {
        Move::Up => at.saturating_sub(1),
        Move::Down => at + 1,
        Move::PageUp => at.saturating_sub(page),
        Move::PageDown => at + page,
        Move::Top => 0,
        Move::Bottom => last,
    };
    to.min(last)
}
