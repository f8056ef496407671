//! `mcpdeck token` and `mcpdeck audit`: keys and tokens made and read, a record of calls made by a served server and checked.

use std::fs;
use std::process::Stdio;

use crate::deck::{Deck, Ran};

fn issue(deck: &Deck, alg: &str, key: &str) -> Ran {
    deck.run(&[
        "token",
        "issue",
        "--alg",
        alg,
        "--key",
        key,
        "--sub",
        "ann",
        "--iss",
        "me",
        "--aud",
        "deck",
        "--scope",
        "tool:*",
        "--scope",
        "resources",
        "--ttl",
        "15m",
    ])
}

#[test]
fn a_key_is_made_issues_and_verifies() {
    for alg in ["EdDSA", "ES256", "RS256", "HS256"] {
        let deck = Deck::new("");
        let key = deck.home.work().join("key");
        let key = key.to_str().unwrap();
        deck.run(&["token", "keygen", "--alg", alg, "--out", key])
            .expect(0);
        let token = issue(&deck, alg, key).expect(0);
        let (line, rest) = token.out.split_once('\n').unwrap();
        assert_eq!(
            (line.split('.').count(), rest, token.err.as_str()),
            (3, "", "")
        );
        let public = if alg == "HS256" {
            key.to_owned()
        } else {
            format!("{key}.pub")
        };
        let args = ["token", "inspect", "--alg", alg, "--key", &public];
        let read = deck.run_with_stdin(&args, &token.out).expect(0);
        assert!(
            read.out.contains("signature: verified with this key"),
            "{read}"
        );
        assert!(
            read.out.contains("\"scope\":\"tool:* resources\""),
            "{read}"
        );
        assert!(read.out.contains("(in 15 min)"), "{read}");
        let changed = line.replacen("ey", "ez", 1);
        deck.run(&["token", "inspect", &changed]).expect(2);
        let unchecked = deck.run(&["token", "inspect", line]).expect(0);
        assert!(
            unchecked.out.contains("not checked") && !unchecked.out.contains("verified"),
            "{unchecked}"
        );
        let other = deck.home.work().join("other");
        let other = other.to_str().unwrap();
        deck.run(&["token", "keygen", "--alg", alg, "--out", other])
            .expect(0);
        let public = if alg == "HS256" {
            other.to_owned()
        } else {
            format!("{other}.pub")
        };
        let wrong = deck
            .run(&["token", "inspect", line, "--alg", alg, "--key", &public])
            .expect(1);
        assert!(wrong.out.contains("NOT verified"), "{wrong}");
    }
}

#[cfg(unix)]
#[test]
fn a_key_is_its_owners_alone_and_is_never_written_over() {
    use std::os::unix::fs::PermissionsExt as _;
    let deck = Deck::new("");
    let key = deck.home.work().join("key");
    let args = ["token", "keygen", "--out", key.to_str().unwrap()];
    deck.run(&args).expect(0);
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read(&key).unwrap();
    let again = deck.run(&args).expect(2);
    assert!(again.err.contains("never written over"), "{again}");
    fs::remove_file(&key).unwrap();
    deck.run(&args).expect(2);
    assert!(!key.exists(), "the public key is still there");
    assert!(
        String::from_utf8(text)
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY-----\n")
    );
}

#[test]
fn what_makes_no_token_is_refused() {
    let deck = Deck::new("");
    let key = deck.home.work().join("key");
    let key = key.to_str().unwrap();
    deck.run(&["token", "keygen", "--out", key]).expect(0);
    for alg in ["ES256", "RS256", "HS256"] {
        let refused = issue(&deck, alg, key).expect(2);
        assert!(
            refused.err.contains(key) && refused.out.is_empty(),
            "{refused}"
        );
    }
    issue(&deck, "none", key).expect(2);
    issue(&deck, "EdDSA", "no-such-file").expect(2);
    let ttl = [
        "token", "issue", "--key", key, "--sub", "a", "--iss", "b", "--aud", "c", "--ttl",
    ];
    for wrong in ["0s", "1", "", "x", "11y", "99999d", "-1h", "é"] {
        deck.run(&[&ttl[..], &[wrong]].concat()).expect(2);
    }
    deck.run(&["token", "inspect", "nonsense"]).expect(2);
}

/// A client of a few lines: enough to have calls recorded.
const CALLS: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"0"}}}"#,
    "\n",
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    "\n",
    r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"write_file","arguments":{"path":"secret-name.txt","content":"s3cret words"}}}"#,
    "\n",
    r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"write_file","arguments":{"path":7}}}"#,
    "\n",
);

fn serve(deck: &Deck, audit: &str) -> Ran {
    let root = deck.home.work();
    let args = [
        "serve",
        "filesystem",
        root.to_str().unwrap(),
        "--audit",
        audit,
    ];
    deck.run_with_stdin(&args, CALLS)
}

#[test]
fn a_served_server_records_its_calls_and_the_record_is_checked() {
    let deck = Deck::new("");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let path = log.to_str().unwrap();
    for _ in 0..2 {
        serve(&deck, path).expect(0);
    }
    let text = fs::read_to_string(&log).unwrap();
    assert!(
        !text.contains("s3cret") && !text.contains("secret-name"),
        "{text}"
    );
    for words in [
        "\"event\":\"call\"",
        "\"event\":\"end\"",
        "denied: arguments",
        "\"subject\":\"local\"",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let whole = deck.run(&["audit", "verify", path]).expect(0);
    assert!(whole.out.starts_with("whole: "), "{whole}");
    let head = deck.run(&["audit", "head", path]).expect(0);
    serve(&deck, path).expect(0);
    let args = ["audit", "verify", path, "--expect-head", head.out.trim()];
    deck.run(&args).expect(0);
    fs::write(&log, text.replace("\"local\"", "\"other\"")).unwrap();
    let broken = deck.run(&["audit", "verify", path]).expect(1);
    assert!(
        broken.err.contains("line 2: the line was changed"),
        "{broken}"
    );
    assert_eq!(broken.out, "");
    let refused = serve(&deck, path).expect(2);
    assert!(refused.err.contains("mcpdeck audit verify"), "{refused}");
    // Who can write all files can write another history; a head that was kept elsewhere shows it.
    for ending in ["", ".head", ".key"] {
        fs::remove_file(format!("{path}{ending}")).unwrap();
    }
    serve(&deck, path).expect(0);
    deck.run(&["audit", "verify", path]).expect(0);
    deck.run(&args).expect(1);
    fs::remove_file(format!("{path}.head")).unwrap();
    let unknown = deck.run(&["audit", "verify", path]).expect(1);
    assert!(unknown.err.contains("nobody can tell"), "{unknown}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_runs_nothing() {
    let deck = Deck::new("");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let root = deck.home.work();
    // A limit on the size of files stands for a disk without room; the first line still fits.
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
    let mut command = std::process::Command::new("bash");
    command.args([
        "-c",
        script,
        "bash",
        crate::deck::BIN,
        "serve",
        "filesystem",
    ]);
    command
        .arg(root)
        .arg("--audit")
        .arg(&log)
        .env("MCPDECK_DATA_DIR", folder.path());
    command.stdin(Stdio::piped());
    let calls = CALLS.to_owned()
        + &CALLS
            .lines()
            .nth(2)
            .map(|l| format!("{l}\n").repeat(20))
            .unwrap();
    let mut child = crate::deck::spawn(&mut command);
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), calls.as_bytes()).unwrap();
    let ran = crate::deck::finished(child);
    assert!(
        ran.out
            .contains("nothing ran, because the call cannot be recorded"),
        "{ran}"
    );
    let text = fs::read_to_string(&log).unwrap();
    assert!(
        text.len() <= 1024 && text.ends_with('\n'),
        "half a line stayed: {text}"
    );
}
