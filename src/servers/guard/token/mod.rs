//! A token from its text to what it says. Pure: keys and time are arguments. Called by the gate and by `mcpdeck token inspect`.
//!
//! The rules are those of RFC 8725 (best practice for JWT): one algorithm, fixed by configuration; a key that belongs to it;
//! issuer, audience and times required; nothing that a token says about its own key is followed.
//!
//! Refused: `crit`, `b64`, `zip`, and keys that a token brings along (`jwk`, `jku`, `x5u`, `x5c`); a `typ` other than `JWT` and
//! `at+jwt`; names that stand twice; base64url with padding, spaces or stray bits; more than 8 KiB. `exp`, `nbf`, `iss`, `aud` and
//! `sub` must be there; `iat` must not lie ahead. Clocks may be 30 s apart.

pub mod claims;
mod fault;
pub mod issue;
mod jose;
pub(super) mod strict;

use serde_json::{Map, Value};

use crate::servers::guard::keys::KeySet;

pub use claims::{Claims, Expected};
pub use fault::Fault;

/// A token's header and payload, whose signature was verified with a configured key.
#[derive(Debug)]
pub struct Verified {
    /// The header.
    pub header: Map<String, Value>,
    /// The payload as bytes.
    pub payload: Vec<u8>,
}

/// What a token says that nobody has verified.
#[derive(Debug)]
pub struct Unverified {
    /// The header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// Verifies the signature, and that the header asks for nothing else.
///
/// # Errors
/// It is none of the key set's, or its form is not exactly right.
pub fn verify(token: &str, keys: &KeySet) -> Result<Verified, Fault> {
    let parts = jose::parts(token)?;
    let kid = jose::check_header(&parts.header, keys.algorithm())?;
    keys.choose(kid)?.verify(parts.signed, parts.signature)?;
    let (header, payload) = (parts.header, parts.payload);
    Ok(Verified { header, payload })
}

/// Verifies the signature and checks the claims at the time `now`, in seconds since 1970.
///
/// # Errors
/// The token is not good.
pub fn check(token: &str, keys: &KeySet, expected: &Expected, now: u64) -> Result<Claims, Fault> {
    let verified = verify(token, keys)?;
    let said = jose::object(&verified.payload, "payload")?;
    claims::check(&said, expected, now)
}

/// Reads header and claims of a token that nobody has verified: for people to look at.
///
/// # Errors
/// It has not the form of a token.
pub fn peek(token: &str) -> Result<Unverified, Fault> {
    let parts = jose::parts(token)?;
    let claims = jose::object(&parts.payload, "payload")?;
    let header = parts.header;
    Ok(Unverified { header, claims })
}
