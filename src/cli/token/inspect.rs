//! `mcpdeck token inspect`: what a token says, its times in words, and whether a key verifies it. Says of no token that it is
//! good: a server also holds it against issuer, audience and deny list.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use serde_json::{Map, Value};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::output;
use crate::cli::token::{now, read, usage};
use crate::servers::guard::Algorithm;
use crate::servers::guard::keys::KeySet;
use crate::servers::guard::token::{self, Unverified};
use crate::text::clean;

/// Which token, and which key to hold it against.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The token; `-` or nothing reads it from stdin, where no other program can see it
    token: Option<String>,
    /// Whether this key verifies it: a PEM public key, a secret of HS256, or a JSON Web Key Set
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The algorithm of the key
    #[arg(long, value_name = "ALG", default_value = "EdDSA")]
    alg: Algorithm,
}

/// Runs the subcommand; exit code 1 when a key is given and does not verify.
pub fn run(args: &InspectArgs) -> Result<ExitCode, CliError> {
    let token = match args.token.as_deref() {
        Some(token) if token != "-" => token.to_owned(),
        _ => from_stdin()?,
    };
    let token = token.trim();
    let peeked = token::peek(token);
    let peeked = peeked.map_err(|fault| usage(format!("this is no token: {fault}")))?;
    let mut text = described(&peeked, now()?);
    let Some(path) = &args.key else {
        text.push_str("signature: not checked; anybody can write such a token\n");
        output::data(&text);
        return Ok(ExitCode::SUCCESS);
    };
    let verified = token::verify(token, &keys(args.alg, path)?);
    let words = match &verified {
        Ok(_) => "verified with this key; a server also holds issuer, audience, times and its deny list against it".to_owned(),
        Err(fault) => format!("NOT verified: {fault}"),
    };
    let _ = writeln!(text, "signature: {words}");
    output::data(&text);
    let refused = |_| CliError::new(ErrorKind::Tool, "this key does not verify the token");
    verified.map(|_| ExitCode::SUCCESS).map_err(refused)
}

fn from_stdin() -> Result<String, CliError> {
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(64 * 1024)
        .read_to_string(&mut text);
    read.map_err(|e| usage(format!("cannot read the token from stdin: {e}")))?;
    Ok(text)
}

fn described(token: &Unverified, now: u64) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "header: {}", shown(&token.header));
    let _ = writeln!(text, "claims: {}", shown(&token.claims));
    for (claim, name) in [
        ("iat", "issued"),
        ("nbf", "good from"),
        ("exp", "good until"),
    ] {
        if let Some(at) = token.claims.get(claim).and_then(Value::as_f64) {
            let _ = writeln!(text, "{name}: {}", when(at, now));
        }
    }
    text
}

fn keys(algorithm: Algorithm, path: &std::path::Path) -> Result<KeySet, CliError> {
    let bytes = read(path)?;
    let looks_like_set = bytes.trim_ascii_start().starts_with(b"{");
    let keys = if looks_like_set {
        KeySet::from_jwks(algorithm, &bytes)
    } else {
        KeySet::from_file(algorithm, &bytes)
    };
    keys.map_err(|why| usage(format!("the key `{}` is not usable: {why}", path.display())))
}

/// JSON in one line without anything that a terminal obeys.
fn shown(object: &Map<String, Value>) -> String {
    clean::line(&Value::Object(object.clone()).to_string())
}

/// A date in words, and how far it is from now.
fn when(at: f64, now: u64) -> String {
    let date = DateTime::<Utc>::from_timestamp(at as i64, 0);
    let Some(date) = date.filter(|_| at.is_finite()) else {
        return format!("{at}, which is no date");
    };
    let date = date.to_rfc3339_opts(SecondsFormat::Secs, true);
    let apart = at - now as f64;
    let (size, unit) = match apart.abs() {
        s if s < 120.0 => (s, "s"),
        s if s < 7_200.0 => (s / 60.0, "min"),
        s if s < 172_800.0 => (s / 3_600.0, "h"),
        s => (s / 86_400.0, "days"),
    };
    if apart >= 0.0 {
        format!("{date} (in {size:.0} {unit})")
    } else {
        format!("{date} ({size:.0} {unit} ago)")
    }
}
