//! Asks one URL for a key set: https, or http on loopback; bounded in time and size; no redirects.

use std::time::Duration;

use url::{Host, Url};

/// How long the answer may take, and how long it may be.
const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST: usize = 256 * 1024;

/// The URL, if it may be asked.
pub fn allowed(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| format!("`{text}` is no URL: {e}"))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err(format!(
            "`{text}`: keys come by https, or by http from this machine alone"
        )),
    }
}

/// The body of the answer.
pub async fn get(url: &Url) -> Result<Vec<u8>, String> {
    let told = |e: reqwest::Error| format!("cannot fetch the keys at `{url}`: {}", e.without_url());
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE);
    // A proxy has no business between this machine and itself.
    let client = if url.scheme() == "http" {
        client.no_proxy()
    } else {
        client
    };
    let client = client.build().map_err(told)?;
    let mut answer = client.get(url.clone()).send().await.map_err(told)?;
    if !answer.status().is_success() {
        return Err(format!(
            "`{url}` answered {} when asked for keys",
            answer.status()
        ));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(format!(
                "`{url}` answered with more than 256 KiB when asked for keys"
            ));
        }
    }
    Ok(body)
}
