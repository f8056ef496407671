//! Keys in the form for a prompt's arguments or a template's variables.
//!
//! Pure.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::app::effect::AppEffect;
use crate::app::fields::{Fields, Purpose};
use crate::app::intent::{Intent, Move};
use crate::app::state::{App, Overlay};
use crate::ids::ServerName;

impl App {
    /// The form, when it is open.
    pub(super) fn fields(&mut self) -> Option<&mut Fields> {
        match &mut self.overlay {
            Overlay::Fields(fields) => Some(fields),
            Overlay::None
            | Overlay::Help { .. }
            | Overlay::Palette(_)
            | Overlay::Detail { .. }
            | Overlay::Folders(_)
            | Overlay::SignIn(_) => None,
        }
    }

    /// What is typed into a field makes the mark and the complaint old.
    pub(super) fn stir_fields(&mut self, intent: Option<&Intent>) {
        if let (None | Some(Intent::Edit(_)), Some(fields)) = (intent, self.fields()) {
            fields.marked = None;
            fields.complaint = None;
        }
    }

    pub(super) fn fill_template(
        &mut self,
        server: &ServerName,
        template: &str,
        into: Option<Range<usize>>,
    ) -> Vec<AppEffect> {
        let known = self.host.server(server).and_then(|server| {
            let mut templates = server.templates.iter();
            templates.find(|known| known.uri_template == template)
        });
        let words = known.and_then(|known| known.description.clone());
        match Fields::of_template(server, template, words, into) {
            Some(fields) => self.overlay = Overlay::Fields(Box::new(fields)),
            None => self.complain(format!(
                "The template cannot be filled in here: it is no URI template of RFC 6570. `/read {server} URI` reads any URI."
            )),
        }
        Vec::new()
    }

    pub(super) fn next_field(&mut self, by: usize) -> Vec<AppEffect> {
        if let Some(fields) = self.fields() {
            let count = fields.rows.len().max(1);
            fields.at = (fields.at + by) % count;
            fields.marked = None;
        }
        Vec::new()
    }

    /// The field before is so many fields on.
    pub(super) fn previous_field(&mut self) -> Vec<AppEffect> {
        let count = self.fields().map_or(1, |fields| fields.rows.len().max(1));
        self.next_field(count - 1)
    }

    /// Up and down mark a proposed value where there are some, and else go through the fields.
    pub(super) fn move_in_fields(&mut self, by: Move) {
        let asker = self.reach.asker.clone();
        let Some(fields) = self.fields() else {
            return;
        };
        let values = fields.proposals(&asker).len();
        match (by, fields.marked) {
            (Move::Down, None) if values > 0 => fields.marked = Some(0),
            (Move::Down, Some(at)) if values > 0 => fields.marked = Some((at + 1).min(values - 1)),
            (Move::Up, Some(at)) => fields.marked = at.checked_sub(1),
            (Move::Up, None) => {
                self.previous_field();
            }
            (Move::Down, _) => {
                self.next_field(1);
            }
            (Move::PageUp | Move::PageDown | Move::Top | Move::Bottom, _) => {}
        }
    }

    pub(super) fn send_fields(&mut self) -> Vec<AppEffect> {
        let asker = self.reach.asker.clone();
        let Some(fields) = self.fields() else {
            return Vec::new();
        };
        if let Some(marked) = fields.marked.take() {
            let value = fields.proposals(&asker).get(marked).copied();
            if let (Some(value), at) = (value, fields.at)
                && let Some(field) = fields.rows.get_mut(at)
            {
                field.value.set("");
                field.value.paste(value);
            }
            return Vec::new();
        }
        if let Some(missing) = fields.missing() {
            let name = fields.rows.get(missing).map(|field| field.name.clone());
            fields.at = missing;
            fields.complaint = Some(format!("`{}` is required.", name.unwrap_or_default()));
            return Vec::new();
        }
        let filled = fields.clone();
        self.act_on(filled)
    }

    fn act_on(&mut self, fields: Fields) -> Vec<AppEffect> {
        let uri = fields.uri().unwrap_or_default();
        match fields.purpose {
            Purpose::Prompt {
                ref server,
                ref prompt,
            } => {
                if !self.can_prompt() {
                    return Vec::new();
                }
                let values = fields.values().into_iter();
                let object: Map<String, Value> =
                    values.map(|(name, value)| (name, value.into())).collect();
                let (server, prompt) = (server.clone(), prompt.clone());
                self.get_prompt(server, prompt, Value::Object(object).to_string())
            }
            Purpose::Template {
                server,
                into: Some(range),
                ..
            } => {
                self.overlay = Overlay::None;
                self.composer.put_at(range, &format!("@{server}:{uri} "));
                Vec::new()
            }
            Purpose::Template {
                server, into: None, ..
            } => self.read(server, uri),
        }
    }
}
