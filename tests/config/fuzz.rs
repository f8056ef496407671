//! The targets of `fuzz/` without `cargo fuzz`: every kept input, then random changes of them from a fixed seed.
//!
//! `MCPDECK_FUZZ_SECONDS` gives each target that time instead of a number of tries; `.ci/suites/fuzz.sh` does.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../../fuzz/targets.rs"]
mod targets;

use targets::{TARGETS, Target};

/// Tries where nobody gives a time.
const TRIES: usize = 300;
/// No input grows beyond this.
const LONGEST: usize = 4096;

/// Pieces that mean something to one of the targets.
const WORDS: [&str; 40] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\r\n",
    "\0",
    "\u{1b}[",
    "\u{202e}",
    "漢",
    "👩‍👩‍👧",
    "data: ",
    "\"id\":",
    "\"result\":",
    "\"choices\":[{\"delta\":",
    "\"tool_calls\":[{",
    "\"arguments\":\"",
    "\"finish_reason\":\"stop\"",
    "\"index\":0",
    "[mcp_servers.a]\n",
    "command = ",
    "url = \"https://",
    "[[allow]]\n",
    "approve = \"never\"",
    "${HOME}",
    "```",
    "|---|",
    "# ",
    "](",
    "&#x1b;",
    "select ",
    " from orders",
    "; drop table orders",
    "/*",
    "--",
    "pragma ",
];

/// A small generator of numbers that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % below.max(1)
    }

    /// One change of a text.
    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.next(bytes.len() + 1);
        let end = (at + self.next(24)).min(bytes.len());
        match self.next(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.next(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].repeat(self.next(4));
                bytes.splice(at..at, again);
            }
            3 | 4 => {
                let word = WORDS[self.next(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
            5 => {
                let from = self.next(other.len() + 1);
                bytes.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let byte = u8::try_from(self.next(256)).expect("a byte");
                bytes.insert(at, byte);
            }
        }
        bytes.truncate(LONGEST);
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("seeds")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| fs::read(path).expect("a seed"))
        .collect()
}

fn try_one((name, target): Target, bytes: &[u8]) {
    let tried = catch_unwind(AssertUnwindSafe(|| target(bytes)));
    assert!(
        tried.is_ok(),
        "{name} fails on b\"{}\"; keep it in fuzz/seeds/{name}",
        bytes.escape_ascii()
    );
}

fn play(target: Target) {
    let seconds = std::env::var("MCPDECK_FUZZ_SECONDS").ok();
    let time = seconds.map(|text| Duration::from_secs(text.parse().expect("seconds")));
    let seeds = seeds(target.0);
    seeds.iter().for_each(|seed| try_one(target, seed));
    // With a time, each run begins elsewhere; without one, all runs are the same.
    let began = Instant::now();
    let salt = time.map_or(0, |_| {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |now| now.as_secs())
    });
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ salt);
    let mut tries = 0;
    while time.map_or(tries < TRIES, |time| began.elapsed() < time) {
        let mut bytes = seeds[dice.next(seeds.len())].clone();
        let other = &seeds[dice.next(seeds.len())];
        for _ in 0..=dice.next(8) {
            dice.change(&mut bytes, other);
        }
        try_one(target, &bytes);
        tries += 1;
    }
    println!(
        "{}: {} seeds, {tries} tries in {:.1?}",
        target.0,
        seeds.len(),
        began.elapsed()
    );
}

#[test]
fn wire_lines_keep_their_promises() {
    play(TARGETS[0]);
}

#[test]
fn streams_of_models_keep_their_promises() {
    play(TARGETS[1]);
}

#[test]
fn configurations_keep_their_promises() {
    play(TARGETS[2]);
}

#[test]
fn markdown_keeps_its_promises() {
    play(TARGETS[3]);
}

#[test]
fn statements_keep_their_promises() {
    play(TARGETS[4]);
}

/// A target that breaks is told with the input that broke it.
#[test]
fn a_broken_promise_is_found() {
    let broken: Target = ("wire", |bytes| assert!(!bytes.contains(&b'{'), "a brace"));
    assert!(catch_unwind(|| play(broken)).is_err());
}
