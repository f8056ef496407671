//! `log_activity` and `complete_activity`: what happened with a contact and what is planned.
//!
//! A call, meeting or e-mail that happened moves the contact's last contact forward, never back; a plan does not move it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use chrono::{DateTime, TimeDelta, Utc};

use crate::servers::crm::Crm;
use crate::servers::crm::check::{self, KINDS};
use crate::servers::crm::clock::{away, day, read_day, read_time, stamp};
use crate::servers::crm::record::{ACTIVITY, Activity, activity};
use crate::servers::crm::store::{Cell, Fault, Session};
use crate::servers::toolbox::{Answer, Refusal};

/// Arguments of `log_activity`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogArgs {
    /// Whom it is with.
    contact_id: i64,
    /// What it is.
    #[schemars(extend("enum" = KINDS))]
    kind: String,
    /// What it is about.
    #[schemars(length(min = 1, max = 200))]
    subject: String,
    /// More of it.
    #[schemars(length(max = 20000))]
    details: Option<String>,
    /// The opportunity that it is about; one of the same contact.
    opportunity_id: Option<i64>,
    /// When it happened: a date or a time with zone; now when absent.
    happened_at: Option<String>,
    /// The day for which it is planned (YYYY-MM-DD), instead of `happened_at`.
    due: Option<String>,
    /// The same as so many days from today.
    #[schemars(range(min = 0, max = 3650))]
    due_in_days: Option<i64>,
}

/// What was logged.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Logged {
    /// The activity.
    activity: Activity,
    /// The contact's last contact now (ISO, UTC).
    last_contact: Option<String>,
}

/// When it was or will be.
enum When {
    Done(DateTime<Utc>),
    Planned(String),
}

/// `log_activity`
pub fn log_activity(
    crm: &Crm,
    args: LogArgs,
    stop: &CancellationToken,
) -> Result<Answer<Logged>, Refusal> {
    let kind = check::word("kind", &args.kind, &KINDS)?;
    let subject = check::line("subject", &args.subject)?;
    let details = check::maybe_body("details", args.details.as_deref())?;
    let (happened, due) = match when(crm, &args)? {
        When::Done(at) => (Some(stamp(at)), None),
        When::Planned(due) => (None, Some(due)),
    };
    let entry = Entry {
        contact: args.contact_id,
        opportunity: args.opportunity_id,
        kind,
        subject,
        details,
        happened,
        due,
    };
    let now = stamp(crm.clock.now());
    let (name, data) = crm.store.write(stop, |session| {
        let name = check::contact(session, args.contact_id)?;
        own_opportunity(session, &args)?;
        Ok((name, add(session, &entry, &now)?))
    })?;
    let verb = match data.activity.happened_at {
        Some(_) => "Logged",
        None => "Planned",
    };
    let text = format!("{verb} with {name}: {}.", data.activity.line());
    Ok(Answer::new(data, text))
}

/// An activity whose fields were checked: it happened, or it is due.
pub struct Entry {
    /// The contact, who is there.
    pub contact: i64,
    /// One of the contact's opportunities.
    pub opportunity: Option<i64>,
    /// One of the kinds.
    pub kind: &'static str,
    /// What it is about.
    pub subject: String,
    /// More of it.
    pub details: Option<String>,
    /// When it happened.
    pub happened: Option<String>,
    /// For when it is planned.
    pub due: Option<String>,
}

/// Puts it into the store and moves the last contact if it was one.
///
/// # Errors
/// What the engine says.
pub fn add(session: &mut dyn Session, entry: &Entry, now: &str) -> Result<Logged, Fault> {
    let state = match entry.happened {
        Some(_) => "done",
        None => "planned",
    };
    let sql = format!(
        "INSERT INTO crm_activities (contact_id, opportunity_id, kind, subject, details, state, happened_at, due_on, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING {ACTIVITY}"
    );
    let cells = [
        Cell::Int(entry.contact),
        entry.opportunity.into(),
        entry.kind.into(),
        entry.subject.as_str().into(),
        entry.details.as_deref().into(),
        state.into(),
        entry.happened.as_deref().into(),
        entry.due.as_deref().into(),
        now.into(),
    ];
    let row = session.one(&sql, &cells)?;
    let activity = activity(&row.ok_or_else(|| Fault::Engine("no row came back".to_owned()))?)?;
    Ok(Logged {
        last_contact: contacted(session, &activity)?,
        activity,
    })
}

fn when(crm: &Crm, args: &LogArgs) -> Result<When, Refusal> {
    let (now, today) = (crm.clock.now(), crm.clock.today());
    match (&args.happened_at, &args.due, args.due_in_days) {
        (None, None, None) => Ok(When::Done(now)),
        (Some(text), None, None) => {
            let at = read_time(text, "happened_at", now)?;
            happened(at, text, now).map(When::Done)
        }
        (None, Some(text), None) => {
            let due = read_day(text, "due")?;
            // It may still be yesterday where the person is.
            if due < away(today, -1, "due")? {
                return Err(Refusal(format!(
                    "`due`: {text} is past. Give a day to come, or `happened_at` for what happened."
                )));
            }
            Ok(When::Planned(day(due)))
        }
        (None, None, Some(days)) => away(today, days, "due_in_days").map(day).map(When::Planned),
        _ => Err(Refusal::new(
            "Give only one of `happened_at` (it happened), `due` and `due_in_days` (it is planned).",
        )),
    }
}

/// Clocks differ by some minutes and zones by some hours, so a day ahead is still believed.
fn happened(at: DateTime<Utc>, text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    if at > now + TimeDelta::days(1) {
        return Err(Refusal(format!(
            "`happened_at`: {text} is still to come. Give `due` for what is planned."
        )));
    }
    Ok(at.min(now))
}

fn own_opportunity(session: &mut dyn Session, args: &LogArgs) -> Result<(), Fault> {
    let Some(id) = args.opportunity_id else {
        return Ok(());
    };
    let sql = "SELECT contact_id FROM crm_opportunities WHERE id = ?1";
    match session
        .one(sql, &[id.into()])?
        .map(|row| row.int(0))
        .transpose()?
    {
        Some(contact) if contact == args.contact_id => Ok(()),
        Some(contact) => Err(Fault::Refused(Refusal(format!(
            "`opportunity_id`: opportunity {id} is with contact {contact}, not {}.",
            args.contact_id
        )))),
        None => Err(Fault::Refused(Refusal(format!(
            "`opportunity_id`: there is no opportunity {id}. list_opportunities finds the numbers."
        )))),
    }
}

/// Moves the last contact forward if this was one; gives it as it is now.
fn contacted(session: &mut dyn Session, activity: &Activity) -> Result<Option<String>, Fault> {
    if let Some(at) = activity
        .happened_at
        .as_deref()
        .filter(|_| activity.kind != "note")
    {
        let sql = "UPDATE crm_contacts SET last_contact_at = ?2, updated_at = ?2 \
                   WHERE id = ?1 AND (last_contact_at IS NULL OR last_contact_at < ?2)";
        session.run(sql, &[activity.contact_id.into(), at.into()])?;
    }
    let sql = "SELECT last_contact_at FROM crm_contacts WHERE id = ?1";
    let row = session.one(sql, &[activity.contact_id.into()])?;
    row.map_or(Ok(None), |row| row.maybe_text(0))
}

/// Arguments of `complete_activity`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteArgs {
    /// The planned activity's number.
    activity_id: i64,
    /// When it happened: a date or a time with zone; now when absent.
    happened_at: Option<String>,
}

/// `complete_activity`
pub fn complete_activity(
    crm: &Crm,
    args: CompleteArgs,
    stop: &CancellationToken,
) -> Result<Answer<Logged>, Refusal> {
    let now = crm.clock.now();
    let at = match &args.happened_at {
        Some(text) => happened(read_time(text, "happened_at", now)?, text, now)?,
        None => now,
    };
    let (id, at) = (args.activity_id, stamp(at));
    let data = crm.store.write(stop, |session| {
        let sql = format!(
            "UPDATE crm_activities SET state = 'done', happened_at = ?2 WHERE id = ?1 AND state = 'planned' RETURNING {ACTIVITY}"
        );
        match session.one(&sql, &[id.into(), at.as_str().into()])? {
            Some(row) => {
                let activity = activity(&row)?;
                Ok(Logged {
                    last_contact: contacted(session, &activity)?,
                    activity,
                })
            }
            None => Err(Fault::Refused(Refusal(format!(
                "`activity_id`: there is no planned activity {id}. get_contact_details shows what is planned."
            )))),
        }
    })?;
    let text = format!("Done: {}.", data.activity.line());
    Ok(Answer::new(data, text))
}
