//! The rows of a form: one for each place of its value that can be filled in, read from the schema and the value.
//!
//! Pure. Whatever stands in the value has a row: what its schema has no field for is a row of JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::begin;
use super::path::{Path, Step};
use super::shape::{self, Shape, Sort, Spot};
use crate::app::composer::Composer;
use crate::app::form::field::{Field, Kind};
use crate::app::form::read;

/// Rows of a form; what lies beyond is reached as JSON.
pub const ROWS: usize = 1_000;
/// Objects and lists of more than so many are closed until somebody opens them.
const MANY: usize = 50;
/// And so are those that lie deeper.
const DEEP: usize = 4;
/// Choices of a way one behind the other at one place.
const WAYS: usize = 4;

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where its value stands.
    pub path: Path,
    /// How many choices of a way lie before it at the same place.
    pub way: usize,
    /// How far it stands in.
    pub depth: usize,
    /// Its name in the value: a key, or a number in brackets.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What is meant.
    pub description: Option<String>,
    /// The surroundings do not fit without it.
    pub required: bool,
    /// Null fits.
    pub nullable: bool,
    /// What stands there.
    pub state: State,
    /// What sort of row.
    pub kind: RowKind,
    /// What is wrong with it.
    pub complaint: Option<String>,
    /// The person has changed it.
    pub touched: bool,
    pub(super) schema: Value,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Absent,
    /// Null.
    Null,
    /// A value.
    Given,
}

/// The sorts of rows.
#[derive(Debug, Clone)]
pub enum RowKind {
    /// A single field.
    Leaf(Box<Field>),
    /// An object: its fields follow where it is open.
    Group {
        /// Whether they do.
        open: bool,
        /// How many names it holds.
        count: usize,
    },
    /// A list: its items follow where it is open.
    List {
        /// Whether they do.
        open: bool,
        /// How many it has.
        count: usize,
    },
    /// A choice among several ways; what is on the way follows.
    Ways {
        /// Their names.
        titles: Vec<String>,
        /// The one that is gone.
        chosen: Option<usize>,
    },
    /// Adds an item to the list above.
    AddItem,
    /// Adds a name to the object above, once it is written.
    AddName(Composer),
    /// Null, where the field for another value would stand.
    Null,
    /// There is more than a form can show.
    More,
}

/// What rows are read from.
pub(super) struct Reading<'a> {
    pub root: &'a Value,
    pub open: &'a BTreeMap<Path, bool>,
    pub ways: &'a mut BTreeMap<Spot, usize>,
    pub out: Vec<Row>,
    /// What was read so far, as [`shape::WEIGHT`] counts it.
    pub weight: usize,
}

/// A place to read.
struct Place<'a> {
    path: Path,
    way: usize,
    depth: usize,
    name: String,
    required: bool,
    schema: &'a Value,
}

impl Place<'_> {
    /// The place of a name in the object that stands here.
    fn field<'a>(&self, name: &str, shape: &Shape, schema: &'a Value) -> Place<'a> {
        let mut path = self.path.clone();
        path.push(Step::Key(name.to_owned()));
        Place {
            path,
            way: 0,
            depth: self.depth,
            name: name.to_owned(),
            required: shape.needs(name),
            schema,
        }
    }
}

impl Reading<'_> {
    /// All rows of a value.
    pub fn whole(&mut self, schema: &Value, value: &Value) {
        let place = Place {
            path: Path::new(),
            way: 0,
            depth: 0,
            name: String::new(),
            required: true,
            schema,
        };
        let mut shape = shape::shape(schema, self.root);
        if shape.sort == Sort::Any {
            shape.sort = Sort::Object;
        }
        match (shape.sort, value) {
            (Sort::Object, Value::Object(_)) => self.fields(&place, &shape, value),
            _ => self.read(place, &shape, Some(value)),
        }
    }

    fn place(&mut self, place: Place<'_>, value: Option<&Value>) {
        if self.out.len() < ROWS && self.weight < shape::WEIGHT {
            let shape = shape::shape(place.schema, self.root);
            self.weight += shape.weight();
            self.read(place, &shape, value);
        } else if !matches!(self.out.last(), Some(row) if matches!(row.kind, RowKind::More)) {
            let row = self.row(&place, None, None, RowKind::More);
            self.out.push(row);
        }
    }

    fn read(&mut self, place: Place<'_>, shape: &Shape, value: Option<&Value>) {
        let kind = match (shape.sort, value) {
            (Sort::Ways, _) if place.way < WAYS => return self.ways(place, shape, value),
            (Sort::Object, None) => RowKind::Group {
                open: false,
                count: 0,
            },
            (Sort::List, None) => RowKind::List {
                open: false,
                count: 0,
            },
            (Sort::Object, Some(Value::Object(object))) => RowKind::Group {
                open: self.is_open(&place, object.len()),
                count: object.len(),
            },
            (Sort::List, Some(Value::Array(items))) => RowKind::List {
                open: self.is_open(&place, items.len()),
                count: items.len(),
            },
            _ => leaf(&place, shape, value),
        };
        let is_group = matches!(kind, RowKind::Group { open: true, .. });
        let is_list = matches!(kind, RowKind::List { open: true, .. });
        let row = self.row(&place, Some(shape), value, kind);
        self.out.push(row);
        let inner = Place {
            depth: place.depth + 1,
            ..place
        };
        match value {
            Some(value) if is_group => self.fields(&inner, shape, value),
            Some(Value::Array(items)) if is_list => self.items(&inner, shape, items),
            _ => {}
        }
    }

    /// A choice of a way, and what is on it.
    fn ways(&mut self, place: Place<'_>, shape: &Shape, value: Option<&Value>) {
        let spot = (place.path.clone(), place.way);
        let known = self.ways.get(&spot).copied();
        let known = known.filter(|at| *at < shape.ways.len());
        let given = value;
        let value = value.filter(|value| !(value.is_null() && shape.nullable));
        let chosen = known.or_else(|| begin::way(&shape.ways, value?, self.root));
        if let Some(chosen) = chosen {
            self.ways.insert(spot, chosen);
        }
        let titles = shape.ways.iter().enumerate();
        let titles = titles.map(|(at, way)| title(way, self.root, at)).collect();
        let mut row = self.row(&place, Some(shape), given, RowKind::Ways { titles, chosen });
        row.schema = json!({"ways": shape.ways});
        self.out.push(row);
        let Some(way) = chosen.and_then(|at| shape.ways.get(at)) else {
            if let Some(value) = value {
                // No way leads there: it stays as it is.
                let any = Shape {
                    sort: Sort::Any,
                    ..shape.clone()
                };
                self.below(place, &any, Some(value));
            }
            return;
        };
        let of = shape::shape(way, self.root);
        self.below(place, &of, value);
    }

    /// What is on a way: the fields of an object at once, without a row for it.
    fn below(&mut self, place: Place<'_>, of: &Shape, value: Option<&Value>) {
        let inner = Place {
            way: place.way + 1,
            depth: place.depth + usize::from(!place.path.is_empty()),
            schema: &of.schema,
            ..place
        };
        match (of.sort, value) {
            (Sort::Object, Some(object @ Value::Object(_))) => self.fields(&inner, of, object),
            _ => self.read(inner, of, value),
        }
    }

    fn fields(&mut self, place: &Place<'_>, shape: &Shape, value: &Value) {
        let Value::Object(object) = value else {
            return;
        };
        for (name, schema) in shape.properties() {
            self.place(place.field(name, shape, schema), object.get(name));
        }
        let besides = shape.besides().unwrap_or_default();
        let known = shape.schema.get("properties").and_then(Value::as_object);
        for (name, value) in object {
            if known.is_some_and(|known| known.contains_key(name)) {
                continue;
            }
            self.place(place.field(name, shape, &besides), Some(value));
        }
        if shape.invites(place.path.is_empty()) && self.out.len() < ROWS {
            let mut row = self.row(place, None, None, RowKind::AddName(Composer::default()));
            row.schema = besides;
            self.out.push(row);
        }
    }

    fn items(&mut self, place: &Place<'_>, shape: &Shape, items: &[Value]) {
        for (at, value) in items.iter().enumerate() {
            let mut path = place.path.clone();
            path.push(Step::Item(at));
            let schema = shape.item(at);
            let item = Place {
                path,
                way: 0,
                depth: place.depth,
                name: format!("[{at}]"),
                required: true,
                schema: &schema,
            };
            self.place(item, Some(value));
        }
        let is_full = shape.most().is_some_and(|most| items.len() as u64 >= most);
        if !is_full && self.out.len() < ROWS {
            let mut row = self.row(place, None, None, RowKind::AddItem);
            row.schema = shape.item(items.len());
            self.out.push(row);
        }
    }

    fn is_open(&self, place: &Place<'_>, count: usize) -> bool {
        let said = self.open.get(&place.path).copied();
        said.unwrap_or(place.depth < DEEP && count <= MANY)
    }

    fn row(
        &self,
        place: &Place<'_>,
        shape: Option<&Shape>,
        value: Option<&Value>,
        kind: RowKind,
    ) -> Row {
        let text = |key| shape.and_then(|shape| shape.text(key));
        Row {
            path: place.path.clone(),
            way: place.way,
            depth: place.depth,
            name: place.name.clone(),
            title: text("title"),
            description: text("description"),
            required: place.required,
            nullable: shape.is_some_and(|shape| shape.nullable),
            state: match value {
                None => State::Absent,
                Some(Value::Null) => State::Null,
                Some(_) => State::Given,
            },
            kind,
            complaint: None,
            touched: false,
            schema: shape.map_or_else(Value::default, |shape| shape.schema.clone()),
        }
    }
}

/// A single field that holds the value; JSON where no other can.
fn leaf(place: &Place<'_>, shape: &Shape, value: Option<&Value>) -> RowKind {
    let mut schema = shape.schema.clone();
    if let Some(schema) = schema.as_object_mut() {
        schema.shift_remove("default");
        if let Some(value) = value {
            schema.insert("default".to_owned(), value.clone());
        }
    }
    let mut field = read::field(&place.name, &schema, place.required);
    let is_null = matches!(value, Some(Value::Null)) && !holds(&field, value);
    if is_null && shape.nullable {
        return RowKind::Null;
    }
    if shape.sort != Sort::Leaf || !holds(&field, value) {
        let input = read::json(value);
        field.filled = value.map(|_| input.text().to_owned());
        field.kind = Kind::Json(input);
    }
    RowKind::Leaf(Box::new(field))
}

/// Whether a field shows this value and no other.
fn holds(field: &Field, value: Option<&Value>) -> bool {
    match (&field.kind, value) {
        (_, None)
        | (Kind::Text { .. }, Some(Value::String(_)))
        | (Kind::Number { .. }, Some(Value::Number(_)))
        | (Kind::Flag(_), Some(Value::Bool(_)))
        | (Kind::Json(_), _) => true,
        (Kind::One { chosen, .. }, Some(_)) => chosen.is_some(),
        (Kind::Many { chosen, .. }, Some(Value::Array(items))) => chosen.len() == items.len(),
        _ => false,
    }
}

/// A way's name: its own, else what it asks for.
fn title(way: &Value, root: &Value, at: usize) -> String {
    let shape = shape::shape(way, root);
    if let Some(title) = shape.text("title") {
        return title;
    }
    let constant = |(name, schema): (&String, &Value)| {
        let value = schema.get("const")?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some(format!("{name}={text}"))
    };
    if let Some(name) = shape.properties().find_map(constant) {
        return name;
    }
    if let Some(text) = shape.schema.get("const") {
        return text.to_string();
    }
    let needed = shape.properties().filter(|(name, _)| shape.needs(name));
    let needed: Vec<&str> = needed.take(3).map(|(name, _)| name.as_str()).collect();
    match (shape.sort, needed.is_empty()) {
        (Sort::Object, false) => needed.join(", "),
        (Sort::Object, true) => "object".to_owned(),
        (Sort::List, _) => "list".to_owned(),
        _ => match shape.schema.get("type").and_then(Value::as_str) {
            Some("string") => "text".to_owned(),
            Some(word) => word.to_owned(),
            None => format!("way {}", at + 1),
        },
    }
}
