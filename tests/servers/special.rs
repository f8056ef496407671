//! What is no plain file, and what is one only by name: pipes, sockets, devices, the magic links of /proc.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;

use crate::client::Served;

#[tokio::test]
async fn each_reading_tool_refuses_a_pipe_a_socket_and_a_device_at_once() {
    let root = tempfile::tempdir().unwrap();
    let pipe = root.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
    symlink("pipe", root.path().join("to-pipe")).unwrap();
    symlink("/dev/zero", root.path().join("zero")).unwrap();
    fs::write(root.path().join("a.txt"), "text").unwrap();
    let server = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    for name in ["pipe", "socket", "to-pipe", "zero"] {
        for (tool, arguments) in [
            ("read_text_file", json!({"path": name})),
            ("read_text_file", json!({"path": name, "tail": 1})),
            ("read_media_file", json!({"path": name})),
            (
                "search_file_contents",
                json!({"path": name, "pattern": "x"}),
            ),
            ("list_directory", json!({"path": name})),
            ("directory_tree", json!({"path": name})),
            ("search_files", json!({"path": name, "pattern": "*"})),
        ] {
            let said = server.refused(tool, arguments).await;
            let why = [
                "pipe, socket or device",
                "leads out",
                "not a folder",
                "is not a",
            ];
            assert!(
                why.iter().any(|why| said.contains(why)),
                "{tool} {name}: {said}"
            );
        }
        let many = server
            .good("read_multiple_files", json!({"paths": [name, "a.txt"]}))
            .await;
        assert!(many["files"][0]["error"].is_string());
        assert_eq!(many["files"][1]["content"], "text");
    }
    let found = server
        .good("search_file_contents", json!({"pattern": "."}))
        .await;
    assert_eq!(found["files_searched"], 1);
    let tree = server.good("directory_tree", json!({"path": "."})).await;
    assert_eq!(tree["tree"][1], json!({"name": "pipe", "type": "other"}));
}

#[tokio::test]
async fn devices_are_not_read_where_they_lie_in_the_root() {
    let server = Served::start(&["filesystem", "--read-only", "/dev"]).await;
    for name in ["zero", "null", "random"] {
        for tool in ["read_text_file", "read_media_file"] {
            let said = server.refused(tool, json!({"path": name})).await;
            assert!(said.contains("pipe, socket or device"), "{said}");
        }
        let info = server.good("get_file_info", json!({"path": name})).await;
        assert_eq!(info["type"], "other");
    }
    // Leads into /proc.
    server
        .refused("read_text_file", json!({"path": "fd/0"}))
        .await;
    server
        .refused("list_directory", json!({"path": "fd"}))
        .await;
}

#[tokio::test]
async fn the_magic_links_of_proc_lead_nowhere() {
    let secret = tempfile::tempdir().unwrap();
    fs::write(secret.path().join("secret.txt"), "outside").unwrap();
    let server = Served::start(&["filesystem", "--read-only", "/proc/self", "/proc"]).await;
    let own = server.child.id().unwrap().to_string();
    let below = secret.path().to_str().unwrap().trim_start_matches('/');
    let out = [
        "cwd".to_owned(),
        "cwd/Cargo.toml".to_owned(),
        "root".to_owned(),
        "root/etc/passwd".to_owned(),
        format!("root/{below}/secret.txt"),
        "exe".to_owned(),
        "fd/0".to_owned(),
        "fd/1".to_owned(),
        format!("/proc/{own}/cwd/Cargo.toml"),
        format!("/proc/{own}/root/etc/passwd"),
        format!("/proc/{own}/task/{own}/cwd/Cargo.toml"),
        format!("/proc/{own}/map_files/x"),
    ];
    for path in &out {
        for (tool, arguments) in [
            ("read_text_file", json!({"path": path})),
            ("read_media_file", json!({"path": path})),
            ("list_directory", json!({"path": path})),
            ("directory_tree", json!({"path": path})),
            ("search_files", json!({"path": path, "pattern": "*"})),
            (
                "search_file_contents",
                json!({"path": path, "pattern": "."}),
            ),
        ] {
            server.refused(tool, arguments).await;
        }
    }
    let naive = fs::read_to_string(format!("/proc/{own}/root/{below}/secret.txt"));
    assert_eq!(
        naive.unwrap(),
        "outside",
        "the control must let this through"
    );
    // Each open handle, whatever it is.
    let handles = server.good("list_directory", json!({"path": "fd"})).await;
    for entry in handles["entries"].as_array().unwrap() {
        let path = format!("fd/{}", entry["name"].as_str().unwrap());
        server
            .refused("read_text_file", json!({"path": path}))
            .await;
        server
            .refused("list_directory", json!({"path": path}))
            .await;
    }
    // What is a plain file there is read, though it says that it is empty.
    let status = server
        .good("read_text_file", json!({"path": "status"}))
        .await;
    assert!(
        status["content"]
            .as_str()
            .unwrap()
            .starts_with("Name:\tmcpdeck")
    );
    let tail = server
        .good("read_text_file", json!({"path": "status", "tail": 1}))
        .await;
    assert_eq!(tail["lines"], 1);
    let tree = server
        .good("directory_tree", json!({"path": ".", "max_depth": 1}))
        .await;
    let nodes = tree["tree"].as_array().unwrap();
    let root = nodes.iter().find(|node| node["name"] == "root").unwrap();
    assert_eq!(root["type"], "symlink");
}

#[tokio::test]
async fn the_trash_is_out_of_sight_also_through_a_link() {
    let (home, server) = Served::start_around_its_data().await;
    fs::write(home.path().join("a.txt"), "gone").unwrap();
    let deleted = server.good("delete_file", json!({"path": "a.txt"})).await;
    let kept = Path::new(deleted["trashed_to"].as_str().unwrap());
    let real = home.path().canonicalize().unwrap();
    let below = kept.strip_prefix(&real).unwrap();
    symlink(".data", home.path().join("link")).unwrap();
    symlink(below, home.path().join("file")).unwrap();
    let through = Path::new("link").join(below.strip_prefix(".data").unwrap());
    for path in [Path::new("file"), &through] {
        for tool in ["read_text_file", "read_media_file"] {
            let said = server.refused(tool, json!({"path": path})).await;
            assert!(said.contains("trash"), "{said}");
        }
    }
    server
        .refused("get_file_info", json!({"path": through}))
        .await;
    server
        .refused("list_directory", json!({"path": "link/trash"}))
        .await;
    server
        .refused("directory_tree", json!({"path": "link/trash"}))
        .await;
    let found = json!({"pattern": "gone", "hidden": true, "no_ignore": true});
    let found = server.good("search_file_contents", found).await;
    assert_eq!(found["matches"], json!([]));
}
