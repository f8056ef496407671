//! An address that somebody wants visited: the host in it, and what is suspicious about it.
//!
//! Pure. Nothing is fetched. What is shown is what would be opened, in letters that cannot be taken for others.

use std::ops::Range;

use url::{Host, Position, Url};

use crate::text::clean;

/// An address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// All of it, as it would be opened: ASCII where it is a valid URL.
    pub shown: String,
    /// Where in that the host stands.
    pub host: Option<Range<usize>>,
    /// What is suspicious about it, as sentences.
    pub warnings: Vec<String>,
    /// Whether it is one that we would hand to a browser at all.
    pub opens: bool,
}

impl Address {
    /// Takes an address apart.
    pub fn read(raw: &str) -> Self {
        let Ok(url) = Url::parse(raw.trim()) else {
            return Self {
                shown: raw.to_owned(),
                host: None,
                warnings: vec!["This is no valid address: there is nothing to open.".to_owned()],
                opens: false,
            };
        };
        let start = url[..Position::BeforeHost].len();
        let host = start..start + url[Position::BeforeHost..Position::AfterHost].len();
        let opens = matches!(url.scheme(), "http" | "https") && url.has_host();
        Self {
            warnings: warnings(raw, &url, opens),
            shown: url.as_str().to_owned(),
            host: (!host.is_empty()).then_some(host),
            opens,
        }
    }

    /// The host, where it has one.
    pub fn host(&self) -> Option<&str> {
        self.shown.get(self.host.clone()?)
    }
}

fn warnings(raw: &str, url: &Url, opens: bool) -> Vec<String> {
    let mut out = Vec::new();
    let host = url.host_str().unwrap_or_default();
    if !opens {
        let scheme = url.scheme();
        out.push(format!(
            "`{scheme}:` is no address of a web page: mcpdeck opens only http and https."
        ));
    }
    let written = clean::line(written_host(raw));
    if !written.is_ascii() && host != written {
        out.push(format!(
            "The server writes the host as `{written}`. Letters that look like others can name another place: it goes to `{host}`."
        ));
    } else if host.split('.').any(|label| label.starts_with("xn--")) {
        out.push(
            "The host is written in punycode (`xn--`): it may be made to look like another name."
                .to_owned(),
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        out.push(format!(
            "What stands before the `@` is not where it goes: it goes to `{host}`."
        ));
    }
    if let (true, Some(port)) = (opens, url.port()) {
        out.push(format!("It names a port of its own: {port}."));
    }
    match url.host() {
        Some(Host::Ipv4(ip)) => out.push(bare(ip.is_loopback())),
        Some(Host::Ipv6(ip)) => out.push(bare(ip.is_loopback())),
        Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
            out.push("It is on this machine.".to_owned());
        }
        Some(Host::Domain(_)) if url.scheme() == "http" => out.push(
            "It is not encrypted (http): others on the way can read and change it.".to_owned(),
        ),
        Some(Host::Domain(_)) | None => {}
    }
    let hides = |c: char| c.is_control() || c.is_whitespace();
    if raw.trim().chars().any(hides) || clean::line(raw) != raw {
        out.push("The server's text of it holds characters that do not show.".to_owned());
    }
    out
}

/// What is said of a host that is a number.
fn bare(is_here: bool) -> String {
    let words = if is_here {
        "It is on this machine."
    } else {
        "The host is a bare number: nothing says whose it is."
    };
    words.to_owned()
}

/// The host as the server wrote it, roughly: for the person to compare, not to decide by.
fn written_host(raw: &str) -> &str {
    let rest = raw.split_once("://").map_or(raw, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or(rest);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(raw: &str) -> String {
        Address::read(raw).warnings.join(" ")
    }

    #[test]
    fn the_host_is_found_whatever_stands_around_it() {
        for (raw, host) in [
            (
                "https://example.com/a?b=https://other.example",
                "example.com",
            ),
            ("https://good.example@evil.example/", "evil.example"),
            (
                "https://good.example:443@evil.example:8443/x",
                "evil.example",
            ),
            ("https://evil.example\\@good.example/", "evil.example"),
            ("HTTPS://EXAMPLE.com", "example.com"),
            ("http://[::1]:8080/", "[::1]"),
            ("https://аррӏе.com/", "xn--80ak6aa92e.com"),
        ] {
            assert_eq!(Address::read(raw).host(), Some(host), "{raw}");
        }
        assert_eq!(said("https://example.com/a"), "");
    }

    #[test]
    fn what_is_suspicious_is_said() {
        for (raw, word) in [
            ("http://example.com/", "not encrypted"),
            ("https://user:pw@example.com/", "before the `@`"),
            ("https://example.com:8443/", "8443"),
            ("https://xn--80ak6aa92e.com/", "punycode"),
            ("https://аррӏе.com/", "goes to `xn--80ak6aa92e.com`"),
            ("https://192.0.2.7/", "bare number"),
            ("https://0x7f.1/", "on this machine"),
            ("http://localhost:3000/", "on this machine"),
            ("https://exam\tple.com/", "do not show"),
            ("https://example.com/\u{202e}gpj", "do not show"),
        ] {
            assert!(said(raw).contains(word), "{raw}: {}", said(raw));
            assert!(Address::read(raw).opens, "{raw}");
            assert!(Address::read(raw).shown.is_ascii(), "{raw}");
        }
        for raw in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
            "--help",
            "x-app://open",
        ] {
            let address = Address::read(raw);
            assert!(!address.opens, "{raw}");
            assert!(!address.warnings.is_empty(), "{raw}");
        }
    }
}
