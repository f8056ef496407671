//! The record of calls: that it is made before anything runs, what it holds and does not, and that nothing can be done to it
//! that is not found.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mcpdeck::servers::guard::audit::{self, Audit, Broken, Head, Report, Walk};
use mcpdeck::servers::guard::{AuditOptions, Caller, Gate, Guard, Need, Options};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::guard::calls::{Gave, call};
use crate::guard::gate::{admit, fresh, tokens};

struct Log {
    folder: TempDir,
    path: PathBuf,
}

impl Log {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("audit.jsonl");
        Self { folder, path }
    }

    fn options(&self, max_bytes: Option<u64>) -> AuditOptions {
        AuditOptions {
            path: self.path.clone(),
            max_bytes,
        }
    }

    async fn guard(&self, max_bytes: Option<u64>) -> Arc<Guard> {
        let options = Options {
            audit: Some(self.options(max_bytes)),
            ..Options::default()
        };
        Guard::open(options).await.unwrap()
    }

    /// A guard that asks for tokens, and its gate.
    async fn gate(&self) -> (Arc<Guard>, Gate) {
        let options = Options {
            tokens: Some(tokens(self.folder.path())),
            audit: Some(self.options(None)),
            ..Options::default()
        };
        let guard = Guard::open(options).await.unwrap();
        let gate = Gate::new(guard.clone(), "https://x.example/meta");
        (guard, gate)
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn verify(&self) -> Result<Report, Broken> {
        verify(&self.path)
    }
}

/// What `mcpdeck audit verify FILE` does.
fn verify(path: &Path) -> Result<Report, Broken> {
    let mut walk = Walk::new(audit::head(path).unwrap().into_iter().collect());
    let older = audit::older(path)
        .unwrap()
        .into_iter()
        .map(|(_, path)| path);
    for file in older.chain([path.to_owned()]) {
        walk.file(&mut BufReader::new(fs::File::open(file).unwrap()))?;
    }
    let report = walk.end()?;
    let ends = audit::head(path).unwrap() == Some(report.head.clone());
    let added = Broken {
        file: 0,
        line: 0,
        why: "lines after the head".to_owned(),
    };
    if ends { Ok(report) } else { Err(added) }
}

async fn some_calls(guard: &Guard, count: usize) {
    for number in 0..count {
        let arguments = json!({ "number": number });
        let done = call(guard, &Caller::local(), &arguments, async { Gave("done") }).await;
        assert_eq!(done, Ok(Gave("done")));
    }
    guard.flush().await.unwrap();
}

#[tokio::test]
async fn a_call_is_recorded_before_it_runs_and_after_it_ran() {
    let log = Log::new();
    let guard = log.guard(None).await;
    let ann = Caller::new("ann", None);
    let path = log.path.clone();
    let run = async move {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.lines().last().unwrap().contains("\"event\":\"call\""),
            "{text}"
        );
        Gave("failed")
    };
    let gave = call(&guard, &ann, &json!({ "b": 1, "a": 2 }), run).await;
    assert_eq!(gave, Ok(Gave("failed")));
    guard.flush().await.unwrap();
    let lines = log.lines();
    let events: Vec<&str> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["opened", "call", "end"]);
    assert_eq!(lines[1]["subject"], "ann");
    assert_eq!(lines[1]["tool"], "change");
    assert_eq!(lines[1]["decision"], "allowed");
    assert_eq!(lines[2]["call"], 1);
    assert_eq!(lines[2]["outcome"], "failed");
    assert!(lines[2]["ms"].is_u64());
    assert_eq!(log.verify().unwrap().lines, 3);
    // The same arguments have the same digest, in whatever order they came.
    let _ = call(&guard, &ann, &json!({ "a": 2, "b": 1 }), async {
        Gave("done")
    })
    .await;
    let _ = call(&guard, &ann, &json!({ "a": 2, "b": 2 }), async {
        Gave("done")
    })
    .await;
    guard.flush().await.unwrap();
    let digests: Vec<Value> = log.lines().iter().map(|l| l["arguments"].clone()).collect();
    let digests: Vec<&str> = digests.iter().filter_map(Value::as_str).collect();
    assert!(
        digests[0] == digests[1] && digests[1] != digests[2],
        "{digests:?}"
    );
}

#[tokio::test]
async fn no_secret_is_in_it() {
    let log = Log::new();
    let (guard, gate) = log.gate().await;
    let token = fresh("ann", &["tool:change"]);
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let caller = admit(&gate, &headers, Need::Tool("change")).await.unwrap();
    let secret = json!({ "password": "correct horse", "nested": [{ "token": token }] });
    assert!(
        call(&guard, &caller, &secret, async { Gave("done") })
            .await
            .is_ok()
    );
    assert!(admit(&gate, &headers, Need::Tool("other")).await.is_err());
    headers.insert("authorization", format!("Bearer {token}x").parse().unwrap());
    assert!(admit(&gate, &headers, Need::Tool("change")).await.is_err());
    guard.flush().await.unwrap();
    let text = fs::read_to_string(&log.path).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    for word in ["correct horse", "password", parts[1], parts[2]] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    let plain = audit::canonical(&secret);
    let unkeyed = sha2_hex(plain.as_bytes());
    assert!(!text.contains(&unkeyed), "a plain digest can be guessed at");
    assert!(
        text.contains(caller.token.as_deref().unwrap()),
        "the jti stands for the token"
    );
    let denied: Vec<Value> = log
        .lines()
        .into_iter()
        .filter(|l| l["event"] == "denied")
        .collect();
    assert_eq!(denied.len(), 2, "{text}");
    assert_eq!(denied[0]["decision"], "denied: scope");
    assert_eq!(denied[0]["subject"], "ann");
    assert!(
        denied[1]["decision"]
            .as_str()
            .unwrap()
            .starts_with("denied: token: ")
    );
    assert!(log.verify().is_ok());
}

fn sha2_hex(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_call_that_cannot_be_recorded_does_not_run() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 5] = [
        ("removed", |path| fs::remove_file(path).unwrap()),
        ("replaced", |path| {
            let text = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            fs::write(path, text).unwrap();
        }),
        ("moved", |path| {
            fs::rename(path, path.with_extension("old")).unwrap()
        }),
        ("cut", |path| fs::write(path, "").unwrap()),
        ("added to", |path| {
            let mut text = fs::read(path).unwrap();
            text.extend_from_slice(b"x\n");
            fs::write(path, text).unwrap();
        }),
    ];
    for (name, harm) in harms {
        let log = Log::new();
        let guard = log.guard(None).await;
        some_calls(&guard, 2).await;
        harm(&log.path);
        let ran = std::cell::Cell::new(false);
        let refused = call(&guard, &Caller::local(), &json!({}), async {
            ran.set(true);
            Gave("done")
        })
        .await
        .unwrap_err();
        assert!(
            refused.contains("nothing ran") && refused.contains("audit.jsonl"),
            "{refused}"
        );
        assert!(!ran.get(), "{name}");
    }
}

/// `/dev/full` is a disk without room; it is no regular file either, so a limit on the file's size has to do.
#[tokio::test]
async fn what_is_no_file_of_ones_own_is_not_recorded_to() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("no/such/folder/audit");
    for path in [
        Path::new("/dev/full"),
        Path::new("/dev/null"),
        folder.path(),
        &missing,
    ] {
        let options = AuditOptions {
            path: path.to_owned(),
            max_bytes: None,
        };
        // Where the neighbours of a device cannot be made the refusal comes earlier; it comes in any case.
        assert!(Audit::open(&options).is_err(), "{}", path.display());
        for ending in ["head", "key"] {
            let _ = fs::remove_file(audit::beside(path, ending));
        }
    }
}

#[tokio::test]
async fn one_process_at_a_time() {
    let log = Log::new();
    let first = Audit::open(&log.options(None)).unwrap();
    let second = Audit::open(&log.options(None)).unwrap_err();
    assert!(second.contains("another process"), "{second}");
    drop(first);
    assert!(Audit::open(&log.options(None)).is_ok());
}

#[tokio::test]
async fn rotation_keeps_the_chain_and_a_restart_goes_on_with_it() {
    let log = Log::new();
    for _ in 0..3 {
        let guard = log.guard(Some(2_000)).await;
        some_calls(&guard, 20).await;
    }
    let older = audit::older(&log.path).unwrap();
    assert!(older.len() > 5, "{older:?}");
    let report = log.verify().unwrap();
    assert!(report.lines >= 3 + 120, "{report:?}");
    assert!(report.open.is_empty());
    // Without one of them, or in another order, it is not whole.
    let (_, second) = &older[1];
    let text = fs::read(second).unwrap();
    fs::remove_file(second).unwrap();
    assert!(log.verify().is_err());
    fs::write(second, fs::read(&older[2].1).unwrap()).unwrap();
    fs::write(&older[2].1, text).unwrap();
    assert!(log.verify().is_err());
}

#[tokio::test]
async fn a_line_that_was_torn_is_noted_and_the_chain_goes_on() {
    let log = Log::new();
    some_calls(&*log.guard(None).await, 2).await;
    let mut text = fs::read(&log.path).unwrap();
    text.extend_from_slice(b"{\"seq\":5,\"event\":\"ca");
    fs::write(&log.path, &text).unwrap();
    assert!(log.verify().is_err(), "as long as nobody noted it");
    some_calls(&*log.guard(None).await, 2).await;
    let report = log.verify().unwrap();
    assert_eq!((report.torn, report.lines), (1, 10));
    // What was torn cannot be changed either.
    let changed = fs::read_to_string(&log.path)
        .unwrap()
        .replace("\"ca\n", "\"cb\n");
    fs::write(&log.path, changed).unwrap();
    assert!(log.verify().is_err());
}

#[tokio::test]
async fn a_line_that_lacks_only_its_end_is_whole() {
    let log = Log::new();
    some_calls(&*log.guard(None).await, 2).await;
    let text = fs::read(&log.path).unwrap();
    fs::write(&log.path, text.strip_suffix(b"\n").unwrap()).unwrap();
    some_calls(&*log.guard(None).await, 1).await;
    assert_eq!(log.verify().unwrap().torn, 0);
}

#[tokio::test]
async fn a_log_whose_end_is_missing_is_not_gone_on_with() {
    let log = Log::new();
    some_calls(&*log.guard(None).await, 3).await;
    let whole = fs::read_to_string(&log.path).unwrap();
    let head = audit::beside(&log.path, "head");
    let known = fs::read_to_string(&head).unwrap();
    let cut: Vec<&str> = whole.lines().collect();
    let cut = cut[..cut.len() - 1].join("\n") + "\n";
    fs::write(&log.path, &cut).unwrap();
    assert!(
        Audit::open(&log.options(None))
            .unwrap_err()
            .contains("its end")
    );
    fs::remove_file(&head).unwrap();
    assert!(
        Audit::open(&log.options(None))
            .unwrap_err()
            .contains("head")
    );
    fs::write(&head, &known).unwrap();
    fs::remove_file(&log.path).unwrap();
    assert!(
        Audit::open(&log.options(None))
            .unwrap_err()
            .contains("its end")
    );
    // A process that ended between the line and its head left the head behind: that is noted.
    fs::write(&log.path, &whole).unwrap();
    let before: Value = serde_json::from_str(cut.lines().last().unwrap()).unwrap();
    let seq = before["seq"].as_u64();
    let behind = Head {
        seq,
        hash: before["hash"].as_str().unwrap().to_owned(),
    };
    fs::write(&head, behind.text() + "\n").unwrap();
    assert!(log.verify().is_err(), "as long as nobody noted it");
    drop(Audit::open(&log.options(None)).unwrap());
    assert_eq!(log.verify().unwrap().behind, 1);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_has_an_end() {
    let log = Log::new();
    let guard = log.guard(None).await;
    let (arguments, local) = (json!({}), Caller::local());
    // Left while it ran.
    let inside = tokio::sync::Notify::new();
    let run = async {
        inside.notify_one();
        std::future::pending().await
    };
    tokio::select! {
        _ = call(&guard, &local, &arguments, run) => unreachable!(),
        () = inside.notified() => {}
    }
    // Left while it was being recorded: whatever comes first, there is an end.
    for polls in 0..50 {
        let ran = std::cell::Cell::new(false);
        let run = async {
            ran.set(true);
            std::future::pending().await
        };
        tokio::select! {
            biased;
            _ = call(&guard, &local, &arguments, run) => unreachable!(),
            () = async {
                for _ in 0..polls {
                    tokio::task::yield_now().await;
                }
            } => {}
        }
    }
    guard.flush().await.unwrap();
    guard.flush().await.unwrap();
    let report = log.verify().unwrap();
    assert!(report.open.is_empty(), "{report:?}");
    let outcomes: Vec<Value> = log.lines().iter().map(|l| l["outcome"].clone()).collect();
    assert!(outcomes.contains(&json!("abandoned")), "{outcomes:?}");
}

#[tokio::test]
async fn a_flood_of_denials_does_not_fill_the_disk() {
    let log = Log::new();
    let (guard, gate) = log.gate().await;
    for _ in 0..5_000 {
        assert!(
            admit(&gate, &http::HeaderMap::new(), Need::Tool("x"))
                .await
                .is_err()
        );
    }
    guard.flush().await.unwrap();
    assert!(log.lines().len() < 100, "{}", log.lines().len());
    assert!(log.verify().is_ok());
}

/// What is done to a log.
#[derive(Debug, Clone)]
enum Harm {
    Flip {
        at: prop::sample::Index,
        bit: u8,
    },
    Drop(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Twice(prop::sample::Index),
    Cut(prop::sample::Index),
    CutLines(prop::sample::Index),
    Insert {
        at: prop::sample::Index,
        text: String,
    },
    Forge(prop::sample::Index),
    Head {
        at: prop::sample::Index,
        bit: u8,
    },
}

fn harm() -> impl Strategy<Value = Harm> {
    use prop::sample::Index;
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), 0..8_u8).prop_map(|(at, bit)| Harm::Flip { at, bit }),
        1 => index().prop_map(Harm::Drop),
        1 => (index(), index()).prop_map(|(a, b)| Harm::Swap(a, b)),
        1 => index().prop_map(Harm::Twice),
        1 => index().prop_map(Harm::Cut),
        1 => index().prop_map(Harm::CutLines),
        1 => (index(), "[ -~\n]{1,80}").prop_map(|(at, text)| Harm::Insert { at, text }),
        1 => index().prop_map(Harm::Forge),
        1 => (index(), 0..8_u8).prop_map(|(at, bit)| Harm::Head { at, bit }),
    ]
}

/// The log and its head with one thing done to them; the same when the harm comes to nothing.
fn harmed(log: &str, head: &str, harm: &Harm) -> (Vec<u8>, Vec<u8>) {
    let mut lines: Vec<&str> = log.split_inclusive('\n').collect();
    let flipped = |text: &str, at: &prop::sample::Index, bit: &u8| {
        let mut bytes = text.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        bytes
    };
    match harm {
        Harm::Flip { at, bit } => return (flipped(log, at, bit), head.into()),
        Harm::Head { at, bit } => return (log.into(), flipped(head, at, bit)),
        Harm::Drop(at) => drop(lines.remove(at.index(lines.len()))),
        Harm::Swap(a, b) => lines.swap(a.index(log.lines().count()), b.index(log.lines().count())),
        Harm::Twice(at) => {
            let at = at.index(lines.len());
            lines.insert(at, lines[at]);
        }
        Harm::Cut(at) => return (log.as_bytes()[..at.index(log.len())].into(), head.into()),
        Harm::CutLines(at) => lines.truncate(at.index(lines.len())),
        Harm::Insert { at, text } => {
            let (before, after) = log.split_at(at.index(log.len() + 1));
            return (format!("{before}{text}{after}").into(), head.into());
        }
        // A line that is right in itself and follows the one before it, in the place of another.
        Harm::Forge(at) => {
            let at = at.index(lines.len());
            let mut after = Head::default();
            if let Some(before) = at.checked_sub(1) {
                let line: Value = serde_json::from_str(lines[before]).unwrap();
                after.seq = line["seq"].as_u64();
                after.hash = line["hash"].as_str().unwrap().to_owned();
            }
            let members = serde_json::Map::from_iter([("event".to_owned(), json!("opened"))]);
            let forged = audit::append(&mut after, members);
            lines[at] = &forged;
            return (lines.concat().into(), head.into());
        }
    }
    (lines.concat().into(), head.into())
}

#[test]
fn nothing_can_be_done_to_a_log_that_is_not_found() {
    let log = Log::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for _ in 0..2 {
            some_calls(&*log.guard(None).await, 8).await;
        }
    });
    assert!(log.verify().is_ok(), "{:?}", log.verify());
    let whole = fs::read_to_string(&log.path).unwrap();
    let head_path = audit::beside(&log.path, "head");
    let head = fs::read_to_string(&head_path).unwrap();
    proptest!(ProptestConfig::with_cases(2_000), |(harm in harm())| {
        let (text, after) = harmed(&whole, &head, &harm);
        prop_assume!(text != whole.as_bytes() || after != head.as_bytes());
        fs::write(&log.path, text).unwrap();
        fs::write(&head_path, after).unwrap();
        let found = audit::head(&log.path).is_err() || log.verify().is_err();
        prop_assert!(found, "{:?} was not found", harm);
    });
}
