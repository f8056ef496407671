//! A child process of its own process group with a narrow environment: what is started, with what words, behind whom.
//!
//! Used by `stdio` alone. Knows nothing of messages; its end is `group`'s.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::config::server::quote;
use crate::config::{Confinement, PASSED_ON, StdioLaunch};
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::transport::{confine, supervise};

/// What to start.
#[derive(Debug, Clone)]
pub struct Program {
    /// The resolved file.
    pub file: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// The arguments for people: without the values of variables that the configuration names.
    pub shown: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<OsString, OsString>,
    /// Its working directory.
    pub cwd: Option<PathBuf>,
    /// Our own binary, which stands between us and it and ends all that it starts; absent for our own servers, which start nothing.
    pub supervisor: Option<PathBuf>,
    /// The supervisor does nothing as long as we live.
    pub unseen: bool,
    /// Our own binary, which narrows itself by this plan (JSON) and then becomes the program.
    pub confined: Option<(PathBuf, String)>,
}

impl Program {
    /// Resolves a configured command.
    ///
    /// # Errors
    /// When there is no such program, with the places that were searched.
    pub fn resolve(launch: &StdioLaunch) -> Result<Self, Box<Failure>> {
        let env = environment(launch, &[]);
        let search = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        let file = find(&launch.command, launch.cwd.as_deref(), &search)
            .map_err(|why| Box::new(missing(&launch.command, &why, &search)))?;
        if let Some(cwd) = launch.cwd.as_ref().filter(|cwd| !cwd.is_dir()) {
            return Err(Box::new(Failure {
                target: Some(launch.command.clone()),
                hint: Some("correct `cwd` in the server's table".to_owned()),
                ..Failure::new(
                    FailureKind::Config,
                    format!("the working directory {} is no directory", cwd.display()),
                )
            }));
        }
        Ok(Self {
            file,
            args: launch.args.clone(),
            shown: launch
                .shown_words()
                .into_iter()
                .skip(1)
                .map(str::to_owned)
                .collect(),
            env,
            cwd: launch.cwd.clone(),
            supervisor: None,
            unseen: false,
            confined: None,
        })
    }

    /// One of our own servers: the same binary with other arguments.
    pub fn bundled(binary: PathBuf, args: Vec<String>) -> Self {
        let launch = StdioLaunch {
            shown: Vec::new(),
            command: String::new(),
            args: Vec::new(),
            env: BTreeMap::new(),
            env_vars: Vec::new(),
            cwd: None,
        };
        let also = ["MCPDECK_DATA_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"];
        Self {
            file: binary,
            shown: args.clone(),
            args,
            env: environment(&launch, &also),
            cwd: None,
            supervisor: None,
            unseen: false,
            confined: None,
        }
    }

    /// The same, touching nothing but what this names. The plan is not part of what is shown: the server's details tell of it.
    ///
    /// # Errors
    /// When the program or a folder has a name that no configuration can write.
    pub fn confined(self, by: &Confinement, own_binary: &Path) -> Result<Self, Box<Failure>> {
        let plan = serde_json::to_string(&confine::Plan::of(by, &self.file)).map_err(|error| {
            let why = format!("{} cannot be confined: {error}", self.file.display());
            Failure::new(FailureKind::Config, why)
        })?;
        Ok(Self {
            confined: Some((own_binary.to_path_buf(), plan)),
            ..self
        })
    }

    /// The file that is started and its arguments: the program's own, or those of the process that becomes it.
    fn started(&self) -> (&Path, Vec<OsString>) {
        let args = self.args.iter().map(OsString::from);
        match &self.confined {
            None => (&self.file, args.collect()),
            Some((own, plan)) => {
                let words = [confine::WORD, plan, "--"].map(OsString::from);
                let file = self.file.clone().into_os_string();
                (own, words.into_iter().chain([file]).chain(args).collect())
            }
        }
    }

    /// The same, supervised by our own binary where the system lets a process adopt orphans. Without that binary, which an upgrade
    /// may have taken away, it runs as the leader of its group and no more.
    #[must_use]
    pub fn supervised(self, own_binary: &Path) -> Self {
        let can = cfg!(target_os = "linux") && is_executable(own_binary);
        Self {
            supervisor: can.then(|| own_binary.to_owned()),
            ..self
        }
    }

    /// The same, where whoever started us is not to notice that anybody stands between: all that is done is to end the server once
    /// we have been killed.
    #[must_use]
    pub fn watched(self, own_binary: &Path) -> Self {
        Self {
            unseen: true,
            ..self.supervised(own_binary)
        }
    }

    /// The command that starts it, without its surroundings.
    fn command(&self) -> Command {
        let (file, args) = self.started();
        let plan = serde_json::to_string(&supervise::Plan {
            unseen: self.unseen,
            ..supervise::Plan::of_this_process()
        });
        let (Some(own), Ok(plan)) = (&self.supervisor, plan) else {
            let mut command = Command::new(file);
            // The supervisor must live to see the end; all others go with us.
            command.args(args).kill_on_drop(true);
            return command;
        };
        let mut command = Command::new(own);
        command.args([supervise::WORD, &plan, "--"]);
        command.arg(file).args(args);
        command
    }

    /// The command on one line, for people: words are quoted where a shell would need it.
    pub fn display(&self) -> String {
        let mut line = quote(&self.file.to_string_lossy());
        for arg in &self.shown {
            line.push(' ');
            line.push_str(&quote(arg));
        }
        line
    }

    /// Starts it as the leader of a process group, all three pipes ours.
    ///
    /// # Errors
    /// What the system says, with what to do.
    pub fn spawn(&self) -> Result<Child, Box<Failure>> {
        let mut command = self.command();
        command
            .env_clear()
            .envs(&self.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        let spawned = command.spawn();
        spawned.map_err(|error| Box::new(not_started(&error, &self.file, self.display())))
    }
}

/// A program that the system would not start.
pub fn not_started(error: &std::io::Error, file: &Path, target: String) -> Failure {
    let (why, hint) = match error.kind() {
        std::io::ErrorKind::NotFound => interpreter(file),
        _ if error.raw_os_error() == Some(NO_PROGRAM) => Some((
            "it is no program of this system, and no first line such as `#!/bin/sh` says what runs it".to_owned(),
            "write such a first line, or name the program that runs it as `command`".to_owned(),
        )),
        _ => None,
    }
    .unwrap_or_else(|| (error.to_string(), spawn_hint(error, file)));
    Failure {
        target: Some(target),
        hint: Some(hint),
        ..Failure::new(
            FailureKind::Spawn,
            format!("{} could not be started: {why}", file.display()),
        )
    }
}

/// The system's number for a file that it cannot run (`ENOEXEC`).
const NO_PROGRAM: i32 = 8;
/// Bytes of a file that are read for its first line: no system reads more of it.
const FIRST_LINE: u64 = 256;

/// What is wrong with the first line of a script that the system does not find, although the file is there.
fn interpreter(file: &Path) -> Option<(String, String)> {
    use std::io::Read as _;
    let mut head = Vec::new();
    let opened = std::fs::File::open(file).ok()?;
    opened.take(FIRST_LINE).read_to_end(&mut head).ok()?;
    let line = head.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!")?).into_owned();
    let named = line.trim_start_matches([' ', '\t']);
    let named = named.split([' ', '\t', '\r']).next()?;
    if line.ends_with('\r') {
        return Some((
            format!(
                "its first line asks for `{named}` with a carriage return behind it, which is not there"
            ),
            format!(
                "save it with the line ends of Unix: sed -i 's/\\r$//' {}",
                file.display()
            ),
        ));
    }
    Some((
        format!("its first line asks for `{named}`, which is not there"),
        format!(
            "install `{named}`, or correct the first line of {}",
            file.display()
        ),
    ))
}

fn spawn_hint(error: &std::io::Error, file: &Path) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            format!("make it executable: chmod +x {}", file.display())
        }
        std::io::ErrorKind::NotFound => {
            "the file is there, so the interpreter in its first line is probably missing".to_owned()
        }
        _ => "run the command by hand in a shell to see more".to_owned(),
    }
}

fn environment(launch: &StdioLaunch, also: &[&str]) -> BTreeMap<OsString, OsString> {
    let named = |name: &OsStr| {
        PASSED_ON.iter().chain(also).any(|known| name == *known)
            || name.as_bytes().starts_with(b"LC_")
            || launch.env_vars.iter().any(|known| name == known.as_str())
    };
    let mut env: BTreeMap<OsString, OsString> = std::env::vars_os()
        .filter(|(name, _)| named(name))
        .collect();
    for (name, value) in &launch.env {
        env.insert(name.into(), value.expose().into());
    }
    env
}

/// Looks a command up as a shell would, on the child's own `PATH`.
fn find(command: &str, cwd: Option<&Path>, search: &OsStr) -> Result<PathBuf, String> {
    if command.is_empty() {
        return Err("the command is empty".to_owned());
    }
    if command.contains('/') {
        let path = match cwd {
            Some(cwd) if Path::new(command).is_relative() => cwd.join(command),
            _ => PathBuf::from(command),
        };
        return match path.is_file() {
            true => Ok(path),
            false => Err(format!("there is no file {}", path.display())),
        };
    }
    std::env::split_paths(search)
        .map(|folder| folder.join(command))
        .find(|path| is_executable(path))
        .ok_or_else(|| "it is in none of the folders of PATH".to_owned())
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

fn missing(command: &str, why: &str, search: &OsStr) -> Failure {
    let install = match command {
        "npx" | "npm" | "node" => "install Node.js, which brings npx",
        "uvx" | "uv" => "install uv, which brings uvx (https://docs.astral.sh/uv/)",
        "python" | "python3" | "pip" | "pipx" => "install Python 3",
        "docker" | "podman" => "install Docker or Podman",
        "bunx" | "bun" => "install Bun",
        _ => "install it, or give the whole path as `command`",
    };
    let hint = match command.contains('/') {
        true => "correct `command` in the server's table".to_owned(),
        false => format!("{install}; PATH is {}", search.to_string_lossy()),
    };
    Failure {
        target: Some(command.to_owned()),
        hint: Some(hint),
        ..Failure::new(
            FailureKind::Spawn,
            format!("the command `{command}` was not found: {why}"),
        )
    }
}
