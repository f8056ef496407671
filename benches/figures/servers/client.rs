//! The client of the comparison: one process of a server and its pipes, a line out and a line in, nothing between.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::servers::Program;

/// A server under way. Dropping it ends it.
pub struct Client {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    line: String,
    tool: &'static str,
    arguments: Value,
    next: u64,
}

impl Client {
    /// Starts the server; nothing is said yet.
    pub fn start(program: &Program) -> Self {
        let mut child = Command::new(&program.command)
            .args(&program.arguments)
            .env("MCPDECK_DATA_DIR", &program.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.command.display()));
        Self {
            to: child.stdin.take().expect("its stdin"),
            from: BufReader::new(child.stdout.take().expect("its stdout")),
            child,
            line: String::new(),
            tool: program.tool,
            arguments: program.call.clone(),
            next: 0,
        }
    }

    /// The handshake that all of them know.
    pub fn hello(&mut self) {
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "figures", "version": "0" } });
        self.ask("initialize", &params);
        self.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    }

    /// One call, answered well.
    pub fn call(&mut self) {
        let params = json!({ "name": self.tool, "arguments": self.arguments });
        let answer = self.ask("tools/call", &params);
        let good = answer["result"]["isError"] != true && answer["result"]["content"].is_array();
        assert!(good, "{answer}");
    }

    fn say(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.to
            .write_all(line.as_bytes())
            .expect("a server that reads");
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            self.line.clear();
            let read = self.from.read_line(&mut self.line);
            assert_ne!(read.expect("a readable pipe"), 0, "the server has ended");
            let message: Value = serde_json::from_str(&self.line).expect("JSON");
            if message["id"] == id {
                return message;
            }
        }
    }

    /// The process and its pipe.
    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The resident memory of these processes and all below them, in bytes. A page that several of them share is counted for each
/// where one process was asked for, and once where there are several.
pub fn resident(processes: &[u32]) -> u64 {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut sizes = HashMap::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A process that has just ended counts nothing.
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok())
        };
        let parent = field("PPid:").and_then(|id| u32::try_from(id).ok());
        children.entry(parent.unwrap_or(0)).or_default().push(id);
        sizes.insert(id, field("VmRSS:").unwrap_or(0) * 1024);
    }
    let mut sum = 0;
    let mut left = processes.to_vec();
    while let Some(id) = left.pop() {
        let own = || sizes.get(&id).copied().unwrap_or(0);
        sum += if processes.len() == 1 {
            own()
        } else {
            proportional(id)
        };
        left.extend(children.get(&id).into_iter().flatten());
    }
    sum
}

/// What of a process's memory is its own, and its share of what it shares.
fn proportional(process: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
