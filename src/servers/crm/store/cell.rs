//! Values and rows as both engines give them: whole numbers and texts are all that the CRM keeps.
//!
//! Knows no engine. A column of another type than the reader expects is a fault of the store, never a panic.

use crate::servers::crm::store::Fault;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
}

/// One row, read by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub Vec<Cell>);

impl Row {
    /// A whole number.
    ///
    /// # Errors
    /// The column holds something else.
    pub fn int(&self, at: usize) -> Result<i64, Fault> {
        match self.0.get(at) {
            Some(Cell::Int(number)) => Ok(*number),
            other => Err(odd(at, "a number", other)),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// The column holds something else.
    pub fn text(&self, at: usize) -> Result<String, Fault> {
        match self.0.get(at) {
            Some(Cell::Text(text)) => Ok(text.clone()),
            other => Err(odd(at, "a text", other)),
        }
    }

    /// A whole number or nothing.
    ///
    /// # Errors
    /// The column holds something else.
    pub fn maybe_int(&self, at: usize) -> Result<Option<i64>, Fault> {
        match self.0.get(at) {
            Some(Cell::Null) => Ok(None),
            _ => self.int(at).map(Some),
        }
    }

    /// A text or nothing.
    ///
    /// # Errors
    /// The column holds something else.
    pub fn maybe_text(&self, at: usize) -> Result<Option<String>, Fault> {
        match self.0.get(at) {
            Some(Cell::Null) => Ok(None),
            _ => self.text(at).map(Some),
        }
    }
}

fn odd(at: usize, wanted: &str, found: Option<&Cell>) -> Fault {
    Fault::Engine(format!(
        "column {at} of a row should be {wanted} and is {found:?}"
    ))
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
