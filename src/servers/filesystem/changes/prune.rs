//! Forgets the oldest changes, with what they hold in the trash, by age, size and number. Never the one just made.

use chrono::{DateTime, TimeDelta, Utc};

use crate::servers::filesystem::changes::{End, Turn};

/// Changes that are remembered.
const MAX_CHANGES: usize = 20_000;

impl Turn<'_> {
    /// Forgets what is beyond the bounds of the trash. `just` is the change just made.
    pub(super) fn prune(&mut self, just: &str) {
        let days = i64::try_from(self.trash.max_days).unwrap_or(i64::MAX);
        let oldest = TimeDelta::try_days(days).and_then(|age| Utc::now().checked_sub_signed(age));
        let changes = self.journal.changes();
        let mut bytes: u64 = changes.iter().map(|change| change.kept()).sum();
        let mut count = changes.len();
        // Below the bounds by a little, so that not every change at the bound has to forget one.
        let over = bytes > self.trash.max_bytes || count > MAX_CHANGES;
        let (most_bytes, most) = if over {
            (self.trash.max_bytes / 10 * 9, MAX_CHANGES / 10 * 9)
        } else {
            (self.trash.max_bytes, MAX_CHANGES)
        };
        let mut forgotten = Vec::new();
        // Always the oldest ones, without a gap: what takes a change back is never forgotten before it.
        for change in changes {
            let is_old = oldest.is_some_and(|oldest| is_before(&change.begun.time, oldest));
            if change.begun.id == just || !(is_old || bytes > most_bytes || count > most) {
                break;
            }
            // What was cut short and not yet ended may be all there is of something.
            if change.end == End::Open && !is_old {
                continue;
            }
            bytes -= change.kept();
            count -= 1;
            forgotten.push(change.begun.id.clone());
        }
        self.forget(forgotten);
    }

    /// Removes folders of the trash that no change of the journal knows and that are too old.
    pub(super) fn sweep(&self) {
        let days = i64::try_from(self.trash.max_days).unwrap_or(i64::MAX);
        let Some(oldest) = TimeDelta::try_days(days).and_then(|d| Utc::now().checked_sub_signed(d))
        else {
            return;
        };
        let oldest = oldest.format("%Y%m%dT%H%M%SZ").to_string();
        for id in self.trash.slots() {
            let is_ours = id.len() > oldest.len() && id.as_bytes().get(8) == Some(&b'T');
            if is_ours && self.journal.get(&id).is_none() && id < oldest {
                let _next_time = self.trash.discard(&id);
            }
        }
    }
}

fn is_before(time: &str, oldest: DateTime<Utc>) -> bool {
    DateTime::parse_from_rfc3339(time).is_ok_and(|time| time < oldest)
}
