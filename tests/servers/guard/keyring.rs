//! One key of each algorithm, made once, and tokens built by hand so that anything can be wrong with them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcpdeck::servers::guard::Algorithm;
use mcpdeck::servers::guard::keys::KeySet;
use mcpdeck::servers::guard::token::Expected;
use mcpdeck::servers::guard::token::issue::{Made, keygen, sign};
use serde_json::{Value, json};

/// The time at which all these tokens are looked at.
pub const NOW: u64 = 1_800_000_000;

pub static ED: LazyLock<Made> = LazyLock::new(|| keygen(Algorithm::EdDsa).unwrap());
pub static EC: LazyLock<Made> = LazyLock::new(|| keygen(Algorithm::Es256).unwrap());
pub static RSA: LazyLock<Made> = LazyLock::new(|| keygen(Algorithm::Rs256).unwrap());
pub static SECRET: LazyLock<Made> = LazyLock::new(|| keygen(Algorithm::Hs256).unwrap());

pub fn made(algorithm: Algorithm) -> &'static Made {
    match algorithm {
        Algorithm::EdDsa => &ED,
        Algorithm::Es256 => &EC,
        Algorithm::Rs256 => &RSA,
        Algorithm::Hs256 => &SECRET,
    }
}

/// What a server has to verify with.
pub fn verifying(algorithm: Algorithm) -> &'static str {
    let made = made(algorithm);
    made.public.as_deref().unwrap_or(&made.private)
}

pub fn keys(algorithm: Algorithm) -> KeySet {
    KeySet::from_file(algorithm, verifying(algorithm).as_bytes()).unwrap()
}

pub fn expected() -> Expected {
    Expected {
        issuer: "https://issuer.example".to_owned(),
        audience: vec!["https://mcp.example/mcp".to_owned(), "deck".to_owned()],
    }
}

pub fn claims() -> Value {
    json!({
        "iss": "https://issuer.example",
        "sub": "ann",
        "aud": "https://mcp.example/mcp",
        "exp": NOW + 600,
        "nbf": NOW - 60,
        "iat": NOW - 60,
        "jti": "token-1",
        "scope": "tool:query_database resources",
    })
}

pub fn header(algorithm: Algorithm) -> Value {
    json!({ "alg": algorithm.name(), "typ": "JWT" })
}

pub fn part(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A token of exactly these two texts, with the right signature.
pub fn token(algorithm: Algorithm, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", part(header), part(payload));
    let signature = sign(algorithm, made(algorithm).private.as_bytes(), &signed).unwrap();
    format!("{signed}.{signature}")
}

/// A good token.
pub fn good(algorithm: Algorithm) -> String {
    let (header, claims) = (header(algorithm).to_string(), claims().to_string());
    token(algorithm, &header, &claims)
}
