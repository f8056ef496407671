//! What may be set about serving over HTTP, with what holds where nothing is said. Plain data, filled by `cli`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The largest body that is read, in bytes: 4 MiB.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// Where and how a server is reached.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 is any free one.
    pub address: SocketAddr,
    /// Where `/metrics` and the health are told besides, without asking who asks.
    pub metrics: Option<SocketAddr>,
    /// The certificate chain and its key, as PEM files; plain HTTP without.
    pub tls: Option<TlsFiles>,
    /// The URL of `/mcp` as clients know it, where a proxy stands before; tokens and metadata name it.
    pub public_url: Option<String>,
    /// Names in `Host` that are good besides loopback's and the address itself.
    pub allow_hosts: Vec<String>,
    /// Values of `Origin` that are good besides loopback's.
    pub allow_origins: Vec<String>,
    /// Whether clients of the revisions up to 2025-11-25 get a session in this process's memory. Then their requests must
    /// all come to this process.
    pub sessions: bool,
    /// How many connections are held at a time; more wait in the system's queue.
    pub connections: usize,
    /// How long a connection may take to send the head of its next request, how long the body of one may take to come, and
    /// how long a client may take no byte of its answer.
    pub patience: Duration,
    /// How long `/readyz` says no before the listener closes, for a load balancer to notice.
    pub drain: Duration,
    /// How long what runs may take to finish after that.
    pub grace: Duration,
    /// Told the URL once, when clients can come.
    pub announce: fn(&str),
    /// Told what happens beside the requests, a line each.
    pub notice: fn(&str),
}

/// A certificate chain and its key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key of the first certificate.
    pub key: PathBuf,
}

impl Options {
    /// Whether only this machine can reach the address.
    pub fn is_loopback(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }

    /// What holds where nothing else is said.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            metrics: None,
            public_url: None,
            tls: None,
            allow_hosts: Vec::new(),
            allow_origins: Vec::new(),
            sessions: false,
            connections: 512,
            patience: Duration::from_secs(30),
            drain: Duration::ZERO,
            grace: Duration::from_secs(30),
            announce: |_| {},
            notice: |_| {},
        }
    }
}
