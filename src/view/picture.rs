//! Pictures as lines of half blocks: a cell is two pixels, one above the other.
//!
//! Pure. Decoding takes long, and what is decoded is a server's: as with [`super::highlight`], the view leaves a [`Job`] in the
//! memo, and the terminal runs `read` and `halves` (feature `images`) on it away from the draw thread and hands the answer to
//! [`super::Memo::show`]. Each row of a picture is marked by the underline colour of its first cell, which no text has, so that the
//! terminal finds where a picture stands and can put real pixels there; it must take the marks out before a frame is written.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

#[cfg(feature = "images")]
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use ratatui::style::Color;
#[cfg(feature = "images")]
use ratatui::style::Style;
#[cfg(feature = "images")]
use ratatui::text::Line;

use crate::app::picture;
use crate::view::styled::Lines;
#[cfg(feature = "images")]
use crate::view::styled::{self, Spans};

/// Cells of a picture at most: all of it is to be seen at once.
const COLS: usize = 80;
const ROWS: u32 = 20;
/// Bytes of a picture that are decoded.
const BYTES: u64 = 8 << 20;
/// Pixels of a picture that are decoded.
const PIXELS: u64 = 16 << 20;
/// Bytes that a decoder may take for itself.
#[cfg(feature = "images")]
const MEMORY: u64 = 160 << 20;
/// Pictures kept.
const KEPT: usize = 48;

/// A picture that waits to be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    key: u64,
    /// What its rows are marked with.
    pub number: u16,
    /// base64.
    pub data: String,
    /// Columns that it takes.
    pub cols: u16,
    /// Rows that it takes.
    pub rows: u16,
}

/// A picture as lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub(super) lines: Lines,
}

/// A picture, or why it is not drawn.
pub(super) type Seen = Result<Picture, String>;

/// The pictures that a memo keeps.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// Whether anybody makes pictures.
    pub on: bool,
    pub known: HashMap<u64, Option<Arc<Seen>>>,
    pub waiting: Vec<Job>,
    /// The keys in their order of coming.
    order: VecDeque<u64>,
    numbers: u16,
}

impl Shelf {
    /// What is known of it; when nothing is, a job waits from now on.
    pub fn get(&mut self, key: u64, data: &str, cols: usize) -> Option<Arc<Seen>> {
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        self.order.push_back(key);
        let seen = match room(data, cols) {
            Ok((cols, rows)) => {
                self.numbers = self.numbers.wrapping_add(1);
                self.waiting.push(Job {
                    key,
                    number: self.numbers,
                    data: data.to_owned(),
                    cols,
                    rows,
                });
                None
            }
            Err(why) => Some(Arc::new(Err(why))),
        };
        self.known.insert(key, seen.clone());
        seen
    }

    pub fn put(&mut self, job: &Job, seen: Seen) {
        if let Some(known) = self.known.get_mut(&job.key) {
            *known = Some(Arc::new(seen));
        }
    }

    pub fn forget(&mut self) {
        self.known.clear();
        self.order.clear();
        self.waiting.clear();
    }

    /// The oldest go. Blocks that hold them keep their lines; one that is laid out anew asks again. While pictures are being
    /// made none goes: an answer with more than are kept would ask for those that went with each that comes.
    pub fn trim(&mut self) {
        if self.known.values().any(Option::is_none) {
            return;
        }
        while self.order.len() > KEPT {
            if let Some(key) = self.order.pop_front() {
                self.known.remove(&key);
            }
        }
    }
}

#[cfg(all(test, feature = "images"))]
impl Job {
    /// A job for this picture.
    pub(crate) fn of(data: &str, cols: usize) -> Option<Self> {
        let mut shelf = Shelf::default();
        shelf.get(1, data, cols);
        shelf.waiting.pop()
    }
}

/// The columns and rows that it takes, or why it is not even decoded.
fn room(data: &str, cols: usize) -> Result<(u16, u16), String> {
    let (wide, high) = picture::pixels(data).ok_or("of a kind that is not known here")?;
    if picture::bytes(data) > BYTES {
        return Err(format!("it has more than {} MiB", BYTES >> 20));
    }
    if u64::from(wide) * u64::from(high) > PIXELS {
        return Err(format!("it has more than {} megapixels", PIXELS >> 20));
    }
    let (wide, high) = (u64::from(wide), u64::from(high));
    let most = cols.clamp(1, COLS) as u64;
    let mut cols = most.min(wide);
    let mut rows = (cols * high).div_ceil(wide * 2);
    if rows > u64::from(ROWS) {
        rows = u64::from(ROWS);
        cols = (rows * 2 * wide / high).clamp(1, cols);
    }
    let small = |number: u64| u16::try_from(number.max(1)).unwrap_or(1);
    Ok((small(cols), small(rows)))
}

/// The number and the row of a picture that this underline colour marks.
pub fn marked(colour: Color) -> Option<(u16, u16)> {
    match colour {
        Color::Rgb(high, low, row) => Some((u16::from_be_bytes([high, low]), u16::from(row))),
        _ => None,
    }
}

/// Decodes within limits. Takes long: not for the draw thread.
///
/// # Errors
/// Why it cannot be drawn.
#[cfg(feature = "images")]
pub fn read(job: &Job) -> Result<DynamicImage, String> {
    let bytes = picture::decoded(&job.data)?;
    let told = |error: image::ImageError| error.to_string();
    let mut reader = ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(told)?;
    // The decoder reads the header by itself, and it may see another one.
    let (wide, high) = decoder.dimensions();
    if u64::from(wide) * u64::from(high) > PIXELS {
        return Err(format!("it has more than {} megapixels", PIXELS >> 20));
    }
    DynamicImage::from_decoder(decoder).map_err(told)
}

/// The picture as half blocks, in the colours of 24 bits or of the table of 256.
#[cfg(feature = "images")]
pub fn halves(job: &Job, image: &DynamicImage, true_colour: bool) -> Picture {
    let (cols, rows) = (u32::from(job.cols), u32::from(job.rows));
    let small = image.thumbnail_exact(cols, rows * 2).to_rgba8();
    let colour = |x: u32, y: u32| match small.get_pixel(x, y).0 {
        [_, _, _, alpha] if alpha < 128 => Color::Reset,
        [red, green, blue, _] if true_colour => Color::Rgb(red, green, blue),
        [red, green, blue, _] => Color::Indexed(nearest(red, green, blue)),
    };
    let row = |row: u32| {
        let [high, low] = job.number.to_be_bytes();
        let mark = Color::Rgb(high, low, u8::try_from(row).unwrap_or(u8::MAX));
        let cell = |col: u32| {
            let (sign, style) = half(colour(col, row * 2), colour(col, row * 2 + 1));
            let style = if col == 0 {
                style.underline_color(mark)
            } else {
                style
            };
            styled::span(sign, style)
        };
        Line::from((0..cols).map(cell).collect::<Spans>())
    };
    Picture {
        lines: (0..rows).map(row).collect(),
    }
}

/// Where a half is transparent, what lies behind the text is seen.
#[cfg(feature = "images")]
fn half(upper: Color, lower: Color) -> (&'static str, Style) {
    let style = Style::new();
    match (upper, lower) {
        (Color::Reset, Color::Reset) => (" ", style),
        (Color::Reset, lower) => ("▄", style.fg(lower)),
        (upper, Color::Reset) => ("▀", style.fg(upper)),
        (upper, lower) => ("▀", style.fg(upper).bg(lower)),
    }
}

/// The nearest of the 6x6x6 colours, or of the greys.
#[cfg(feature = "images")]
fn nearest(red: u8, green: u8, blue: u8) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let level = |of: u8| {
        let near = LEVELS.iter().zip(0u8..);
        near.min_by_key(|(level, _)| level.abs_diff(of))
            .map_or(0, |(_, at)| at)
    };
    let spread = red.max(green).max(blue) - red.min(green).min(blue);
    if spread < 10 && (8..=243).contains(&green) {
        return 232 + ((u16::from(green) - 8) / 10).min(23) as u8;
    }
    16 + 36 * level(red) + 6 * level(green) + level(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRIPES: &str = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAAECAIAAAArjXluAAAAE0lEQVR42mP4z8AARGACQf8HAwB9ngv1mu+BCgAAAABJRU5ErkJggg==";

    #[test]
    fn a_picture_takes_the_room_that_it_needs() {
        assert_eq!(room(STRIPES, 100), Ok((2, 2)));
        let vga = "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAYAAAA10dzk";
        assert_eq!(room(vga, 40), Ok((40, 15)));
        assert_eq!(room(vga, 400), Ok((53, 20)));
        assert_eq!(room(vga, 0), Ok((1, 1)));
    }

    #[test]
    fn a_picture_of_a_billion_pixels_is_not_even_decoded() {
        let huge = "iVBORw0KGgoAAAANSUhEUgAA//8AAP//CAYAAAAAAAA=";
        assert!(picture::pixels(huge).is_some());
        let why = room(huge, 80).unwrap_err();
        assert!(why.contains("megapixels"), "{why}");
    }

    #[test]
    fn more_than_are_kept_are_made_once_each() {
        let mut shelf = Shelf::default();
        let keys = 0..KEPT as u64 + 9;
        for key in keys.clone() {
            shelf.get(key, STRIPES, 10);
            shelf.trim();
        }
        let jobs = std::mem::take(&mut shelf.waiting);
        assert_eq!(jobs.len(), KEPT + 9);
        for job in &jobs {
            shelf.put(job, Err("no".into()));
        }
        assert!(
            keys.clone()
                .all(|key| shelf.get(key, STRIPES, 10).is_some())
        );
        assert!(shelf.waiting.is_empty());
        shelf.trim();
        assert_eq!(shelf.known.len(), KEPT);
    }

    #[cfg(feature = "images")]
    #[test]
    fn what_is_cut_off_is_told() {
        let vga = "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAYAAAA10dzk";
        let job = Job::of(vga, 80).unwrap();
        assert!(!read(&job).unwrap_err().is_empty());
    }
}
