//! An attack on the filesystem server's roots: a thread swaps a folder for a link to the outside, in one step and as fast as it
//! can, while files below it are read and written. Counts how often a read or a write reached the outside.
//!
//! The same attack on a resolver that resolves, compares and then opens must get through in the same run; else nothing is
//! shown, and that fails the run as an escape does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use mcpdeck::servers::filesystem::direct::Direct;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::report::Row;

/// Operations through the server's own code; every tenth is a write.
const OPERATIONS: u64 = 1_000_000;

/// Operations through the naive resolver: it falls soon.
const NAIVE: u64 = 20_000;

const SECRET: &[u8] = b"outside";

/// A root with a folder that is swapped for a link, and what the link leads to.
struct Ground {
    _base: tempfile::TempDir,
    root: PathBuf,
    outside: PathBuf,
    data: PathBuf,
}

/// How often something happened.
#[derive(Default)]
struct Count {
    /// Reads that found the file inside.
    read: u64,
    /// Writes that reached the file inside.
    written: u64,
    /// What was refused.
    refused: u64,
    /// Reads that found the secret.
    stolen: u64,
    /// Writes that changed something outside.
    planted: u64,
}

impl Count {
    fn escapes(&self) -> u64 {
        self.stolen + self.planted
    }
}

/// Swaps until it is dropped.
struct Swapper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

/// Runs the attack on both; the rows say how it went.
pub fn measure() -> Vec<Row> {
    let naive = attack(NAIVE, |ground| {
        let root = ground.root.clone();
        let write_root = root.clone();
        (
            move |path: &str| fs::read(checked(&root, path)?).map_err(|e| e.to_string()),
            move |path: &str, text: &[u8]| {
                fs::write(checked(&write_root, path)?, text).map_err(|e| e.to_string())
            },
        )
    });
    let ours = attack(OPERATIONS, |ground| {
        let open = || Direct::open(std::slice::from_ref(&ground.root), &ground.data, 64 * 1024);
        let reader = open().expect("the root");
        let writer = open().expect("the root");
        (
            move |path: &str| reader.read(path),
            move |path: &str, text: &[u8]| writer.write(path, text),
        )
    });
    vec![row(&ours, &naive)]
}

fn row(ours: &(Count, u64), naive: &(Count, u64)) -> Row {
    let (ours, swaps) = ours;
    let (naive, _) = naive;
    eprintln!(
        "escape: {} reads and {} writes inside, {} refused, {swaps} swaps; escapes: {} here, {} of {NAIVE} with the naive resolver",
        ours.read,
        ours.written,
        ours.refused,
        ours.escapes(),
        naive.escapes()
    );
    let met = ours.escapes() == 0 && ours.read > 0 && ours.written > 0 && naive.escapes() > 0;
    Row {
        what: format!("escapes from a root, {OPERATIONS} operations"),
        measured: ours.escapes().to_string(),
        baseline: format!("{} of {NAIVE}", naive.escapes()),
        compared: format!("{swaps} swaps"),
        goal: "0".to_owned(),
        met: Some(met),
        is_proof: true,
    }
}

/// The check that is often seen: resolve, compare, then open by the name again.
fn checked(root: &Path, path: &str) -> Result<PathBuf, String> {
    let joined = root.join(path);
    let folder = joined.parent().unwrap_or(root).canonicalize();
    if folder.map_err(|e| e.to_string())?.starts_with(root) {
        Ok(joined)
    } else {
        Err("outside".to_owned())
    }
}

fn attack<R, W>(operations: u64, arms: impl Fn(&Ground) -> (R, W)) -> (Count, u64)
where
    R: Fn(&str) -> Result<Vec<u8>, String>,
    W: Fn(&str, &[u8]) -> Result<(), String>,
{
    let ground = Ground::new();
    let (read, write) = arms(&ground);
    let swapper = Swapper::start(ground.root.join("swap"), ground.root.join("link"));
    let mut count = Count::default();
    for number in 0..operations {
        if number % 10 == 9 {
            match write("swap/mine", number.to_string().as_bytes()) {
                Ok(()) => count.written += 1,
                Err(_) => count.refused += 1,
            }
            count.planted += ground.planted();
        } else {
            match read("swap/file") {
                Ok(content) if content == SECRET => count.stolen += 1,
                Ok(_) => count.read += 1,
                Err(_) => count.refused += 1,
            }
        }
    }
    let swaps = swapper.end();
    count.planted += ground.planted();
    (count, swaps)
}

impl Ground {
    fn new() -> Self {
        // In memory where that is possible: a million operations wait for no disk then.
        let base = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let base = base.expect("a temporary folder");
        let real = base.path().canonicalize().expect("it exists");
        let [root, outside, data] = ["root", "root-outside", "data"].map(|name| real.join(name));
        for folder in [&root.join("swap"), &outside, &data] {
            fs::create_dir_all(folder).expect("a folder");
        }
        fs::write(root.join("swap/file"), "inside").expect("a file");
        fs::write(outside.join("file"), SECRET).expect("a file");
        std::os::unix::fs::symlink(&outside, root.join("link")).expect("a link");
        Self {
            _base: base,
            root,
            outside,
            data,
        }
    }

    /// Things outside that nobody but an escaped write can have put there; they are taken away again.
    fn planted(&self) -> u64 {
        let entries = fs::read_dir(&self.outside).expect("the outside");
        let mut found = 0;
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.ends_with("file") {
                continue;
            }
            found += 1;
            fs::remove_file(path).expect("what was planted");
        }
        found
    }
}

impl Swapper {
    fn start(folder: PathBuf, link: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let over = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut swaps = 0;
            while !over.load(Ordering::Relaxed) {
                renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).expect("a swap");
                swaps += 1;
            }
            swaps
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it runs");
        thread.join().expect("the swapper")
    }
}
