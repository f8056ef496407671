//! The filesystem server's own way to a file without the protocol around it: for measuring and for attacking it.
//!
//! `benches/figures/escape.rs` swaps folders for links while it reads and writes through this.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::servers::ServeError;
use crate::servers::filesystem::Files;
use crate::servers::filesystem::change::replace;
use crate::servers::filesystem::changes::Changes;
use crate::servers::filesystem::roots::Roots;
use crate::servers::filesystem::trash::Trash;

/// The roots and the journal of one server.
pub struct Direct {
    files: Files,
}

impl Direct {
    /// Opens the roots, with a trash in the data directory that keeps so many bytes.
    ///
    /// # Errors
    /// A root that is no readable folder.
    pub fn open(roots: &[PathBuf], data: &Path, max_bytes: u64) -> Result<Self, ServeError> {
        let mut trash = Trash::below(data);
        trash.max_bytes = max_bytes;
        let roots = Roots::open(roots, trash.place())?;
        let changes = Arc::new(Changes::new(trash));
        let files = Files { roots, changes };
        Ok(Self { files })
    }

    /// Reads a file as `read_text_file` does.
    ///
    /// # Errors
    /// The sentence that the tool would answer.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let found = self.files.roots.find(path);
        let opened = found.and_then(|place| place.open());
        let (mut file, _) = opened.map_err(|refusal| refusal.0)?;
        let mut content = Vec::new();
        let read = file.read_to_end(&mut content);
        read.map_err(|error| error.to_string())?;
        Ok(content)
    }

    /// Writes a file as `write_file` does.
    ///
    /// # Errors
    /// The sentence that the tool would answer.
    pub fn write(&self, path: &str, content: &[u8]) -> Result<(), String> {
        let write = || {
            let mut turn = self.files.turn()?;
            let place = self.files.roots.find(path)?;
            replace(&mut turn, &place, content, None)
        };
        write().map(drop).map_err(|refusal| refusal.0)
    }
}
