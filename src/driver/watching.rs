//! Looks at the configuration's files about once a second, and reads them again when they have changed.
//!
//! A look is the time, the length and the file itself, which costs next to nothing and sees what editors do in every way: written in
//! place, written beside and renamed, taken away and put back. What changes is left to settle first, so that nobody acts on half of
//! it. What may run of it, the book of trust says; this only reports.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::config::{self, Environment, Flags, Look, News, TrustBook};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// For so long they must look the same before they are read.
const SETTLED: Duration = Duration::from_millis(300);
/// A file that is gone must be gone for so many looks: one that is being replaced is away for a moment.
const GONE: u32 = 3;
/// After so many looks it is read although it still changes.
const PATIENCE: u32 = 10;

/// Where a configuration comes from.
#[derive(Debug, Clone)]
pub struct Watch {
    flags: Flags,
    environment: Environment,
    book: TrustBook,
    /// How the files looked before they were read last.
    seen: Vec<Look>,
}

impl Watch {
    /// Begins with a look at the files as they are: what is written from here on is news.
    pub fn begin(flags: Flags, environment: Environment, book: TrustBook) -> Self {
        Self {
            seen: config::look(&flags, &environment),
            flags,
            environment,
            book,
        }
    }

    /// Reports each change for as long as somebody listens.
    pub async fn run(mut self, news: mpsc::Sender<News>) {
        let mut told = None;
        loop {
            sleep(EVERY).await;
            let looked = self.look().await;
            if looked == self.seen {
                continue;
            }
            self.seen = self.settled(looked).await;
            let read = self.read().await;
            // A file that is touched says nothing new.
            if read.is_some() && read != told {
                told.clone_from(&read);
                if let Some(read) = read
                    && news.send(read).await.is_err()
                {
                    return;
                }
            }
        }
    }

    async fn settled(&self, mut before: Vec<Look>) -> Vec<Look> {
        let mut same = 0;
        for _ in 0..PATIENCE {
            sleep(SETTLED).await;
            let looked = self.look().await;
            let vanished = looked.iter().zip(&self.seen);
            let vanished = vanished
                .into_iter()
                .any(|(now, was)| now.is_none() && was.is_some());
            same = if looked == before { same + 1 } else { 0 };
            before = looked;
            if same >= (if vanished { GONE } else { 1 }) {
                break;
            }
        }
        before
    }

    /// On a thread of its own: a file on the network may keep whoever looks at it waiting.
    async fn look(&self) -> Vec<Look> {
        let (flags, environment) = (self.flags.clone(), self.environment.clone());
        let looked = spawn_blocking(move || config::look(&flags, &environment)).await;
        looked.unwrap_or_else(|_| self.seen.clone())
    }

    async fn read(&self) -> Option<News> {
        let Self {
            flags,
            environment,
            book,
            ..
        } = self.clone();
        let read = move || match config::load_permitted(&flags, &environment, &book) {
            Ok(permitted) => News::Read(permitted),
            Err(error) => News::Wrong(error.to_string()),
        };
        spawn_blocking(read).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use tokio::sync::mpsc::Receiver;

    use super::*;
    use crate::config::Permitted;

    fn server(name: &str) -> String {
        format!("[mcp_servers.{name}]\ncommand = \"x\"\n")
    }

    /// Watches the person's own file in this folder.
    fn watch(home: &Path) -> Receiver<News> {
        let environment = Environment {
            cwd: home.join("elsewhere"),
            config_dir: Some(home.to_path_buf()),
            ..Environment::default()
        };
        let watch = Watch::begin(Flags::default(), environment, TrustBook::in_folder(home));
        let (news, heard) = mpsc::channel(4);
        tokio::spawn(watch.run(news));
        heard
    }

    async fn servers(heard: &mut Receiver<News>) -> Vec<String> {
        match heard.recv().await {
            Some(News::Read(Permitted::Runs(config))) => {
                let names = config.servers.iter().map(|spec| spec.name.to_string());
                names.collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_file_is_read_again_however_it_is_written() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("mcp.toml");
        let mut heard = watch(home.path());
        fs::write(&file, server("new")).unwrap();
        assert_eq!(servers(&mut heard).await, ["new"]);
        // Beside it, and renamed.
        fs::write(home.path().join("x"), server("renamed")).unwrap();
        fs::rename(home.path().join("x"), &file).unwrap();
        assert_eq!(servers(&mut heard).await, ["renamed"]);
        // What is wrong is said, once; what is right again is read.
        fs::write(&file, "[mcp_servers").unwrap();
        assert!(matches!(heard.recv().await, Some(News::Wrong(why)) if why.contains("mcp.toml:1")));
        fs::write(&file, server("mended")).unwrap();
        assert_eq!(servers(&mut heard).await, ["mended"]);
        fs::remove_file(&file).unwrap();
        assert_eq!(servers(&mut heard).await, [""; 0]);
    }

    #[tokio::test]
    async fn half_of_a_change_is_never_told_of() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("mcp.toml");
        fs::write(&file, server("first")).unwrap();
        let mut heard = watch(home.path());
        // Taken away and put back, as some editors do, in more than one piece.
        let writer = tokio::task::spawn_blocking(move || {
            fs::remove_file(&file).unwrap();
            for part in ["", "[mcp_servers", ".second]\ncomm", "and = \"x\"\n"] {
                let mut whole = fs::read_to_string(&file).unwrap_or_default();
                whole.push_str(part);
                fs::write(&file, whole).unwrap();
            }
        });
        writer.await.unwrap();
        assert_eq!(servers(&mut heard).await, ["second"]);
    }
}
