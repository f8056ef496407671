//! Who may come in at a door of loopback: nobody who was led here by a name of a web page's own. Pure.
//!
//! A page can make its name mean this machine (DNS rebinding), but not the `Host` and `Origin` that its browser then sends.

use core::net::IpAddr;

use http::uri::Authority;
use http::{HeaderMap, Uri, header};

/// Whether only this machine reaches an address.
pub fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Whether a request was meant for this machine and comes from it.
///
/// # Errors
/// Why it does not, as a sentence.
pub fn check(uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
        _ => None,
    };
    let host: Authority = host.ok_or("the request needs one `Host` header")?;
    for named in [Some(&host), uri.authority()].into_iter().flatten() {
        if !is_here(named) {
            return Err(format!(
                "`Host: {named}` is no name of this machine: ask at 127.0.0.1 or localhost"
            ));
        }
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return Ok(());
    };
    let page = origin.to_str().ok().filter(|_| origins.next().is_none());
    let page = page.and_then(|page| page.parse::<Uri>().ok());
    let is_ours = page.is_some_and(|page| {
        let is_web = matches!(page.scheme_str(), Some("http" | "https"));
        let is_whole = page
            .path_and_query()
            .is_none_or(|path| path.as_str() == "/");
        is_web && is_whole && page.authority().is_some_and(is_here)
    });
    match is_ours {
        true => Ok(()),
        false => Err("pages of other sites are not let in".to_owned()),
    }
}

/// Whether a name can only mean this machine.
fn is_here(at: &Authority) -> bool {
    let name = at.host().trim_start_matches('[').trim_end_matches(']');
    let is_local = name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback);
    is_local && !at.as_str().contains('@')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn lets_in(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        let Ok(value) = HeaderValue::from_str(host) else {
            return false;
        };
        headers.insert(header::HOST, value);
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        check(&Uri::from_static("/t/mcp"), &headers).is_ok()
    }

    #[test]
    fn only_names_of_this_machine_are_let_in() {
        for (host, good) in [
            ("localhost", true),
            ("LOCALHOST:1", true),
            ("127.0.0.1:9", true),
            ("127.0.0.2", true),
            ("[::1]:9", true),
            ("[::ffff:127.0.0.1]:9", true),
            ("0.0.0.0", false),
            ("192.0.2.7", false),
            ("localhost.", false),
            ("localhost.evil.example", false),
            ("evil.example:80", false),
            ("user@localhost", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
            ("a b", false),
        ] {
            assert_eq!(lets_in(host, None), good, "{host}");
        }
        assert!(check(&Uri::from_static("/"), &HeaderMap::new()).is_err());
        let mut twice = HeaderMap::new();
        for host in ["localhost", "evil.example"] {
            twice.append(header::HOST, HeaderValue::from_static(host));
        }
        assert!(check(&Uri::from_static("/"), &twice).is_err());
        let elsewhere = Uri::from_static("http://evil.example/");
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        assert!(check(&elsewhere, &headers).is_err());
    }

    #[test]
    fn only_pages_of_this_machine_are_let_in() {
        for (origin, good) in [
            ("http://localhost:6274", true),
            ("https://127.0.0.1", true),
            ("http://[::1]:1", true),
            ("null", false),
            ("", false),
            ("http://evil.example", false),
            ("http://localhost@evil.example", false),
            ("http://localhost.evil.example", false),
            ("file://localhost", false),
            ("http://localhost/path", false),
        ] {
            assert_eq!(lets_in("localhost", Some(origin)), good, "{origin}");
        }
    }

    proptest! {
        #[test]
        fn no_other_name_gets_in(host in "[a-z0-9.@:\\[\\]-]{0,30}") {
            if lets_in(&host, None) {
                prop_assert!(host.starts_with("localhost") || host.starts_with("127.") || host.starts_with('['), "{host}");
            }
        }
    }
}
