//! Ways out of a root, each tried on the server and on a resolver that compares texts, which lets them through.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mcpdeck::servers::filesystem::direct::Direct;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;
use tempfile::TempDir;

use crate::client::Served;

const SECRET: &str = "not for you";

/// A root beside a sibling whose name begins alike and that holds the secret.
struct Ground {
    base: TempDir,
}

impl Ground {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let ground = Self { base };
        fs::create_dir_all(ground.root().join("sub")).unwrap();
        fs::create_dir(ground.outside()).unwrap();
        fs::write(ground.outside().join("secret"), SECRET).unwrap();
        symlink(ground.outside(), ground.root().join("abs")).unwrap();
        symlink("../root-evil", ground.root().join("rel")).unwrap();
        symlink("../../root-evil/secret", ground.root().join("sub/file")).unwrap();
        ground
    }

    fn root(&self) -> PathBuf {
        self.base.path().canonicalize().unwrap().join("root")
    }

    fn outside(&self) -> PathBuf {
        self.base.path().canonicalize().unwrap().join("root-evil")
    }
}

/// The check that is often seen: join, then compare the beginning.
fn naive(root: &Path, path: &str) -> io::Result<String> {
    let joined = root.join(path);
    if !joined.to_str().unwrap().starts_with(root.to_str().unwrap()) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    fs::read_to_string(joined)
}

#[tokio::test]
async fn no_path_leads_out_of_the_root() {
    let ground = Ground::new();
    let root = ground.root();
    let server = Served::start(&["filesystem", root.to_str().unwrap()]).await;
    let absolute = ground.outside().join("secret");
    let paths = [
        "../root-evil/secret",
        "sub/../../root-evil/secret",
        absolute.to_str().unwrap(),
        "abs/secret",
        "rel/secret",
        "sub/file",
        "/etc/hostname",
        "/proc/self/environ",
    ];
    let let_through = paths
        .iter()
        .filter(|path| naive(&root, path).is_ok_and(|text| text == SECRET));
    assert_eq!(let_through.count(), 6, "the control must let these through");
    for path in paths {
        let calls = [
            ("read_text_file", json!({"path": path})),
            ("write_file", json!({"path": path, "content": "x"})),
            (
                "edit_file",
                json!({"path": path, "edits": [{"oldText": SECRET, "newText": "x"}]}),
            ),
            ("create_directory", json!({"path": format!("{path}-new/x")})),
        ];
        for (tool, arguments) in calls {
            // What the path names is a link inside, so a new folder beside it is inside too.
            if tool == "create_directory" && path == "sub/file" {
                continue;
            }
            server.refused(tool, arguments).await;
        }
        if path != "sub/file" {
            server.refused("get_file_info", json!({"path": path})).await;
            server.refused("delete_file", json!({"path": path})).await;
            server
                .refused(
                    "move_file",
                    json!({"source": path, "destination": "stolen"}),
                )
                .await;
        }
    }
    for path in ["abs", "rel", "..", "/"] {
        server
            .refused("list_directory", json!({"path": path}))
            .await;
        server
            .refused("search_files", json!({"path": path, "pattern": "*"}))
            .await;
    }
    fs::write(root.join("mine"), "mine").unwrap();
    for destination in ["../root-evil/x", "abs/x", "rel/x"] {
        server
            .refused(
                "move_file",
                json!({"source": "mine", "destination": destination}),
            )
            .await;
    }
    let found = server
        .good("search_files", json!({"path": ".", "pattern": "secret"}))
        .await;
    assert_eq!(found["matches"], json!([]));
    let outside: Vec<_> = fs::read_dir(ground.outside()).unwrap().collect();
    assert_eq!(outside.len(), 1);
    assert_eq!(
        fs::read_to_string(ground.outside().join("secret")).unwrap(),
        SECRET
    );
    // A link that leads out can be deleted; what it leads to stays.
    server.good("delete_file", json!({"path": "abs"})).await;
    assert!(ground.outside().join("secret").exists());
}

/// Swaps a folder of the root for a link to the outside, again and again, until dropped.
struct Swapper {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<u64>>,
}

impl Swapper {
    fn start(folder: PathBuf, link: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let over = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut swaps = 0;
            while swaps <= 100 || !over.load(Ordering::Relaxed) {
                renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).unwrap();
                swaps += 1;
            }
            swaps
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// Ends it after at least a hundred swaps. Tells how many there were.
    fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

/// The better check that is often seen: resolve, compare, then open by the name again. `between` happens between the two.
fn check_then_open(root: &Path, path: &str, between: impl FnOnce()) -> io::Result<String> {
    let real = root.join(path).canonicalize()?;
    if !real.starts_with(root) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    between();
    fs::read_to_string(root.join(path))
}

/// A ground whose folder `swap`, with a file of its own, can change places with the link `abs`.
fn swap_ground() -> Ground {
    let ground = Ground::new();
    fs::create_dir(ground.root().join("swap")).unwrap();
    fs::write(ground.root().join("swap/secret"), "inside").unwrap();
    ground
}

/// The attack is a real one: the check that is often seen falls to it, at the moment between its two steps.
fn the_naive_check_falls(root: &Path) {
    let swap = || {
        let (folder, link) = (root.join("swap"), root.join("abs"));
        renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).unwrap();
    };
    let stolen = check_then_open(root, "swap/secret", swap).unwrap();
    assert_eq!(stolen, SECRET, "the control must let the attack through");
    swap();
}

fn outside(ground: &Ground) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(ground.outside()).unwrap();
    entries.map(|e| e.unwrap().file_name()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_swapped_for_a_link_while_it_is_used_leads_nowhere() {
    let ground = swap_ground();
    let root = ground.root();
    the_naive_check_falls(&root);
    let server = Served::start(&["filesystem", root.to_str().unwrap()]).await;
    let swapper = Swapper::start(root.join("swap"), root.join("abs"));
    for number in 0..200 {
        let reply = server
            .call("read_text_file", json!({"path": "swap/secret"}))
            .await;
        assert!(!reply.text.contains(SECRET), "{}", reply.text);
        for (tool, arguments) in [
            (
                "write_file",
                json!({"path": format!("swap/new-{number}"), "content": "x"}),
            ),
            (
                "create_directory",
                json!({"path": format!("swap/dir-{number}/deep")}),
            ),
            (
                "copy_file",
                json!({"source": "swap/secret", "destination": format!("swap/copy-{number}")}),
            ),
            (
                "move_file",
                json!({"source": format!("swap/new-{number}"), "destination": format!("swap/moved-{number}")}),
            ),
            (
                "delete_file",
                json!({"path": format!("swap/copy-{number}")}),
            ),
            ("undo", json!({})),
        ] {
            let reply = server.call(tool, arguments).await;
            assert!(!reply.text.contains(SECRET), "{}", reply.text);
        }
    }
    assert!(swapper.end() > 100);
    assert_eq!(outside(&ground), ["secret"]);
    let secret = fs::read_to_string(ground.outside().join("secret"));
    assert_eq!(secret.unwrap(), SECRET);
}

#[test]
fn tens_of_thousands_of_reads_and_writes_under_attack_stay_inside() {
    let ground = swap_ground();
    let root = ground.root();
    the_naive_check_falls(&root);
    let data = ground.base.path().join("data");
    let direct = Direct::open(std::slice::from_ref(&root), &data, 1_000_000).unwrap();
    let swapper = Swapper::start(root.join("swap"), root.join("abs"));
    for number in 0..30_000 {
        if number % 100 == 0 {
            let _refused = direct.write("swap/mine", b"x");
        } else if let Ok(content) = direct.read("swap/secret") {
            assert_eq!(content, b"inside", "after {number} operations");
        }
    }
    assert!(swapper.end() > 100);
    assert_eq!(outside(&ground), ["secret"]);
    // With the folder in its place all is as ever.
    if root.join("swap").symlink_metadata().unwrap().is_symlink() {
        let (folder, link) = (root.join("swap"), root.join("abs"));
        renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).unwrap();
    }
    assert_eq!(direct.read("swap/secret").unwrap(), b"inside");
    direct.write("swap/mine", b"mine").unwrap();
    assert_eq!(fs::read(root.join("swap/mine")).unwrap(), b"mine");
}
