//! The terminal program as a pure machine: events in, state and effects out. No terminal, no clock.

mod ask;
mod composer;
mod form;
mod keymap;
mod palette;
mod pins;
mod queue;
mod reach;
mod scenarios;
mod slash;
mod support;
mod trust;
mod unknown;
mod viewport;
