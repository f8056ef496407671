//! What can be said of a picture, a sound or a file in an answer without showing it: its size in bytes, a picture's size in
//! pixels from its header, the bytes that base64 stands for, and the name under which it is saved.
//!
//! Pure. The content is a server's and may be anything: of headers never more than a few kilobytes are read.

use base64::alphabet::STANDARD;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

use crate::mcp::result::{Block, ToolResult};

/// Segments of a JPEG that are looked at on the way to its size.
const SEGMENTS: usize = 64;

/// A thing that can be written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// base64.
    pub data: &'a str,
    /// What follows the dot of its name.
    pub extension: &'static str,
}

/// The bytes that a base64 text stands for.
pub fn bytes(data: &str) -> u64 {
    let digits = data.trim_end_matches('=').len();
    u64::try_from(digits).unwrap_or(u64::MAX) * 3 / 4
}

/// What a base64 text stands for. Some servers leave the padding out, or break the lines.
///
/// # Errors
/// What is wrong with it.
pub fn decoded(data: &str) -> Result<Vec<u8>, String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&STANDARD, config);
    let blanks = |byte: &u8| !byte.is_ascii_whitespace();
    let digits: Vec<u8> = data.bytes().filter(blanks).collect();
    engine
        .decode(digits)
        .map_err(|error| format!("the server sent no valid base64: {error}"))
}

/// Columns and rows of a PNG, JPEG, GIF or WebP, by its header.
pub fn pixels(data: &str) -> Option<(u32, u32)> {
    let head = part(data, 0, 32)?;
    let big = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let little = |at: usize| {
        Some(u32::from(u16::from_le_bytes([
            *head.get(at)?,
            *head.get(at + 1)?,
        ])))
    };
    let size = if head.starts_with(b"\x89PNG\r\n\x1a\n") && head.get(12..16)? == b"IHDR" {
        (big(16)?, big(20)?)
    } else if head.starts_with(b"GIF8") {
        (little(6)?, little(8)?)
    } else if head.starts_with(b"RIFF") && head.get(8..12)? == b"WEBP" {
        webp(&head)?
    } else if head.starts_with(b"\xff\xd8") {
        jpeg(data)?
    } else {
        return None;
    };
    (size.0 > 0 && size.1 > 0).then_some(size)
}

fn webp(head: &[u8]) -> Option<(u32, u32)> {
    let at = |at: usize| head.get(at).copied().map(u32::from);
    match head.get(12..16)? {
        b"VP8 " => Some((
            (at(26)? | at(27)? << 8) & 0x3fff,
            (at(28)? | at(29)? << 8) & 0x3fff,
        )),
        b"VP8L" => {
            let bits = at(21)? | at(22)? << 8 | at(23)? << 16 | at(24)? << 24;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => {
            let three = |from: usize| Some(at(from)? | at(from + 1)? << 8 | at(from + 2)? << 16);
            Some((three(24)? + 1, three(27)? + 1))
        }
        _ => None,
    }
}

/// From segment to segment to the frame header; what the camera wrote lies before it.
fn jpeg(data: &str) -> Option<(u32, u32)> {
    let mut at = 2;
    for _ in 0..SEGMENTS {
        let head = part(data, at, 9)?;
        let (0xff, marker) = (*head.first()?, *head.get(1)?) else {
            return None;
        };
        let number =
            |at: usize| Some(u32::from(*head.get(at)?) << 8 | u32::from(*head.get(at + 1)?));
        // Frame headers, without the tables among their numbers.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((number(7)?, number(5)?));
        }
        // A fill byte stands before a marker.
        at += if marker == 0xff {
            1
        } else {
            2 + usize::try_from(number(2)?).ok()?.max(2)
        };
    }
    None
}

/// These bytes of what a base64 text stands for; fewer at its end.
fn part(data: &str, from: usize, length: usize) -> Option<Vec<u8>> {
    let data = data.trim_end_matches('=').as_bytes();
    let start = from / 3 * 4;
    let end = ((from + length).div_ceil(3) * 4).min(data.len());
    let decoded = STANDARD_NO_PAD.decode(data.get(start..end)?).ok()?;
    let rest = decoded.get(from % 3..)?;
    Some(rest[..rest.len().min(length)].to_vec())
}

/// What follows the dot of a file of this MIME type. Ours, whatever the server wrote.
pub fn extension(mime: &str) -> &'static str {
    let plain = mime.split(';').next().unwrap_or_default().trim();
    match plain.to_ascii_lowercase().as_str() {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "image/avif" => "avif",
        "image/bmp" => "bmp",
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/ogg" => "ogg",
        "audio/flac" => "flac",
        "audio/mp4" | "audio/aac" => "m4a",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "application/gzip" => "gz",
        "application/json" => "json",
        "text/plain" => "txt",
        _ => "bin",
    }
}

/// The things of an answer that can be written to a file, in its order.
pub fn files(result: &ToolResult) -> Vec<File<'_>> {
    result.content.iter().filter_map(file).collect()
}

fn file(block: &Block) -> Option<File<'_>> {
    let (data, mime) = match block {
        Block::Image { mime, data, .. } | Block::Audio { mime, data, .. } => (data, mime.as_str()),
        Block::Resource {
            blob: Some(blob),
            mime,
            ..
        } => (blob, mime.as_deref().unwrap_or_default()),
        Block::Said { block, .. } => return file(block),
        Block::Text { .. } | Block::Link { .. } | Block::Resource { .. } | Block::Other { .. } => {
            return None;
        }
    };
    Some(File {
        data,
        extension: extension(mime),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn size(bytes: &[u8]) -> Option<(u32, u32)> {
        pixels(&STANDARD.encode(bytes))
    }

    #[test]
    fn headers_tell_the_size() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x06\0\0\0";
        assert_eq!(size(png), Some((640, 480)));
        assert_eq!(size(b"GIF89a\x0a\0\x14\0\0\0\0"), Some((10, 20)));
        let mut jpeg = b"\xff\xd8\xff\xe1\x00\xcb".to_vec();
        jpeg.extend([7; 201]);
        jpeg.extend(b"\xff\xc2\x00\x11\x08\x01\xe0\x02\x80\x03");
        assert_eq!(size(&jpeg), Some((640, 480)));
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01\0\0";
        assert_eq!(size(lossy), Some((640, 480)));
        let extended = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0\0\0";
        assert_eq!(size(extended), Some((640, 480)));
        let bits: u32 = 639 | 479 << 14;
        let mut lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f".to_vec();
        lossless.extend(bits.to_le_bytes());
        lossless.extend([0; 8]);
        assert_eq!(size(&lossless), Some((640, 480)));
    }

    #[test]
    fn what_is_no_picture_has_no_size() {
        assert_eq!(size(b""), None);
        assert_eq!(size(b"hello, this is a text and no picture"), None);
        assert_eq!(pixels("*not base64*"), None);
        assert_eq!(size(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0"), None);
        assert_eq!(bytes("YWJjZA=="), 4);
        assert_eq!(bytes(""), 0);
    }

    #[test]
    fn names_are_ours() {
        assert_eq!(extension("image/PNG; charset=x"), "png");
        assert_eq!(extension("../../etc/passwd"), "bin");
    }

    proptest! {
        #[test]
        fn no_header_breaks_it(start in 0usize..5, rest in prop::collection::vec(any::<u8>(), 0..80)) {
            let magic: [&[u8]; 5] = [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8", b"RIFF\0\0\0\0WEBPVP8X", b"GIF89a"];
            size(&[magic[start], &rest].concat());
        }

        #[test]
        fn a_part_is_that_part(all in prop::collection::vec(any::<u8>(), 0..60), from in 0usize..70, length in 0usize..70) {
            let seen = part(&STANDARD.encode(&all), from, length).unwrap_or_default();
            let expected: Vec<u8> = all.iter().skip(from).take(length).copied().collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
