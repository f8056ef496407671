//! The guard of the bundled servers through its public face: tokens, keys, the gate, limits, calls, the record of calls.

mod calls;
mod claims;
mod gate;
mod jwks;
mod keyring;
mod limits;
mod record;
mod vectors;
