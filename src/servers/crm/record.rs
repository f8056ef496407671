//! What the tools give back: contacts, opportunities, notes and activities as a client sees them, and how they are read from rows.
//!
//! Each kind has one list of columns and one function that reads it, so that every tool shows the same.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::servers::crm::clock::days_since;
use crate::servers::crm::money;
use crate::servers::crm::stage;
use crate::servers::crm::store::{Cell, Fault, Row, Session};

/// A company, by what points at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CompanyRef {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Contact {
    /// The number that the other tools take as `contact_id`.
    pub id: i64,
    /// The full name.
    pub name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
    /// What the person is in the company.
    pub title: Option<String>,
    /// The company.
    pub company: Option<CompanyRef>,
    /// lead, prospect, customer, supplier or inactive.
    pub status: String,
    /// Free words.
    pub tags: Vec<String>,
    /// When there was a call, meeting or e-mail last (ISO, UTC); null for never.
    pub last_contact: Option<String>,
    /// Whole days since then.
    pub days_since_contact: Option<i64>,
}

/// The columns of a contact; `c` is the contact and `k` its company.
pub const CONTACT: &str =
    "c.id, c.name, c.email, c.phone, c.title, k.id, k.name, c.status, c.last_contact_at";

/// Where they come from.
pub const CONTACTS: &str = "crm_contacts c LEFT JOIN crm_companies k ON k.id = c.company_id";

/// Reads a contact, and its tags with a look-up.
pub fn contact(session: &mut dyn Session, row: &Row, today: NaiveDate) -> Result<Contact, Fault> {
    let company = match (row.maybe_int(5)?, row.maybe_text(6)?) {
        (Some(id), Some(name)) => Some(CompanyRef { id, name }),
        _ => None,
    };
    let last_contact = row.maybe_text(8)?;
    let id = row.int(0)?;
    let tags = "SELECT tag FROM crm_contact_tags WHERE contact_id = ?1 ORDER BY tag_search";
    let tags = session.run(tags, &[Cell::Int(id)])?;
    Ok(Contact {
        id,
        name: row.text(1)?,
        email: row.maybe_text(2)?,
        phone: row.maybe_text(3)?,
        title: row.maybe_text(4)?,
        company,
        status: row.text(7)?,
        tags: tags
            .iter()
            .map(|row| row.text(0))
            .collect::<Result<_, _>>()?,
        days_since_contact: last_contact.as_deref().and_then(|at| days_since(at, today)),
        last_contact,
    })
}

impl Contact {
    /// One line for people.
    pub fn line(&self) -> String {
        let mut line = format!("#{} {}", self.id, self.name);
        if let Some(company) = &self.company {
            line += &format!(", {}", company.name);
        }
        line += &format!(" ({})", self.status);
        if let Some(email) = &self.email {
            line += &format!(", {email}");
        }
        line + &match self.days_since_contact {
            Some(0) => ", contacted today".to_owned(),
            Some(1) => ", contacted yesterday".to_owned(),
            Some(days) => format!(", contacted {days} days ago"),
            None => ", never contacted".to_owned(),
        }
    }
}

/// A possible sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Opportunity {
    /// The number that the other tools take as `opportunity_id`.
    pub id: i64,
    /// What it is about.
    pub title: String,
    /// Whom it is with.
    pub contact_id: i64,
    /// Their name.
    pub contact_name: String,
    /// Their company's name.
    pub company_name: Option<String>,
    /// prospecting, qualification, proposal, negotiation, won or lost.
    pub stage: String,
    /// Whether the outcome is still to come.
    pub open: bool,
    /// Percent.
    pub probability: i64,
    /// A decimal with two digits after the point.
    pub amount: String,
    /// Three letters.
    pub currency: String,
    /// The day by which it should be decided.
    pub expected_close: Option<String>,
    /// When it was created (ISO, UTC).
    pub created_at: String,
    /// When it was changed last (ISO, UTC).
    pub updated_at: String,
}

/// The columns of an opportunity; `o` is the opportunity, `c` its contact and `k` their company.
pub const OPPORTUNITY: &str = "o.id, o.title, o.contact_id, c.name, k.name, o.stage, o.probability, o.amount_minor, o.currency, o.expected_close, o.created_at, o.updated_at";

/// Where they come from.
pub const OPPORTUNITIES: &str = "crm_opportunities o JOIN crm_contacts c ON c.id = o.contact_id LEFT JOIN crm_companies k ON k.id = c.company_id";

/// Reads an opportunity.
pub fn opportunity(row: &Row) -> Result<Opportunity, Fault> {
    let stage = row.text(5)?;
    Ok(Opportunity {
        id: row.int(0)?,
        title: row.text(1)?,
        contact_id: row.int(2)?,
        contact_name: row.text(3)?,
        company_name: row.maybe_text(4)?,
        open: stage::is_open(&stage),
        stage,
        probability: row.int(6)?,
        amount: money::shown(row.int(7)?),
        currency: row.text(8)?,
        expected_close: row.maybe_text(9)?,
        created_at: row.text(10)?,
        updated_at: row.text(11)?,
    })
}

impl Opportunity {
    /// One line for people.
    pub fn line(&self) -> String {
        format!(
            "#{} {}: {} {} ({}, {} %), {}",
            self.id,
            self.title,
            money::grouped(&self.amount),
            self.currency,
            self.stage,
            self.probability,
            self.contact_name
        )
    }
}

/// A note on a contact; it is never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note {
    /// Its number.
    pub id: i64,
    /// The text.
    pub text: String,
    /// When it was written (ISO, UTC).
    pub written_at: String,
}

/// The columns of a note.
pub const NOTE: &str = "id, body, created_at";

/// Reads a note.
pub fn note(row: &Row) -> Result<Note, Fault> {
    Ok(Note {
        id: row.int(0)?,
        text: row.text(1)?,
        written_at: row.text(2)?,
    })
}

/// Something that happened with a contact, or is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Activity {
    /// Its number.
    pub id: i64,
    /// Whom it is with.
    pub contact_id: i64,
    /// The opportunity that it is about.
    pub opportunity_id: Option<i64>,
    /// call, meeting, email or note.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// More of it.
    pub details: Option<String>,
    /// planned or done.
    pub state: String,
    /// When it happened (ISO, UTC); null while it is planned.
    pub happened_at: Option<String>,
    /// The day for which it was planned.
    pub due: Option<String>,
}

/// The columns of an activity.
pub const ACTIVITY: &str =
    "id, contact_id, opportunity_id, kind, subject, details, state, happened_at, due_on";

/// Reads an activity.
pub fn activity(row: &Row) -> Result<Activity, Fault> {
    Ok(Activity {
        id: row.int(0)?,
        contact_id: row.int(1)?,
        opportunity_id: row.maybe_int(2)?,
        kind: row.text(3)?,
        subject: row.text(4)?,
        details: row.maybe_text(5)?,
        state: row.text(6)?,
        happened_at: row.maybe_text(7)?,
        due: row.maybe_text(8)?,
    })
}

impl Activity {
    /// One line for people.
    pub fn line(&self) -> String {
        let when = match (&self.due, &self.happened_at) {
            (_, Some(at)) => format!("on {}", at.get(..10).unwrap_or(at)),
            (Some(due), None) => format!("planned for {due}"),
            (None, None) => "planned".to_owned(),
        };
        format!("#{} {} {when}: {}", self.id, self.kind, self.subject)
    }
}
