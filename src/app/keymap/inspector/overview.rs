//! The keys of the tab of how the server began, what it says of itself, what is wrong with it.
//!
//! Pure.

use super::*;
use crate::app::inspector::OverviewKey;

const fn does(key: OverviewKey) -> Intent {
    Intent::Inspect(Inspecting::Overview(key))
}

#[rustfmt::skip]
pub(super) static ROWS: &[Binding] = &[
    row!(&[Overview], [c('r')], does(OverviewKey::Restart), "restart", "Start the server anew"),
    row!(&[Overview], [c('u')], does(OverviewKey::Undeclared), "undeclared", "Ask for the lists that it does not announce"),
    row!(&[Overview], [c('y')], does(OverviewKey::Repeat), "", "Repeat the last call now and after each restart (--watch)"),
    row!(&[Overview], [c('c')], does(OverviewKey::Copy), "copy", "Copy what the rules have against it"),
    row!(&[Overview], [key(Code::Up), c('k')], does(OverviewKey::Go(Move::Up)), "", "One up"),
    row!(&[Overview], [key(Code::Down), c('j')], does(OverviewKey::Go(Move::Down)), "", "One down"),
    row!(&[Overview], [key(Code::PageUp)], does(OverviewKey::Go(Move::PageUp)), "", "A page up"),
    row!(&[Overview], [key(Code::PageDown)], does(OverviewKey::Go(Move::PageDown)), "", "A page down"),
    row!(&[Overview], [key(Code::Home), c('g')], does(OverviewKey::Go(Move::Top)), "", "To the start"),
    row!(&[Overview], [key(Code::End), c('G')], does(OverviewKey::Go(Move::Bottom)), "", "To the end"),
];
