//! The tools that read, beyond the plain case: parts of big files, media, several files, trees.

use std::fs;
use std::os::unix::fs::symlink;

use rmcp::model::{CallToolRequestParams, ContentBlock};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Served;

async fn served() -> (TempDir, Served) {
    let root = tempfile::tempdir().unwrap();
    let server = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    (root, server)
}

#[tokio::test]
async fn a_range_of_lines_is_read_and_counted() {
    let (root, server) = served().await;
    fs::write(root.path().join("a.txt"), "một\nhai\nba\nbốn").unwrap();
    let read = |arguments: Value| server.good("read_text_file", arguments);
    let middle = read(json!({"path": "a.txt", "start_line": 2, "end_line": 3})).await;
    let told = (&middle["content"], &middle["first_line"], &middle["lines"]);
    assert_eq!(told, (&json!("hai\nba\n"), &json!(2), &json!(2)));
    assert_eq!(middle["truncated"], true);
    let next = middle["next_offset"].as_u64().unwrap();
    let rest = read(json!({"path": "a.txt", "offset": next})).await;
    assert_eq!(
        (&rest["content"], &rest["next_offset"]),
        (&json!("bốn"), &Value::Null)
    );
    let end = read(json!({"path": "a.txt", "start_line": 4})).await;
    assert_eq!(end["content"], "bốn");
    let beginning = read(json!({"path": "a.txt", "end_line": 1})).await;
    assert_eq!(beginning["content"], "một\n");
    let whole = read(json!({"path": "a.txt", "start_line": 1, "end_line": 99})).await;
    assert_eq!(whole["truncated"], false);

    let said = server
        .refused("read_text_file", json!({"path": "a.txt", "start_line": 5}))
        .await;
    assert!(said.contains("only 4 lines"), "{said}");
    for wrong in [
        json!({"path": "a.txt", "start_line": 3, "end_line": 2}),
        json!({"path": "a.txt", "start_line": 3, "head": 2}),
        json!({"path": "a.txt", "offset": 3, "tail": 2}),
        json!({"path": "a.txt", "offset": 30}),
        json!({"path": "a.txt", "start_line": 0}),
    ] {
        server.refused("read_text_file", wrong).await;
    }
}

#[tokio::test]
async fn a_big_file_is_read_page_by_page() {
    let (root, server) = served().await;
    let text: String = (0..180_000).map(|n| format!("dòng số {n}\n")).collect();
    fs::write(root.path().join("big.txt"), &text).unwrap();
    let (mut pages, mut offset) = (String::new(), json!(0));
    while !offset.is_null() {
        let page = server
            .good(
                "read_text_file",
                json!({"path": "big.txt", "offset": offset}),
            )
            .await;
        pages.push_str(page["content"].as_str().unwrap());
        assert_eq!(page["bytes"], text.len());
        offset = page["next_offset"].clone();
    }
    assert!(pages == text);
    let deep = json!({"path": "big.txt", "start_line": 170_001, "end_line": 170_002});
    let deep = server.good("read_text_file", deep).await;
    assert_eq!(deep["content"], "dòng số 170000\ndòng số 170001\n");
}

#[tokio::test]
async fn what_is_no_text_is_named_in_words_with_what_to_do_instead() {
    let (root, server) = served().await;
    let cases: [(&str, &[u8], &str, &str); 8] = [
        (
            "a.txt",
            b"\x89PNG\r\n\x1a\n\0\0",
            "a PNG image",
            "read_media_file",
        ),
        (
            "b",
            b"PK\x03\x04\x14\0\0\xFF",
            "a ZIP archive",
            "get_file_info",
        ),
        (
            "c",
            b"\x7FELF\x02\x01\x01\0",
            "an ELF program",
            "get_file_info",
        ),
        (
            "d.db",
            b"SQLite format 3\0\x10\0",
            "an SQLite database",
            "get_file_info",
        ),
        ("e.txt", b"\xFF\xFEa\0b\0", "UTF-16 text", "get_file_info"),
        (
            "f.txt",
            b"caf\xE9 au lait",
            "an older encoding",
            "get_file_info",
        ),
        (
            "g.mp3",
            b"\xFF\xFB\x90\x64\0",
            "MP3 audio",
            "read_media_file",
        ),
        ("h", b"\0\x01\x02", "binary data", "get_file_info"),
    ];
    for (name, content, words, instead) in cases {
        fs::write(root.path().join(name), content).unwrap();
        for arguments in [json!({"path": name}), json!({"path": name, "head": 1})] {
            let said = server.refused("read_text_file", arguments).await;
            assert!(said.contains(words) && said.contains(instead), "{said}");
        }
    }
}

async fn media(server: &Served, path: &str) -> (Value, ContentBlock) {
    let mut params = CallToolRequestParams::new("read_media_file");
    params.arguments = json!({"path": path}).as_object().cloned();
    let mut result = server.client.call_tool(params).await.unwrap();
    assert_ne!(result.is_error, Some(true), "{result:?}");
    assert_eq!(result.content.len(), 2);
    (result.structured_content.unwrap(), result.content.remove(1))
}

#[tokio::test]
async fn images_and_audio_come_as_blocks_of_their_own_kind() {
    let (root, server) = served().await;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0";
    fs::write(root.path().join("wrong.jpg"), png).unwrap();
    let (data, block) = media(&server, "wrong.jpg").await;
    let expected =
        json!({"path": "wrong.jpg", "type": "image", "mimeType": "image/png", "bytes": 11});
    assert_eq!(data, expected);
    let image = block.as_image().unwrap();
    assert_eq!(
        (image.mime_type.as_str(), image.data.as_str()),
        ("image/png", "iVBORw0KGgoAAAA=")
    );

    fs::write(root.path().join("sound"), b"RIFF\x04\0\0\0WAVEfmt \0").unwrap();
    let (data, block) = media(&server, "sound").await;
    assert_eq!(
        (&data["type"], block.as_audio().unwrap().mime_type.as_str()),
        (&json!("audio"), "audio/wav")
    );

    fs::write(root.path().join("a.zip"), b"PK\x03\x04\0\xFF").unwrap();
    let (data, block) = media(&server, "a.zip").await;
    assert_eq!(
        (&data["type"], &data["mimeType"]),
        (&json!("resource"), &json!("application/zip"))
    );
    assert!(block.as_resource().is_some());
}

#[tokio::test]
async fn what_is_no_media_is_sent_to_the_right_tool() {
    let (root, server) = served().await;
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'/>";
    fs::write(root.path().join("a.svg"), svg).unwrap();
    fs::write(root.path().join("a.png"), "no image at all").unwrap();
    fs::write(root.path().join("empty.png"), "").unwrap();
    for (name, word) in [
        ("a.svg", "SVG"),
        ("a.png", "read_text_file"),
        ("empty.png", "empty"),
    ] {
        let said = server
            .refused("read_media_file", json!({"path": name}))
            .await;
        assert!(said.contains(word), "{said}");
    }
    let read = server
        .good("read_text_file", json!({"path": "a.svg"}))
        .await;
    assert_eq!(read["content"], svg);

    let big = fs::File::create(root.path().join("big.png")).unwrap();
    big.set_len(9 * 1024 * 1024).unwrap();
    let said = server
        .refused("read_media_file", json!({"path": "big.png"}))
        .await;
    assert!(said.contains("9437184 bytes"), "{said}");
    server
        .refused("read_media_file", json!({"path": "."}))
        .await;
}

#[tokio::test]
async fn of_several_files_each_has_its_own_outcome() {
    let (root, server) = served().await;
    fs::write(root.path().join("a"), "aaa").unwrap();
    fs::write(root.path().join("b"), "\0").unwrap();
    let paths = json!({"paths": ["a", "b", "../c", "missing", "a"]});
    let reply = server.call("read_multiple_files", paths).await;
    let files = reply.data["files"].as_array().unwrap();
    let contents: Vec<_> = files.iter().map(|file| file["content"].as_str()).collect();
    assert_eq!(contents, [Some("aaa"), None, None, None, Some("aaa")]);
    let failed: Vec<_> = files.iter().map(|file| file["error"].is_string()).collect();
    assert_eq!(failed, [false, true, true, true, false]);
    assert_eq!(
        (&reply.data["failed"], &reply.data["truncated"]),
        (&json!(3), &json!(false))
    );
    assert!(reply.text.starts_with("a:\naaa\n") && reply.text.contains("missing: Error - "));

    fs::write(root.path().join("big"), "b".repeat(700_000)).unwrap();
    let paths = json!({"paths": ["big", "big", "big"]});
    let data = server.good("read_multiple_files", paths).await;
    let sizes: Vec<usize> = data["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["content"].as_str().map_or(0, str::len))
        .collect();
    assert_eq!(sizes, [700_000, 1024 * 1024 - 700_000, 0]);
    assert_eq!(data["truncated"], true);
    assert_eq!(data["files"][1]["next_offset"], 1024 * 1024 - 700_000);
    server
        .refused("read_multiple_files", json!({"paths": []}))
        .await;
}

#[tokio::test]
async fn a_tree_shows_what_is_below_and_follows_no_link() {
    let (root, server) = served().await;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "").unwrap();
    fs::create_dir_all(root.path().join("src/deep")).unwrap();
    fs::create_dir(root.path().join("empty")).unwrap();
    fs::write(root.path().join("src/deep/c.rs"), "").unwrap();
    fs::write(root.path().join("a.log"), "").unwrap();
    symlink(outside.path(), root.path().join("out")).unwrap();
    symlink(".", root.path().join("src/loop")).unwrap();
    let reply = server.call("directory_tree", json!({"path": "."})).await;
    let expected = json!([
        {"name": "empty", "type": "directory", "children": []},
        {"name": "src", "type": "directory", "children": [
            {"name": "deep", "type": "directory", "children": [{"name": "c.rs", "type": "file"}]},
            {"name": "loop", "type": "symlink"}
        ]},
        {"name": "a.log", "type": "file"},
        {"name": "out", "type": "symlink"}
    ]);
    assert_eq!(reply.data["tree"], expected);
    assert_eq!(
        (&reply.data["entries"], &reply.data["truncated"]),
        (&json!(7), &json!(false))
    );
    let drawn =
        "./\n  empty/\n  src/\n    deep/\n      c.rs\n    loop (link)\n  a.log\n  out (link)";
    assert_eq!(reply.text, drawn);

    let without = json!({"path": "src/..", "excludePatterns": ["deep"]});
    server.refused("directory_tree", without).await;
    let without = json!({"path": ".", "excludePatterns": ["deep", "*.log"]});
    let tree = server.good("directory_tree", without).await;
    assert_eq!(
        (&tree["entries"], &tree["excluded"]),
        (&json!(4), &json!(2))
    );
    let shallow = server
        .good("directory_tree", json!({"path": ".", "max_depth": 1}))
        .await;
    assert_eq!(
        (&shallow["entries"], &shallow["not_opened"]),
        (&json!(4), &json!(2))
    );
    assert_eq!(shallow["tree"][1]["left_out"], "not opened: too deep");
}

#[tokio::test]
async fn a_huge_folder_does_not_hide_its_neighbours_in_a_tree() {
    let (root, server) = served().await;
    for folder in ["a", "b", "c", "d", "e"] {
        fs::create_dir(root.path().join(folder)).unwrap();
        for number in 0..600 {
            fs::write(root.path().join(format!("{folder}/{number}")), "").unwrap();
        }
    }
    fs::write(root.path().join("z"), "").unwrap();
    let reply = server.call("directory_tree", json!({"path": "."})).await;
    let tree = reply.data["tree"].as_array().unwrap();
    let names: Vec<_> = tree
        .iter()
        .map(|node| node["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a", "b", "c", "d", "e", "z"]);
    assert_eq!(tree[0]["left_out"], "100 more entries");
    assert_eq!(reply.data["entries"], 2000);
    assert_eq!(reply.data["truncated"], true);
    let shown = reply.data["left_out"].as_u64().unwrap();
    let unopened = reply.data["not_opened"].as_u64().unwrap();
    assert_eq!(shown + 600 * unopened + 2000, 3006);
}

#[tokio::test]
async fn a_listing_with_sizes_is_ordered_and_summed() {
    let (root, server) = served().await;
    fs::create_dir(root.path().join("dir")).unwrap();
    for (name, size) in [("a", 5), ("b", 50), ("c", 7)] {
        fs::write(root.path().join(name), "x".repeat(size)).unwrap();
    }
    let names = |data: &Value| -> Vec<String> {
        let entries = data["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|e| e["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let data = server
        .good("list_directory_with_sizes", json!({"path": "."}))
        .await;
    assert_eq!(names(&data), ["a", "b", "c", "dir"]);
    assert_eq!(
        (&data["bytes"], &data["directories"]),
        (&json!(62), &json!(1))
    );
    let by_size = json!({"path": ".", "sortBy": "size"});
    let data = server.good("list_directory_with_sizes", by_size).await;
    assert_eq!(names(&data), ["b", "c", "a", "dir"]);
    let wrong = json!({"path": ".", "sortBy": "colour"});
    let said = server.refused("list_directory_with_sizes", wrong).await;
    assert!(said.contains("`sortBy`"), "{said}");
}

#[tokio::test]
async fn a_link_tells_where_it_leads() {
    let (root, server) = served().await;
    symlink("/etc/passwd", root.path().join("link")).unwrap();
    let info = server.good("get_file_info", json!({"path": "link"})).await;
    assert_eq!(
        (&info["type"], &info["target"]),
        (&json!("symlink"), &json!("/etc/passwd"))
    );
    server
        .refused("read_text_file", json!({"path": "link"}))
        .await;
}
