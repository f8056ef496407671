//! Fragments of tool calls to whole calls, however an endpoint numbers them.
//!
//! Pure; used by `assemble`. Endpoints leave out `index`, keep it at 0, start it at 1, repeat names, send empty ones, or invent
//! a new id for each fragment: a fragment belongs to a call by what it can only be, never by its position.

use serde_json::{Map, Value};

use crate::agent::model::call_id::CallIds;
use crate::agent::model::request::ModelCall;

/// The calls so far.
#[derive(Debug, Clone, Default)]
pub struct Merger {
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, Default)]
struct Slot {
    index: Option<u64>,
    id: Option<String>,
    name: String,
    arguments: String,
    extra: Map<String, Value>,
}

/// What one fragment says; empty strings and nulls are absent.
struct Fragment<'a> {
    index: Option<u64>,
    id: Option<&'a str>,
    name: Option<&'a str>,
    arguments: String,
}

impl<'a> Fragment<'a> {
    fn read(value: &'a Value) -> Self {
        let function = value.get("function").unwrap_or(&Value::Null);
        let filled = |value: Option<&'a Value>| {
            value
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        Self {
            index: value.get("index").and_then(Value::as_u64),
            id: filled(value.get("id")),
            name: filled(function.get("name")),
            arguments: match function.get("arguments") {
                Some(Value::String(text)) => text.clone(),
                Some(whole @ Value::Object(_)) => whole.to_string(),
                _ => String::new(),
            },
        }
    }
}

impl Merger {
    /// Takes one element of `delta.tool_calls`; gives the name and the bytes of arguments of its call so far.
    pub fn push(&mut self, value: &Value) -> Option<(&str, usize)> {
        let fields = value.as_object()?;
        let fragment = Fragment::read(value);
        let seat = self.seat(&fragment).unwrap_or_else(|| {
            self.slots.push(Slot {
                index: fragment.index,
                ..Slot::default()
            });
            self.slots.len() - 1
        });
        let slot = self.slots.get_mut(seat)?;
        if slot.id.is_none() {
            slot.id = fragment.id.map(str::to_owned);
        }
        if slot.name.is_empty() {
            slot.name = fragment.name.unwrap_or_default().to_owned();
        }
        slot.arguments.push_str(&fragment.arguments);
        for (key, value) in fields {
            if !matches!(key.as_str(), "index" | "id" | "type" | "function") && !value.is_null() {
                slot.extra.insert(key.clone(), value.clone());
            }
        }
        Some((&slot.name, slot.arguments.len()))
    }

    /// Where the fragment belongs; `None`: it begins a call.
    fn seat(&self, fragment: &Fragment<'_>) -> Option<usize> {
        if let Some(id) = fragment.id
            && let Some(seat) = self
                .slots
                .iter()
                .rposition(|slot| slot.id.as_deref() == Some(id))
            && (fragment.index.is_none() || self.slots.get(seat)?.index == fragment.index)
        {
            return Some(seat);
        }
        let numbered = fragment.index.and_then(|index| {
            self.slots
                .iter()
                .rposition(|slot| slot.index == Some(index))
        });
        let seat = match numbered {
            Some(seat) => seat,
            // A new number begins a call, if the fragment says which; bare arguments can only go on with the last one.
            None if fragment.index.is_some() && fragment.name.is_some() => return None,
            None => self.slots.len().checked_sub(1)?,
        };
        let begins = self.slots.get(seat)?.is_ended_by(fragment);
        (!begins).then_some(seat)
    }

    /// Whether there is no call.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The whole calls under ids of our own, and how many fragments never got a name.
    pub fn finish(self, ids: &mut CallIds) -> (Vec<ModelCall>, usize) {
        let before = self.slots.len();
        let calls: Vec<ModelCall> = self
            .slots
            .into_iter()
            .filter(|slot| !slot.name.is_empty())
            .map(|slot| ModelCall {
                id: ids.next_id(),
                name: slot.name,
                arguments: if slot.arguments.trim().is_empty() {
                    "{}".to_owned()
                } else {
                    slot.arguments
                },
                extra: slot.extra,
            })
            .collect();
        let nameless = before - calls.len();
        (calls, nameless)
    }
}

impl Slot {
    /// Whether the fragment cannot be more of this call.
    fn is_ended_by(&self, fragment: &Fragment<'_>) -> bool {
        let Some(name) = fragment.name else {
            // An id without a name: some endpoints invent one for every fragment.
            return false;
        };
        if self.name.is_empty() {
            return false;
        }
        let other_id = match (&self.id, fragment.id) {
            (Some(mine), Some(other)) => mine != other,
            (None, _) | (_, None) => false,
        };
        if other_id {
            // With the same name and half an object so far, it is the same call under an invented id.
            return name != self.name || self.arguments.is_empty() || self.is_complete();
        }
        if fragment.id.is_some() && self.id.as_deref() == fragment.id {
            return false;
        }
        name != self.name || (self.is_complete() && !fragment.arguments.trim().is_empty())
    }

    fn is_complete(&self) -> bool {
        serde_json::from_str::<Map<String, Value>>(&self.arguments).is_ok()
    }
}
