//! Files that the person saves: pictures, sounds and attachments of an answer, into the folder where the program was started.
//!
//! Beside the draw thread, one order at a time. The names are ours, and no file is ever written over. Called by `run`.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::app::{Save, picture};

/// Names that are tried for one file.
const NAMES: u32 = 1_000;

/// What came of an order: the names, or why not.
pub type Saved = Result<Vec<PathBuf>, String>;

/// The one who saves.
#[derive(Default)]
pub struct Saver {
    waiting: VecDeque<Vec<Save>>,
    running: Option<JoinHandle<Saved>>,
}

impl Saver {
    /// Takes an order. Must be called inside a tokio runtime.
    pub fn order(&mut self, files: Vec<Save>) {
        self.waiting.push_back(files);
        self.begin();
    }

    fn begin(&mut self) {
        if self.running.is_none()
            && let Some(files) = self.waiting.pop_front()
        {
            self.running = Some(spawn_blocking(move || save_all(Path::new(""), &files)));
        }
    }

    /// Waits until an order is done; for ever when there is none. Loses nothing when dropped.
    pub async fn saved(&mut self) -> Saved {
        let Some(task) = &mut self.running else {
            return std::future::pending().await;
        };
        let outcome = task.await;
        self.running = None;
        self.begin();
        outcome.unwrap_or_else(|error| Err(error.to_string()))
    }
}

fn save_all(folder: &Path, files: &[Save]) -> Saved {
    let save = |file: &Save| {
        save(folder, file).map_err(|why| format!("`{}.{}`: {why}", file.stem, file.extension))
    };
    files.iter().map(save).collect()
}

fn save(folder: &Path, file: &Save) -> Result<PathBuf, String> {
    let content = picture::decoded(file.data.as_ref())?;
    let (path, mut out) = create(folder, file).map_err(|error| error.to_string())?;
    out.write_all(&content).map_err(|error| error.to_string())?;
    Ok(path)
}

/// The first name that is free.
fn create(folder: &Path, file: &Save) -> io::Result<(PathBuf, File)> {
    for number in 1..=NAMES {
        let name = match number {
            1 => format!("{}.{}", file.stem, file.extension),
            again => format!("{}-{again}.{}", file.stem, file.extension),
        };
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        match options.open(&path) {
            Ok(out) => return Ok((path, out)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many files of this name are there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(data: &str) -> Save {
        Save {
            stem: "call-1-1".into(),
            extension: "png",
            data: data.into(),
        }
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let files = [picture("YWJj"), picture("ZGVm\nZw")];
        let names = save_all(folder.path(), &files).unwrap();
        let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
        assert_eq!(names.iter().map(read).collect::<Vec<_>>(), ["abc", "defg"]);
        assert_eq!(names[1], folder.path().join("call-1-1-2.png"));
    }

    #[test]
    fn what_cannot_be_read_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let why = save_all(folder.path(), &[picture("*")]).unwrap_err();
        assert!(
            why.starts_with("`call-1-1.png`: the server sent no valid base64"),
            "{why}"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
