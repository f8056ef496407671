//! Finds and reads the files: the only impure part of the configuration's reading.
//!
//! The user's own `mcp.toml` lies below; over it lies the file of `--config`, else `./mcp.toml`. Only the last one is not the
//! person's own word: what runs of it, [`load_permitted`] decides by the book of trust.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::config::environment::{Environment, Flags};
use crate::config::error::ConfigError;
use crate::config::file::{self, Source};
use crate::config::resolve::{self, Files, Resolved};
use crate::config::settings::Config;
use crate::config::trust::{self, Asks, FolderFile, Permitted, TrustBook};

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
    let mut folder = None;
    for candidate in candidates(flags, environment) {
        let Some(text) = read(&candidate)? else {
            continue;
        };
        let Candidate { path, trusted, .. } = candidate;
        if !trusted {
            folder = Some((folder_file(&path), FolderFile::digest(text.as_bytes())));
        }
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
    let below = folder.is_some().then(|| files.clone());
    let mut resolved = resolve::resolve(files, flags, environment)?;
    resolved.config.files = paths;
    resolved.config.user_file = environment.user_file();
    if let (Some((path, digest)), Some(files)) = (folder, below) {
        let says = says(files, &resolved.config, flags, environment);
        resolved.folder = Some(FolderFile { path, digest, says });
    }
    Ok(resolved)
}

/// The configuration of this run as far as it may run: what the folder's file adds waits for a yes that the book does not have.
pub fn load_permitted(
    flags: &Flags,
    environment: &Environment,
    book: &TrustBook,
) -> Result<Permitted, ConfigError> {
    let Resolved { config, folder, .. } = load_explained(flags, environment)?;
    let Some(folder) = folder.filter(|folder| !folder.says.is_empty() && !book.trusts(folder))
    else {
        return Ok(Permitted::Runs(Arc::new(config)));
    };
    let flags = Flags {
        without_folder: true,
        ..flags.clone()
    };
    let without = load_explained(&flags, environment)?.config;
    Ok(Permitted::Asks(Arc::new(Asks {
        before: book.record(&folder.path).map(|record| record.says),
        folder,
        with: Arc::new(config),
        without: Arc::new(without),
    })))
}

/// What tells a file from what it was: when it was written, how long it is, and which file it is at all. Absent: there is none.
pub type Look = Option<(SystemTime, u64, u64)>;

/// A look at each of the files that a configuration is read from, without reading them.
pub fn look(flags: &Flags, environment: &Environment) -> Vec<Look> {
    let look = |candidate: Candidate| {
        let about = fs::metadata(&candidate.path).ok()?;
        #[cfg(unix)]
        let which = std::os::unix::fs::MetadataExt::ino(&about);
        #[cfg(not(unix))]
        let which = 0;
        Some((about.modified().ok()?, about.len(), which))
    };
    candidates(flags, environment)
        .into_iter()
        .map(look)
        .collect()
}

/// What the folder's file, which is the last, says beside the others.
fn says(mut files: Files, with: &Config, flags: &Flags, environment: &Environment) -> Vec<String> {
    let Some(table) = files.tables.pop() else {
        return Vec::new();
    };
    files.sources.pop();
    // Where the others alone cannot be used, everything is news.
    let without = resolve::resolve(files, flags, environment).map(|resolved| resolved.config);
    let without = Config {
        user_file: with.user_file.clone(),
        ..without.unwrap_or_default()
    };
    trust::says(&table, with, &without)
}

/// A file's place without links in its folder: relative paths in it start there, so a yes is bound to that folder.
pub fn folder_file(path: &Path) -> PathBuf {
    let folder = path
        .parent()
        .and_then(|folder| fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
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
        return match flags.without_folder && !over.asked {
            true => Vec::new(),
            false => vec![over],
        };
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
    if flags.without_folder && !over.asked {
        return vec![user];
    }
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
