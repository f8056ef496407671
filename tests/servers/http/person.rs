//! The whole way as a person goes it: a key, tokens, a server beyond loopback with TLS, our own client on it, the record of it all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::SystemTime;

use mcpdeck::servers::guard::Algorithm;
use mcpdeck::servers::guard::token::issue::{Wish, issue};
use tempfile::TempDir;
use tokio::process::Command;

use super::request::until;
use super::server::Server;
use crate::client::LIMIT;

fn certificate(kind: &str) -> String {
    let name = format!("tests/fixtures/tls/test-only-one.{kind}.pem");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    path.to_str().unwrap().to_owned()
}

/// A scratch folder with a key, where the person works.
struct Desk(TempDir);

/// What a run said.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    async fn run(&self, args: &[&str], token: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcpdeck"));
        command
            .args(args)
            .current_dir(self.0.path())
            .env("MCPDECK_DATA_DIR", self.path("data"))
            .env("MCPDECK_CONFIG_DIR", self.path("config"))
            .env("SSL_CERT_FILE", certificate("cert"))
            .env("DECK_TOKEN", token)
            .kill_on_drop(true);
        let output = tokio::time::timeout(LIMIT, command.output()).await;
        let Output {
            status,
            stdout,
            stderr,
        } = output.unwrap().unwrap();
        Ran {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    async fn good(&self, args: &[&str]) -> String {
        let ran = self.run(args, "").await;
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        ran.out.trim().to_owned()
    }

    async fn token(&self, subject: &str, scope: &str, ttl: &str) -> String {
        let args = [
            "token", "issue", "--key", "key", "--iss", "me", "--aud", "deck", "--ttl", ttl,
        ];
        self.good(&[&args[..], &["--sub", subject, "--scope", scope]].concat())
            .await
    }

    /// A token of an hour ago that was good for a minute.
    fn expired(&self) -> String {
        let wish = Wish {
            subject: "ann".to_owned(),
            issuer: "me".to_owned(),
            audience: vec!["deck".to_owned()],
            scopes: vec!["tool:*".to_owned()],
            ttl: 60,
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let then = now.unwrap().as_secs() - 3600;
        let key = fs::read(self.path("key")).unwrap();
        issue(Algorithm::EdDsa, &key, &wish, then).unwrap()
    }

    async fn served(&self) -> Server {
        let (cert, key) = (certificate("cert"), certificate("key"));
        let (public, deny, audit) = (self.at("key.pub"), self.at("deny"), self.at("audit"));
        let flags = [
            ["--http", "0.0.0.0:0"],
            ["--tls-cert", &cert],
            ["--tls-key", &key],
            ["--token-alg", "EdDSA"],
            ["--token-key", &public],
            ["--token-issuer", "me"],
            ["--token-audience", "deck"],
            ["--token-deny", &deny],
            ["--audit", &audit],
            ["--rate-tool", "read_text_file=1/h"],
        ];
        let server = Server::files(&flags.concat()).await;
        let port = server.address.port();
        let config = format!(
            "[mcp_servers.far]\nurl = \"https://localhost:{port}/mcp\"\nbearer_token_env_var = \"DECK_TOKEN\"\n"
        );
        fs::write(self.path("mcp.toml"), config).unwrap();
        server
    }

    /// Calls a tool with our own client.
    async fn call(&self, token: &str, tool: &str) -> Ran {
        let config = self.at("mcp.toml");
        let path = match tool {
            "list_directory" => "path=.",
            _ => "path=a.txt",
        };
        self.run(&["--config", &config, "call", "far", tool, path], token)
            .await
    }
}

async fn desk() -> Desk {
    let desk = Desk(tempfile::tempdir().unwrap());
    desk.good(&["token", "keygen", "--out", "key"]).await;
    fs::write(desk.path("deny"), "# nobody yet\n").unwrap();
    desk
}

#[tokio::test]
async fn from_a_key_to_the_checked_record_of_calls() {
    let desk = desk().await;
    let mut server = desk.served().await;
    let ann = desk.token("ann", "tool:*", "1h").await;
    let good = desk.call(&ann, "list_directory").await;
    assert!(good.code == 0 && good.out.contains("a.txt"), "{}", good.err);

    // A token for another tool sees this one not at all; one without a scope sees nothing.
    let bob = desk.token("bob", "tool:list_directory", "1h").await;
    let hidden = desk.call(&bob, "read_text_file").await;
    assert!(hidden.code != 0 && hidden.err.contains("has no tool"));
    let brief = desk.token("eve", "tool:*", "1s").await;
    let said = desk
        .good(&["token", "inspect", &brief, "--key", "key.pub"])
        .await;
    assert!(
        said.contains("verified") && said.contains("\"sub\":\"eve\""),
        "{said}"
    );
    let late = desk.expired();
    let expired = desk.call(&late, "list_directory").await;
    assert!(
        expired.code != 0 && expired.err.contains("401"),
        "{}",
        expired.err
    );
    let forged = format!("{}x", &ann[..ann.len() - 1]);
    let stranger = desk.call(&forged, "list_directory").await;
    assert!(
        stranger.code != 0 && stranger.err.contains("401"),
        "{}",
        stranger.err
    );

    assert_eq!(desk.call(&ann, "read_text_file").await.code, 0);
    let often = desk.call(&ann, "read_text_file").await;
    assert!(
        often.code != 0 && often.err.contains("429"),
        "{}",
        often.err
    );

    fs::write(desk.path("deny"), "sub:ann # has left\n").unwrap();
    let revoked = desk.call(&ann, "list_directory").await;
    assert!(
        revoked.code != 0 && revoked.err.contains("401"),
        "{}",
        revoked.err
    );
    fs::write(desk.path("deny"), "").unwrap();
    assert_eq!(desk.call(&ann, "list_directory").await.code, 0);

    server.signal(rustix::process::Signal::TERM);
    assert!(server.ended().await.success());
    desk.good(&["audit", "verify", "audit"]).await;
    let log = fs::read_to_string(desk.path("audit")).unwrap();
    for word in [
        "expired",
        "\"subject\":\"ann\"",
        "denied: rate",
        "deny list",
        "denied: token",
    ] {
        assert!(log.contains(word), "{word} is not in {log}");
    }
    assert!(!log.contains(&ann) && !log.contains("a.txt"), "{log}");
    // Who may write the file cannot make ann another without being found.
    fs::write(desk.path("audit"), log.replacen("ann", "bob", 1)).unwrap();
    let found = desk.run(&["audit", "verify", "audit"], "").await;
    assert_eq!(found.code, 1, "{}", found.out);
}

#[cfg(unix)]
#[tokio::test]
async fn a_secret_that_everybody_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let desk = desk().await;
    let secret = desk.at("secret");
    desk.good(&["token", "keygen", "--alg", "HS256", "--out", &secret])
        .await;
    let flags = [
        ["--token-alg", "HS256"],
        ["--token-key", &secret],
        ["--token-issuer", "me"],
        ["--token-audience", "deck"],
        ["--metrics", "127.0.0.1:0"],
    ];
    for (mode, warns) in [(0o600, false), (0o640, false), (0o644, true)] {
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        let mut server = Server::files(&flags.concat()).await;
        let mut lines = BufReader::new(server.child.stderr.take().unwrap()).lines();
        let line = tokio::time::timeout(LIMIT, lines.next_line()).await;
        let line = line.unwrap().unwrap().unwrap();
        assert_eq!(line.contains("chmod 600"), warns, "{mode:o} {line}");
    }
}

#[tokio::test]
async fn over_a_pipe_a_call_of_no_tool_is_recorded() {
    let desk = desk().await;
    let audit = desk.at("audit");
    let served = crate::client::Served::start(&[
        "filesystem",
        desk.0.path().to_str().unwrap(),
        "--audit",
        &audit,
    ])
    .await;
    let request = rmcp::model::CallToolRequestParams::new("drop_everything");
    assert!(served.client.call_tool(request).await.is_err());
    until("the line", async || {
        let log = fs::read_to_string(&audit).unwrap();
        log.contains("\"tool\":\"drop_everything\"") && log.contains("denied: no such tool")
    })
    .await;
}
