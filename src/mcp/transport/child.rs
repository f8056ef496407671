//! A child process of its own process group with a narrow environment, and its orderly end: close stdin, TERM, KILL, each to the
//! whole group, so that what the server has started ends with it.
//!
//! Used by `stdio` alone. Knows nothing of messages.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::config::server::quote;
use crate::config::{Confinement, PASSED_ON, StdioLaunch};
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::transport::{confine, supervise};

/// How long each stage of the end may take.
pub const GRACE: Duration = Duration::from_secs(2);

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

    /// The command that starts it, without its surroundings.
    fn command(&self) -> Command {
        let (file, args) = self.started();
        let plan = serde_json::to_string(&supervise::Plan::of_this_process());
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
    Failure {
        target: Some(target),
        hint: Some(spawn_hint(error, file)),
        ..Failure::new(
            FailureKind::Spawn,
            format!("{} could not be started: {error}", file.display()),
        )
    }
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

/// The process group of a child, which outlives the child while anything of it runs.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    leader: Pid,
    /// The leader is a supervisor, which knows also those below it that have left the group.
    supervised: bool,
}

impl Group {
    /// The group that this child of a program leads.
    pub fn of(child: &Child, program: &Program) -> Option<Self> {
        let id = i32::try_from(child.id()?).ok()?;
        Some(Self {
            leader: Pid::from_raw(id)?,
            supervised: program.supervisor.is_some(),
        })
    }

    /// Whether its leader is a supervisor of ours.
    pub fn is_supervised(self) -> bool {
        self.supervised
    }

    /// Its number.
    pub fn id(self) -> i32 {
        self.leader.as_raw_nonzero().get()
    }

    fn signal(self, signal: Signal) {
        let _already_gone = kill_process_group(self.leader, signal);
    }

    /// Asks for the end, or forces it, while the leader has not been waited for.
    fn press(self, signal: Signal) {
        let _already_gone = match (self.supervised, signal) {
            (true, Signal::KILL) => kill_process(self.leader, Signal::USR1),
            (true, other) => kill_process(self.leader, other),
            (false, other) => kill_process_group(self.leader, other),
        };
    }

    /// Nobody waits for the child any more: a supervisor brings it to its end by itself.
    pub fn abandon(self) {
        if self.supervised {
            self.press(Signal::TERM);
        }
    }

    /// Whether the program itself has ended, and its supervisor ends what that has left behind.
    pub fn is_ending(self) -> bool {
        let leader = self.leader.as_raw_nonzero();
        let name = std::fs::read_to_string(format!("/proc/{leader}/comm"));
        self.supervised && name.is_ok_and(|name| name.trim_end() == supervise::ENDING)
    }

    fn is_gone(self) -> bool {
        test_kill_process_group(self.leader).is_err() || self.only_zombies()
    }

    /// Whether all that is left has ended and only waits for its parent to look. Where no process 1 reaps orphans, as in many
    /// containers, they wait for ever, and the question by signal alone would say that they run.
    fn only_zombies(self) -> bool {
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return false;
        };
        let group = self.leader.as_raw_nonzero().to_string();
        let mut found = false;
        for process in processes.flatten() {
            let Ok(stat) = std::fs::read_to_string(process.path().join("stat")) else {
                continue;
            };
            // `pid (name) state parent group ...`; the name may hold anything, also parentheses.
            let mut fields = stat.rsplit(") ").next().unwrap_or("").split(' ');
            let (state, of) = (fields.next(), fields.nth(1));
            if of == Some(group.as_str()) {
                found = true;
                if !matches!(state, Some("Z" | "X")) {
                    return false;
                }
            }
        }
        found
    }

    /// Waits until nothing of the group runs, with a limit.
    async fn gone_within(self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while !self.is_gone() {
            if Instant::now() >= until {
                return false;
            }
            // The system tells of the end of children only, not of theirs.
            sleep(Duration::from_millis(10)).await;
        }
        true
    }

    /// Ends what is left of the group after its leader has gone.
    pub async fn sweep(self) {
        if self.is_gone() {
            return;
        }
        self.signal(Signal::TERM);
        if !self.gone_within(GRACE).await {
            self.signal(Signal::KILL);
            self.gone_within(GRACE).await;
        }
    }
}

/// Ends a child whose stdin has been closed: waits, then TERM, then KILL.
pub async fn end(child: &mut Child, group: Group, grace: Duration) -> Option<ExitStatus> {
    for signal in [Signal::TERM, Signal::KILL] {
        if let Ok(status) = timeout(grace, child.wait()).await {
            return status.ok();
        }
        group.press(signal);
    }
    if let Ok(status) = timeout(grace, child.wait()).await {
        return status.ok();
    }
    // Not even a supervisor answers: it goes with the rest of its group.
    group.signal(Signal::KILL);
    timeout(grace, child.wait()).await.ok()?.ok()
}

/// `exit code 1`, `signal 9 (SIGKILL)`.
pub fn describe(status: ExitStatus) -> String {
    if let Some(code) = status.code() {
        return format!("exit code {code}");
    }
    let signal = status.signal().unwrap_or(0);
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal} ({name})")
}
