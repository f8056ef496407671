//! Tool definitions as they were when the person first met or last accepted them, and whether one is still the same.
//!
//! Pure. A pin belongs to a server's name and launch. `canonical` says what is the same, `difference` shows what is not. The
//! host holds the pins against each list of tools; the driver reads and writes their file.

mod canonical;
mod difference;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ids::ServerName;
use crate::mcp::tool::{Annotations, Tool};

pub use difference::{Difference, differences, value_differences};

/// Launches of one name that are remembered: several folders may each have a server of that name.
const LAUNCHES: usize = 8;
/// Bytes of one definition, and of all of one launch, whose words are kept; of what is longer only the digest is.
const WORDS: usize = 32 << 10;
const ALL_WORDS: usize = 4 << 20;

/// What a tool is for the model and the person, freed of what means nothing: the order of keys, of what is required, of options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// A name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// Schema of the arguments.
    pub input: Value,
    /// Schema of the structured answer.
    #[serde(default)]
    pub output: Option<Value>,
    /// What the server claims of it, its silence filled with what the protocol takes it for.
    #[serde(default)]
    pub annotations: Annotations,
}

impl Definition {
    /// The definition of a tool.
    pub fn of(tool: &Tool) -> Self {
        let text = |text: &Option<String>| {
            let text = text.as_deref().map(canonical::text);
            text.filter(|text| !text.is_empty())
        };
        Self {
            title: text(&tool.title),
            description: text(&tool.description),
            input: canonical::schema(&tool.input_schema),
            output: tool.output_schema.as_ref().map(canonical::schema),
            annotations: canonical::annotations(&tool.annotations),
        }
    }

    fn line(&self) -> String {
        let claims = &self.annotations;
        json!([
            self.title,
            self.description,
            self.input,
            self.output,
            [
                claims.read_only,
                claims.destructive,
                claims.idempotent,
                claims.open_world
            ],
        ])
        .to_string()
    }
}

/// One tool as it was pinned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pinned {
    /// SHA-256 of the definition, which decides.
    pub digest: String,
    /// Its bytes.
    pub bytes: usize,
    /// The definition itself, to show what changed; absent where it is too long to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Box<Definition>>,
    /// The server did not offer it any more when it was last asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

impl Pinned {
    /// The pin of a tool.
    pub fn of(tool: &Tool) -> Self {
        let definition = Definition::of(tool);
        let line = definition.line();
        Self {
            digest: digest(&line),
            bytes: line.len(),
            definition: (line.len() <= WORDS).then(|| Box::new(definition)),
            gone: false,
        }
    }

    /// Whether both are of the same definition.
    pub fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    fn kept_bytes(&self) -> usize {
        self.definition.as_ref().map_or(0, |_| self.bytes)
    }
}

/// SHA-256 in hexadecimal.
pub fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The pins of one launch of one server.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Record {
    /// [`crate::config::Launch::identity`] of it.
    pub launch: String,
    /// The tools by name.
    #[serde(default)]
    pub tools: BTreeMap<String, Pinned>,
    /// The digest of the instructions of which the person was told that something strikes the eye.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

/// What becomes of one pin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinChange {
    /// Met for the first time: what another program has pinned meanwhile stays.
    First(Pinned),
    /// The person accepts this definition.
    Accepted(Pinned),
    /// The server does not offer it any more, or offers it again.
    Gone(bool),
    /// As if it had never been met.
    Forget,
}

/// What becomes of the pins of one launch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PinChanges {
    /// By tool.
    pub tools: BTreeMap<String, PinChange>,
    /// The digest of the instructions of which the person was told.
    pub told: Option<String>,
}

impl PinChanges {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.told.is_none()
    }
}

impl Record {
    /// Carries out the changes.
    pub fn change(&mut self, changes: &PinChanges) {
        let mut room: usize = self.tools.values().map(Pinned::kept_bytes).sum();
        for (name, change) in &changes.tools {
            match change {
                PinChange::First(pin) => {
                    if !self.tools.contains_key(name) {
                        self.put(name, pin, &mut room);
                    }
                }
                PinChange::Accepted(pin) => self.put(name, pin, &mut room),
                PinChange::Gone(gone) => {
                    if let Some(pin) = self.tools.get_mut(name) {
                        pin.gone = *gone;
                    }
                }
                PinChange::Forget => {
                    self.tools.remove(name);
                }
            }
        }
        if changes.told.is_some() {
            self.told.clone_from(&changes.told);
        }
    }

    fn put(&mut self, name: &str, pin: &Pinned, room: &mut usize) {
        let mut pin = pin.clone();
        *room = room.saturating_add(pin.kept_bytes());
        if *room > ALL_WORDS {
            *room = room.saturating_sub(pin.kept_bytes());
            pin.definition = None;
        }
        self.tools.insert(name.to_owned(), pin);
    }
}

/// All pins, by server and launch; of each name the launch that changed last is the last.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pins {
    /// The records of each name.
    pub servers: BTreeMap<ServerName, Vec<Record>>,
}

impl Pins {
    /// The pins of this launch of this server.
    pub fn record(&self, server: &ServerName, launch: &str) -> Option<&Record> {
        let records = self.servers.get(server)?;
        records.iter().find(|record| record.launch == launch)
    }

    /// Carries out changes; the launch is remembered from then on, whatever they are.
    pub fn change(&mut self, server: &ServerName, launch: &str, changes: &PinChanges) {
        let records = self.servers.entry(server.clone()).or_default();
        let place = records.iter().position(|record| record.launch == launch);
        let mut record = match place {
            Some(place) => records.remove(place),
            None => Record {
                launch: launch.to_owned(),
                ..Record::default()
            },
        };
        record.change(changes);
        records.push(record);
        let too_many = records.len().saturating_sub(LAUNCHES);
        records.drain(..too_many);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(description: &str, schema: Value) -> Tool {
        Tool {
            name: "t".into(),
            title: None,
            description: Some(description.into()),
            input_schema: schema,
            output_schema: None,
            annotations: Annotations::default(),
            icons: Vec::new(),
            task: Default::default(),
        }
    }

    #[test]
    fn a_pin_of_another_program_stays_and_an_accepted_one_does_not() {
        let (one, two) = (
            Pinned::of(&tool("one", json!({}))),
            Pinned::of(&tool("two", json!({}))),
        );
        let mut pins = Pins::default();
        let name = ServerName::new("s");
        let put = |change| PinChanges {
            tools: BTreeMap::from([("t".to_owned(), change)]),
            told: None,
        };
        pins.change(&name, "a", &put(PinChange::First(one.clone())));
        pins.change(&name, "a", &put(PinChange::First(two.clone())));
        let now = |pins: &Pins| pins.record(&name, "a").map(|r| r.tools["t"].clone());
        assert_eq!(now(&pins), Some(one));
        pins.change(&name, "a", &put(PinChange::Accepted(two.clone())));
        assert_eq!(now(&pins), Some(two));
        assert_eq!(
            pins.record(&name, "b"),
            None,
            "another launch, another server"
        );
    }

    #[test]
    fn a_flood_of_definitions_is_kept_as_digests() {
        let mut record = Record::default();
        for number in 0..2_000 {
            let long = tool(&"word ".repeat(2_000), json!({"n": number}));
            let change = PinChanges {
                tools: BTreeMap::from([(
                    format!("t{number}"),
                    PinChange::First(Pinned::of(&long)),
                )]),
                told: None,
            };
            record.change(&change);
        }
        assert_eq!(record.tools.len(), 2_000);
        let kept: usize = record.tools.values().map(Pinned::kept_bytes).sum();
        assert!(kept <= ALL_WORDS, "{kept}");
        let huge = Pinned::of(&tool(&"x".repeat(1 << 20), json!({})));
        assert_eq!(huge.definition, None);
    }
}
