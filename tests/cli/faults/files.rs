//! Faults of files and of what the program is started with: a disk that is full at each write, folders that may not be written,
//! files of the program's own that are garbage, huge or not files, pipes that break, and two programs on one data folder.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde_json::json;

use super::run;
use crate::aftermath;
use crate::deck::{BIN, Deck, blocking, calls, model_at, quoted, says};
use crate::endpoint::{Endpoint, Reply};

/// One server whose answers are too long for the model, so that a result is saved, and that speaks either era.
const LONG: &str = "era = \"both\"\n[[tools]]\nname = 'echo'\ninputSchema = { type = 'object' }\n\
                    [[on]]\nmethod = 'tools/call'\nresult = { content = [{ type = 'text', text = '{long *40000}' }] }\n";

/// A fault: its name, what is done to the home before, and the exit codes that are right.
struct Fault {
    name: String,
    harm: Box<dyn Fn(&Deck) + Send + Sync>,
    args: Vec<String>,
    /// A shell's words before the program.
    shell: String,
    codes: &'static [i32],
    /// Words that a person must read.
    words: &'static [&'static str],
}

fn fault(name: &str, harm: impl Fn(&Deck) + Send + Sync + 'static) -> Fault {
    Fault {
        name: name.to_owned(),
        harm: Box::new(harm),
        args: ["ask", "--json", "--approve-all", "go"]
            .map(str::to_owned)
            .to_vec(),
        shell: String::new(),
        // With 3 where the record of calls could not be written, which is said; the answer came all the same.
        codes: &[0, 3],
        words: &["done"],
    }
}

impl Fault {
    fn run(mut self, args: &[&str]) -> Self {
        self.args = args.iter().map(|arg| (*arg).to_owned()).collect();
        self
    }

    fn under(mut self, shell: &str) -> Self {
        self.shell = shell.to_owned();
        self
    }

    fn ends(mut self, codes: &'static [i32], words: &'static [&'static str]) -> Self {
        (self.codes, self.words) = (codes, words);
        self
    }
}

fn forbid(path: &std::path::Path) {
    fs::create_dir_all(path).expect("a folder");
    fs::set_permissions(path, fs::Permissions::from_mode(0o500)).expect("its rights");
}

/// The data folder holds this under a name.
fn state(name: &'static str, bytes: &'static [u8]) -> impl Fn(&Deck) + Send + Sync + 'static {
    move |deck| {
        let path = deck.home.data_dir().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
}

fn all() -> Vec<Fault> {
    // Every file of a size up to here fails at its n-th byte; the one of 1 MB lets everything through.
    let limits = ["0", "1", "2", "4", "8", "16", "64", "2048"];
    let full = limits.map(|blocks| {
        fault(
            &format!("no file may be larger than {blocks} blocks"),
            |_| {},
        )
        // Without the signal, as on a disk that is full.
        .under(&format!("ulimit -f {blocks}; "))
    });
    let deep: &'static [u8] = Box::leak("[".repeat(300_000).into_boxed_str().into_boxed_bytes());
    let mut all: Vec<Fault> = full.into_iter().collect();
    all.extend([
        fault("the data folder may not be written", |deck| {
            forbid(&deck.home.data_dir())
        }),
        fault("the data folder is a file", |deck| {
            fs::remove_dir_all(deck.home.data_dir()).expect("no folder");
            fs::write(deck.home.data_dir(), "").expect("a file");
        }),
        fault("the data folder is not there", |deck| {
            fs::remove_dir_all(deck.home.data_dir()).expect("no folder")
        }),
        fault("the data folder is a link to nowhere", |deck| {
            fs::remove_dir_all(deck.home.data_dir()).expect("no folder");
            symlink("/nowhere/at/all", deck.home.data_dir()).expect("a link");
        }),
        fault("the folder for temporary files is not there", |deck| {
            fs::remove_dir_all(deck.home.path("tmp")).expect("no folder")
        }),
        fault("the eras are garbage", state("eras.json", b"\xff\xfe{{{")),
        fault("the eras are empty", state("eras.json", b"")),
        fault(
            "the eras are of another shape",
            state("eras.json", b"{\"good\":7,\"bad\":[]}"),
        ),
        fault("the eras are nested 300,000 deep", state("eras.json", deep)),
        fault("the eras are a folder", |deck| {
            fs::create_dir_all(deck.home.data_dir().join("eras.json")).expect("a folder")
        }),
        fault("the eras may not be read", |deck| {
            let path = deck.home.data_dir().join("eras.json");
            fs::write(&path, "{}").expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("its rights");
        }),
        fault("the eras are four gigabytes", |deck| {
            let file = fs::File::create(deck.home.data_dir().join("eras.json")).expect("a file");
            file.set_len(4 << 30).expect("a sparse file");
        }),
        fault("the eras have no end", |deck| {
            symlink("/dev/zero", deck.home.data_dir().join("eras.json")).expect("a link")
        }),
        fault(
            "the place for long results is a file",
            state("results", b""),
        ),
        fault(
            "the place for sign-ins is a file",
            state("credentials", b""),
        ),
        fault("the wire log is on a full disk", |_| {})
            .run(&["--wire-log", "/dev/full", "call", "good", "echo"])
            .ends(&[3], &["/dev/full"]),
        fault("the wire log is in a folder that is not there", |_| {})
            .run(&["--wire-log", "/nowhere/wire", "call", "good", "echo"])
            .ends(&[2], &["/nowhere/wire"]),
        fault("the wire log is a folder", |_| {})
            .run(&["--wire-log", "/", "call", "good", "echo"])
            .ends(&[2], &["wire log"]),
        fault("stdout is a full disk", |_| {})
            .under("exec >/dev/full; ")
            .ends(&[0, 1, 3, 4], &[]),
        fault("stdout is closed", |_| {})
            .under("exec >&-; ")
            .ends(&[0, 1, 3, 4], &[]),
        fault("stderr is closed", |_| {}).under("exec 2>&-; "),
        fault("stdin is closed", |_| {}).under("exec <&-; "),
        fault("the configuration has no end", |deck| {
            fs::remove_file(deck.home.work().join("mcp.toml")).expect("no file");
            symlink("/dev/zero", deck.home.work().join("mcp.toml")).expect("a link");
        })
        .ends(&[2], &["mcp.toml"]),
        fault("the configuration is nested 300,000 deep", |deck| {
            fs::write(
                deck.home.work().join("mcp.toml"),
                format!("a = {}", "[".repeat(300_000)),
            )
            .expect("a file");
        })
        .ends(&[2], &["mcp.toml"]),
        fault("the configuration is no UTF-8", |deck| {
            fs::write(deck.home.work().join("mcp.toml"), b"a = \"\xff\"").expect("a file")
        })
        .ends(&[2], &["mcp.toml"]),
        fault("the configuration is a folder", |deck| {
            fs::remove_file(deck.home.work().join("mcp.toml")).expect("no file");
            fs::create_dir(deck.home.work().join("mcp.toml")).expect("a folder");
        })
        .ends(&[2], &["mcp.toml"]),
        fault("the folder that it was started in is gone", |_| {})
            .under("mkdir gone; cd gone; rmdir ../gone; "),
        fault("there is hardly a descriptor", |_| {})
            .under("ulimit -n 24; ")
            .ends(&[0, 3, 4], &[]),
        fault("there is no home", |_| {})
            .under("unset HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME; "),
    ]);
    all
}

pub fn count() -> usize {
    all().len() + 3
}

fn replies() -> Vec<Reply> {
    vec![
        Reply::chunks(&calls("good__echo", &json!({ "n": 1 }))),
        Reply::chunks(&says("done")),
    ]
}

fn play(fault: &Fault) -> Vec<String> {
    let runtime = tokio::runtime::Handle::current();
    let endpoint = runtime.block_on(Endpoint::with(replies()));
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    deck.scripted("good", LONG, "");
    (fault.harm)(&deck);
    let root = deck.home.path("");
    let before = aftermath::files(&root);
    let mut command = deck.home.command("/bin/sh");
    let config = deck.home.work().join("mcp.toml");
    let line = format!("{}exec \"$0\" \"$@\"", fault.shell);
    command
        .args(["-c", &line, BIN, "--config"])
        .arg(config)
        .args(&fault.args);
    let seen = run::watched(crate::deck::spawn(command.stdin(Stdio::null())));
    let mut wrong = Vec::new();
    let code = seen.ran.code.unwrap_or(-1);
    let code = if fault.codes.contains(&code) {
        code
    } else {
        fault.codes[0]
    };
    wrong.extend(run::aftermath(
        &deck,
        &fault.args.join(" "),
        &seen.ran,
        code,
    ));
    for words in fault.words {
        if !seen.ran.out.contains(words) && !seen.ran.err.contains(words) {
            wrong.push(format!("no {words:?} in {}{}", seen.ran.out, seen.ran.err));
        }
    }
    if seen.peak > 200 * 1024 {
        wrong.push(format!("{} MB at its most", seen.peak / 1024));
    }
    wrong.extend(aftermath::litter(&root, &before));
    // What a folder's rights keep from the program they keep from its removal, too.
    let _not_there = fs::set_permissions(deck.home.data_dir(), fs::Permissions::from_mode(0o700));
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_read_or_written() {
    let faults = all();
    let only = std::env::var("MCPDECK_FAULT").unwrap_or_default();
    let queue = Mutex::new(faults.iter().filter(|fault| fault.name.contains(&only)));
    let failed = Mutex::new(Vec::new());
    let runtime = tokio::runtime::Handle::current();
    blocking(|| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let _inside = runtime.enter();
                    loop {
                        let next = queue.lock().expect("no poison").next();
                        let Some(fault) = next else {
                            return;
                        };
                        let wrong = play(fault);
                        if !wrong.is_empty() {
                            let report = format!("=== {}\n{}", fault.name, wrong.join("\n"));
                            failed.lock().expect("no poison").push(report);
                        }
                    }
                });
            }
        });
    });
    let failed = failed.into_inner().expect("no poison");
    assert!(
        failed.is_empty(),
        "{} of {} faults:\n{}",
        failed.len(),
        faults.len(),
        failed.join("\n")
    );
}

/// `mcpdeck list | head -1`, and the same with a reader that takes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_that_breaks_is_a_quiet_end() {
    let deck = Deck::new("");
    deck.scripted(
        "good",
        &LONG.replace("[[tools]]", "more_tools = 3000\n[[tools]]"),
        "",
    );
    let config = deck.home.work().join("mcp.toml");
    for reader in ["head -n 1", "true"] {
        let line = format!(
            "{{ {} --config {} list good --json; echo \"code $?\" >&2; }} | {reader}",
            quoted(BIN),
            quoted(&config.to_string_lossy())
        );
        let ran = blocking(|| {
            crate::deck::ran(
                deck.home
                    .command("/bin/sh")
                    .args(["-c", &line])
                    .stdin(Stdio::null()),
            )
        });
        assert_eq!(ran.err, "code 0\n", "{ran}");
        let wrong = blocking(|| run::aftermath(&deck, reader, &ran, 0));
        assert_eq!(wrong, Vec::<String>::new());
    }
}

/// Two programs, and then ten, on one data folder at the same time: each is well, and the file of eras is whole.
#[tokio::test(flavor = "multi_thread")]
async fn programs_side_by_side_share_one_data_folder() {
    let endpoint = Endpoint::start(|seen| {
        let has_result = seen.body["messages"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["role"] == "tool"));
        let replies = replies();
        replies[usize::from(has_result)].clone()
    })
    .await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    deck.scripted("good", LONG, "");
    let root = deck.home.path("");
    let before = aftermath::files(&root);
    blocking(|| {
        let started: Vec<_> = (0..10)
            .map(|_| deck.start(&["ask", "--approve-all", "go"]))
            .collect();
        for child in started {
            let ran = crate::deck::finished(child).expect(0);
            assert_eq!(ran.out, "done\n", "{ran}");
        }
        let eras = fs::read_to_string(deck.home.data_dir().join("eras.json")).expect("the eras");
        let eras: serde_json::Value = serde_json::from_str(&eras).expect("JSON");
        assert!(eras["good"].is_object(), "{eras}");
        assert_eq!(aftermath::litter(&root, &before), Vec::<String>::new());
    });
}

/// A terminal is not needed, and one that can do nothing is enough, for what has no panes.
#[test]
fn without_a_terminal_there_is_a_sentence_and_no_panic() {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    for term in ["xterm-256color", "dumb", ""] {
        let mut command: Command = deck.command(&[]);
        let ran = crate::deck::ran(command.env("TERM", term).stdin(Stdio::null()));
        assert_ne!(ran.code, Some(0), "{ran}");
        assert!(ran.code.is_some_and(|code| code < 100), "{ran}");
        assert!(ran.err.contains("terminal"), "{ran}");
        assert_eq!(aftermath::text("stderr", &ran.err), Vec::<String>::new());
    }
}
