//! A hermetic home: a program started from here sees its own folders, a known terminal, and nothing of the person who runs
//! the tests; above all no key and no endpoint of a model.
//!
//! Used by each test binary that starts the real program, with or without a screen.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// A home of its own; gone with everything in it when it is dropped.
pub struct Home {
    root: TempDir,
}

impl Home {
    /// Makes an empty home.
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("mcpdeck-home-").tempdir();
        let home = Self {
            root: root.expect("a temporary folder"),
        };
        for folder in ["home", "config", "data", "xdg", "tmp", "work"] {
            fs::create_dir(home.path(folder)).expect("a folder in the home");
        }
        home
    }

    /// A path inside the home's root.
    pub fn path(&self, inside: &str) -> PathBuf {
        // The temporary folder may itself be reached through a link; what programs print is the path without it.
        let root = self.root.path().canonicalize();
        root.expect("the home exists").join(inside)
    }

    /// The folder that programs are started in.
    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// `MCPDECK_CONFIG_DIR`: where the user's own `mcp.toml` is looked for.
    pub fn config_dir(&self) -> PathBuf {
        self.path("config")
    }

    /// `MCPDECK_DATA_DIR`.
    pub fn data_dir(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a file below the work folder, with the folders that it needs, and gives its path.
    pub fn write(&self, inside: &str, text: &str) -> PathBuf {
        let path = self.work().join(inside);
        let folder = path.parent().expect("a file has a folder");
        fs::create_dir_all(folder).expect("a folder below work");
        fs::write(&path, text).expect("a file below work");
        path
    }

    /// A command that knows this home and nothing else, started in the work folder. Give it to `Screen::start`, or run it.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.work());
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "xdg/config"),
            ("XDG_DATA_HOME", "xdg/data"),
            ("XDG_STATE_HOME", "xdg/state"),
            ("XDG_CACHE_HOME", "xdg/cache"),
            ("TMPDIR", "tmp"),
            ("MCPDECK_CONFIG_DIR", "config"),
            ("MCPDECK_DATA_DIR", "data"),
        ] {
            command.env(name, self.path(folder));
        }
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("COLORTERM", "truecolor"),
            ("LANG", "C.UTF-8"),
            ("TZ", "UTC"),
        ] {
            command.env(name, value);
        }
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }
}
