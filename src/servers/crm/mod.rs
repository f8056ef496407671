//! The CRM server: companies, contacts, opportunities, notes and activities in a store that lasts.
//!
//! `store` keeps them in SQLite or PostgreSQL; each tool is one transaction. Names are searched without regard to accents and case,
//! money is exact, notes are only added. Started by `cli::serve`; `seed` fills a new store, for the demo.

mod activities;
mod check;
mod clock;
mod contacts;
mod details;
mod fold;
mod list;
mod money;
mod opportunities;
mod pipeline;
mod record;
mod search;
mod seed;
mod stage;
mod store;
mod update;

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::servers::toolbox::{Effect, Refusal, Sign, Toolbox};
use crate::servers::{self, Access, ServeError, Serving};

use clock::Clock;
use store::{Session, Store};

pub use seed::seed;

/// What the tools work on.
struct Crm {
    store: Store,
    clock: Clock,
}

/// Serves the CRM until the client leaves: `sqlite:FILE` or `postgres://...`, both made when they are new; without a URL the file
/// `crm.db` in the data directory. With `Access::ReadOnly` nothing is made.
///
/// # Errors
/// A store that cannot be opened or is not a CRM's, or a client that breaks the protocol.
pub async fn serve(url: Option<&str>, access: Access, serving: Serving) -> Result<(), ServeError> {
    let own = format!("sqlite:{}", data_folder().join("crm.db").display());
    let store = Store::open(url.unwrap_or(&own), access)?;
    let clock = Clock::from_environment().map_err(|why| ServeError::Store {
        store: url.unwrap_or(&own).to_owned(),
        why,
    })?;
    let instructions = format!(
        "A CRM: contacts, companies, opportunities, notes and activities. search_contacts finds people by name, company, e-mail or tag and gives the numbers that the other tools take.{}",
        match access {
            Access::ReadOnly => "",
            Access::ReadWrite =>
                " Look before you create: a contact or opportunity may be there already.",
        }
    );
    let toolbox = Toolbox::new("mcpdeck-crm", instructions, Crm { store, clock }, access)
        .with_readiness(ready);
    servers::serve(with_changing_tools(with_reading_tools(toolbox)), serving).await
}

/// Whether the store answers; a row of it must be looked for, as an engine knows 1 without its data.
fn ready(crm: &Crm) -> Result<(), Refusal> {
    let sql = "SELECT count(*) FROM (SELECT id FROM crm_companies LIMIT 1) AS one";
    let read = |session: &mut dyn Session| session.number(sql, &[]);
    crm.store.read(&CancellationToken::new(), read).map(drop)
}

/// The person's own data: `MCPDECK_DATA_DIR`, else `$XDG_DATA_HOME/mcpdeck`, else `~/.local/share/mcpdeck`.
fn data_folder() -> PathBuf {
    let folder = |name| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    folder("MCPDECK_DATA_DIR")
        .or_else(|| folder("XDG_DATA_HOME").map(|data| data.join("mcpdeck")))
        .or_else(|| folder("HOME").map(|home| home.join(".local/share/mcpdeck")))
        .unwrap_or_else(|| std::env::temp_dir().join("mcpdeck"))
}

const SEARCH_CONTACTS: Sign = Sign {
    name: "search_contacts",
    title: "Find contacts",
    description: "Finds contacts by words of name, company, e-mail or tags, by status and by the time of the last contact. Accents and case do not matter. Without arguments it lists all.",
    effect: Effect::Reads,
};

const GET_CONTACT_DETAILS: Sign = Sign {
    name: "get_contact_details",
    title: "Show a contact",
    description: "Shows one contact with company, opportunities, notes, and planned and past activities.",
    effect: Effect::Reads,
};

const LIST_COMPANIES: Sign = Sign {
    name: "list_companies",
    title: "List the companies",
    description: "Lists the companies with the number of their contacts and open opportunities.",
    effect: Effect::Reads,
};

const LIST_OPPORTUNITIES: Sign = Sign {
    name: "list_opportunities",
    title: "List opportunities",
    description: "Lists opportunities, by stage, contact, company, title or the contact's status.",
    effect: Effect::Reads,
};

const PIPELINE_REPORT: Sign = Sign {
    name: "pipeline_report",
    title: "Report on the pipeline",
    description: "Counts and adds the opportunities by stage, also weighted by probability, and what is open in all. Exact, each currency for itself.",
    effect: Effect::Reads,
};

const CREATE_CONTACT: Sign = Sign {
    name: "create_contact",
    title: "Create a contact",
    description: "Creates a contact. The company is named and created when it is new. An e-mail address that another contact has is refused with that contact's number.",
    effect: Effect::Adds,
};

const UPDATE_CONTACT: Sign = Sign {
    name: "update_contact",
    title: "Change a contact",
    description: "Changes name, e-mail, phone, title, company, status or tags of a contact, and shows it before and after. What is not given stays.",
    effect: Effect::Replaces,
};

const UPDATE_CONTACT_NOTES: Sign = Sign {
    name: "update_contact_notes",
    title: "Add a note to a contact",
    description: "Adds a note to a contact. Earlier notes stay as they are.",
    effect: Effect::Adds,
};

const CREATE_OPPORTUNITY: Sign = Sign {
    name: "create_opportunity",
    title: "Create an opportunity",
    description: "Creates an opportunity with a contact. It begins in prospecting with 25 % unless told otherwise.",
    effect: Effect::Adds,
};

const UPDATE_OPPORTUNITY: Sign = Sign {
    name: "update_opportunity",
    title: "Change an opportunity",
    description: "Changes stage, probability, amount, title or expected close of an opportunity, and shows it before and after.",
    effect: Effect::Replaces,
};

const LOG_ACTIVITY: Sign = Sign {
    name: "log_activity",
    title: "Log an activity",
    description: "Logs a call, meeting, e-mail or note with a contact: what happened, or with `due` or `due_in_days` what is planned. A call, meeting or e-mail that happened moves the contact's last contact.",
    effect: Effect::Adds,
};

const COMPLETE_ACTIVITY: Sign = Sign {
    name: "complete_activity",
    title: "Complete a planned activity",
    description: "Says that a planned activity happened.",
    effect: Effect::Adds,
};

fn with_reading_tools(toolbox: Toolbox<Crm>) -> Toolbox<Crm> {
    toolbox
        .with(SEARCH_CONTACTS, search::search_contacts)
        .with(GET_CONTACT_DETAILS, details::get_contact_details)
        .with(LIST_COMPANIES, details::list_companies)
        .with(LIST_OPPORTUNITIES, list::list_opportunities)
        .with(PIPELINE_REPORT, pipeline::pipeline_report)
}

fn with_changing_tools(toolbox: Toolbox<Crm>) -> Toolbox<Crm> {
    toolbox
        .with(CREATE_CONTACT, contacts::create_contact)
        .with(UPDATE_CONTACT, update::update_contact)
        .with(UPDATE_CONTACT_NOTES, contacts::update_contact_notes)
        .with(CREATE_OPPORTUNITY, opportunities::create_opportunity)
        .with(UPDATE_OPPORTUNITY, opportunities::update_opportunity)
        .with(LOG_ACTIVITY, activities::log_activity)
        .with(COMPLETE_ACTIVITY, activities::complete_activity)
}
