//! How much of a call is kept: its answer whole up to 1 MiB, and beyond that cut with a note that says so.
//!
//! Pure.

use crate::host::call::CallEnd;
use crate::host::session::line::{CallLine, Stage};
use crate::mcp::result::{Block, CallOutcome, ToolResult};
use crate::text::human;

/// Bytes of an answer that are kept.
pub const MOST: usize = 1 << 20;

/// Cuts what is too long.
pub(super) fn bounded(mut call: CallLine) -> CallLine {
    if let Stage::Over {
        how: CallEnd::Outcome {
            outcome: CallOutcome::Answered { result },
        },
        ..
    } = &mut call.stage
    {
        *result = cut(result, MOST).into();
    }
    call
}

/// What is kept of a result; what is not is never copied.
fn cut(result: &ToolResult, most: usize) -> ToolResult {
    let mut left = most;
    let mut note = None;
    let structured = result.structured.as_ref().filter(|value| {
        let size = value.to_string().len();
        let fits = size <= left;
        if fits {
            left -= size;
        } else {
            let size = size_words(size);
            let text = format!("[mcpdeck] The structured answer of {size} was too long to be kept");
            note = Some(Block::Text { text });
        }
        fits
    });
    let structured = structured.cloned();
    let blocks = result.content.iter().chain(&note);
    ToolResult {
        content: blocks.map(|block| cut_block(block, &mut left)).collect(),
        structured,
        is_error: result.is_error,
    }
}

fn cut_block(block: &Block, left: &mut usize) -> Block {
    let size = size(block);
    if size <= *left {
        *left -= size;
        return block.clone();
    }
    let what = size_words(size);
    let text = match block {
        Block::Text { text }
        | Block::Resource {
            text: Some(text), ..
        } => {
            let mut end = (*left).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            format!(
                "{}\n[mcpdeck] The rest of {what} was too long to be kept",
                &text[..end]
            )
        }
        other => {
            let name: String = other.as_text().chars().take(200).collect();
            format!("[mcpdeck] {what} were too much to be kept: {name}")
        }
    };
    *left = 0;
    Block::Text { text }
}

fn size(block: &Block) -> usize {
    match block {
        Block::Text { text } => text.len(),
        Block::Image { data, .. } | Block::Audio { data, .. } => data.len(),
        Block::Link { description, .. } => description
            .as_ref()
            .map_or(0, String::len)
            .saturating_add(200),
        Block::Resource { text, blob, .. } => {
            text.as_ref().map_or(0, String::len) + blob.as_ref().map_or(0, String::len)
        }
        Block::Said { block, .. } => size(block),
        Block::Other { value } => value.to_string().len(),
    }
}

fn size_words(size: usize) -> String {
    human::bytes(u64::try_from(size).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Block {
        Block::Text { text: text.into() }
    }

    #[test]
    fn what_fits_stays_and_what_does_not_is_cut_at_a_character_with_a_note() {
        let mut result = ToolResult {
            content: vec![text("hello"), text("xế"), text("gone")],
            structured: None,
            is_error: false,
        };
        result = cut(&result, 100);
        assert_eq!(result.content, [text("hello"), text("xế"), text("gone")]);
        result = cut(&result, 7);
        let rest = |size: &str| format!("\n[mcpdeck] The rest of {size} was too long to be kept");
        assert_eq!(
            result.content,
            [
                text("hello"),
                text(&format!("x{}", rest("4 B"))),
                text(&rest("4 B"))
            ]
        );
    }

    #[test]
    fn a_structured_answer_and_a_picture_are_kept_whole_or_named() {
        let mut result = ToolResult {
            content: vec![Block::Image {
                mime: "image/png".into(),
                data: "A".repeat(50),
            }],
            structured: Some(serde_json::json!({ "rows": "x".repeat(40) })),
            is_error: false,
        };
        result = cut(&result, 60);
        assert!(result.structured.is_some());
        let words =
            "[mcpdeck] 50 B were too much to be kept: [image image/png, 50 bytes of base64]";
        assert_eq!(result.content, [text(words)]);
        result = cut(&result, 10);
        assert_eq!(result.structured, None);
    }
}
