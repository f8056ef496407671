//! `search_contacts`: people by what one remembers of them, in pages.
//!
//! The best matches come first: those where every word of the query begins a word of the name or company. The cursor says behind
//! which row the next page begins, so that a contact added in between neither doubles nor hides another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::servers::crm::Crm;
use crate::servers::crm::check::{MAYBE_STATUSES, STATUSES, word};
use crate::servers::crm::clock::{away, day, read_day};
use crate::servers::crm::fold::{anywhere, at_a_beginning, words};
use crate::servers::crm::record::{CONTACT, CONTACTS, Contact, contact};
use crate::servers::crm::store::{Cell, Fault, Row};
use crate::servers::toolbox::{Answer, Refusal};

/// Contacts on a page unless the call says otherwise.
const PAGE: i64 = 25;

/// Arguments of `search_contacts`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchArgs {
    /// Words to find in name, company, e-mail or tags; each must be found somewhere. Accents and case do not matter.
    #[schemars(length(max = 200))]
    query: Option<String>,
    /// Words of the name alone.
    #[schemars(length(max = 200))]
    name: Option<String>,
    /// Words of the company's name alone.
    #[schemars(length(max = 200))]
    company: Option<String>,
    /// A part of the e-mail address.
    #[schemars(length(max = 254))]
    email: Option<String>,
    /// A tag.
    #[schemars(length(max = 50))]
    tag: Option<String>,
    /// Only contacts with this status.
    #[schemars(extend("enum" = MAYBE_STATUSES))]
    status: Option<String>,
    /// Only contacts whose last contact was before this day (YYYY-MM-DD), or never.
    last_contact_before: Option<String>,
    /// Only contacts whose last contact was after this day (YYYY-MM-DD).
    last_contact_after: Option<String>,
    /// Only contacts whose last contact was more than so many days ago, or never.
    #[schemars(range(min = 0, max = 36500))]
    not_contacted_for_days: Option<i64>,
    /// How many to give; 25 when absent.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<i64>,
    /// `next_cursor` of the page before, with the same other arguments.
    #[schemars(length(max = 2000))]
    cursor: Option<String>,
}

/// One page of contacts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The contacts, best match first, then by name.
    contacts: Vec<Contact>,
    /// How many there are on all pages.
    total: i64,
    /// What gets the next page; null on the last one.
    next_cursor: Option<String>,
}

/// `search_contacts`
pub fn search_contacts(
    crm: &Crm,
    args: SearchArgs,
    stop: &CancellationToken,
) -> Result<Answer<Found>, Refusal> {
    let today = crm.clock.today();
    let search = Search::of(&args, today)?;
    let asked = args.digest();
    let behind = args
        .cursor
        .as_deref()
        .map(|text| Behind::read(text, &asked));
    let behind = behind.transpose()?;
    let limit = args.limit.unwrap_or(PAGE).clamp(1, 100);
    let data = crm.store.read(stop, |session| {
        let count = format!("SELECT count(*) FROM {CONTACTS} WHERE {}", search.filter());
        let total = session.number(&count, &search.cells)?;
        let (sql, cells) = search.page(behind.as_ref(), limit);
        let mut rows = session.run(&sql, &cells)?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next_cursor = match rows.last().filter(|_| more) {
            Some(row) => Some(Behind::of(row, &asked)?.written()),
            None => None,
        };
        let contacts = rows.iter().map(|row| contact(session, row, today));
        Ok(Found {
            contacts: contacts.collect::<Result<_, _>>()?,
            total,
            next_cursor,
        })
    })?;
    let text = data.text();
    Ok(Answer::new(data, text))
}

impl SearchArgs {
    fn texts(&self) -> [(&'static str, &Option<String>); 8] {
        [
            ("query", &self.query),
            ("name", &self.name),
            ("company", &self.company),
            ("email", &self.email),
            ("tag", &self.tag),
            ("status", &self.status),
            ("last_contact_before", &self.last_contact_before),
            ("last_contact_after", &self.last_contact_after),
        ]
    }

    /// What tells this search from others, on whatever page of it.
    fn digest(&self) -> String {
        let given = (
            self.texts().map(|(_, text)| text),
            self.not_contacted_for_days,
        );
        let written = serde_json::to_vec(&given).unwrap_or_default();
        let digest = Sha256::digest(&written);
        URL_SAFE_NO_PAD.encode(digest.get(..9).unwrap_or_default())
    }

    /// A NUL would end a pattern for one engine, and is nothing at all for the other.
    fn without_nul(&self) -> Result<(), Refusal> {
        let mut texts = self.texts().into_iter();
        match texts.find(|(_, text)| text.as_ref().is_some_and(|text| text.contains('\0'))) {
            Some((field, _)) => Err(Refusal(format!("`{field}` has a NUL character in it."))),
            None => Ok(()),
        }
    }
}

impl Found {
    fn text(&self) -> String {
        if self.contacts.is_empty() {
            return "No contact fits.".to_owned();
        }
        let lines = self
            .contacts
            .iter()
            .map(Contact::line)
            .collect::<Vec<_>>()
            .join("\n");
        let noun = if self.total == 1 {
            "contact fits"
        } else {
            "contacts fit"
        };
        let more = match &self.next_cursor {
            Some(cursor) => format!("\nMore: cursor {cursor}"),
            None => String::new(),
        };
        format!("{} {noun}:\n{lines}{more}", self.total)
    }
}

/// The conditions of a search, with their cells in the order of their marks.
#[derive(Debug, Default)]
struct Search {
    conditions: Vec<String>,
    /// What holds for the best matches.
    best: Vec<String>,
    cells: Vec<Cell>,
}

impl Search {
    fn of(args: &SearchArgs, today: NaiveDate) -> Result<Self, Refusal> {
        args.without_nul()?;
        let mut search = Self::default();
        for word in words(args.query.as_deref().unwrap_or_default()) {
            search.anywhere(&word);
        }
        for word in words(args.name.as_deref().unwrap_or_default()) {
            search.within("c.name_search", &word);
        }
        for word in words(args.company.as_deref().unwrap_or_default()) {
            search.within("k.name_search", &word);
        }
        for word in words(args.email.as_deref().unwrap_or_default()) {
            let mark = search.mark(anywhere(&word));
            search
                .conditions
                .push(format!("c.email_search LIKE {mark} ESCAPE '\\'"));
        }
        if let Some(tag) = args
            .tag
            .as_deref()
            .map(|tag| words(tag).join(" "))
            .filter(|tag| !tag.is_empty())
        {
            let mark = search.mark(tag);
            search.conditions.push(format!(
                "EXISTS (SELECT 1 FROM crm_contact_tags t WHERE t.contact_id = c.id AND t.tag_search = {mark})"
            ));
        }
        if let Some(status) = &args.status {
            let mark = search.mark(word("status", status, &STATUSES)?);
            search.conditions.push(format!("c.status = {mark}"));
        }
        search.in_time(args, today)?;
        Ok(search)
    }

    fn in_time(&mut self, args: &SearchArgs, today: NaiveDate) -> Result<(), Refusal> {
        if let Some(before) = &args.last_contact_before {
            let first = read_day(before, "last_contact_before")?;
            self.silent_before(first);
        }
        if let Some(days) = args.not_contacted_for_days {
            self.silent_before(away(today, -days, "not_contacted_for_days")?);
        }
        if let Some(after) = &args.last_contact_after {
            let last = read_day(after, "last_contact_after")?;
            let mark = self.mark(day(away(last, 1, "last_contact_after")?));
            self.conditions.push(format!("c.last_contact_at >= {mark}"));
        }
        Ok(())
    }

    /// A time sorts behind the day that it begins with.
    fn silent_before(&mut self, first: NaiveDate) {
        let mark = self.mark(day(first));
        self.conditions.push(format!(
            "(c.last_contact_at IS NULL OR c.last_contact_at < {mark})"
        ));
    }

    fn mark(&mut self, cell: impl Into<Cell>) -> String {
        self.cells.push(cell.into());
        format!("?{}", self.cells.len())
    }

    /// A word in name, company, e-mail or tags.
    fn anywhere(&mut self, word: &str) {
        let mark = self.mark(anywhere(word));
        self.conditions.push(format!(
            "(c.name_search LIKE {mark} ESCAPE '\\' OR k.name_search LIKE {mark} ESCAPE '\\' OR c.email_search LIKE {mark} ESCAPE '\\' \
             OR EXISTS (SELECT 1 FROM crm_contact_tags t WHERE t.contact_id = c.id AND t.tag_search LIKE {mark} ESCAPE '\\'))"
        ));
        let mark = self.mark(at_a_beginning(word));
        self.best.push(format!(
            "(' ' || c.name_search LIKE {mark} ESCAPE '\\' OR ' ' || coalesce(k.name_search, '') LIKE {mark} ESCAPE '\\')"
        ));
    }

    /// A word in one column.
    fn within(&mut self, column: &str, word: &str) {
        let mark = self.mark(anywhere(word));
        self.conditions
            .push(format!("{column} LIKE {mark} ESCAPE '\\'"));
        let mark = self.mark(at_a_beginning(word));
        self.best.push(format!(
            "' ' || coalesce({column}, '') LIKE {mark} ESCAPE '\\'"
        ));
    }

    /// The condition. What the order alone needs stands in it too, true in any case, so that the cells are the same.
    fn filter(&self) -> String {
        let conditions = self.conditions.iter().map(String::as_str);
        let all: Vec<&str> = std::iter::once("1 = 1").chain(conditions).collect();
        match self.best.is_empty() {
            true => all.join(" AND "),
            false => format!("{} AND {} IN (0, 1)", all.join(" AND "), self.rank()),
        }
    }

    /// 0 for the best matches and 1 for the others.
    fn rank(&self) -> String {
        if self.best.is_empty() {
            return "0".to_owned();
        }
        format!("(CASE WHEN {} THEN 0 ELSE 1 END)", self.best.join(" AND "))
    }

    fn page(&self, behind: Option<&Behind>, limit: i64) -> (String, Vec<Cell>) {
        let mut cells = self.cells.clone();
        let mut next = |cell: Cell| {
            cells.push(cell);
            format!("?{}", cells.len())
        };
        let rank = self.rank();
        let from = match behind {
            Some(Behind(place, name, id, _)) => format!(
                " AND ({rank}, c.name_search, c.id) > (CAST({} AS BIGINT), {}, {})",
                next(Cell::Int(*place)),
                next(Cell::from(name.as_str())),
                next(Cell::Int(*id))
            ),
            None => String::new(),
        };
        let most = next(Cell::Int(limit + 1));
        let sql = format!(
            "SELECT {CONTACT}, CAST({rank} AS BIGINT), c.name_search FROM {CONTACTS} WHERE {}{from} \
             ORDER BY 10, 11, 1 LIMIT {most}",
            self.filter()
        );
        (sql, cells)
    }
}

/// The row behind which a page begins: its place, the folded name and the number; and what was asked.
#[derive(Debug, Serialize, Deserialize)]
struct Behind(i64, String, i64, String);

impl Behind {
    fn of(row: &Row, asked: &str) -> Result<Self, Fault> {
        let asked = asked.to_owned();
        Ok(Self(row.int(9)?, row.text(10)?, row.int(0)?, asked))
    }

    fn written(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn read(text: &str, asked: &str) -> Result<Self, Refusal> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok();
        let read: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let read = read.filter(|behind| !behind.1.contains('\0')).ok_or_else(|| {
            Refusal::new("`cursor`: this is no cursor of search_contacts. Take `next_cursor` of a page, or leave it out.")
        })?;
        if read.3 != asked {
            return Err(Refusal::new(
                "`cursor` belongs to another search: send it with the same arguments as the page before, or leave it out.",
            ));
        }
        Ok(read)
    }
}
