//! The bundled servers beside those that they stand in for, each asked the same by the same client over pipes.
//!
//! Measured only where the others are installed: MCPDECK_BENCH_NPM names a folder with `node_modules` (`.ci/suites/npm.sh` leaves
//! one in target/npm), MCPDECK_BENCH_PY a Python environment with what `.ci/bench/requirements.txt` pins.

mod client;
mod load;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::PROGRAM;
use crate::report::{Row, median};
use client::Client;
use load::Load;

const ROUNDS: usize = 9;
/// A tenth of the time to start, three times the calls, a fifth of the memory.
const START: f64 = 0.1;
const CALLS: f64 = 3.0;
const MEMORY: f64 = 0.2;
/// Clients at once, each with a process of its own, as over pipes it must be.
const MANY: usize = 64;

/// A server, and the call that it is asked for.
pub struct Program {
    command: PathBuf,
    arguments: Vec<OsString>,
    data: PathBuf,
    tool: &'static str,
    call: Value,
}

/// Seven rows for each server that has a rival here.
pub fn measure() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = Vec::new();
    match installed("MCPDECK_BENCH_NPM") {
        Some(npm) => rows.extend(compare("files", &files(folder.path(), &npm))),
        None => eprintln!(
            "skipped: set MCPDECK_BENCH_NPM for the figures beside npm's filesystem server"
        ),
    }
    match installed("MCPDECK_BENCH_PY") {
        Some(python) => rows.extend(compare("database", &database(folder.path(), &python))),
        None => eprintln!("skipped: set MCPDECK_BENCH_PY for the figures beside mcp-server-sqlite"),
    }
    rows
}

fn installed(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Ours and theirs, both asked for a text of 4 kB.
fn files(folder: &Path, npm: &Path) -> [Program; 2] {
    let root = folder.join("files");
    std::fs::create_dir(&root).expect("a folder");
    let text = root.join("text.txt");
    crate::write(&text, &"A line of a text that is read.\n".repeat(132));
    let script = npm.join("node_modules/@modelcontextprotocol/server-filesystem/dist/index.js");
    let program = |command: &str, arguments: Vec<OsString>| Program {
        command: PathBuf::from(command),
        arguments,
        data: folder.to_owned(),
        tool: "read_text_file",
        call: json!({ "path": text }),
    };
    [
        program(
            PROGRAM,
            vec!["serve".into(), "filesystem".into(), root.clone().into()],
        ),
        program("node", vec![script.into(), root.into()]),
    ]
}

/// Ours and theirs, both asked for twenty rows.
fn database(folder: &Path, python: &Path) -> [Program; 2] {
    let file = folder.join("shop.db");
    let made = rusqlite::Connection::open(&file).and_then(|database| {
        database.execute_batch(
            "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
             INSERT INTO items SELECT i, 'item ' || i, i * 1.5 FROM n;",
        )
    });
    made.expect("a database");
    let sql = "SELECT id, name, price FROM items WHERE id > 500 ORDER BY id LIMIT 20";
    let program = |command: PathBuf, arguments: Vec<OsString>, tool, call| Program {
        command,
        arguments,
        data: folder.to_owned(),
        tool,
        call,
    };
    [
        program(
            PathBuf::from(PROGRAM),
            vec![
                "serve".into(),
                "database".into(),
                file.clone().into(),
                "--read-only".into(),
            ],
            "query_database",
            json!({ "sql": sql }),
        ),
        program(
            python.join("bin/mcp-server-sqlite"),
            vec!["--db-path".into(), file.into()],
            "read_query",
            json!({ "query": sql }),
        ),
    ]
}

fn compare(what: &str, [ours, theirs]: &[Program; 2]) -> Vec<Row> {
    let baseline = theirs
        .command
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let named = |figure: &str| format!("{what}: {figure} (baseline: {baseline})");
    // In turn, so that a busy moment of the machine meets both.
    let (mut our_starts, mut their_starts) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        their_starts.push(start(theirs));
        our_starts.push(start(ours));
    }
    let (our_start, their_start) = (median(our_starts), median(their_starts));
    let mut rows = vec![Row::quotient(
        &named("start to first answer"),
        our_start,
        their_start,
        START,
    )];
    for clients in [1, MANY] {
        let (ours, theirs) = (Load::of(ours, clients), Load::of(theirs, clients));
        let connections = match clients {
            1 => "one connection".to_owned(),
            many => format!("{many} connections"),
        };
        let figure = |figure: &str| named(&format!("{figure}, {connections}"));
        rows.push(Row::rate(
            &figure("calls a second"),
            ours.rate,
            theirs.rate,
            CALLS,
        ));
        rows.push(Row::memory(
            &figure("memory, idle"),
            ours.idle,
            theirs.idle,
            MEMORY,
        ));
        rows.push(Row::memory(
            &figure("memory under load"),
            ours.loaded,
            theirs.loaded,
            MEMORY,
        ));
    }
    rows
}

/// From the start of the process to the answer of its first call.
fn start(program: &Program) -> Duration {
    let started = std::time::Instant::now();
    let mut client = Client::start(program);
    client.hello();
    client.call();
    started.elapsed()
}
