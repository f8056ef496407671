//! The keys of the inspector: those of all its tabs here, those of each tab in its file.
//!
//! Pure.

mod follow;
mod lab;
mod offers;
mod overview;
mod wire;

use super::Context::{Detail, Follow, Lab, Offers, Overview, Servers, Wire};
use super::{Binding, Context, alt, c, ctrl, key};
use crate::app::inspector::InspectTab;
use crate::app::intent::{Inspecting, Intent, Move};
use crate::app::key::Code;

/// The tabs while nothing is typed in them.
const TABS: &[Context] = &[Overview, Offers, Wire, Follow, Lab];

/// Where one server is in view.
const ONE: &[Context] = &[Servers, Detail];

const fn tab(tab: InspectTab) -> Intent {
    Intent::Inspect(Inspecting::Tab(tab))
}

/// What holds in all tabs. What one tab means by a key comes before.
#[rustfmt::skip]
static ROWS: &[Binding] = &[
    row!(TABS, [c('1')], tab(InspectTab::Overview), "", "How the server began, what it says of itself, what is wrong with it"),
    row!(TABS, [c('2')], tab(InspectTab::Tools), "", "Its tools"),
    row!(TABS, [c('3')], tab(InspectTab::Resources), "", "Its resources and templates"),
    row!(TABS, [c('4')], tab(InspectTab::Prompts), "", "Its prompts"),
    row!(TABS, [c('5')], tab(InspectTab::Wire), "", "What passed on the wire"),
    row!(TABS, [c('6')], tab(InspectTab::Follow), "", "One call, or one moment, on a line of time"),
    row!(TABS, [c('7')], tab(InspectTab::Lab), "", "Eras beside each other, and faults"),
    row!(TABS, [c(']')], Intent::Inspect(Inspecting::NextTab), "next tab", "The next tab"),
    row!(TABS, [c('[')], Intent::Inspect(Inspecting::PreviousTab), "", "The tab before"),
    row!(TABS, [key(Code::Esc), c('q')], Intent::Inspect(Inspecting::Back), "back", "Close what is open in the tab, else the inspector"),
    row!(TABS, [key(Code::F(1)), c('?')], Intent::Help, "help", "Show the keys"),
    row!(TABS, [ctrl('p')], Intent::Palette, "commands", "Open the command palette"),
    row!(palette ONE, [c('i')], Intent::Inspect(Inspecting::Open(None)), "inspect", "Look at the server from all sides: the wire, calls, faults"),
];

/// All rows of the inspector.
pub(super) fn rows() -> impl Iterator<Item = &'static Binding> {
    let tabs = [
        overview::ROWS,
        offers::ROWS,
        wire::ROWS,
        follow::ROWS,
        lab::ROWS,
        ROWS,
    ];
    tabs.into_iter().flatten()
}
