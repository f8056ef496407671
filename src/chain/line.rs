//! The form of a line and the chain through the lines. Pure: no file, no clock.
//!
//! A line is one JSON object. Its last member, `hash`, is the SHA-256 of the line's bytes before it; the one before, `previous`,
//! is the `hash` of the line before. `seq` counts the lines from 0, through all files of a log.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// What stands where there is no line before.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Between the members that are hashed and the hash.
const JOINT: &str = ",\"hash\":\"";
const HEX: usize = 64;

/// The end of a chain: what the next line builds on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The number of the last line; none before the first.
    pub seq: Option<u64>,
    /// Its hash.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            seq: None,
            hash: NOTHING.to_owned(),
        }
    }
}

impl Head {
    /// The number of the next line.
    pub fn next(&self) -> u64 {
        self.seq.map_or(0, |seq| seq.saturating_add(1))
    }

    /// As it is written beside the log and taken from the command line.
    pub fn text(&self) -> String {
        self.seq
            .map_or_else(String::new, |seq| format!("{seq:020}:{}", self.hash))
    }

    /// Reads what `text` writes; leading zeros are not needed.
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, hash) = text.split_once(':')?;
        let seq = Some(seq).filter(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()));
        let hash = Some(hash).filter(|hash| is_hash(hash))?.to_owned();
        let seq = Some(seq?.parse().ok()?);
        Some(Self { seq, hash })
    }
}

/// Makes the next line of a chain, with its line end; moves the head.
pub fn append(head: &mut Head, members: Map<String, Value>) -> String {
    let seq = head.next();
    let mut all = Map::new();
    all.insert("seq".to_owned(), seq.into());
    all.extend(members);
    all.insert("previous".to_owned(), head.hash.clone().into());
    let mut body = Value::Object(all).to_string();
    body.pop();
    let hash = sha256(body.as_bytes());
    *head = Head {
        seq: Some(seq),
        hash: hash.clone(),
    };
    format!("{body}{JOINT}{hash}\"}}\n")
}

/// One line that is whole in itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// The hash of the line before.
    pub previous: String,
    /// Its own.
    pub hash: String,
    /// All its members.
    pub members: Map<String, Value>,
}

/// Reads a line without its line end, if its hash is that of its bytes.
pub fn read(line: &[u8]) -> Option<Line> {
    let line = std::str::from_utf8(line).ok()?;
    let body = line.get(..line.len().checked_sub(JOINT.len() + HEX + 2)?)?;
    let hash = line.get(body.len()..)?.strip_prefix(JOINT)?;
    let hash = hash.strip_suffix("\"}").filter(|hash| is_hash(hash))?;
    if sha256(body.as_bytes()) != hash {
        return None;
    }
    let members: Map<String, Value> = serde_json::from_str(line).ok()?;
    let previous = members.get("previous")?.as_str()?.to_owned();
    Some(Line {
        seq: members.get("seq")?.as_u64()?,
        previous,
        hash: hash.to_owned(),
        members,
    })
}

/// The SHA-256 of some bytes in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_hash(text: &str) -> bool {
    text.len() == HEX && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// JSON with its names in order and nothing between: the same arguments give the same bytes.
pub fn canonical(value: &Value) -> String {
    fn ordered(value: &Value) -> Value {
        match value {
            Value::Array(all) => all.iter().map(ordered).collect(),
            Value::Object(all) => {
                let mut names: Vec<&String> = all.keys().collect();
                names.sort();
                let pairs = names
                    .into_iter()
                    .filter_map(|n| Some((n.clone(), ordered(all.get(n)?))));
                Value::Object(pairs.collect())
            }
            other => other.clone(),
        }
    }
    ordered(value).to_string()
}
