//! What mcpdeck costs, each figure beside a baseline measured in the same run: `cargo bench`, or `cargo bench -- first ready`
//! for some of them.
//!
//! Prints a table and judges by the goals in it, but does not fail for a figure: a busy machine is no error. Only the attack
//! (`escape`) fails the run when it gets out, or when it would get nowhere. The baselines share the
//! machine's mood, so the quotients are worth more than the milliseconds.

mod call;
mod escape;
mod first_frame;
mod frame;
mod memory;
mod ready;
mod report;
mod servers;
mod terminal;
mod wire;

use std::path::Path;
use std::process::ExitCode;

use report::Row;

/// The program, built in the same profile.
const PROGRAM: &str = env!("CARGO_BIN_EXE_mcpdeck");

/// A benchmark: its name, and what measures it.
type Bench = (&'static str, fn() -> Vec<Row>);

const BENCHES: [Bench; 8] = [
    ("first", first_frame::measure),
    ("ready", ready::measure),
    ("call", call::measure),
    ("frame", frame::measure),
    ("wire", wire::measure),
    ("memory", memory::measure),
    ("escape", escape::measure),
    ("servers", servers::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|word| word == terminal::BASELINE) {
        return terminal::baseline();
    }
    // `cargo bench` passes `--bench`.
    let wanted: Vec<&String> = arguments
        .iter()
        .filter(|word| !word.starts_with("--"))
        .collect();
    let known = |word: &&String| BENCHES.iter().any(|(name, _)| name == word);
    if let Some(unknown) = wanted.iter().find(|word| !known(word)) {
        let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        eprintln!("no benchmark `{unknown}`; there are: {}", names.join(", "));
        return ExitCode::from(2);
    }
    let mut rows = Vec::new();
    for (name, measure) in BENCHES {
        if wanted.is_empty() || wanted.iter().any(|word| *word == name) {
            eprintln!("measuring: {name}");
            rows.extend(measure());
        }
    }
    println!("{}", report::table(&rows));
    // A slow machine is no error; a way out of a root is one, and so is an attack that shows nothing.
    if rows
        .iter()
        .any(|row| row.is_proof && row.met == Some(false))
    {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The multi-threaded runtime that the program uses.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Writes a file of a benchmark.
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
