//! `@modelcontextprotocol/server-filesystem`: listing, reading and writing with names and texts that are not ASCII, and its refusals.

use std::fs;

use crate::deck::Deck;
use crate::npm::npm;

/// What the pinned version offers.
pub const TOOLS: [&str; 14] = [
    "create_directory",
    "directory_tree",
    "edit_file",
    "get_file_info",
    "list_allowed_directories",
    "list_directory",
    "list_directory_with_sizes",
    "move_file",
    "read_file",
    "read_media_file",
    "read_multiple_files",
    "read_text_file",
    "search_files",
    "write_file",
];

/// A deck with the server as `files` on a folder, and that folder.
fn deck() -> Option<(Deck, String)> {
    let npm = npm()?;
    let deck = Deck::new();
    let root = deck.home.work().join("gốc cây");
    fs::create_dir(&root).expect("a folder");
    let root = root.to_string_lossy().into_owned();
    deck.stdio("files", "node", &[&npm.filesystem(), &root]);
    Some((deck, root))
}

#[test]
fn all_its_tools_are_listed() {
    let Some((deck, _)) = deck() else { return };
    assert_eq!(deck.tools("files"), TOOLS);
}

#[test]
fn the_list_for_people_names_the_tools_too() {
    let Some((deck, _)) = deck() else { return };
    let ran = deck.run(&["list", "files"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    for tool in TOOLS {
        assert!(ran.out.contains(tool), "{tool}: {ran:#?}");
    }
}

#[test]
fn a_file_that_is_written_is_on_the_disk_and_reads_back() {
    let Some((deck, root)) = deck() else { return };
    let path = format!("path={root}/hello.txt");
    let wrote = deck.call("files", "write_file", &[&path, "content=Hello from MCP!"]);
    assert!(wrote.text().contains("Successfully wrote"), "{wrote:#?}");
    let on_disk = fs::read_to_string(format!("{root}/hello.txt"));
    assert_eq!(on_disk.expect("the file"), "Hello from MCP!");
    let read = deck.call("files", "read_text_file", &[&path]);
    assert_eq!(read.text(), "Hello from MCP!");
}

#[test]
fn names_and_texts_in_vietnamese_pass_unchanged() {
    let Some((deck, root)) = deck() else { return };
    let text = "Xin chào, tường lửa!\nDòng hai = \"ba\"\t✓\n";
    // The second name is decomposed: a base letter and its marks are code points of their own.
    for name in ["ghi chú.txt", "ghi chu\u{301}.txt"] {
        fs::write(format!("{root}/{name}"), text).expect("a file");
    }
    let listed = deck.call("files", "list_directory", &[&format!("path={root}")]);
    let mut lines: Vec<String> = listed.text().lines().map(str::to_owned).collect();
    lines.sort_unstable();
    let mut both = ["[FILE] ghi chú.txt", "[FILE] ghi chu\u{301}.txt"];
    both.sort_unstable();
    assert_eq!(lines, both);
    let read = deck.call(
        "files",
        "read_text_file",
        &[&format!("path={root}/ghi chú.txt")],
    );
    assert_eq!(read.text(), text);
}

#[test]
fn arguments_as_json_reach_the_server_with_their_types() {
    let Some((deck, root)) = deck() else { return };
    fs::write(format!("{root}/a.txt"), "một hai").expect("a file");
    let arguments = serde_json::json!({
        "path": format!("{root}/a.txt"),
        "edits": [{"oldText": "hai", "newText": "ba"}],
        "dryRun": false,
    });
    let ran = deck.call("files", "edit_file", &["--args", &arguments.to_string()]);
    assert!(ran.text().contains("+một ba"), "{ran:#?}");
    let on_disk = fs::read_to_string(format!("{root}/a.txt"));
    assert_eq!(on_disk.expect("the file"), "một ba");
}

#[test]
fn a_number_given_as_key_and_value_becomes_a_number() {
    let Some((deck, root)) = deck() else { return };
    fs::write(format!("{root}/a.txt"), "one\ntwo\nthree\n").expect("a file");
    let path = format!("path={root}/a.txt");
    let ran = deck.call("files", "read_text_file", &[&path, "head=2"]);
    assert_eq!(ran.text().trim_end(), "one\ntwo");
}

#[test]
fn a_refusal_is_the_tools_own_words_and_exit_code_1() {
    let Some((deck, _)) = deck() else { return };
    let ran = deck.call("files", "read_text_file", &["path=/etc/passwd"]);
    assert!(ran.tool_error().contains("Access denied"), "{ran:#?}");
}
