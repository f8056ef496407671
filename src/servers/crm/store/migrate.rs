//! The schema, as numbered steps that every store takes once: written for both engines in one text.
//!
//! The number of the last step stands in the store. Runs inside one transaction that the engine has made exclusive, so that two
//! programs starting at once do not both migrate. A step that was released is never changed; a change is a new step.

use crate::servers::crm::store::{Cell, Fault, Session};
use crate::servers::toolbox::Refusal;

/// What the engines call the same things.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// The type of a key that the engine numbers.
    pub key: &'static str,
    /// The type of whole numbers of 64 bits.
    pub int: &'static str,
    /// The type of texts that are sorted by their bytes.
    pub text: &'static str,
    /// What follows a table's columns.
    pub end: &'static str,
    /// Counts the table that remembers the steps: 1 or 0.
    pub is_ours: &'static str,
}

/// The steps; the first is number 1.
const STEPS: &[&[&str]] = &[&[
    "CREATE TABLE crm_companies (
       id {key}, name {text} NOT NULL, name_key {text} NOT NULL UNIQUE, name_search {text} NOT NULL,
       industry {text}, city {text}, created_at {text} NOT NULL){end}",
    "CREATE TABLE crm_contacts (
       id {key}, company_id {int} REFERENCES crm_companies(id), name {text} NOT NULL, name_search {text} NOT NULL,
       email {text}, email_key {text} UNIQUE, email_search {text}, phone {text}, title {text}, status {text} NOT NULL,
       last_contact_at {text}, created_at {text} NOT NULL, updated_at {text} NOT NULL){end}",
    "CREATE TABLE crm_contact_tags (
       contact_id {int} NOT NULL REFERENCES crm_contacts(id), tag {text} NOT NULL, tag_search {text} NOT NULL,
       PRIMARY KEY (contact_id, tag_search)){end}",
    "CREATE TABLE crm_opportunities (
       id {key}, contact_id {int} NOT NULL REFERENCES crm_contacts(id), title {text} NOT NULL, title_search {text} NOT NULL,
       stage {text} NOT NULL, probability {int} NOT NULL CHECK (probability BETWEEN 0 AND 100),
       amount_minor {int} NOT NULL CHECK (amount_minor >= 0), currency {text} NOT NULL,
       expected_close {text}, created_at {text} NOT NULL, updated_at {text} NOT NULL){end}",
    "CREATE TABLE crm_notes (
       id {key}, contact_id {int} NOT NULL REFERENCES crm_contacts(id), body {text} NOT NULL, created_at {text} NOT NULL){end}",
    "CREATE TABLE crm_activities (
       id {key}, contact_id {int} NOT NULL REFERENCES crm_contacts(id), opportunity_id {int} REFERENCES crm_opportunities(id),
       kind {text} NOT NULL, subject {text} NOT NULL, details {text}, state {text} NOT NULL CHECK (state IN ('planned', 'done')),
       happened_at {text}, due_on {text}, created_at {text} NOT NULL){end}",
    "CREATE INDEX crm_contacts_by_company ON crm_contacts(company_id)",
    "CREATE INDEX crm_contacts_by_name ON crm_contacts(name_search, id)",
    "CREATE INDEX crm_contacts_by_last_contact ON crm_contacts(last_contact_at)",
    "CREATE INDEX crm_opportunities_by_contact ON crm_opportunities(contact_id)",
    "CREATE INDEX crm_notes_by_contact ON crm_notes(contact_id)",
    "CREATE INDEX crm_activities_by_contact ON crm_activities(contact_id)",
]];

/// Takes the steps that the store has not taken yet.
///
/// # Errors
/// The store is one of a newer program, or what the engine says.
pub fn migrate(session: &mut dyn Session, dialect: &Dialect, now: &str) -> Result<(), Fault> {
    let own = "CREATE TABLE crm_migrations (step {int} PRIMARY KEY, taken_at {text} NOT NULL){end}";
    // Looked for first: a role that may not create tables can serve a store that is there.
    if session.number(dialect.is_ours, &[])? == 0 {
        session.run(&written(own, dialect), &[])?;
    }
    let taken = taken(session)?;
    for (number, step) in (1_i64..).zip(STEPS).filter(|(number, _)| *number > taken) {
        for statement in *step {
            session.run(&written(statement, dialect), &[])?;
        }
        let note = "INSERT INTO crm_migrations (step, taken_at) VALUES (?1, ?2)";
        session.run(note, &[Cell::Int(number), now.into()])?;
    }
    Ok(())
}

/// Holds that the store can be read as it is.
///
/// # Errors
/// It is no CRM's store, one of another program's version, or what the engine says.
pub fn readable(session: &mut dyn Session, dialect: &Dialect) -> Result<(), Fault> {
    if session.number(dialect.is_ours, &[])? == 0 {
        return Err(Fault::Refused(Refusal::new(
            "there is no CRM in it, and with --read-only none is made",
        )));
    }
    let taken = taken(session)?;
    if taken < known() {
        return Err(Fault::Refused(Refusal(format!(
            "it was made by an older mcpdeck (its schema is number {taken}, this program wants {}): serve it once without --read-only",
            known()
        ))));
    }
    Ok(())
}

fn known() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The number of the last step that the store has taken.
fn taken(session: &mut dyn Session) -> Result<i64, Fault> {
    let taken = session.number("SELECT coalesce(max(step), 0) FROM crm_migrations", &[])?;
    let known = known();
    if taken > known {
        return Err(Fault::Refused(Refusal(format!(
            "it was made by a newer mcpdeck (its schema is number {taken}, this program knows {known}): update mcpdeck"
        ))));
    }
    Ok(taken)
}

fn written(statement: &str, dialect: &Dialect) -> String {
    statement
        .replace("{key}", dialect.key)
        .replace("{int}", dialect.int)
        .replace("{text}", dialect.text)
        .replace("{end}", dialect.end)
}
