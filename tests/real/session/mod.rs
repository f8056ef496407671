//! One session of a client with two servers, each on a folder of its own: the npm filesystem server and ours, where their tools
//! overlap. After each step both folders must hold the same, and each answer must say the essential; the words are free.
//! `steps` is the table.

mod steps;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::home::Home;
use crate::npm::npm;
use steps::{Must, Step};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";

/// A server and the folder that it serves, with a secret beside it.
struct Served {
    name: &'static str,
    above: PathBuf,
    root: PathBuf,
    child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    next: u64,
}

impl Served {
    fn start(name: &'static str, above: PathBuf, command: impl FnOnce(&Path) -> Command) -> Self {
        let root = above.join("root");
        lay_out(&above, &root);
        let mut command = command(&root);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().expect("a server");
        let to = child.stdin.take().expect("stdin");
        let from = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let mut served = Self {
            name,
            above,
            root,
            child,
            to,
            from,
            next: 0,
        };
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "session", "version": "0" } });
        let welcome = served.ask("initialize", &hello);
        assert!(
            welcome["result"]["capabilities"]["tools"].is_object(),
            "{name}: {welcome}"
        );
        served.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        served
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.to, "{message}").expect("a reading server");
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let line = self.from.next().expect("an answer").expect("UTF-8");
            let message: Value = serde_json::from_str(&line).expect("JSON");
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Carries out a step; what is wrong with the answer.
    fn step(&mut self, (what, tool, arguments, must): &Step) -> Option<String> {
        let root = self.root.to_string_lossy().into_owned();
        let arguments = arguments.to_string().replace("{root}", &root);
        let arguments: Value = serde_json::from_str(&arguments).expect("JSON");
        let answer = self.ask(
            "tools/call",
            &json!({ "name": tool, "arguments": arguments }),
        );
        let result = &answer["result"];
        let refused = answer["error"].is_object() || result["isError"] == true;
        let blocks = result["content"].as_array().cloned().unwrap_or_default();
        let texts: Vec<&str> = blocks.iter().filter_map(|b| b["text"].as_str()).collect();
        let text = texts.join("\n").replace(&root, "{root}");
        let good = match must {
            Must::Refuse => refused,
            Must::Be(whole) => !refused && text == *whole,
            Must::Say(with, without) => {
                !refused
                    && with.iter().all(|piece| text.contains(piece))
                    && !without.iter().any(|piece| text.contains(piece))
            }
            Must::Show(bytes) => blocks.iter().any(|block| {
                block["type"] == "image"
                    && block["mimeType"] == "image/png"
                    && block["data"] == *bytes
            }),
        };
        let name = self.name;
        (!good).then(|| format!("{what}: {name} must {must:?} at {tool}, but: {answer}"))
    }

    /// All that is in the folder and around it, by path.
    fn disk(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        collect(&self.above, &self.above, &mut found);
        found
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The same for both: files, folders, links to outside, and a secret there.
fn lay_out(above: &Path, root: &Path) {
    let sibling = above.join("root-other");
    for folder in [root.join("docs/below"), root.join("empty"), sibling.clone()] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let files: [(PathBuf, &[u8]); 6] = [
        // Without a line end at its end: after one, npm's `tail` counts a line of nothing, and ours does not.
        (root.join("lines.txt"), b"one\ntwo\nthree\nfour"),
        (
            root.join("ghi chú.txt"),
            "Xin chào, tường lửa!\n".as_bytes(),
        ),
        (root.join("docs/below/deep.md"), b"# Deep\n"),
        (root.join("pixel.png"), PNG),
        (above.join("secret.txt"), b"SECRET\n"),
        (sibling.join("secret.txt"), b"SECRET\n"),
    ];
    for (path, content) in files {
        fs::write(path, content).expect("a file");
    }
    let mode = fs::Permissions::from_mode(0o640);
    fs::set_permissions(root.join("lines.txt"), mode).expect("its mode");
    symlink(above.join("secret.txt"), root.join("way-out")).expect("a link");
    symlink(&sibling, root.join("folder-out")).expect("a link");
}

fn collect(above: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .strip_prefix(above)
            .expect("a path below")
            .to_string_lossy()
            .into_owned();
        let meta = path.symlink_metadata().expect("its facts");
        let mode = meta.permissions().mode() & 0o777;
        let held = if meta.is_dir() {
            collect(above, &path, found);
            format!("folder {mode:o}")
        } else if meta.is_symlink() {
            "link".to_owned()
        } else {
            let content = fs::read(&path).expect("a file");
            format!("{mode:o} {:?}", String::from_utf8_lossy(&content))
        };
        found.insert(name, held);
    }
}

fn session(steps: &[Step]) {
    let Some(npm) = npm() else { return };
    let home = Home::new();
    let mut theirs = Served::start("the npm server", home.work().join("theirs"), |root| {
        let mut command = home.command("node");
        command.arg(npm.filesystem()).arg(root);
        command
    });
    let mut ours = Served::start("mcpdeck", home.work().join("ours"), |root| {
        let mut command = home.command(env!("CARGO_BIN_EXE_mcpdeck"));
        command.args(["serve", "filesystem"]).arg(root);
        command
    });
    let mut wrong = Vec::new();
    for step in steps {
        wrong.extend(theirs.step(step));
        wrong.extend(ours.step(step));
        let (ours, theirs) = (ours.disk(), theirs.disk());
        if ours != theirs {
            wrong.push(format!(
                "{}: mcpdeck left {ours:#?}, npm's {theirs:#?}",
                step.0
            ));
            break;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn both_servers_show_the_same() {
    session(&steps::looking());
}

#[test]
fn both_servers_change_the_same() {
    session(&steps::changing());
}

#[test]
fn both_servers_refuse_to_leave_their_folder() {
    session(&steps::escaping());
}
