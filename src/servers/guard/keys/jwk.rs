//! A JSON Web Key Set (RFC 7517) read strictly, and the fingerprint of a known-broken kind of RSA key. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::servers::guard::keys::set::Key;
use crate::servers::guard::options::Algorithm;
use crate::servers::guard::token::strict;

type Object = Map<String, Value>;

/// More keys than a set has.
const MOST: usize = 100;

/// The keys of a set that are meant for `algorithm`; those for something else are passed over.
pub fn keys(algorithm: Algorithm, bytes: &[u8]) -> Result<Vec<(Option<String>, Key)>, String> {
    let set = strict::read(bytes).map_err(|e| format!("it is no JSON: {e}"))?;
    let all = set.get("keys").and_then(Value::as_array);
    let all = all.ok_or("it is no key set: it has no array `keys`")?;
    if all.len() > MOST {
        return Err(format!("it has more than {MOST} keys"));
    }
    let all: Option<Vec<&Object>> = all.iter().map(Value::as_object).collect();
    let all = all.ok_or("a key in it is no object")?;
    check_kinds(algorithm, &all)?;
    let mut found: Vec<(Option<String>, Key)> = Vec::new();
    for key in all.into_iter().filter(|key| is_meant(key, algorithm)) {
        let kid = text(key, "kid")?.map(str::to_owned);
        let shown = kid.as_deref().unwrap_or("without `kid`");
        if found.iter().any(|(other, _)| *other == kid) {
            return Err(format!("two keys in it have the same `kid`: {shown}"));
        }
        let key = read(key, algorithm).map_err(|why| format!("the key {shown}: {why}"))?;
        found.push((kid, key));
    }
    Ok(found)
}

/// A set holds public keys, or secrets, and never both: a reader that mixes them up takes a public key for a secret.
fn check_kinds(algorithm: Algorithm, all: &[&Object]) -> Result<(), String> {
    let secrets = all.iter().filter(|key| is(key, "kty", "oct")).count();
    if algorithm == Algorithm::Hs256 && secrets != all.len() {
        return Err("it holds other keys beside secrets".to_owned());
    }
    if algorithm != Algorithm::Hs256 && secrets > 0 {
        return Err("it holds a secret (`oct`) beside public keys".to_owned());
    }
    if all.iter().any(|key| key.contains_key("d")) {
        return Err("it holds a private key; give the public ones".to_owned());
    }
    Ok(())
}

/// Whether a key says that it is for signatures of this algorithm, or says nothing against it.
fn is_meant(key: &Object, algorithm: Algorithm) -> bool {
    let kind = match algorithm {
        Algorithm::EdDsa => is(key, "kty", "OKP") && is(key, "crv", "Ed25519"),
        Algorithm::Es256 => is(key, "kty", "EC") && is(key, "crv", "P-256"),
        Algorithm::Rs256 => is(key, "kty", "RSA"),
        Algorithm::Hs256 => is(key, "kty", "oct"),
    };
    let named = !key.contains_key("alg") || is(key, "alg", algorithm.name());
    let signs = !key.contains_key("use") || is(key, "use", "sig");
    let verifies = key.get("key_ops").is_none_or(|ops| {
        let ops = ops.as_array();
        ops.is_some_and(|ops| ops.iter().any(|op| op == "verify"))
    });
    kind && named && signs && verifies
}

fn is(key: &Object, name: &str, value: &str) -> bool {
    key.get(name).and_then(Value::as_str) == Some(value)
}

fn read(key: &Object, algorithm: Algorithm) -> Result<Key, String> {
    match algorithm {
        Algorithm::EdDsa => Key::ed25519(&bytes(key, "x")?),
        Algorithm::Es256 => {
            let (x, y) = (bytes(key, "x")?, bytes(key, "y")?);
            if (x.len(), y.len()) != (32, 32) {
                return Err("`x` and `y` are not of 32 bytes each".to_owned());
            }
            Key::p256(&[&[4], x.as_slice(), y.as_slice()].concat())
        }
        Algorithm::Rs256 => Key::rsa(&bytes(key, "n")?, &bytes(key, "e")?),
        Algorithm::Hs256 => Key::secret(&bytes(key, "k")?),
    }
}

fn text<'a>(key: &'a Object, name: &str) -> Result<Option<&'a str>, String> {
    match key.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("a key's `{name}` is no text")),
    }
}

fn bytes(key: &Object, name: &str) -> Result<Vec<u8>, String> {
    let text = text(key, name)?.ok_or_else(|| format!("`{name}` is missing"))?;
    let bytes = URL_SAFE_NO_PAD.decode(text);
    bytes.map_err(|_| format!("`{name}` is not base64url"))
}

/// The primes of the fingerprint in "The Return of Coppersmith's Attack" (Nemec and others, 2017), section 3.
const PRIMES: [u32; 17] = [
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
];

/// Whether a modulus was made by the library of CVE-2017-15361: then it is a power of 65537 modulo each of the primes. A
/// modulus that is not has a chance of about one in a hundred million to look so.
pub fn is_roca(modulus: &[u8]) -> bool {
    PRIMES.into_iter().all(|prime| {
        let rest = modulus
            .iter()
            .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (0..prime).any(|_| {
            power = power * (65_537 % prime) % prime;
            power == rest
        })
    })
}
