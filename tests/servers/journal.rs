//! The journal as somebody else left it: edited by hand, written by a newer version, taken away; and the trash reached through
//! a link. Nothing outside is touched, nothing is lost, and what cannot be read is said.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rmcp::ClientLifecycleMode::Initialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use unicode_normalization::UnicodeNormalization;

use crate::client::Served;

/// A root beside a folder that is none of it.
struct Ground {
    base: TempDir,
}

impl Ground {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir(base.path().join("root")).unwrap();
        fs::create_dir(base.path().join("outside")).unwrap();
        fs::write(base.path().join("outside/dear"), "dear").unwrap();
        Self { base }
    }

    fn path(&self, below: &str) -> std::path::PathBuf {
        self.base.path().canonicalize().unwrap().join(below)
    }

    /// On a data directory that was there before.
    async fn served_on(&self, data: &Path) -> Served {
        self.served(&[("MCPDECK_DATA_DIR", data.to_str().unwrap())])
            .await
    }

    async fn served(&self, env: &[(&str, &str)]) -> Served {
        let root = self.path("root");
        Served::start_with(&["filesystem", root.to_str().unwrap()], env, Initialize).await
    }
}

/// Appends lines to the journal of a data directory, as an editor would.
fn append(data: &Path, lines: &[Value]) {
    let trash = data.join("trash");
    fs::create_dir_all(&trash).unwrap();
    let journal = trash.join("journal.jsonl");
    let mut text = fs::read_to_string(&journal).unwrap_or_default();
    for line in lines {
        text.push_str(&format!("{line}\n"));
    }
    fs::write(journal, text).unwrap();
}

fn begun(id: &str, root: &Path, rel: &str, more: Value) -> Value {
    let mut action = json!({"what": "put", "place": {"root": root, "rel": rel}, "old": null, "new": true,
        "beside": format!(".mcpdeck-{id}-00000000.tmp")});
    for (key, value) in more.as_object().unwrap() {
        action[key] = value.clone();
    }
    json!({"line": "begun", "id": id, "time": "2020-01-01T00:00:00.000Z", "tool": "write_file", "action": action,
        "backward": false})
}

#[tokio::test]
async fn a_change_with_the_name_of_a_folder_elsewhere_does_not_remove_it() {
    for id in ["ABSOLUTE", "../../outside"] {
        let ground = Ground::new();
        let data = ground.path("data");
        let id = id.replace("ABSOLUTE", ground.path("outside").to_str().unwrap());
        let done = json!({"line": "done", "id": id, "left": null, "kept": 1});
        append(
            &data,
            &[begun(&id, &ground.path("root"), "old", json!({})), done],
        );
        let server = ground.served_on(&data).await;
        // The change is too old, so it is forgotten now, with its folder.
        server
            .good("write_file", json!({"path": "a", "content": "a"}))
            .await;
        assert_eq!(fs::read(ground.path("outside/dear")).unwrap(), b"dear");
    }
}

#[tokio::test]
async fn what_a_change_calls_its_own_is_nothing_else() {
    let id = "20200101T000000Z-1";
    for beside in ["../outside/dear", "dear", "../../outside/dear"] {
        let ground = Ground::new();
        let data = ground.path("data");
        fs::write(ground.path("root/dear"), "dear").unwrap();
        fs::create_dir_all(data.join("trash/20200101T000000Z-0")).unwrap();
        let mut line = begun(id, &ground.path("root"), "x", json!({"beside": beside}));
        line["undoes"] = json!("20200101T000000Z-0");
        append(&data, &[line]);
        let server = ground.served_on(&data).await;
        server
            .good("write_file", json!({"path": "a", "content": "a"}))
            .await;
        for place in ["outside/dear", "root/dear"] {
            assert_eq!(fs::read(ground.path(place)).unwrap(), b"dear", "{beside}");
        }
    }
}

#[tokio::test]
async fn a_place_that_leads_out_is_not_written() {
    let id = "20200101T000000Z-1";
    for rel in [
        "../outside/dear",
        "/etc/../outside/dear",
        "a/../../outside/dear",
    ] {
        let ground = Ground::new();
        let data = ground.path("data");
        fs::create_dir_all(data.join("trash").join(id)).unwrap();
        fs::write(data.join("trash").join(id).join("dear"), "bad").unwrap();
        let old = json!({"old": {"sort": "file", "ino": 1, "size": 3, "mtime": 1}});
        let done = json!({"line": "done", "id": id, "left": "nothing", "kept": 3});
        append(&data, &[begun(id, &ground.path("root"), rel, old), done]);
        let server = ground.served_on(&data).await;
        let undo = json!({"change": id, "force": true});
        server.refused("undo", undo).await;
        let mut outside = Command::new(env!("CARGO_BIN_EXE_mcpdeck"));
        outside.args(["undo", id, "--force"]);
        outside.env("MCPDECK_DATA_DIR", &data);
        assert!(!outside.output().await.unwrap().status.success(), "{rel}");
        assert_eq!(fs::read(ground.path("outside/dear")).unwrap(), b"dear");
    }
}

#[tokio::test]
async fn lines_of_a_newer_version_are_kept_and_counted() {
    let ground = Ground::new();
    let data = ground.path("data");
    let newer = json!({"line": "begun", "id": "20990101T000000Z-1", "action": {"what": "weave"}});
    append(&data, std::slice::from_ref(&newer));
    let env = [
        ("MCPDECK_DATA_DIR", data.to_str().unwrap()),
        ("MCPDECK_TRASH_MAX_BYTES", "4000"),
    ];
    let server = ground.served(&env).await;
    let list = server.call("list_changes", json!({})).await;
    assert!(list.text.contains("1 line of the journal"), "{}", list.text);
    let said = server.refused("undo", json!({})).await;
    assert!(said.contains("1 line of the journal"), "{said}");
    // Enough for the journal to be written anew.
    for number in 0..1200 {
        let content = format!("{number:04}").repeat(250);
        server
            .good("write_file", json!({"path": "a", "content": content}))
            .await;
    }
    let journal = fs::read_to_string(data.join("trash/journal.jsonl")).unwrap();
    assert!(journal.lines().count() < 2300, "it was never written anew");
    assert!(journal.contains(&newer.to_string()), "the line is gone");
}

#[tokio::test]
async fn a_journal_that_was_taken_away_begins_anew() {
    let ground = Ground::new();
    let server = ground.served(&[]).await;
    let write = |content: &str| json!({"path": "a", "content": content});
    server.good("write_file", write("1")).await;
    server.good("write_file", write("2")).await;
    fs::remove_dir_all(server.data.path().join("trash")).unwrap();
    server.good("write_file", write("3")).await;
    server.good("undo", json!({})).await;
    assert_eq!(fs::read(ground.path("root/a")).unwrap(), b"2");
    let said = server.refused("undo", json!({})).await;
    assert!(said.contains("no change to undo"), "{said}");
}

#[tokio::test]
async fn no_link_and_no_other_form_of_letters_leads_a_change_into_the_trash() {
    let ground = Ground::new();
    let real = "dữ liệu";
    let data = ground.path("root").join(real);
    fs::create_dir(&data).unwrap();
    symlink(data.join("trash"), ground.path("root/away")).unwrap();
    symlink(format!("{real}/trash"), ground.path("root/link")).unwrap();
    symlink(".", ground.path("root/here")).unwrap();
    let server = ground.served_on(&data).await;
    for content in ["1", "2"] {
        let write = json!({"path": "a", "content": content});
        server.good("write_file", write).await;
    }
    let other: String = format!("{real}/trash").nfd().collect();
    let here = format!("here/{real}");
    for trash in [
        other.as_str(),
        "link",
        &format!("{here}/trash"),
        &format!("{real}/trash"),
    ] {
        let journal = format!("{trash}/journal.jsonl");
        for (tool, arguments) in [
            ("write_file", json!({"path": journal, "content": ""})),
            (
                "write_file",
                json!({"path": format!("{trash}/new"), "content": ""}),
            ),
            ("delete_file", json!({"path": journal})),
            ("copy_file", json!({"source": journal, "destination": "b"})),
            (
                "copy_file",
                json!({"source": "a", "destination": format!("{trash}/b")}),
            ),
            ("move_file", json!({"source": journal, "destination": "b"})),
            (
                "move_file",
                json!({"source": "a", "destination": format!("{trash}/b")}),
            ),
            ("create_directory", json!({"path": format!("{trash}/d")})),
            ("read_text_file", json!({"path": journal})),
            ("get_file_info", json!({"path": journal})),
            ("list_directory", json!({"path": trash})),
            ("directory_tree", json!({"path": trash})),
            (
                "search_file_contents",
                json!({"path": trash, "pattern": "begun"}),
            ),
        ] {
            let said = server.refused(tool, arguments).await;
            assert!(said.contains("trash"), "{tool} {trash}: {said}");
        }
    }
    // What holds the trash stays, by whatever way it is named.
    for holder in [here.as_str(), real] {
        for (tool, arguments) in [
            ("delete_file", json!({"path": holder})),
            ("move_file", json!({"source": holder, "destination": "b"})),
            ("copy_file", json!({"source": holder, "destination": "b"})),
        ] {
            let said = server.refused(tool, arguments).await;
            assert!(said.contains("holds the trash"), "{tool}: {said}");
        }
    }
    server.good("undo", json!({})).await;
    assert_eq!(fs::read(ground.path("root/a")).unwrap(), b"1");
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_not_undone_and_force_is_named() {
    let ground = Ground::new();
    let server = ground.served(&[]).await;
    server
        .good("create_directory", json!({"path": "deep"}))
        .await;
    let levels = vec!["d"; 210].join("/");
    fs::create_dir_all(ground.path("root/deep").join(levels)).unwrap();
    let said = server.refused("undo", json!({})).await;
    assert!(
        said.contains("force") && said.contains("othing was undone"),
        "{said}"
    );
}

#[tokio::test]
async fn a_change_through_a_link_is_undone_where_it_was_made() {
    let ground = Ground::new();
    for version in ["v1", "v2"] {
        fs::create_dir(ground.path("root").join(version)).unwrap();
        fs::write(ground.path("root").join(version).join("a"), "old").unwrap();
    }
    symlink("v1", ground.path("root/now")).unwrap();
    let server = ground.served(&[]).await;
    server.good("delete_file", json!({"path": "now/a"})).await;
    fs::remove_file(ground.path("root/v2/a")).unwrap();
    fs::remove_file(ground.path("root/now")).unwrap();
    symlink("v2", ground.path("root/now")).unwrap();
    server.good("undo", json!({})).await;
    assert!(ground.path("root/v1/a").exists());
    assert!(!ground.path("root/v2/a").exists());
}

#[tokio::test]
async fn a_root_that_was_removed_is_neither_empty_nor_the_one_made_in_its_place() {
    let ground = Ground::new();
    let server = ground.served(&[]).await;
    let write = json!({"path": "a", "content": "a"});
    server.good("write_file", write.clone()).await;
    fs::remove_dir_all(ground.path("root")).unwrap();
    for made_again in [false, true] {
        if made_again {
            fs::create_dir(ground.path("root")).unwrap();
        }
        for (tool, arguments) in [
            ("list_directory", json!({"path": "."})),
            ("read_text_file", json!({"path": "a"})),
            ("write_file", write.clone()),
            ("undo", json!({})),
        ] {
            let said = server.refused(tool, arguments).await;
            assert!(said.contains("was removed since"), "{tool}: {said}");
        }
    }
    assert_eq!(fs::read_dir(ground.path("root")).unwrap().count(), 0);
}
