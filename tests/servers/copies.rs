//! `copy_file`: what it copies, what it refuses, and what becomes of what it replaces.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;
use tempfile::TempDir;

use crate::client::Served;

async fn served() -> (TempDir, Served) {
    let root = tempfile::tempdir().unwrap();
    let server = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    (root, server)
}

#[tokio::test]
async fn a_folder_is_copied_with_modes_and_with_links_as_links() {
    let (root, server) = served().await;
    fs::create_dir_all(root.path().join("a/b")).unwrap();
    fs::write(root.path().join("a/b/run"), "one").unwrap();
    fs::set_permissions(
        root.path().join("a/b/run"),
        fs::Permissions::from_mode(0o4750),
    )
    .unwrap();
    symlink("/etc/passwd", root.path().join("a/out")).unwrap();
    let copy = json!({"source": "a", "destination": "c"});
    let copied = server.good("copy_file", copy).await;
    assert_eq!((&copied["files"], &copied["bytes"]), (&json!(2), &json!(3)));
    assert_eq!(fs::read(root.path().join("c/b/run")).unwrap(), b"one");
    let mode = fs::metadata(root.path().join("c/b/run")).unwrap();
    // A copy does not lend the rights of its owner.
    assert_eq!(mode.permissions().mode() & 0o7777, 0o750);
    let link = fs::read_link(root.path().join("c/out")).unwrap();
    assert_eq!(link.to_str(), Some("/etc/passwd"));
    server.good("undo", json!({})).await;
    assert!(!root.path().join("c").exists());
    assert_eq!(fs::read(root.path().join("a/b/run")).unwrap(), b"one");
}

#[tokio::test]
async fn what_is_there_is_replaced_only_when_told_and_can_be_brought_back() {
    let (root, server) = served().await;
    fs::write(root.path().join("a"), "new").unwrap();
    fs::create_dir(root.path().join("b")).unwrap();
    fs::write(root.path().join("b/inside"), "old").unwrap();
    let copy = json!({"source": "a", "destination": "b"});
    let said = server.refused("copy_file", copy).await;
    assert!(said.contains("overwrite"), "{said}");
    let copy = json!({"source": "a", "destination": "b", "overwrite": true});
    let copied = server.good("copy_file", copy).await;
    assert_eq!(fs::read(root.path().join("b")).unwrap(), b"new");
    let kept = std::path::Path::new(copied["previous"].as_str().unwrap());
    assert_eq!(fs::read(kept.join("inside")).unwrap(), b"old");
    server.good("undo", json!({})).await;
    assert_eq!(fs::read(root.path().join("b/inside")).unwrap(), b"old");
}

#[tokio::test]
async fn a_folder_is_never_copied_into_itself_or_over_what_holds_it() {
    let (root, server) = served().await;
    fs::create_dir_all(root.path().join("a/b")).unwrap();
    fs::write(root.path().join("a/b/file"), "x").unwrap();
    fs::hard_link(root.path().join("a/b/file"), root.path().join("twin")).unwrap();
    symlink("a", root.path().join("door")).unwrap();
    for (source, destination) in [
        ("a", "a"),
        ("a", "a/c"),
        ("a", "a/b/c"),
        ("a", "door/b/c"),
        ("a/b", "a"),
        ("a/b/file", "a"),
        ("a/b/file", "twin"),
        ("a", "."),
        (".", "c"),
    ] {
        let copy = json!({"source": source, "destination": destination, "overwrite": true});
        let said = server.refused("copy_file", copy).await;
        assert!(!said.is_empty(), "{source} {destination}");
    }
    let mut names: Vec<_> = fs::read_dir(root.path().join("a"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["b"]);
    assert_eq!(fs::read(root.path().join("a/b/file")).unwrap(), b"x");
}

#[tokio::test]
async fn special_files_and_what_is_too_deep_are_refused_and_nothing_is_left() {
    let (root, server) = served().await;
    fs::create_dir(root.path().join("a")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("a/socket")).unwrap();
    let copy = json!({"source": "a", "destination": "b"});
    let said = server.refused("copy_file", copy).await;
    assert!(said.contains("pipe, socket or device"), "{said}");
    let deep = "d/".repeat(300);
    fs::create_dir_all(root.path().join(deep)).unwrap();
    let copy = json!({"source": "d", "destination": "e"});
    let said = server.refused("copy_file", copy).await;
    assert!(said.contains("within each other"), "{said}");
    let mut names: Vec<_> = fs::read_dir(root.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["a", "d"]);
}
