//! One key or several, of one algorithm. Pure: bytes in, keys out.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};

use crate::servers::guard::keys::jwk;
use crate::servers::guard::options::Algorithm;
use crate::servers::guard::token::Fault;

/// The fewest bits of an HS256 secret (RFC 7518, 3.2) and of an RSA modulus (3.3), in bytes.
const SECRET_BYTES: usize = 32;
const MODULUS_BITS: usize = 2048;

/// The keys of one algorithm.
#[derive(Debug)]
pub struct KeySet {
    algorithm: Algorithm,
    keys: Vec<(Option<String>, Key)>,
}

/// One key that verifies.
pub enum Key {
    /// The public half of a pair.
    Public(ParsedPublicKey),
    /// A secret that both sides hold.
    Secret(Box<hmac::Key>),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public(_) => "Public",
            Self::Secret(_) => "Secret",
        })
    }
}

impl KeySet {
    /// The one key of a file: a PEM public key, or the secret of HS256.
    ///
    /// # Errors
    /// The file holds no key that is fit for the algorithm; a sentence.
    pub fn from_file(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, String> {
        let key = match algorithm {
            Algorithm::Hs256 => Key::secret(secret(bytes)?)?,
            _ => from_pem(algorithm, bytes)?,
        };
        let keys = vec![(None, key)];
        Ok(Self { algorithm, keys })
    }

    /// The keys of a JSON Web Key Set that are meant for this algorithm.
    ///
    /// # Errors
    /// It is no key set, is ambiguous, holds what must not be in one, or has no such key; a sentence.
    pub fn from_jwks(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, String> {
        let keys = jwk::keys(algorithm, bytes)?;
        if keys.is_empty() {
            let name = algorithm.name();
            return Err(format!("the key set has no key for {name} signatures"));
        }
        Ok(Self { algorithm, keys })
    }

    /// The algorithm of all its keys.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key that a token's `kid` names; without names there is nothing to choose.
    ///
    /// # Errors
    /// There is no such key, or no telling which.
    pub fn choose(&self, kid: Option<&str>) -> Result<&Key, Fault> {
        if let [(own, key)] = self.keys.as_slice()
            && (own.is_none() || kid.is_none())
        {
            return Ok(key);
        }
        let named = self
            .keys
            .iter()
            .find(|(own, _)| kid.is_some() && own.as_deref() == kid);
        named.map(|(_, key)| key).ok_or(Fault::UnknownKey)
    }
}

impl Key {
    /// A secret of at least 256 bits.
    pub fn secret(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() < SECRET_BYTES {
            let bits = bytes.len() * 8;
            return Err(format!(
                "the secret has {bits} bits; HS256 needs at least 256"
            ));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        Ok(Self::Secret(Box::new(key)))
    }

    /// An Ed25519 key from its 32 bytes.
    pub fn ed25519(x: &[u8]) -> Result<Self, String> {
        let good = ParsedPublicKey::new(&ED25519, x)
            .ok()
            .filter(|_| x.len() == 32);
        let refused = || "it is no Ed25519 public key".to_owned();
        good.map(Self::Public).ok_or_else(refused)
    }

    /// A P-256 key from its uncompressed point.
    pub fn p256(point: &[u8]) -> Result<Self, String> {
        let good = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok();
        let refused = || "it is no point on the curve P-256".to_owned();
        let good = good.filter(|_| point.len() == 65 && point.first() == Some(&4));
        good.map(Self::Public).ok_or_else(refused)
    }

    /// An RSA key from modulus and exponent.
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, String> {
        let bits = bits(n);
        if bits < MODULUS_BITS {
            return Err(format!(
                "the RSA key has {bits} bits; RS256 needs at least 2048"
            ));
        }
        if jwk::is_roca(n) {
            return Err("the RSA key is of the broken kind of CVE-2017-15361".to_owned());
        }
        // 65537 is what everybody uses; 1 signs nothing, 3 has a history, and an even one is none.
        if e.last().is_none_or(|b| b % 2 == 0) || self::bits(e) < 2 || self::bits(e) > 33 {
            return Err("the RSA key's exponent is none".to_owned());
        }
        let parts = RsaPublicKeyComponents { n, e };
        let parsed = parts.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
        parsed
            .map(Self::Public)
            .map_err(|_| "it is no RSA public key".to_owned())
    }

    /// Whether `signature`, in base64url, is this key's under `signed`.
    pub fn verify(&self, signed: &str, signature: &str) -> Result<(), Fault> {
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| Fault::Encoding("signature"))?;
        let signed = signed.as_bytes();
        let verified = match self {
            Self::Public(key) => key.verify_sig(signed, &signature).is_ok(),
            Self::Secret(key) => hmac::verify(key, signed, &signature).is_ok(),
        };
        if verified {
            Ok(())
        } else {
            Err(Fault::Signature)
        }
    }
}

/// How many bits a big-endian number has.
fn bits(number: &[u8]) -> usize {
    let Some(first) = number.iter().position(|b| *b != 0) else {
        return 0;
    };
    let top = number
        .get(first)
        .map_or(0, |b| 8 - b.leading_zeros() as usize);
    (number.len() - first - 1) * 8 + top
}

/// The secret in a file: its bytes without one line end.
///
/// # Errors
/// It is a PEM file: a public key as a shared secret is the oldest trick there is.
pub fn secret(bytes: &[u8]) -> Result<&[u8], String> {
    if bytes.windows(11).any(|w| w == b"-----BEGIN ") {
        return Err(
            "it is a PEM file, and HS256 needs a secret: bytes that nobody else knows".into(),
        );
    }
    let cut = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let cut = cut.strip_suffix(b"\r").unwrap_or(cut);
    if cut.len() > 1 && cut.iter().all(|b| Some(b) == cut.first()) {
        return Err("the secret is one byte over and over".to_owned());
    }
    Ok(cut)
}

fn from_pem(algorithm: Algorithm, bytes: &[u8]) -> Result<Key, String> {
    let text = String::from_utf8_lossy(bytes);
    if text.contains("PRIVATE KEY-----") {
        return Err(
            "it holds a private key; give the public one (the file that ends in `.pub`)".into(),
        );
    }
    if text.matches("-----BEGIN ").count() != 1 || !text.contains("PUBLIC KEY-----") {
        return Err("it does not hold exactly one PEM public key".to_owned());
    }
    let name = algorithm.name();
    let wrong = |_| format!("it is no PEM public key for {name}");
    let decoding = match algorithm {
        Algorithm::EdDsa => DecodingKey::from_ed_pem(bytes),
        Algorithm::Es256 => DecodingKey::from_ec_pem(bytes),
        _ => DecodingKey::from_rsa_pem(bytes),
    }
    .map_err(wrong)?;
    match algorithm {
        Algorithm::EdDsa => Key::ed25519(decoding.try_get_as_bytes().map_err(wrong)?),
        Algorithm::Es256 => Key::p256(decoding.try_get_as_bytes().map_err(wrong)?),
        _ => {
            let jwk = Jwk::from_decoding_key(&decoding, None).map_err(wrong)?;
            let AlgorithmParameters::RSA(rsa) = jwk.algorithm else {
                return Err(format!("it is no PEM public key for {name}"));
            };
            let decode = |text: &str| URL_SAFE_NO_PAD.decode(text);
            match (decode(&rsa.n), decode(&rsa.e)) {
                (Ok(n), Ok(e)) => Key::rsa(&n, &e),
                _ => Err(format!("it is no PEM public key for {name}")),
            }
        }
    }
}
