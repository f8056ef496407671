//! The keys of the tabs of what the server offers: its tools, resources and prompts, and the forms of their calls.
//!
//! Pure.

use super::*;
use crate::app::form::tree::TreeKey;
use crate::app::inspector::OffersKey;
use crate::app::keymap::Context::{CallForm, OffersSearch};

const fn does(key: OffersKey) -> Intent {
    Intent::Inspect(Inspecting::Offers(key))
}

const fn form(key: TreeKey) -> Intent {
    does(OffersKey::Form(key))
}

const WRITING: &[Context] = &[OffersSearch, CallForm];

#[rustfmt::skip]
pub(super) static ROWS: &[Binding] = &[
    row!(&[Offers], [key(Code::Enter)], does(OffersKey::Open), "open", "Fill in a call and make it; read a resource; open a call of the list of calls"),
    row!(&[Offers], [c('v')], does(OffersKey::Look), "view as", "Look at the result as text, table, tree, image or raw JSON"),
    row!(&[Offers], [c('r')], does(OffersKey::Repeat), "repeat", "Make the call once more, with the same arguments"),
    row!(&[Offers], [c('c')], does(OffersKey::Compare), "compare", "Hold a result; on another one, see how the two differ"),
    row!(&[Offers], [c('h')], does(OffersKey::History), "calls", "The calls that were made of it"),
    row!(&[Offers], [c('/')], does(OffersKey::Search), "search", "Search by a few letters"),
    row!(&[Offers], [c('y')], does(OffersKey::CopyResult), "copy", "Copy the result"),
    row!(&[Offers], [c('s')], does(OffersKey::CopyShell), "as shell", "Copy the call as a line for a shell"),
    row!(&[Offers], [c('J')], does(OffersKey::CopyJson), "", "Copy the call as JSON"),
    row!(&[Offers], [key(Code::Up), c('k')], does(OffersKey::Go(Move::Up)), "", "One up"),
    row!(&[Offers], [key(Code::Down), c('j')], does(OffersKey::Go(Move::Down)), "", "One down"),
    row!(&[Offers], [key(Code::PageUp)], does(OffersKey::Go(Move::PageUp)), "", "What stands beside the list, or what is open, one screen up"),
    row!(&[Offers], [key(Code::PageDown), c(' ')], does(OffersKey::Go(Move::PageDown)), "", "What stands beside the list, or what is open, one screen down"),
    row!(&[Offers], [key(Code::Home), c('g')], does(OffersKey::Go(Move::Top)), "", "To the first"),
    row!(&[Offers], [key(Code::End), c('G')], does(OffersKey::Go(Move::Bottom)), "", "To the last"),
    row!(&[OffersSearch], [key(Code::Enter)], does(OffersKey::Search), "done", "End the search; what fits stays"),
    row!(&[OffersSearch], [key(Code::Up)], does(OffersKey::Go(Move::Up)), "", "One up"),
    row!(&[OffersSearch], [key(Code::Down)], does(OffersKey::Go(Move::Down)), "", "One down"),
    row!(&[CallForm], [ctrl('s')], does(OffersKey::Send), "call", "Make the call, once all of it fits"),
    row!(&[CallForm], [key(Code::Enter)], form(TreeKey::Act), "", "Open, close, put in or add; on a field, go to the next; on the last text of a prompt, get it"),
    row!(&[CallForm], [key(Code::Tab)], form(TreeKey::Next), "next", "The next row"),
    row!(&[CallForm], [key(Code::Tab).shift()], form(TreeKey::Previous), "", "The row before"),
    row!(&[CallForm], [key(Code::Up)], form(TreeKey::Up), "", "One row up; in a list of proposed values, the one before"),
    row!(&[CallForm], [key(Code::Down)], form(TreeKey::Down), "", "One row down; where values are proposed, mark one"),
    row!(&[CallForm], [ctrl('t')], form(TreeKey::Clear), "leave out", "Leave the value out; of a list, take the item out"),
    row!(&[CallForm], [ctrl('n')], form(TreeKey::Special), "", "The values that are not typed: an empty one, then null where it fits"),
    row!(&[CallForm], [ctrl('r')], does(OffersKey::Raw), "as JSON", "Write the arguments as JSON, or go back to the fields"),
    row!(&[CallForm], [ctrl('o')], does(OffersKey::Reset), "", "Fill the form anew with its defaults; of JSON, go back to the fields as they were"),
    row!(&[CallForm], [ctrl('y')], does(OffersKey::CopyShell), "", "Copy the call as a line for a shell"),
    row!(&[CallForm], [alt('y')], does(OffersKey::CopyJson), "", "Copy the call as JSON"),
    row!(&[CallForm], [ctrl('j'), key(Code::Enter).alt(), key(Code::Enter).shift()], does(OffersKey::Newline), "", "Begin a new line"),
    row!(WRITING, [key(Code::Esc)], Intent::Inspect(Inspecting::Back), "back", "Close it; what is filled in stays"),
    row!(WRITING, [key(Code::F(1))], Intent::Help, "", "Show the keys"),
];
