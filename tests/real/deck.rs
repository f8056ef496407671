//! The program as built, headless, with a configuration of one test: `list` and `call`, and how their output is read.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::home::Home;

/// mcpdeck in a home of its own.
pub struct Deck {
    pub home: Home,
    config: PathBuf,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Deck {
    pub fn new() -> Self {
        let home = Home::new();
        let config = home.work().join("servers.toml");
        Self { home, config }
    }

    /// Adds a server that is a child process. It has the time that a Python takes to load much where several start at once.
    pub fn stdio(&self, name: &str, command: &str, args: &[&str]) {
        let command = quoted(command);
        let args: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
        let args = args.join(", ");
        self.add(&format!(
            "[mcp_servers.{name}]\ncommand = {command}\nargs = [{args}]\nstartup_timeout_sec = 120\n"
        ));
    }

    /// Adds a server at a URL.
    pub fn http(&self, name: &str, url: &str) {
        self.add(&format!("[mcp_servers.{name}]\nurl = {}\n", quoted(url)));
    }

    /// Adds a table.
    pub fn add(&self, table: &str) {
        let mut text = fs::read_to_string(&self.config).unwrap_or_default();
        let _ = writeln!(text, "{table}");
        fs::write(&self.config, text).expect("a configuration");
    }

    /// Runs mcpdeck with this configuration.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }

    /// The same with further variables in mcpdeck's own environment.
    pub fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let mut command = self.home.command(env!("CARGO_BIN_EXE_mcpdeck"));
        command.arg("--config").arg(&self.config).args(args);
        command.envs(env.iter().copied()).stdin(Stdio::null());
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().expect("mcpdeck");
        Ran {
            code: status.code(),
            out: String::from_utf8(stdout).expect("UTF-8 on stdout"),
            err: String::from_utf8(stderr).expect("UTF-8 on stderr"),
        }
    }

    /// `mcpdeck list NAME --json`: the names of its tools, sorted.
    #[track_caller]
    pub fn tools(&self, server: &str) -> Vec<String> {
        let ran = self.run(&["list", server, "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        let mut names = Vec::new();
        tool_names(&ran.json(), &mut names);
        names.sort_unstable();
        names
    }

    /// `mcpdeck call SERVER TOOL ... --json`.
    pub fn call(&self, server: &str, tool: &str, arguments: &[&str]) -> Ran {
        let mut args = vec!["call", server, tool];
        args.extend_from_slice(arguments);
        args.push("--json");
        self.run(&args)
    }
}

impl Ran {
    /// stdout as one JSON value; it must be nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{self:#?}"))
    }

    /// The text blocks of a good answer, joined by line breaks.
    #[track_caller]
    pub fn text(&self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.answer(false)
    }

    /// The text blocks of an answer in which the tool says that it failed.
    #[track_caller]
    pub fn tool_error(&self) -> String {
        assert_eq!(self.code, Some(1), "{self:#?}");
        self.answer(true)
    }

    #[track_caller]
    fn answer(&self, is_error: bool) -> String {
        let value = self.json();
        assert_eq!(value["is_error"], is_error, "{self:#?}");
        let texts: Vec<&str> = self.blocks(&value);
        texts.join("\n")
    }

    #[track_caller]
    fn blocks<'a>(&self, value: &'a Value) -> Vec<&'a str> {
        let Some(content) = value["content"].as_array() else {
            panic!("no `content` in {self:#?}");
        };
        content.iter().filter_map(|b| b["text"].as_str()).collect()
    }
}

/// The names in every array called `tools`, wherever it stands.
fn tool_names(value: &Value, names: &mut Vec<String>) {
    if let Value::Object(fields) = value {
        for (key, inner) in fields {
            match inner {
                Value::Array(tools) if key == "tools" => names.extend(
                    tools
                        .iter()
                        .filter_map(|tool| tool["name"].as_str().map(str::to_owned)),
                ),
                _ => tool_names(inner, names),
            }
        }
    } else if let Value::Array(items) = value {
        items.iter().for_each(|item| tool_names(item, names));
    }
}

/// A TOML string; JSON's escapes are among TOML's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
