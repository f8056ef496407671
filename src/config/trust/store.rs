//! Which folders' files the person has agreed to: a file in the data directory that only its owner reads. Impure.
//!
//! A file that cannot be read trusts nobody: the question comes again, and nothing else is lost. It holds what each file said when
//! it was agreed to, without secrets, so that a later question can show what has changed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::config::trust::FolderFile;

/// The file's name in the data directory.
const NAME: &str = "trust.json";
/// What is read of it at most.
const LARGEST: u64 = 4 * 1024 * 1024;
/// Folders that are kept, the newest: a file that only grows would be read at every start.
const KEPT: usize = 500;

/// The answers, on disk and for this run.
#[derive(Debug, Clone)]
pub struct TrustBook {
    file: PathBuf,
    /// Agreed to for this run only, by path and digest.
    now: Arc<Mutex<BTreeSet<(PathBuf, String)>>>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its bytes when it was agreed to.
    pub sha256: String,
    /// When, in seconds since 1970.
    pub at: u64,
    /// What it said.
    #[serde(default)]
    pub says: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Written {
    #[serde(default)]
    trusted: Vec<Record>,
}

impl TrustBook {
    /// The book in this data directory; it need not exist.
    pub fn in_folder(data_dir: &Path) -> Self {
        Self {
            file: data_dir.join(NAME),
            now: Arc::default(),
        }
    }

    /// Whether this file may run as it is.
    pub fn trusts(&self, folder: &FolderFile) -> bool {
        let key = (folder.path.clone(), folder.digest.clone());
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.contains(&key) {
            return true;
        }
        drop(now);
        self.record(&folder.path)
            .is_some_and(|record| record.sha256 == folder.digest)
    }

    /// The last yes for a file at this place, whatever it says now.
    pub fn record(&self, path: &Path) -> Option<Record> {
        self.list().into_iter().find(|record| record.path == path)
    }

    /// Every yes, the newest first.
    pub fn list(&self) -> Vec<Record> {
        let mut records = self.read();
        records.sort_by_key(|record| std::cmp::Reverse(record.at));
        records
    }

    /// A yes for this run only.
    pub fn trust_now(&self, folder: &FolderFile) {
        let key = (folder.path.clone(), folder.digest.clone());
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.insert(key);
    }

    /// A yes, for this run and from now on.
    ///
    /// # Errors
    /// What the system says of the file; the yes holds for this run all the same.
    pub fn trust(&self, folder: &FolderFile) -> io::Result<()> {
        self.trust_now(folder);
        let mut records = self.list();
        records.retain(|record| record.path != folder.path);
        let record = Record {
            path: folder.path.clone(),
            sha256: folder.digest.clone(),
            at: seconds(),
            says: folder.says.clone(),
        };
        records.insert(0, record);
        records.truncate(KEPT);
        self.write(records)
    }

    /// Takes the yes for a file at this place back; whether there was one.
    ///
    /// # Errors
    /// What the system says of the file.
    pub fn forget(&self, path: &Path) -> io::Result<bool> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.retain(|(known, _)| known != path);
        drop(now);
        let mut records = self.list();
        let before = records.len();
        records.retain(|record| record.path != path);
        let was = records.len() < before;
        if was {
            self.write(records)?;
        }
        Ok(was)
    }

    /// What the file knows; nothing where there is none or it cannot be read.
    fn read(&self) -> Vec<Record> {
        let mut text = String::new();
        let file = fs::File::open(&self.file);
        let read = file.and_then(|file| file.take(LARGEST).read_to_string(&mut text));
        match read {
            Ok(_) => {
                serde_json::from_str::<Written>(&text)
                    .unwrap_or_default()
                    .trusted
            }
            Err(_) => Vec::new(),
        }
    }

    /// Replaces the file as a whole: two programs may write it. A temporary file is its owner's alone (0600), and stays so.
    fn write(&self, trusted: Vec<Record>) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(serde_json::to_string_pretty(&Written { trusted })?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.file).map_err(|error| error.error)?;
        Ok(())
    }
}

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, digest: &str) -> FolderFile {
        FolderFile {
            path: path.into(),
            digest: digest.to_owned(),
            says: vec!["Server a".to_owned()],
        }
    }

    #[test]
    fn a_yes_is_for_one_place_and_one_content_and_can_be_taken_back() {
        let home = tempfile::tempdir().unwrap();
        let book = TrustBook::in_folder(&home.path().join("new"));
        let (one, other, moved) = (
            file("/a/mcp.toml", "1"),
            file("/a/mcp.toml", "2"),
            file("/b/mcp.toml", "1"),
        );
        assert!(!book.trusts(&one));
        book.trust(&one).unwrap();
        let again = TrustBook::in_folder(&home.path().join("new"));
        assert!(again.trusts(&one) && !again.trusts(&other) && !again.trusts(&moved));
        assert_eq!(again.record(&other.path).unwrap().says, one.says);
        again.trust(&other).unwrap();
        assert!(again.trusts(&other) && again.list().len() == 1);
        assert!(again.forget(&one.path).unwrap() && !again.forget(&one.path).unwrap());
        assert!(!again.trusts(&other));
    }

    #[test]
    fn a_yes_for_this_run_is_written_nowhere() {
        let home = tempfile::tempdir().unwrap();
        let book = TrustBook::in_folder(home.path());
        book.trust_now(&file("/a/mcp.toml", "1"));
        assert!(book.trusts(&file("/a/mcp.toml", "1")) && !book.trusts(&file("/a/mcp.toml", "2")));
        assert!(!TrustBook::in_folder(home.path()).trusts(&file("/a/mcp.toml", "1")));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_broken_file_trusts_nobody_and_is_mended_by_the_next_yes() {
        let home = tempfile::tempdir().unwrap();
        let book = TrustBook::in_folder(home.path());
        for text in ["", "{", "[]", "{\"trusted\": 3}", "\u{0}\u{1}"] {
            fs::write(home.path().join(NAME), text).unwrap();
            assert!(
                !TrustBook::in_folder(home.path()).trusts(&file("/a/mcp.toml", "1")),
                "{text}"
            );
        }
        book.trust(&file("/a/mcp.toml", "1")).unwrap();
        assert!(TrustBook::in_folder(home.path()).trusts(&file("/a/mcp.toml", "1")));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        TrustBook::in_folder(home.path())
            .trust(&file("/a/mcp.toml", "1"))
            .unwrap();
        let mode = fs::metadata(home.path().join(NAME))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
