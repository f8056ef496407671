//! A form written as JSON instead: the whole value as one text, and back.
//!
//! Pure. The text is made so that reading it gives the very value again, and it is read by [`written`], which takes nothing over
//! that would not be sent as it stands there.

use serde_json::Value;
use unicode_normalization::is_nfc;

use super::Tree;
use super::path::Step;
use crate::app::composer::Composer;
use crate::app::form::written;
use crate::host::arguments;
use crate::text::json;

/// The whole as JSON.
#[derive(Debug, Clone)]
pub struct Raw {
    /// The text.
    pub input: Composer,
    /// Why it is no JSON, or what in it does not fit.
    pub complaint: Option<String>,
}

impl Tree {
    /// Goes over to JSON, or back to the fields. JSON that is broken stays on show and says why.
    pub fn toggle_raw(&mut self) {
        if self.raw.is_none() {
            self.show_drafts();
            if self.drafts.keys().any(|(path, _)| is_item(path)) {
                let why = "an item of a list does not fit: as JSON it would be what it was before";
                self.complaint = Some(why.to_owned());
                return;
            }
            let mut input = Composer::default();
            if input.paste(&text(&self.value)) > 0 {
                self.complaint = Some("it is too long to be written as one text".to_owned());
                return;
            }
            self.raw = Some(Raw {
                input,
                complaint: None,
            });
            self.check_raw();
            return;
        }
        match self.read_raw() {
            Ok(value) => {
                self.raw = None;
                if value != self.value || keys(&value) != keys(&self.value) {
                    self.value = value;
                    self.drafts.clear();
                    self.ways.clear();
                    self.rows.clear();
                }
                self.read();
                self.enter(self.at);
            }
            Err(why) => self.complain_raw(Some(why)),
        }
    }

    /// Whether all that is written is in the value.
    pub fn is_whole(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Goes back to the fields as they were before: what is written as JSON is gone.
    pub fn drop_raw(&mut self) {
        self.raw = None;
    }

    /// Checks the text as it stands.
    pub(super) fn check_raw(&mut self) {
        let complaint = match self.read_raw() {
            Ok(value) => match arguments::faults(&value, &self.schema) {
                Ok(faults) => faults.first().map(told),
                Err(_) => None,
            },
            Err(why) => Some(why),
        };
        self.complain_raw(complaint);
    }

    /// The value of the text, when it fits.
    pub(super) fn accept_raw(&mut self) -> Option<Value> {
        self.check_raw();
        let raw = self.raw.as_ref()?;
        if raw.complaint.is_some() {
            return None;
        }
        self.read_raw().ok()
    }

    fn complain_raw(&mut self, why: Option<String>) {
        if let Some(raw) = &mut self.raw {
            raw.complaint = why;
        }
    }

    fn read_raw(&self) -> Result<Value, String> {
        let text = self.raw.as_ref().map_or("", |raw| raw.input.text());
        let value = written::read(text)?;
        match value.is_object() {
            true => Ok(value),
            false => Err("it must be an object: {…}".to_owned()),
        }
    }
}

/// Whether a place keeps what stood in it while something else is written there.
fn is_item(path: &[Step]) -> bool {
    !matches!(path.last(), Some(Step::Key(_)))
}

fn told((place, words): &(String, String)) -> String {
    match place.trim_start_matches('/') {
        "" => words.clone(),
        place => format!("{}: {words}", place.replace('/', ".")),
    }
}

/// The names of a value in their order: two values may be equal and differ in it.
fn keys(value: &Value) -> String {
    value.to_string()
}

/// A value as text for an input that keeps its text composed and free of control characters: what would not stay as it is
/// stands there escaped.
pub(super) fn text(value: &Value) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut input = Composer::default();
    input.paste(&pretty);
    if is_nfc(&pretty) && input.text() == pretty {
        return pretty;
    }
    let mut out = String::new();
    for c in pretty.chars() {
        if c.is_ascii() && c != '\u{7f}' {
            out.push(c);
            continue;
        }
        json::escape(c, &mut out);
    }
    out
}
