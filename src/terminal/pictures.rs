//! Pictures as real pixels, where the terminal can: Kitty, iTerm2 and Sixel. All others show the half blocks of the view.
//!
//! What the terminal can is read from the environment and never asked: an answer that does not come would hold up the first
//! frame, and one that comes late would be taken for keys. Called by `canvas` alone.

use std::collections::VecDeque;
use std::panic::catch_unwind;

use crossterm::terminal::window_size;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;
use ratatui::widgets::Widget;
use ratatui_image::picker::{Picker, ProtocolType};
use ratatui_image::sliced::{SignedPosition, SlicedImage, SlicedProtocol};
use ratatui_image::{FontSize, Resize};

use crate::view::picture::{self, Job, Picture};

/// Pictures that are kept encoded; each is up to a few megabytes.
const KEPT: usize = 16;
/// A cell's pixels where the terminal does not tell them and pictures are forced.
const CELL: (u16, u16) = (10, 20);

/// How pictures are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Off,
    Halves,
    Pixels(ProtocolType),
}

/// A picture, made.
pub struct Made {
    job: Job,
    lines: Result<Picture, String>,
    pixels: Option<SlicedProtocol>,
}

/// Knows how to make pictures; goes along with the work.
#[derive(Clone)]
pub struct Maker {
    picker: Option<Picker>,
    true_colour: bool,
}

impl Maker {
    /// Decodes and encodes. Takes long: not for the draw thread.
    pub fn make(&self, job: Job) -> Made {
        // A decoder that panics on what a server sent must not leave the picture waiting for ever.
        let image = catch_unwind(|| picture::read(&job))
            .unwrap_or_else(|_| Err("its decoder gave up".to_owned()));
        let lines = image
            .as_ref()
            .map(|image| picture::halves(&job, image, self.true_colour))
            .map_err(Clone::clone);
        let size = Size::new(job.cols, job.rows);
        // What cannot be encoded is still seen as half blocks.
        let pixels = self
            .picker
            .as_ref()
            .zip(image.ok())
            .and_then(|(to, image)| {
                SlicedProtocol::new_with_resize(to, image, size, Resize::Scale(None)).ok()
            });
        Made { job, lines, pixels }
    }
}

/// The pictures that can stand on the screen as pixels.
pub struct Pictures {
    maker: Maker,
    is_on: bool,
    kept: VecDeque<(u16, u16, SlicedProtocol)>,
}

impl Pictures {
    /// By the environment of this process.
    pub fn here() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let forced = variable("MCPDECK_IMAGES").is_some_and(|value| !value.is_empty());
        let way = way(variable);
        let picker = match way {
            Way::Pixels(protocol) => cell(forced).map(|cell| picker(cell, protocol)),
            Way::Off | Way::Halves => None,
        };
        let true_colour = picker.is_some()
            || variable("COLORTERM").is_some_and(|value| matches!(&*value, "truecolor" | "24bit"));
        Self {
            maker: Maker {
                picker,
                true_colour,
            },
            is_on: way != Way::Off,
            kept: VecDeque::new(),
        }
    }

    /// Whether pictures are drawn at all.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Who makes them.
    pub fn maker(&self) -> Maker {
        self.maker.clone()
    }

    /// Keeps the pixels and gives what the view wants.
    pub fn keep(&mut self, made: Made) -> (Job, Result<Picture, String>) {
        if let Some(pixels) = made.pixels {
            self.kept
                .push_back((made.job.number, made.job.cols, pixels));
            if self.kept.len() > KEPT {
                self.kept.pop_front();
            }
        }
        (made.job, made.lines)
    }

    /// Puts pixels where the view has marked a picture, and takes the marks out.
    pub fn place(&self, buffer: &mut Buffer) {
        let area = buffer.area;
        let mut placed: Vec<Placed> = Vec::new();
        for (x, y) in area.positions().map(|at| (at.x, at.y)) {
            let Some(cell) = buffer.cell_mut((x, y)) else {
                continue;
            };
            let mark = std::mem::replace(&mut cell.underline_color, Color::Reset);
            let Some((number, row)) = picture::marked(mark) else {
                continue;
            };
            match placed.iter_mut().find(|of| of.goes_on(number, row, x, y)) {
                Some(of) => of.rows += 1,
                None => placed.push(Placed {
                    number,
                    first: row,
                    x,
                    y,
                    rows: 1,
                }),
            }
        }
        for of in placed {
            let Some((_, cols, pixels)) = self.kept.iter().find(|kept| kept.0 == of.number) else {
                continue;
            };
            let area = Rect::new(of.x, of.y, *cols, of.rows).intersection(buffer.area);
            for at in area.positions() {
                if let Some(cell) = buffer.cell_mut(at) {
                    cell.reset();
                }
            }
            let above = i16::try_from(of.first).unwrap_or(0);
            let at = SignedPosition::from((0, -above));
            SlicedImage::new(pixels, at).render(area, buffer);
        }
    }
}

/// Rows of one picture that stand below each other.
struct Placed {
    number: u16,
    first: u16,
    x: u16,
    y: u16,
    rows: u16,
}

impl Placed {
    fn goes_on(&self, number: u16, row: u16, x: u16, y: u16) -> bool {
        self.number == number
            && self.x == x
            && self.y + self.rows == y
            && self.first + self.rows == row
    }
}

/// The pixels of a cell, by a system call.
fn cell(forced: bool) -> Option<FontSize> {
    let size = window_size().ok();
    let known = size.and_then(|size| {
        let wide = size.width.checked_div(size.columns)?;
        let high = size.height.checked_div(size.rows)?;
        (wide > 0 && high > 0).then(|| FontSize::new(wide, high))
    });
    known.or_else(|| forced.then(|| FontSize::new(CELL.0, CELL.1)))
}

/// The other ways to make one ask the terminal.
#[allow(deprecated)]
fn picker(cell: FontSize, protocol: ProtocolType) -> Picker {
    let mut picker = Picker::from_fontsize(cell);
    picker.set_protocol_type(protocol);
    picker
}

/// `MCPDECK_IMAGES`, else what is known of the terminal that the environment names.
fn way(variable: impl Fn(&str) -> Option<String>) -> Way {
    let value = |name: &str| variable(name).unwrap_or_default();
    match value("MCPDECK_IMAGES").as_str() {
        "off" => return Way::Off,
        "halfblocks" => return Way::Halves,
        "kitty" => return Way::Pixels(ProtocolType::Kitty),
        "iterm2" => return Way::Pixels(ProtocolType::Iterm2),
        "sixel" => return Way::Pixels(ProtocolType::Sixel),
        _ => {}
    }
    let (term, program) = (value("TERM"), value("TERM_PROGRAM"));
    // A multiplexer lies between, and the variables of the terminal around it may be those of an earlier one.
    let multiplexed = ["TMUX", "STY", "ZELLIJ"].iter();
    if term.starts_with("tmux")
        || term.starts_with("screen")
        || multiplexed
            .map(|name| value(name))
            .any(|set| !set.is_empty())
    {
        return Way::Halves;
    }
    if term == "xterm-kitty" || term == "xterm-ghostty" || !value("KITTY_WINDOW_ID").is_empty() {
        return Way::Pixels(ProtocolType::Kitty);
    }
    match program.as_str() {
        "ghostty" => Way::Pixels(ProtocolType::Kitty),
        "iTerm.app" | "WezTerm" => Way::Pixels(ProtocolType::Iterm2),
        _ if term.starts_with("foot") || term.starts_with("mlterm") => {
            Way::Pixels(ProtocolType::Sixel)
        }
        _ => Way::Halves,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRIPES: &str = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAAECAIAAAArjXluAAAAE0lEQVR42mP4z8AARGACQf8HAwB9ngv1mu+BCgAAAABJRU5ErkJggg==";

    fn with(variables: &[(&str, &str)]) -> Way {
        way(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_says_what_the_terminal_can() {
        assert_eq!(with(&[]), Way::Halves);
        let kitty = Way::Pixels(ProtocolType::Kitty);
        assert_eq!(with(&[("TERM", "xterm-kitty")]), kitty);
        assert_eq!(with(&[("KITTY_WINDOW_ID", "1")]), kitty);
        let inside = [("KITTY_WINDOW_ID", "1"), ("TMUX", "/tmp/x,1,0")];
        assert_eq!(with(&inside), Way::Halves);
        let iterm2 = Way::Pixels(ProtocolType::Iterm2);
        assert_eq!(with(&[("TERM_PROGRAM", "iTerm.app")]), iterm2);
        let sixel = Way::Pixels(ProtocolType::Sixel);
        assert_eq!(with(&[("TERM", "foot")]), sixel);
        let forced = [("MCPDECK_IMAGES", "sixel"), ("TERM", "xterm-kitty")];
        assert_eq!(with(&forced), sixel);
        assert_eq!(with(&[("MCPDECK_IMAGES", "off")]), Way::Off);
    }

    /// The cells of the second row of a picture of two, as they are written for this kind of terminal.
    fn placed(protocol: ProtocolType) -> (String, Color) {
        let cell = FontSize::new(10, 20);
        let maker = Maker {
            picker: Some(picker(cell, protocol)),
            true_colour: true,
        };
        let mut pictures = Pictures {
            maker: maker.clone(),
            is_on: true,
            kept: VecDeque::new(),
        };
        let job = Job::of(STRIPES, 10).unwrap();
        let [high, low] = job.number.to_be_bytes();
        let (_, lines) = pictures.keep(maker.make(job));
        assert!(lines.is_ok());
        let mut buffer = Buffer::with_lines(["above ", " ▀▀ ok"]);
        buffer[(1, 1)].underline_color = Color::Rgb(high, low, 1);
        pictures.place(&mut buffer);
        assert_eq!(buffer[(5, 1)].symbol(), "k");
        assert_eq!(buffer[(0, 0)].symbol(), "a");
        let cell = &buffer[(1, 1)];
        (cell.symbol().to_owned(), cell.underline_color)
    }

    #[test]
    fn pixels_stand_where_the_view_has_marked_a_picture() {
        for (protocol, sign) in [
            (ProtocolType::Kitty, "\u{10EEEE}"),
            (ProtocolType::Iterm2, "]1337;File=inline=1"),
            (ProtocolType::Sixel, "\u{1b}P"),
        ] {
            let (symbol, mark) = placed(protocol);
            assert!(symbol.contains(sign), "{protocol:?}: {symbol:?}");
            assert_eq!(mark, Color::Reset);
        }
    }
}
