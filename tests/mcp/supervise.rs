//! The end of everything that a server has started: real processes, also those that left its group, also when mcpdeck is killed.
//!
//! Linux alone has what it takes. Each process is known by a number in its arguments that no other process has.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mcpdeck::config::Launch;
use mcpdeck::mcp::failure::FailureKind;
use serde_json::json;

use crate::support::*;
use crate::until::until;

/// What the issue allows.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Processes that run now and have this in their arguments.
fn running(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let is_over = read("stat")
            .rsplit_once(") ")
            .is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']));
        let line = read("cmdline").replace('\0', " ");
        if !is_over && line.contains(mark) {
            found.push(line);
        }
    }
    found
}

/// A number of seconds to sleep that marks the sleeper as this test's.
fn mark(test: &str) -> String {
    let sum: u32 = test.bytes().map(u32::from).sum();
    format!("1{:06}.{sum}", std::process::id())
}

/// Three sleepers: a child of the server, an orphan in a session of its own, and one that takes no notice of TERM.
fn spawn_line(mark: &str) -> String {
    let shell = format!(
        "sleep {mark} & (setsid sleep {mark} &) ; (setsid sh -c 'trap : TERM; while :; do sleep {mark}; done' &) ; exec sleep {mark}"
    );
    format!("[start]\nspawn = {}", json!(["sh", "-c", shell]))
}

fn has_setsid() -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join("setsid").is_file())
}

async fn all_run(mark: &str) {
    // The shell that minds no TERM has the mark in its arguments too.
    until("all sleepers", LIMIT, async || running(mark).len() >= 5).await;
}

async fn none_runs(mark: &str) {
    let since = Instant::now();
    until("the end of all", GONE_WITHIN, async || {
        running(mark).is_empty()
    })
    .await;
    assert!(since.elapsed() < GONE_WITHIN);
}

#[tokio::test]
async fn what_left_the_group_of_a_server_ends_with_it() {
    if !has_setsid() {
        return;
    }
    let mark = mark("closed");
    let mut server = scripted(&spawn_line(&mark));
    server.connected().await;
    all_run(&mark).await;
    server.closed().await;
    none_runs(&mark).await;
}

#[tokio::test]
async fn a_server_that_is_killed_is_told_by_its_own_signal_and_leaves_nothing() {
    if !has_setsid() {
        return;
    }
    let mark = mark("killed");
    let mut server = scripted(&spawn_line(&mark));
    server.connected().await;
    all_run(&mark).await;
    let own = format!("{} serve scripted", binary().display());
    let servers = |own: &str| {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let of = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let is_it = |pid: &i32| {
            let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.replace('\0', " ").starts_with(own)
        };
        of.filter(is_it).collect::<Vec<_>>()
    };
    // The scripted server whose child is the shell with the mark.
    let parent = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let rest = stat.rsplit_once(") ")?.1.to_owned();
        rest.split(' ').nth(1)?.parse::<i32>().ok()
    };
    let shells = std::fs::read_dir("/proc").unwrap().flatten();
    let shells = shells.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut victims: Vec<i32> = shells
        .filter(|pid| {
            let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.contains(&mark)
        })
        .filter_map(parent)
        .collect();
    let all = servers(&own);
    victims.retain(|pid| all.contains(pid));
    let victim = rustix::process::Pid::from_raw(victims[0]).unwrap();
    rustix::process::kill_process(victim, rustix::process::Signal::KILL).unwrap();
    let failure = server.ended().await;
    assert_eq!(failure.kind, FailureKind::Exited);
    assert_eq!(failure.message, "the server's process ended");
    assert_eq!(failure.exit.as_deref(), Some("signal 9 (SIGKILL)"));
    none_runs(&mark).await;
}

#[tokio::test]
async fn a_program_that_the_system_refuses_is_told_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server");
    std::fs::write(&file, "#!/no/such/interpreter\n").unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let launch = command(file.to_str().unwrap(), &[]);
    let mut server = dialled(spec(Launch::Stdio(launch)), |_| {});
    let failure = server.ended().await;
    assert_eq!(failure.kind, FailureKind::Spawn);
    let says = format!(
        "{} could not be started: its first line asks for `/no/such/interpreter`, which is not there",
        file.display()
    );
    assert_eq!(failure.message, says);
    assert!(failure.hint.unwrap().contains("interpreter"));
    assert_eq!(failure.stderr, Vec::<String>::new());
}

#[tokio::test]
async fn a_server_has_its_pipes_to_itself_and_sees_nothing_of_the_supervisor() {
    let shell = "env | sort >&2; exec 0<&- ; read line; echo gone >&2; exec 1>&-; sleep 1000";
    let launch = command("sh", &["-c", shell]);
    let mut server = dialled(spec(Launch::Stdio(launch)), |_| {});
    let failure = server.ended().await;
    // It closed its stdin and its stdout, and both were noticed: nobody else holds them open.
    assert!(failure.message.contains("went on running"), "{failure:?}");
    let environment = failure.stderr.join("\n");
    assert!(environment.contains("PATH="), "a control: {environment}");
    assert!(
        !environment.to_lowercase().contains("supervis"),
        "{environment}"
    );
}

/// A real mcpdeck that calls a tool which never answers.
fn deck(folder: &Path, script: &str) -> Child {
    std::fs::write(folder.join("script.toml"), script).unwrap();
    let config = json!({
        "command": binary(),
        "args": ["serve", "scripted", folder.join("script.toml")],
    });
    let config = format!(
        "[mcp_servers.s]\ncommand = {}\nargs = {}\n",
        config["command"], config["args"]
    );
    std::fs::write(folder.join("mcp.toml"), config).unwrap();
    Command::new(binary())
        .args(["--config", folder.join("mcp.toml").to_str().unwrap()])
        .args(["call", "s", "slow"])
        .env("MCPDECK_DATA_DIR", folder)
        .env("HOME", folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn nothing_is_left_ten_seconds_after_mcpdeck_itself_is_killed() {
    if !has_setsid() {
        return;
    }
    let mark = mark("sigkill");
    let folder = tempfile::tempdir().unwrap();
    let stubborn = "\nignore_eof = true\nignore_term = true\n\
         [[on]]\nmethod = \"tools/call\"\ntool = \"slow\"\nsilent = true\n";
    let script = format!("{}{stubborn}", spawn_line(&mark));
    let mut deck = deck(folder.path(), &script);
    all_run(&mark).await;
    let place = folder.path().to_str().unwrap().to_owned();
    assert!(
        running(&place).len() >= 3,
        "a control: mcpdeck, the supervisor and the server run"
    );
    // SIGKILL: mcpdeck has no say in it.
    deck.kill().unwrap();
    deck.wait().unwrap();
    none_runs(&mark).await;
    none_runs(&place).await;
}
