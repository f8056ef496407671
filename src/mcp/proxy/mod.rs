//! mcpdeck between another client and its server: what passes is passed on unchanged, and every frame is seen by the tap.
//!
//! `pipes` joins two pairs of pipes byte by byte; `listen` is the HTTP door of one proxy, behind which `bridge` speaks to child
//! processes and `upstream` to a URL; `watch` lets `mcpdeck attach` look on. Pure: `guard` (who may come in), `ring` (what is kept
//! for those who look on) and `route` (which client a server's message is for). Nothing here answers, repeats or changes a message.

pub mod bridge;
pub mod guard;
pub mod listen;
pub mod pipes;
pub mod ring;
mod route;
pub mod token;
pub mod upstream;
pub mod watch;
