//! The outer form of a token: three parts, one spelling each. Pure; called by `token`.
//!
//! Stricter than RFC 7515 where two readers could see two tokens: names that stand twice, padding, spaces, stray bits. What would
//! bring a key of its own or change how the rest is read is refused, not skipped.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::servers::guard::options::Algorithm;
use crate::servers::guard::token::fault::Fault;
use crate::servers::guard::token::strict;

/// Longer tokens are not looked at, in bytes.
pub const LONGEST: usize = 8 * 1024;

/// Members of a header that bring keys, change what is signed or ask for what is not understood here.
const REFUSED: [&str; 7] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "zip"];

/// A token in its parts, nothing verified.
#[derive(Debug)]
pub struct Parts<'a> {
    /// What is signed: header and payload as they came.
    pub signed: &'a str,
    /// The header.
    pub header: Map<String, Value>,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// The signature as it came.
    pub signature: &'a str,
}

/// Takes a token apart.
pub fn parts(token: &str) -> Result<Parts<'_>, Fault> {
    if token.is_empty() {
        return Err(Fault::Missing);
    }
    if token.len() > LONGEST {
        return Err(Fault::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Parts)?;
    let (header, payload) = signed.split_once('.').ok_or(Fault::Parts)?;
    if payload.contains('.') || header.is_empty() || signature.is_empty() {
        return Err(Fault::Parts);
    }
    decode(signature, "signature")?;
    Ok(Parts {
        signed,
        header: object(&decode(header, "header")?, "header")?,
        payload: decode(payload, "payload")?,
        signature,
    })
}

fn decode(text: &str, what: &'static str) -> Result<Vec<u8>, Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(text);
    bytes.map_err(|_| Fault::Encoding(what))
}

/// Reads a JSON object in which no name stands twice.
pub fn object(bytes: &[u8], what: &'static str) -> Result<Map<String, Value>, Fault> {
    match strict::read(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Fault::Json(what)),
    }
}

/// Checks a header against the configured algorithm; gives the `kid`.
pub fn check_header(
    header: &Map<String, Value>,
    algorithm: Algorithm,
) -> Result<Option<&str>, Fault> {
    if header.get("alg").and_then(Value::as_str) != Some(algorithm.name()) {
        return Err(Fault::Algorithm);
    }
    if let Some(name) = REFUSED.into_iter().find(|n| header.contains_key(*n)) {
        return Err(Fault::Header(name));
    }
    if let Some(kind) = header.get("typ") {
        let kind = kind.as_str().ok_or(Fault::Type)?.to_ascii_lowercase();
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        if kind != "jwt" && kind != "at+jwt" {
            return Err(Fault::Type);
        }
    }
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if !kid.is_empty() && kid.len() <= 256 => Ok(Some(kid)),
        Some(_) => Err(Fault::Header("kid")),
    }
}
