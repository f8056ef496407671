//! What keys do in a form: typing, choosing, opening, adding and taking out.
//!
//! Pure. Every change goes into the value first; the rows are read anew from it.

use serde_json::{Value, json};

use super::path::{self, Path, Step};
use super::row::RowKind;
use super::{Tree, TreeKey};
use crate::app::composer::{Composer, Edit, Motion};
use crate::app::form::field::{Field, Kind};
use crate::app::form::{value, written};

impl Tree {
    /// The text that has the keys.
    pub(super) fn input(&mut self) -> Option<&mut Composer> {
        if let Some(raw) = &mut self.raw {
            return Some(&mut raw.input);
        }
        match &mut self.rows.get_mut(self.at)?.kind {
            RowKind::Leaf(field) => field.text_mut(),
            RowKind::AddName(input) => Some(input),
            _ => None,
        }
    }

    /// Puts a typed character into the text that has the keys; where one chooses, a blank does that.
    pub fn insert(&mut self, typed: char) {
        if self.types() {
            self.write(|input| input.insert(typed));
        } else if typed == ' ' {
            self.press(TreeKey::Toggle, 0);
        }
    }

    /// Puts a pasted text in.
    pub fn paste(&mut self, text: &str) {
        self.write(|input| {
            input.paste(text);
        });
    }

    /// Edits the text that has the keys; where none is, left and right choose.
    pub fn edit(&mut self, edit: Edit) {
        if self.types() {
            return self.write(|input| input.edit(edit));
        }
        match edit {
            Edit::Move(Motion::Left) => self.press(TreeKey::Left, 0),
            Edit::Move(Motion::Right) => self.press(TreeKey::Right, 0),
            // A slip takes out a choice, and not an object with all that is in it.
            Edit::Delete(Motion::Left | Motion::Right)
                if self.row().is_some_and(|row| row.field().is_some()) =>
            {
                self.press(TreeKey::Clear, 0);
            }
            Edit::Move(_) | Edit::Delete(_) | Edit::Undo | Edit::Redo => {}
        }
    }

    fn write(&mut self, change: impl FnOnce(&mut Composer)) {
        let Some(input) = self.input() else {
            return;
        };
        let before = input.text().to_owned();
        change(input);
        if input.text() == before {
            return;
        }
        match &mut self.raw {
            Some(_) => self.check_raw(),
            None => self.written(),
        }
    }

    /// Goes through the form or changes what is chosen. `cols` are the columns in which a text is folded.
    pub fn press(&mut self, key: TreeKey, cols: usize) {
        if self.raw.is_some() {
            return self.press_raw(key, cols);
        }
        match key {
            TreeKey::Next => self.go(true),
            TreeKey::Previous => self.go(false),
            TreeKey::Up | TreeKey::Down => self.vertical(key == TreeKey::Up, cols),
            TreeKey::Left | TreeKey::Right => self.sideways(key == TreeKey::Right),
            TreeKey::Toggle => self.toggle(),
            TreeKey::Act => self.act(),
            TreeKey::Clear => self.clear(),
            TreeKey::Special => self.special(),
        }
    }

    fn press_raw(&mut self, key: TreeKey, cols: usize) {
        let cols = if cols == 0 { usize::MAX } else { cols };
        match key {
            TreeKey::Up => {
                self.input().map(|input| input.up(cols));
            }
            TreeKey::Down => {
                self.input().map(|input| input.down(cols));
            }
            TreeKey::Act => self.insert('\n'),
            TreeKey::Left => self.edit(Edit::Move(Motion::Left)),
            TreeKey::Right => self.edit(Edit::Move(Motion::Right)),
            TreeKey::Next => self.paste("  "),
            TreeKey::Previous | TreeKey::Toggle | TreeKey::Clear | TreeKey::Special => {}
        }
    }

    /// To the next row or the one before; behind the last comes the first.
    pub(super) fn go(&mut self, on: bool) {
        let count = self.rows.len();
        if count > 0 {
            let by = if on { 1 } else { count - 1 };
            self.enter((self.at + by) % count);
        }
    }

    fn vertical(&mut self, up: bool, cols: usize) {
        let cols = if cols == 0 { usize::MAX } else { cols };
        let moved = self
            .input()
            .is_some_and(|input| if up { input.up(cols) } else { input.down(cols) });
        if !moved {
            self.go(!up);
        }
    }

    fn sideways(&mut self, right: bool) {
        let at = self.option;
        let Some(row) = self.rows.get_mut(self.at) else {
            return;
        };
        match &mut row.kind {
            RowKind::Ways { titles, chosen } => {
                let way = stepped(*chosen, titles.len(), right);
                self.take_way(way);
            }
            RowKind::Group { open, .. } | RowKind::List { open, .. } if *open != right => {
                self.act();
            }
            RowKind::Leaf(field) => match &mut field.kind {
                Kind::One { options, chosen } => {
                    *chosen = stepped(*chosen, options.len(), right);
                    self.written();
                }
                Kind::Many { options, .. } => {
                    self.option = stepped(Some(at), options.len(), right).unwrap_or(0);
                }
                Kind::Flag(said) => {
                    *said = Some(!right);
                    self.written();
                }
                Kind::Text { .. } | Kind::Number { .. } | Kind::Json(_) => {}
            },
            _ => {}
        }
    }

    fn toggle(&mut self) {
        let option = self.option;
        let Some(row) = self.rows.get_mut(self.at) else {
            return;
        };
        match &mut row.kind {
            RowKind::Leaf(field) => match &mut field.kind {
                Kind::One { .. } => self.sideways(true),
                Kind::Flag(_) | Kind::Many { .. } => {
                    field.toggle(option);
                    self.written();
                }
                Kind::Text { .. } | Kind::Number { .. } | Kind::Json(_) => {}
            },
            RowKind::Ways { .. } => self.sideways(true),
            _ => self.act(),
        }
    }

    /// Brings what is written or chosen in the row into the value.
    fn written(&mut self) {
        let Some(row) = self.rows.get(self.at) else {
            return;
        };
        let (spot, path) = (row.spot(), row.path.clone());
        let is_item = !matches!(path.last(), Some(Step::Key(_)));
        let RowKind::Leaf(field) = &row.kind else {
            return self.check();
        };
        match of_field(field, is_item) {
            Ok(value) => {
                self.drafts.remove(&spot);
                match value {
                    Some(value) => self.put(&path, value),
                    None => path::remove(&mut self.value, &path),
                }
            }
            Err(_) => {
                let text = field.text().map_or("", Composer::text).to_owned();
                self.drafts.insert(spot, text);
                // What stood there before is not what is written now. An item of a list keeps its place by it.
                if !is_item {
                    path::remove(&mut self.value, &path);
                }
            }
        }
        self.read();
    }

    pub(super) fn put(&mut self, path: &[Step], value: Value) {
        let order = match path.split_last() {
            Some((Step::Key(_), parent)) => self.order_of(parent),
            _ => Vec::new(),
        };
        path::set(&mut self.value, path, value, &order);
    }

    /// The names of the object's fields in the order of its rows.
    fn order_of(&self, parent: &[Step]) -> Vec<String> {
        let inside = |path: &Path| path.len() == parent.len() + 1 && path.starts_with(parent);
        let name = |path: &Path| match path.last() {
            Some(Step::Key(name)) => Some(name.clone()),
            _ => None,
        };
        let rows = self.rows.iter().filter(|row| inside(&row.path));
        rows.filter_map(|row| name(&row.path)).collect()
    }
}

/// The option before or after; from none, the first or the last.
fn stepped(from: Option<usize>, count: usize, right: bool) -> Option<usize> {
    let last = count.checked_sub(1)?;
    Some(match (from, right) {
        (None, true) => 0,
        (None, false) => last,
        (Some(at), true) if at >= last => 0,
        (Some(at), true) => at + 1,
        (Some(0), false) => last,
        (Some(at), false) => at - 1,
    })
}

/// What a field comes to: a value, or nothing. An item of a list is never nothing.
pub(super) fn of_field(field: &Field, is_item: bool) -> Result<Option<Value>, String> {
    let nothing = |is_item: bool| match is_item {
        true => Err("it is needed".to_owned()),
        false => Ok(None),
    };
    let text = field.text().map(Composer::text).unwrap_or_default();
    if let (Some(kept), true) = (field.kept(text), field.text().is_some()) {
        return Ok(Some(kept));
    }
    match &field.kind {
        Kind::Text { .. } if text.is_empty() && !field.required => nothing(is_item),
        Kind::Text { .. } => Ok(Some(json!(text))),
        Kind::Number { .. } | Kind::Json(_) if text.trim().is_empty() => nothing(is_item),
        Kind::Number { whole, .. } => match value::number(text.trim(), *whole) {
            Some(number) => Ok(Some(Value::Number(number))),
            None => Err(field.value().err().unwrap_or_default()),
        },
        Kind::Json(_) => written::read(text).map(Some),
        Kind::Flag(said) => Ok(said.map(Value::Bool)),
        Kind::One { options, chosen } => {
            let option = chosen.and_then(|at| options.get(at));
            Ok(option.map(|option| option.value.clone()))
        }
        Kind::Many {
            options, chosen, ..
        } => {
            let values = chosen.iter().filter_map(|at| options.get(*at));
            Ok(Some(values.map(|option| option.value.clone()).collect()))
        }
    }
}
