//! Fills a new store from a text, for the demo and for tests: the same checks and statements as the tools, in one transaction.
//!
//! Days in the text are counted from now, so that "two weeks ago" stays true. Called by `cli::demo`; no tool reaches it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::servers::Access;
use crate::servers::crm::activities::{self, Entry};
use crate::servers::crm::check::KINDS;
use crate::servers::crm::clock::{day, stamp};
use crate::servers::crm::contacts::{self, CreateArgs, Fresh};
use crate::servers::crm::money::{Amount, CURRENCY};
use crate::servers::crm::opportunities;
use crate::servers::crm::store::{Fault, Session, Store};
use crate::servers::crm::{check, stage};
use crate::servers::toolbox::Refusal;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    contact: Vec<Person>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    known_for_days: i64,
    contact: CreateArgs,
    #[serde(default)]
    notes: Vec<Written>,
    #[serde(default)]
    opportunities: Vec<Sale>,
    #[serde(default)]
    activities: Vec<Happened>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    days_ago: i64,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sale {
    days_ago: i64,
    close_in_days: Option<i64>,
    title: String,
    amount: Amount,
    stage: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Happened {
    days_ago: i64,
    kind: String,
    subject: String,
}

/// Makes the store that the URL names and puts into it what the TOML text holds, as of `now`.
///
/// # Errors
/// The store cannot be opened, or the text holds what a tool would refuse; then nothing of it is in the store.
pub fn seed(url: &str, text: &str, now: DateTime<Utc>) -> Result<(), String> {
    let seed: Seed = toml::from_str(text).map_err(|error| error.to_string())?;
    let store = Store::open(url, Access::ReadWrite).map_err(|error| error.to_string())?;
    let never = CancellationToken::new();
    let done = store.write(&never, |session| {
        seed.contact
            .iter()
            .try_for_each(|person| add(session, person, now))
    });
    done.map_err(|Refusal(why)| why)
}

fn add(session: &mut dyn Session, person: &Person, now: DateTime<Utc>) -> Result<(), Fault> {
    let before = |days: i64| stamp(now - TimeDelta::days(days));
    let fresh = Fresh::of(&person.contact)?;
    let (id, _) = contacts::add(session, &fresh, &before(person.known_for_days))?;
    for note in &person.notes {
        contacts::append(
            session,
            id,
            &check::body("text", &note.text)?,
            &before(note.days_ago),
        )?;
    }
    for sale in &person.opportunities {
        let stage = check::word("stage", &sale.stage, &stage::STAGES)?;
        let close = sale.close_in_days.map(TimeDelta::days);
        let fresh = opportunities::Fresh {
            contact: id,
            title: check::line("title", &sale.title)?,
            stage,
            probability: stage::probability(stage),
            minor: sale.amount.minor("amount")?,
            currency: CURRENCY.to_owned(),
            close: close.map(|time| day((now + time).date_naive())),
        };
        opportunities::add(session, &fresh, &before(sale.days_ago))?;
    }
    person
        .activities
        .iter()
        .try_for_each(|happened| log(session, id, happened, &before(happened.days_ago)))
}

fn log(
    session: &mut dyn Session,
    contact: i64,
    happened: &Happened,
    at: &str,
) -> Result<(), Fault> {
    let entry = Entry {
        contact,
        opportunity: None,
        kind: check::word("kind", &happened.kind, &KINDS)?,
        subject: check::line("subject", &happened.subject)?,
        details: None,
        happened: Some(at.to_owned()),
        due: None,
    };
    activities::add(session, &entry, at)?;
    Ok(())
}
