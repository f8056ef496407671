//! What is wrong in a form, said at the row that it is about.
//!
//! Pure. The schema's own checker has the last word on what is sent; where a field has better words for a person, those are said.

use serde_json::Value;

use super::row::{Row, RowKind, State};
use super::{Tree, begin, edit, path};
use crate::app::form::field::Kind;
use crate::host::arguments;

impl Tree {
    /// Checks the whole, and says at each row what is wrong with it.
    pub(super) fn check(&mut self) {
        for row in &mut self.rows {
            row.complaint = own(row, self.drafts.contains_key(&row.spot()));
        }
        let mut faults = Vec::new();
        for at in 0..self.rows.len() {
            faults.extend(self.on_the_way(at));
        }
        let exact: Vec<String> = faults.iter().map(|(place, _)| place.clone()).collect();
        match arguments::faults(&self.value, &self.schema) {
            Ok(of) => {
                self.unchecked = None;
                // A choice that does not fit says less than what is wrong on the way that is gone.
                let told = |place: &str| exact.iter().any(|known| known.starts_with(place));
                let is_choice = |words: &str| words.contains("any of the schemas listed");
                faults.extend(
                    of.into_iter()
                        .filter(|(place, words)| !(is_choice(words) && told(place))),
                );
            }
            Err(why) => self.unchecked = Some(why),
        }
        self.complaint = None;
        let at = |row: &Row| row.has_value().then(|| path::pointer(&row.path));
        let places: Vec<Option<String>> = self.rows.iter().map(at).collect();
        for (place, words) in faults {
            self.tell(&places, &place, words);
        }
    }

    /// What is wrong on the way that is gone at a row of ways.
    fn on_the_way(&self, at: usize) -> Vec<(String, String)> {
        let Some((row, value)) = self.rows.get(at).and_then(|row| {
            let value = path::get(&self.value, &row.path)?;
            Some((row, value))
        }) else {
            return Vec::new();
        };
        let RowKind::Ways {
            chosen: Some(chosen),
            ..
        } = row.kind
        else {
            return Vec::new();
        };
        let ways = row.schema.get("ways").and_then(Value::as_array);
        let Some(way) = ways.and_then(|ways| ways.get(chosen)) else {
            return Vec::new();
        };
        if value.is_null() && row.nullable {
            return Vec::new();
        }
        let faults = arguments::faults(value, &begin::within(way, &self.schema));
        let before = path::pointer(&row.path);
        let whole = |(place, words): (String, String)| (format!("{before}{place}"), words);
        faults.unwrap_or_default().into_iter().map(whole).collect()
    }

    /// Says it at the row of the place, else at the nearest one around it, else of the whole.
    fn tell(&mut self, places: &[Option<String>], place: &str, words: String) {
        let mut around = place;
        loop {
            // Of the rows of one place the last is the field, or what is on the way.
            let here = places.iter().rposition(|at| at.as_deref() == Some(around));
            if let Some(row) = here.and_then(|at| self.rows.get_mut(at)) {
                let rest = &place[around.len()..];
                let words = match rest.is_empty() {
                    true => words,
                    false => format!("{}: {words}", &rest[1..]),
                };
                row.complaint.get_or_insert(words);
                return;
            }
            match around.rfind('/') {
                Some(at) => around = &around[..at],
                None => break,
            }
        }
        let place = place.trim_start_matches('/').replace('/', ".");
        let words = match place.as_str() {
            "" => words,
            place => format!("{place}: {words}"),
        };
        self.complaint.get_or_insert(words);
    }
}

impl Row {
    /// Whether it stands for a value, and not for something to add.
    fn has_value(&self) -> bool {
        self.part() == 0
    }
}

/// What the field itself says of what is written in it.
fn own(row: &Row, is_draft: bool) -> Option<String> {
    let field = row.field()?;
    if is_draft {
        let is_item = !matches!(row.path.last(), Some(path::Step::Key(_)));
        return edit::of_field(field, is_item).err();
    }
    let is_empty = field.text().is_some_and(|input| input.is_empty());
    if row.state != State::Given || is_empty || matches!(field.kind, Kind::Json(_)) {
        return None;
    }
    field.value().err()
}
