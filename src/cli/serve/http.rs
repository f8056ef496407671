//! The flags that every served server takes: where it listens, and under which rules.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};

use clap::Args;
use tokio::runtime::Builder;

use crate::cli::output;
use crate::servers::http::Options;
use crate::servers::{Serving, Transport};

/// Over HTTP instead of stdin and stdout.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Over HTTP")]
pub struct HttpArgs {
    /// Serve Streamable HTTP here instead of stdin and stdout; port 0 is any free one. The URL is printed to stdout
    #[arg(long, value_name = "[HOST:]PORT", value_parser = address)]
    pub http: Option<SocketAddr>,
    /// Keep a session in memory for each client of the revisions up to 2025-11-25, which servers of those need to ask the
    /// client; all its requests must then come to this process
    #[arg(long, requires = "http")]
    pub sessions: bool,
}

impl HttpArgs {
    /// One thread is enough for a pipe to one client, as the tools run on threads of their own; many clients want more.
    pub fn threads(&self) -> Builder {
        match self.http {
            Some(_) => Builder::new_multi_thread(),
            None => Builder::new_current_thread(),
        }
    }

    /// The way to the clients, and the rules.
    pub fn serving(self) -> Serving {
        let Some(address) = self.http else {
            return Serving::default();
        };
        let options = Options {
            announce: |url| output::data(&format!("{url}\n")),
            notice: output::note,
            sessions: self.sessions,
            ..Options::new(address)
        };
        Serving {
            transport: Transport::Http(Box::new(options)),
            ..Serving::default()
        }
    }
}

/// `8080`, `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let mut found = text.to_socket_addrs().map_err(|e| e.to_string())?;
    found.next().ok_or_else(|| "no such host".to_owned())
}
