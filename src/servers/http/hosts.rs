//! Which names a request may come to and from which pages, so that a web page cannot reach a local server by a name of its own.
//!
//! Pure. `Host` must be a name that was meant for this server; `Origin`, which browsers send, may be absent, loopback, or allowed
//! by name. Used by `gate` and `health`.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri, header};

use crate::servers::http::answer::Refused;

/// The names that are good.
#[derive(Debug, Clone)]
pub struct Allowed {
    hosts: Vec<(String, Option<u16>)>,
    origins: Vec<String>,
}

impl Allowed {
    /// Loopback's names, the address itself unless it stands for all, and what was added.
    pub fn new(address: SocketAddr, hosts: &[String], origins: &[String]) -> Self {
        let mut good: Vec<_> = ["localhost", "127.0.0.1", "::1"]
            .map(|name| (name.to_owned(), None))
            .into();
        if !address.ip().is_unspecified() {
            good.push((bare(&address.ip().to_string()), None));
        }
        good.extend(hosts.iter().map(|host| split(host)));
        let origins = origins.iter().map(|origin| normal(origin));
        Self {
            hosts: good,
            origins: origins.collect(),
        }
    }

    /// Looks at both headers; gives the page's origin where it was allowed by name.
    ///
    /// # Errors
    /// 400 where `Host` cannot be read, 403 where a name is not allowed.
    pub fn check<'a>(&self, uri: &Uri, headers: &'a HeaderMap) -> Result<Option<&'a str>, Refused> {
        self.host(uri, headers)?;
        self.origin(headers)
    }

    /// Looks at the name that the request came to: in `Host`, and in the request line where it stands there too.
    fn host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let bad = |why: &str| Refused::new(StatusCode::BAD_REQUEST, format!("the request {why}"));
        let mut named = headers.get_all(header::HOST).iter();
        let host = named.next().ok_or_else(|| bad("has no `Host` header"))?;
        if named.next().is_some() {
            return Err(bad("has more than one `Host` header"));
        }
        let host = host
            .to_str()
            .ok()
            .and_then(|host| host.parse::<Authority>().ok());
        let host = host.ok_or_else(|| bad("has a `Host` header that is no host"))?;
        for authority in [Some(&host), uri.authority()].into_iter().flatten() {
            if !self.knows(authority) {
                let message = format!(
                    "the `Host` of the request, `{authority}`, is not allowed here; \
                     start the server with `--allow-host {}` if it should be",
                    authority.host()
                );
                return Err(Refused::new(StatusCode::FORBIDDEN, message));
            }
        }
        Ok(())
    }

    fn knows(&self, authority: &Authority) -> bool {
        let name = bare(authority.host());
        let port = authority.port_u16();
        self.hosts.iter().any(|(good, at)| {
            *good == name
                && at.is_none_or(|at| port == Some(at))
                && !authority.as_str().contains('@')
        })
    }

    /// Looks at the page that the request came from, if it came from one; gives it where it is no page of loopback.
    fn origin<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Refused> {
        let mut named = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = named.next() else {
            return Ok(None);
        };
        let single = named.next().is_none();
        let origin = origin.to_str().unwrap_or("?");
        if single && self.origins.contains(&normal(origin)) {
            return Ok(Some(origin));
        }
        if single && is_loopback(origin) {
            return Ok(None);
        }
        let message = format!(
            "requests of pages from `{origin}` are not allowed here; \
             start the server with `--allow-origin {origin}` if they should be"
        );
        Err(Refused::new(StatusCode::FORBIDDEN, message))
    }
}

/// Whether a page comes from this machine.
fn is_loopback(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else {
        return false;
    };
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    let whole = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
    let host = uri.authority().filter(|at| !at.as_str().contains('@'));
    web && whole
        && host
            .is_some_and(|at| ["localhost", "127.0.0.1", "::1"].contains(&bare(at.host()).as_str()))
}

/// A host without brackets, in small letters; an address in its one spelling.
fn bare(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => host.to_ascii_lowercase(),
    }
}

/// A name as it was given, with its port where it has one.
fn split(host: &str) -> (String, Option<u16>) {
    match host.parse::<Authority>() {
        Ok(authority) => (bare(authority.host()), authority.port_u16()),
        Err(_) => (bare(host), None),
    }
}

/// An origin as browsers write it: small letters, no slash at the end.
fn normal(origin: &str) -> String {
    origin.trim().trim_end_matches('/').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn allowed() -> Allowed {
        let hosts = ["Deck.Example".to_owned(), "api.example:8443".to_owned()];
        let origins = ["https://app.example/".to_owned()];
        Allowed::new("192.0.2.7:80".parse().unwrap(), &hosts, &origins)
    }

    fn status(host: &str, origin: Option<&str>) -> u16 {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        let checked = allowed().check(&Uri::from_static("/mcp"), &headers);
        checked.map_or_else(|refused| refused.status.as_u16(), |_| 200)
    }

    #[test]
    fn hosts_are_held_against_the_names_that_were_meant() {
        for (host, expected) in [
            ("localhost", 200),
            ("LOCALHOST:1", 200),
            ("127.0.0.1:9", 200),
            ("[::1]:9", 200),
            ("[0:0::1]", 200),
            ("192.0.2.7", 200),
            ("[::ffff:192.0.2.7]", 200),
            ("deck.example", 200),
            ("deck.example:444", 200),
            ("api.example:8443", 200),
            ("api.example", 403),
            ("api.example:443", 403),
            ("127.0.0.2", 403),
            ("127.1", 403),
            ("0.0.0.0", 403),
            ("localhost.", 403),
            ("deck.example.evil", 403),
            ("user@localhost", 403),
            ("a b", 400),
            ("", 400),
            ("localhost/x", 400),
        ] {
            assert_eq!(status(host, None), expected, "{host}");
        }
    }

    #[test]
    fn origins_are_loopbacks_or_allowed_by_name() {
        for (origin, expected) in [
            ("http://localhost", 200),
            ("https://localhost:6274", 200),
            ("http://127.0.0.1:1", 200),
            ("http://[::1]:1", 200),
            ("https://app.example", 200),
            ("HTTPS://APP.EXAMPLE", 200),
            ("http://app.example", 403),
            ("https://app.example:8443", 403),
            ("https://deck.example", 403),
            ("null", 403),
            ("", 403),
            ("localhost", 403),
            ("file://localhost", 403),
            ("http://localhost@evil", 403),
            ("http://evil@localhost", 403),
            ("http://localhost.evil", 403),
            ("http://localhost/path", 403),
        ] {
            assert_eq!(status("localhost", Some(origin)), expected, "{origin}");
        }
    }

    proptest! {
        #[test]
        fn only_a_name_in_the_table_gets_in(host in "[a-z0-9.@:\\[\\]-]{0,30}") {
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            let known = ["localhost", "127.0.0.1", "[::1]", "192.0.2.7", "deck.example", "api.example"];
            if status(&host, None) == 200 {
                prop_assert!(known.contains(&name) || known.contains(&host.as_str()) || name.starts_with('['), "{host}");
            }
        }
    }
}
