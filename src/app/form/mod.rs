//! A form from a JSON Schema of plain fields: its fields, what is written and chosen in them, and the value that comes of it.
//!
//! Pure, and without a word about who asks: questions of servers use it, and anything else that needs values for a schema may.
//! A value is given only when it fits the schema. All titles and descriptions are foreign: the view cleans them.

mod field;
mod format;
mod read;
pub mod tree;
mod value;
mod written;

use serde_json::{Map, Value};

use crate::app::composer::{Composer, Edit};
use crate::host::arguments;

pub use field::{Choosable, Field, Kind};
pub use format::Format;

/// Fields that a form has at most. More is no question that a person can answer.
pub const FIELDS: usize = 200;

/// Options of all its fields together.
pub const OPTIONS: usize = 2_000;

/// A form being filled in.
#[derive(Debug, Clone)]
pub struct Form {
    /// Its fields, in the order of the schema.
    pub fields: Vec<Field>,
    /// The field that has the keys.
    pub at: usize,
    /// The option of it that has the keys, where it has options.
    pub option: usize,
    /// It was to be accepted and could not be: what is missing is said at its field from then on.
    pub tried: bool,
    /// What is wrong with the whole, or why it cannot be filled in at all.
    pub complaint: Option<String>,
    schema: Value,
}

/// A way through a form, or a change of what is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKey {
    /// The next field.
    Next,
    /// The field before.
    Previous,
    /// One row up: of a text, of options, else the field before.
    Up,
    /// One row down.
    Down,
    /// The option before; of yes and no, yes.
    Left,
    /// The option after; of yes and no, no.
    Right,
    /// Chooses the option, or takes the choice back.
    Toggle,
    /// Takes back what was chosen in the field; of a list of folders, takes the folder out.
    Clear,
}

impl Form {
    /// A form for this schema, filled with its defaults.
    pub fn new(schema: &Value) -> Self {
        let mut fields = read::fields(schema);
        let options: usize = fields.iter().map(|field| field.options().len()).sum();
        let complaint = (fields.len() > FIELDS || options > OPTIONS).then(|| {
            let count = fields.len();
            format!(
                "it has {count} fields and {options} options, and {FIELDS} and {OPTIONS} are the most: it can only be declined"
            )
        });
        if complaint.is_some() {
            fields.clear();
        }
        for field in &mut fields {
            field.refresh(schema);
        }
        let mut form = Self {
            fields,
            at: 0,
            option: 0,
            tried: false,
            complaint,
            schema: schema.clone(),
        };
        form.enter(0, false);
        form
    }

    /// Whether a letter is typed here, and does not choose.
    pub fn types(&self) -> bool {
        self.field().is_some_and(|field| field.text().is_some())
    }

    /// The field that has the keys.
    pub fn field(&self) -> Option<&Field> {
        self.fields.get(self.at)
    }

    /// The text that has the keys.
    pub fn input(&mut self) -> Option<&mut Composer> {
        self.fields.get_mut(self.at)?.text_mut()
    }

    /// Puts a typed character into the text that has the keys.
    pub fn insert(&mut self, typed: char) {
        if let Some(input) = self.input() {
            input.insert(typed);
        }
        self.refresh();
    }

    /// Edits the text that has the keys.
    pub fn edit(&mut self, edit: Edit) {
        if let Some(input) = self.input() {
            input.edit(edit);
        }
        self.refresh();
    }

    /// Checks the field that has the keys anew, where it has changed.
    pub fn refresh(&mut self) {
        let changed = match self.fields.get_mut(self.at) {
            Some(field) => field.refresh(&self.schema),
            None => false,
        };
        if changed && !self.fields.is_empty() {
            self.complaint = None;
        }
    }

    /// Goes through the form or changes what is chosen. `cols` are the columns in which a text is folded.
    pub fn press(&mut self, key: FieldKey, cols: usize) {
        match key {
            FieldKey::Next => self.go(true, false),
            FieldKey::Previous => self.go(false, false),
            FieldKey::Up => self.vertical(true, cols),
            FieldKey::Down => self.vertical(false, cols),
            FieldKey::Left | FieldKey::Right => self.sideways(key == FieldKey::Right),
            FieldKey::Toggle => self.toggle(),
            FieldKey::Clear => self.clear(),
        }
        self.refresh();
    }

    /// The value, when all of it fits; else the first field that does not has the keys, and each says what is wrong.
    pub fn accept(&mut self) -> Option<Value> {
        self.tried = true;
        if self.complaint.is_some() && self.fields.is_empty() {
            return None;
        }
        let wrong = self.fields.iter().position(|field| field.value().is_err());
        if let Some(wrong) = wrong.or_else(|| self.refused_by_schema()) {
            self.enter(wrong, false);
            return None;
        }
        match self.checked() {
            Ok(value) => Some(value),
            Err(why) => {
                self.complaint = Some(why);
                None
            }
        }
    }

    fn refused_by_schema(&self) -> Option<usize> {
        let refused = |field: &Field| field.complaint.is_some();
        self.fields.iter().position(refused)
    }

    fn checked(&self) -> Result<Value, String> {
        let mut object = Map::new();
        for field in &self.fields {
            if let Some(value) = field.value()? {
                object.insert(field.name.clone(), value);
            }
        }
        let value = Value::Object(object);
        arguments::check(&value.to_string(), &self.schema)?;
        Ok(value)
    }

    fn vertical(&mut self, up: bool, cols: usize) {
        let cols = if cols == 0 { usize::MAX } else { cols };
        if let Some(input) = self.input()
            && if up { input.up(cols) } else { input.down(cols) }
        {
            return;
        }
        let options = self.field().map_or(0, |field| field.options().len());
        if up && self.option > 0 {
            self.option -= 1;
        } else if !up && self.option + 1 < options {
            self.option += 1;
        } else {
            self.go(!up, up);
        }
    }

    fn sideways(&mut self, right: bool) {
        match self.fields.get_mut(self.at) {
            Some(field) if field.options().is_empty() => field.say(!right),
            Some(_) if right => self.vertical(false, 0),
            Some(_) => self.vertical(true, 0),
            None => {}
        }
    }

    fn toggle(&mut self) {
        let option = self.option;
        if let Some(field) = self.fields.get_mut(self.at) {
            field.toggle(option);
        }
    }

    fn clear(&mut self) {
        if let Some(field) = self.fields.get_mut(self.at) {
            field.clear();
        }
    }

    /// To the next field or the one before; behind the last comes the first.
    fn go(&mut self, on: bool, from_below: bool) {
        let count = self.fields.len();
        if count > 0 {
            let by = if on { 1 } else { count - 1 };
            self.enter((self.at + by) % count, from_below);
        }
    }

    /// Gives a field the keys: at its last option when one comes from below, else at the one that is chosen.
    fn enter(&mut self, at: usize, from_below: bool) {
        self.at = at;
        let field = self.fields.get(at);
        self.option = match field {
            Some(field) if from_below => field.options().len().saturating_sub(1),
            Some(field) => field.first_chosen(),
            None => 0,
        };
    }
}
