//! Looks at the files that a server is made of, and tells when they have changed: for `inspect --watch`.
//!
//! A look is each file's time, length and number, as in `watching`. What changes is left to settle first: an editor, a compiler or
//! a checkout writes many files, and that is one restart. What tools write for themselves (`.git`, `target`, `node_modules`,
//! `__pycache__`) is no source.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::config::News;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_millis(500);
/// For so long they must look the same.
const SETTLED: Duration = Duration::from_millis(250);
/// After so many looks it is told although they still change.
const PATIENCE: u32 = 20;
/// Files that are looked at; a folder with more is no server's source.
const MOST: usize = 20_000;
/// Folders that no person writes in, besides all whose names begin with a dot.
const NOT_SOURCES: [&str; 4] = ["target", "node_modules", "__pycache__", "venv"];

/// How all files look.
type Looks = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Files and folders under watch.
#[derive(Debug, Clone)]
pub struct Sources {
    paths: Vec<PathBuf>,
    seen: Looks,
}

impl Sources {
    /// Begins with a look at the files as they are: what is written from here on is news.
    pub fn begin(paths: Vec<PathBuf>) -> Self {
        let seen = look(&paths);
        Self { paths, seen }
    }

    /// Reports each change for as long as somebody listens.
    pub async fn run(mut self, news: mpsc::Sender<News>) {
        loop {
            sleep(EVERY).await;
            let looked = self.look().await;
            if looked == self.seen {
                continue;
            }
            let settled = self.settled(looked).await;
            let changed = changed(&self.seen, &settled);
            self.seen = settled;
            // What was written and taken back meanwhile is no change.
            if let Some(path) = changed
                && news.send(News::Touched(path)).await.is_err()
            {
                return;
            }
        }
    }

    async fn settled(&self, mut before: Looks) -> Looks {
        for _ in 0..PATIENCE {
            sleep(SETTLED).await;
            let now = self.look().await;
            if now == before {
                break;
            }
            before = now;
        }
        before
    }

    /// On a thread of its own: a folder on the network may keep whoever looks at it waiting.
    async fn look(&self) -> Looks {
        let paths = self.paths.clone();
        let looked = spawn_blocking(move || look(&paths)).await;
        looked.unwrap_or_else(|_| self.seen.clone())
    }
}

/// The first file that is not as it was.
fn changed(before: &Looks, now: &Looks) -> Option<PathBuf> {
    let other =
        |(path, look): &(&PathBuf, &(Option<SystemTime>, u64))| before.get(*path) != Some(look);
    let written = now.iter().find(other).map(|(path, _)| path.clone());
    let gone = || before.keys().find(|path| !now.contains_key(*path)).cloned();
    written.or_else(gone)
}

fn look(paths: &[PathBuf]) -> Looks {
    let mut looks = Looks::new();
    for path in paths {
        look_at(path, true, &mut looks);
    }
    looks
}

fn look_at(path: &Path, is_named: bool, looks: &mut Looks) {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let is_source = !name.starts_with('.') && !NOT_SOURCES.contains(&name);
    if looks.len() >= MOST || !is_named && !is_source {
        return;
    }
    // A link is followed where the person has named it, and nowhere else: folders that lead in a circle have no end.
    let about = match is_named {
        true => std::fs::metadata(path),
        false => std::fs::symlink_metadata(path),
    };
    let Ok(about) = about else {
        return;
    };
    if !about.is_dir() {
        looks.insert(path.to_path_buf(), (about.modified().ok(), about.len()));
        return;
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    for entry in entries {
        look_at(&entry.path(), false, looks);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn touched(heard: &mut mpsc::Receiver<News>) -> PathBuf {
        match heard.recv().await {
            Some(News::Touched(path)) => path,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_change_is_told_once_however_many_files_it_is_made_of() {
        let home = tempfile::tempdir().unwrap();
        let (file, sub) = (home.path().join("server.py"), home.path().join("lib"));
        fs::create_dir(&sub).unwrap();
        fs::write(&file, "1").unwrap();
        let (news, mut heard) = mpsc::channel(4);
        tokio::spawn(Sources::begin(vec![home.path().to_path_buf()]).run(news));
        // What tools write for themselves is not told, or the next change would not be the first one told.
        fs::create_dir(home.path().join("__pycache__")).unwrap();
        fs::write(home.path().join("__pycache__/x.pyc"), "x").unwrap();
        for number in 0..20 {
            fs::write(sub.join(format!("part{number:02}.py")), "new").unwrap();
        }
        assert_eq!(touched(&mut heard).await, sub.join("part00.py"));
        fs::write(&file, "longer").unwrap();
        assert_eq!(
            touched(&mut heard).await,
            file,
            "the twenty files were one change"
        );
        fs::remove_file(&file).unwrap();
        assert_eq!(touched(&mut heard).await, file);
    }

    #[test]
    fn folders_that_lead_in_a_circle_have_an_end() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("a"), "").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(home.path(), home.path().join("again")).unwrap();
        let looks = look(&[home.path().to_path_buf()]);
        assert!(looks.len() <= 2, "{looks:?}");
    }
}
