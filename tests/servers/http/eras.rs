//! Both eras of the protocol over HTTP, with sessions and without, by a real client and by our own.

use rmcp::ClientLifecycleMode;
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use serde_json::{Value, json};

use super::request::{JSON, call, post, send};
use super::server::Server;
use crate::client::{LIMIT, modern};

const LEGACY: &str = "mcp-session-id";

fn initialize() -> Value {
    let client = json!({"name": "t", "version": "0"});
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
}

async fn listed(server: &Server, lifecycle: ClientLifecycleMode) -> (ProtocolVersion, Value) {
    let client = server.client(lifecycle).await;
    let version = client.peer_info().unwrap().protocol_version.clone();
    let mut params = CallToolRequestParams::new("list_directory");
    params.arguments = json!({"path": "."}).as_object().cloned();
    let result = client.call_tool(params).await.unwrap();
    client.cancel().await.unwrap();
    (version, result.structured_content.unwrap())
}

#[tokio::test]
async fn both_eras_get_the_same_answer_with_sessions_and_without() {
    for flags in [&[][..], &["--sessions"]] {
        let server = Server::files(flags).await;
        let (legacy, one) = listed(&server, ClientLifecycleMode::Initialize).await;
        let (recent, other) = listed(&server, modern()).await;
        assert_eq!(legacy, ProtocolVersion::V_2025_11_25);
        assert_eq!(recent, ProtocolVersion::V_2026_07_28);
        assert_eq!(one["entries"][0]["name"], "a.txt");
        assert_eq!(one, other);
    }
}

#[tokio::test]
async fn our_own_client_lists_and_calls() {
    let server = Server::files(&[]).await;
    for protocol in ["auto", "modern", "legacy"] {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("mcp.toml");
        let text = format!(
            "[mcp_servers.files]\nurl = \"{}\"\nprotocol = \"{protocol}\"\n",
            server.url
        );
        std::fs::write(&config, text).unwrap();
        let run = |args: &'static [&'static str]| {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_mcpdeck"));
            command.arg("--config").arg(&config).args(args);
            command
                .env("MCPDECK_DATA_DIR", dir.path())
                .kill_on_drop(true);
            command
        };
        for args in [
            &["list", "files"][..],
            &["call", "files", "read_text_file", "path=a.txt"],
        ] {
            let output = tokio::time::timeout(LIMIT, run(args).output()).await;
            let output = output.unwrap().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{protocol} {args:?}: {said}");
            let shown = String::from_utf8_lossy(&output.stdout).into_owned();
            let word = if args[0] == "list" {
                "list_directory"
            } else {
                "a"
            };
            assert!(shown.contains(word), "{protocol} {args:?}: {shown}");
        }
    }
}

#[tokio::test]
async fn without_sessions_nothing_is_kept_and_any_instance_answers() {
    let (one, other) = (Server::files(&[]).await, Server::files(&[]).await);
    let begun = post(one.address, &initialize()).await;
    assert_eq!(begun.json()["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(begun.header(LEGACY), None);
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(post(other.address, &note).await.status, 202);
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    for address in [other.address, one.address, other.address] {
        let tools = post(address, &list).await.json();
        assert!(
            tools["result"]["tools"].as_array().unwrap().len() > 5,
            "{tools}"
        );
    }
    // What only a session could use is said not to be there.
    let stream = [("Accept", "text/event-stream")];
    assert_eq!(
        send(one.address, "GET", "/mcp", &stream, b"").await.status,
        405
    );
    assert_eq!(
        send(one.address, "DELETE", "/mcp", &[], b"").await.status,
        405
    );
    let answer = json!({"jsonrpc": "2.0", "id": 2, "result": {}});
    assert_eq!(post(one.address, &answer).await.status, 400);
    let ping = json!({"jsonrpc": "2.0", "id": 3, "method": "ping"});
    assert_eq!(post(one.address, &ping).await.json()["result"], json!({}));
}

#[tokio::test]
async fn a_session_is_begun_used_and_ended() {
    let server = Server::files(&["--sessions"]).await;
    let begun = post(server.address, &initialize()).await;
    let id = begun.header(LEGACY).unwrap().to_owned();
    let with = |id: &str| {
        let mut headers: Vec<_> = JSON.iter().map(|(n, v)| (*n, v.to_string())).collect();
        headers.push(("Mcp-Session-Id", id.to_owned()));
        headers
    };
    let send_with = async |method: &str, id: &str, message: &Value| {
        let headers = with(id);
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        send(
            server.address,
            method,
            "/mcp",
            &headers,
            message.to_string().as_bytes(),
        )
        .await
    };
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(send_with("POST", &id, &note).await.status, 202);
    let list = call("list_directory", json!({"path": "."}));
    let reply = send_with("POST", &id, &list).await;
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    assert!(reply.text().contains("a.txt"), "{}", reply.text());
    assert_eq!(send_with("POST", "made-up", &list).await.status, 404);
    assert_eq!(send_with("DELETE", &id, &Value::Null).await.status, 202);
    assert_eq!(send_with("POST", &id, &list).await.status, 404);
}

#[tokio::test]
async fn sixty_four_clients_at_once_get_their_own_answers() {
    let server = Server::files(&[]).await;
    for n in 0..64 {
        std::fs::write(
            server.dir.path().join(format!("{n}.txt")),
            format!("text {n}"),
        )
        .unwrap();
    }
    let address = server.address;
    let clients = (0..64).map(|n| {
        tokio::spawn(async move {
            for _ in 0..10 {
                let path = json!({"path": format!("{n}.txt")});
                let answer = post(address, &call("read_text_file", path)).await.json();
                let text = answer["result"]["content"][0]["text"].to_string();
                assert!(text.contains(&format!("text {n}")), "{n}: {text}");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let line = "mcpdeck_tool_calls_total{tool=\"read_text_file\",outcome=\"ok\"} ";
    assert_eq!(server.metric(line).await, 640.0);
    assert_eq!(server.in_flight().await, 0.0);
}
