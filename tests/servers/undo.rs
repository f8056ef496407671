//! `undo` and `list_changes`: each kind of change is taken back, and nothing is taken back blindly.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use unicode_normalization::UnicodeNormalization;

use crate::client::{Served, command};

async fn served() -> (TempDir, Served) {
    let root = tempfile::tempdir().unwrap();
    let server = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    (root, server)
}

/// All there is below a folder: path, mode, content or target.
fn all(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let name = path.display().to_string();
        let mode = meta.permissions().mode();
        if meta.is_dir() {
            found.push((name, mode, Vec::new()));
            found.extend(all(&path));
        } else if meta.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            found.push((name, mode, target.as_os_str().as_bytes().to_owned()));
        } else {
            found.push((name, mode, fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn every_kind_of_change_is_taken_back_and_made_again() {
    let (root, server) = served().await;
    let path = root.path();
    fs::create_dir_all(path.join("dir/sub")).unwrap();
    fs::write(path.join("dir/sub/a"), "a").unwrap();
    symlink("sub/a", path.join("dir/link")).unwrap();
    fs::write(path.join("old"), "one two").unwrap();
    fs::set_permissions(path.join("old"), fs::Permissions::from_mode(0o4751)).unwrap();
    let changes = [
        ("write_file", json!({"path": "new", "content": "x"})),
        ("write_file", json!({"path": "old", "content": "one 2"})),
        (
            "edit_file",
            json!({"path": "old", "edits": [{"oldText": "one", "newText": "1"}]}),
        ),
        ("create_directory", json!({"path": "p/q/r"})),
        (
            "copy_file",
            json!({"source": "dir", "destination": "p/q/copy"}),
        ),
        (
            "move_file",
            json!({"source": "dir", "destination": "p/moved"}),
        ),
        ("delete_file", json!({"path": "p"})),
        ("delete_file", json!({"path": "old"})),
    ];
    let mut states = vec![all(path)];
    for (tool, arguments) in &changes {
        server.good(tool, arguments.clone()).await;
        states.push(all(path));
    }
    let mut undoings = Vec::new();
    for state in states.iter().rev().skip(1) {
        let undone = server.good("undo", json!({})).await;
        assert_eq!(&all(path), state, "{undone}");
        undoings.push(undone["change"].clone());
    }
    let said = server.refused("undo", json!({})).await;
    assert!(said.contains("no change to undo"), "{said}");
    for (undoing, state) in undoings.iter().rev().zip(&states[1..]) {
        server.good("undo", json!({"change": undoing})).await;
        assert_eq!(&all(path), state);
    }
    // What was made again can be taken back again.
    for state in states.iter().rev().skip(1) {
        server.good("undo", json!({})).await;
        assert_eq!(&all(path), state);
    }
}

#[tokio::test]
async fn what_was_changed_since_is_not_undone_unless_forced_and_then_kept() {
    let (root, server) = served().await;
    let file = root.path().join("a");
    fs::write(&file, "one").unwrap();
    server
        .good("write_file", json!({"path": "a", "content": "two"}))
        .await;
    fs::write(&file, "six").unwrap();
    let said = server.refused("undo", json!({})).await;
    assert!(
        said.contains("was changed") && said.contains("force"),
        "{said}"
    );
    assert_eq!(fs::read(&file).unwrap(), b"six");
    let undone = server.good("undo", json!({"force": true})).await;
    assert_eq!(fs::read(&file).unwrap(), b"one");
    assert_eq!(
        fs::read(undone["previous"].as_str().unwrap()).unwrap(),
        b"six"
    );
    server
        .good("undo", json!({"change": undone["change"]}))
        .await;
    assert_eq!(fs::read(&file).unwrap(), b"six");
}

#[tokio::test]
async fn a_deleted_file_does_not_come_back_over_a_new_one() {
    let (root, server) = served().await;
    let file = root.path().join("a");
    fs::write(&file, "one").unwrap();
    server.good("delete_file", json!({"path": "a"})).await;
    fs::write(&file, "mine").unwrap();
    let said = server.refused("undo", json!({})).await;
    assert!(said.contains("exists again"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    let undone = server.good("undo", json!({"force": true})).await;
    assert_eq!(fs::read(&file).unwrap(), b"one");
    assert_eq!(
        fs::read(undone["previous"].as_str().unwrap()).unwrap(),
        b"mine"
    );
}

#[tokio::test]
async fn a_new_folder_that_was_filled_since_stays() {
    let (root, server) = served().await;
    server
        .good("create_directory", json!({"path": "a/b"}))
        .await;
    fs::write(root.path().join("a/b/mine"), "x").unwrap();
    let said = server.refused("undo", json!({})).await;
    assert!(said.contains("was changed"), "{said}");
    assert!(root.path().join("a/b/mine").exists());
    fs::remove_file(root.path().join("a/b/mine")).unwrap();
    server.good("undo", json!({})).await;
    assert!(!root.path().join("a").exists());
}

#[tokio::test]
async fn a_move_is_not_undone_over_something_else_or_for_something_else() {
    let (root, server) = served().await;
    fs::write(root.path().join("a"), "a").unwrap();
    let moved = json!({"source": "a", "destination": "b"});
    server.good("move_file", moved).await;
    fs::write(root.path().join("a"), "taken").unwrap();
    let said = server.refused("undo", json!({"force": true})).await;
    assert!(said.contains("taken by something else"), "{said}");
    assert_eq!(fs::read(root.path().join("a")).unwrap(), b"taken");
    fs::rename(root.path().join("b"), root.path().join("c")).unwrap();
    fs::write(root.path().join("b"), "another").unwrap();
    fs::remove_file(root.path().join("a")).unwrap();
    let said = server.refused("undo", json!({})).await;
    assert!(said.contains("no longer what was moved"), "{said}");
    fs::rename(root.path().join("c"), root.path().join("b")).unwrap();
    server.good("undo", json!({})).await;
    assert_eq!(fs::read(root.path().join("a")).unwrap(), b"a");
}

#[tokio::test]
async fn without_the_folder_that_held_it_nothing_comes_back_until_it_is_there() {
    let (root, server) = served().await;
    fs::create_dir(root.path().join("dir")).unwrap();
    fs::write(root.path().join("dir/a"), "a").unwrap();
    let file = server.good("delete_file", json!({"path": "dir/a"})).await;
    let folder = server.good("delete_file", json!({"path": "dir"})).await;
    let undo = json!({"change": file["change"]});
    let said = server.refused("undo", undo.clone()).await;
    assert!(said.contains("does not exist any more"), "{said}");
    server
        .good("undo", json!({"change": folder["change"]}))
        .await;
    server.good("undo", undo.clone()).await;
    assert_eq!(fs::read(root.path().join("dir/a")).unwrap(), b"a");
    let said = server.refused("undo", undo).await;
    assert!(said.contains("was undone already"), "{said}");
}

#[tokio::test]
async fn a_folder_that_became_a_link_leads_no_undo_outside() {
    let (root, server) = served().await;
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("dir")).unwrap();
    fs::write(root.path().join("dir/a"), "a").unwrap();
    server.good("delete_file", json!({"path": "dir/a"})).await;
    fs::remove_dir(root.path().join("dir")).unwrap();
    symlink(outside.path(), root.path().join("dir")).unwrap();
    server.refused("undo", json!({"force": true})).await;
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn changes_are_listed_newest_first_and_only_those_of_the_own_folders() {
    let (root, server) = served().await;
    for name in ["a", "b"] {
        server
            .good("write_file", json!({"path": name, "content": name}))
            .await;
    }
    server
        .good("move_file", json!({"source": "b", "destination": "c"}))
        .await;
    server.good("undo", json!({})).await;
    let list = server.good("list_changes", json!({})).await;
    let tools = |list: &Value| -> Vec<(Value, Value, Value)> {
        let list = list["changes"].as_array().unwrap().iter();
        list.map(|c| (c["tool"].clone(), c["path"].clone(), c["can_undo"].clone()))
            .collect()
    };
    let row = |tool: &str, path: &str, can: bool| (json!(tool), json!(path), json!(can));
    let expected = [
        row("undo", "c", true),
        row("move_file", "b", false),
        row("write_file", "b", true),
        row("write_file", "a", true),
    ];
    assert_eq!(tools(&list), expected);
    let last = server.good("list_changes", json!({"limit": 1})).await;
    assert_eq!(tools(&last).len(), 1);

    // Another server with the same data directory and another root knows none of them.
    let other = tempfile::tempdir().unwrap();
    let data = server.data.path().to_str().unwrap();
    let other = Served::start_with(
        &["filesystem", other.path().to_str().unwrap()],
        &[("MCPDECK_DATA_DIR", data)],
        rmcp::ClientLifecycleMode::Initialize,
    )
    .await;
    let list = other.good("list_changes", json!({})).await;
    assert_eq!(list["changes"], json!([]));
    other.refused("undo", json!({})).await;
    let change = &server.good("list_changes", json!({})).await["changes"][3]["change"];
    let said = other.refused("undo", json!({"change": change})).await;
    assert!(said.contains("no change `"), "{said}");
    assert!(root.path().join("a").exists());
}

#[tokio::test]
async fn names_of_any_bytes_come_back_as_they_were() {
    let (root, server) = served().await;
    let nfc: String = "báo cáo 😀".nfc().collect();
    let nfd: String = "báo cáo 😀".nfd().collect();
    let long = "n".repeat(255);
    let names: [&[u8]; 5] = [
        nfc.as_bytes(),
        nfd.as_bytes(),
        b"caf\xe9",
        b"new\nline \"x\"",
        long.as_bytes(),
    ];
    for name in names {
        fs::write(root.path().join(OsStr::from_bytes(name)), name).unwrap();
    }
    let before = all(root.path());
    let said = ["caf\\xE9 (escaped)", &nfd, &nfc, "new\nline \"x\"", &long];
    for name in said {
        server.good("delete_file", json!({"path": name})).await;
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    for _ in said {
        server.good("undo", json!({})).await;
    }
    assert_eq!(all(root.path()), before);
}

#[tokio::test]
async fn two_servers_on_one_data_directory_do_not_get_into_each_others_way() {
    let (root, one) = served().await;
    let data = one.data.path().to_str().unwrap();
    let two = Served::start_with(
        &["filesystem", root.path().to_str().unwrap()],
        &[("MCPDECK_DATA_DIR", data)],
        rmcp::ClientLifecycleMode::Initialize,
    )
    .await;
    fs::write(root.path().join("a"), "start").unwrap();
    let writes = |server: &'static str| {
        (0..40).map(move |n| json!({"path": "a", "content": format!("{server}{n}")}))
    };
    let (left, right) = (
        async {
            for write in writes("one") {
                one.good("write_file", write).await;
            }
        },
        async {
            for write in writes("two") {
                two.good("write_file", write).await;
            }
        },
    );
    tokio::join!(left, right);
    for _ in 0..40 {
        one.good("undo", json!({})).await;
        two.good("undo", json!({})).await;
    }
    assert_eq!(fs::read(root.path().join("a")).unwrap(), b"start");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_line_that_was_cut_short_spoils_nothing() {
    let (root, server) = served().await;
    server
        .good("write_file", json!({"path": "a", "content": "1"}))
        .await;
    let journal = server.data.path().join("trash/journal.jsonl");
    let mut torn = fs::read(&journal).unwrap();
    torn.extend_from_slice(b"no line of ours\n{\"line\":\"begun\",\"id\":\"2026");
    fs::write(&journal, &torn).unwrap();
    server
        .good("write_file", json!({"path": "a", "content": "2"}))
        .await;
    server.good("undo", json!({})).await;
    server.good("undo", json!({})).await;
    assert!(!root.path().join("a").exists());
}

#[tokio::test]
async fn a_bound_that_is_no_number_stops_the_start() {
    let root = tempfile::tempdir().unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut command = command(&["filesystem", root.path().to_str().unwrap()], data.path());
    let ended = command
        .env("MCPDECK_TRASH_MAX_BYTES", "1G")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        !ended.status.success() && said.contains("MCPDECK_TRASH_MAX_BYTES"),
        "{said}"
    );
}
