//! The system's keyring. Where there is none, or it takes nothing, each function says so and `store` uses a file.

/// The text under this key.
pub(super) fn load(_key: &str) -> Option<String> {
    None
}

/// Keeps a text; false when the keyring has not taken it.
pub(super) fn save(_key: &str, _text: &str) -> bool {
    false
}

/// Forgets a text.
pub(super) fn remove(_key: &str) {}
