//! Colours by role. A state is always told by word and sign too, so that every theme, `mono` among them, shows the same.
//!
//! Pure. The terminal chooses one; nothing else in the view names a colour.

use ratatui::style::{Color, Modifier, Style};

/// The styles of one theme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Its name, as in `theme = "dark"`.
    pub name: &'static str,
    /// Plain text.
    pub text: Style,
    /// Secondary text.
    pub dim: Style,
    /// What draws the eye: prompt, focus, headings.
    pub accent: Style,
    /// Names and titles.
    pub strong: Style,
    /// Frames and rules.
    pub border: Style,
    /// The frame of the pane that has the keys.
    pub border_focus: Style,
    /// It went well.
    pub good: Style,
    /// It waits, or is odd.
    pub warn: Style,
    /// It went wrong.
    pub bad: Style,
    /// It is under way.
    pub busy: Style,
    /// Inline code and values.
    pub code: Style,
    /// Links.
    pub link: Style,
    /// A key in a hint.
    pub key: Style,
    /// The marked row.
    pub marked: Style,
    /// What can hide: control and zero-width characters made visible.
    pub reveal: Style,
    /// Words of a language.
    pub keyword: Style,
    /// Strings in code.
    pub string: Style,
    /// Numbers in code and JSON.
    pub number: Style,
    /// Comments in code.
    pub comment: Style,
    /// Functions and types in code.
    pub entity: Style,
}

/// The colours that tell one theme from another, from the 256 of xterm.
struct Palette {
    name: &'static str,
    dim: u8,
    accent: u8,
    border: u8,
    good: u8,
    warn: u8,
    bad: u8,
    busy: u8,
    code: u8,
    keyword: u8,
    string: u8,
    number: u8,
    entity: u8,
    marked: u8,
}

impl Theme {
    /// For dark backgrounds.
    pub fn dark() -> Self {
        Self::coloured(&Palette {
            name: "dark",
            dim: 248,
            accent: 80,
            border: 240,
            good: 114,
            warn: 221,
            bad: 210,
            busy: 117,
            code: 180,
            keyword: 176,
            string: 150,
            number: 215,
            entity: 117,
            marked: 236,
        })
    }

    /// For light backgrounds: each colour stands at least 4.5 to 1 against white.
    pub fn light() -> Self {
        Self::coloured(&Palette {
            name: "light",
            dim: 241,
            accent: 25,
            border: 248,
            good: 22,
            warn: 94,
            bad: 124,
            busy: 25,
            code: 88,
            keyword: 90,
            string: 22,
            number: 94,
            entity: 25,
            marked: 254,
        })
    }

    /// Without any colour.
    pub fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        Self {
            name: "mono",
            text: plain,
            dim,
            accent: bold,
            strong: bold,
            border: dim,
            border_focus: bold,
            good: plain,
            warn: bold,
            bad: bold,
            busy: plain,
            code: bold,
            link: plain.add_modifier(Modifier::UNDERLINED),
            key: bold,
            marked: plain.add_modifier(Modifier::REVERSED),
            reveal: plain.add_modifier(Modifier::REVERSED),
            keyword: bold,
            string: plain,
            number: plain,
            comment: dim,
            entity: plain,
        }
    }

    /// The theme of this name (`dark`, `light`, `mono`).
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "dark" => Some(Self::dark()),
            "light" => Some(Self::light()),
            "mono" => Some(Self::mono()),
            _ => None,
        }
    }

    fn coloured(of: &Palette) -> Self {
        let plain = Style::new();
        let colour = |index: u8| plain.fg(Color::Indexed(index));
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            name: of.name,
            text: plain,
            dim: colour(of.dim),
            accent: colour(of.accent).add_modifier(Modifier::BOLD),
            strong: bold,
            border: colour(of.border),
            border_focus: colour(of.accent),
            good: colour(of.good),
            warn: colour(of.warn),
            bad: colour(of.bad),
            busy: colour(of.busy),
            code: colour(of.code),
            link: colour(of.accent).add_modifier(Modifier::UNDERLINED),
            key: bold,
            marked: plain
                .bg(Color::Indexed(of.marked))
                .add_modifier(Modifier::BOLD),
            reveal: colour(of.bad).add_modifier(Modifier::REVERSED),
            keyword: colour(of.keyword),
            string: colour(of.string),
            number: colour(of.number),
            comment: colour(of.dim).add_modifier(Modifier::ITALIC),
            entity: colour(of.entity),
        }
    }

    /// The styles that carry words, for checks of contrast.
    #[cfg(test)]
    fn worded(&self) -> Vec<Style> {
        vec![
            self.dim,
            self.accent,
            self.good,
            self.warn,
            self.bad,
            self.busy,
            self.code,
            self.link,
            self.keyword,
            self.string,
            self.number,
            self.comment,
            self.entity,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of an xterm colour, by WCAG.
    fn luminance(index: u8) -> f64 {
        let channels: [u8; 3] = match index {
            232..=255 => [8 + (index - 232) * 10; 3],
            16..=231 => {
                let level = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
                let cube = index - 16;
                [level(cube / 36), level(cube / 6 % 6), level(cube % 6)]
            }
            _ => panic!("the first sixteen colours differ from terminal to terminal"),
        };
        let linear = channels.map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    fn contrast(a: f64, b: f64) -> f64 {
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn words_stand_out_from_the_background_and_from_a_marked_row() {
        for (theme, ground) in [(Theme::dark(), 0.01), (Theme::light(), 1.0)] {
            let Some(Color::Indexed(marked)) = theme.marked.bg else {
                panic!("{} has no colour for the marked row", theme.name);
            };
            for style in theme.worded() {
                let Some(Color::Indexed(index)) = style.fg else {
                    panic!("{} has a word without a colour", theme.name);
                };
                let seen = contrast(luminance(index), ground);
                assert!(seen >= 4.5, "{} {index}: {seen:.1}", theme.name);
                let seen = contrast(luminance(index), luminance(marked));
                assert!(seen >= 4.0, "{} {index} marked: {seen:.1}", theme.name);
            }
        }
    }

    #[test]
    fn mono_has_no_colour_and_names_are_found() {
        let all = format!("{:?}", Theme::mono());
        assert!(!all.contains("Indexed") && !all.contains("Rgb"), "{all}");
        for name in ["dark", "light", "mono"] {
            assert_eq!(Theme::by_name(name).map(|theme| theme.name), Some(name));
        }
        assert_eq!(Theme::by_name("neon"), None);
    }
}
