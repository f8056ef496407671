//! A comparison as a table: what is to be read in each column, and which rows differ.
//!
//! Pure. All text of servers in it is raw. Times are shown and never marked: they always differ.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::compare::{Column, Comparison, ListSheet, Stage};
use crate::mcp::request::ListKind;
use crate::text::human;

/// Rows for single things of one list; more are counted.
const MOST: usize = 200;

/// One row: what it is about, and what the three columns have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub label: String,
    /// Legacy, auto, modern.
    pub cells: [Cell; 3],
    /// Whether the columns that are known differ.
    pub differs: bool,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// What stands in it; empty: nothing is known, or there is nothing.
    pub text: String,
    /// Whether it failed.
    pub bad: bool,
}

impl Cell {
    fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            bad: false,
        }
    }
}

impl Comparison {
    /// The table, so far as it is known.
    pub fn table(&self) -> Vec<Row> {
        let mut rows = vec![self.row("outcome", true, |of| Some(outcome(of)))];
        let hello = |label: &str, differs: bool, text: fn(&Column) -> Option<String>| {
            self.row(label, differs, |of| text(of).map(Cell::of))
        };
        rows.push(hello("era", true, |of| {
            Some(format!("{:?}", of.hello.as_ref()?.era).to_lowercase())
        }));
        rows.push(hello("revision", true, |of| {
            Some(of.hello.as_ref()?.revision.clone())
        }));
        rows.push(hello("server", true, |of| {
            let hello = of.hello.as_ref()?;
            Some(format!("{} {}", hello.name, hello.version))
        }));
        rows.push(hello("handshake", false, |of| of.greeted_in.map(time)));
        rows.push(hello("instructions", true, |of| {
            let words = of.hello.as_ref()?.instructions.as_deref();
            Some(words.map_or_else(|| "none".to_owned(), |words| words.to_owned()))
        }));
        rows.extend(self.capabilities());
        for kind in ListKind::ALL {
            rows.extend(self.list(kind));
        }
        rows
    }

    fn row(&self, label: &str, compares: bool, cell: impl Fn(&Column) -> Option<Cell>) -> Row {
        let known: Vec<Option<Cell>> = self.columns.iter().map(cell).collect();
        let mut texts = known.iter().flatten().map(|cell| &cell.text);
        let first = texts.next();
        let differs = compares && texts.any(|text| Some(text) != first);
        let mut known = known.into_iter().map(Option::unwrap_or_default);
        let cells = std::array::from_fn(|_| known.next().unwrap_or_default());
        Row {
            label: label.to_owned(),
            cells,
            differs,
        }
    }

    /// One row for each capability that any column has, and for each switch in it.
    fn capabilities(&self) -> Vec<Row> {
        let hellos = self.columns.iter().filter_map(|of| of.hello.as_ref());
        let all: BTreeSet<String> = hellos.flat_map(|it| switches(&it.capabilities)).collect();
        let row = |name: String| {
            let label = format!("can {name}");
            self.row(&label, true, |of| {
                let has = switches(&of.hello.as_ref()?.capabilities).contains(&name);
                Some(Cell::of(if has { "yes" } else { "no" }))
            })
        };
        all.into_iter().take(MOST).map(row).collect()
    }

    fn list(&self, kind: ListKind) -> Vec<Row> {
        let sheet = |of: &'_ Column| of.lists.get(&kind).cloned();
        if self.columns.iter().all(|of| sheet(of).is_none()) {
            return Vec::new();
        }
        let count = self.row(kind.wire(), true, |of| match sheet(of) {
            Some(sheet) => Some(counted(&sheet)),
            // It has said what it can do, and this is not among it.
            None => of
                .hello
                .as_ref()
                .filter(|_| is_over(of))
                .map(|_| Cell::of("not offered")),
        });
        let took = self.row("  took", false, |of| Some(Cell::of(time(sheet(of)?.took))));
        let mut rows = vec![count, took];
        let known = self.columns.iter().filter_map(sheet);
        let lists: Vec<_> = known.filter_map(|sheet| sheet.items.ok()).collect();
        let names: BTreeSet<&String> = lists.iter().flat_map(|items| items.keys()).collect();
        let differing = names.into_iter().filter_map(|name| {
            let first = lists.iter().find_map(|items| items.get(name)).copied();
            let row = self.row(&format!("  {name}"), true, |of| {
                let items = sheet(of)?.items.ok()?;
                Some(Cell::of(match items.get(name) {
                    None => "missing",
                    digest if digest.copied() == first => "there",
                    Some(_) => "defined otherwise",
                }))
            });
            row.differs.then_some(row)
        });
        rows.extend(differing.take(MOST));
        rows
    }
}

fn is_over(of: &Column) -> bool {
    matches!(of.stage, Stage::Done | Stage::Ends)
}

fn outcome(of: &Column) -> Cell {
    match &of.stage {
        Stage::Waits => Cell::of("waits"),
        Stage::Dials { .. } => Cell::of("dials"),
        Stage::Lists { kind, .. } => Cell::of(kind.wire()),
        Stage::Ends => Cell::of("ends"),
        Stage::Done => Cell::of("speaks it"),
        Stage::Stopped => Cell::of("stopped"),
        Stage::Failed(failure) => Cell {
            text: failure.headline(),
            bad: true,
        },
    }
}

fn counted(sheet: &ListSheet) -> Cell {
    match &sheet.items {
        Ok(items) => Cell::of(match sheet.rejected {
            0 => items.len().to_string(),
            bad => format!("{}, {bad} unusable", items.len()),
        }),
        Err(why) => Cell {
            text: why.clone(),
            bad: true,
        },
    }
}

fn time(took: Duration) -> String {
    human::duration(took)
}

/// `tools`, `tools.listChanged`: what a server says it can do, each by its name.
fn switches(capabilities: &Value) -> Vec<String> {
    let Some(object) = capabilities.as_object() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (name, value) in object {
        all.push(name.clone());
        let inner = value.as_object().into_iter().flatten();
        let on = inner.filter(|(_, value)| !matches!(value, Value::Bool(false) | Value::Null));
        all.extend(on.map(|(inner, _)| format!("{name}.{inner}")));
    }
    all
}
