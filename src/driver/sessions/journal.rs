//! A file that only grows, whole lines at a time, whatever the disk does: what could not be written is kept and written before
//! whatever comes next, and half a line is cut off first.
//!
//! Knows nothing of sessions. Whoever tests it gives it a file that fails.

use std::fs::File;
use std::io::{self, Write};

/// Where bytes come to rest.
pub trait Durable {
    /// Writes some of these at the end, and says how many.
    ///
    /// # Errors
    /// What the system says.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Brings everything to the disk.
    ///
    /// # Errors
    /// What the system says; what was written since the last good one may be lost.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts everything off behind this place.
    ///
    /// # Errors
    /// What the system says.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Whether nobody will ever find what is written here: the file was removed.
    fn is_gone(&self) -> bool;
}

impl<D: Durable + ?Sized> Durable for Box<D> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (**self).append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        (**self).sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        (**self).cut(length)
    }

    fn is_gone(&self) -> bool {
        (**self).is_gone()
    }
}

impl Durable for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn is_gone(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            self.metadata().is_ok_and(|about| about.nlink() == 0)
        }
        #[cfg(not(unix))]
        false
    }
}

/// The file with what is not on the disk yet.
#[derive(Debug)]
pub struct Journal<D> {
    out: D,
    /// Bytes that are on the disk.
    safe: u64,
    /// What comes behind them.
    tail: Vec<u8>,
    /// How much of the tail is written.
    written: usize,
    /// Behind the safe bytes may stand something that does not belong there.
    is_foul: bool,
}

impl<D: Durable> Journal<D> {
    /// A file of which the first `safe` bytes are good. What is behind them is cut off before the first line is written.
    pub fn new(out: D, safe: u64) -> Self {
        Self {
            out,
            safe,
            tail: Vec::new(),
            written: 0,
            is_foul: true,
        }
    }

    /// Adds lines; with `sync`, they and all before them are on the disk when this has returned well.
    ///
    /// # Errors
    /// What the system says. The lines are kept: the next call writes them first.
    pub fn add(&mut self, lines: &[u8], sync: bool) -> io::Result<()> {
        self.tail.extend_from_slice(lines);
        let outcome = self.write(sync);
        if outcome.is_err() {
            // Nobody knows what of it is there: of a failed sync not even what was written before.
            (self.written, self.is_foul) = (0, true);
            // Half a line does no harm where this fails too: it is cut off before the next one, or left out by the reader.
            let _tried_again = self.out.cut(self.safe);
        }
        outcome
    }

    fn write(&mut self, sync: bool) -> io::Result<()> {
        // A look into a file leaves it as it is.
        if self.tail.is_empty() {
            return Ok(());
        }
        if self.is_foul {
            self.out.cut(self.safe)?;
            self.is_foul = false;
        }
        while self.written < self.tail.len() {
            match self.out.append(&self.tail[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if sync {
            self.out.sync()?;
            self.safe += self.tail.len() as u64;
            self.tail.clear();
            self.written = 0;
        }
        Ok(())
    }

    /// Whether nobody will ever find what is written here.
    pub fn is_gone(&self) -> bool {
        self.out.is_gone()
    }

    /// Whether nothing of it is on the disk.
    pub fn is_empty(&self) -> bool {
        self.safe == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk of which one operation fails, and then, unless it recovers, all.
    #[derive(Default)]
    struct Faulty {
        bytes: Vec<u8>,
        operations: usize,
        fails_at: usize,
        recovers: bool,
        /// A sync that fails loses what was written since the last good one.
        synced: usize,
    }

    impl Faulty {
        fn fails(&mut self) -> bool {
            self.operations += 1;
            match self.recovers {
                true => self.operations == self.fails_at,
                false => self.operations >= self.fails_at,
            }
        }
    }

    impl Durable for Faulty {
        fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.fails() {
                // Half of it gets there, as on a disk that is full.
                self.bytes.extend_from_slice(&bytes[..bytes.len() / 2]);
                return Err(io::ErrorKind::StorageFull.into());
            }
            let some = bytes.len().div_ceil(2);
            self.bytes.extend_from_slice(&bytes[..some]);
            Ok(some)
        }

        fn sync(&mut self) -> io::Result<()> {
            if self.fails() {
                self.bytes.truncate(self.synced);
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.synced = self.bytes.len();
            Ok(())
        }

        fn cut(&mut self, length: u64) -> io::Result<()> {
            if self.fails() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let length = usize::try_from(length).unwrap();
            assert!(length >= self.synced, "what was said to be safe is cut off");
            self.bytes.truncate(length);
            Ok(())
        }

        fn is_gone(&self) -> bool {
            false
        }
    }

    /// Writes twenty lines, two a turn, and gives the file and the lines that were said to be safe.
    fn run(fails_at: usize, recovers: bool) -> (Faulty, Vec<u8>, Vec<u8>, bool) {
        let disk = Faulty {
            fails_at,
            recovers,
            ..Faulty::default()
        };
        let mut journal = Journal::new(disk, 0);
        let (mut all, mut safe, mut failed) = (Vec::new(), Vec::new(), false);
        for number in 0..20u32 {
            let line = format!("{{\"line\":{number}}}\n");
            all.extend_from_slice(line.as_bytes());
            let sync = number % 2 == 1;
            match journal.add(line.as_bytes(), sync) {
                Ok(()) if sync => safe.clone_from(&all),
                Ok(()) => {}
                Err(_) => failed = true,
            }
        }
        (journal.out, all, safe, failed)
    }

    #[test]
    fn whichever_operation_fails_nothing_that_was_said_to_be_safe_is_lost() {
        let mut fails_at = 1;
        loop {
            let (disk, _, safe, failed) = run(fails_at, false);
            assert!(
                disk.bytes.starts_with(&safe),
                "{fails_at}: {:?}",
                String::from_utf8_lossy(&disk.bytes)
            );
            if !failed {
                break;
            }
            fails_at += 1;
        }
        assert!(fails_at > 50, "only {fails_at} operations were tried");
    }

    #[test]
    fn a_disk_that_recovers_gets_every_line_once() {
        let mut fails_at = 1;
        loop {
            let (disk, all, safe, failed) = run(fails_at, true);
            // What failed last of all is kept, and nothing came behind it.
            if safe == all {
                assert_eq!(disk.bytes, all, "{fails_at}");
            }
            if !failed {
                break;
            }
            fails_at += 1;
        }
        assert!(fails_at > 50, "only {fails_at} operations were tried");
    }

    #[test]
    fn what_stands_behind_the_good_bytes_is_cut_off_before_the_first_line() {
        let disk = Faulty {
            bytes: b"{\"a\":1}\n{\"torn".to_vec(),
            fails_at: usize::MAX,
            ..Faulty::default()
        };
        let mut journal = Journal::new(disk, 8);
        journal.add(b"{\"b\":2}\n", true).unwrap();
        assert_eq!(journal.out.bytes, b"{\"a\":1}\n{\"b\":2}\n");
    }
}
