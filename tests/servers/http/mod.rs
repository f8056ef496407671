//! The bundled servers over HTTP: the real binary on a socket of its own, mostly met by bytes that are written by hand.

mod eras;
mod leaving;
mod limits;
mod names;
mod person;
mod request;
mod server;
mod stop;
mod tls;
mod tokens;
mod watch;
