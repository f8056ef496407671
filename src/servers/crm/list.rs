//! `list_opportunities`: possible sales by stage, contact, company or title, in pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::crm::Crm;
use crate::servers::crm::check::{self, MAYBE_STATUSES, STATUSES};
use crate::servers::crm::fold::{anywhere, words};
use crate::servers::crm::record::{OPPORTUNITIES, OPPORTUNITY, Opportunity, opportunity};
use crate::servers::crm::stage::{MAYBE_STAGES, STAGES};
use crate::servers::crm::store::{Cell, Fault};
use crate::servers::toolbox::{Answer, Refusal};

/// Opportunities on a page unless the call says otherwise.
const PAGE: i64 = 50;

/// Arguments of `list_opportunities`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListArgs {
    /// Words of the title.
    #[schemars(length(max = 200))]
    query: Option<String>,
    /// Only with this contact.
    contact_id: Option<i64>,
    /// Words of the company's name.
    #[schemars(length(max = 200))]
    company: Option<String>,
    /// Only in this stage.
    #[schemars(extend("enum" = MAYBE_STAGES))]
    stage: Option<String>,
    /// Only with contacts of this status.
    #[schemars(extend("enum" = MAYBE_STATUSES))]
    contact_status: Option<String>,
    /// Only those whose outcome is still to come.
    open_only: Option<bool>,
    /// How many to give; 50 when absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
    /// `next_cursor` of the page before, with the same other arguments.
    #[schemars(length(max = 30))]
    cursor: Option<String>,
}

/// One page of opportunities.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Listed {
    /// In the order in which they were created.
    opportunities: Vec<Opportunity>,
    /// How many there are on all pages.
    total: i64,
    /// What gets the next page; null on the last one.
    next_cursor: Option<String>,
}

/// `list_opportunities`
pub fn list_opportunities(
    crm: &Crm,
    args: ListArgs,
    stop: &CancellationToken,
) -> Result<Answer<Listed>, Refusal> {
    let behind = args.cursor.as_deref().map_or(Ok(0), |cursor| {
        let read = cursor.trim().parse::<i64>();
        read.map_err(|_| Refusal::new("`cursor`: take `next_cursor` of a page, or leave it out."))
    })?;
    let (filter, cells) = filter(&args)?;
    let limit = args.limit.unwrap_or(PAGE).clamp(1, 200);
    let data = crm.store.read(stop, |session| {
        if let Some(id) = args.contact_id {
            check::contact(session, id)?;
        }
        let total = session.number(&format!("SELECT count(*) FROM {OPPORTUNITIES} WHERE {filter}"), &cells)?;
        let sql = format!(
            "SELECT {OPPORTUNITY} FROM {OPPORTUNITIES} WHERE {filter} AND o.id > {behind} ORDER BY o.id LIMIT {}",
            limit + 1
        );
        let rows = session.run(&sql, &cells)?;
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        let opportunities = rows.iter().take(shown).map(opportunity).collect::<Result<Vec<_>, Fault>>()?;
        let last = opportunities.last().filter(|_| rows.len() > shown);
        Ok(Listed {
            next_cursor: last.map(|last| last.id.to_string()),
            opportunities,
            total,
        })
    })?;
    let text = data.text();
    Ok(Answer::new(data, text))
}

fn filter(args: &ListArgs) -> Result<(String, Vec<Cell>), Refusal> {
    let mut cells: Vec<Cell> = Vec::new();
    let mut filter = "1 = 1".to_owned();
    let mut also = |condition: &str, cell: Cell| {
        cells.push(cell);
        filter += &format!(
            " AND {}",
            condition.replace("{}", &format!("?{}", cells.len()))
        );
    };
    for word in words(args.query.as_deref().unwrap_or_default()) {
        also("o.title_search LIKE {} ESCAPE '\\'", anywhere(&word).into());
    }
    for word in words(args.company.as_deref().unwrap_or_default()) {
        also("k.name_search LIKE {} ESCAPE '\\'", anywhere(&word).into());
    }
    if let Some(id) = args.contact_id {
        also("o.contact_id = {}", id.into());
    }
    if let Some(stage) = &args.stage {
        also("o.stage = {}", check::word("stage", stage, &STAGES)?.into());
    }
    if let Some(status) = &args.contact_status {
        also(
            "c.status = {}",
            check::word("contact_status", status, &STATUSES)?.into(),
        );
    }
    if args.open_only == Some(true) {
        filter += " AND o.stage NOT IN ('won', 'lost')";
    }
    Ok((filter, cells))
}

impl Listed {
    fn text(&self) -> String {
        if self.opportunities.is_empty() {
            return "No opportunity fits.".to_owned();
        }
        let lines = self
            .opportunities
            .iter()
            .map(Opportunity::line)
            .collect::<Vec<_>>()
            .join("\n");
        let more = match &self.next_cursor {
            Some(cursor) => format!("\n{} in all. More: cursor {cursor}", self.total),
            None => String::new(),
        };
        format!("{lines}{more}")
    }
}
