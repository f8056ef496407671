//! Journeys through the real program on a real terminal. A dozen, no more: what can be shown on state or on a frame is shown
//! there.

#[path = "../support/endpoint.rs"]
mod endpoint;
#[path = "../support/home.rs"]
mod home;
#[path = "../support/screen.rs"]
mod screen;

mod approval;
mod deck;
mod demo;
mod support;
