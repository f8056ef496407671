//! `read_multiple_files`: several texts at once, each with its own outcome.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::reading::read::MAX_BYTES;
use crate::servers::filesystem::reading::text;
use crate::servers::toolbox::{Answer, Refusal};

/// Arguments of `read_multiple_files`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManyArgs {
    /// The files.
    #[schemars(length(min = 1, max = 100))]
    paths: Vec<String>,
}

/// The texts of several files.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Texts {
    /// One for each path, in their order.
    files: Vec<One>,
    /// How many could not be read.
    failed: usize,
    /// Whether a text is cut or left out because all together are larger than 1 MiB.
    truncated: bool,
}

/// What became of one file.
#[derive(Debug, Serialize, JsonSchema)]
struct One {
    /// The path as it was asked for.
    path: String,
    /// Its text, or as much of it as there was room for.
    content: Option<String>,
    /// Bytes of the whole file.
    bytes: Option<u64>,
    /// The `offset` with which read_text_file reads on, when the text is cut.
    next_offset: Option<u64>,
    /// Why it could not be read.
    error: Option<String>,
}

/// `read_multiple_files`
pub fn read_multiple_files(
    files: &Files,
    args: ManyArgs,
    stop: &CancellationToken,
) -> Result<Answer<Texts>, Refusal> {
    let mut room = MAX_BYTES;
    let mut read = Vec::new();
    let mut truncated = false;
    for path in args.paths {
        if stop.is_cancelled() {
            return Err(Refusal::new("The call was cancelled."));
        }
        let one = if room == 0 {
            truncated = true;
            One::failed(
                path,
                "left out: the texts before it fill the answer. Read it on its own.".to_owned(),
            )
        } else {
            One::read(files, path, room, stop)
        };
        room -= one
            .content
            .as_ref()
            .map_or(0, |text| text.len() as u64)
            .min(room);
        truncated |= one.next_offset.is_some();
        read.push(one);
    }
    let text: Vec<String> = read.iter().map(One::text).collect();
    let texts = Texts {
        failed: read.iter().filter(|one| one.error.is_some()).count(),
        files: read,
        truncated,
    };
    Ok(Answer::new(texts, text.join("\n---\n")))
}

impl One {
    fn read(files: &Files, path: String, room: u64, stop: &CancellationToken) -> Self {
        let place = files.roots.find(&path);
        let text = place.and_then(|place| text::read(&place, &text::whole(), room, stop));
        match text {
            Ok(text) => Self {
                path,
                bytes: Some(text.bytes),
                next_offset: text.next_offset,
                content: Some(text.content),
                error: None,
            },
            Err(Refusal(why)) => Self::failed(path, why),
        }
    }

    fn failed(path: String, why: String) -> Self {
        Self {
            path,
            content: None,
            bytes: None,
            next_offset: None,
            error: Some(why),
        }
    }

    fn text(&self) -> String {
        let Self { path, .. } = self;
        match (&self.content, &self.error) {
            (_, Some(why)) => format!("{path}: Error - {why}"),
            (None, None) => format!("{path}:"),
            (Some(text), None) => {
                let cut = self
                    .next_offset
                    .map(|next| format!("\n[cut; read_text_file with offset {next} reads on]"));
                format!("{path}:\n{text}{}\n", cut.unwrap_or_default())
            }
        }
    }
}
