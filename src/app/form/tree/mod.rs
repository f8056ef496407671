//! A form for any JSON Schema: a value, and one row for each of its places that can be filled in.
//!
//! Pure. The value is the truth and the rows are read from it and the schema, so that nothing that is in it can be lost: what
//! no field can hold is a row of JSON, and the whole can be written as JSON and read back. A single field is the same
//! [`Field`] that the questions of servers are made of. All names and words are a server's: the view cleans them.

mod begin;
mod change;
mod check;
mod edit;
mod outline;
mod path;
mod raw;
mod row;
mod shape;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use outline::{Outline, outline, outlines};
pub use path::{Path, Step};
pub use raw::Raw;
pub use row::{ROWS, Row, RowKind, State};

use super::Field;
use crate::app::composer::Composer;
use row::Reading;
use shape::Spot;

/// A form being filled in.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Its rows, from the top.
    pub rows: Vec<Row>,
    /// The row that has the keys.
    pub at: usize,
    /// The option of it that has the keys, where several can be chosen.
    pub option: usize,
    /// It was to be sent and could not be: what is missing is said from then on.
    pub tried: bool,
    /// What is wrong with the whole.
    pub complaint: Option<String>,
    /// Why the schema itself cannot be used: nothing is checked then.
    pub unchecked: Option<String>,
    /// The whole as JSON, while it is written so.
    pub raw: Option<Raw>,
    schema: Value,
    value: Value,
    /// What is written and is no value yet.
    drafts: BTreeMap<Spot, String>,
    /// What was opened and closed by hand.
    open: BTreeMap<Path, bool>,
    /// The ways that were chosen.
    ways: BTreeMap<Spot, usize>,
    /// What stood on ways that were left, to be there when one comes back.
    left: BTreeMap<(Spot, usize), Value>,
}

/// A way through a form, or a change that is no typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TreeKey {
    /// The next row.
    Next,
    /// The row before.
    Previous,
    /// One row up, within a text first.
    Up,
    /// One row down, within a text first.
    Down,
    /// The option before, or closes what is open.
    Left,
    /// The option after, or opens what is closed.
    Right,
    /// Chooses, or takes the choice back; opens and closes; adds.
    Toggle,
    /// Opens, closes, makes or adds what the row stands for; on a field, goes to the next row.
    Act,
    /// Takes the value out.
    Clear,
    /// Puts the other values in that are not typed: an empty one, then null where it fits.
    Special,
}

impl Tree {
    /// A form for this schema, filled with its defaults.
    pub fn new(schema: &Value) -> Self {
        let blank = begin::blank(schema, schema).filter(Value::is_object);
        Self::with(schema, blank.unwrap_or_else(|| json!({})))
    }

    /// A form for this schema that holds this value.
    pub fn with(schema: &Value, value: Value) -> Self {
        let mut tree = Self {
            rows: Vec::new(),
            at: 0,
            option: 0,
            tried: false,
            complaint: None,
            unchecked: None,
            raw: None,
            schema: schema.clone(),
            value,
            drafts: BTreeMap::new(),
            open: BTreeMap::new(),
            ways: BTreeMap::new(),
            left: BTreeMap::new(),
        };
        tree.read();
        tree.option = tree.first_chosen();
        tree
    }

    /// The form for the same thing whose schema is another one now: what is written and chosen stays.
    pub fn follow(&mut self, schema: &Value) {
        if *schema == self.schema {
            return;
        }
        let place = |row: &Row| (row.spot(), row.part());
        let before = self.row().map(place);
        self.schema = schema.clone();
        // They are known by their numbers, which may be those of others now.
        self.ways.clear();
        self.left.clear();
        self.rows.clear();
        self.read();
        let at = self.rows.iter().position(|row| Some(place(row)) == before);
        self.enter(at.unwrap_or(self.at));
        if self.raw.is_some() {
            self.check_raw();
        }
    }

    /// The value as it stands; what is written and is no value yet is not in it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The schema that it is for.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// The row that has the keys.
    pub fn row(&self) -> Option<&Row> {
        self.rows.get(self.at)
    }

    /// Whether a letter is typed here, and does not choose.
    pub fn types(&self) -> bool {
        self.raw.is_some() || self.row().is_some_and(|row| row.text().is_some())
    }

    /// The value, when all of it fits; else what does not has the keys, and says what is wrong.
    pub fn accept(&mut self) -> Option<Value> {
        self.tried = true;
        if self.raw.is_some() {
            return self.accept_raw();
        }
        self.show_drafts();
        if let Some(wrong) = self.rows.iter().position(|row| row.complaint.is_some()) {
            self.enter(wrong);
            return None;
        }
        self.complaint.is_none().then(|| self.value.clone())
    }

    /// Opens what hides something that is written and is no value; what has no row any more is forgotten.
    fn show_drafts(&mut self) {
        for (path, _) in self.drafts.keys() {
            for end in 0..path.len() {
                self.open.insert(path[..end].to_vec(), true);
            }
        }
        self.read();
        let rows: Vec<Spot> = self.rows.iter().map(Row::spot).collect();
        self.drafts.retain(|spot, _| rows.contains(spot));
    }

    /// Reads the rows anew. The row that has the keys keeps them, with its text as it is being written.
    fn read(&mut self) {
        let mut reading = Reading {
            root: &self.schema,
            open: &self.open,
            ways: &mut self.ways,
            out: Vec::new(),
            weight: 0,
        };
        reading.whole(&self.schema, &self.value);
        let rows = reading.out;
        let before = self.rows.get(self.at).cloned();
        self.rows = rows;
        self.put_drafts();
        if let Some(before) = before {
            self.keep_place(before);
        }
        self.check();
    }

    fn put_drafts(&mut self) {
        for row in &mut self.rows {
            let Some(draft) = self.drafts.get(&row.spot()) else {
                continue;
            };
            if let RowKind::Leaf(field) = &mut row.kind
                && let Some(input) = field.text_mut()
                && input.text() != draft
            {
                input.set(draft);
            }
        }
    }

    fn keep_place(&mut self, before: Row) {
        let same = |row: &Row| row.spot() == before.spot() && row.part() == before.part();
        let alike = |row: &Row| row.path == before.path;
        let rows = self.rows.iter();
        let at = rows.clone().position(same);
        let at = at.or_else(|| rows.clone().position(alike));
        self.at = at.unwrap_or(self.at).min(self.rows.len().saturating_sub(1));
        let Some(row) = self.rows.get_mut(self.at).filter(|row| same(row)) else {
            return;
        };
        match (&mut row.kind, before.kind) {
            (RowKind::Leaf(new), RowKind::Leaf(old)) if is_written_alike(new, &old) => *new = old,
            (RowKind::AddName(new), RowKind::AddName(old)) => *new = old,
            _ => {}
        }
    }

    fn first_chosen(&self) -> usize {
        self.row()
            .and_then(Row::field)
            .map_or(0, Field::first_chosen)
    }

    /// Gives a row the keys.
    pub fn enter(&mut self, at: usize) {
        self.at = at.min(self.rows.len().saturating_sub(1));
        self.option = self.first_chosen();
    }
}

/// Whether both are texts of the same sort, and what is being written in the old one is what the new one holds.
fn is_written_alike(new: &Field, old: &Field) -> bool {
    let alike = std::mem::discriminant(&new.kind) == std::mem::discriminant(&old.kind);
    alike && new.text().is_some()
}

impl Row {
    /// Its single field.
    pub fn field(&self) -> Option<&Field> {
        match &self.kind {
            RowKind::Leaf(field) => Some(field),
            _ => None,
        }
    }

    /// The text that is written in it, where one writes.
    pub fn text(&self) -> Option<&Composer> {
        match &self.kind {
            RowKind::Leaf(field) => field.text(),
            RowKind::AddName(input) => Some(input),
            _ => None,
        }
    }

    /// What is to be said at it now: what is missing only when it was to be sent.
    pub fn says(&self, tried: bool) -> Option<&str> {
        let complaint = self.complaint.as_deref()?;
        let is_written = self.text().is_some_and(|input| !input.is_empty());
        (tried || is_written || self.state != State::Absent).then_some(complaint)
    }

    /// Whether its value can be taken out.
    pub fn is_removable(&self) -> bool {
        !self.path.is_empty() && self.state != State::Absent && self.part() == 0
    }

    fn spot(&self) -> Spot {
        (self.path.clone(), self.way)
    }

    /// What tells the rows of one spot apart.
    fn part(&self) -> u8 {
        match self.kind {
            RowKind::AddItem => 1,
            RowKind::AddName(_) => 2,
            RowKind::More => 3,
            _ => 0,
        }
    }
}
