//! `create_contact` and `update_contact_notes`: who is new, and what was learnt. A note is added and never changed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::crm::Crm;
use crate::servers::crm::check::{self, MAYBE_STATUSES, STATUSES};
use crate::servers::crm::clock::stamp;
use crate::servers::crm::fold::{fold, key};
use crate::servers::crm::record::{CONTACT, CONTACTS, Contact, NOTE, Note, contact, note};
use crate::servers::crm::store::{Cell, Fault, Session};
use crate::servers::toolbox::{Answer, Refusal};

/// Arguments of `create_contact`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateArgs {
    /// The full name.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// The e-mail address; no two contacts have the same.
    #[schemars(length(max = 254))]
    pub email: Option<String>,
    /// The phone number.
    #[schemars(length(max = 50))]
    pub phone: Option<String>,
    /// What the person is in the company.
    #[schemars(length(max = 200))]
    pub title: Option<String>,
    /// The company's name; created when there is none of this name.
    #[schemars(length(max = 200))]
    pub company: Option<String>,
    /// What the contact is; lead when absent.
    #[schemars(extend("enum" = MAYBE_STATUSES))]
    pub status: Option<String>,
    /// Free words.
    #[schemars(length(max = 20), inner(length(min = 1, max = 50)))]
    pub tags: Option<Vec<String>>,
    /// A first note.
    #[schemars(length(max = 20000))]
    pub note: Option<String>,
}

/// The contact that is new.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Created {
    /// The contact.
    pub contact: Contact,
    /// Whether the company is new as well.
    pub company_created: bool,
}

/// A contact whose fields were checked.
pub struct Fresh {
    name: String,
    email: Option<String>,
    phone: Option<String>,
    title: Option<String>,
    company: Option<String>,
    status: &'static str,
    tags: Vec<String>,
    note: Option<String>,
}

impl Fresh {
    /// Checks the fields.
    ///
    /// # Errors
    /// The first one that is not good.
    pub fn of(args: &CreateArgs) -> Result<Self, Refusal> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let tags = args.tags.as_deref().unwrap_or_default();
        let status = args.status.as_deref().unwrap_or("lead");
        Ok(Self {
            name: check::line("name", &args.name)?,
            email: given(&args.email)
                .map(|email| check::email(&email))
                .transpose()?,
            phone: check::maybe_line("phone", args.phone.as_deref())?,
            title: check::maybe_line("title", args.title.as_deref())?,
            company: check::maybe_line("company", args.company.as_deref())?,
            status: check::word("status", status, &STATUSES)?,
            tags: tags
                .iter()
                .map(|tag| check::line("tags", tag))
                .collect::<Result<_, _>>()?,
            note: check::maybe_body("note", args.note.as_deref())?,
        })
    }
}

/// `create_contact`
pub fn create_contact(
    crm: &Crm,
    args: CreateArgs,
    stop: &CancellationToken,
) -> Result<Answer<Created>, Refusal> {
    let fresh = Fresh::of(&args)?;
    let (now, today) = (stamp(crm.clock.now()), crm.clock.today());
    let data = crm.store.write(stop, |session| {
        let (id, company_created) = add(session, &fresh, &now)?;
        Ok(Created {
            contact: one(session, id, today)?,
            company_created,
        })
    })?;
    let company = match (&data.contact.company, data.company_created) {
        (Some(company), true) => format!(" The company {} is new as well.", company.name),
        _ => String::new(),
    };
    let text = format!("Created the contact {}.{company}", data.contact.line());
    Ok(Answer::new(data, text))
}

/// Puts a contact into the store, with its company; gives its number and whether the company is new.
///
/// # Errors
/// Another one has the address, or what the engine says.
pub fn add(session: &mut dyn Session, fresh: &Fresh, now: &str) -> Result<(i64, bool), Fault> {
    let email_key = fresh.email.as_deref().map(key);
    if let Some(email) = &email_key {
        unused(session, email, None)?;
    }
    let (company, company_created) = match &fresh.company {
        Some(name) => company(session, name, now).map(|(id, made)| (Some(id), made))?,
        None => (None, false),
    };
    let sql = "INSERT INTO crm_contacts (company_id, name, name_search, email, email_key, email_search, phone, title, status, created_at, updated_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10) RETURNING id";
    let cells = [
        Cell::from(company),
        fresh.name.as_str().into(),
        fold(&fresh.name).into(),
        fresh.email.as_deref().into(),
        email_key.into(),
        fresh.email.as_deref().map(fold).into(),
        fresh.phone.as_deref().into(),
        fresh.title.as_deref().into(),
        fresh.status.into(),
        now.into(),
    ];
    let id = session.number(sql, &cells)?;
    tagged(session, id, &fresh.tags)?;
    if let Some(text) = &fresh.note {
        append(session, id, text, now)?;
    }
    Ok((id, company_created))
}

/// Gives a contact these tags besides those that it has.
///
/// # Errors
/// What the engine says.
pub fn tagged(session: &mut dyn Session, contact: i64, tags: &[String]) -> Result<(), Fault> {
    for tag in tags {
        let sql = "INSERT INTO crm_contact_tags (contact_id, tag, tag_search) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        session.run(
            sql,
            &[contact.into(), tag.as_str().into(), fold(tag).into()],
        )?;
    }
    Ok(())
}

/// Holds that nobody but `own` has this address.
///
/// # Errors
/// Somebody has it, or what the engine says.
pub fn unused(session: &mut dyn Session, email_key: &str, own: Option<i64>) -> Result<(), Fault> {
    let sql = "SELECT id, name FROM crm_contacts WHERE email_key = ?1 AND id <> ?2";
    // No contact has the number 0.
    match session.one(sql, &[email_key.into(), own.unwrap_or(0).into()])? {
        None => Ok(()),
        Some(row) => Err(Fault::Refused(Refusal(format!(
            "`email`: contact {} ({}) has this address already. Use that contact, or give another address.",
            row.int(0)?,
            row.text(1)?
        )))),
    }
}

/// The company of this name, made when there is none: its number and whether it is new.
///
/// # Errors
/// What the engine says.
pub fn company(session: &mut dyn Session, name: &str, now: &str) -> Result<(i64, bool), Fault> {
    let name_key = key(name);
    let found = session.one(
        "SELECT id FROM crm_companies WHERE name_key = ?1",
        &[name_key.as_str().into()],
    )?;
    if let Some(row) = found {
        return Ok((row.int(0)?, false));
    }
    let sql = "INSERT INTO crm_companies (name, name_key, name_search, created_at) VALUES (?1, ?2, ?3, ?4) RETURNING id";
    let cells = [name.into(), name_key.into(), fold(name).into(), now.into()];
    Ok((session.number(sql, &cells)?, true))
}

/// The contact with this number, which is there.
///
/// # Errors
/// What the engine says.
pub fn one(session: &mut dyn Session, id: i64, today: chrono::NaiveDate) -> Result<Contact, Fault> {
    let sql = format!("SELECT {CONTACT} FROM {CONTACTS} WHERE c.id = ?1");
    let row = session.one(&sql, &[Cell::Int(id)])?;
    let row = row.ok_or_else(|| Fault::Engine(format!("contact {id} is gone")))?;
    contact(session, &row, today)
}

/// Adds a note.
///
/// # Errors
/// What the engine says.
pub fn append(
    session: &mut dyn Session,
    contact: i64,
    text: &str,
    now: &str,
) -> Result<Note, Fault> {
    let sql = format!(
        "INSERT INTO crm_notes (contact_id, body, created_at) VALUES (?1, ?2, ?3) RETURNING {NOTE}"
    );
    let row = session.one(&sql, &[contact.into(), text.into(), now.into()])?;
    note(&row.ok_or_else(|| Fault::Engine("no row came back".to_owned()))?)
}

/// Arguments of `update_contact_notes`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteArgs {
    /// The contact's number.
    contact_id: i64,
    /// What to add. What was noted before stays as it is.
    #[schemars(length(min = 1, max = 20000))]
    note: String,
}

/// The note that is new.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Noted {
    /// The contact's number.
    contact_id: i64,
    /// The note.
    note: Note,
    /// How many notes the contact has now.
    notes: i64,
}

/// `update_contact_notes`
pub fn update_contact_notes(
    crm: &Crm,
    args: NoteArgs,
    stop: &CancellationToken,
) -> Result<Answer<Noted>, Refusal> {
    let text = check::body("note", &args.note)?;
    let (id, now) = (args.contact_id, stamp(crm.clock.now()));
    let (name, data) = crm.store.write(stop, |session| {
        let name = check::contact(session, id)?;
        let note = append(session, id, &text, &now)?;
        session.run(
            "UPDATE crm_contacts SET updated_at = ?1 WHERE id = ?2",
            &[now.as_str().into(), id.into()],
        )?;
        let notes = session.number(
            "SELECT count(*) FROM crm_notes WHERE contact_id = ?1",
            &[id.into()],
        )?;
        Ok((
            name,
            Noted {
                contact_id: id,
                note,
                notes,
            },
        ))
    })?;
    let text = format!(
        "Added note {} to {name} (#{id}): {} in all.",
        data.note.id, data.notes
    );
    Ok(Answer::new(data, text))
}
