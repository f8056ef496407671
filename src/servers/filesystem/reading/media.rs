//! `read_media_file`: an image or a sound as a block of its own, told by its content. Other binary files come as they are.

use std::io::{Read, Seek, SeekFrom};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{ContentBlock, ResourceContents};
use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::reading::kinds;
use crate::servers::filesystem::reading::read::PathArgs;
use crate::servers::filesystem::reading::text::beginning;
use crate::servers::filesystem::roots::Place;
use crate::servers::toolbox::{Answer, Refusal};

/// Bytes of the largest file that is handed over.
const MAX_MEDIA: u64 = 8 * 1024 * 1024;

/// What the block beside this holds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Media {
    /// The file.
    path: String,
    /// `image`, `audio`, or `resource` for any other binary file: the type of the block.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["image", "audio", "resource"]))]
    kind: &'static str,
    /// Its media type, told by its content.
    #[serde(rename = "mimeType")]
    mime_type: &'static str,
    /// Bytes of the file.
    bytes: usize,
}

/// `read_media_file`
pub fn read_media_file(
    files: &Files,
    args: PathArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Media>, Refusal> {
    let place = files.roots.find(&args.path)?;
    let (raw, beginning) = content(&place)?;
    let kind = kinds::of(&beginning, &place.ending());
    if kind.is_none_or(|kind| kind.mime.starts_with("text/")) && is_text(&raw) {
        return Err(Refusal(text(&place, &raw)));
    }
    let mime_type = kind.map_or("application/octet-stream", |kind| kind.mime);
    let data = STANDARD.encode(&raw);
    let (kind, block) = match mime_type.split('/').next() {
        Some("image") => ("image", ContentBlock::image(data, mime_type)),
        Some("audio") => ("audio", ContentBlock::audio(data, mime_type)),
        _ => {
            let uri = url::Url::from_file_path(place.absolute());
            let uri = uri.map_or_else(|()| place.shown(), Into::into);
            let blob = ResourceContents::blob(data, uri).with_mime_type(mime_type);
            ("resource", ContentBlock::resource(blob))
        }
    };
    let media = Media {
        path: place.shown(),
        kind,
        mime_type,
        bytes: raw.len(),
    };
    let words = kinds::words(&beginning, &place.ending());
    let text = format!("{} is {words}, {} bytes", media.path, media.bytes);
    Ok(Answer::new(media, text).with_block(block))
}

/// All of the file, and its first bytes.
fn content(place: &Place<'_>) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let failed = |error: std::io::Error| place.failure("read", &error);
    let (mut file, meta) = place.open()?;
    let beginning = beginning(&mut file);
    let mut raw = Vec::new();
    if meta.len() <= MAX_MEDIA {
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let read = file.take(MAX_MEDIA + 1).read_to_end(&mut raw);
        read.map_err(failed)?;
    }
    if meta.len().max(raw.len() as u64) > MAX_MEDIA {
        return Err(Refusal(format!(
            "`{}` is {} of {} bytes; files above {MAX_MEDIA} bytes are not handed over. get_file_info describes it.",
            place.shown(),
            kinds::words(&beginning, &place.ending()),
            meta.len()
        )));
    }
    Ok((raw, beginning))
}

fn is_text(raw: &[u8]) -> bool {
    !raw.contains(&0) && std::str::from_utf8(raw).is_ok()
}

fn text(place: &Place<'_>, raw: &[u8]) -> String {
    let path = place.shown();
    let svg = place.ending().eq_ignore_ascii_case("svg");
    match (raw.is_empty(), svg) {
        (true, _) => format!("`{path}` is empty."),
        (false, true) => {
            format!("`{path}` is an SVG image, which is text. read_text_file reads it.")
        }
        (false, false) => {
            format!("`{path}` is text, neither an image nor audio. read_text_file reads it.")
        }
    }
}
