//! The configuration through its public face: fixtures in, a `Config` or words out. Hermetic: the environment is data.

mod command;
mod fuzz;
mod import;
mod merge;
mod messages;
mod model;
mod servers;
mod trust;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mcpdeck::config::{Config, ConfigError, Environment, Flags, load};
use tempfile::TempDir;

/// A machine with one project folder and one configuration directory.
struct Machine {
    root: TempDir,
    vars: BTreeMap<String, String>,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["project", "config", "home"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self {
            root,
            vars: BTreeMap::new(),
        }
    }

    fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.root.path().join(path), text).unwrap();
        self
    }

    fn project(self, text: &str) -> Self {
        self.file("project/mcp.toml", text)
    }

    fn user(self, text: &str) -> Self {
        self.file("config/mcp.toml", text)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn environment(&self) -> Environment {
        Environment {
            vars: self.vars.clone(),
            cwd: self.path("project"),
            config_dir: Some(self.path("config")),
            home: Some(self.path("home")),
        }
    }

    fn load(&self, flags: &Flags) -> Result<Config, ConfigError> {
        load(flags, &self.environment())
    }

    fn config(&self) -> Config {
        self.load(&Flags::default()).unwrap()
    }
}

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/config")
        .join(folder)
}

/// Loads one fixture as `--config` would, on a machine that has nothing else but two variables.
fn fixture(folder: &str, name: &str) -> Result<Config, ConfigError> {
    let environment = Environment {
        vars: [("TOKEN", "t0ken"), ("USER", "ana")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        cwd: fixtures(folder),
        config_dir: None,
        home: Some(PathBuf::from("/home/ana")),
    };
    let flags = Flags {
        config: Some(PathBuf::from(name)),
        ..Flags::default()
    };
    load(&flags, &environment)
}

fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(fixtures(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
