//! Makes keys and tokens: what `mcpdeck token keygen` and `token issue` print. The randomness comes from the system.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use serde_json::json;

use crate::servers::guard::keys::secret;
use crate::servers::guard::options::Algorithm;
use crate::servers::guard::token::claims::is_scope;

/// A fresh key in the form of its files.
pub struct Made {
    /// The private key in PEM (PKCS#8), or the secret.
    pub private: String,
    /// The public key in PEM; a secret has none.
    pub public: Option<String>,
}

/// What a token shall say.
#[derive(Debug, Clone)]
pub struct Wish {
    /// `sub`.
    pub subject: String,
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: Vec<String>,
    /// `scope`.
    pub scopes: Vec<String>,
    /// How long it is good, in seconds.
    pub ttl: u64,
}

/// Makes a key.
///
/// # Errors
/// The system has no randomness, or the library no such key; a sentence.
pub fn keygen(algorithm: Algorithm) -> Result<Made, String> {
    let refused = |_| "the system gives no key".to_owned();
    let (private, public) = match algorithm {
        Algorithm::Hs256 => {
            let secret = URL_SAFE_NO_PAD.encode(random::<32>()?);
            let (private, public) = (format!("{secret}\n"), None);
            return Ok(Made { private, public });
        }
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().map_err(refused)?;
            let private = pair.to_pkcs8v1().map_err(refused)?;
            let public = pair.public_key().as_der().map_err(refused)?;
            (private.as_ref().to_vec(), public.as_ref().to_vec())
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(refused)?;
            let private = pair.to_pkcs8v1().map_err(refused)?;
            let public = pair.public_key().as_der().map_err(refused)?;
            (private.as_ref().to_vec(), public.as_ref().to_vec())
        }
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(refused)?;
            let private: Pkcs8V1Der = pair.as_der().map_err(refused)?;
            let public = pair.public_key().as_der().map_err(refused)?;
            (private.as_ref().to_vec(), public.as_ref().to_vec())
        }
    };
    Ok(Made {
        private: pem("PRIVATE KEY", &private),
        public: Some(pem("PUBLIC KEY", &public)),
    })
}

/// Issues a token at the time `now`, in seconds since 1970.
///
/// # Errors
/// The key is not one for the algorithm, or the wish makes no token; a sentence.
pub fn issue(algorithm: Algorithm, key: &[u8], wish: &Wish, now: u64) -> Result<String, String> {
    if let Some(scope) = wish.scopes.iter().find(|scope| !is_scope(scope)) {
        return Err(format!("`{scope}` is no scope"));
    }
    let header = json!({ "alg": algorithm.name(), "typ": "JWT" });
    let audience = match wish.audience.as_slice() {
        [one] => json!(one),
        all => json!(all),
    };
    let claims = json!({
        "iss": wish.issuer,
        "sub": wish.subject,
        "aud": audience,
        "exp": now.saturating_add(wish.ttl),
        "nbf": now,
        "iat": now,
        "jti": URL_SAFE_NO_PAD.encode(random::<16>()?),
        "scope": wish.scopes.join(" "),
    });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = sign(algorithm, key, &signed)?;
    Ok(format!("{signed}.{signature}"))
}

/// Signs with the private key in a file's bytes; gives the signature in base64url.
///
/// # Errors
/// The key is not one for the algorithm; a sentence.
pub fn sign(algorithm: Algorithm, key: &[u8], signed: &str) -> Result<String, String> {
    use jsonwebtoken::Algorithm as Named;
    let name = algorithm.name();
    let wrong = |_| format!("it is no private key for {name} in PEM (PKCS#8)");
    let (named, key) = match algorithm {
        Algorithm::EdDsa => (Named::EdDSA, EncodingKey::from_ed_pem(key).map_err(wrong)?),
        Algorithm::Es256 => (Named::ES256, EncodingKey::from_ec_pem(key).map_err(wrong)?),
        Algorithm::Rs256 => (Named::RS256, EncodingKey::from_rsa_pem(key).map_err(wrong)?),
        Algorithm::Hs256 => {
            let secret = secret(key)?;
            if secret.len() < 32 {
                let bits = secret.len() * 8;
                return Err(format!(
                    "the secret has {bits} bits; HS256 needs at least 256"
                ));
            }
            (Named::HS256, EncodingKey::from_secret(secret))
        }
    };
    jsonwebtoken::crypto::sign(signed.as_bytes(), &key, named).map_err(wrong)
}

fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_err(|_| "the system gives no randomness".to_owned())?;
    Ok(bytes)
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = vec![format!("-----BEGIN {label}-----")];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        lines.push(line.to_owned());
        rest = after;
    }
    lines.push(format!("-----END {label}-----\n"));
    lines.join("\n")
}
