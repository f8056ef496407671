//! Secrets that come in pieces: a key is typed letter by letter, and a model's answer streams in parts, none of which is a secret.
//!
//! Pure. What is said in pieces waits, and with it all that comes after it, until a line of it is whole: then the line is looked
//! at as one text, and each piece of a secret becomes as many `*`. Frames that were drawn meanwhile lose their digests. Bounded:
//! what waits too long goes out as it is known by then.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::ids::Moment;
use crate::record::form::{Clean, name};

/// Bytes of one run that wait at most.
const MOST_TEXT: usize = 16 * 1024;
/// Lines that wait at most.
const MOST_LINES: usize = 4096;

/// Who says something in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The person, by keys.
    Typed,
    /// The model's answer in this stream.
    Text(u64),
    /// The model's reasoning in this stream.
    Reasoning(u64),
}

/// What a line is for those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It stands for itself.
    Whole,
    /// A piece, which stands at this JSON pointer of the body.
    Piece(Source, &'static str),
    /// Takes the last letter back.
    Back(Source),
    /// What was typed has come to its end.
    Typed,
    /// The stream has come to its end.
    Streamed(u64),
}

/// What is written of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// JSON that is clean already.
    Clean(String),
    /// A value, cleaned but for its piece.
    Value(Value),
}

/// One line that may wait.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The entry's name.
    pub name: &'static str,
    /// When.
    pub at: Moment,
    /// What.
    pub body: Body,
}

struct Waiting {
    line: Line,
    /// The piece of a run that is not over, if it is one.
    piece: Option<&'static str>,
}

#[derive(Default)]
struct Run {
    text: String,
    /// The number of the line and where the piece begins in the text. One that was taken back has no part in it.
    pieces: Vec<(u64, usize)>,
    taken_back: Vec<u64>,
}

/// The lines that wait.
pub struct Held {
    clean: Box<dyn Clean>,
    lines: VecDeque<Waiting>,
    /// The number of the first one.
    first: u64,
    runs: BTreeMap<Source, Run>,
}

impl Held {
    /// Nothing waits.
    pub fn new(clean: Box<dyn Clean>) -> Self {
        Self {
            clean,
            lines: VecDeque::new(),
            first: 0,
            runs: BTreeMap::new(),
        }
    }

    /// Takes a line and gives those that need not wait any more, in order.
    pub fn push(
        &mut self,
        name: &'static str,
        at: Moment,
        mut body: Body,
        said: Said,
    ) -> Vec<Line> {
        if let Body::Value(value) = &mut body {
            self.clean.value(value);
        }
        let piece = match (said, &body) {
            (Said::Piece(source, place), Body::Value(value)) => {
                let text = value.pointer(place).and_then(Value::as_str);
                text.map(|text| (source, place, text.to_owned()))
            }
            _ => None,
        };
        let number = self.first + self.lines.len() as u64;
        let line = Line { name, at, body };
        let place = piece.as_ref().map(|(_, place, _)| *place);
        self.lines.push_back(Waiting { line, piece: place });
        match (said, piece) {
            (_, Some((source, _, text))) => self.add(source, number, &text),
            (Said::Back(source), None) => self.take_back(source),
            (Said::Typed, None) => self.settle(Source::Typed),
            (Said::Streamed(stream), None) => {
                self.settle(Source::Text(stream));
                self.settle(Source::Reasoning(stream));
            }
            (Said::Whole | Said::Piece(..), None) => {}
        }
        if self.lines.len() > MOST_LINES {
            return self.finish();
        }
        self.free()
    }

    /// Gives all that waits.
    pub fn finish(&mut self) -> Vec<Line> {
        let sources: Vec<Source> = self.runs.keys().copied().collect();
        sources.into_iter().for_each(|source| self.settle(source));
        self.free()
    }

    fn add(&mut self, source: Source, number: u64, text: &str) {
        let run = self.runs.entry(source).or_default();
        run.pieces.push((number, run.text.len()));
        run.text.push_str(text);
        if run.text.len() > MOST_TEXT {
            self.settle(source);
        } else if text.contains('\n') && !in_private_key(&run.text) {
            self.settle_lines(source);
        }
    }

    fn take_back(&mut self, source: Source) {
        let Some(mut run) = self.runs.remove(&source) else {
            return;
        };
        // Looked at before it is shorter: a secret that is taken back was one all the same.
        self.mask(&run);
        if let Some((number, from)) = run.pieces.pop() {
            run.text.truncate(from);
            run.taken_back.push(number);
        }
        self.runs.insert(source, run);
    }

    /// The run is over: its secrets go, and its pieces are free.
    fn settle(&mut self, source: Source) {
        if let Some(run) = self.runs.remove(&source) {
            self.mask(&run);
            let numbers = run.pieces.iter().map(|(number, _)| *number);
            for number in numbers.chain(run.taken_back) {
                self.release(number);
            }
        }
    }

    /// The same for all but the last piece, in which a new line has begun.
    fn settle_lines(&mut self, source: Source) {
        let Some(mut run) = self.runs.remove(&source) else {
            return;
        };
        self.mask(&run);
        let last = run.pieces.pop();
        for (number, _) in run.pieces.drain(..) {
            self.release(number);
        }
        if let Some((number, from)) = last {
            run.text.drain(..from);
            run.pieces.push((number, 0));
            self.runs.insert(source, run);
        }
    }

    fn mask(&mut self, run: &Run) {
        let clean = self.clean.text(&run.text);
        let Some((from, to)) = changed(&run.text, &clean) else {
            return;
        };
        let ends = run.pieces.iter().skip(1).map(|(_, start)| *start);
        let ends = ends.chain([run.text.len()]);
        let mut begun = false;
        for ((number, start), end) in run.pieces.iter().zip(ends) {
            let (from, to) = (from.max(*start), to.min(end));
            if from < to {
                if !std::mem::replace(&mut begun, true) {
                    self.forget_frames(*number);
                }
                // Counted in characters: a piece that was hidden in part before has as many as it had, and other bytes.
                let skip = run.text[*start..from].chars().count();
                let hide = run.text[from..to].chars().count();
                self.mask_piece(*number, skip, hide);
            }
        }
    }

    fn mask_piece(&mut self, number: u64, skip: usize, hide: usize) {
        let Some(waiting) = self.waiting(number) else {
            return;
        };
        let (Some(place), Body::Value(body)) = (waiting.piece, &mut waiting.line.body) else {
            return;
        };
        if let Some(Value::String(text)) = body.pointer_mut(place) {
            *text = stars(text, skip, hide);
        }
    }

    /// What was drawn since a secret was begun would give it away letter by letter, to whoever tries which one makes the digest.
    fn forget_frames(&mut self, since: u64) {
        let since = usize::try_from(since.saturating_sub(self.first)).unwrap_or(usize::MAX);
        for Waiting { line, .. } in self.lines.iter_mut().skip(since) {
            if let (name::DRAWN, Body::Value(body)) = (line.name, &mut line.body)
                && let Some(frame) = body.get_mut("frame")
            {
                *frame = Value::String(String::new());
            }
        }
    }

    fn release(&mut self, number: u64) {
        if let Some(waiting) = self.waiting(number) {
            waiting.piece = None;
        }
    }

    fn waiting(&mut self, number: u64) -> Option<&mut Waiting> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.lines.get_mut(place)
    }

    fn free(&mut self) -> Vec<Line> {
        let mut out = Vec::new();
        while self.lines.front().is_some_and(|line| line.piece.is_none()) {
            out.extend(self.lines.pop_front().map(|waiting| waiting.line));
            self.first += 1;
        }
        out
    }
}

fn in_private_key(text: &str) -> bool {
    let end = text.rfind("-----END ");
    text.rfind("-----BEGIN ")
        .is_some_and(|begin| end.is_none_or(|end| end < begin))
}

/// From where to where a text is not what it was: all between the first and the last secret.
fn changed(text: &str, clean: &str) -> Option<(usize, usize)> {
    if text == clean {
        return None;
    }
    let same = |(a, b): &(char, char)| a == b;
    let lengths = |pairs: &mut dyn Iterator<Item = (char, char)>| {
        pairs.take_while(same).map(|(a, _)| a.len_utf8()).sum()
    };
    let head: usize = lengths(&mut text.chars().zip(clean.chars()));
    let tail: usize = lengths(&mut text.chars().rev().zip(clean.chars().rev()));
    // A secret that begins as its mask or ends as what follows it: too much is hidden rather than too little.
    let to = text.len() - tail;
    Some(if head < to {
        (head, to)
    } else {
        (0, text.len())
    })
}

/// The text with so many characters hidden after so many that stay.
fn stars(text: &str, skip: usize, hide: usize) -> String {
    let hidden = skip..skip + hide;
    let star = |(at, c): (usize, char)| match hidden.contains(&at) && c != '\n' {
        true => '*',
        false => c,
    };
    text.chars().enumerate().map(star).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Knows one secret.
    struct Knows(&'static str);

    impl Clean for Knows {
        fn text(&self, text: &str) -> String {
            text.replace(self.0, "***")
        }

        fn value(&self, value: &mut Value) {
            if let Value::String(text) = value {
                *text = self.text(text);
            }
        }
    }

    const TYPED: Said = Said::Piece(Source::Typed, "/key");
    const STREAM: Said = Said::Piece(Source::Text(1), "/text");

    fn texts(lines: &[Line]) -> String {
        let text = |line: &Line| match &line.body {
            Body::Value(value) => {
                let text = value.get("key").or_else(|| value.get("text"));
                text.and_then(Value::as_str).unwrap_or("|").to_owned()
            }
            Body::Clean(text) => text.clone(),
        };
        lines.iter().map(text).collect()
    }

    fn typed(keys: &str) -> String {
        let mut held = Held::new(Box::new(Knows("hunter2")));
        let mut out = Vec::new();
        for key in keys.chars() {
            let (body, said) = match key {
                '<' => (json!("<"), Said::Back(Source::Typed)),
                '|' => (json!("|"), Said::Typed),
                key => (json!({ "key": key.to_string() }), TYPED),
            };
            out.extend(held.push("app", Moment(0), Body::Value(body), said));
        }
        out.extend(held.finish());
        texts(&out)
    }

    #[test]
    fn a_secret_that_is_typed_letter_by_letter_is_hidden() {
        assert_eq!(typed("my key is hunter2|"), "my key is *******|");
        assert_eq!(typed("hunter2, hunter2 ok"), "**************** ok");
        assert_eq!(typed("hunte|r2"), "hunte|r2", "it is no secret then");
        // Taken back and typed again: what stood between is no part of it.
        assert_eq!(typed("huntx<er2|"), "****x|***|");
    }

    #[test]
    fn a_secret_that_was_typed_and_taken_back_is_hidden() {
        assert_eq!(typed("hunter2<<<<<<<no|"), "*******|||||||no|");
        assert_eq!(typed("hunter2<<<x|"), "*******|||x|");
    }

    #[test]
    fn frames_that_were_drawn_while_a_secret_was_said_have_no_digest() {
        let mut held = Held::new(Box::new(Knows("hunter2")));
        let mut out = Vec::new();
        for key in "a hunter2".chars() {
            let body = Body::Value(json!({ "key": key.to_string() }));
            out.extend(held.push(name::APP, Moment(0), body, TYPED));
            let body = Body::Value(json!({ "frame": "digest" }));
            out.extend(held.push(name::DRAWN, Moment(0), body, Said::Whole));
        }
        out.extend(held.push(name::APP, Moment(0), Body::Value(json!(1)), Said::Typed));
        let frame = |line: &Line| match &line.body {
            Body::Value(body) => body.get("frame").and_then(Value::as_str).map(str::to_owned),
            Body::Clean(_) => None,
        };
        let frames: Vec<String> = out.iter().filter_map(frame).collect();
        let mut expected = vec!["digest"; 2];
        expected.extend([""; 7]);
        assert_eq!(frames, expected);
    }

    #[test]
    fn nothing_overtakes_what_waits_and_a_line_of_a_stream_lets_go() {
        let mut held = Held::new(Box::new(Knows("hunter2")));
        let piece = |text: &str| Body::Value(json!({ "text": text }));
        assert_eq!(held.push("host", Moment(1), piece("it is hun"), STREAM), []);
        let tick = held.push("app", Moment(2), Body::Value(json!("Tick")), Said::Whole);
        assert_eq!(tick, [], "in order");
        let out = held.push("host", Moment(3), piece("ter2.\nNext"), STREAM);
        assert_eq!(texts(&out), "it is ***|");
        let out = held.push("host", Moment(4), Body::Value(json!(1)), Said::Streamed(1));
        assert_eq!(texts(&out), "****.\nNext|");
        assert_eq!(held.finish(), []);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut held = Held::new(Box::new(Knows("hunter2")));
        let mut out = 0;
        for _ in 0..3 * MOST_LINES {
            let body = Body::Value(json!({ "key": "a" }));
            out += held.push("app", Moment(0), body, TYPED).len();
        }
        assert!(out >= 2 * MOST_LINES, "{out}");
        let long = "x".repeat(MOST_TEXT + 1);
        let body = Body::Value(json!({ "text": long }));
        held.finish();
        assert_eq!(held.push("host", Moment(0), body, STREAM).len(), 1);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_no_piece_of_the_secret_is_left_and_no_line_is_lost(
            before in "[a-z \n]{0,12}", after in "[a-z \n]{0,12}", cuts in proptest::collection::vec(1usize..6, 1..8),
        ) {
            let whole = format!("{before}HUNTER{after}");
            let mut held = Held::new(Box::new(Knows("HUNTER")));
            let (mut out, mut rest, mut count) = (Vec::new(), whole.as_str(), 0);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, left) = rest.split_at((*cut).min(rest.len()));
                rest = left;
                count += 1;
                out.extend(held.push("host", Moment(count), Body::Value(json!({ "text": piece })), STREAM));
            }
            out.extend(held.finish());
            prop_assert_eq!(out.len() as u64, count);
            prop_assert!(out.iter().map(|line| line.at.0).eq(1..=count));
            let text = texts(&out);
            prop_assert_eq!(text.len(), whole.len());
            prop_assert!(!text.chars().any(|c| c.is_ascii_uppercase()), "{}", text);
            prop_assert!(text.starts_with(&before) && text.ends_with(&after));
        }
    }
}
