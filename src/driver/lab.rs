//! The faults that are on at each server, and the way to the transport that carries them out.
//!
//! Used by `perform` alone. Nothing of it is ever written down.

use std::collections::HashMap;

use crate::ids::ServerName;
use crate::mcp::fault::Faults;
use crate::mcp::transport::meddler::Meddler;

/// The faults of all servers.
#[derive(Debug, Default)]
pub struct Lab {
    faults: HashMap<ServerName, Faults>,
    /// The connection that was dialled last.
    meddlers: HashMap<ServerName, Meddler>,
}

impl Lab {
    /// These faults are on at a server from now on.
    pub fn set(&mut self, server: ServerName, faults: Faults) {
        if let Some(meddler) = self.meddlers.get(&server) {
            meddler.set(faults.clone());
        }
        match faults.is_empty() {
            true => drop(self.faults.remove(&server)),
            false => drop(self.faults.insert(server, faults)),
        }
    }

    /// A new connection of a server: what is on stays on.
    pub fn dialled(&mut self, server: &ServerName) -> Meddler {
        let faults = self.faults.get(server).cloned().unwrap_or_default();
        let meddler = Meddler::new(faults);
        self.meddlers.insert(server.clone(), meddler.clone());
        meddler
    }
}
