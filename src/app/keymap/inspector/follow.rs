//! The keys of the tab of one call, or one moment, on a line of time.
//!
//! Pure.

use super::*;
use crate::app::inspector::FollowKey;

const fn does(key: FollowKey) -> Intent {
    Intent::Inspect(Inspecting::Follow(key))
}

/// Where a call or a frame may be in view: also where `f` means something else, or types.
const EVERYWHERE: &[Context] = &[
    Overview,
    Offers,
    Context::OffersSearch,
    Context::CallForm,
    Wire,
    Context::WireFilter,
    Follow,
    Lab,
    Detail,
    Servers,
    Context::Chat,
    Context::Completing,
    Context::Calls,
    Context::Question,
    Context::Form,
    Context::Pick,
    Context::Visit,
    Context::Sampling,
];

#[rustfmt::skip]
pub(super) static ROWS: &[Binding] = &[
    row!(&[Follow], [key(Code::Enter)], does(FollowKey::Open), "all of it", "Open the marked row, or close it"),
    row!(&[Follow], [c('w')], does(FollowKey::Wire), "on the wire", "Go to the marked row in the Wire tab"),
    row!(&[Follow], [key(Code::Left), c('p')], does(FollowKey::Older), "call before", "The server's call before"),
    row!(&[Follow], [key(Code::Right), c('n')], does(FollowKey::Newer), "after", "The server's call after"),
    row!(&[Follow], [c('y')], does(FollowKey::Copy), "copy", "Copy all of the marked row"),
    row!(EVERYWHERE, [key(Code::F(5))], does(FollowKey::This), "", "Follow the call or frame that is marked: all that is known of that moment on one line of time; in the chat, the first call in sight"),
    row!(&[Follow], [key(Code::PageUp)], does(FollowKey::Go(Move::PageUp)), "", "One screen up"),
    row!(&[Follow], [key(Code::PageDown)], does(FollowKey::Go(Move::PageDown)), "", "One screen down"),
    row!(&[Follow], [key(Code::Home), c('g')], does(FollowKey::Go(Move::Top)), "", "To the first"),
    row!(&[Follow], [key(Code::End), c('G')], does(FollowKey::Go(Move::Bottom)), "", "To the last"),
    row!(&[Follow], [key(Code::Up), c('k')], does(FollowKey::Go(Move::Up)), "", "One up"),
    row!(&[Follow], [key(Code::Down), c('j')], does(FollowKey::Go(Move::Down)), "", "One down"),
];
