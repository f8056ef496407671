//! A server's process that may touch only what its table names: `mcpdeck confined-server PLAN -- PROGRAM ARGS...` narrows itself by
//! Landlock and then becomes the server, so that whatever the server starts is narrowed too.
//!
//! Landlock holds files and folders (reading, running, changing) and TCP; from Linux 6.12 on also signals to other processes and
//! abstract sockets. It does not hold UDP, sockets that lie in a folder which may be read, or what the process already has open. Who
//! asks for confinement never runs without it: where the kernel cannot, the server does not start, and says why.
//! `cli::run` enters here before it reads arguments; `child` starts it. No runtime, no configuration.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::{Confinement, Enforcement};
use crate::mcp::failure::{Failure, FailureKind};

/// The word after the program's name.
pub const WORD: &str = "confined-server";

/// What every confined server may read and run: the system's programs, libraries and settings, never a home folder. Those that
/// are not there are passed over.
pub const SYSTEM: [&str; 15] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/snap",
    "/proc",
    "/sys",
    "/run/systemd/resolve",
];

/// What every confined server may also write to: devices that keep nothing.
#[cfg(target_os = "linux")]
const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// What the process is told, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Folders and files to read, with all below.
    pub read: Vec<PathBuf>,
    /// Folders and files to change as well.
    pub write: Vec<PathBuf>,
    /// Whether TCP is left open.
    pub network: bool,
}

impl Plan {
    /// For this program, which must be able to run itself.
    pub fn of(confinement: &Confinement, program: &Path) -> Self {
        let mut read = confinement.read.clone();
        read.push(program.to_path_buf());
        Self {
            read,
            write: confinement.write.clone(),
            network: confinement.network,
        }
    }
}

/// Finds out, before anything is started, whether the system can hold a confinement and what it names is there.
///
/// # Errors
/// Why a server that asks for this must not be started here.
pub fn check(confinement: &Confinement) -> Result<Enforcement, Box<Failure>> {
    let mut named = confinement.read.iter().chain(&confinement.write);
    if let Some(path) = named.find(|path| !path.exists()) {
        return Err(refusal(
            format!("`confine` names {}, which is not there", path.display()),
            "make it, or take it out of the server's `confine` table",
        ));
    }
    kernel(confinement.network).ok_or_else(|| {
        let (what, hint) = match kernel(true) {
            Some(_) => (
                "this kernel cannot keep a process off the network (Landlock of Linux 6.7 can), so the server was not started",
                "`network = true` in its `confine` table leaves the network open and confines its files",
            ),
            None => (
                "this system cannot confine a process (Landlock of Linux 6.2 can), so the server was not started",
                "take the server's `confine` table out to start it unconfined",
            ),
        };
        refusal(what.to_owned(), hint)
    })
}

fn refusal(message: String, hint: &str) -> Box<Failure> {
    Box::new(Failure {
        hint: Some(hint.to_owned()),
        ..Failure::new(FailureKind::Config, message)
    })
}

#[cfg(not(target_os = "linux"))]
fn kernel(_network: bool) -> Option<Enforcement> {
    None
}

/// Becomes a confined server, where the program was started as one. Returns only when that failed.
#[cfg(not(target_os = "linux"))]
pub fn asked() -> Option<std::process::ExitCode> {
    None
}

#[cfg(target_os = "linux")]
use linux::kernel;

#[cfg(target_os = "linux")]
pub use linux::asked;

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Write as _;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, ExitCode};

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset,
        RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
        path_beneath_rules,
    };

    use super::{DEVICES, Plan, SYSTEM, WORD};
    use crate::config::Enforcement;

    /// Without these there is no confinement: reading, running and changing files, their truncation among it (Linux 6.2).
    const NEEDED: ABI = ABI::V3;
    /// Beside these: what devices are told (6.10), signals and abstract sockets (6.12).
    const WISHED: ABI = ABI::V6;
    /// What a shell ends with when it found a program and could not run it.
    const CANNOT: u8 = 126;

    /// Becomes a confined server, where the program was started as one. Returns only when that failed.
    pub fn asked() -> Option<ExitCode> {
        let mut args = std::env::args_os().skip(1);
        if args.next()? != WORD {
            return None;
        }
        let plan = args.next().and_then(|plan| plan.into_string().ok());
        let plan = plan.and_then(|plan| serde_json::from_str::<Plan>(&plan).ok());
        let dashes = args.next().is_some_and(|word| word == "--");
        let (Some(plan), true, Some(program)) = (plan, dashes, args.next()) else {
            return Some(ExitCode::from(2));
        };
        let why = match restrict(&plan) {
            // The same process goes on as the server: it keeps its pipes, its environment and its folder.
            Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => {
                Command::new(program).args(args).exec().to_string()
            }
            Ok(RulesetStatus::NotEnforced) => "the system did not confine it".to_owned(),
            Err(error) => error.to_string(),
        };
        let told = writeln!(
            std::io::stderr(),
            "mcpdeck: the confined server was not started: {why}"
        );
        drop(told);
        Some(ExitCode::from(CANNOT))
    }

    fn needed(network: bool) -> Result<Ruleset, RulesetError> {
        let rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(NEEDED))?;
        match network {
            true => Ok(rules),
            false => rules.handle_access(AccessNet::from_all(ABI::V4)),
        }
    }

    fn wished(rules: Ruleset) -> Result<Ruleset, RulesetError> {
        rules
            .handle_access(AccessFs::from_all(WISHED))?
            .scope(Scope::from_all(WISHED))
    }

    /// How much of it this kernel holds; nothing where it does not hold enough.
    pub fn kernel(network: bool) -> Option<Enforcement> {
        // Only a ruleset that was made shows that the kernel has it switched on.
        needed(network).and_then(Ruleset::create).ok()?;
        let all = needed(network).and_then(wished).and_then(Ruleset::create);
        Some(match all {
            Ok(_) => Enforcement::Fully,
            Err(_) => Enforcement::Partly,
        })
    }

    fn restrict(plan: &Plan) -> Result<RulesetStatus, RulesetError> {
        let rules = needed(plan.network)?.set_compatibility(CompatLevel::BestEffort);
        let (read, all) = (AccessFs::from_read(WISHED), AccessFs::from_all(WISHED));
        let devices = AccessFs::ReadFile | AccessFs::WriteFile;
        let status = wished(rules)?
            .create()?
            .add_rules(path_beneath_rules(SYSTEM, read))?
            .add_rules(path_beneath_rules(DEVICES, devices))?
            .add_rules(path_beneath_rules(&plan.read, read))?
            .add_rules(path_beneath_rules(&plan.write, all))?
            .restrict_self()?;
        Ok(status.ruleset)
    }
}
