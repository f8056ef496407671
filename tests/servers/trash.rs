//! The trash: its bounds, what happens when it cannot be used, and things that may not be replaced.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rmcp::ClientLifecycleMode::Initialize;
use serde_json::json;
use tempfile::TempDir;

use crate::client::Served;

async fn served(env: &[(&str, &str)]) -> (TempDir, Served) {
    let root = tempfile::tempdir().unwrap();
    let args = ["filesystem", root.path().to_str().unwrap()];
    let server = Served::start_with(&args, env, Initialize).await;
    (root, server)
}

/// The folders of changes in the trash.
fn slots(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join("trash")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_dir()).collect()
}

#[tokio::test]
async fn the_oldest_is_forgotten_when_the_trash_is_full_and_the_newest_never() {
    let (root, server) = served(&[("MCPDECK_TRASH_MAX_BYTES", "5000")]).await;
    for number in 0..30 {
        let content = format!("{number:04}").repeat(250);
        server
            .good("write_file", json!({"path": "a", "content": content}))
            .await;
        let kept: u64 = slots(server.data.path())
            .iter()
            .map(|slot| fs::metadata(slot.join("a")).unwrap().len())
            .sum();
        assert!(kept <= 5000, "{kept}");
    }
    let list = server.good("list_changes", json!({})).await;
    let count = list["changes"].as_array().unwrap().len();
    assert!((2..=6).contains(&count), "{list:#}");
    server.good("undo", json!({})).await;
    let text = fs::read_to_string(root.path().join("a")).unwrap();
    assert_eq!(text, "0028".repeat(250));
}

#[tokio::test]
async fn what_the_trash_could_not_keep_is_neither_replaced_nor_deleted() {
    let (root, server) = served(&[("MCPDECK_TRASH_MAX_BYTES", "10")]).await;
    fs::create_dir(root.path().join("dir")).unwrap();
    for name in ["big", "dir/big"] {
        fs::write(root.path().join(name), "eleven bytes").unwrap();
    }
    for (tool, arguments) in [
        ("write_file", json!({"path": "big", "content": "x"})),
        ("delete_file", json!({"path": "big"})),
        ("delete_file", json!({"path": "dir"})),
        (
            "edit_file",
            json!({"path": "big", "edits": [{"oldText": "eleven", "newText": "x"}]}),
        ),
    ] {
        let said = server.refused(tool, arguments).await;
        assert!(said.contains("MCPDECK_TRASH_MAX_BYTES"), "{said}");
    }
    assert_eq!(fs::read(root.path().join("big")).unwrap(), b"eleven bytes");
    assert_eq!(
        fs::read(root.path().join("dir/big")).unwrap(),
        b"eleven bytes"
    );
}

#[tokio::test]
async fn what_is_too_old_is_forgotten() {
    let (root, server) = served(&[("MCPDECK_TRASH_MAX_DAYS", "0")]).await;
    for content in ["1", "2", "3"] {
        server
            .good("write_file", json!({"path": "a", "content": content}))
            .await;
    }
    assert_eq!(slots(server.data.path()).len(), 1);
    server.good("undo", json!({})).await;
    assert_eq!(fs::read(root.path().join("a")).unwrap(), b"2");
}

#[tokio::test]
async fn without_a_trash_nothing_is_changed() {
    let root = tempfile::tempdir().unwrap();
    let no_folder = root.path().join("file");
    fs::write(&no_folder, "").unwrap();
    let env = [("MCPDECK_DATA_DIR", no_folder.to_str().unwrap())];
    let args = ["filesystem", root.path().to_str().unwrap()];
    let server = Served::start_with(&args, &env, Initialize).await;
    fs::write(root.path().join("a"), "a").unwrap();
    for (tool, arguments) in [
        ("write_file", json!({"path": "a", "content": "x"})),
        ("write_file", json!({"path": "new", "content": "x"})),
        ("delete_file", json!({"path": "a"})),
        ("move_file", json!({"source": "a", "destination": "b"})),
        ("copy_file", json!({"source": "a", "destination": "b"})),
        ("create_directory", json!({"path": "d"})),
        ("undo", json!({})),
    ] {
        let said = server.refused(tool, arguments).await;
        assert!(
            said.contains("Nothing was changed") && said.contains("MCPDECK_DATA_DIR"),
            "{said}"
        );
    }
    assert_eq!(fs::read(root.path().join("a")).unwrap(), b"a");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    // Reading needs none.
    server.good("read_text_file", json!({"path": "a"})).await;
    let dry = json!({"path": "a", "dryRun": true, "edits": [{"oldText": "a", "newText": "b"}]});
    server.good("edit_file", dry).await;
}

#[tokio::test]
async fn a_file_with_several_names_is_not_written_and_one_name_may_go() {
    let (root, server) = served(&[]).await;
    let outside = tempfile::tempdir_in(root.path().parent().unwrap()).unwrap();
    fs::write(outside.path().join("secret"), "outside").unwrap();
    fs::hard_link(outside.path().join("secret"), root.path().join("a")).unwrap();
    fs::write(root.path().join("b"), "b").unwrap();
    for (tool, arguments) in [
        ("write_file", json!({"path": "a", "content": "x"})),
        (
            "edit_file",
            json!({"path": "a", "edits": [{"oldText": "outside", "newText": "x"}]}),
        ),
        (
            "copy_file",
            json!({"source": "b", "destination": "a", "overwrite": true}),
        ),
    ] {
        let said = server.refused(tool, arguments).await;
        assert!(said.contains("hard links"), "{said}");
    }
    server.good("delete_file", json!({"path": "a"})).await;
    server
        .good("write_file", json!({"path": "a", "content": "mine"}))
        .await;
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"outside");
    assert_eq!(fs::read(root.path().join("a")).unwrap(), b"mine");
}

#[tokio::test]
async fn owner_permissions_and_attributes_stay() {
    let (root, server) = served(&[]).await;
    let file = root.path().join("a");
    fs::write(&file, "one").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o6755)).unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    let has_attributes = rustix::fs::setxattr(&file, "user.mark", b"kept", flags).is_ok();
    // Only the administrator can give a file away; for everybody else it stays theirs.
    let _not_permitted = std::os::unix::fs::chown(&file, Some(1234), Some(4321));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o6755)).unwrap();
    let before = fs::metadata(&file).unwrap();
    server
        .good("write_file", json!({"path": "a", "content": "two"}))
        .await;
    let after = fs::metadata(&file).unwrap();
    let about = |meta: &fs::Metadata| (meta.uid(), meta.gid(), meta.mode() & 0o7777);
    assert_eq!(about(&before), about(&after));
    assert_ne!(before.ino(), after.ino());
    if has_attributes {
        let mut value = [0_u8; 16];
        let length = rustix::fs::getxattr(&file, "user.mark", &mut value).unwrap();
        assert_eq!(&value[..length], b"kept");
    }
}

#[tokio::test]
async fn a_trash_on_another_file_system_keeps_whole_things_and_gives_them_back() {
    // Where there is no second file system this is the same test on one.
    let other = Path::new("/dev/shm");
    let data = match tempfile::tempdir_in(other) {
        Ok(data) => data,
        Err(_) => tempfile::tempdir().unwrap(),
    };
    let env = [("MCPDECK_DATA_DIR", data.path().to_str().unwrap())];
    let (root, server) = served(&env).await;
    fs::create_dir_all(root.path().join("dir/sub")).unwrap();
    fs::write(root.path().join("dir/sub/a"), vec![7; 200_000]).unwrap();
    fs::set_permissions(
        root.path().join("dir/sub/a"),
        fs::Permissions::from_mode(0o4711),
    )
    .unwrap();
    std::os::unix::fs::symlink("/nowhere", root.path().join("dir/link")).unwrap();
    let time = fs::metadata(root.path().join("dir/sub/a"))
        .unwrap()
        .modified()
        .unwrap();
    let gone = server.good("delete_file", json!({"path": "dir"})).await;
    assert!(!root.path().join("dir").exists());
    let kept = Path::new(gone["trashed_to"].as_str().unwrap());
    assert_eq!(fs::read(kept.join("sub/a")).unwrap(), vec![7; 200_000]);
    server.good("undo", json!({})).await;
    let meta = fs::metadata(root.path().join("dir/sub/a")).unwrap();
    assert_eq!(meta.mode() & 0o7777, 0o4711);
    assert_eq!(meta.modified().unwrap(), time);
    let link = fs::read_link(root.path().join("dir/link")).unwrap();
    assert_eq!(link, Path::new("/nowhere"));
    server
        .good("write_file", json!({"path": "b", "content": "1"}))
        .await;
    server
        .good("write_file", json!({"path": "b", "content": "2"}))
        .await;
    server.good("undo", json!({})).await;
    assert_eq!(fs::read(root.path().join("b")).unwrap(), b"1");
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("dir/socket")).unwrap();
    let same = fs::metadata(data.path()).unwrap().dev() == fs::metadata(root.path()).unwrap().dev();
    if !same {
        let said = server.refused("delete_file", json!({"path": "dir"})).await;
        assert!(said.contains("pipe, socket or device"), "{said}");
    }
    assert!(root.path().join("dir/sub/a").exists());
    let left = fs::read_dir(root.path()).unwrap().count();
    assert_eq!(left, 2);
}
