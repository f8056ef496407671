//! What a request or a notification asks: its method, and the name of what it is about.
//!
//! Pure. Used by `log`, which keeps it beside the record and its answer.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::mcp::wire::record::{WireKind, WireRecord};

/// What a request or a notification asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The method.
    pub method: Box<str>,
    /// The tool's or prompt's name, or the resource's URI.
    pub name: Option<Box<str>>,
}

impl About {
    /// What a record asks, where it asks something. A name behind the cut of a long text is not known.
    pub(super) fn of(record: &WireRecord) -> Option<Self> {
        let (WireKind::Request { method, .. } | WireKind::Notification { method }) = &record.kind
        else {
            return None;
        };
        let is_named = matches!(
            method.as_str(),
            "tools/call" | "prompts/get" | "resources/read"
        );
        let name = is_named.then(|| name_in(&record.text)).flatten();
        Some(Self {
            method: method.as_str().into(),
            name,
        })
    }
}

/// The name or URI in the parameters of a message.
fn name_in(text: &str) -> Option<Box<str>> {
    let mut found = Found::default();
    let members = Members {
        found: &mut found,
        of_params: false,
    };
    // Where the text was cut this ends with an error, and what stands before the cut has been found.
    let _cut = members.deserialize(&mut serde_json::Deserializer::from_str(text));
    found.name.or(found.uri)
}

#[derive(Default)]
struct Found {
    name: Option<Box<str>>,
    uri: Option<Box<str>>,
}

/// Goes through the members of a message, or of its parameters.
struct Members<'f> {
    found: &'f mut Found,
    of_params: bool,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Box<str>>()? {
            match (self.of_params, &*key) {
                (false, "params") => map.next_value_seed(Members {
                    found: &mut *self.found,
                    of_params: true,
                })?,
                (true, "name") => self.found.name = map.next_value()?,
                (true, "uri") => self.found.uri = map.next_value()?,
                (_, _) => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_wherever_the_text_is_cut_behind_it() {
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"name":"no"},"name":"write","arguments":{"name":"no","text":"long"}},"name":"no"}"#;
        let behind = text.find("write").unwrap() + "write\"".len();
        for end in 0..=text.len() {
            let found = name_in(&text[..end]);
            let expected = (end >= behind).then_some("write");
            assert_eq!(found.as_deref(), expected, "{}", &text[..end]);
        }
        let uri = name_in(r#"{"params":{"uri":"db://x"},"id":"#);
        assert_eq!(uri.as_deref(), Some("db://x"));
        for odd in [
            "[]",
            "{}",
            r#"{"params":[]}"#,
            r#"{"params":{"name":7}}"#,
            "\0",
        ] {
            assert_eq!(name_in(odd), None, "{odd}");
        }
    }
}
