//! The flags that say where a served server listens, instead of stdin and stdout.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::cli::address::address;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::{output, setup};
use crate::driver::metrics;
use crate::servers::Transport;
use crate::servers::http::{Options, TlsFiles};
use crate::text::clean;

/// Over HTTP instead of stdin and stdout.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Over HTTP")]
pub struct HttpArgs {
    /// Serve Streamable HTTP here, not stdin and stdout; port 0 is any free one. Prints the URL to stdout
    #[arg(long, value_name = "[HOST:]PORT", value_parser = address)]
    pub http: Option<SocketAddr>,
    /// The certificate chain, PEM; read again on SIGHUP
    #[arg(long, value_name = "FILE", requires_all = ["tls_key", "http"])]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The URL of /mcp as clients know it, when a proxy stands before
    #[arg(long, value_name = "URL", requires = "http")]
    public_url: Option<String>,
    /// Let requests come to this host name as well (besides loopback's, the address and the public URL's); repeatable
    #[arg(long, value_name = "HOST[:PORT]", requires = "http")]
    allow_host: Vec<String>,
    /// Let web pages of this origin send requests; repeatable
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    allow_origin: Vec<String>,
    /// Keep sessions in memory for clients up to 2025-11-25, which a server needs to ask them; then each client needs one
    /// and the same instance
    #[arg(long, requires = "http")]
    sessions: bool,
    /// Hold so many connections at a time
    #[arg(long, value_name = "N", default_value_t = 512, requires = "http")]
    max_connections: usize,
    /// Wait so long for the head of a request, for its body, and for a client to take a piece of an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "http")]
    patience: u64,
    /// On SIGTERM, say "not ready" for so long before closing the port, for load balancers
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "http")]
    drain: u64,
    /// Then let running calls finish for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "http")]
    grace: u64,
}

impl HttpArgs {
    /// The file that nobody else may read.
    pub fn secret(&self) -> Option<&Path> {
        self.tls_key.as_deref()
    }

    /// The way to the clients. Metrics and health have a plain listener of their own with `--metrics`, which is needed for
    /// metrics beyond loopback and with `--public-url`.
    ///
    /// # Errors
    /// `--metrics` without `--http`, or at an address that others reach.
    pub fn transport(self, global: &Global) -> Result<Transport, CliError> {
        let Some(address) = self.http else {
            return match global.metrics {
                Some(_) => Err(CliError::new(
                    ErrorKind::Usage,
                    "--metrics: a server on stdin and stdout has none",
                )
                .hint("give it --http as well")),
                None => Ok(Transport::Stdio),
            };
        };
        if let Some(metrics) = global.metrics {
            metrics::allowed(metrics, global.metrics_any_host)
                .map_err(|error| setup::no_metrics(&error))?;
        }
        let tls = self.tls_cert.zip(self.tls_key);
        Ok(Transport::Http(Box::new(Options {
            metrics: global.metrics,
            public_url: self.public_url,
            tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
            allow_hosts: self.allow_host,
            allow_origins: self.allow_origin,
            sessions: self.sessions,
            connections: self.max_connections,
            patience: Duration::from_secs(self.patience),
            drain: Duration::from_secs(self.drain),
            grace: Duration::from_secs(self.grace),
            announce: |url| output::data(&format!("{url}\n")),
            notice: |text| output::note(&clean::block(text)),
            ..Options::new(address)
        })))
    }
}
