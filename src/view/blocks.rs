//! The blocks of an answer: text, pictures, sound, links, resources, messages of a prompt, and kinds that nobody knows yet.
//!
//! Pure. Called by the call's details and by the chat. base64 is never written out: what it holds is named, with its size.

use serde_json::Value;

use crate::app::picture;
use crate::mcp::result::Block;
use crate::text::{clean, human};
use crate::view::memo::Memo;
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{code, value};

/// Characters of one text block that are laid out; the rest is in the saved file.
const TEXT: usize = 400_000;
/// Characters of what a server says about a thing.
const WORDS: usize = 1_000;
/// A text without a blank that is as long as this and made of base64's signs is taken for it.
const BASE64: usize = 256;
/// Messages in messages, which nobody sends and everybody could.
const DEEP: usize = 4;

/// A block on one line, for lists and the chat; nothing for a text, which speaks for itself.
pub(super) fn name(block: &Block) -> Option<String> {
    let name = match block {
        Block::Text { .. } | Block::Resource { text: Some(_), .. } => return None,
        Block::Image { mime, data } => {
            let size = picture::pixels(data).map(|(cols, rows)| format!("{cols}x{rows}"));
            sized("image", &line(mime), size, picture::bytes(data))
        }
        Block::Audio { mime, data } => sized("audio", &line(mime), None, picture::bytes(data)),
        Block::Link { .. } => link(block),
        Block::Resource {
            uri, mime, blob, ..
        } => {
            let mime = mime.as_deref().map_or("binary".to_owned(), line);
            let bytes = blob.as_deref().map_or(0, picture::bytes);
            let size = blob.as_deref().and_then(picture::pixels);
            let size = size.map(|(cols, rows)| format!("{cols}x{rows}"));
            sized(&format!("resource {}", line(uri)), &mime, size, bytes)
        }
        Block::Said { role, block } => match self::name(block) {
            Some(name) => format!("{}: {name}", line(role)),
            None => return None,
        },
        Block::Other { value } => {
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("?");
            format!("[{}: of a kind not known here]", line(kind))
        }
    };
    Some(name)
}

/// The first so many characters, clean.
fn line(text: &str) -> String {
    clean::line(&text.chars().take(WORDS).collect::<String>())
}

/// `[link URI (title, type, size)]`.
fn link(block: &Block) -> String {
    let Block::Link {
        uri,
        name,
        title,
        mime,
        size,
        ..
    } = block
    else {
        return String::new();
    };
    let name = title.as_ref().or(name.as_ref());
    let words = [name, mime.as_ref()].into_iter().flatten();
    let words = words.map(|text| line(text)).chain(size.map(human::bytes));
    let words = words.collect::<Vec<_>>().join(", ");
    match words.as_str() {
        "" => format!("[link {}]", line(uri)),
        words => format!("[link {} ({words})]", line(uri)),
    }
}

/// `[image image/png, 640x480, 12 kB]`.
fn sized(what: &str, mime: &str, pixels: Option<String>, bytes: u64) -> String {
    let parts = [
        Some(format!("{what} {mime}")),
        pixels,
        Some(human::bytes(bytes)),
    ];
    format!(
        "[{}]",
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    )
}

/// All of a block as text, as far as it is text: for the chat.
pub(super) fn text(block: &Block) -> String {
    match block {
        Block::Said { role, block } => format!("{role}: {}", text(block)),
        other => name(other).unwrap_or_else(|| other.as_text()),
    }
}

/// A block as lines.
pub(super) fn lay(block: &Block, cols: usize, theme: &Theme, memo: &mut Memo) -> Lines {
    within(block, cols, theme, memo, 0)
}

fn within(block: &Block, cols: usize, theme: &Theme, memo: &mut Memo, deep: usize) -> Lines {
    match block {
        Block::Text { text } => words(text, cols, theme, memo),
        Block::Resource {
            uri,
            mime,
            text: Some(text),
            ..
        } => {
            let mime = mime.as_deref().map(|mime| format!(", {mime}"));
            let head = format!("resource {uri}{}", mime.unwrap_or_default());
            let mut out = titled(&head, None, cols, theme);
            out.extend(words(text, cols, theme, memo));
            out
        }
        Block::Said { role, block } if deep < DEEP => {
            let mut out: Lines = vec![span(format!("{}:", clean::line(role)), theme.strong).into()];
            let room = cols.saturating_sub(2).max(1);
            out.extend(styled::indented(
                within(block, room, theme, memo, deep + 1),
                if cols > 2 { 2 } else { 0 },
            ));
            out
        }
        Block::Said { .. } => vec![span("…", theme.dim).into()],
        Block::Other { value } => {
            let head = name(block).unwrap_or_default();
            let mut out = titled(&head, None, cols, theme);
            out.extend(json(value, cols, theme));
            out
        }
        Block::Link { description, .. } => {
            let head = name(block).unwrap_or_default();
            titled(&head, description.as_deref(), cols, theme)
        }
        Block::Image { data, .. }
        | Block::Resource {
            blob: Some(data), ..
        } => {
            let mut out = titled(&name(block).unwrap_or_default(), None, cols, theme);
            out.extend(pixels(data, cols, theme, memo));
            out
        }
        Block::Audio { .. } | Block::Resource { .. } => {
            titled(&name(block).unwrap_or_default(), None, cols, theme)
        }
    }
}

/// The picture itself, below its line of text, where pictures are drawn at all. Without colours there would be nothing to see.
fn pixels(data: &str, cols: usize, theme: &Theme, memo: &mut Memo) -> Lines {
    if theme.name == Theme::mono().name || picture::pixels(data).is_none() {
        return Vec::new();
    }
    match memo.picture(data, cols).as_deref() {
        None => Vec::new(),
        Some(Ok(picture)) => picture.lines.clone(),
        Some(Err(why)) => {
            let why = clean::line(&format!("not drawn: {why}"));
            code::plain(&why, theme.dim, cols)
        }
    }
}

/// The pictures of an answer alone, for the chat.
pub(super) fn pictures(of: &[Block], cols: usize, theme: &Theme, memo: &mut Memo) -> Lines {
    let mut out = Vec::new();
    for block in of {
        if let Block::Image { data, .. } = block {
            out.extend(pixels(data, cols, theme, memo));
        }
    }
    out
}

fn titled(head: &str, more: Option<&str>, cols: usize, theme: &Theme) -> Lines {
    let mut out = code::plain(&clean::line(head), theme.link, cols);
    if let Some(more) = more.map(str::trim).filter(|more| !more.is_empty()) {
        let more: String = more.chars().take(WORDS).collect();
        out.extend(code::plain(&clean::block(&more), theme.dim, cols));
    }
    out
}

/// A value as a tree, without the base64 in it.
pub(super) fn json(value: &Value, cols: usize, theme: &Theme) -> Lines {
    value::tree(&without_base64(value), cols, theme)
}

fn without_base64(value: &Value) -> Value {
    match value {
        Value::String(text) if is_base64(text) => {
            let bytes = human::bytes(picture::bytes(text));
            Value::String(format!("[{bytes} as base64]"))
        }
        Value::Array(items) => items.iter().map(without_base64).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| (name.clone(), without_base64(value)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

fn is_base64(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    text.len() >= BASE64 && text.bytes().all(digit)
}

fn words(text: &str, cols: usize, theme: &Theme, memo: &mut Memo) -> Lines {
    let end = text
        .char_indices()
        .nth(TEXT)
        .map_or(text.len(), |(at, _)| at);
    let trimmed = text[..end].trim();
    let is_json = trimmed.starts_with(['{', '[']) && serde_json::from_str::<Value>(trimmed).is_ok();
    let mut out = if is_json {
        value::exact(trimmed, cols, theme)
    } else {
        code::block("", &clean::block(&text[..end]), true, cols, theme, memo)
    };
    if end < text.len() {
        let more = human::bytes(u64::try_from(text.len() - end).unwrap_or(u64::MAX));
        let spans: Spans = vec![span(format!("… {more} more"), theme.dim)];
        out.extend(styled::wrapped(&spans, cols));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_block_has_a_name_and_no_base64() {
        let png = "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAYAAAA10dzk";
        let image = Block::Image {
            mime: "image/png".into(),
            data: png.into(),
        };
        assert_eq!(name(&image).unwrap(), "[image image/png, 640x480, 33 B]");
        let said = Block::Said {
            role: "assistant".into(),
            block: Box::new(image),
        };
        assert_eq!(text(&said), "assistant: [image image/png, 640x480, 33 B]");
        let link = Block::Link {
            uri: "file:///báo cáo.pdf".into(),
            name: Some("report".into()),
            title: Some("Báo cáo\u{1b}[2J".into()),
            description: None,
            mime: Some("application/pdf".into()),
            size: Some(2_000),
        };
        let expected = "[link file:///báo cáo.pdf (Báo cáo, application/pdf, 2.0 kB)]";
        assert_eq!(name(&link).unwrap(), expected);
        let blob = Block::Resource {
            uri: "db://x".into(),
            mime: None,
            text: None,
            blob: Some("YWJj".into()),
        };
        assert_eq!(text(&blob), "[resource db://x binary, 3 B]");
    }

    #[test]
    fn long_base64_in_json_is_named() {
        let long = "A".repeat(400);
        let value = json!({"type": "video", "data": long, "n": [1, "short"]});
        let expected = json!({"type": "video", "data": "[300 B as base64]", "n": [1, "short"]});
        assert_eq!(without_base64(&value), expected);
    }
}
