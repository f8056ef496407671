//! What the processes of a group use, from `/proc`. Nothing where there is none, as on macOS.
//!
//! Reads files: never called in the way of messages.

use std::path::Path;

use crate::mcp::health::ProcessUse;
use crate::mcp::transport::group::Group;

/// What all processes of the group use now; absent where the system does not tell, or where none of it is left.
pub fn of(group: Group) -> Option<ProcessUse> {
    let mut sum = ProcessUse::default();
    let ours = group.is_supervised().then(|| group.id().to_string());
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let is_process = process
            .file_name()
            .as_encoded_bytes()
            .iter()
            .all(u8::is_ascii_digit);
        // The supervisor is a part of us.
        let is_ours = ours
            .as_ref()
            .is_some_and(|ours| process.file_name() == ours.as_str());
        if !is_process || is_ours || group_of(&process.path()) != Some(group.id()) {
            continue;
        }
        sum.count += 1;
        sum.resident += resident(&process.path()).unwrap_or(0);
    }
    (sum.count > 0).then_some(sum)
}

/// The group of a process that runs; one that has ended and only waits for its parent uses nothing.
fn group_of(process: &Path) -> Option<i32> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    // `pid (name) state parent group ...`; the name may hold anything, also parentheses.
    let mut fields = stat.rsplit(") ").next()?.split(' ');
    let state = fields.next()?;
    (!matches!(state, "Z" | "X")).then(|| fields.nth(1)?.parse().ok())?
}

fn resident(process: &Path) -> Option<u64> {
    let status = std::fs::read_to_string(process.join("status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}
