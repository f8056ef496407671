//! `read_text_file`: a text whole, by lines from either end, by a range of lines, or page by page from an offset.
//!
//! `part` finds the bytes, this turns them into an answer. A file may have any size; an answer has at most `MAX_BYTES`.

mod part;

use std::io::{Read, Seek, SeekFrom};

use cap_std::fs::File;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::reading::kinds;
use crate::servers::filesystem::reading::read::MAX_BYTES;
use crate::servers::filesystem::roots::Place;
use crate::servers::toolbox::{Answer, Refusal};

use part::{Part, Want, decode};

/// Arguments of `read_text_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadArgs {
    /// The file.
    path: String,
    /// Only the first so many lines.
    #[schemars(range(min = 1))]
    head: Option<u64>,
    /// Only the last so many lines.
    #[schemars(range(min = 1))]
    tail: Option<u64>,
    /// The first line of a range; the first line of a file is 1.
    #[schemars(range(min = 1))]
    start_line: Option<u64>,
    /// The last line of a range, itself included.
    #[schemars(range(min = 1))]
    end_line: Option<u64>,
    /// The byte to begin at: the `next_offset` of an earlier answer, to page through a big file.
    offset: Option<u64>,
}

/// The text of a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Text {
    /// The file.
    path: String,
    /// The text, or the part of it that was asked for.
    pub content: String,
    /// Lines of `content`.
    lines: usize,
    /// The number of its first line, where lines were counted from the beginning of the file.
    first_line: Option<u64>,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// Whether the file has more than `content`.
    truncated: bool,
    /// The `offset` that reads on after `content`; none at the end of the file.
    pub next_offset: Option<u64>,
}

/// `read_text_file`
pub fn read_text_file(
    files: &Files,
    args: ReadArgs,
    stop: &CancellationToken,
) -> Result<Answer<Text>, Refusal> {
    let want = args.want()?;
    let place = files.roots.find(&args.path)?;
    let data = read(&place, &want, MAX_BYTES, stop)?;
    let mut text = data.content.clone();
    if data.truncated {
        let unit = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        text.push_str(unit);
        text.push_str(&data.note());
    }
    Ok(Answer::new(data, text))
}

impl ReadArgs {
    fn want(&self) -> Result<Want, Refusal> {
        let range = self.start_line.is_some() || self.end_line.is_some();
        let ways = [
            self.head.is_some(),
            self.tail.is_some(),
            range,
            self.offset.is_some(),
        ];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return Err(Refusal::new(
                "Give one of `head`, `tail`, `offset`, or `start_line` with `end_line`, not both of two.",
            ));
        }
        let first = self.start_line.unwrap_or(1);
        let last = self.end_line.or(self.head).unwrap_or(u64::MAX);
        if last < first {
            return Err(Refusal(format!(
                "`end_line` ({last}) comes before `start_line` ({first})."
            )));
        }
        Ok(match (self.tail, self.offset) {
            (Some(lines), _) => Want::Tail(lines),
            (_, Some(offset)) => Want::From(offset),
            _ if range || self.head.is_some() => Want::Lines { first, last },
            _ => Want::From(0),
        })
    }
}

impl Text {
    fn note(&self) -> String {
        let lines = self.first_line.filter(|_| self.lines > 0).map(|first| {
            let last = first.saturating_add(self.lines as u64).saturating_sub(1);
            format!(", lines {first} to {last}")
        });
        let next = self
            .next_offset
            .map(|next| format!("; offset {next} reads on, start_line and tail read other parts"));
        format!(
            "[a part: {} of {} bytes{}{}]",
            self.content.len(),
            self.bytes,
            lines.unwrap_or_default(),
            next.unwrap_or_default()
        )
    }
}

/// Reads a part of a text file of at most `limit` bytes.
///
/// # Errors
/// No file, no UTF-8 text, no such lines.
pub fn read(
    place: &Place<'_>,
    want: &Want,
    limit: u64,
    stop: &CancellationToken,
) -> Result<Text, Refusal> {
    let (mut file, meta) = place.open()?;
    let part = want.read(&mut file, meta.len(), limit, stop);
    let part = part.map_err(|error| place.failure("read", &error))?;
    if let Some(lines) = part.too_far {
        return Err(Refusal(format!(
            "`{}` has only {lines} lines.",
            place.shown()
        )));
    }
    let Some((skipped, content)) = decode(&part.raw, part.start > 0, !part.ended) else {
        return Err(Refusal(binary(place, &mut file, meta.len())));
    };
    Ok(answer(place, &part, meta.len(), skipped, content))
}

fn answer(place: &Place<'_>, part: &Part, size: u64, skipped: usize, content: &str) -> Text {
    let start = part.start + skipped as u64;
    let end = start + content.len() as u64;
    Text {
        path: place.shown(),
        lines: content.lines().count(),
        first_line: part.first_line,
        content: content.to_owned(),
        // Files of `/proc` say that they are empty.
        bytes: if part.ended { end } else { size.max(end) },
        truncated: start > 0 || !part.ended,
        next_offset: (!part.ended).then_some(end),
    }
}

/// The reading of a whole file as far as an answer goes.
pub fn whole() -> Want {
    Want::From(0)
}

fn binary(place: &Place<'_>, file: &mut File, bytes: u64) -> String {
    let beginning = beginning(file);
    let ending = place.ending();
    let kind = kinds::of(&beginning, &ending);
    let next = match kind {
        Some(kind) if kinds::is_image_or_audio(kind.mime) => "read_media_file shows it.",
        _ => "get_file_info describes it, read_media_file hands it over as it is.",
    };
    format!(
        "`{}` is not UTF-8 text but {} ({bytes} bytes), so it cannot be read as text. {next}",
        place.shown(),
        kinds::words(&beginning, &ending),
    )
}

/// The first bytes of a file, as many as its kind is told from.
pub fn beginning(file: &mut File) -> Vec<u8> {
    let mut raw = Vec::new();
    if file.seek(SeekFrom::Start(0)).is_ok() {
        let _as_far_as_it_goes = file.take(kinds::SNIFFED).read_to_end(&mut raw);
    }
    raw
}
