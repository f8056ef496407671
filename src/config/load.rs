//! Finds and reads the files: the only impure part of the configuration's reading.
//!
//! The user's own `mcp.toml` lies below; over it lies the file of `--config`, else `./mcp.toml`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::config::environment::{Environment, Flags};
use crate::config::error::ConfigError;
use crate::config::file::{self, Source};
use crate::config::resolve::{self, Files, Resolved};
use crate::config::settings::Config;

/// Far more than any configuration; keeps a wrong `--config /dev/zero` from filling the memory.
const LARGEST: u64 = 4 * 1024 * 1024;

impl Environment {
    /// The real one. `MCPDECK_CONFIG_DIR` replaces the usual configuration directory.
    pub fn read() -> Self {
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let usual = directories::ProjectDirs::from("", "", "mcpdeck")
            .map(|dirs| dirs.config_dir().to_path_buf());
        let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let chosen = std::env::var_os("MCPDECK_CONFIG_DIR").filter(|dir| !dir.is_empty());
        Self {
            vars,
            config_dir: chosen.map(|dir| cwd.join(dir)).or(usual),
            home: directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf()),
            cwd,
        }
    }
}

/// The configuration of this run.
pub fn load(flags: &Flags, environment: &Environment) -> Result<Config, ConfigError> {
    Ok(load_explained(flags, environment)?.config)
}

/// The same with what `config check` tells besides.
pub fn load_explained(flags: &Flags, environment: &Environment) -> Result<Resolved, ConfigError> {
    let mut files = Files::default();
    let mut paths = Vec::new();
    let mut problems = Vec::new();
    for candidate in candidates(flags, environment) {
        let Some(text) = read(&candidate)? else {
            continue;
        };
        let Candidate { path, trusted, .. } = candidate;
        let at = files.sources.len();
        files.sources.push(Source {
            shown: shown(&path, &environment.cwd),
            folder: path.parent().unwrap_or(&environment.cwd).to_path_buf(),
            trusted,
        });
        match file::parse(&text, at, &files.sources) {
            Ok(table) => files.tables.push(table),
            Err(problem) => problems.push(*problem),
        }
        paths.push(path);
    }
    if !problems.is_empty() {
        return Err(ConfigError::Invalid(problems));
    }
    let mut resolved = resolve::resolve(files, flags, environment)?;
    resolved.config.files = paths;
    resolved.config.user_file = environment.user_file();
    Ok(resolved)
}

/// A file to look at.
struct Candidate {
    path: PathBuf,
    /// The person's own word, not that of a folder they stand in.
    trusted: bool,
    /// Named by `--config`, so that it must exist.
    asked: bool,
}

/// The files to look at, the weakest first.
fn candidates(flags: &Flags, environment: &Environment) -> Vec<Candidate> {
    let over = flags.config.as_deref().unwrap_or(Path::new("mcp.toml"));
    let mut over = Candidate {
        path: environment.cwd.join(over),
        trusted: flags.config.is_some(),
        asked: flags.config.is_some(),
    };
    let Some(user) = environment.user_file() else {
        return vec![over];
    };
    // In the configuration directory itself both are one file.
    let same = match (fs::canonicalize(&user), fs::canonicalize(&over.path)) {
        (Ok(user), Ok(over)) => user == over,
        _ => user == over.path,
    };
    if same {
        over.trusted = true;
        return vec![over];
    }
    let user = Candidate {
        path: user,
        trusted: true,
        asked: false,
    };
    vec![user, over]
}

/// A file's text; nothing where it does not exist and was not asked for.
fn read(candidate: &Candidate) -> Result<Option<String>, ConfigError> {
    let path = &candidate.path;
    let failed = |source| ConfigError::Read {
        path: path.clone(),
        source,
    };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !candidate.asked => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        let error = io::Error::new(io::ErrorKind::InvalidData, "it is larger than 4 MB");
        return Err(failed(error));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let message = format!("line {} is not UTF-8 text", line + 1);
        failed(io::Error::new(io::ErrorKind::InvalidData, message))
    })?;
    Ok(Some(text))
}

fn shown(path: &Path, cwd: &Path) -> PathBuf {
    path.strip_prefix(cwd).unwrap_or(path).to_path_buf()
}
