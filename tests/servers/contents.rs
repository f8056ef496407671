//! `search_file_contents`: what it finds, what it leaves out, where it stops.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Served;

const TOOL: &str = "search_file_contents";

async fn served(files: &[(&str, &str)]) -> (TempDir, Served) {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        put(root.path(), name, text);
    }
    let server = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    (root, server)
}

fn put(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The matches as `path:line`.
fn told(data: &Value) -> Vec<String> {
    let matches = data["matches"].as_array().unwrap();
    let told = matches
        .iter()
        .map(|m| format!("{}:{}", m["path"].as_str().unwrap(), m["line"]));
    told.collect()
}

#[tokio::test]
async fn lines_are_found_with_place_column_and_neighbours() {
    let text = "một\nhai needle\nba\nbốn\nnăm NEEDLE\n";
    let (_root, server) = served(&[("a.txt", text), ("dir/b.txt", "needle")]).await;
    let reply = server
        .call(TOOL, json!({"pattern": "needle$", "context": 1}))
        .await;
    assert_eq!(told(&reply.data), ["a.txt:2", "dir/b.txt:1"]);
    let expected = json!({"path": "a.txt", "line": 2, "column": 5, "text": "hai needle", "before": ["một"], "after": ["ba"]});
    assert_eq!(reply.data["matches"][0], expected);
    assert_eq!(
        reply.text,
        "a.txt-1- một\na.txt:2: hai needle\na.txt-3- ba\ndir/b.txt:1: needle"
    );
    let both = json!({"pattern": "NEEDLE", "ignore_case": true, "path": "a.txt"});
    assert_eq!(told(&server.good(TOOL, both).await), ["a.txt:2", "a.txt:5"]);
    let globbed = json!({"pattern": "needle", "glob": "dir/*"});
    assert_eq!(told(&server.good(TOOL, globbed).await), ["dir/b.txt:1"]);
    let excluded = json!({"pattern": "needle", "excludePatterns": ["dir"]});
    assert_eq!(told(&server.good(TOOL, excluded).await), ["a.txt:2"]);
    let none = server.call(TOOL, json!({"pattern": "nowhere"})).await;
    assert!(
        none.text.contains("No line") && !none.is_error,
        "{}",
        none.text
    );
}

#[tokio::test]
async fn an_expression_that_is_none_is_refused_and_a_literal_is_taken_as_it_is() {
    let (_root, server) = served(&[("a.txt", "f(x)\nfx")]).await;
    let said = server.refused(TOOL, json!({"pattern": "f("})).await;
    assert!(
        said.contains("no regular expression") && said.contains("literal"),
        "{said}"
    );
    let said = server
        .refused(TOOL, json!({"pattern": "(\\w{100}){100}"}))
        .await;
    assert!(said.contains("too large"), "{said}");
    server.refused(TOOL, json!({"pattern": ""})).await;
    server.refused(TOOL, json!({"pattern": "(a)\\1"})).await;
    server
        .refused(TOOL, json!({"pattern": "a", "path": "none"}))
        .await;
    server
        .refused(TOOL, json!({"pattern": "a", "glob": "[a"}))
        .await;
    let literal = json!({"pattern": "f(", "literal": true});
    assert_eq!(told(&server.good(TOOL, literal).await), ["a.txt:1"]);
}

#[tokio::test]
async fn what_the_rules_leave_out_is_left_out() {
    let (root, server) = served(&[
        (".gitignore", "*.log\n/build/\nsecret\n"),
        ("a.txt", "x"),
        ("a.log", "x"),
        ("build/b.txt", "x"),
        ("sub/build/c.txt", "x"),
        ("sub/.gitignore", "!keep.log\nd.txt\n"),
        ("sub/keep.log", "x"),
        ("sub/other.log", "x"),
        ("sub/d.txt", "x"),
        ("sub/secret", "x"),
        ("both/.gitignore", "!a.log\n"),
        ("both/.ignore", "a.log\n"),
        ("both/a.log", "x"),
        ("nested/.git/config", "x"),
        ("nested/e.log", "x"),
    ])
    .await;
    let found = server.good(TOOL, json!({"pattern": "x"})).await;
    let expected = [
        "a.txt:1",
        "nested/e.log:1",
        "sub/keep.log:1",
        "sub/build/c.txt:1",
    ];
    assert_eq!(told(&found), expected);
    assert_eq!(found["ignored"], 6);
    let below = server
        .good(TOOL, json!({"pattern": "x", "path": "sub"}))
        .await;
    assert_eq!(told(&below), ["sub/keep.log:1", "sub/build/c.txt:1"]);
    let named = server
        .good(TOOL, json!({"pattern": "x", "path": "build"}))
        .await;
    assert_eq!(told(&named), ["build/b.txt:1"]);
    let file = server
        .good(TOOL, json!({"pattern": "x", "path": "a.log"}))
        .await;
    assert_eq!(told(&file), ["a.log:1"]);
    let all = server
        .good(TOOL, json!({"pattern": "x", "no_ignore": true}))
        .await;
    assert_eq!(told(&all).len(), 10);
    fs::write(root.path().join(".gitignore"), "[z-a]\n\u{0}\n*.txt\n").unwrap();
    let broken = server.good(TOOL, json!({"pattern": "x"})).await;
    assert!(!told(&broken).contains(&"a.txt:1".to_owned()));
}

#[tokio::test]
async fn hidden_and_binary_files_are_passed_over_and_counted() {
    let (root, server) = served(&[
        (".git/config", "x"),
        (".env", "x"),
        ("a.txt", "x"),
        ("dir/.hidden/b.txt", "x"),
    ])
    .await;
    fs::write(root.path().join("c.bin"), b"x\0x").unwrap();
    fs::write(root.path().join("latin.txt"), b"caf\xE9 x").unwrap();
    let found = server.good(TOOL, json!({"pattern": "x"})).await;
    assert_eq!(told(&found), ["a.txt:1", "latin.txt:1"]);
    let counts = (
        &found["binary_files"],
        &found["hidden"],
        &found["files_searched"],
    );
    assert_eq!(counts, (&json!(1), &json!(3), &json!(2)));
    assert_eq!(found["matches"][1]["text"], "caf\u{FFFD} x");
    let all = server
        .good(TOOL, json!({"pattern": "x", "hidden": true}))
        .await;
    assert_eq!(told(&all).len(), 5);
    let asked = server
        .good(TOOL, json!({"pattern": "x", "path": ".git"}))
        .await;
    assert_eq!(told(&asked), [".git/config:1"]);
}

#[tokio::test]
async fn no_link_is_followed_and_no_rule_is_read_from_outside() {
    let (root, server) = served(&[("a.txt", "x"), ("sub/b.txt", "x")]).await;
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "secret.txt", "x secret");
    put(outside.path(), "rules", "*.txt\n");
    symlink(outside.path(), root.path().join("out")).unwrap();
    symlink(
        outside.path().join("secret.txt"),
        root.path().join("link.txt"),
    )
    .unwrap();
    symlink(outside.path().join("rules"), root.path().join(".ignore")).unwrap();
    symlink("..", root.path().join("sub/loop")).unwrap();
    let fifo = root.path().join("sub/.gitignore");
    let made = std::process::Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .unwrap();
    assert!(made.success());
    let found = server.good(TOOL, json!({"pattern": "x"})).await;
    assert_eq!(told(&found), ["a.txt:1", "sub/b.txt:1"]);
    for path in ["out", "link.txt", "out/secret.txt", "sub/.gitignore"] {
        server
            .refused(TOOL, json!({"pattern": "x", "path": path}))
            .await;
    }
}

#[tokio::test]
async fn matches_lines_and_the_answer_are_bounded() {
    let many: String = (0..3000).map(|n| format!("line {n}\n")).collect();
    let long = format!("{}needle{}", "a".repeat(300_000), "b".repeat(300_000));
    let (_root, server) = served(&[("many.txt", &many), ("long.txt", &long)]).await;
    let found = server.good(TOOL, json!({"pattern": "line"})).await;
    assert_eq!(told(&found).len(), 200);
    assert_eq!(
        (&found["truncated"], &found["stopped_by"]),
        (&json!(true), &json!("max_results"))
    );
    let exactly = json!({"pattern": "line 1\\d$", "max_results": 10});
    let exactly = server.good(TOOL, exactly).await;
    assert_eq!(
        (told(&exactly).len(), &exactly["truncated"]),
        (10, &json!(false))
    );
    let wide = json!({"pattern": "line", "context": 10, "max_results": 1000});
    let wide = server.call(TOOL, wide).await;
    assert!(wide.text.len() < 600_000 && wide.data.to_string().len() < 1_000_000);
    let cut = server
        .good(TOOL, json!({"pattern": "needle", "path": "long.txt"}))
        .await;
    let text = cut["matches"][0]["text"].as_str().unwrap();
    assert!(text.contains("needle") && text.len() < 500, "{text}");
    assert_eq!(cut["matches"][0]["column"], 300_001);
    server
        .refused(TOOL, json!({"pattern": "a", "max_results": 0}))
        .await;
}
