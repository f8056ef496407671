//! The Lab tab: faults between mcpdeck and the server, and the server in three eras. What is on and what came of it is the
//! host's; here is which row is marked and how a fault is set before it is switched on.
//!
//! Plain state. `update::inspector::lab` moves it, `view::inspector::lab` draws it.

use std::collections::BTreeMap;

use crate::app::intent::Move;
use crate::mcp::fault::{Fault, FaultKind, Faults};

/// The Lab tab.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabTab {
    /// Which half is on show.
    pub part: LabPart,
    /// The marked fault, a place in [`FaultKind::ALL`].
    pub fault: usize,
    /// The marked row of the comparison.
    pub row: usize,
    /// How faults are set that are off.
    pub set: BTreeMap<FaultKind, Fault>,
}

/// The halves of the tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LabPart {
    /// Faults between mcpdeck and the server.
    #[default]
    Faults,
    /// The server in three eras.
    Eras,
}

/// What its keys mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LabKey {
    /// Mark another row.
    Go(Move),
    /// The other half.
    Switch,
    /// Switches the marked fault on or off.
    Toggle,
    /// When it strikes: once, always, each one of so many.
    Cadence,
    /// How much.
    Amount,
    /// Calls only, or all messages.
    Scope,
    /// Switches all faults off.
    Off,
    /// Asks the server whether it lives, so that something passes.
    Probe,
    /// Starts the server in three eras.
    Compare,
    /// Ends that.
    Stop,
}

impl LabTab {
    /// The marked fault.
    pub fn kind(&self) -> FaultKind {
        let place = self.fault.min(FaultKind::ALL.len() - 1);
        FaultKind::ALL
            .get(place)
            .copied()
            .unwrap_or(FaultKind::Delay)
    }

    /// How a fault is set, on or off.
    pub fn fault(&self, kind: FaultKind, on: Option<&Faults>) -> Fault {
        let on = on.and_then(|on| on.0.get(&kind));
        let set = on.or_else(|| self.set.get(&kind)).copied();
        set.unwrap_or_else(|| Fault::usual(kind))
    }
}
