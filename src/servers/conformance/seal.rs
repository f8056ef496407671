//! The state that a client carries between two rounds of a call, sealed so that it cannot be changed or used elsewhere.
//!
//! The client gets the number of the round and a keyed digest of it and of what was asked. The key lives as long as the
//! process. Called by `rounds`.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};

use sha2::{Digest, Sha256};

/// The key of one process.
pub struct Seal([u8; 32]);

impl Seal {
    /// A key that nobody else has.
    pub fn new() -> Self {
        let mut key = [0; 32];
        for part in key.chunks_exact_mut(8) {
            // The standard library's only door to the system's randomness.
            part.copy_from_slice(&RandomState::new().hash_one(0).to_le_bytes());
        }
        Self(key)
    }

    /// The state to give to the client: this round of this tool or prompt.
    pub fn close(&self, name: &str, round: usize) -> String {
        format!("{round}.{}", self.tag(name, round))
    }

    /// The round that a state stands for; none when it was not made here for this tool or prompt.
    pub fn open(&self, name: &str, state: &str) -> Option<usize> {
        let (round, tag) = state.split_once('.')?;
        let round = round.parse().ok()?;
        let right = self.tag(name, round);
        let differ = right.len() != tag.len()
            || right
                .bytes()
                .zip(tag.bytes())
                // In the same time whatever differs.
                .fold(0, |differ, (a, b)| differ | (a ^ b))
                != 0;
        (!differ).then_some(round)
    }

    /// Twice, so that the digest of a longer text cannot be continued from that of a shorter one.
    fn tag(&self, name: &str, round: usize) -> String {
        let inner = Sha256::new()
            .chain_update(self.0)
            .chain_update(round.to_le_bytes())
            .chain_update(name)
            .finalize();
        let outer = Sha256::new()
            .chain_update(self.0)
            .chain_update(inner)
            .finalize();
        outer.iter().fold(String::new(), |mut hex, byte| {
            let _never_fails = write!(hex, "{byte:02x}");
            hex
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Seal;

    #[test]
    fn a_state_opens_only_unchanged_for_its_name_and_under_its_key() {
        let seal = Seal::new();
        let state = seal.close("tool", 1);
        assert_eq!(seal.open("tool", &state), Some(1));
        assert_eq!(seal.open("other", &state), None);
        assert_eq!(seal.open("tool", &format!("{state}-TAMPERED")), None);
        assert_eq!(seal.open("tool", &state.replacen('1', "2", 1)), None);
        assert_eq!(seal.open("tool", ""), None);
        assert_eq!(Seal::new().open("tool", &state), None);
    }
}
