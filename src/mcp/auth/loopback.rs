//! The door on loopback at which the browser knocks when a person has signed in: one page, one visit that counts.
//!
//! It takes only a visit with the right `state`; any other program on this machine may knock as well, and ends nothing.

use std::io;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use url::Url;

/// The path of the redirect URI.
const PATH: &str = "/callback";
/// A browser's head is shorter.
const LONGEST: usize = 16 * 1024;
/// And comes sooner.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most visits at once.
const MOST: usize = 32;
/// The wait after a visit that could not be taken.
const AGAIN: Duration = Duration::from_millis(100);

/// A listening door.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    /// Opens the door at this port, or at any free one.
    ///
    /// # Errors
    /// What the system says.
    pub async fn open(port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(0))).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// The redirect URI that leads here.
    pub fn redirect(&self) -> String {
        redirect(self.port)
    }

    /// Waits for the visit with this `state`, and gives the address that the browser came with. Several may knock at once: a
    /// browser opens connections ahead on which it says nothing.
    pub async fn visited(&self, state: &str) -> String {
        let mut visits = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(address) = visits.next(), if !visits.is_empty() => {
                    if let Some(address) = address {
                        return address;
                    }
                }
                taken = self.listener.accept(), if visits.len() < MOST => match taken {
                    Ok((stream, _)) => visits.push(self.visit(stream, state)),
                    // The system has none left for now; the browser comes again.
                    Err(_) => sleep(AGAIN).await,
                },
            }
        }
    }

    /// One visit: the address, when it is the one that is waited for.
    async fn visit(&self, mut stream: TcpStream, state: &str) -> Option<String> {
        let head = timeout(PATIENCE, head(&mut stream)).await;
        let target = head.ok().and_then(Result::ok).as_deref().and_then(target);
        let address = target.map(|target| format!("http://127.0.0.1:{}{target}", self.port));
        let good = address.filter(|address| belongs(address, state));
        let (status, words) = match &good {
            Some(_) => (
                "200 OK",
                "mcpdeck has heard. You can close this page and go back to the terminal.",
            ),
            None => (
                "404 Not Found",
                "This page belongs to no sign-in that is under way.",
            ),
        };
        let _browser_gone = timeout(PATIENCE, answer(&mut stream, status, words)).await;
        good
    }
}

/// The redirect URI of a port.
pub fn redirect(port: u16) -> String {
    format!("http://127.0.0.1:{port}{PATH}")
}

/// The port of a redirect URI of ours.
pub fn port_of(redirect: &str) -> Option<u16> {
    let url = Url::parse(redirect).ok()?;
    let ours = url.scheme() == "http" && url.host_str() == Some("127.0.0.1") && url.path() == PATH;
    ours.then(|| url.port()).flatten()
}

fn belongs(address: &str, state: &str) -> bool {
    Url::parse(address).is_ok_and(|url| {
        let has_state = url
            .query_pairs()
            .any(|(key, value)| key == "state" && value == state);
        url.path() == PATH && has_state
    })
}

async fn head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while head.len() < LONGEST && !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            break;
        }
        head.extend_from_slice(&piece[..read]);
    }
    Ok(head)
}

/// What a head asks for.
fn target(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let mut words = head.lines().next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    (method == "GET" && target.starts_with('/')).then(|| target.to_owned())
}

async fn answer(stream: &mut TcpStream, status: &str, words: &str) -> io::Result<()> {
    let page = format!("<!doctype html><meta charset=utf-8><title>mcpdeck</title><p>{words}</p>\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
        page.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(page.as_bytes()).await?;
    stream.shutdown().await
}
