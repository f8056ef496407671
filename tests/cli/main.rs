//! The program as built, headless: `ask`, `list`, `call` with real servers as children and a model over a real socket.
//!
//! Each part of the contract that scripts rely on is held here: the events of `--json`, what goes to stdout and what to stderr,
//! and the exit codes.

#[path = "../support/aftermath.rs"]
mod aftermath;
#[path = "../support/auth_site.rs"]
mod auth_site;
#[path = "../support/endpoint.rs"]
mod endpoint;
#[path = "../support/eras.rs"]
mod eras;
#[path = "../support/home.rs"]
mod home;
#[path = "../support/naughty.rs"]
mod naughty;
#[path = "../support/screen.rs"]
mod screen;
#[path = "../support/until.rs"]
mod until;

mod approval;
mod broken;
mod call;
mod cases;
mod confine;
mod deck;
mod demo;
mod events;
mod faults;
mod hostile;
mod interrupt;
mod kinds;
mod lint;
mod list;
mod login;
mod model;
mod pins;
mod proxy;
mod reaches;
mod record;
mod records;
mod replies;
mod sessions;
mod shapes;
mod speaks;
mod status;
mod token;
mod traces;
mod trouble;
mod trust;
mod undo;
mod usage;
mod wire_log;
