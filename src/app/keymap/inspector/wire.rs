//! The keys of the tab of what passed on the wire.
//!
//! Pure.

use super::*;
use crate::app::inspector::WireKey;

const fn does(key: WireKey) -> Intent {
    Intent::Inspect(Inspecting::Wire(key))
}

const fn go(by: Move) -> Intent {
    does(WireKey::Go(by))
}

/// What is written at the foot of the tab.
const PROMPT: &[Context] = &[Context::WireFilter];

#[rustfmt::skip]
pub(super) static ROWS: &[Binding] = &[
    row!(PROMPT, [key(Code::F(1))], Intent::Help, "", "Show the keys"),
    row!(PROMPT, [key(Code::Enter)], does(WireKey::Submit), "take it", "Take the filter, search for the text, send the frame"),
    row!(PROMPT, [key(Code::Esc)], does(WireKey::Leave), "leave", "Leave it; a filter is as it was before"),
    row!(&[Wire], [c('/')], does(WireKey::Filter), "filter", "Filter: server: method: tool: id: status: kind: dir: size: >100ms \"a text\"; - turns a term round"),
    row!(&[Wire], [key(Code::Enter), key(Code::Right), c('l')], does(WireKey::Enter), "look", "Into the frame; there, fold or unfold the JSON at the line"),
    row!(&[Wire], [c(' ')], does(WireKey::Pause), "pause", "Stand still while frames come, or go on"),
    row!(&[Wire], [c('p')], does(WireKey::Pair), "pair", "To the answer of this request, or the request of this answer"),
    row!(&[Wire], [c('w')], does(WireKey::Raw), "raw frame", "Write a frame and send it as it stands to the inspected server"),
    row!(&[Wire], [c('y')], does(WireKey::Copy), "copy", "Copy the frame as it passed"),
    row!(&[Wire], [c('Y')], does(WireKey::CopyPretty), "", "Copy the frame over many lines"),
    row!(&[Wire], [c('s')], does(WireKey::Search), "search", "Search for a text; nothing is hidden"),
    row!(&[Wire], [c('n')], does(WireKey::Next), "", "To the next frame with that text"),
    row!(&[Wire], [c('N')], does(WireKey::Previous), "", "To the one before"),
    row!(&[Wire], [c('f')], does(WireKey::Follow), "follow", "To the newest frame, and along with it"),
    row!(&[Wire], [c('o')], does(WireKey::ThisServer), "", "Only the inspected server, or all of them"),
    row!(&[Wire], [c('x')], does(WireKey::ClearFilter), "", "Take the filter away"),
    row!(&[Wire], [c('z')], does(WireKey::FoldAll), "", "Fold the JSON but for the outermost, or unfold all of it"),
    row!(&[Wire], [key(Code::Up), c('k')], go(Move::Up), "", "One up"),
    row!(&[Wire], [key(Code::Down), c('j')], go(Move::Down), "", "One down; behind the last, along with the newest"),
    row!(&[Wire], [key(Code::PageUp), ctrl('b')], go(Move::PageUp), "", "One screen up"),
    row!(&[Wire], [key(Code::PageDown), ctrl('f')], go(Move::PageDown), "", "One screen down"),
    row!(&[Wire], [key(Code::Home), c('g')], go(Move::Top), "", "To the oldest"),
    row!(&[Wire], [key(Code::End), c('G')], go(Move::Bottom), "", "To the newest"),
    row!(&[Wire], [key(Code::Left), c('h')], does(WireKey::Back), "", "Out of the frame"),
];
