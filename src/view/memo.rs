//! Laid-out text kept between frames, by a digest of everything that went into it.
//!
//! It never changes what is drawn: an entry that is not there is laid out anew. Bounded, because a conversation is not.
//! The terminal keeps one; only the view reads it. The waiting syntax-colour jobs lie here too, and those of
//! pictures: see [`crate::view::highlight`] and [`crate::view::picture`].

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use ratatui::text::Line;

use crate::view::highlight::{self, Highlighted, Job};
use crate::view::picture::{self, Picture, Seen};
use crate::view::styled::Lines;

/// Blocks kept; what was not drawn for longest goes first.
const BLOCKS: usize = 512;
/// Lines kept in all blocks together.
const LINES: usize = 60_000;
/// Coloured code blocks kept.
const CODES: usize = 256;

/// What the view keeps between frames.
#[derive(Debug, Default)]
pub struct Memo {
    blocks: HashMap<u64, Block>,
    codes: HashMap<u64, Code>,
    waiting: Vec<Job>,
    pictures: picture::Shelf,
    frame: u64,
    plain: bool,
}

#[derive(Debug)]
struct Block {
    lines: Arc<[Line<'static>]>,
    used: u64,
    /// Holds a picture, or code whose colours have been asked for and are not there yet.
    plain: bool,
}

#[derive(Debug)]
struct Code {
    colours: Option<Arc<Highlighted>>,
    used: u64,
}

impl Memo {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The colour jobs that came up since the last call. Each is given once: run [`highlight::highlight_now`] on it away from the
    /// draw thread, hand the answer to [`Memo::fulfil`], and draw again.
    pub fn pending(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.waiting)
    }

    /// Takes in the colours of a job; what was drawn without them is laid out anew in the next frame.
    pub fn fulfil(&mut self, job: &Job, colours: Highlighted) {
        let code = Code {
            colours: Some(Arc::new(colours)),
            used: self.frame,
        };
        self.codes.insert(job.key, code);
        self.blocks.retain(|_, block| !block.plain);
    }

    /// From now on pictures are asked for: whoever says so must run the jobs.
    #[must_use]
    pub fn with_pictures(mut self) -> Self {
        self.pictures.on = true;
        self
    }

    /// Whether a picture may stand in the frame.
    pub fn has_pictures(&self) -> bool {
        !self.pictures.known.is_empty()
    }

    /// The pictures that came up since the last call, as [`Memo::pending`] gives colours.
    pub fn pending_pictures(&mut self) -> Vec<picture::Job> {
        std::mem::take(&mut self.pictures.waiting)
    }

    /// Takes in a picture, or why it cannot be drawn.
    pub fn show(&mut self, job: &picture::Job, picture: Result<Picture, String>) {
        self.pictures.put(job, picture);
        self.blocks.retain(|_, block| !block.plain);
    }

    /// All pictures are made anew: the terminal may have lost its own.
    pub fn forget_pictures(&mut self) {
        if self.has_pictures() {
            self.pictures.forget();
            self.blocks.clear();
        }
    }

    /// This picture, or nothing yet, or never: then a line of text stands alone.
    pub(super) fn picture(&mut self, data: &str, cols: usize) -> Option<Arc<Seen>> {
        let key = self.pictures.on.then(|| digest(&(data, cols)))?;
        let seen = self.pictures.get(key, data, cols);
        self.plain |= seen.is_none();
        seen
    }

    /// The colours of this code, or nothing yet: then it is drawn plain, and a job waits in [`Memo::pending`].
    pub(super) fn highlight(&mut self, language: &str, code: &str) -> Option<Arc<Highlighted>> {
        if !highlight::is_worth_it(language, code) {
            return None;
        }
        let key = digest(&(language, code));
        let frame = self.frame;
        if let Some(known) = self.codes.get_mut(&key) {
            known.used = frame;
            self.plain |= known.colours.is_none();
            return known.colours.clone();
        }
        self.plain = true;
        self.waiting.push(Job {
            key,
            language: language.to_owned(),
            code: code.to_owned(),
        });
        let colours = None;
        let used = frame;
        self.codes.insert(key, Code { colours, used });
        None
    }

    /// The block of this digest, laid out by `make` when it is not there.
    pub(super) fn lines(
        &mut self,
        key: u64,
        make: impl FnOnce(&mut Self) -> Lines,
    ) -> Arc<[Line<'static>]> {
        let frame = self.frame;
        if let Some(block) = self.blocks.get_mut(&key) {
            block.used = frame;
            return Arc::clone(&block.lines);
        }
        self.plain = false;
        let lines: Arc<[Line<'static>]> = make(self).into();
        let block = Block {
            lines: Arc::clone(&lines),
            used: frame,
            plain: self.plain,
        };
        self.blocks.insert(key, block);
        lines
    }

    pub(super) fn begin(&mut self) {
        self.frame += 1;
    }

    /// Keeps within the bounds: this frame's blocks stay, then the latest.
    pub(super) fn end(&mut self) {
        let lines: usize = self.blocks.values().map(|block| block.lines.len()).sum();
        if self.blocks.len() > BLOCKS || lines > LINES {
            let oldest = self
                .frame
                .saturating_sub(if lines > LINES { 0 } else { 60 });
            self.blocks.retain(|_, block| block.used >= oldest);
        }
        if self.blocks.len() > BLOCKS {
            let frame = self.frame;
            self.blocks.retain(|_, block| block.used == frame);
        }
        self.pictures.trim();
        if self.codes.len() > CODES {
            let frame = self.frame;
            // A job under way keeps its place, or it would be asked for twice.
            self.codes
                .retain(|_, code| code.colours.is_none() || code.used == frame);
        }
    }
}

/// A digest of anything that can be hashed. Equal input, equal digest, within one run of the program.
pub(super) fn digest(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_laid_out_once_and_again_when_its_colours_come() {
        let mut memo = Memo::new();
        let mut made = 0;
        let mut frame = |memo: &mut Memo| {
            memo.begin();
            memo.lines(1, |memo| {
                made += 1;
                memo.highlight("rust", "fn main() {}");
                vec![Line::from("x")]
            });
            memo.end();
        };
        frame(&mut memo);
        frame(&mut memo);
        let jobs = memo.pending();
        assert_eq!(jobs.len(), 1);
        assert!(memo.pending().is_empty(), "each job is given once");
        memo.fulfil(&jobs[0], highlight::highlight_now(&jobs[0]));
        frame(&mut memo);
        frame(&mut memo);
        assert_eq!(made, 2);
        assert!(memo.pending().is_empty());
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let mut memo = Memo::new();
        for key in 0..10_000u64 {
            memo.begin();
            memo.lines(key, |_| vec![Line::from("x"); 30]);
            memo.highlight("rust", &format!("let a = {key};"));
            for job in memo.pending() {
                memo.fulfil(&job, Highlighted::default());
            }
            memo.end();
            assert!(memo.blocks.len() <= BLOCKS + 1);
            assert!(memo.codes.len() <= CODES + 1);
        }
    }
}
