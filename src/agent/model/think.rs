//! `<think>` at the beginning of an answer: reasoning that an endpoint left in the text.
//!
//! Pure; used by `assemble`. Only at the beginning: further down the same letters are the subject of an answer, not its reasoning.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Splits what comes in pieces.
#[derive(Debug, Clone, Default)]
pub struct Think {
    state: State,
    held: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Inside,
    /// Behind the end mark: the empty lines there belong to neither.
    Gap,
    Past,
}

/// One piece, told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parted {
    /// Reasoning.
    pub reasoning: String,
    /// Answer.
    pub text: String,
}

impl Think {
    /// More of the content.
    pub fn push(&mut self, piece: &str) -> Parted {
        let mut parted = Parted::default();
        self.held.push_str(piece);
        if self.state == State::Start {
            let start = self.held.trim_start();
            if let Some(inside) = start.strip_prefix(OPEN) {
                self.held = inside.to_owned();
                self.state = State::Inside;
            } else if !OPEN.starts_with(start) {
                self.state = State::Past;
            }
        }
        if self.state == State::Inside {
            if let Some((inside, rest)) = self.held.split_once(CLOSE) {
                parted.reasoning = inside.to_owned();
                self.held = rest.to_owned();
                self.state = State::Gap;
            } else {
                let keep = tail_of_mark(&self.held);
                parted.reasoning = self.held[..self.held.len() - keep].to_owned();
                self.held.drain(..self.held.len() - keep);
            }
        }
        if self.state == State::Gap {
            self.held = self.held.trim_start().to_owned();
            if !self.held.is_empty() {
                self.state = State::Past;
            }
        }
        if self.state == State::Past {
            parted.text = std::mem::take(&mut self.held);
        }
        parted
    }

    /// What is left at the end.
    pub fn finish(self) -> Parted {
        match self.state {
            State::Inside => Parted {
                reasoning: self.held,
                text: String::new(),
            },
            State::Start | State::Gap | State::Past => Parted {
                reasoning: String::new(),
                text: self.held,
            },
        }
    }
}

/// How many bytes at the end may be the beginning of the end mark.
fn tail_of_mark(text: &str) -> usize {
    (1..CLOSE.len())
        .rev()
        .find(|length| text.ends_with(&CLOSE[..*length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(pieces: impl IntoIterator<Item = String>) -> Parted {
        let mut think = Think::default();
        let mut all = Parted::default();
        for piece in pieces {
            let parted = think.push(&piece);
            all.reasoning += &parted.reasoning;
            all.text += &parted.text;
        }
        let last = think.finish();
        Parted {
            reasoning: all.reasoning + &last.reasoning,
            text: all.text + &last.text,
        }
    }

    proptest! {
        #[test]
        fn any_cut_parts_the_same(which in 0..5_usize, cuts in proptest::collection::vec(1..6_usize, 1..60)) {
            let (whole, reasoning, text) = [
                ("\n<think>Hm, <b> </thin x</think>\n\nTiếng Việt", "Hm, <b> </thin x", "Tiếng Việt"),
                ("No <think>tag</think> here", "", "No <think>tag</think> here"),
                ("<thinking> aloud", "", "<thinking> aloud"),
                ("<think>never ended </thi", "never ended </thi", ""),
                ("  <thi", "", "  <thi"),
            ][which];
            let mut letters = whole.chars();
            let pieces = cuts.iter().cycle().map_while(|cut| {
                let piece: String = letters.by_ref().take(*cut).collect();
                (!piece.is_empty()).then_some(piece)
            });
            let parted = part(pieces);
            prop_assert_eq!(parted.reasoning, reasoning);
            prop_assert_eq!(parted.text, text);
        }
    }
}
