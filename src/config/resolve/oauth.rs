//! `[mcp_servers.NAME.oauth]`: read key by key, with what belongs together checked together.

use url::Url;

use crate::config::file::{At, Value};
use crate::config::oauth::{Grant, IdentityProvider, KeySource, OauthSettings, SigningAlgorithm};
use crate::config::reader::{Read, Reader};
use crate::config::secret::Secret;

const KEYS: [&str; 15] = [
    "grant",
    "client_id",
    "client_secret",
    "client_metadata_url",
    "scopes",
    "redirect_port",
    "issuer",
    "private_key",
    "private_key_file",
    "signing_algorithm",
    "idp_issuer",
    "idp_token_endpoint",
    "idp_client_id",
    "idp_client_secret",
    "idp_id_token",
];

/// What other programs call them.
const ELSEWHERE: [(&str, &str); 8] = [
    ("clientId", "client_id"),
    ("clientSecret", "client_secret"),
    ("scope", "scopes"),
    ("port", "redirect_port"),
    ("callback_port", "redirect_port"),
    ("callbackPort", "redirect_port"),
    ("grant_type", "grant"),
    ("authorization_server", "issuer"),
];

/// Keys of `grant = "enterprise"` alone.
const ENTERPRISE: [&str; 4] = [
    "idp_issuer",
    "idp_token_endpoint",
    "idp_client_id",
    "idp_id_token",
];

/// Reads the table; without one everything is found out from the server.
pub(super) fn oauth(reader: &mut Reader<'_>) -> OauthSettings {
    let Some(entry) = reader.entry("oauth") else {
        return OauthSettings::default();
    };
    let full = reader.full("oauth");
    let Value::Table(table) = &entry.node.value else {
        let message = format!("wrong type: {}", entry.node.value.kind());
        reader.complain(
            entry.node.at,
            "oauth",
            message,
            format!("a table: `[{full}]`"),
        );
        return OauthSettings::default();
    };
    let mut inner = Reader::new(reader.context, table, full);
    inner.only(&KEYS, &ELSEWHERE);
    let settings = settings(&mut inner);
    check(&mut inner, &settings, entry.at);
    if let (Some(at), true) = (
        inner.entry("client_id").map(|entry| entry.at),
        reader.has("bearer_token_env_var"),
    ) {
        let message = "has no meaning beside `bearer_token_env_var`";
        inner.complain(at, "client_id", message, "a sign-in or a token, not both");
    }
    reader.problems.append(&mut inner.problems);
    settings
}

fn settings(reader: &mut Reader<'_>) -> OauthSettings {
    let grants = [
        ("auto", Grant::Auto),
        ("authorization-code", Grant::AuthorizationCode),
        ("client-credentials", Grant::ClientCredentials),
        ("enterprise", Grant::Enterprise),
    ];
    let plain = |read: Option<Read<String>>| read.map(|read| read.value);
    OauthSettings {
        grant: reader.choice("grant", &grants).unwrap_or_default(),
        client_id: plain(reader.string("client_id")),
        client_secret: plain(reader.string("client_secret")).map(Secret::new),
        client_metadata_url: address(reader, "client_metadata_url"),
        scopes: reader.words("scopes").unwrap_or_default(),
        redirect_port: port(reader),
        issuer: address(reader, "issuer"),
        private_key: key(reader),
        signing_algorithm: reader
            .choice("signing_algorithm", &SigningAlgorithm::NAMED)
            .unwrap_or_default(),
        identity_provider: provider(reader),
    }
}

/// A URL to which secrets may go: `https:`, or `http:` on this machine.
fn address(reader: &mut Reader<'_>, key: &str) -> Option<String> {
    let read = reader.string(key)?;
    let good = Url::parse(&read.value).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
        _ => false,
    });
    if !good {
        let expected = "an `https://` URL, or `http://` on this machine";
        reader.complain(read.at, key, "cannot be used for a sign-in", expected);
        return None;
    }
    Some(read.value)
}

fn port(reader: &mut Reader<'_>) -> Option<u16> {
    let number = reader.number("redirect_port", 1.0, 65535.0)?;
    let entry = reader.entry("redirect_port")?;
    if number.fract() != 0.0 {
        reader.complain(
            entry.node.at,
            "redirect_port",
            "is no port",
            "a whole number from 1 to 65535",
        );
        return None;
    }
    // In range, as `number` has seen to.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some(number as u16)
}

fn key(reader: &mut Reader<'_>) -> Option<KeySource> {
    let file = reader.string("private_key_file");
    let pem = reader.string("private_key");
    match (file, pem) {
        (Some(file), Some(_)) => {
            let message = "both `private_key` and `private_key_file`";
            reader.complain(file.at, "private_key_file", message, "one of the two");
            None
        }
        (Some(file), None) => Some(KeySource::File(reader.context.path(&file.value, file.at))),
        (None, Some(pem)) => Some(KeySource::Pem(Secret::new(pem.value))),
        (None, None) => None,
    }
}

fn provider(reader: &mut Reader<'_>) -> Option<IdentityProvider> {
    let issuer = address(reader, "idp_issuer");
    let token_endpoint = address(reader, "idp_token_endpoint");
    let client_id = reader.string("idp_client_id");
    let client_secret = reader.string("idp_client_secret");
    let id_token = reader.string("idp_id_token");
    Some(IdentityProvider {
        issuer: issuer?,
        token_endpoint: token_endpoint?,
        client_id: client_id?.value,
        client_secret: client_secret.map(|read| Secret::new(read.value)),
        id_token: Secret::new(id_token?.value),
    })
}

/// What belongs together.
fn check(reader: &mut Reader<'_>, settings: &OauthSettings, at: At) {
    if !reader.problems.is_empty() {
        return;
    }
    for (key, why) in lacking(reader, settings) {
        reader.complain(at, key, "missing", why);
    }
}

fn lacking(reader: &Reader<'_>, settings: &OauthSettings) -> Vec<(&'static str, &'static str)> {
    let no_secret = settings.client_secret.is_none();
    let mut lacks = Vec::new();
    let who = match settings.grant {
        Grant::Auto | Grant::AuthorizationCode if no_secret => None,
        Grant::Auto | Grant::AuthorizationCode => Some("the client id that the secret goes with"),
        Grant::ClientCredentials => Some("who signs in, with `grant = \"client-credentials\"`"),
        Grant::Enterprise => Some("our client id at the server's authorization server"),
    };
    if let (Some(who), None) = (who, &settings.client_id) {
        lacks.push(("client_id", who));
    }
    if settings.grant == Grant::ClientCredentials && no_secret && settings.private_key.is_none() {
        lacks.push((
            "client_secret",
            "`client_secret`, or a key in `private_key_file` or `private_key`",
        ));
    }
    if settings.grant == Grant::Enterprise {
        let missing = ENTERPRISE.iter().filter(|key| !reader.has(key));
        lacks.extend(missing.map(|key| (*key, "who vouches, with `grant = \"enterprise\"`")));
    }
    lacks
}
