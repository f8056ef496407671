//! The HTTP client for model endpoints. Never shared with MCP servers: what one of them sets must not reach the other.
//!
//! Impure only by what it makes; used by `openai` and `detect`.

use std::time::Duration;

/// Whether a base URL points to this machine.
pub(super) fn is_loopback(base_url: &str) -> bool {
    url::Url::parse(base_url).is_ok_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    })
}

/// No redirects, because headers with secrets would travel; no proxy for this machine itself.
pub(super) fn http_client(local: bool) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("mcpdeck/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10));
    if local { builder.no_proxy() } else { builder }.build()
}

/// The innermost cause: reqwest's own sentence names only the URL.
pub(super) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
