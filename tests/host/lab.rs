//! The protocol lab: faults that are switched by hand alone, and a server in three eras, one after the other.

use std::time::Duration;

use mcpdeck::host::lab::{Stage as Column, base};
use mcpdeck::host::{Command, Effect, HostEvent, LabCommand};
use mcpdeck::ids::{AskId, Generation};
use mcpdeck::mcp::ask::Ask;
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::fault::{Cadence, Fault, FaultKind, Faults};
use mcpdeck::mcp::listing::{Listed, Listing};
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::status::{Era, Hello};
use serde_json::json;

use crate::stage::*;

fn lab(stage: &mut Stage, command: LabCommand) -> Vec<Effect> {
    stage.command(Command::Lab(command))
}

fn set(kind: FaultKind, fault: Fault) -> LabCommand {
    LabCommand::Fault {
        server: "other".into(),
        kind,
        fault: Some(fault),
    }
}

fn told(faults: &[(FaultKind, Fault)]) -> Effect {
    Effect::SetFaults {
        server: "other".into(),
        faults: Faults(faults.iter().copied().collect()),
    }
}

#[test]
fn a_fault_is_on_until_it_is_taken_away_and_one_that_strikes_once_until_then() {
    let mut stage = Stage::ready();
    let (delay, drop) = (
        Fault::usual(FaultKind::Delay),
        Fault::usual(FaultKind::Drop),
    );
    assert_eq!(
        (delay.cadence, drop.cadence),
        (Cadence::Always, Cadence::Once)
    );
    let effects = lab(&mut stage, set(FaultKind::Delay, delay));
    assert_eq!(effects, [told(&[(FaultKind::Delay, delay)])]);
    lab(&mut stage, set(FaultKind::Drop, drop));
    let on = stage.host.lab.on_at(&"other".into()).expect("faults");
    assert_eq!(on.words(), "delay 500 ms always, drop once");
    // What strikes is counted; what strikes once is off by that, on the next connection too.
    let struck = stage.server("other", ServerEvent::Meddled(FaultKind::Delay));
    assert_eq!(struck, []);
    let struck = stage.server("other", ServerEvent::Meddled(FaultKind::Drop));
    assert_eq!(struck, [told(&[(FaultKind::Delay, delay)])]);
    let counts = &stage.host.lab.faults[&"other".into()].struck;
    assert_eq!(
        (counts[&FaultKind::Delay], counts[&FaultKind::Drop]),
        (1, 1)
    );
    let effects = lab(&mut stage, LabCommand::NoFaults("other".into()));
    assert_eq!(effects, [told(&[])]);
    assert_eq!(stage.host.lab.on_at(&"other".into()), None);
}

#[test]
fn a_fault_that_a_server_cannot_have_is_not_switched_on() {
    let mut stage = Stage::ready();
    for kind in [FaultKind::Unauthorized, FaultKind::Expired] {
        assert_eq!(lab(&mut stage, set(kind, Fault::usual(kind))), []);
    }
    let elsewhere = LabCommand::Fault {
        server: "nobody".into(),
        kind: FaultKind::Drop,
        fault: Some(Fault::usual(FaultKind::Drop)),
    };
    assert_eq!(lab(&mut stage, elsewhere), []);
    assert_eq!(stage.host.lab.faulty().count(), 0);
}

/// The server of a comparison that is dialled now.
fn dialled(effects: &[Effect]) -> (String, Generation) {
    let dial = effects.iter().find_map(|effect| match effect {
        Effect::Dial {
            server, generation, ..
        } => Some((server.to_string(), *generation)),
        _ => None,
    });
    dial.unwrap_or_else(|| panic!("no dial in {effects:?}"))
}

fn listed_kinds(effects: &[Effect]) -> Vec<ListKind> {
    let kind = |effect: &Effect| match effect {
        Effect::List { kind, .. } => Some(*kind),
        _ => None,
    };
    effects.iter().filter_map(kind).collect()
}

fn greets(era: Era, revision: &str, capabilities: serde_json::Value) -> ServerEvent {
    ServerEvent::Connected(Box::new(Hello {
        era,
        revision: revision.into(),
        name: "s".into(),
        version: "1".into(),
        instructions: None,
        capabilities,
    }))
}

#[test]
fn a_server_is_started_three_times_one_after_the_other_and_what_differs_is_marked() {
    let mut stage = Stage::ready();
    let before = stage.host.servers.clone();
    let mut effects = lab(&mut stage, LabCommand::Compare("other".into()));
    for (name, era, revision, names) in [
        (
            "other~legacy",
            Era::Legacy,
            "2025-11-25",
            &["read", "write"][..],
        ),
        ("other~auto", Era::Modern, "2026-07-28", &["read"][..]),
    ] {
        let (dialled, generation) = dialled(&effects);
        assert_eq!(
            (dialled.as_str(), base(&name.into())),
            (name, "other".into())
        );
        let asked = stage.server_of(
            name,
            generation,
            ServerEvent::Asked {
                ask: AskId(1),
                call: None,
                what: Ask::Roots,
            },
        );
        assert!(
            matches!(asked.as_slice(), [Effect::Reply { .. }]),
            "{asked:?}"
        );
        let capabilities = match era {
            Era::Legacy => json!({"tools": {"listChanged": true}, "prompts": {}}),
            Era::Modern => json!({"tools": {}, "prompts": {}}),
        };
        let lists = stage.server_of(name, generation, greets(era, revision, capabilities));
        assert_eq!(listed_kinds(&lists), [ListKind::Tools]);
        let items = names.iter().map(|name| tool(name, true)).collect();
        let rejected = Vec::new();
        let tools = Listed::Tools(Listing { items, rejected });
        let next = stage.server_of(name, generation, ServerEvent::Listed(tools));
        assert_eq!(listed_kinds(&next), [ListKind::Prompts]);
        let failed = ServerEvent::ListFailed(ListKind::Prompts, "prompts/list failed".into());
        let end = stage.server_of(name, generation, failed);
        assert!(matches!(end.as_slice(), [Effect::Close { .. }]), "{end:?}");
        effects = stage.server_of(name, generation, ended(FailureKind::Stopped));
    }
    let (name, generation) = dialled(&effects);
    let last = stage.server_of(&name, generation, ended(FailureKind::Protocol));
    assert_eq!((name.as_str(), last), ("other~modern", vec![]));
    let comparison = stage.host.lab.comparison.clone().expect("a comparison");
    assert!(!comparison.is_running());
    let rows: Vec<String> = comparison
        .table()
        .into_iter()
        .filter(|row| row.differs)
        .map(|row| {
            format!(
                "{}: {}",
                row.label,
                row.cells.map(|cell| cell.text).join(" / ")
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "outcome: speaks it / speaks it / the process ended",
            "era: legacy / modern / ",
            "revision: 2025-11-25 / 2026-07-28 / ",
            "can tools.listChanged: yes / no / ",
            "tools/list: 2 / 1 / ",
            "  write: there / missing / ",
        ]
    );
    assert_eq!(
        stage.host.servers, before,
        "nothing of it is a server of the deck"
    );
}

#[test]
fn a_comparison_is_stopped_by_hand_and_a_second_one_waits_for_its_end() {
    let mut stage = Stage::ready();
    let effects = lab(&mut stage, LabCommand::Compare("other".into()));
    let (name, generation) = dialled(&effects);
    assert_eq!(lab(&mut stage, LabCommand::Compare("files".into())), []);
    let stopped = lab(&mut stage, LabCommand::Stop);
    assert!(matches!(stopped.as_slice(), [Effect::Close { .. }]));
    let late = stage.server_of(&name, generation, ended(FailureKind::Stopped));
    assert_eq!(late, []);
    let columns = stage
        .host
        .lab
        .comparison
        .as_ref()
        .expect("one")
        .columns
        .clone();
    assert!(columns.iter().all(|column| column.stage == Column::Stopped));
    // The next one has connections of its own: a late word of the last one is nobody's.
    let effects = lab(&mut stage, LabCommand::Compare("other".into()));
    let (_, next) = dialled(&effects);
    assert!(next > generation);
    stage.now = stage.now.plus(Duration::from_secs(1));
    assert_eq!(stage.server_of(&name, generation, hello()), []);
    let columns = &stage.host.lab.comparison.as_ref().expect("one").columns;
    assert!(matches!(columns[0].stage, Column::Dials { .. }));
}

#[test]
fn nothing_of_the_lab_happens_by_itself() {
    let mut stage = Stage::ready();
    stage.submit("go");
    stage.tell(HostEvent::Woke {
        slept: Duration::from_secs(3600),
    });
    assert_eq!(stage.host.lab, Default::default());
}
