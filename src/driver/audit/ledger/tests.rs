//! The file of the record: several writers, torn lines, rotation, and an end that is missing.

use std::io::BufReader;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::chain::{Report, Walk};

fn line(number: u64) -> Line {
    let line = json!({ "event": "ended", "call": number, "tool": "x".repeat(20) });
    line.as_object().cloned().unwrap()
}

fn ledger(folder: &TempDir, run: &str) -> Ledger {
    Ledger::new(folder.path().join("audit/calls.jsonl"), run.to_owned())
}

/// Walks the whole record, and holds its end to the head beside it.
fn verify(path: &Path) -> Result<Report, String> {
    let mut walk = Walk::new(Vec::new());
    let files = older(path).unwrap().into_iter().map(|(_, path)| path);
    for file in files.chain([path.to_owned()]) {
        let mut file = BufReader::new(File::open(file).unwrap());
        walk.file(&mut file).map_err(|broken| broken.why)?;
    }
    let report = walk.end().map_err(|broken| broken.why)?;
    match chain::head(path).unwrap() {
        Some(head) if head == report.head => Ok(report),
        other => Err(format!("the head is {other:?}")),
    }
}

fn calls(path: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter_map(|line| chain::read(line.as_bytes()));
    lines
        .filter_map(|line| line.members.get("call")?.as_u64())
        .collect()
}

#[test]
fn two_processes_append_in_turn_and_the_chain_holds() {
    let folder = TempDir::new().unwrap();
    let path = ledger(&folder, "").path;
    std::thread::scope(|scope| {
        for run in ["a", "b", "c"] {
            let mut ledger = ledger(&folder, run);
            scope.spawn(move || {
                for number in 0..30 {
                    ledger.append(&[line(number), line(number)]).unwrap();
                }
            });
        }
    });
    // Each says once that it opened the record.
    assert_eq!(verify(&path).unwrap().lines, 3 * (30 * 2 + 1));
    // The control: a changed byte is found.
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"call\":7", "\"call\":8", 1)).unwrap();
    assert!(verify(&path).is_err());
}

#[test]
fn a_full_file_is_followed_by_another_and_the_chain_goes_on() {
    let folder = TempDir::new().unwrap();
    let mut ledger = Ledger {
        full: 2_000,
        ..ledger(&folder, "r")
    };
    for number in 0..40 {
        assert_eq!(ledger.append(&[line(number)]).unwrap(), None);
    }
    let files = older(&ledger.path).unwrap().len();
    assert!(files > 2, "{files}");
    let report = verify(&ledger.path).unwrap();
    assert_eq!(report.lines, 40 + 1 + files as u64);
}

#[test]
fn a_record_without_its_end_is_set_aside_and_that_is_said() {
    let folder = TempDir::new().unwrap();
    let mut first = ledger(&folder, "a");
    first.append(&[line(1), line(2), line(3)]).unwrap();
    let text = std::fs::read_to_string(&first.path).unwrap();
    let kept: String = text.split_inclusive('\n').take(2).collect();
    std::fs::write(&first.path, kept).unwrap();
    let told = ledger(&folder, "b").append(&[line(4)]).unwrap().unwrap();
    assert!(told.contains("damaged-"), "{told}");
    assert_eq!(calls(&first.path), [4]);
    assert!(verify(&first.path).is_ok());
    let damaged = std::fs::read_dir(first.path.parent().unwrap()).unwrap();
    let damaged = damaged.flatten().find(|entry| entry.path().is_dir());
    let damaged = damaged.unwrap().path().join("calls.jsonl");
    assert_eq!(calls(&damaged), [1]);
    // What is left of the old one still shows that its end is missing.
    assert!(verify(&damaged).is_err());
}

#[test]
fn what_cannot_be_written_is_said_and_written_later() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("audit"), "in the way").unwrap();
    let mut ledger = ledger(&folder, "a");
    assert!(ledger.append(&[line(1)]).is_err());
    std::fs::remove_file(folder.path().join("audit")).unwrap();
    ledger.append(&[line(1)]).unwrap();
    assert_eq!(verify(&ledger.path).unwrap().lines, 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_line_torn_anywhere_loses_no_line_before_it(cut in 1_usize..400) {
        let folder = TempDir::new().unwrap();
        let mut first = ledger(&folder, "a");
        first.append(&[line(1)]).unwrap();
        let before = std::fs::read(&first.path).unwrap();
        let head = chain::head(&first.path).unwrap().unwrap();
        first.append(&[line(2)]).unwrap();
        let after = std::fs::read(&first.path).unwrap();
        // The process was killed within the write, and never wrote its head.
        let cut = before.len() + cut % (after.len() - before.len() + 1);
        std::fs::write(&first.path, &after[..cut]).unwrap();
        std::fs::write(beside(&first.path, "head"), format!("{}\n", head.text())).unwrap();
        prop_assert_eq!(ledger(&folder, "b").append(&[line(3)]).unwrap(), None);
        prop_assert!(verify(&first.path).is_ok(), "cut at {}", cut);
        let found = calls(&first.path);
        prop_assert!(found == [1, 3] || found == [1, 2, 3], "{:?}", found);
    }
}
