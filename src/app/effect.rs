//! What the terminal program wants done outside: plain data that `terminal::run` carries out.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Config, FolderFile};
use crate::host::Effect;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum AppEffect {
    /// For the driver.
    Host(Effect),
    /// Puts a text into the terminal's clipboard; answered by [`crate::app::event::AppEvent::Copied`].
    Copy(String),
    /// Hands an address, which the person has agreed to, to the browser; answered by
    /// [`crate::app::event::AppEvent::Opened`].
    Open(String),
    /// Finds out which of these folders are not there; answered by [`crate::app::event::AppEvent::Missing`].
    FindFolders(Vec<PathBuf>),
    /// Writes files; answered by [`crate::app::event::AppEvent::Saved`].
    Save(Vec<Save>),
    /// Another configuration counts from now on.
    Configure(Arc<Config>),
    /// Writes down that this folder's file may run; a failure is answered by [`crate::app::event::AppEvent::TrustNotKept`].
    Trust(Box<FolderFile>),
    /// Finds out what `auto` means for the theme; answered by [`crate::app::event::AppEvent::Theme`].
    DetectTheme,
    /// Rings the terminal's bell.
    Ring,
    /// Shows a notification of the desktop, through the terminal. The text is raw.
    Notify(String),
    /// Draws everything anew, whatever the screen is thought to show.
    Redraw,
    /// Gives the terminal back and stops, until the shell's `fg`.
    Suspend,
    /// Ends the program.
    Quit,
}

/// One file to write where the program was started. An existing one is never written over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    /// The name, which is ours.
    pub stem: String,
    /// What follows the dot.
    pub extension: &'static str,
    /// The content, base64.
    pub data: String,
}
