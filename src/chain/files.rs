//! The files of a log: `FILE` with the newest lines, `FILE.1` and so on with the older ones, `FILE.head` with the number and hash
//! of the last line.
//!
//! Impure. Opened by whoever writes a log, listed by `mcpdeck audit verify`.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::chain::line::{self, Head};

/// No line is as long as this: what is behind the last line end is looked for in so many bytes.
const TAIL: u64 = 64 * 1024;

/// `FILE.head` or another neighbour of a log.
pub fn beside(log: &Path, ending: &str) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(OsString::from(format!(".{ending}")));
    PathBuf::from(name)
}

/// The older files of a log with their numbers, oldest first.
///
/// # Errors
/// The folder cannot be read.
pub fn older(log: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let folder = match log.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let own = log
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let number = name
            .strip_prefix(&own)
            .and_then(|rest| rest.strip_prefix('.'));
        let number =
            number.filter(|n| !n.starts_with('0') && n.bytes().all(|b| b.is_ascii_digit()));
        if let Some(number) = number.and_then(|n| n.parse().ok()) {
            found.push((number, beside(log, &format!("{number}"))));
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the head beside a log; none where there is none yet.
///
/// # Errors
/// It cannot be read, or is no head.
pub fn head(log: &Path) -> io::Result<Option<Head>> {
    match std::fs::read_to_string(beside(log, "head")) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => {
            let head = text.strip_suffix('\n').and_then(Head::parse);
            head.map(Some)
                .ok_or_else(|| io::Error::other("the file `.head` beside it is no head"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a file that only its owner may read, and makes it where there is none.
///
/// # Errors
/// It cannot be opened, or something else than a file has its name.
pub fn own(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    if std::fs::symlink_metadata(path).is_ok_and(|data| !data.is_file()) {
        return Err(io::Error::other("it is there and no regular file"));
    }
    options.open(path)
}

/// The end of a log file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The last whole line; none in an empty file.
    pub last: Option<Head>,
    /// What follows it without a line end.
    pub rest: Vec<u8>,
}

/// Reads the end of a log file.
///
/// # Errors
/// It cannot be read, or its last line is not as it was written.
pub fn tail(file: &mut File) -> io::Result<Tail> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    io::Read::by_ref(file).take(TAIL).read_to_end(&mut bytes)?;
    let end = bytes
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1);
    let rest = bytes.split_off(end);
    let line = bytes.strip_suffix(b"\n").unwrap_or_default();
    let begin = line
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1);
    let line = line.get(begin..).unwrap_or_default();
    if line.is_empty() && (from > 0 || end > 0) {
        return Err(io::Error::other("it does not end like a log"));
    }
    if line.is_empty() {
        return Ok(Tail { last: None, rest });
    }
    let line = line::read(line).ok_or_else(|| io::Error::other("its last line was changed"))?;
    let last = Head {
        seq: Some(line.seq),
        hash: line.hash,
    };
    Ok(Tail {
        last: Some(last),
        rest,
    })
}

/// Which file this is, so that another one under its name is told from it.
#[cfg(unix)]
pub fn identity(data: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (data.dev(), data.ino())
}

/// Which file this is; its length alone has to do here.
#[cfg(not(unix))]
pub fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
