//! What every server on an SQLite file needs to know of the files beside it: whether it can be read where nothing can be written.
//!
//! Opens nothing and changes nothing. Asked by the stores of `database` and `crm` when the engine refuses to open a file.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rusqlite::{Error, ErrorCode};

/// Whether the engine would have had to write beside the file: so it does with the journal that is called WAL, also for reading.
pub fn needs_its_folder(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
    )
}

/// Whether all that was ever written is in the file itself.
pub fn is_settled(path: &Path) -> bool {
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    // Whoever only reads leaves an empty WAL behind.
    let nothing = |path: PathBuf| match std::fs::metadata(path) {
        Ok(meta) => meta.len() == 0,
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    nothing(beside("-wal")) && nothing(beside("-journal"))
}

/// The file as a URL by which the engine neither locks it nor writes beside it.
pub fn immutable(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut url = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'?' | b'#' | b'%' => url.extend(format!("%{byte:02X}").into_bytes()),
            byte => url.push(*byte),
        }
    }
    url.extend(b"?immutable=1");
    PathBuf::from(OsString::from_vec(url))
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, OpenFlags};

    use super::*;

    #[test]
    fn a_file_that_may_not_be_written_beside_is_read_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("odd?name#100%.db");
        let made = Connection::open(&file).unwrap();
        made.execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (7);")
            .unwrap();
        drop(made);
        assert!(is_settled(&file));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(immutable(&file), flags).unwrap();
        let n: i64 = connection
            .query_row("SELECT n FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(n, 7);
        std::fs::write(dir.path().join("odd?name#100%.db-wal"), "").unwrap();
        assert!(is_settled(&file));
        std::fs::write(dir.path().join("odd?name#100%.db-wal"), "x").unwrap();
        assert!(!is_settled(&file));
    }
}
