//! The keys of the tab of eras beside each other, and faults between host and server.
//!
//! Pure.

use super::*;
use crate::app::inspector::LabKey;

const fn does(key: LabKey) -> Intent {
    Intent::Inspect(Inspecting::Lab(key))
}

#[rustfmt::skip]
pub(super) static ROWS: &[Binding] = &[
    row!(&[Lab], [c(' '), key(Code::Enter)], does(LabKey::Toggle), "on or off", "Switch the marked fault on or off"),
    row!(&[Lab], [c('n')], does(LabKey::Cadence), "when", "When it strikes: once, always, each second, third, fifth or tenth time"),
    row!(&[Lab], [c('a')], does(LabKey::Amount), "how much", "How much: milliseconds, words or MiB"),
    row!(&[Lab], [c('s')], does(LabKey::Scope), "what", "What it concerns: calls only, or all messages"),
    row!(&[Lab], [c('o')], does(LabKey::Off), "all off", "Switch all faults of this server off"),
    row!(&[Lab], [c('c')], does(LabKey::Compare), "three eras", "Start the server three times more, in legacy, auto and modern, and show what differs"),
    row!(&[Lab], [c('x')], does(LabKey::Stop), "", "End that before its end"),
    row!(&[Lab], [c('p')], does(LabKey::Probe), "", "Ask the server whether it lives, so that something passes"),
    row!(&[Lab], [key(Code::Tab), key(Code::Left), key(Code::Right)], does(LabKey::Switch), "", "Faults, or the three eras"),
    row!(&[Lab], [key(Code::PageUp)], does(LabKey::Go(Move::PageUp)), "", "One screen up"),
    row!(&[Lab], [key(Code::PageDown)], does(LabKey::Go(Move::PageDown)), "", "One screen down"),
    row!(&[Lab], [key(Code::Home), c('g')], does(LabKey::Go(Move::Top)), "", "To the first"),
    row!(&[Lab], [key(Code::End), c('G')], does(LabKey::Go(Move::Bottom)), "", "To the last"),
    row!(&[Lab], [key(Code::Up), c('k')], does(LabKey::Go(Move::Up)), "", "One up"),
    row!(&[Lab], [key(Code::Down), c('j')], does(LabKey::Go(Move::Down)), "", "One down"),
];
