//! The terminal program as a pure machine: events in, state and effects out. No terminal, no clock.

mod composer;
mod keymap;
mod palette;
mod queue;
mod reach;
mod scenarios;
mod slash;
mod support;
mod viewport;
