//! The small process between mcpdeck and each stdio server on Linux: `mcpdeck supervise PLAN -- PROGRAM ARGS...`.
//!
//! It sees to it that whatever a server has started ends with it: also what left its process group, and also when mcpdeck is
//! killed outright. It becomes the reaper of all orphans below it, keeps no end of the server's pipes, ends as the server ended, and
//! decides nothing else. No runtime, no configuration, no output but one line when the server could not be started.
//! `cli::run` enters here before it reads arguments; `child` starts it.

use serde::{Deserialize, Serialize};

/// The word after the program's name.
pub const WORD: &str = "supervise";
/// How the one line on stderr begins that says that the server could not be started; the system's error number follows.
pub const REFUSED: &str = "mcpdeck supervise: cannot start it: ";
/// What the supervisor is called while it ends what its server has left behind.
pub const ENDING: &str = "mcpdeck-ending";

/// What the supervisor is told, as JSON. Whatever is to narrow the server is a field here: it is applied before the server is
/// started, and holds for the supervisor and for all below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The process whose end is the end of the server.
    pub parent: i32,
    /// It stands where nobody is to notice it: it leaves signals to the server, which gets them as well, and leaves alone what a
    /// server that has ended by itself has left behind.
    #[serde(default)]
    pub unseen: bool,
}

impl Plan {
    /// For a server of this process.
    pub fn of_this_process() -> Self {
        Self {
            parent: rustix::process::getpid().as_raw_nonzero().get(),
            unseen: false,
        }
    }
}

/// Runs the supervisor, where the program was started as one.
#[cfg(not(target_os = "linux"))]
pub fn asked() -> Option<std::process::ExitCode> {
    None
}

#[cfg(target_os = "linux")]
pub use linux::asked;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::fs::{self, OpenOptions};
    use std::io::{self, Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, ExitCode};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use rustix::process::{
        Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process,
        set_child_subreaper, set_parent_process_death_signal, setrlimit, wait,
    };
    use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

    use super::{ENDING, Plan, REFUSED, WORD};

    /// How long each stage of an end may take.
    const GRACE: Duration = Duration::from_secs(2);
    /// How often it is looked whether the parent lives. The system tells of its end by a signal; this is for when it does not.
    const LOOK: Duration = Duration::from_secs(2);
    /// How often it is looked whether all below are gone, when they are about to go.
    const SOON: Duration = Duration::from_millis(10);

    /// Runs the supervisor, where the program was started as one.
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
        Some(run(&plan, &program, args))
    }

    fn run(plan: &Plan, program: &OsString, args: impl Iterator<Item = OsString>) -> ExitCode {
        let mut command = Command::new(program);
        command.args(args);
        let Ok(watch) = Watch::begin(plan) else {
            // Without signals or orphans of its own it would be of no use: the server runs in its place.
            return refused(&command.exec());
        };
        if watch.is_orphan() {
            return ExitCode::FAILURE;
        }
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return refused(&error),
        };
        let Some(child) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
            return ExitCode::FAILURE;
        };
        let status = watch.until_ended(child);
        if !plan.unseen || watch.is_orphan() {
            let _only_a_name = fs::write("/proc/self/comm", ENDING);
            watch.sweep();
        }
        die_like(status)
    }

    /// Says why the server could not be started, for `child` to read.
    fn refused(error: &io::Error) -> ExitCode {
        let number = error.raw_os_error().unwrap_or(0);
        // In one piece: whoever reads it knows it by its beginning.
        let line = format!("{REFUSED}{number}\n");
        let _nobody_listens = io::stderr().write_all(line.as_bytes());
        ExitCode::from(127)
    }

    /// What comes to the supervisor from outside.
    struct Watch {
        parent: i32,
        /// Wakes it for each signal.
        woken: UnixStream,
        /// It is asked to end the server, and given time.
        asked: Arc<AtomicBool>,
        /// It is to end everything at once.
        forced: Arc<AtomicBool>,
    }

    impl Watch {
        fn begin(plan: &Plan) -> io::Result<Self> {
            let (woken, wakes) = UnixStream::pair()?;
            let (asked, forced) = (Arc::default(), Arc::default());
            if plan.unseen {
                // It would end this process; the others are caught below, and mean nothing.
                signal_hook::low_level::pipe::register(SIGQUIT, wakes.try_clone()?)?;
            } else {
                for signal in [SIGTERM, SIGINT, SIGHUP] {
                    signal_hook::flag::register(signal, Arc::clone(&asked))?;
                }
                signal_hook::flag::register(SIGUSR1, Arc::clone(&forced))?;
            }
            for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD] {
                signal_hook::low_level::pipe::register(signal, wakes.try_clone()?)?;
            }
            set_child_subreaper(Some(getpid()))?;
            set_parent_process_death_signal(Some(Signal::USR2))?;
            Ok(Self {
                parent: plan.parent,
                woken,
                asked,
                forced,
            })
        }

        fn is_orphan(&self) -> bool {
            getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(self.parent)
        }

        /// Waits for a signal, with a limit.
        fn sleep(&self, limit: Duration) {
            let mut signals = [0; 64];
            let limit = limit.max(Duration::from_millis(1));
            if self.woken.set_read_timeout(Some(limit)).is_ok() {
                // What it says is in the flags; that it came is all that counts.
                let _timed_out = (&self.woken).read(&mut signals);
            }
        }

        /// Waits for the end of the server, or brings it about: how it ended, where that is known.
        fn until_ended(&self, child: Pid) -> Option<WaitStatus> {
            release_pipes();
            let mut end = End::default();
            loop {
                match reap(child) {
                    Reaped::Child(status) => return Some(status),
                    Reaped::Nobody => return None,
                    Reaped::Others => {}
                }
                let now = Instant::now();
                if self.asked.swap(false, Ordering::AcqRel) {
                    signal_all(Signal::TERM);
                    end.kill_at(now + GRACE + GRACE / 2);
                }
                if self.forced.load(Ordering::Acquire) {
                    end.kill_at(now);
                }
                if self.is_orphan() {
                    // Its stdin has been closed by the end of ours: it has the time that it always gets.
                    end.term_at(now + GRACE);
                    end.kill_at(now + GRACE + GRACE);
                }
                self.sleep(end.proceed(now));
            }
        }

        /// Ends what the server has left behind.
        fn sweep(&self) {
            let until = Instant::now() + GRACE;
            if !self.forced.load(Ordering::Acquire) && !below().is_empty() {
                signal_all(Signal::TERM);
                while Instant::now() < until && !self.forced.load(Ordering::Acquire) {
                    reap_all();
                    if below().is_empty() {
                        return;
                    }
                    self.sleep(SOON);
                }
            }
            // What is started meanwhile is found in the next round.
            let until = Instant::now() + GRACE;
            while signal_all(Signal::KILL) > 0 && Instant::now() < until {
                reap_all();
                self.sleep(SOON);
            }
        }
    }

    /// When the server is asked, and when it is made, to end.
    #[derive(Default)]
    struct End {
        term: Option<Instant>,
        kill: Option<Instant>,
    }

    impl End {
        fn term_at(&mut self, at: Instant) {
            self.term.get_or_insert(at);
        }

        fn kill_at(&mut self, at: Instant) {
            self.kill = Some(self.kill.map_or(at, |known| known.min(at)));
        }

        /// Does what is due, and says how long there is nothing more to do.
        fn proceed(&mut self, now: Instant) -> Duration {
            if self.term.is_some_and(|at| at <= now) {
                // Asked once: long past, so that it is not due again.
                self.term = Some(now + LOOK * 1_000);
                signal_all(Signal::TERM);
            }
            if self.kill.is_some_and(|at| at <= now) {
                signal_all(Signal::KILL);
                return SOON;
            }
            let next = [self.term, self.kill].into_iter().flatten().min();
            next.map_or(LOOK, |at| at.duration_since(now).min(LOOK))
        }
    }

    /// Lets go of the server's pipes, so that each end of them is held by the server alone.
    fn release_pipes() {
        let null = OpenOptions::new().read(true).write(true).open("/dev/null");
        if let Ok(null) = null {
            let _kept_open = rustix::stdio::dup2_stdin(&null);
            let _kept_open = rustix::stdio::dup2_stdout(&null);
            let _kept_open = rustix::stdio::dup2_stderr(&null);
        }
    }

    enum Reaped {
        /// The server itself.
        Child(WaitStatus),
        /// Orphans, or nothing yet.
        Others,
        /// There is no child any more, and the server's end was missed.
        Nobody,
    }

    /// Takes in the ends of children, until that of the server.
    fn reap(child: Pid) -> Reaped {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == child => return Reaped::Child(status),
                Ok(Some(_)) => {}
                Ok(None) | Err(rustix::io::Errno::INTR) => return Reaped::Others,
                Err(_) => return Reaped::Nobody,
            }
        }
    }

    fn reap_all() {
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    }

    /// Sends a signal to every process below this one; gives how many there are.
    fn signal_all(signal: Signal) -> usize {
        let all = below();
        for pid in &all {
            if let Some(pid) = Pid::from_raw(*pid) {
                let _gone_or_not_ours = kill_process(pid, signal);
            }
        }
        all.len()
    }

    /// Every process below this one that has not ended.
    fn below() -> Vec<i32> {
        let own = getpid().as_raw_nonzero().get();
        // Mostly there is none, and the system says so in one line.
        let children = fs::read_to_string(format!("/proc/self/task/{own}/children"));
        if children.is_ok_and(|children| children.trim().is_empty()) {
            return Vec::new();
        }
        let mut children: BTreeMap<i32, Vec<(i32, bool)>> = BTreeMap::new();
        for (pid, parent, is_over) in processes() {
            children.entry(parent).or_default().push((pid, is_over));
        }
        let (mut found, mut open) = (Vec::new(), vec![own]);
        while let Some(parent) = open.pop() {
            for (pid, is_over) in children.remove(&parent).unwrap_or_default() {
                open.push(pid);
                if !is_over {
                    found.push(pid);
                }
            }
        }
        found
    }

    /// Every process that can be seen: number, parent, whether it has ended and only waits for its parent to look.
    fn processes() -> Vec<(i32, i32, bool)> {
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        let process = |entry: fs::DirEntry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // `pid (name) state parent ...`; the name may hold anything, also parentheses.
            let mut fields = stat.rsplit_once(") ")?.1.split(' ');
            let is_over = matches!(fields.next()?, "Z" | "X");
            Some((pid, fields.next()?.parse().ok()?, is_over))
        };
        entries.flatten().filter_map(process).collect()
    }

    /// Ends as the server did, so that whoever started this one sees the truth.
    fn die_like(status: Option<WaitStatus>) -> ExitCode {
        let Some(status) = status else {
            return ExitCode::FAILURE;
        };
        if let Some(code) = status.exit_status() {
            return ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1));
        }
        let signal = status.terminating_signal().unwrap_or(9);
        // One core is enough.
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _one_core_more = setrlimit(Resource::Core, none);
        if signal != 9 {
            let _killed_below = signal_hook::low_level::emulate_default_handler(signal);
        }
        let _gone = kill_process(getpid(), Signal::KILL);
        ExitCode::FAILURE
    }
}
