//! What of a server's launch is a secret: for the wire log, which must not hold it, and for a URL that is shown.
//!
//! Pure; used by `connection`, which knows the environment, by `transport`, and by `cli` for the whole configuration.

use url::Url;

use crate::config::{Bundled, Config, HttpLaunch, KeySource, Launch, OauthSettings, Secret};
use crate::mcp::wire::redact::MASK;

/// A value under a name that says nothing is no secret when it is shorter: `info`, `json` or `true` stand in every message.
const PLAIN: usize = 8;
/// A value in a URL is taken for a key from this length on, whatever its name.
const LONG: usize = 16;

/// What must not get into a file: what the configuration sets, what it passes on under a name that says so, and what a URL
/// carries beside its address. `variable` gives the value of a variable that is passed on.
pub fn of(launch: &Launch, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    match launch {
        Launch::Stdio(stdio) => {
            let set = stdio
                .env
                .iter()
                .filter(|(name, value)| says_secret(name) || value.expose().len() >= PLAIN);
            let mut secrets: Vec<String> = set.map(|(_, value)| exposed(value)).collect();
            for name in &stdio.env_vars {
                let Some(value) = variable(name) else {
                    continue;
                };
                secrets.extend(Url::parse(&value).ok().and_then(|url| password(&url)));
                secrets.extend(says_secret(name).then_some(value));
            }
            let words = stdio.shown.iter().flat_map(|word| named_in(word));
            secrets.extend(words.filter(|name| says_secret(name)).filter_map(&variable));
            secrets
        }
        Launch::Http(HttpLaunch {
            headers,
            url,
            oauth,
            ..
        }) => {
            let mut secrets: Vec<String> = headers.values().map(exposed).collect();
            secrets.extend(of_sign_in(oauth));
            if let Ok(url) = Url::parse(url) {
                secrets.extend(password(&url));
                for pair in url.query().unwrap_or_default().split('&') {
                    if let Some((_, raw)) = pair.split_once('=').filter(|pair| hides(*pair)) {
                        secrets.push(raw.to_owned());
                    }
                }
                let pairs = url.query_pairs();
                let pairs = pairs.filter(|(name, value)| hides((name, value)));
                secrets.extend(pairs.map(|(_, value)| value.into_owned()));
            }
            secrets
        }
        Launch::Bundled(Bundled::Filesystem { .. } | Bundled::Crm { url: None, .. }) => Vec::new(),
        Launch::Bundled(Bundled::Database { url, .. } | Bundled::Crm { url: Some(url), .. }) => {
            let url = Url::parse(url.expose()).ok();
            url.and_then(|url| password(&url)).into_iter().collect()
        }
    }
}

/// The secrets of all servers and of the model, for logs, exports, sessions and the screen. `variable` gives the value of a
/// variable that is passed on.
pub fn of_all(config: &Config, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let servers = config.servers.iter();
    let mut all: Vec<String> = servers
        .flat_map(|spec| of(&spec.launch, &variable))
        .collect();
    let model = &config.model;
    all.extend(
        model
            .api_key
            .iter()
            .chain(model.headers.values())
            .map(exposed),
    );
    all
}

/// What a sign-in is done with.
fn of_sign_in(oauth: &OauthSettings) -> Vec<String> {
    let key = oauth.private_key.as_ref().and_then(|key| match key {
        KeySource::Pem(pem) => Some(pem),
        KeySource::File(_) => None,
    });
    let provider = oauth.identity_provider.as_ref();
    let vouching = provider.into_iter().flat_map(|provider| {
        let secret = provider.client_secret.as_ref();
        secret.into_iter().chain([&provider.id_token])
    });
    let own = oauth.client_secret.iter().chain(key);
    own.chain(vouching).map(exposed).collect()
}

/// A URL for people: without its user's name and password and without the values in it that may be keys. `${VAR}` stays, which
/// gives nothing away.
pub fn masked_url(text: &str) -> String {
    let (address, query) = match text.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (text, None),
    };
    let mut shown = match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host
                .rsplit_once('@')
                .map_or(host.to_owned(), |(_, host)| format!("{MASK}@{host}"));
            format!("{scheme}://{host}{path}")
        }
        None => address.to_owned(),
    };
    if let Some(query) = query {
        let pair = |pair: &str| match pair.split_once('=') {
            Some((name, value)) if hides((name, value)) && !value.starts_with("${") => {
                format!("{name}={MASK}")
            }
            _ => pair.to_owned(),
        };
        let pairs: Vec<String> = query.split('&').map(pair).collect();
        shown.push('?');
        shown.push_str(&pairs.join("&"));
    }
    shown
}

/// The variables that a word of the configuration takes in: `A` and `B` in `x-${A}-${B:-y}`.
fn named_in(word: &str) -> impl Iterator<Item = &str> {
    word.split("${").skip(1).map(|rest| {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        &rest[..end.unwrap_or(rest.len())]
    })
}

fn exposed(secret: &Secret) -> String {
    secret.expose().to_owned()
}

fn password(url: &Url) -> Option<String> {
    url.password().map(str::to_owned)
}

/// Whether a URL's value may be a key.
fn hides((name, value): (&str, &str)) -> bool {
    says_secret(name) || value.len() >= LONG
}

fn says_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    [
        "KEY", "TOKEN", "SECRET", "PASS", "PWD", "AUTH", "CRED", "DSN",
    ]
    .iter()
    .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{StdioLaunch, TransportChoice};

    #[test]
    fn a_shown_url_has_no_key_in_it() {
        for (url, shown) in [
            ("https://h/mcp", "https://h/mcp"),
            ("https://h/mcp?a=1&token=x", "https://h/mcp?a=1&token=***"),
            ("https://h/mcp?k=0123456789abcdef", "https://h/mcp?k=***"),
            ("https://me:pw@h:1/mcp?x", "https://***@h:1/mcp?x"),
            ("https://h/@me?apiKey=${KEY}", "https://h/@me?apiKey=${KEY}"),
            ("https://h?token=a", "https://h?token=***"),
            ("no url", "no url"),
        ] {
            assert_eq!(masked_url(url), shown, "{url}");
        }
    }

    #[test]
    fn a_key_that_a_variable_puts_into_an_argument_is_a_secret() {
        let launch = Launch::Stdio(StdioLaunch {
            shown: ["x", "--key=${MY_KEY:-none}", "--dir=${HOME}/a"]
                .map(str::to_owned)
                .into(),
            command: "x".to_owned(),
            args: ["--key=s3cret", "--dir=/home/me/a"]
                .map(str::to_owned)
                .into(),
            env: BTreeMap::new(),
            env_vars: Vec::new(),
            cwd: None,
        });
        let variable = |name: &str| match name {
            "MY_KEY" => Some("s3cret".to_owned()),
            "HOME" => Some("/home/me".to_owned()),
            _ => None,
        };
        assert_eq!(of(&launch, variable), ["s3cret"]);
    }

    #[test]
    fn ordinary_words_in_the_environment_are_no_secrets() {
        let env = [
            ("LOG_LEVEL", "info"),
            ("API_KEY", "abcd"),
            ("DATA", "12345678"),
        ];
        let launch = Launch::Stdio(StdioLaunch {
            shown: Vec::new(),
            command: "x".to_owned(),
            args: Vec::new(),
            env: env
                .map(|(name, value)| (name.to_owned(), Secret::new(value)))
                .into(),
            env_vars: Vec::new(),
            cwd: None,
        });
        assert_eq!(of(&launch, |_| None), ["abcd", "12345678"]);
    }

    #[test]
    fn a_key_in_a_url_is_known_as_written_and_as_meant() {
        let launch = Launch::Http(HttpLaunch {
            shown: String::new(),
            url: "https://u:pass@h/mcp?token=a%2Fb".to_owned(),
            headers: BTreeMap::new(),
            transport: TransportChoice::Auto,
            oauth: Box::default(),
        });
        assert_eq!(of(&launch, |_| None), ["pass", "a%2Fb", "a/b"]);
    }
}
