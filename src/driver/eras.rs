//! The era that each server spoke last, kept over a restart of the program: a dial that knows it needs no guess.
//!
//! A file that cannot be read or written costs a guess and nothing else, so nobody is told.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::host::RememberedEra;
use crate::ids::ServerName;

/// Entries that are kept: a file that only grows would be read at every start.
const KEPT: usize = 500;

/// Far more than as many entries as are kept; a file that is larger is not ours, and must not fill the memory.
const LARGEST: u64 = 1024 * 1024;

/// What the file knows; nothing where there is none or it cannot be read.
pub fn load(path: &Path) -> BTreeMap<ServerName, RememberedEra> {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    match read {
        Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
        Err(_) => BTreeMap::new(),
    }
}

/// Writes one down in the background.
pub(super) async fn keep(path: PathBuf, server: ServerName, era: RememberedEra) {
    let _guessed_again = tokio::task::spawn_blocking(move || save(&path, server, era)).await;
}

/// Adds one to the file, which is replaced as a whole: two programs may write it.
///
/// # Errors
/// What the system says.
pub fn save(path: &Path, server: ServerName, era: RememberedEra) -> io::Result<()> {
    let mut eras = load(path);
    if eras.len() >= KEPT {
        eras.clear();
    }
    eras.insert(server, era);
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(serde_json::to_string_pretty(&eras)?.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::status::Era;

    #[test]
    fn what_was_saved_is_there_again_and_a_broken_file_is_none() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new/eras.json");
        assert_eq!(load(&path), BTreeMap::new());
        let era = |era| RememberedEra {
            launch: "npx x".into(),
            era,
        };
        save(&path, "a".into(), era(Era::Legacy)).unwrap();
        save(&path, "b".into(), era(Era::Modern)).unwrap();
        save(&path, "a".into(), era(Era::Modern)).unwrap();
        let all: Vec<_> = load(&path)
            .into_iter()
            .map(|(name, kept)| (name.to_string(), kept.era))
            .collect();
        assert_eq!(
            all,
            [("a".to_owned(), Era::Modern), ("b".to_owned(), Era::Modern)]
        );
        fs::write(&path, "{").unwrap();
        assert_eq!(load(&path), BTreeMap::new());
    }
}
