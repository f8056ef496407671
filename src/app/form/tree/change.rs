//! Changes of a form that are no typing: opening, adding, taking out, going another way.
//!
//! Pure. Every change goes into the value first; the rows are read anew from it.

use serde_json::{Value, json};

use super::path::{self, Path, Step};
use super::row::{Row, RowKind};
use super::{Tree, begin};
use crate::app::composer::Composer;

impl Tree {
    pub(super) fn act(&mut self) {
        let Some(row) = self.rows.get(self.at) else {
            return;
        };
        let path = row.path.clone();
        match &row.kind {
            RowKind::Group { open, .. } | RowKind::List { open, .. } => {
                let open = *open;
                if path::get(&self.value, &path).is_none() {
                    let begun = begin::seed(&row.schema, &self.schema);
                    self.put(&path, begun);
                    self.open.insert(path, true);
                } else {
                    self.open.insert(path, !open);
                }
                self.read();
            }
            RowKind::AddItem => self.add_item(),
            RowKind::AddName(_) => self.add_name(),
            RowKind::Null => self.special(),
            RowKind::Leaf(_) | RowKind::Ways { .. } | RowKind::More => self.go(true),
        }
    }

    fn add_item(&mut self) {
        let Some(row) = self.rows.get(self.at) else {
            return;
        };
        let items = path::get(&self.value, &row.path).and_then(Value::as_array);
        let mut path = row.path.clone();
        path.push(Step::Item(items.map_or(0, Vec::len)));
        let begun = begin::seed(&row.schema, &self.schema);
        self.put(&path, begun);
        // A list that was open stays so, however long it gets.
        self.open.insert(path[..path.len() - 1].to_vec(), true);
        self.read();
        self.enter_path(&path);
    }

    /// Adds the name that is written, if the object has none like it.
    fn add_name(&mut self) {
        let Some(row) = self.rows.get(self.at) else {
            return;
        };
        let name = row.text().map_or("", Composer::text).to_owned();
        let mut path = row.path.clone();
        path.push(Step::Key(name.clone()));
        if name.is_empty() {
            return self.go(true);
        }
        if path::get(&self.value, &path).is_none() {
            let begun = begin::seed(&row.schema, &self.schema);
            self.put(&path, begun);
        }
        if let Some(input) = self.input() {
            *input = Composer::default();
        }
        self.read();
        self.enter_path(&path);
    }

    fn enter_path(&mut self, path: &[Step]) {
        if let Some(at) = self.rows.iter().position(|row| row.path == path) {
            // Of an object that is open the first field is wanted.
            let inside = |row: &Row| row.path.len() > path.len() && row.path.starts_with(path);
            let is_group = matches!(self.rows[at].kind, RowKind::Group { open: true, .. });
            let first = self.rows.get(at + 1).filter(|row| is_group && inside(row));
            self.enter(at + usize::from(first.is_some()));
        }
    }

    /// Takes the value out: a field is absent then, an item is gone.
    pub(super) fn clear(&mut self) {
        let Some(row) = self.rows.get(self.at) else {
            return;
        };
        let (path, spot) = (row.path.clone(), row.spot());
        if row.part() != 0 || path.is_empty() {
            return;
        }
        self.drafts.remove(&spot);
        self.ways.retain(|(at, _), _| !at.starts_with(&path));
        self.drafts.retain(|(at, _), _| !at.starts_with(&path));
        path::remove(&mut self.value, &path);
        if let Some((Step::Item(at), list)) = path.split_last() {
            self.close_ranks(list, *at);
        }
        let at = self.at;
        // What was being written there is gone too: nothing is kept of the row.
        self.rows.clear();
        self.read();
        self.enter(at);
    }

    /// The items behind one that is gone are one place further to the front, with all that is known of them.
    fn close_ranks(&mut self, list: &[Step], gone: usize) {
        let closer = |path: Path| -> Path {
            let mut path = path;
            if path.starts_with(list)
                && let Some(Step::Item(at)) = path.get_mut(list.len())
                && *at > gone
            {
                *at -= 1;
            }
            path
        };
        let take = std::mem::take(&mut self.drafts).into_iter();
        self.drafts = take
            .map(|((at, way), of)| ((closer(at), way), of))
            .collect();
        let take = std::mem::take(&mut self.ways).into_iter();
        self.ways = take
            .map(|((at, way), of)| ((closer(at), way), of))
            .collect();
        let take = std::mem::take(&mut self.open).into_iter();
        self.open = take.map(|(at, open)| (closer(at), open)).collect();
        let take = std::mem::take(&mut self.left).into_iter();
        self.left = take
            .map(|(((at, way), of), value)| (((closer(at), way), of), value))
            .collect();
    }

    /// Of nothing, an empty text, object or list; of that, null where it fits; of null, nothing again.
    pub(super) fn special(&mut self) {
        let Some(row) = self.rows.get(self.at).filter(|row| row.part() == 0) else {
            return;
        };
        let path = row.path.clone();
        let is_item = matches!(path.last(), Some(Step::Item(_)));
        let empty = match row.schema.get("type").and_then(Value::as_str) {
            Some("string") => Some(json!("")),
            Some("object") => Some(json!({})),
            Some("array") => Some(json!([])),
            _ => None,
        };
        let known = path::get(&self.value, &path);
        let next = match known {
            None => empty.or(row.nullable.then_some(Value::Null)),
            Some(Value::Null) if is_item => Some(begin::seed(&row.schema, &self.schema)),
            Some(Value::Null) => None,
            Some(_) if row.nullable => Some(Value::Null),
            Some(known) if Some(known) != empty.as_ref() => empty.or(Some(known.clone())),
            Some(known) if is_item => Some(known.clone()),
            Some(_) => None,
        };
        self.drafts.retain(|(at, _), _| !at.starts_with(&path));
        match next {
            Some(next) => self.put(&path, next),
            None => path::remove(&mut self.value, &path),
        }
        let at = self.at;
        self.rows.clear();
        self.read();
        self.enter(at);
    }

    /// Goes another way; what stood on the one before is kept for when one comes back.
    pub(super) fn take_way(&mut self, way: Option<usize>) {
        let (Some(row), Some(way)) = (self.rows.get(self.at), way) else {
            return;
        };
        let (spot, path) = (row.spot(), row.path.clone());
        let schema = self.way_schema(&path, row.way, way);
        let known = path::get(&self.value, &path).cloned();
        if let (Some(value), Some(before)) = (known, self.ways.get(&spot)) {
            self.left.insert((spot.clone(), *before), value);
        }
        let deeper = |at: &Path, level: usize| {
            at.starts_with(&path) && (at.len() > path.len() || level > spot.1)
        };
        self.ways.retain(|(at, level), _| !deeper(at, *level));
        self.drafts.retain(|(at, level), _| !deeper(at, *level));
        self.ways.insert(spot.clone(), way);
        let must = path.is_empty() || matches!(path.last(), Some(Step::Item(_)));
        let begun = self.left.get(&(spot, way)).cloned();
        let begun = begun.or_else(|| {
            let schema = schema?;
            let seed = || must.then(|| begin::seed(&schema, &self.schema));
            begin::blank(&schema, &self.schema).or_else(seed)
        });
        match begun {
            Some(begun) => self.put(&path, begun),
            None => path::remove(&mut self.value, &path),
        }
        self.read();
    }

    /// The schema of a way at a row of ways.
    fn way_schema(&self, path: &[Step], level: usize, way: usize) -> Option<Value> {
        let mut rows = self.rows.iter();
        let row = rows.find(|row| row.path == path && row.way == level)?;
        let ways = row.schema.get("ways")?.as_array()?;
        ways.get(way).cloned()
    }
}
