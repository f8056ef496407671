//! The process group of a child and its orderly end: close stdin, TERM, KILL, each to the whole group, so that what the server has
//! started ends with it.
//!
//! Used by `stdio` and `keeper`. Knows nothing of messages.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use crate::mcp::transport::child::Program;
use crate::mcp::transport::supervise;

/// How long each stage of the end may take.
pub const GRACE: Duration = Duration::from_secs(2);

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

    /// Kills all of it at once, as if it had crashed.
    pub fn kill(self) {
        self.press(Signal::KILL);
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
