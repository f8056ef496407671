//! Ids for calls: nine ASCII letters and digits, because some endpoints accept no other form.
//!
//! Pure and deterministic: the same request gives the same ids, and none that the conversation already holds. Used by every adapter.

use std::collections::HashSet;

use crate::agent::model::request::{Message, ModelRequest};

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Hands out the ids of one step.
#[derive(Debug, Clone)]
pub struct CallIds {
    state: u64,
    taken: HashSet<String>,
}

impl CallIds {
    /// For the answer to this request: seeded by the conversation, aware of the ids in it.
    pub fn for_request(request: &ModelRequest) -> Self {
        let mut state = 0xcbf2_9ce4_8422_2325;
        let mut taken = HashSet::new();
        for message in &request.messages {
            let text = match message {
                Message::System { text } | Message::User { text } | Message::Tool { text, .. } => {
                    text
                }
                Message::Assistant { text, calls } => {
                    taken.extend(calls.iter().map(|call| call.id.clone()));
                    text
                }
            };
            state = fold(state, text.as_bytes());
        }
        state = fold(state, &request.messages.len().to_le_bytes());
        Self { state, taken }
    }

    /// The next id.
    pub fn next_id(&mut self) -> String {
        loop {
            self.state = fold(self.state, b"call");
            let mut rest = mix(self.state);
            let id: String = (0..9)
                .map(|_| {
                    let letter = ALPHABET[(rest % 62) as usize];
                    rest /= 62;
                    char::from(letter)
                })
                .collect();
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// FNV-1a, continued.
fn fold(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The finaliser of splitmix64: FNV alone leaves the low bits of near inputs alike.
fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::model::request::ModelCall;
    use crate::config::ModelMode;

    fn request(ids: &[String]) -> ModelRequest {
        let calls = ids.iter().map(|id| ModelCall {
            id: id.clone(),
            name: "t".into(),
            arguments: "{}".into(),
            extra: serde_json::Map::new(),
        });
        ModelRequest {
            messages: vec![Message::Assistant {
                text: String::new(),
                calls: calls.collect(),
            }],
            tools: Vec::new(),
            mode: ModelMode::Tools,
            plain_schemas: false,
            more_tokens: false,
            wishes: Default::default(),
        }
    }

    #[test]
    fn ids_are_nine_letters_and_digits_and_never_repeat_one_of_the_conversation() {
        let mut ids = CallIds::for_request(&request(&[]));
        let first: Vec<String> = (0..200).map(|_| ids.next_id()).collect();
        assert!(first.iter().all(|id| {
            id.len() == 9 && id.bytes().all(|letter| letter.is_ascii_alphanumeric())
        }));
        // The texts and the number of messages are the same, so only the knowledge of the taken ids keeps these apart.
        let mut again = CallIds::for_request(&request(&first));
        let second: HashSet<String> = (0..200).map(|_| again.next_id()).collect();
        assert_eq!(second.len(), 200);
        assert!(first.iter().all(|id| !second.contains(id)));
    }
}
