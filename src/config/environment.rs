//! What the configuration takes from outside its files, as plain data: the command line's part and the machine's part.
//!
//! `load` reads the real environment; tests write their own.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a server's process gets of our environment beside what its table names, and beside `LC_*`: where programs and the
/// person's files are, the language, the time zone. No token, no agent socket, no proxy.
pub const PASSED_ON: [&str; 9] = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "TERM",
];

/// The command line's part; it wins over the files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    /// `--config FILE`: instead of `./mcp.toml`.
    pub config: Option<PathBuf>,
    /// `./mcp.toml` is left alone, because the person has not agreed to it.
    pub without_folder: bool,
    /// `--model-url URL`.
    pub model_url: Option<String>,
    /// `--model-recording FILE`: this recorded session plays the model.
    pub model_recording: Option<PathBuf>,
    /// `--model NAME`.
    pub model_name: Option<String>,
    /// `--model-key-env NAME`: the variable with the key of `--model-url`.
    pub model_key_env: Option<String>,
}

/// The machine's part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// The variables whose names and values are Unicode.
    pub vars: BTreeMap<String, String>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The folder of the user's own `mcp.toml`; absent on a machine without home folders.
    pub config_dir: Option<PathBuf>,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// The user's own file; it need not exist.
    pub fn user_file(&self) -> Option<PathBuf> {
        Some(self.config_dir.as_ref()?.join("mcp.toml"))
    }

    /// A variable that is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        let value = self.vars.get(name)?;
        (!value.is_empty()).then_some(value.as_str())
    }
}
