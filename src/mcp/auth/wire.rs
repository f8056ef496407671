//! The HTTP client of sign-ins: every exchange with an authorization server passes here.
//!
//! It speaks `https:` to the world and `http:` only to this machine; it follows no redirect to another host; it reaches no address
//! that only a trick would name. What went wrong last is kept in words, because the library above drops the cause.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use rmcp::transport::auth::{
    OAuthHttpClient, OAuthHttpClientFuture, OAuthHttpRedirectPolicy, OAuthHttpRequest,
};
use url::{Host, Url};

/// No exchange takes longer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// No document of a sign-in is longer.
const LONGEST: usize = 1024 * 1024;
/// Redirects in a row.
const REDIRECTS: usize = 5;

/// The client. `at_home` means that the MCP server itself is on this machine, and so its authorization server may be.
#[derive(Debug)]
pub struct Wire {
    /// To the world, through the system's proxy where there is one; made when it is first needed.
    outside: OnceLock<Result<Clients, String>>,
    /// To this machine, which no proxy leads to.
    inside: OnceLock<Result<Clients, String>>,
    server: url::Origin,
    at_home: bool,
    trouble: Mutex<Option<String>>,
}

/// One that follows redirects on the same host, and one that follows none.
#[derive(Debug)]
struct Clients {
    follow: reqwest::Client,
    stop: reqwest::Client,
}

impl Clients {
    fn new(at_home: bool, proxy: bool) -> Result<Self, String> {
        let build = |redirects: Policy| {
            let builder = reqwest::Client::builder()
                .timeout(TIMEOUT)
                .redirect(redirects)
                .referer(false)
                // A person is between two requests, minutes at times: by then the other side has given a kept connection up, and
                // what is posted on it comes to nothing.
                .pool_max_idle_per_host(0)
                .dns_resolver(Arc::new(Resolver { at_home }))
                .user_agent(concat!("mcpdeck/", env!("CARGO_PKG_VERSION")));
            let builder = if proxy { builder } else { builder.no_proxy() };
            let made = builder.build();
            made.map_err(|error| format!("cannot make an HTTP client: {error}"))
        };
        let same_host = Policy::custom(|attempt| {
            let origin = attempt.previous().first().map(Url::origin);
            match origin == Some(attempt.url().origin()) && attempt.previous().len() <= REDIRECTS {
                true => attempt.follow(),
                false => attempt.stop(),
            }
        });
        Ok(Self {
            follow: build(same_host)?,
            stop: build(Policy::none())?,
        })
    }
}

/// Why an exchange did not take place.
#[derive(Debug)]
struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Broken {}

impl Wire {
    /// A client for the sign-in at this server.
    pub fn new(server: &Url) -> Self {
        Self {
            outside: OnceLock::new(),
            inside: OnceLock::new(),
            server: server.origin(),
            at_home: is_loopback(server),
            trouble: Mutex::default(),
        }
    }

    fn clients(&self, url: &Url) -> Result<&Clients, String> {
        let at_home = self.at_home;
        let made = match is_loopback(url) {
            true => self.inside.get_or_init(|| Clients::new(at_home, false)),
            false => self.outside.get_or_init(|| Clients::new(at_home, true)),
        };
        made.as_ref().map_err(Clone::clone)
    }

    /// What went wrong in the last exchange, if it did; it is given once.
    pub fn trouble(&self) -> Option<String> {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.take()
    }

    /// Whether secrets may go there, and if not, why.
    pub fn allows(&self, url: &Url) -> Result<(), String> {
        allows(url, self.at_home)
    }

    /// Goes to an authorization URL as a browser would, and gives the address that it sends to.
    pub async fn visit(&self, url: &str) -> Result<String, String> {
        let url = Url::parse(url).map_err(|error| format!("not a URL: {error}"))?;
        self.allows(&url)?;
        let stop = &self.clients(&url)?.stop;
        let answer = stop.get(url.clone()).send().await;
        let answer = answer.map_err(|error| told(&url, &error))?;
        let sent = answer.headers().get(reqwest::header::LOCATION);
        match sent.and_then(|location| location.to_str().ok()) {
            Some(location) => Ok(location.to_owned()),
            None => Err(format!(
                "{} did not send the browser back (HTTP {})",
                place(&url),
                answer.status().as_u16()
            )),
        }
    }

    async fn exchange(&self, request: OAuthHttpRequest) -> Result<http::Response<Vec<u8>>, Broken> {
        let redirects = request.redirect_policy;
        let request = reqwest::Request::try_from(request.request)
            .map_err(|error| Broken(error.to_string()))?;
        let url = request.url().clone();
        // The server's own documents are read where the server is read, and nothing secret is sent for them.
        let own = request.method() == reqwest::Method::GET && url.origin() == self.server;
        if !own {
            self.allows(&url).map_err(Broken)?;
        }
        let clients = self.clients(&url).map_err(Broken)?;
        let client = match redirects {
            OAuthHttpRedirectPolicy::Follow => &clients.follow,
            // Whatever is new is not followed.
            _ => &clients.stop,
        };
        let broken = |error: reqwest::Error| Broken(told(&url, &error));
        let answer = client.execute(request).await.map_err(broken)?;
        let mut builder = http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            builder = builder.header(name, value);
        }
        let mut body = Vec::new();
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(broken)?;
            if body.len() + chunk.len() > LONGEST {
                return Err(Broken(format!("{}: the answer is too long", place(&url))));
            }
            body.extend_from_slice(&chunk);
        }
        builder
            .body(body)
            .map_err(|error| Broken(error.to_string()))
    }
}

impl OAuthHttpClient for Wire {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            let outcome = self.exchange(request).await;
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            *trouble = outcome.as_ref().err().map(|broken| broken.0.clone());
            outcome.map_err(Into::into)
        })
    }
}

/// An error without what a URL may carry in its query.
fn told(url: &Url, error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push(cause.to_string());
        source = cause.source();
    }
    let why = match words.pop() {
        Some(why) => why,
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => "the exchange broke off".to_owned(),
    };
    format!("{}: {why}", place(url))
}

/// A URL without user, query and fragment.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

/// Whether a URL names this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn allows(url: &Url, at_home: bool) -> Result<(), String> {
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) => None,
        None => return Err(format!("`{}` names no host", url.scheme())),
    };
    if !(url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))) {
        return Err(format!(
            "{} is not `https:`, and no secret goes there",
            place(url)
        ));
    }
    let reachable = literal.is_none_or(|address| is_reachable(address, at_home));
    if !reachable || (is_loopback(url) && !at_home) {
        return Err(format!(
            "{} is an address that a server elsewhere has no reason to name",
            place(url)
        ));
    }
    Ok(())
}

/// Whether a sign-in may go to this address: not to what every cloud keeps its keys behind, nor, for a server elsewhere, to
/// this machine. A private network is fine: companies keep their servers there.
fn is_reachable(address: IpAddr, at_home: bool) -> bool {
    let address = address.to_canonical();
    if address.is_loopback() {
        return at_home;
    }
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(link_local || address.is_unspecified() || address.is_multicast())
}

/// Resolves names to addresses that may be reached.
#[derive(Debug)]
struct Resolver {
    at_home: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let at_home = self.at_home;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good: Vec<SocketAddr> = found
                .filter(|address| is_reachable(address.ip(), at_home))
                .collect();
            match good.is_empty() {
                true => Err(Broken(format!(
                    "`{}` has no address that a sign-in may go to",
                    name.as_str()
                ))
                .into()),
                false => Ok(Box::new(good.into_iter()) as Addrs),
            }
        })
    }
}
