//! Journeys through the real program on a real terminal. A dozen, no more: what can be shown on state or on a frame is shown
//! there.

#[path = "../support/home.rs"]
mod home;
#[path = "../support/screen.rs"]
mod screen;

mod support;
