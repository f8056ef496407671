//! Blocks as files: the bytes of images, sound and resources, under names that are ours.
//!
//! A server names nothing here: what it says decides no path and, of its MIME types, only known ones an ending.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind as IoError, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cli::error::{CliError, ErrorKind};
use crate::mcp::result::{Block, ToolResult};

/// Files of one name before it is given up.
const TRIES: u32 = 10_000;

const ENDINGS: [(&str, &str); 18] = [
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/svg+xml", "svg"),
    ("image/bmp", "bmp"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/flac", "flac"),
    ("video/mp4", "mp4"),
    ("application/pdf", "pdf"),
    ("application/json", "json"),
    ("application/zip", "zip"),
    ("application/gzip", "gz"),
    ("text/plain", "txt"),
    ("text/csv", "csv"),
];

/// The bytes of a block: of text the text, of the others what their base64 stands for.
pub fn bytes(block: &Block) -> Result<Vec<u8>, CliError> {
    match encoded(block) {
        Some((_, data)) => STANDARD.decode(data).map_err(|error| {
            CliError::new(
                ErrorKind::Server,
                format!("the content cannot be decoded: {error}"),
            )
            .hint("--json prints it as it came")
        }),
        None => Ok(block.as_text().into_bytes()),
    }
}

/// Writes every image, sound and binary resource of a result into a folder, and gives what was written, in order.
pub fn all(folder: &Path, stem: &str, result: &ToolResult) -> Result<Vec<PathBuf>, CliError> {
    let mut written = Vec::new();
    for block in &result.content {
        if let Some((mime, _)) = encoded(block) {
            fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
            written.push(one(folder, &safe(stem), ending(mime), &bytes(block)?)?);
        }
    }
    Ok(written)
}

/// What of a block is base64, with its MIME type.
fn encoded(block: &Block) -> Option<(&str, &str)> {
    match block {
        Block::Image { mime, data } | Block::Audio { mime, data } => Some((mime, data)),
        Block::Resource {
            mime,
            blob: Some(blob),
            ..
        } => Some((mime.as_deref().unwrap_or_default(), blob)),
        Block::Said { block, .. } => encoded(block),
        _ => None,
    }
}

/// Writes a file of the first name that is free; nothing is ever overwritten.
fn one(folder: &Path, stem: &str, ending: &str, bytes: &[u8]) -> Result<PathBuf, CliError> {
    for number in 1..TRIES {
        let path = folder.join(format!("{stem}-{number}.{ending}"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(bytes)
                    .map_err(|error| failed(&path, &error))?;
                return Ok(path);
            }
            Err(error) if error.kind() == IoError::AlreadyExists => {}
            Err(error) => return Err(failed(&path, &error)),
        }
    }
    Err(CliError::new(
        ErrorKind::Usage,
        format!("{} is full of `{stem}-*.{ending}`", folder.display()),
    ))
}

fn failed(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(
        ErrorKind::Usage,
        format!("cannot write {}: {error}", path.display()),
    )
}

/// A name for files from a tool's name.
fn safe(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
            c
        } else {
            '_'
        }
    };
    let name: String = name.chars().take(60).map(plain).collect();
    if name.is_empty() {
        "content".to_owned()
    } else {
        name
    }
}

fn ending(mime: &str) -> &'static str {
    let bare = mime.split(';').next().unwrap_or_default().trim();
    let known = ENDINGS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(bare));
    known.map_or("bin", |(_, ending)| ending)
}
