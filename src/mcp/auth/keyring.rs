//! The system's keyring. Where there is none, or it takes nothing, each function says so and `store` uses a file.
//!
//! On Linux it is the kernel's, which is there without a desktop; it forgets at a reboot, and then a person signs in again.

use super::store;

#[cfg(target_os = "linux")]
use linux::entry;

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::OnceLock;

    use keyring_core::Entry;

    /// The entry of this name; none where the kernel offers no keyring.
    pub(super) fn entry(name: &str) -> Option<Entry> {
        static IS_THERE: OnceLock<bool> = OnceLock::new();
        let is_there = IS_THERE.get_or_init(|| match linux_keyutils_keyring_store::Store::new() {
            Ok(store) => {
                keyring_core::set_default_store(store);
                true
            }
            Err(_) => false,
        });
        is_there.then(|| Entry::new("mcpdeck", name).ok()).flatten()
    }
}

/// A keyring that is never there.
#[cfg(not(target_os = "linux"))]
mod none {
    pub(super) struct Entry;

    impl Entry {
        pub(super) fn get_password(&self) -> Result<String, ()> {
            Err(())
        }

        pub(super) fn set_password(&self, _text: &str) -> Result<(), ()> {
            Err(())
        }

        pub(super) fn delete_credential(&self) -> Result<(), ()> {
            Err(())
        }
    }

    pub(super) fn entry(_name: &str) -> Option<Entry> {
        None
    }
}

#[cfg(not(target_os = "linux"))]
use none::entry;

/// The text under this key.
pub(super) fn load(key: &str) -> Option<String> {
    entry(&store::short(key))?.get_password().ok()
}

/// Keeps a text; false when the keyring has not taken it. What cannot be read again was not taken.
pub(super) fn save(key: &str, text: &str) -> bool {
    let Some(entry) = entry(&store::short(key)) else {
        return false;
    };
    let taken = entry.set_password(text).is_ok();
    if taken && entry.get_password().is_ok_and(|kept| kept == text) {
        return true;
    }
    // An older text would be read before the file.
    let _was_not_there = entry.delete_credential();
    false
}

/// Forgets a text.
pub(super) fn remove(key: &str) {
    if let Some(entry) = entry(&store::short(key)) {
        let _was_not_there = entry.delete_credential();
    }
}
