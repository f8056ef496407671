//! `get_contact_details` and `list_companies`: all that is known of one contact, and the companies with what they are worth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::crm::Crm;
use crate::servers::crm::check;
use crate::servers::crm::contacts::one;
use crate::servers::crm::fold::{anywhere, words};
use crate::servers::crm::record::{
    ACTIVITY, Activity, Contact, NOTE, Note, OPPORTUNITIES, OPPORTUNITY, Opportunity,
};
use crate::servers::crm::record::{activity, note, opportunity};
use crate::servers::crm::store::{Cell, Fault, Session};
use crate::servers::toolbox::{Answer, Refusal};

/// Notes and activities that are shown, the latest first.
const LATEST: i64 = 50;

/// Companies that are shown.
const COMPANIES: i64 = 200;

/// Arguments of `get_contact_details`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetailsArgs {
    /// The contact's number.
    contact_id: i64,
}

/// All that is known of a contact.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Details {
    /// The contact.
    contact: Contact,
    /// The opportunities, open ones first.
    opportunities: Vec<Opportunity>,
    /// The latest notes, newest first.
    notes: Vec<Note>,
    /// How many notes there are in all.
    notes_total: i64,
    /// The planned activities by their day, then what happened, newest first.
    activities: Vec<Activity>,
    /// How many activities there are in all.
    activities_total: i64,
}

/// `get_contact_details`
pub fn get_contact_details(
    crm: &Crm,
    args: DetailsArgs,
    stop: &CancellationToken,
) -> Result<Answer<Details>, Refusal> {
    let (id, today) = (args.contact_id, crm.clock.today());
    let data = crm.store.read(stop, |session| {
        check::contact(session, id)?;
        let total = |session: &mut dyn Session, table: &str| {
            session.number(
                &format!("SELECT count(*) FROM {table} WHERE contact_id = ?1"),
                &[id.into()],
            )
        };
        Ok(Details {
            contact: one(session, id, today)?,
            opportunities: opportunities(session, id)?,
            notes: notes(session, id)?,
            notes_total: total(session, "crm_notes")?,
            activities: activities(session, id)?,
            activities_total: total(session, "crm_activities")?,
        })
    })?;
    let text = data.text();
    Ok(Answer::new(data, text))
}

fn opportunities(session: &mut dyn Session, id: i64) -> Result<Vec<Opportunity>, Fault> {
    let sql = format!(
        "SELECT {OPPORTUNITY} FROM {OPPORTUNITIES} WHERE o.contact_id = ?1 \
         ORDER BY CASE WHEN o.stage IN ('won', 'lost') THEN 1 ELSE 0 END, o.id"
    );
    session
        .run(&sql, &[id.into()])?
        .iter()
        .map(opportunity)
        .collect()
}

fn notes(session: &mut dyn Session, id: i64) -> Result<Vec<Note>, Fault> {
    let sql =
        format!("SELECT {NOTE} FROM crm_notes WHERE contact_id = ?1 ORDER BY id DESC LIMIT ?2");
    session
        .run(&sql, &[id.into(), LATEST.into()])?
        .iter()
        .map(note)
        .collect()
}

fn activities(session: &mut dyn Session, id: i64) -> Result<Vec<Activity>, Fault> {
    let sql = format!(
        "SELECT {ACTIVITY} FROM crm_activities WHERE contact_id = ?1 \
         ORDER BY CASE state WHEN 'planned' THEN 0 ELSE 1 END, CASE state WHEN 'planned' THEN due_on ELSE '' END, \
         happened_at DESC, id DESC LIMIT ?2"
    );
    session
        .run(&sql, &[id.into(), LATEST.into()])?
        .iter()
        .map(activity)
        .collect()
}

impl Details {
    fn text(&self) -> String {
        let mut lines = vec![self.contact.line()];
        let mut part = |title: String, entries: Vec<String>| {
            if !entries.is_empty() {
                lines.push(title);
                lines.extend(entries.into_iter().map(|entry| format!("- {entry}")));
            }
        };
        part(
            "Opportunities:".to_owned(),
            self.opportunities.iter().map(Opportunity::line).collect(),
        );
        part(
            format!("Activities ({}):", self.activities_total),
            self.activities.iter().map(Activity::line).collect(),
        );
        let noted = |note: &Note| {
            format!(
                "{}: {}",
                note.written_at.get(..10).unwrap_or_default(),
                note.text
            )
        };
        part(
            format!("Notes ({}):", self.notes_total),
            self.notes.iter().map(noted).collect(),
        );
        lines.join("\n")
    }
}

/// Arguments of `list_companies`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompaniesArgs {
    /// Words of the name; all companies when absent.
    #[schemars(length(max = 200))]
    query: Option<String>,
}

/// One company.
#[derive(Debug, Serialize, JsonSchema)]
struct Company {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
    /// How many contacts are there.
    contacts: i64,
    /// How many open opportunities are with them.
    open_opportunities: i64,
}

/// The companies.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Companies {
    /// By name.
    companies: Vec<Company>,
    /// How many there are; more than 200 are not shown.
    total: i64,
}

/// `list_companies`
pub fn list_companies(
    crm: &Crm,
    args: CompaniesArgs,
    stop: &CancellationToken,
) -> Result<Answer<Companies>, Refusal> {
    let mut cells = Vec::new();
    let mut filter = "1 = 1".to_owned();
    for word in words(args.query.as_deref().unwrap_or_default()) {
        cells.push(Cell::from(anywhere(&word)));
        filter += &format!(" AND k.name_search LIKE ?{} ESCAPE '\\'", cells.len());
    }
    let data = crm.store.read(stop, |session| {
        let total = session.number(
            &format!("SELECT count(*) FROM crm_companies k WHERE {filter}"),
            &cells,
        )?;
        let sql = format!(
            "SELECT k.id, k.name, (SELECT count(*) FROM crm_contacts c WHERE c.company_id = k.id), \
             (SELECT count(*) FROM crm_opportunities o JOIN crm_contacts c ON c.id = o.contact_id \
              WHERE c.company_id = k.id AND o.stage NOT IN ('won', 'lost')) \
             FROM crm_companies k WHERE {filter} ORDER BY k.name_search, k.id LIMIT {COMPANIES}"
        );
        let companies = session.run(&sql, &cells)?.into_iter().map(|row| {
            Ok(Company {
                id: row.int(0)?,
                name: row.text(1)?,
                contacts: row.int(2)?,
                open_opportunities: row.int(3)?,
            })
        });
        let companies = companies.collect::<Result<_, Fault>>()?;
        Ok(Companies { companies, total })
    })?;
    let line = |c: &Company| {
        format!(
            "#{} {}: contacts {}, open opportunities {}",
            c.id, c.name, c.contacts, c.open_opportunities
        )
    };
    let lines: Vec<String> = data.companies.iter().map(line).collect();
    let text = if lines.is_empty() {
        "No company fits.".to_owned()
    } else {
        lines.join("\n")
    };
    Ok(Answer::new(data, text))
}
