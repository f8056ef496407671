//! The protocol lab: faults between the host and its servers (here), and one server in three eras side by side (`compare`, shown
//! by `table`).
//!
//! Pure. Nothing here happens by itself: a person asks for it, and the end of the program is the end of it.

pub mod compare;
pub mod table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use compare::{Column, Comparison, ListSheet, Stage};
pub use table::{Cell, Row};

use crate::config::{Launch, ProtocolChoice, ServerSpec};
use crate::host::effect::Effect;
use crate::host::state::Host;
use crate::ids::{Moment, ServerName};
use crate::mcp::fault::{Cadence, Fault, FaultKind, Faults};

/// What of the lab is under way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lab {
    /// The faults at each server, and how often each has struck.
    pub faults: BTreeMap<ServerName, ServerFaults>,
    /// The comparison under way, or the last one.
    pub comparison: Option<Comparison>,
    /// The last connection of a comparison.
    dials: u64,
}

/// The faults of one server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ServerFaults {
    /// Those that are on.
    pub on: Faults,
    /// How often each has struck since the program began.
    pub struck: BTreeMap<FaultKind, u64>,
}

/// What a person asks of the lab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum LabCommand {
    /// Puts a fault between the host and a server, or sets it otherwise; without one, takes it away.
    Fault {
        /// The server.
        server: ServerName,
        /// Which.
        kind: FaultKind,
        /// How it is set.
        fault: Option<Fault>,
    },
    /// Takes all faults of a server away.
    NoFaults(ServerName),
    /// Starts the server three times more, one after the other, each in another era, and ends it again.
    Compare(ServerName),
    /// Ends that before its end.
    Stop,
}

impl Lab {
    /// The faults that are on at a server, where any is.
    pub fn on_at(&self, server: &ServerName) -> Option<&Faults> {
        let faults = &self.faults.get(server)?.on;
        (!faults.is_empty()).then_some(faults)
    }

    /// The servers at which a fault is on.
    pub fn faulty(&self) -> impl Iterator<Item = &ServerName> {
        let faulty = self.faults.iter().filter(|(_, of)| !of.on.is_empty());
        faulty.map(|(name, _)| name)
    }
}

/// Whether a fault can be had with a server that is started or reached like this.
pub fn applies(kind: FaultKind, launch: &Launch) -> bool {
    match launch {
        Launch::Http(_) => kind.applies_to_http(),
        Launch::Stdio(_) | Launch::Bundled(_) => kind.applies_to_child(),
    }
}

impl Host {
    pub(in crate::host) fn lab_command(&mut self, command: LabCommand, now: Moment) -> Vec<Effect> {
        match command {
            LabCommand::Fault {
                server,
                kind,
                fault,
            } => self.set_fault(server, kind, fault),
            LabCommand::NoFaults(server) => self.no_faults(server),
            LabCommand::Compare(server) => self.compare(&server, now),
            LabCommand::Stop => self.stop_comparing(now),
        }
    }

    fn set_fault(
        &mut self,
        server: ServerName,
        kind: FaultKind,
        fault: Option<Fault>,
    ) -> Vec<Effect> {
        let spec = self.server(&server).and_then(|it| it.spec.as_ref());
        if !spec.is_some_and(|spec| applies(kind, &spec.launch)) {
            return Vec::new();
        }
        let of = self.lab.faults.entry(server.clone()).or_default();
        match fault {
            Some(fault) => drop(of.on.0.insert(kind, fault)),
            None => drop(of.on.0.remove(&kind)),
        }
        let faults = of.on.clone();
        vec![Effect::SetFaults { server, faults }]
    }

    fn no_faults(&mut self, server: ServerName) -> Vec<Effect> {
        let Some(of) = self.lab.faults.get_mut(&server) else {
            return Vec::new();
        };
        of.on = Faults::default();
        let faults = Faults::default();
        vec![Effect::SetFaults { server, faults }]
    }

    /// A fault has struck; one that strikes once is off by that, on the next connection too.
    pub(in crate::host) fn meddled(&mut self, name: &ServerName, kind: FaultKind) -> Vec<Effect> {
        let Some(of) = self.lab.faults.get_mut(name) else {
            return Vec::new();
        };
        *of.struck.entry(kind).or_default() += 1;
        let is_spent = |fault: &Fault| fault.cadence == Cadence::Once;
        if !of.on.0.get(&kind).is_some_and(is_spent) {
            return Vec::new();
        }
        of.on.0.remove(&kind);
        let (server, faults) = (name.clone(), of.on.clone());
        vec![Effect::SetFaults { server, faults }]
    }
}

/// What stands between a server's name and the era in which the lab starts it once more; no configured name has it.
const MARK: char = '~';

/// The name under which the lab starts a server in an era.
fn lab_name(server: &ServerName, protocol: ProtocolChoice) -> ServerName {
    ServerName::new(format!("{server}{MARK}{}", compare::word(protocol)))
}

/// The configured server behind a name of the lab; any other name is its own.
pub fn base(name: &ServerName) -> ServerName {
    match name.as_str().split_once(MARK) {
        Some((base, _)) => ServerName::new(base),
        None => name.clone(),
    }
}

/// Makes a configured server's table into that of a name of the lab; that of any other name stays.
pub fn dress(spec: &mut ServerSpec, name: &ServerName) {
    let protocol = match name.as_str().split_once(MARK) {
        Some((_, "legacy")) => ProtocolChoice::Legacy,
        Some((_, "modern")) => ProtocolChoice::Modern,
        Some((_, _)) => ProtocolChoice::Auto,
        None => return,
    };
    spec.name = name.clone();
    spec.protocol = protocol;
}
