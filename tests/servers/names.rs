//! Names of any bytes: each is listed as a text that reads exactly that file, in every tool that tells names.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use crate::client::Served;

fn name() -> impl Strategy<Value = Vec<u8>> {
    let bytes = any::<u8>().prop_filter("no name has these", |b| *b != 0 && *b != b'/');
    let piece = prop_oneof![
        3 => bytes.prop_map(|byte| vec![byte]),
        1 => Just("é".nfc().collect::<String>().into_bytes()),
        1 => Just("é".nfd().collect::<String>().into_bytes()),
        1 => Just("ộ".nfd().collect::<String>().into_bytes()),
        1 => Just(b"\\xE9".to_vec()),
        1 => Just(b"\\x5C".to_vec()),
        1 => Just(b" (escaped)".to_vec()),
        1 => Just(b"\xE9".to_vec()),
        1 => Just("👩‍🔬".as_bytes().to_vec()),
        1 => Just(b"-".to_vec()),
        1 => Just(b" ".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(vec![b'n'; 240]),
    ];
    let pieces = proptest::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
    pieces.prop_filter("no name is so", |name| {
        name.len() <= 255 && name != b"." && name != b".."
    })
}

/// Names that have gone wrong somewhere, and those that look like each other.
fn known() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "-rf",
        " ",
        "a b ",
        "\u{1F600}",
        "a\nb",
        "~",
        "\u{202E}txt.exe",
        "*",
        "[a]",
        "{a,b}",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    names.push("báo cáo".nfc().collect::<String>().into_bytes());
    names.push("báo cáo".nfd().collect::<String>().into_bytes());
    names.push(b"caf\xE9".to_vec());
    names.push(b"caf\\xE9 (escaped)".to_vec());
    names.push(b"caf\\x5CxE9 (escaped) (escaped)".to_vec());
    names.push(b"a\\x0Ab (escaped)".to_vec());
    names.push(b"\xFF".repeat(255));
    names.push(vec![b'x'; 255]);
    names
}

/// The texts of a list, each with the file that it reads.
async fn read_each<'t>(
    server: &Served,
    texts: impl Iterator<Item = &'t Value>,
    folder: &str,
) -> BTreeMap<String, String> {
    let mut read = BTreeMap::new();
    for text in texts {
        let text = text.as_str().unwrap();
        let path = format!("{folder}{text}");
        let data = server.good("read_text_file", json!({"path": path})).await;
        let content = data["content"].as_str().unwrap().to_owned();
        assert!(
            read.insert(text.to_owned(), content).is_none(),
            "{text} twice"
        );
    }
    read
}

#[tokio::test]
async fn each_name_is_listed_as_a_text_that_reads_exactly_that_file() {
    let root = tempfile::tempdir().unwrap();
    let server = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    let mut runner = TestRunner::deterministic();
    let drawn = proptest::collection::vec(name(), 1..12);
    for round in 0..60 {
        let names: BTreeSet<Vec<u8>> = match round {
            0 => known().into_iter().collect(),
            _ => drawn
                .new_tree(&mut runner)
                .unwrap()
                .current()
                .into_iter()
                .collect(),
        };
        let folder = root.path().join(round.to_string());
        fs::create_dir(&folder).unwrap();
        for (number, name) in names.iter().enumerate() {
            fs::write(
                folder.join(OsStr::from_bytes(name)),
                format!("it is {number}"),
            )
            .unwrap();
        }
        let all: BTreeSet<String> = (0..names.len()).map(|n| format!("it is {n}")).collect();
        let path = round.to_string();

        let listing = server.good("list_directory", json!({"path": path})).await;
        let texts = listing["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| &entry["name"]);
        let listed = read_each(&server, texts, &format!("{path}/")).await;
        assert_eq!(
            listed.values().cloned().collect::<BTreeSet<_>>(),
            all,
            "{names:?}"
        );

        let tree = server.good("directory_tree", json!({"path": path})).await;
        let texts = tree["tree"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| &node["name"]);
        assert_eq!(read_each(&server, texts, &format!("{path}/")).await, listed);

        let found = server
            .good("search_files", json!({"path": path, "pattern": "*"}))
            .await;
        let found = read_each(&server, found["matches"].as_array().unwrap().iter(), "").await;
        assert_eq!(found.into_values().collect::<BTreeSet<_>>(), all);

        let lines = json!({"path": path, "pattern": "^it is", "hidden": true});
        let lines = server.good("search_file_contents", lines).await;
        for found in lines["matches"].as_array().unwrap() {
            let data = server
                .good("read_text_file", json!({"path": found["path"]}))
                .await;
            assert_eq!(data["content"], found["text"]);
        }
        assert_eq!(lines["files_with_matches"], names.len());
    }
}

#[tokio::test]
async fn a_folder_of_any_name_is_a_way_and_may_be_a_root() {
    let base = tempfile::tempdir().unwrap();
    let odd = OsStr::from_bytes(b"r\xE9\n \xCC\x81");
    fs::create_dir_all(base.path().join(odd).join(odd)).unwrap();
    fs::write(base.path().join(odd).join(odd).join("a"), "deep").unwrap();
    let server = Served::start(&["filesystem", base.path().to_str().unwrap()]).await;
    let found = server
        .good("search_files", json!({"path": ".", "pattern": "a"}))
        .await;
    let path = found["matches"][0].as_str().unwrap();
    assert_eq!(path.split('/').count(), 3);
    let read = server.good("read_text_file", json!({"path": path})).await;
    assert_eq!(
        (&read["content"], &read["path"]),
        (&json!("deep"), &json!(path))
    );
    server
        .good("write_file", json!({"path": path, "content": "changed"}))
        .await;
    let content = fs::read(base.path().join(odd).join(odd).join("a")).unwrap();
    assert_eq!(content, b"changed");
}

#[tokio::test]
async fn a_text_that_no_listing_shows_means_its_letters() {
    let root = tempfile::tempdir().unwrap();
    let server = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    for path in [
        "plain (escaped)",
        "a\\x2E\\x2E (escaped)",
        "\\x2e\\x2e (escaped)",
    ] {
        server
            .good("write_file", json!({"path": path, "content": path}))
            .await;
        assert_eq!(fs::read_to_string(root.path().join(path)).unwrap(), path);
    }
    for path in [
        "\\x2E\\x2E (escaped)/x",
        "a\\x2Fb (escaped)/../..",
        "\\x00 (escaped)",
        "a\0b",
    ] {
        server
            .refused("read_text_file", json!({"path": path}))
            .await;
    }
}

#[tokio::test]
async fn roots_of_odd_names_are_told_in_full_and_read() {
    let base = tempfile::tempdir().unwrap();
    let odd: [&[u8]; 3] = [b"r\xE9", b"r\\xE9 (escaped)", b"r\n"];
    let mut args = vec!["filesystem".to_owned()];
    for (number, name) in odd.iter().enumerate() {
        let folder = base.path().join(OsStr::from_bytes(name));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a"), format!("root {number}")).unwrap();
        let link = base.path().join(number.to_string());
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        args.push(link.to_str().unwrap().to_owned());
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let server = Served::start(&args).await;
    let roots = server.good("list_allowed_directories", json!({})).await;
    for (number, root) in roots["directories"].as_array().unwrap().iter().enumerate() {
        let found = json!({"path": root, "pattern": "a"});
        let found = server.good("search_files", found).await;
        let path = &found["matches"][0];
        assert!(path.as_str().unwrap().starts_with(root.as_str().unwrap()));
        let read = server.good("read_text_file", json!({"path": path})).await;
        assert_eq!(read["content"], format!("root {number}"));
    }
}
