//! What a verified token says, checked against what this server expects. Pure: the time is an argument.

use serde_json::{Map, Value};

use crate::servers::guard::token::fault::Fault;

/// How far two clocks may be apart, in seconds.
pub const LEEWAY: u64 = 30;

/// The last second of the year 9999; a later date is no date.
const LAST_SECOND: u64 = 253_402_300_799;

/// The claims that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `sub`.
    pub subject: String,
    /// `jti`.
    pub id: Option<String>,
    /// `scope`, `scp` or `scopes`.
    pub scopes: Vec<String>,
    /// `exp`, in seconds since 1970.
    pub expires: u64,
}

/// What this server expects of every token.
#[derive(Debug, Clone)]
pub struct Expected {
    /// `iss`, byte for byte.
    pub issuer: String,
    /// One of them must be in `aud`.
    pub audience: Vec<String>,
}

/// Checks the claims at the time `now`, in seconds since 1970.
pub fn check(claims: &Map<String, Value>, expected: &Expected, now: u64) -> Result<Claims, Fault> {
    let expires = required_date(claims, "exp")?;
    let begins = required_date(claims, "nbf")?;
    let issued = date(claims, "iat")?;
    if now >= expires.saturating_add(LEEWAY) {
        return Err(Fault::Expired);
    }
    if begins.max(issued.unwrap_or(0)) > now.saturating_add(LEEWAY) {
        return Err(Fault::Early);
    }
    if expires <= begins {
        return Err(Fault::BadClaim("exp"));
    }
    if required(claims, "iss")? != &Value::String(expected.issuer.clone()) {
        return Err(match claims.get("iss") {
            Some(Value::String(_)) => Fault::Issuer,
            _ => Fault::BadClaim("iss"),
        });
    }
    check_audience(required(claims, "aud")?, &expected.audience)?;
    required(claims, "sub")?;
    Ok(Claims {
        subject: name(claims, "sub")?.ok_or(Fault::NoClaim("sub"))?,
        id: name(claims, "jti")?,
        scopes: scopes(claims)?,
        expires,
    })
}

fn required<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a Value, Fault> {
    claims.get(name).ok_or(Fault::NoClaim(name))
}

fn required_date(claims: &Map<String, Value>, name: &'static str) -> Result<u64, Fault> {
    date(claims, name)?.ok_or(Fault::NoClaim(name))
}

/// A NumericDate (RFC 7519), whole or with a fraction, which is cut off.
fn date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<u64>, Fault> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let whole = value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|n| n.is_finite() && *n >= 0.0);
        number
            .filter(|n| *n <= LAST_SECOND as f64)
            .map(|n| n as u64)
    });
    let date = whole.filter(|date| *date <= LAST_SECOND);
    date.map(Some).ok_or(Fault::BadClaim(name))
}

fn check_audience(value: &Value, expected: &[String]) -> Result<(), Fault> {
    let bad = || Fault::BadClaim("aud");
    let named: Vec<&str> = match value {
        Value::String(one) => vec![one],
        Value::Array(all) => {
            let all = all.iter().map(Value::as_str);
            all.collect::<Option<_>>().ok_or_else(bad)?
        }
        _ => return Err(bad()),
    };
    if named.iter().any(|name| expected.iter().any(|e| e == name)) {
        return Ok(());
    }
    Err(Fault::Audience)
}

/// A name that may stand in a log and in a list of names: not empty, not long, nothing that does not show, no space around it.
fn name(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<String>, Fault> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(name))
            if !name.is_empty()
                && name.trim() == name
                && name.len() <= 256
                && !name.chars().any(char::is_control) =>
        {
            Ok(Some(name.clone()))
        }
        Some(_) => Err(Fault::BadClaim(claim)),
    }
}

/// The scopes; a token without any may call nothing, and one that has them under two names is not guessed at.
fn scopes(claims: &Map<String, Value>) -> Result<Vec<String>, Fault> {
    let mut found = None;
    for claim in ["scope", "scp", "scopes"] {
        let Some(value) = claims.get(claim) else {
            continue;
        };
        let all: Vec<String> = match value {
            Value::String(text) => text
                .split(' ')
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect(),
            Value::Array(all) if claim != "scope" => {
                let all = all.iter().map(|s| s.as_str().map(str::to_owned));
                all.collect::<Option<_>>().ok_or(Fault::BadClaim(claim))?
            }
            _ => return Err(Fault::BadClaim(claim)),
        };
        if found.is_some() || all.len() > 512 || !all.iter().all(|s| is_scope(s)) {
            return Err(Fault::BadClaim(claim));
        }
        found = Some(all);
    }
    Ok(found.unwrap_or_default())
}

/// The characters that RFC 6749 (3.3) gives a scope.
pub fn is_scope(text: &str) -> bool {
    let fits = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !text.is_empty() && text.bytes().all(fits)
}
