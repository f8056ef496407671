//! Sessions on a disk whose operations fail one after the other: nothing that was shown as saved is lost.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::disk::{Disk, Machine, Out};
use super::journal::Durable;
use super::tests::{files, order, place};
use super::writer::Writer;
use crate::host::session::{Line, Reading, SessionEvent};

/// A disk of which one operation fails, and from then on all, or only that one.
#[derive(Debug, Clone)]
struct Faulty {
    count: Arc<AtomicUsize>,
    fails_at: usize,
    recovers: bool,
}

impl Faulty {
    fn check(&self) -> io::Result<()> {
        let now = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let fails = match self.recovers {
            true => now == self.fails_at,
            false => now >= self.fails_at,
        };
        match fails {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

impl Disk for Faulty {
    fn create(&self, path: &Path) -> io::Result<Out> {
        self.check()?;
        Ok(Box::new((self.clone(), Machine.create(path)?)))
    }
}

impl Durable for (Faulty, Out) {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let half = bytes.len().div_ceil(2);
        let failed = self.0.check();
        let written = self.1.append(&bytes[..half])?;
        failed.map(|()| written)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.check()?;
        self.1.sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.check()?;
        self.1.cut(length)
    }

    fn is_gone(&self) -> bool {
        self.1.is_gone()
    }
}

/// Ten orders; gives what was said to be safe, what stands in the file, and whether anything failed.
fn write_on(fails_at: usize, recovers: bool) -> (Vec<String>, Vec<String>, bool) {
    let data = tempfile::tempdir().unwrap();
    let mut place = place(data.path());
    place.disk = Arc::new(Faulty {
        count: Arc::default(),
        fails_at,
        recovers,
    });
    let mut writer = Writer::new(place);
    let (mut all, mut safe, mut failed) = (Vec::new(), Vec::new(), false);
    for batch in 1..=10 {
        let text = format!("line {batch}");
        let sync = batch % 2 == 0;
        let event = writer.write(order(0, batch, &[&text], sync));
        all.push(text);
        match event {
            SessionEvent::Written { synced: true, .. } => safe.clone_from(&all),
            SessionEvent::Written { .. } => {}
            SessionEvent::Unwritten { .. } => failed = true,
            other => panic!("{other:?}"),
        }
    }
    writer.finish();
    let files = files(data.path());
    assert!(files.len() <= 1, "{files:?}");
    let text = |line: Line| match line {
        Line::User { text, .. } => text,
        other => panic!("{other:?}"),
    };
    let stands = files
        .first()
        .map(|file| Reading::of(&fs::read(file).unwrap()));
    let stands = stands.map(|reading| reading.lines.into_iter().map(text).collect());
    (safe, stands.unwrap_or_default(), failed)
}

#[test]
fn whichever_operation_of_the_disk_fails_nothing_shown_as_saved_is_lost() {
    for recovers in [false, true] {
        let mut fails_at = 1;
        loop {
            let (safe, stands, failed) = write_on(fails_at, recovers);
            assert!(stands.starts_with(&safe), "{fails_at} {safe:?} {stands:?}");
            if recovers {
                assert_eq!(stands.len(), 10, "{fails_at} {stands:?}");
            }
            if !failed {
                break;
            }
            fails_at += 1;
        }
        assert!(fails_at > 20, "only {fails_at} operations were tried");
    }
}
