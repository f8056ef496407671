//! The terminal program as a pure machine: events in, state and effects out. No terminal, no clock.

mod ask;
mod composer;
mod form;
mod inspect;
mod keymap;
mod lab;
mod offers;
mod palette;
mod pins;
mod queue;
mod reach;
mod replay;
mod scenarios;
mod slash;
mod support;
mod tree;
mod trust;
mod unknown;
mod viewport;
mod wire;
