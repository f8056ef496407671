//! A sign-in as the person goes through it: the address to visit, and the one that the browser ended at.
//!
//! Pure. How far it is, the host says; here is only what is typed and tried.

use crate::app::composer::Composer;
use crate::ids::ServerName;

/// The sign-in on show.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// At which server.
    pub server: ServerName,
    /// The address that the browser ended at, where it could not come back by itself.
    pub redirect: Composer,
    /// What was done, or why it could not be.
    pub note: Option<String>,
    /// First line on show.
    pub scroll: usize,
}

impl SignIn {
    /// One that has just begun.
    pub fn at(server: ServerName) -> Self {
        Self {
            server,
            redirect: Composer::default(),
            note: None,
            scroll: 0,
        }
    }

    /// The redirect as it is sent on: terminals break long lines when they copy them, and no address holds a blank.
    pub fn redirect(&self) -> String {
        let text = self.redirect.text();
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }
}
