//! `mcpdeck token keygen | issue | inspect`: keys and tokens for servers that are served over HTTP.
//!
//! `inspect` is the file that reads a token; what makes one is short enough to stand here.

mod inspect;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, Subcommand};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::output;
use crate::servers::guard::Algorithm;
use crate::servers::guard::token::issue::{self, Wish};

/// `mcpdeck token ...`
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: TokenCommand,
}

/// What there is to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a key: the private one in FILE, the public one in FILE.pub
    Keygen {
        /// EdDSA, ES256, RS256 or HS256
        #[arg(long, value_name = "ALG", default_value = "EdDSA")]
        alg: Algorithm,
        /// Where to; never written over
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Issue a token and print it, and nothing else
    Issue(IssueArgs),
    /// Say what a token says, and whether a key verifies it
    Inspect(inspect::InspectArgs),
}

/// What the token shall say.
#[derive(Debug, Args)]
pub struct IssueArgs {
    /// The private key, or the secret of HS256
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// EdDSA, ES256, RS256 or HS256
    #[arg(long, value_name = "ALG", default_value = "EdDSA")]
    alg: Algorithm,
    /// Who it is for: `sub`
    #[arg(long, value_name = "NAME")]
    sub: String,
    /// Who issues it: `iss`
    #[arg(long, value_name = "ISSUER")]
    iss: String,
    /// What it is for: `aud`; repeatable
    #[arg(long, value_name = "AUDIENCE", required = true)]
    aud: Vec<String>,
    /// What it permits: tool:NAME, tool:*, resources, prompts; repeatable
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// How long it is good, such as 15m, 12h or 30d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = ttl)]
    ttl: u64,
}

/// Runs the subcommand.
pub fn run(args: &TokenArgs) -> Result<ExitCode, CliError> {
    match &args.what {
        TokenCommand::Keygen { alg, out } => keygen(*alg, out),
        TokenCommand::Issue(args) => issue(args),
        TokenCommand::Inspect(args) => inspect::run(args),
    }
}

fn keygen(algorithm: Algorithm, out: &Path) -> Result<ExitCode, CliError> {
    let public_path = public_name(out);
    for path in [out, &public_path] {
        if std::fs::symlink_metadata(path).is_ok() {
            let message = format!(
                "`{}` is there already, and keys are never written over",
                path.display()
            );
            return Err(usage(message).hint("give another name with --out"));
        }
    }
    let made = issue::keygen(algorithm).map_err(|why| CliError::new(ErrorKind::Server, why))?;
    write_new(out, &made.private, 0o600)?;
    let Some(public) = &made.public else {
        output::note("this secret both signs and verifies: whoever serves can also issue");
        return Ok(ExitCode::SUCCESS);
    };
    write_new(&public_path, public, 0o644)?;
    output::note(&format!(
        "private key `{}`, public key `{}`",
        out.display(),
        public_path.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn public_name(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// Writes a file that is not there yet; what cannot be written whole is taken away again.
fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), CliError> {
    let failed = |e: std::io::Error| usage(format!("cannot write `{}`: {e}", path.display()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path).map_err(failed)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = std::fs::remove_file(path);
        failed(error)
    })
}

fn issue(args: &IssueArgs) -> Result<ExitCode, CliError> {
    let key = read(&args.key)?;
    if args.scope.is_empty() {
        output::note("warning: without --scope the token permits nothing");
    }
    let scopes = args
        .scope
        .iter()
        .flat_map(|s| s.split_whitespace())
        .map(str::to_owned);
    let wish = Wish {
        subject: args.sub.clone(),
        issuer: args.iss.clone(),
        audience: args.aud.clone(),
        scopes: scopes.collect(),
        ttl: args.ttl,
    };
    let token = issue::issue(args.alg, &key, &wish, now()?);
    let token =
        token.map_err(|why| usage(format!("cannot issue with `{}`: {why}", args.key.display())))?;
    output::data(&format!("{token}\n"));
    Ok(ExitCode::SUCCESS)
}

fn ttl(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time: write 90s, 15m, 12h or 30d");
    let (number, unit) =
        text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = number
        .checked_mul(unit)
        .filter(|s| (1..=315_360_000).contains(s));
    seconds.ok_or_else(|| format!("`{text}`: a token is good for 1 s to ten years"))
}

fn now() -> Result<u64, CliError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_err(|_| usage("the clock of this machine stands before 1970".to_owned()))?;
    Ok(now.as_secs())
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let read = std::fs::read(path);
    read.map_err(|e| usage(format!("cannot read the key `{}`: {e}", path.display())))
}

fn usage(message: String) -> CliError {
    CliError::new(ErrorKind::Usage, message)
}
