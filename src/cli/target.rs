//! One server as it is named on the command line: by its table in the configuration, by its URL, or by the command that starts it.
//!
//! For the commands that are about one server and need no configuration. Words only, and the configuration that they come to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::{failure, setup};
use crate::config::{
    ApprovePolicy, Config, HttpLaunch, Launch, OauthSettings, ProtocolChoice, Provider, Secret,
    ServerSpec, StdioLaunch, TransportChoice,
};
use crate::ids::ServerName;

/// What a program without a name of its own is called.
const NAMELESS: &str = "server";
/// Characters of a name that is made from a command.
const LONGEST: usize = 40;

/// `NAME`, `URL` or `-- CMD ARGS...`
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// A server of the configuration, or a URL
    #[arg(value_name = "NAME|URL", required_unless_present = "command")]
    pub server: Option<String>,
    /// The command that starts the server, behind `--`
    #[arg(last = true, value_name = "CMD", conflicts_with = "server")]
    pub command: Vec<String>,
    /// How it is spoken to.
    #[command(flatten)]
    means: Means,
    /// What a server that is started is called; absent: after its command.
    #[arg(skip)]
    name: Option<String>,
}

/// How a server is spoken to, whatever names it.
#[derive(Debug, Clone, Default, Args)]
pub struct Means {
    /// Speak this protocol era
    #[arg(long, value_name = "ERA")]
    protocol: Option<Era>,
    /// Send this header with each request: `Name: value`; `${VAR}` is not expanded here, the shell does that
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// Set this variable for the server, `NAME=value`, or pass it on, `NAME`
    #[arg(long, value_name = "VARIABLE")]
    env: Vec<String>,
}

/// `--run CMD ARGS...`, for the commands in which the words behind `--` are their own.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// How it is spoken to.
    #[command(flatten)]
    means: Means,
    /// Start the server with this command, which takes the rest of the line; no configuration is needed, and SERVER is what it is called
    #[arg(long = "run", value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// The words of `--protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Era {
    /// `server/discover` first, then `initialize`
    Auto,
    /// The revision without a handshake, 2026-07-28
    Modern,
    /// The revisions with `initialize`, up to 2025-11-25
    Legacy,
}

impl From<Era> for ProtocolChoice {
    fn from(era: Era) -> Self {
        match era {
            Era::Auto => Self::Auto,
            Era::Modern => Self::Modern,
            Era::Legacy => Self::Legacy,
        }
    }
}

impl Target {
    /// The server of a command about one thing of it: a name, a URL, or what a command that starts it is called.
    pub fn of(server: &str, run: &RunArgs) -> Self {
        let server = server.to_owned();
        let (server, name) = match run.command.is_empty() {
            true => (Some(server), None),
            false => (None, Some(server)),
        };
        Self {
            server,
            command: run.command.clone(),
            means: run.means.clone(),
            name,
        }
    }

    /// The era that is asked for.
    pub fn protocol(&self) -> Option<Era> {
        self.means.protocol
    }

    /// Whether it is a server of the configuration.
    pub fn is_named(&self) -> bool {
        self.server.as_deref().is_some_and(|given| !is_url(given))
    }

    /// A configuration with this server alone. For one that is not of the configuration no file is read, and no model is there.
    ///
    /// # Errors
    /// When the name is unknown, a header or variable is none, or it is given for a server that takes none.
    pub fn config(&self, global: &Global) -> Result<Config, CliError> {
        let mut config = match (&self.server, self.command.is_empty()) {
            (Some(name), true) if !is_url(name) => self.named(name, global)?,
            (Some(url), true) => one(self.spec(host_of(url), self.dialled(url)?)),
            _ => {
                let name = self.name.as_deref().map(named);
                let name = name.unwrap_or_else(|| name_of(&self.command));
                one(self.spec(name, self.started()?))
            }
        };
        if let (Some(era), Some(spec)) = (self.means.protocol, config.servers.first_mut()) {
            spec.protocol = era.into();
        }
        if !self.is_named() {
            setup::begin(&config);
        }
        let _every_secret_is_known = setup::redactor(&config);
        Ok(config)
    }

    fn named(&self, name: &str, global: &Global) -> Result<Config, CliError> {
        let mut config = setup::config(global)?;
        failure::keep_only(&mut config, name)?;
        let (headers, variables) = (self.headers()?, self.variables()?);
        match config.servers.first_mut().map(|spec| &mut spec.launch) {
            Some(Launch::Http(http)) if variables.0.is_empty() && variables.1.is_empty() => {
                http.headers.extend(headers);
            }
            Some(Launch::Stdio(child)) if headers.is_empty() => {
                child.env.extend(variables.0);
                child.env_vars.extend(variables.1);
            }
            _ if self.means.header.is_empty() && self.means.env.is_empty() => {}
            Some(Launch::Http(_)) => return Err(misplaced("--env", "is reached by a URL")),
            _ => return Err(misplaced("--header or --env", "does not take it")),
        }
        Ok(config)
    }

    fn dialled(&self, url: &str) -> Result<Launch, CliError> {
        if !self.means.env.is_empty() {
            return Err(misplaced("--env", "is reached by a URL"));
        }
        Ok(Launch::Http(HttpLaunch {
            shown: url.to_owned(),
            url: url.to_owned(),
            headers: self.headers()?,
            transport: TransportChoice::default(),
            oauth: Box::<OauthSettings>::default(),
        }))
    }

    fn started(&self) -> Result<Launch, CliError> {
        if !self.means.header.is_empty() {
            return Err(misplaced("--header", "is started by a command"));
        }
        let (env, env_vars) = self.variables()?;
        let mut words = self.command.iter().cloned();
        Ok(Launch::Stdio(StdioLaunch {
            shown: self.command.clone(),
            command: words.next().unwrap_or_default(),
            args: words.collect(),
            env,
            env_vars,
            cwd: None,
        }))
    }

    fn spec(&self, name: ServerName, launch: Launch) -> ServerSpec {
        ServerSpec {
            name,
            launch,
            enabled: true,
            required: true,
            startup_timeout: Duration::from_secs(30),
            tool_timeout: Duration::from_secs(120),
            enabled_tools: None,
            disabled_tools: Vec::new(),
            roots: None,
            log_level: None,
            protocol: ProtocolChoice::default(),
            approve: ApprovePolicy::default(),
            tool_approve: BTreeMap::new(),
            policy: Box::default(),
        }
    }

    fn headers(&self) -> Result<BTreeMap<String, Secret>, CliError> {
        let header = |given: &String| {
            let (name, value) = given.split_once(':')?;
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            let name = name.trim();
            let fits = !name.is_empty() && name.chars().all(is_token);
            fits.then(|| (name.to_owned(), Secret::new(value.trim())))
        };
        let read = self
            .means
            .header
            .iter()
            .map(|given| header(given).ok_or(given));
        // What is wrong may hold a token: it is not shown.
        read.collect::<Result<_, _>>().map_err(|_| {
            CliError::new(ErrorKind::Usage, "--header: it is not `Name: value`")
                .hint("as in --header 'Authorization: Bearer TOKEN'")
        })
    }

    fn variables(&self) -> Result<(BTreeMap<String, Secret>, Vec<String>), CliError> {
        let (mut set, mut passed) = (BTreeMap::new(), Vec::new());
        for given in &self.means.env {
            match given.split_once('=') {
                Some(("", _)) => return Err(nameless()),
                Some((name, value)) => {
                    set.insert(name.to_owned(), Secret::new(value));
                }
                None if given.is_empty() => return Err(nameless()),
                None => passed.push(given.clone()),
            }
        }
        Ok((set, passed))
    }
}

fn nameless() -> CliError {
    CliError::new(ErrorKind::Usage, "--env: the variable has no name")
        .hint("as in --env NAME=value, or --env NAME to pass on what is set here")
}

fn misplaced(flag: &str, why: &str) -> CliError {
    CliError::new(
        ErrorKind::Usage,
        format!("{flag} is of no use: the server {why}"),
    )
}

fn one(spec: ServerSpec) -> Config {
    let mut config = Config {
        servers: vec![spec],
        ..Config::default()
    };
    config.model.provider = Provider::None;
    config
}

fn is_url(given: &str) -> bool {
    let scheme = |scheme: &str| {
        given
            .get(..scheme.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    };
    scheme("http://") || scheme("https://")
}

/// A name from the program: of `npx -y @scope/server-files .` the package, else the file's own name; of `files/dist/index.js`,
/// whose name says nothing, the folder's.
fn name_of(command: &[String]) -> ServerName {
    const RUNS_ANOTHER: [&str; 9] = [
        "npx", "uvx", "node", "python", "python3", "uv", "bunx", "deno", "docker",
    ];
    const SAYS_NOTHING: [&str; 9] = [
        "index", "main", "server", "cli", "__main__", "dist", "build", "src", "bin",
    ];
    let stem = |path: &Path| {
        let stem = path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    };
    let program = command.first().map(String::as_str).unwrap_or_default();
    let mut words = command.iter().skip(1);
    let inner = words.find(|word| !word.starts_with('-') && *word != "run");
    let word = match inner {
        Some(inner) if RUNS_ANOTHER.contains(&stem(program.as_ref()).as_str()) => inner,
        _ => program,
    };
    let mut names = Path::new(word).ancestors().map(stem);
    let says = |name: &String| !name.is_empty() && !SAYS_NOTHING.contains(&name.as_str());
    named(&names.find(says).unwrap_or_else(|| stem(word.as_ref())))
}

fn host_of(url: &str) -> ServerName {
    let host = url::Url::parse(url).ok().and_then(|url| {
        let host = url.host_str()?.to_owned();
        Some(
            url.port()
                .map_or(host.clone(), |port| format!("{host}-{port}")),
        )
    });
    named(&host.unwrap_or_default())
}

/// What a server's name may be made of; see the configuration's rule.
fn named(text: &str) -> ServerName {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name: String = text
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .take(LONGEST)
        .collect();
    let name = name.trim_matches('-');
    ServerName::new(if name.is_empty() { NAMELESS } else { name })
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn a_server_is_called_after_what_says_most_of_it() {
        for (command, name) in [
            ("npx -y @scope/server-files .", "server-files"),
            ("node /a/server-files/dist/index.js stdio", "server-files"),
            ("uv run weather.py", "weather"),
            ("python -m my_server", "my_server"),
            ("/opt/bin/files-mcp --root /", "files-mcp"),
            ("node index.js", "index"),
            ("./server", "server"),
            ("node", "node"),
        ] {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(name_of(&words).as_str(), name, "{command}");
        }
    }
}
