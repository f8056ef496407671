//! The calls of the session, and what must come of each.

use serde_json::{Value, json};

const PNG_BASE64: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB";

/// What an answer must be, whoever gives it.
#[derive(Debug)]
pub enum Must {
    /// Good, with these pieces in its text and without those.
    Say(&'static [&'static str], &'static [&'static str]),
    /// Good, with exactly this text.
    Be(&'static str),
    /// Good, with an image of these bytes.
    Show(&'static str),
    /// An error, of the tool or of the protocol.
    Refuse,
}

use Must::{Be, Refuse, Say, Show};

/// One call: what it is about, the tool, its arguments (`{root}` stands for the folder), and what must come of it.
pub type Step = (&'static str, &'static str, Value, Must);

/// Nothing changes.
pub fn looking() -> Vec<Step> {
    let path = |path: &str| json!({ "path": format!("{{root}}/{path}") });
    let root = || json!({ "path": "{root}" });
    let lines = |word: &str, count: usize| json!({ "path": "{root}/lines.txt", word: count });
    vec![
        (
            "the allowed folder",
            "list_allowed_directories",
            json!({}),
            Say(&["{root}"], &[]),
        ),
        (
            "a listing",
            "list_directory",
            root(),
            Say(
                &["[DIR] docs", "[FILE] lines.txt", "[FILE] ghi chú.txt"],
                &["deep.md"],
            ),
        ),
        (
            "a listing with sizes",
            "list_directory_with_sizes",
            json!({ "path": "{root}", "sortBy": "size" }),
            Say(&["docs", "lines.txt", "pixel.png"], &["deep.md"]),
        ),
        (
            "a listing of nothing",
            "list_directory",
            path("empty"),
            Say(&[], &["[FILE]", "[DIR]"]),
        ),
        (
            "a listing of a file",
            "list_directory",
            path("lines.txt"),
            Refuse,
        ),
        (
            "a tree",
            "directory_tree",
            root(),
            Say(&["docs", "below", "deep.md", "lines.txt"], &["one"]),
        ),
        (
            "a tree without a folder",
            "directory_tree",
            json!({ "path": "{root}", "excludePatterns": ["docs"] }),
            Say(&["lines.txt"], &["deep.md"]),
        ),
        (
            "a whole text",
            "read_text_file",
            path("lines.txt"),
            Be("one\ntwo\nthree\nfour"),
        ),
        (
            "its head",
            "read_text_file",
            lines("head", 2),
            Say(&["one\ntwo"], &["three"]),
        ),
        (
            "its tail",
            "read_text_file",
            lines("tail", 2),
            Say(&["three\nfour"], &["two"]),
        ),
        (
            "a head longer than the file",
            "read_text_file",
            lines("head", 99),
            Say(&["one\ntwo\nthree\nfour"], &[]),
        ),
        (
            "head and tail at once",
            "read_text_file",
            json!({ "path": "{root}/lines.txt", "head": 1, "tail": 1 }),
            Refuse,
        ),
        (
            "a name and a text in Vietnamese",
            "read_text_file",
            path("ghi chú.txt"),
            Be("Xin chào, tường lửa!\n"),
        ),
        (
            "a folder read as a text",
            "read_text_file",
            path("docs"),
            Refuse,
        ),
        (
            "a text that is not there",
            "read_text_file",
            path("none.txt"),
            Refuse,
        ),
        (
            "several texts, one missing",
            "read_multiple_files",
            json!({ "paths": ["{root}/lines.txt", "{root}/none.txt", "{root}/docs/below/deep.md"] }),
            Say(&["three\nfour", "none.txt", "# Deep"], &[]),
        ),
        (
            "an image",
            "read_media_file",
            path("pixel.png"),
            Show(PNG_BASE64),
        ),
        (
            "facts of a file",
            "get_file_info",
            path("lines.txt"),
            Say(&["18", "640"], &[]),
        ),
        (
            "facts of a folder",
            "get_file_info",
            path("docs"),
            Say(&["irectory"], &[]),
        ),
        (
            "facts of what is not there",
            "get_file_info",
            path("none.txt"),
            Refuse,
        ),
        (
            "a search at any depth",
            "search_files",
            json!({ "path": "{root}", "pattern": "**/*.md" }),
            Say(&["docs/below/deep.md"], &["lines.txt"]),
        ),
        (
            "a search with an exception",
            "search_files",
            json!({ "path": "{root}", "pattern": "**/*.md", "excludePatterns": ["**/below/**"] }),
            Say(&[], &["deep.md"]),
        ),
    ]
}

/// The folder changes.
pub fn changing() -> Vec<Step> {
    let write = |path: &str, content: &str| json!({ "path": format!("{{root}}/{path}"), "content": content });
    let edit = |old: &str, new: &str, dry: bool| json!({ "path": "{root}/new.txt", "edits": [{ "oldText": old, "newText": new }], "dryRun": dry });
    let path = |path: &str| json!({ "path": format!("{{root}}/{path}") });
    let from_to = |from: &str, to: &str| json!({ "source": format!("{{root}}/{from}"), "destination": format!("{{root}}/{to}") });
    vec![
        (
            "a new file",
            "write_file",
            write("new.txt", "a\nhai\nc\n"),
            Say(&["new.txt"], &[]),
        ),
        (
            "it reads back",
            "read_text_file",
            path("new.txt"),
            Be("a\nhai\nc\n"),
        ),
        (
            "the same file again",
            "write_file",
            write("new.txt", "a\nhai\nc\nd\n"),
            Say(&["new.txt"], &[]),
        ),
        (
            "an empty file",
            "write_file",
            write("empty.txt", ""),
            Say(&["empty.txt"], &[]),
        ),
        (
            "a name with spaces and marks",
            "write_file",
            write("đơn hàng 1.txt", "ba\n"),
            Say(&["đơn hàng 1.txt"], &[]),
        ),
        (
            "a file in a folder that is not there",
            "write_file",
            write("no/such/file.txt", "x"),
            Refuse,
        ),
        (
            "a file where a folder is",
            "write_file",
            write("docs", "x"),
            Refuse,
        ),
        (
            "an edit tried",
            "edit_file",
            edit("hai", "zwei", true),
            Say(&["-hai", "+zwei"], &[]),
        ),
        (
            "an edit done",
            "edit_file",
            edit("hai", "zwei", false),
            Say(&["-hai", "+zwei"], &[]),
        ),
        (
            "an edit of what is not in it",
            "edit_file",
            edit("hai", "drei", false),
            Refuse,
        ),
        (
            "an edit over two lines",
            "edit_file",
            edit("c\nd", "C\nD\nE", false),
            Say(&["+E"], &[]),
        ),
        (
            "two edits, one after the other",
            "edit_file",
            json!({ "path": "{root}/new.txt", "edits": [
                { "oldText": "zwei", "newText": "2" }, { "oldText": "E", "newText": "e" }] }),
            Say(&["+2", "+e"], &[]),
        ),
        (
            "a folder with the folders above it",
            "create_directory",
            path("x/y/z"),
            Say(&[], &[]),
        ),
        (
            "the same folder again",
            "create_directory",
            path("x/y/z"),
            Say(&[], &[]),
        ),
        (
            "a folder where a file is",
            "create_directory",
            path("new.txt"),
            Refuse,
        ),
        (
            "a new name",
            "move_file",
            from_to("new.txt", "x/y/renamed.txt"),
            Say(&[], &[]),
        ),
        (
            "a folder moved",
            "move_file",
            from_to("x/y", "docs/y"),
            Say(&[], &[]),
        ),
        (
            "a move onto a file",
            "move_file",
            from_to("empty.txt", "lines.txt"),
            Refuse,
        ),
        (
            "a move of nothing",
            "move_file",
            from_to("none.txt", "other.txt"),
            Refuse,
        ),
        (
            "what was moved reads on",
            "read_text_file",
            path("docs/y/renamed.txt"),
            Be("a\n2\nC\nD\ne\n"),
        ),
    ]
}

/// Everything tries to get out, or is no call at all.
pub fn escaping() -> Vec<Step> {
    let read = |path: &str| json!({ "path": path });
    let write = |path: &str| json!({ "path": path, "content": "escaped" });
    vec![
        (
            "a file of the system",
            "read_text_file",
            read("/etc/passwd"),
            Refuse,
        ),
        (
            "up and out",
            "read_text_file",
            read("{root}/../secret.txt"),
            Refuse,
        ),
        (
            "a sibling whose name begins the same",
            "read_text_file",
            read("{root}-other/secret.txt"),
            Refuse,
        ),
        (
            "a link to outside",
            "read_text_file",
            read("{root}/way-out"),
            Refuse,
        ),
        (
            "a folder behind a link",
            "list_directory",
            read("{root}/folder-out"),
            Refuse,
        ),
        (
            "one that is missing among several outside",
            "read_multiple_files",
            json!({ "paths": ["{root}/lines.txt", "{root}/way-out"] }),
            Say(&["one\ntwo"], &["SECRET"]),
        ),
        (
            "a file written outside",
            "write_file",
            write("{root}/../planted.txt"),
            Refuse,
        ),
        (
            "a file written through a link",
            "write_file",
            write("{root}/way-out"),
            Refuse,
        ),
        (
            "a file written behind a link",
            "write_file",
            write("{root}/folder-out/planted.txt"),
            Refuse,
        ),
        (
            "a folder made outside",
            "create_directory",
            read("{root}/../planted"),
            Refuse,
        ),
        (
            "a move to outside",
            "move_file",
            json!({ "source": "{root}/lines.txt", "destination": "{root}/../planted.txt" }),
            Refuse,
        ),
        (
            "a move from outside",
            "move_file",
            json!({ "source": "{root}/../secret.txt", "destination": "{root}/stolen.txt" }),
            Refuse,
        ),
        (
            "facts of a file outside",
            "get_file_info",
            read("{root}/../secret.txt"),
            Refuse,
        ),
        ("an argument missing", "read_text_file", json!({}), Refuse),
        (
            "an argument of the wrong type",
            "read_text_file",
            json!({ "path": 7 }),
            Refuse,
        ),
        (
            "a tool that is not there",
            "no_such_tool",
            json!({}),
            Refuse,
        ),
    ]
}
