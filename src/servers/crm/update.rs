//! `update_contact`: what changed about a person: name, addresses, company, status, tags. What is not given stays.
//!
//! The columns that are searched are written together with those that are shown, so that the new name is found and the old one
//! is not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::crm::Crm;
use crate::servers::crm::check::{self, MAYBE_STATUSES, STATUSES};
use crate::servers::crm::clock::stamp;
use crate::servers::crm::contacts::{company, one, tagged, unused};
use crate::servers::crm::fold::{fold, key};
use crate::servers::crm::record::Contact;
use crate::servers::crm::store::{Cell, Fault, Session};
use crate::servers::toolbox::{Answer, Refusal};

/// Arguments of `update_contact`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateArgs {
    /// The contact's number.
    contact_id: i64,
    /// The full name.
    #[schemars(length(min = 1, max = 200))]
    name: Option<String>,
    /// The e-mail address; an empty text takes it away.
    #[schemars(length(max = 254))]
    email: Option<String>,
    /// The phone number; an empty text takes it away.
    #[schemars(length(max = 50))]
    phone: Option<String>,
    /// What the person is in the company; an empty text takes it away.
    #[schemars(length(max = 200))]
    title: Option<String>,
    /// The company's name, created when there is none of this name; an empty text takes the person out of the company.
    #[schemars(length(max = 200))]
    company: Option<String>,
    /// What the contact is.
    #[schemars(extend("enum" = MAYBE_STATUSES))]
    status: Option<String>,
    /// All tags, in place of those that there are; an empty list takes them away.
    #[schemars(length(max = 20), inner(length(min = 1, max = 50)))]
    tags: Option<Vec<String>>,
}

/// A contact before and after.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Updated {
    /// As it is now.
    contact: Contact,
    /// As it was.
    before: Contact,
    /// Whether the company is new as well.
    company_created: bool,
}

/// `update_contact`
pub fn update_contact(
    crm: &Crm,
    args: UpdateArgs,
    stop: &CancellationToken,
) -> Result<Answer<Updated>, Refusal> {
    let changes = Changes::of(&args)?;
    if changes.is_empty() {
        return Err(Refusal::new(
            "Nothing to change: give `name`, `email`, `phone`, `title`, `company`, `status` or `tags`.",
        ));
    }
    let (id, now, today) = (args.contact_id, stamp(crm.clock.now()), crm.clock.today());
    let data = crm.store.write(stop, |session| {
        check::contact(session, id)?;
        let before = one(session, id, today)?;
        let company_created = changes.make(session, id, &now)?;
        Ok(Updated {
            contact: one(session, id, today)?,
            before,
            company_created,
        })
    })?;
    let company = match (&data.contact.company, data.company_created) {
        (Some(company), true) => format!("\nThe company {} is new.", company.name),
        _ => String::new(),
    };
    let text = format!(
        "Was: {}\nNow: {}{company}",
        data.before.line(),
        data.contact.line()
    );
    Ok(Answer::new(data, text))
}

/// What changes, checked.
#[derive(Debug, Default)]
struct Changes {
    /// The contact's own columns, each with its new value.
    columns: Vec<(&'static str, Cell)>,
    /// The key of a new address, which nobody else may have.
    email_key: Option<String>,
    /// The new company's name; none inside for no company.
    company: Option<Option<String>>,
    tags: Option<Vec<String>>,
}

impl Changes {
    fn of(args: &UpdateArgs) -> Result<Self, Refusal> {
        let mut changes = Self::default();
        if let Some(name) = &args.name {
            let name = check::line("name", name)?;
            changes.set("name_search", fold(&name));
            changes.set("name", name);
        }
        if let Some(email) = &args.email {
            changes.email(email)?;
        }
        for (column, given) in [("phone", &args.phone), ("title", &args.title)] {
            if let Some(text) = given {
                changes.set(column, check::maybe_line(column, Some(text))?.as_deref());
            }
        }
        if let Some(status) = &args.status {
            changes.set("status", check::word("status", status, &STATUSES)?);
        }
        if let Some(company) = &args.company {
            changes.company = Some(check::maybe_line("company", Some(company))?);
        }
        if let Some(tags) = &args.tags {
            let tags = tags.iter().map(|tag| check::line("tags", tag));
            changes.tags = Some(tags.collect::<Result<_, _>>()?);
        }
        Ok(changes)
    }

    fn email(&mut self, given: &str) -> Result<(), Refusal> {
        let email = match given.trim().is_empty() {
            true => None,
            false => Some(check::email(given)?),
        };
        self.email_key = email.as_deref().map(key);
        self.set("email_key", self.email_key.clone());
        self.set("email_search", email.as_deref().map(fold));
        self.set("email", email.as_deref());
        Ok(())
    }

    fn set(&mut self, column: &'static str, value: impl Into<Cell>) {
        self.columns.push((column, value.into()));
    }

    fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.company.is_none() && self.tags.is_none()
    }

    /// Writes them; gives whether the company is new.
    fn make(&self, session: &mut dyn Session, id: i64, now: &str) -> Result<bool, Fault> {
        if let Some(email_key) = &self.email_key {
            unused(session, email_key, Some(id))?;
        }
        let mut columns = self.columns.clone();
        let mut company_created = false;
        if let Some(wanted) = &self.company {
            let number = match wanted {
                None => None,
                Some(name) => {
                    let (number, made) = company(session, name, now)?;
                    company_created = made;
                    Some(number)
                }
            };
            columns.push(("company_id", number.into()));
        }
        let sets: Vec<String> = (3..)
            .zip(&columns)
            .map(|(mark, (column, _))| format!(", {column} = ?{mark}"))
            .collect();
        let sql = format!(
            "UPDATE crm_contacts SET updated_at = ?2{} WHERE id = ?1",
            sets.concat()
        );
        let cells = [Cell::Int(id), now.into()].into_iter();
        let cells: Vec<Cell> = cells.chain(columns.into_iter().map(|(_, c)| c)).collect();
        session.run(&sql, &cells)?;
        if let Some(tags) = &self.tags {
            let sql = "DELETE FROM crm_contact_tags WHERE contact_id = ?1";
            session.run(sql, &[id.into()])?;
            tagged(session, id, tags)?;
        }
        Ok(company_created)
    }
}
