//! TLS by files. The certificates in `tests/fixtures/tls` were made for these tests and protect nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::Signal;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::request::{JSON, Reply, bytes, call, talk, until};
use super::server::{Server, said, spawn};
use crate::client::LIMIT;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tls")
        .join(name)
}

/// A certificate and its key where they can be changed.
fn files(which: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), which);
    dir
}

fn put(dir: &Path, which: &str) {
    for kind in ["cert", "key"] {
        let to = dir.join(format!("{kind}.pem"));
        std::fs::copy(fixture(&format!("test-only-{which}.{kind}.pem")), to).unwrap();
    }
}

async fn served(dir: &Path) -> Server {
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let flags = [
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    Server::files(&flags).await
}

/// One call by a client that trusts this certificate alone; none if it does not trust the server.
async fn ask(server: &Server, trusts: &str) -> Option<Reply> {
    let mut roots = RootCertStore::empty();
    let cert = fixture(&format!("test-only-{trusts}.cert.pem"));
    roots
        .add(CertificateDer::from_pem_file(cert).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await.ok()?;
    let body = call("list_directory", json!({"path": "."})).to_string();
    Some(talk(&mut stream, &bytes("POST", "/mcp", &JSON, body.as_bytes())).await)
}

#[tokio::test]
async fn a_call_goes_over_tls_and_a_plain_or_silent_client_harms_nobody() {
    let dir = files("one");
    let server = served(dir.path()).await;
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let silent = TcpStream::connect(server.address).await.unwrap();
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut got = Vec::new();
    let closed = tokio::time::timeout(LIMIT, plain.read_to_end(&mut got)).await;
    assert!(closed.is_ok() && !got.starts_with(b"HTTP/"), "{got:?}");
    let reply = ask(&server, "one").await.unwrap();
    assert_eq!(reply.json()["result"]["structuredContent"]["total"], 1);
    assert!(ask(&server, "two").await.is_none());
    drop(silent);
}

#[tokio::test]
async fn a_new_certificate_is_taken_on_sighup_and_a_bad_one_is_not() {
    let dir = files("one");
    let mut server = served(dir.path()).await;
    assert!(ask(&server, "one").await.is_some());
    put(dir.path(), "two");
    server.signal(Signal::HUP);
    until("the second certificate", async || {
        ask(&server, "two").await.is_some()
    })
    .await;
    assert!(ask(&server, "one").await.is_none());
    std::fs::write(dir.path().join("cert.pem"), "no certificate").unwrap();
    server.signal(Signal::HUP);
    let mut lines = BufReader::new(server.child.stderr.take().unwrap()).lines();
    let told = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("stays in force") {
                return line;
            }
        }
        panic!("it said nothing of the bad certificate");
    };
    let line = tokio::time::timeout(LIMIT, told).await.unwrap();
    assert!(line.contains("cert.pem"), "{line}");
    assert!(ask(&server, "two").await.is_some());
}

#[tokio::test]
async fn files_that_are_no_certificate_and_key_are_named_at_the_start() {
    let dir = files("one");
    let root = dir.path().to_str().unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let other = fixture("test-only-two.key.pem");
    let none = dir.path().join("none.pem");
    for (cert, key, word) in [
        (&none, &key, "none.pem"),
        (&key, &key, "no certificate"),
        (&cert, &cert, "private key"),
        (&cert, &other, "together"),
    ] {
        let flags = [
            "--tls-cert",
            cert.to_str().unwrap(),
            "--tls-key",
            key.to_str().unwrap(),
        ];
        let mut child = spawn(&["filesystem", root], &flags, dir.path());
        let words = said(&mut child).await;
        assert_eq!(child.wait().await.unwrap().code(), Some(2), "{words}");
        assert!(words.contains(word), "{words}");
    }
}
