//! Journeys through the real program on a real terminal. A dozen, no more: what can be shown on state or on a frame is shown
//! there.

#[path = "../support/aftermath.rs"]
mod aftermath;
#[path = "../support/endpoint.rs"]
mod endpoint;
#[path = "../support/eras.rs"]
mod eras;
#[path = "../support/home.rs"]
mod home;
#[path = "../support/ports.rs"]
mod ports;
#[path = "../support/screen.rs"]
mod screen;

mod approval;
mod calls;
mod deck;
mod demo;
mod errors;
mod faults;
mod hostile;
mod inspect;
mod interrupt;
mod kept;
mod leaving;
mod notices;
mod offline;
mod reaches;
mod record;
mod resize;
mod servers;
mod sessions;
mod soak;
mod speaks;
mod support;
mod trust;
mod typing;
mod ways;
