//! Lab: faults set and switched, and the server started in three eras, each at a key of the person's.
//!
//! Pure. What is done is the host's; nothing is done without a key.

use super::moved;
use crate::app::effect::AppEffect;
use crate::app::inspector::{LabKey, LabPart};
use crate::app::intent::Move;
use crate::app::state::App;
use crate::host::lab::applies;
use crate::host::{Command, LabCommand};
use crate::ids::ServerName;
use crate::mcp::fault::{Fault, FaultKind};

impl App {
    pub(super) fn lab_key(&mut self, key: LabKey) -> Vec<AppEffect> {
        match key {
            LabKey::Go(by) => self.go_in_lab(by),
            LabKey::Switch => self.switch_lab(),
            LabKey::Toggle => self.toggle_fault(),
            LabKey::Cadence => self.set_fault(|_, fault| fault.cadence = fault.cadence.next()),
            LabKey::Amount => {
                self.set_fault(|kind, fault| fault.amount = kind.amount_after(fault.amount))
            }
            LabKey::Scope => self.set_fault(|_, fault| fault.scope = fault.scope.other()),
            LabKey::Off => self.no_faults(),
            LabKey::Probe => self.probe_from_lab(),
            LabKey::Compare => self.compare_eras(),
            LabKey::Stop => self.lab_command(LabCommand::Stop),
        }
    }

    fn lab_command(&mut self, command: LabCommand) -> Vec<AppEffect> {
        self.command(Command::Lab(command))
    }

    fn go_in_lab(&mut self, by: Move) -> Vec<AppEffect> {
        let rows = self.host.lab.comparison.as_ref();
        let rows = rows.map_or(0, |comparison| comparison.table().len());
        let (_, page) = self.chat.measured.detail;
        if let Some(inspector) = &mut self.inspector {
            let tab = &mut inspector.lab;
            match tab.part {
                LabPart::Faults => tab.fault = moved(tab.fault, by, FaultKind::ALL.len(), page),
                LabPart::Eras => tab.row = moved(tab.row, by, rows, page),
            }
        }
        Vec::new()
    }

    fn switch_lab(&mut self) -> Vec<AppEffect> {
        if let Some(inspector) = &mut self.inspector {
            let tab = &mut inspector.lab;
            tab.part = match tab.part {
                LabPart::Faults => LabPart::Eras,
                LabPart::Eras => LabPart::Faults,
            };
        }
        Vec::new()
    }

    /// The marked fault, where the half with the faults is on show and the server can have it.
    fn marked_fault(&mut self) -> Option<(ServerName, FaultKind, Fault, bool)> {
        let inspector = self.inspector.as_ref()?;
        let (tab, server) = (&inspector.lab, &inspector.server);
        (tab.part == LabPart::Faults).then_some(())?;
        let kind = tab.kind();
        let on = self.host.lab.on_at(server);
        let is_on = on.is_some_and(|on| on.0.contains_key(&kind));
        let fault = tab.fault(kind, on);
        let spec = self.host.server(server).and_then(|it| it.spec.as_ref());
        if spec.is_some_and(|spec| applies(kind, &spec.launch)) {
            return Some((server.clone(), kind, fault, is_on));
        }
        let other = match kind.applies_to_http() {
            true => "a server at a URL",
            false => "a server that is a process of mcpdeck's",
        };
        self.say(format!("`{}` can be had only with {other}.", kind.word()));
        None
    }

    fn toggle_fault(&mut self) -> Vec<AppEffect> {
        let Some((server, kind, fault, is_on)) = self.marked_fault() else {
            return Vec::new();
        };
        if let Some(inspector) = &mut self.inspector {
            inspector.lab.set.insert(kind, fault);
        }
        let fault = (!is_on).then_some(fault);
        self.lab_command(LabCommand::Fault {
            server,
            kind,
            fault,
        })
    }

    fn set_fault(&mut self, change: impl FnOnce(FaultKind, &mut Fault)) -> Vec<AppEffect> {
        let Some((server, kind, mut fault, is_on)) = self.marked_fault() else {
            return Vec::new();
        };
        change(kind, &mut fault);
        if let Some(inspector) = &mut self.inspector {
            inspector.lab.set.insert(kind, fault);
        }
        if !is_on {
            return Vec::new();
        }
        let fault = Some(fault);
        self.lab_command(LabCommand::Fault {
            server,
            kind,
            fault,
        })
    }

    fn no_faults(&mut self) -> Vec<AppEffect> {
        let server = self.inspector.as_ref().map(|it| it.server.clone());
        let command = server.map(LabCommand::NoFaults);
        command.map_or_else(Vec::new, |command| self.lab_command(command))
    }

    fn probe_from_lab(&mut self) -> Vec<AppEffect> {
        let Some(server) = self.inspector.as_ref().map(|it| it.server.clone()) else {
            return Vec::new();
        };
        self.say("Asking the server whether it lives.");
        self.command(Command::Probe(server))
    }

    fn compare_eras(&mut self) -> Vec<AppEffect> {
        let Some(inspector) = &mut self.inspector else {
            return Vec::new();
        };
        inspector.lab.part = LabPart::Eras;
        inspector.lab.row = 0;
        let server = inspector.server.clone();
        let effects = self.lab_command(LabCommand::Compare(server.clone()));
        match effects.is_empty() {
            true => self.say("A comparison is under way, or this server cannot be started."),
            false => self.say(format!(
                "{server} is started three times, one after the other."
            )),
        }
        effects
    }

    /// Closes what is open inside the tab; says whether there was anything.
    pub(super) fn lab_back(&mut self) -> bool {
        false
    }
}
