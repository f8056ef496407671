//! The filesystem server's tools, each well and badly.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use unicode_normalization::UnicodeNormalization;

use crate::client::Served;

async fn served() -> (TempDir, Served) {
    let root = tempfile::tempdir().unwrap();
    let server = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    (root, server)
}

fn names(listing: &Value) -> Vec<String> {
    let entries = listing["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_listing_has_folders_first_then_names() {
    let (root, server) = served().await;
    fs::write(root.path().join("b.txt"), "12345").unwrap();
    fs::write(root.path().join("A.txt"), "").unwrap();
    fs::create_dir(root.path().join("zoo")).unwrap();
    symlink("b.txt", root.path().join("link")).unwrap();
    let listing = server.good("list_directory", json!({"path": "."})).await;
    assert_eq!(names(&listing), ["zoo", "A.txt", "b.txt", "link"]);
    assert_eq!(listing["path"], ".");
    assert_eq!(
        (&listing["total"], &listing["truncated"]),
        (&json!(4), &json!(false))
    );
    assert_eq!(listing["entries"][0]["size"], Value::Null);
    assert_eq!(listing["entries"][2]["size"], 5);
    assert_eq!(listing["entries"][3]["type"], "symlink");
    let modified = listing["entries"][2]["modified"].as_str().unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(modified).is_ok());
    let said = server
        .refused("list_directory", json!({"path": "zo"}))
        .await;
    assert!(said.contains("Did you mean `zoo`"), "{said}");
    server
        .refused("list_directory", json!({"path": "b.txt"}))
        .await;
}

#[tokio::test]
async fn a_huge_folder_is_cut_and_counted() {
    let (root, server) = served().await;
    for number in 0..1010 {
        fs::write(root.path().join(format!("{number:04}")), "").unwrap();
    }
    let listing = server.good("list_directory", json!({"path": "."})).await;
    assert_eq!(names(&listing).len(), 1000);
    assert_eq!(
        (&listing["total"], &listing["truncated"]),
        (&json!(1010), &json!(true))
    );
}

#[tokio::test]
async fn a_text_is_read_whole_by_its_head_and_by_its_tail() {
    let (root, server) = served().await;
    fs::write(root.path().join("a.txt"), "one\ntwo\nthree\n").unwrap();
    let whole = server
        .good("read_text_file", json!({"path": "a.txt"}))
        .await;
    let expected = json!({"path": "a.txt", "content": "one\ntwo\nthree\n", "lines": 3, "first_line": 1, "bytes": 14, "truncated": false, "next_offset": null});
    assert_eq!(whole, expected);
    let head = server
        .good("read_text_file", json!({"path": "./a.txt", "head": 1}))
        .await;
    assert_eq!(
        (&head["content"], &head["truncated"]),
        (&json!("one\n"), &json!(true))
    );
    let absolute = root.path().join("a.txt");
    let tail = server
        .good("read_text_file", json!({"path": absolute, "tail": 1}))
        .await;
    assert_eq!(
        (&tail["content"], &tail["path"]),
        (&json!("three\n"), &json!("a.txt"))
    );
    let both = server
        .refused(
            "read_text_file",
            json!({"path": "a.txt", "head": 1, "tail": 1}),
        )
        .await;
    assert!(both.contains("not both"), "{both}");
}

#[tokio::test]
async fn a_long_text_is_cut_and_its_end_can_be_read() {
    let (root, server) = served().await;
    let text = "dòng chữ\n".repeat(200_000);
    fs::write(root.path().join("long.txt"), format!("{text}cuối")).unwrap();
    let part = server
        .good("read_text_file", json!({"path": "long.txt"}))
        .await;
    assert_eq!(part["truncated"], true);
    let content = part["content"].as_str().unwrap();
    assert!(content.len() <= 1024 * 1024 && text.starts_with(content));
    let tail = server
        .good("read_text_file", json!({"path": "long.txt", "tail": 2}))
        .await;
    assert_eq!(tail["content"], "dòng chữ\ncuối");
}

#[tokio::test]
async fn what_is_no_text_is_refused_with_its_kind() {
    let (root, server) = served().await;
    fs::write(root.path().join("a.png"), b"\x89PNG\r\n\x1a\n\0\0\0").unwrap();
    let said = server
        .refused("read_text_file", json!({"path": "a.png"}))
        .await;
    assert!(said.contains("PNG"), "{said}");
    let said = server.refused("read_text_file", json!({"path": "."})).await;
    assert!(said.contains("list_directory"), "{said}");
}

#[tokio::test]
async fn special_files_are_refused_without_waiting_for_them() {
    let (root, server) = served().await;
    let pipe = root.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
    for name in ["pipe", "socket"] {
        let said = server
            .refused("read_text_file", json!({"path": name}))
            .await;
        assert!(said.contains("pipe, socket or device"), "{said}");
        server
            .refused("write_file", json!({"path": name, "content": "x"}))
            .await;
        let edit = json!({"path": name, "edits": [{"oldText": "a", "newText": "b"}]});
        server.refused("edit_file", edit).await;
        let info = server.good("get_file_info", json!({"path": name})).await;
        assert_eq!(info["type"], "other");
    }
}

#[tokio::test]
async fn a_search_goes_deep_and_follows_no_link() {
    let (root, server) = served().await;
    fs::create_dir_all(root.path().join("src/deep")).unwrap();
    for name in ["a.py", "src/b.py", "src/deep/c.py", "src/d.txt"] {
        fs::write(root.path().join(name), "").unwrap();
    }
    symlink(".", root.path().join("src/loop")).unwrap();
    let found = server
        .good("search_files", json!({"path": ".", "pattern": "*.py"}))
        .await;
    assert_eq!(
        found["matches"],
        json!(["a.py", "src/b.py", "src/deep/c.py"])
    );
    assert_eq!(
        (&found["total"], &found["truncated"]),
        (&json!(3), &json!(false))
    );
    let found = server
        .good("search_files", json!({"path": "src", "pattern": "*/*.py"}))
        .await;
    assert_eq!(found["matches"], json!(["src/deep/c.py"]));
    let without = json!({"path": ".", "pattern": "**/*.py", "excludePatterns": ["deep"]});
    let found = server.good("search_files", without).await;
    assert_eq!(found["matches"], json!(["a.py", "src/b.py"]));
    let said = server
        .refused("search_files", json!({"path": ".", "pattern": "[a"}))
        .await;
    assert!(said.contains("pattern"), "{said}");
    server
        .refused("search_files", json!({"path": "nowhere", "pattern": "*"}))
        .await;
}

#[tokio::test]
async fn a_file_is_described() {
    let (root, server) = served().await;
    fs::write(root.path().join("a"), "abc").unwrap();
    fs::set_permissions(root.path().join("a"), fs::Permissions::from_mode(0o640)).unwrap();
    let info = server.good("get_file_info", json!({"path": "a"})).await;
    assert_eq!(info["type"], "file");
    assert_eq!(
        (&info["size"], &info["permissions"]),
        (&json!(3), &json!("640"))
    );
    server
        .refused("get_file_info", json!({"path": "b/c"}))
        .await;
    let roots = server.good("list_allowed_directories", json!({})).await;
    assert_eq!(
        roots,
        json!({"directories": [root.path().canonicalize().unwrap()]})
    );
}

#[tokio::test]
async fn a_write_makes_a_file_and_keeps_what_it_replaces() {
    let (root, server) = served().await;
    let new = server
        .good("write_file", json!({"path": "a.sh", "content": "one"}))
        .await;
    let change = &new["change"];
    assert_eq!(
        new,
        json!({"path": "a.sh", "bytes": 3, "created": true, "previous": null, "change": change})
    );
    fs::set_permissions(root.path().join("a.sh"), fs::Permissions::from_mode(0o751)).unwrap();
    let again = server
        .good("write_file", json!({"path": "a.sh", "content": "hai"}))
        .await;
    assert_eq!(again["created"], false);
    let kept = Path::new(again["previous"].as_str().unwrap());
    assert_eq!(fs::read_to_string(kept).unwrap(), "one");
    assert!(kept.starts_with(server.data.path().join("trash")));
    assert_eq!(fs::read_to_string(root.path().join("a.sh")).unwrap(), "hai");
    let mode = fs::metadata(root.path().join("a.sh"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o751);
    let left: Vec<_> = fs::read_dir(root.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["a.sh"]);
    let said = server
        .refused("write_file", json!({"path": "no/b.txt", "content": ""}))
        .await;
    assert!(said.contains("create_directory"), "{said}");
    server
        .refused("write_file", json!({"path": ".", "content": ""}))
        .await;
}

#[tokio::test]
async fn a_write_through_a_link_inside_changes_the_file_behind_it() {
    let (root, server) = served().await;
    fs::create_dir(root.path().join("real")).unwrap();
    fs::write(root.path().join("real/a"), "old").unwrap();
    symlink("real/a", root.path().join("link")).unwrap();
    server
        .good("write_file", json!({"path": "link", "content": "new"}))
        .await;
    assert_eq!(
        fs::read_to_string(root.path().join("real/a")).unwrap(),
        "new"
    );
    assert!(
        fs::symlink_metadata(root.path().join("link"))
            .unwrap()
            .is_symlink()
    );
}

#[tokio::test]
async fn an_edit_is_exact_and_shows_its_diff() {
    let (root, server) = served().await;
    let file = root.path().join("a.txt");
    fs::write(&file, "một\nhai\nba\n").unwrap();
    let edits = json!([{"oldText": "hai", "newText": "2"}, {"oldText": "ba\n", "newText": "3\n"}]);
    let dry = json!({"path": "a.txt", "edits": edits, "dry_run": true});
    let same = server.good("edit_file", dry).await;
    let dry = json!({"path": "a.txt", "edits": edits, "dryRun": true});
    let dry = server.good("edit_file", dry).await;
    assert_eq!(same, dry);
    assert_eq!(
        (&dry["dry_run"], &dry["replacements"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "một\nhai\nba\n");
    let done = server
        .good("edit_file", json!({"path": "a.txt", "edits": edits}))
        .await;
    assert_eq!(done["diff"], dry["diff"]);
    assert!(
        done["diff"]
            .as_str()
            .unwrap()
            .contains("-hai\n-ba\n+2\n+3\n")
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "một\n2\n3\n");
    let missing = json!({"path": "a.txt", "edits": [{"oldText": "2", "newText": "x"}, {"oldText": "no", "newText": ""}]});
    let said = server.refused("edit_file", missing).await;
    assert!(
        said.contains("edits[1]") && said.contains("Nothing was changed"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "một\n2\n3\n");
    let empty = json!({"path": "a.txt", "edits": [{"oldText": "", "newText": "x"}]});
    let said = server.refused("edit_file", empty).await;
    assert!(said.contains("edits[0].oldText"), "{said}");
}

#[tokio::test]
async fn the_diff_of_a_long_change_fits_into_the_answer() {
    let (root, server) = served().await;
    let line = "một dòng rất bình thường\n";
    let long = line.repeat(20_000);
    std::fs::write(root.path().join("long.txt"), "first\nall\nlast\n").unwrap();
    let edits = json!([
        {"oldText": "first", "newText": "1st"},
        {"oldText": "all\n", "newText": long},
        {"oldText": "last", "newText": "end"}
    ]);
    let edit = json!({"path": "long.txt", "edits": edits});
    let data = server.good("edit_file", edit).await;
    let diff = data["diff"].as_str().unwrap();
    assert!(diff.len() < 300_000, "{}", diff.len());
    assert!(diff.contains("-first\n") && diff.ends_with("+end\n"));
    assert!(diff.contains("bytes of the diff left out"));
    let after = std::fs::read_to_string(root.path().join("long.txt")).unwrap();
    assert!(after.starts_with("1st\n") && after.ends_with("end\n"));
}

#[tokio::test]
async fn a_link_to_nothing_is_named_as_one() {
    let (root, server) = served().await;
    std::os::unix::fs::symlink("nothing", root.path().join("link")).unwrap();
    let content = json!({"path": "link", "content": "x"});
    let said = server.refused("write_file", content).await;
    assert!(said.contains("link to something"), "{said}");
}

#[tokio::test]
async fn a_move_never_overwrites() {
    let (root, server) = served().await;
    fs::write(root.path().join("a"), "a").unwrap();
    fs::write(root.path().join("b"), "b").unwrap();
    fs::create_dir_all(root.path().join("dir/inner")).unwrap();
    let said = server
        .refused("move_file", json!({"source": "a", "destination": "b"}))
        .await;
    assert!(said.contains("exists already"), "{said}");
    server
        .refused("move_file", json!({"source": "a", "destination": "dir"}))
        .await;
    server
        .refused(
            "move_file",
            json!({"source": "dir", "destination": "dir/inner/x"}),
        )
        .await;
    server
        .refused("move_file", json!({"source": "none", "destination": "c"}))
        .await;
    assert_eq!(fs::read_to_string(root.path().join("b")).unwrap(), "b");
    let moved = server
        .good("move_file", json!({"source": "a", "destination": "dir/c"}))
        .await;
    assert_eq!(
        (&moved["source"], &moved["destination"]),
        (&json!("a"), &json!("dir/c"))
    );
    assert_eq!(fs::read_to_string(root.path().join("dir/c")).unwrap(), "a");
    assert!(!root.path().join("a").exists());
}

#[tokio::test]
async fn a_folder_is_made_with_those_above_it() {
    let (root, server) = served().await;
    let made = server
        .good("create_directory", json!({"path": "x/y/z"}))
        .await;
    assert_eq!(
        (&made["path"], &made["created"]),
        (&json!("x/y/z"), &json!(true))
    );
    assert!(root.path().join("x/y/z").is_dir());
    let again = server
        .good("create_directory", json!({"path": "x/y"}))
        .await;
    assert_eq!(again["created"], false);
    fs::write(root.path().join("file"), "").unwrap();
    server
        .refused("create_directory", json!({"path": "file"}))
        .await;
    server
        .refused("create_directory", json!({"path": "file/below"}))
        .await;
}

#[tokio::test]
async fn what_is_deleted_lies_whole_in_the_trash() {
    let (root, server) = served().await;
    fs::create_dir_all(root.path().join("dir/sub")).unwrap();
    fs::write(root.path().join("dir/sub/a"), "a").unwrap();
    fs::write(root.path().join("dir/b"), "b").unwrap();
    fs::write(root.path().join("info.json"), "mine").unwrap();
    let gone = server.good("delete_file", json!({"path": "dir"})).await;
    assert_eq!((&gone["path"], &gone["files"]), (&json!("dir"), &json!(2)));
    assert!(!root.path().join("dir").exists());
    let trash = Path::new(gone["trashed_to"].as_str().unwrap());
    assert_eq!(fs::read_to_string(trash.join("sub/a")).unwrap(), "a");
    let note = fs::read_to_string(trash.parent().unwrap().join("info.json")).unwrap();
    let note: Value = serde_json::from_str(&note).unwrap();
    let original = root.path().canonicalize().unwrap().join("dir");
    assert_eq!(note["original_path"], original.to_str().unwrap());
    fs::rename(trash, root.path().join("dir")).unwrap();
    assert_eq!(fs::read_to_string(root.path().join("dir/b")).unwrap(), "b");
    let gone = server
        .good("delete_file", json!({"path": "info.json"}))
        .await;
    let kept = fs::read_to_string(gone["trashed_to"].as_str().unwrap()).unwrap();
    assert_eq!(kept, "mine");
    server.refused("delete_file", json!({"path": "."})).await;
    server
        .refused("delete_file", json!({"path": "nothing"}))
        .await;
}

#[tokio::test]
async fn a_trash_inside_the_root_is_out_of_sight_and_out_of_reach() {
    let (home, server) = Served::start_around_its_data().await;
    fs::write(home.path().join("a.txt"), "a").unwrap();
    server.good("delete_file", json!({"path": "a.txt"})).await;
    let found = server
        .good("search_files", json!({"path": ".", "pattern": "a.txt"}))
        .await;
    assert_eq!(found["matches"], json!([]));
    let listing = server
        .good("list_directory", json!({"path": ".data"}))
        .await;
    assert_eq!(names(&listing), Vec::<String>::new());
    server
        .refused("list_directory", json!({"path": ".data/trash"}))
        .await;
    server
        .refused("delete_file", json!({"path": ".data"}))
        .await;
    assert!(home.path().join(".data/trash").is_dir());
}

#[tokio::test]
async fn names_in_both_unicode_forms_are_found_and_never_mixed_up() {
    let (root, server) = served().await;
    let nfc = "báo cáo.md".nfc().collect::<String>();
    let nfd = "báo cáo.md".nfd().collect::<String>();
    fs::write(root.path().join(&nfd), "decomposed").unwrap();
    let read = server.good("read_text_file", json!({"path": nfc})).await;
    assert_eq!(read["content"], "decomposed");
    server
        .good("write_file", json!({"path": nfc, "content": "changed"}))
        .await;
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    fs::write(root.path().join(&nfc), "composed").unwrap();
    let both = fs::read_dir(root.path()).unwrap().count();
    assert_eq!(
        both, 2,
        "this test needs a file system that keeps both forms apart"
    );
    for (name, content) in [(&nfc, "composed"), (&nfd, "changed")] {
        let read = server.good("read_text_file", json!({"path": name})).await;
        assert_eq!(read["content"], content);
    }
    let found = server
        .good("search_files", json!({"path": ".", "pattern": "báo*"}))
        .await;
    assert_eq!(found["total"], 2);
}

#[tokio::test]
async fn names_that_are_not_utf8_are_marked_readable_and_apart() {
    let (root, server) = served().await;
    for byte in [0xE8_u8, 0xE9] {
        let name = [b'c', b'a', b'f', byte];
        fs::write(root.path().join(OsStr::from_bytes(&name)), [byte & 0x7F]).unwrap();
    }
    let listing = server.good("list_directory", json!({"path": "."})).await;
    let names = names(&listing);
    assert_eq!(names, ["caf\\xE8 (escaped)", "caf\\xE9 (escaped)"]);
    for (name, content) in names.iter().zip(["h", "i"]) {
        let read = server.good("read_text_file", json!({"path": name})).await;
        assert_eq!(read["content"], content);
    }
}

#[tokio::test]
async fn bad_arguments_are_named() {
    let (_root, server) = served().await;
    let cases = [
        (json!({"path": 5}), "`path`"),
        (json!({}), "`path` is missing"),
        (json!({"path": "a", "haed": 1}), "haed"),
        (json!({"path": "a", "head": "x"}), "`head`"),
        (json!({"path": "a", "head": 0}), "`head`"),
    ];
    for (arguments, named) in cases {
        let said = server.refused("read_text_file", arguments).await;
        assert!(
            said.contains(named) && said.contains("It takes: `path`"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn with_several_roots_paths_are_told_in_full() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(two.path().join("b"), "b").unwrap();
    let paths = [one.path().to_str().unwrap(), two.path().to_str().unwrap()];
    let server = Served::start(&["filesystem", paths[0], paths[1]]).await;
    let read = server
        .good("read_text_file", json!({"path": two.path().join("b")}))
        .await;
    assert_eq!(
        read["path"],
        two.path()
            .canonicalize()
            .unwrap()
            .join("b")
            .to_str()
            .unwrap()
    );
    server
        .good("write_file", json!({"path": "a", "content": ""}))
        .await;
    assert!(one.path().join("a").exists());
    let listing = server
        .good("list_directory", json!({"path": two.path()}))
        .await;
    assert_eq!(
        listing["path"],
        two.path().canonicalize().unwrap().to_str().unwrap()
    );
}
