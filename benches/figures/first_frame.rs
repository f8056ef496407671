//! From the start of the program to its first whole frame on a terminal, with more and more servers configured.

use std::path::Path;
use std::time::Duration;

use crate::report::{Row, median};
use crate::terminal::{BASELINE, Running};
use crate::{PROGRAM, write};

const SERVERS: [usize; 4] = [0, 1, 10, 50];
const ROUNDS: usize = 15;
/// How much longer than a program that only opens the screen and draws.
const GOAL: f64 = 3.0;

/// One row for each number of servers.
pub fn measure() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    write(&folder.path().join("script.toml"), "");
    let own = std::env::current_exe().expect("this program's file");
    let own = own.to_string_lossy().into_owned();
    let mut samples: [Vec<Duration>; SERVERS.len()] = Default::default();
    let mut baseline = Vec::new();
    // In turn, so that a busy moment of the machine meets all alike.
    for _ in 0..ROUNDS {
        baseline.push(Running::start(&own, &[BASELINE], folder.path()).first_frame());
        for (count, samples) in SERVERS.into_iter().zip(&mut samples) {
            write(
                &folder.path().join("mcp.toml"),
                &configuration(count, folder.path()),
            );
            samples.push(Running::start(PROGRAM, &[], folder.path()).first_frame());
        }
    }
    let baseline = median(baseline);
    let rows = SERVERS.into_iter().zip(samples).map(|(count, samples)| {
        let what = format!("first frame, servers: {count}");
        Row::quotient(&what, median(samples), baseline, GOAL)
    });
    rows.collect()
}

fn configuration(servers: usize, folder: &Path) -> String {
    let script = folder.join("script.toml");
    let server = |number: usize| {
        format!(
            "[mcp_servers.s{number}]\ncommand = {PROGRAM:?}\nargs = [\"serve\", \"scripted\", {script:?}]\n"
        )
    };
    "[model]\nprovider = \"none\"\n".to_owned() + &(0..servers).map(server).collect::<String>()
}
