//! The program as built, headless: `ask`, `list`, `call` with real servers as children and a model over a real socket.
//!
//! Each part of the contract that scripts rely on is held here: the events of `--json`, what goes to stdout and what to stderr,
//! and the exit codes.

#[path = "../support/auth_site.rs"]
mod auth_site;
#[path = "../support/endpoint.rs"]
mod endpoint;
#[path = "../support/eras.rs"]
mod eras;
#[path = "../support/home.rs"]
mod home;
#[path = "../support/screen.rs"]
mod screen;

mod approval;
mod call;
mod deck;
mod demo;
mod events;
mod hostile;
mod interrupt;
mod kinds;
mod list;
mod login;
mod model;
mod reaches;
mod records;
mod replies;
mod speaks;
mod token;
mod traces;
mod trouble;
mod undo;
mod usage;
mod wire_log;
