//! `create_opportunity`, `update_opportunity` and `list_opportunities`: possible sales, their stages and what they are worth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::crm::Crm;
use crate::servers::crm::check;
use crate::servers::crm::clock::{day, read_day, stamp};
use crate::servers::crm::fold::fold;
use crate::servers::crm::money::{self, Amount};
use crate::servers::crm::record::{OPPORTUNITIES, OPPORTUNITY, Opportunity, opportunity};
use crate::servers::crm::stage::{MAYBE_STAGES, STAGES, probability};
use crate::servers::crm::store::{Cell, Fault, Session};
use crate::servers::toolbox::{Answer, Refusal};

/// Arguments of `create_opportunity`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateArgs {
    /// Whom it is with.
    pub contact_id: i64,
    /// What it is about.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// What it is worth: digits and at most two decimals, such as 75000 or "75000.50".
    pub amount: Amount,
    /// Three letters; USD when absent.
    #[schemars(length(max = 3))]
    pub currency: Option<String>,
    /// prospecting when absent.
    #[schemars(extend("enum" = MAYBE_STAGES))]
    pub stage: Option<String>,
    /// Percent; when absent what the stage stands for (prospecting 25, qualification 40, proposal 60, negotiation 80, won 100, lost 0).
    #[schemars(range(min = 0, max = 100))]
    pub probability: Option<i64>,
    /// The day by which it should be decided (YYYY-MM-DD).
    pub expected_close: Option<String>,
}

/// An opportunity as it is now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    /// The opportunity.
    opportunity: Opportunity,
}

/// `create_opportunity`
pub fn create_opportunity(
    crm: &Crm,
    args: CreateArgs,
    stop: &CancellationToken,
) -> Result<Answer<Shown>, Refusal> {
    let title = check::line("title", &args.title)?;
    let stage = check::word(
        "stage",
        args.stage.as_deref().unwrap_or("prospecting"),
        &STAGES,
    )?;
    let close = args.expected_close.as_deref();
    let close = close
        .map(|text| read_day(text, "expected_close").map(day))
        .transpose()?;
    let fresh = Fresh {
        contact: args.contact_id,
        title,
        stage,
        probability: args.probability.unwrap_or_else(|| probability(stage)),
        minor: args.amount.minor("amount")?,
        currency: money::currency(args.currency.as_deref())?,
        close,
    };
    let now = stamp(crm.clock.now());
    let opportunity = crm.store.write(stop, |session| {
        check::contact(session, args.contact_id)?;
        let id = add(session, &fresh, &now)?;
        found(session, id)
    })?;
    let text = format!("Created the opportunity {}.", opportunity.line());
    Ok(Answer::new(Shown { opportunity }, text))
}

/// An opportunity whose fields were checked.
pub struct Fresh {
    /// The contact, who is there.
    pub contact: i64,
    /// What it is about.
    pub title: String,
    /// One of the stages.
    pub stage: &'static str,
    /// Percent.
    pub probability: i64,
    /// What it is worth, in hundredths.
    pub minor: i64,
    /// Three capitals.
    pub currency: String,
    /// The day by which it should be decided.
    pub close: Option<String>,
}

/// Puts it into the store; gives its number.
///
/// # Errors
/// What the engine says.
pub fn add(session: &mut dyn Session, fresh: &Fresh, now: &str) -> Result<i64, Fault> {
    let sql = "INSERT INTO crm_opportunities (contact_id, title, title_search, stage, probability, amount_minor, currency, expected_close, created_at, updated_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) RETURNING id";
    let cells = [
        Cell::Int(fresh.contact),
        fresh.title.as_str().into(),
        fold(&fresh.title).into(),
        fresh.stage.into(),
        fresh.probability.into(),
        fresh.minor.into(),
        fresh.currency.as_str().into(),
        fresh.close.as_deref().into(),
        now.into(),
    ];
    session.number(sql, &cells)
}

fn found(session: &mut dyn Session, id: i64) -> Result<Opportunity, Fault> {
    let sql = format!("SELECT {OPPORTUNITY} FROM {OPPORTUNITIES} WHERE o.id = ?1");
    match session.one(&sql, &[Cell::Int(id)])? {
        Some(row) => opportunity(&row),
        None => Err(Fault::Refused(Refusal(format!(
            "`opportunity_id`: there is no opportunity {id}. list_opportunities finds the numbers."
        )))),
    }
}

/// Arguments of `update_opportunity`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateArgs {
    /// The opportunity's number.
    opportunity_id: i64,
    /// The new stage; the probability follows it unless it is given too.
    #[schemars(extend("enum" = MAYBE_STAGES))]
    stage: Option<String>,
    /// Percent.
    #[schemars(range(min = 0, max = 100))]
    probability: Option<i64>,
    /// What it is worth: digits and at most two decimals.
    amount: Option<Amount>,
    /// What it is about.
    #[schemars(length(min = 1, max = 200))]
    title: Option<String>,
    /// The day by which it should be decided (YYYY-MM-DD).
    expected_close: Option<String>,
}

/// An opportunity before and after.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Updated {
    /// As it is now.
    opportunity: Opportunity,
    /// As it was.
    before: Opportunity,
}

/// `update_opportunity`
pub fn update_opportunity(
    crm: &Crm,
    args: UpdateArgs,
    stop: &CancellationToken,
) -> Result<Answer<Updated>, Refusal> {
    let changes = changes(&args)?;
    if changes.is_empty() {
        return Err(Refusal::new(
            "Nothing to change: give `stage`, `probability`, `amount`, `title` or `expected_close`.",
        ));
    }
    let (id, now) = (args.opportunity_id, stamp(crm.clock.now()));
    let sets: Vec<String> = (3..)
        .zip(&changes)
        .map(|(mark, (column, _))| format!("{column} = ?{mark}"))
        .collect();
    let sql = format!(
        "UPDATE crm_opportunities SET updated_at = ?2, {} WHERE id = ?1",
        sets.join(", ")
    );
    let cells = [Cell::Int(id), now.into()]
        .into_iter()
        .chain(changes.into_iter().map(|(_, cell)| cell));
    let cells: Vec<Cell> = cells.collect();
    let data = crm.store.write(stop, |session| {
        let before = found(session, id)?;
        session.run(&sql, &cells)?;
        Ok(Updated {
            opportunity: found(session, id)?,
            before,
        })
    })?;
    let text = format!(
        "Was: {}\nNow: {}",
        data.before.line(),
        data.opportunity.line()
    );
    Ok(Answer::new(data, text))
}

/// The columns that change, each with its new value.
fn changes(args: &UpdateArgs) -> Result<Vec<(&'static str, Cell)>, Refusal> {
    let mut changes = Vec::new();
    let mut percent = args.probability;
    if let Some(stage) = &args.stage {
        let stage = check::word("stage", stage, &STAGES)?;
        changes.push(("stage", stage.into()));
        percent = percent.or_else(|| Some(probability(stage)));
    }
    if let Some(percent) = percent {
        changes.push(("probability", percent.into()));
    }
    if let Some(amount) = &args.amount {
        changes.push(("amount_minor", amount.minor("amount")?.into()));
    }
    if let Some(title) = &args.title {
        let title = check::line("title", title)?;
        changes.push(("title_search", fold(&title).into()));
        changes.push(("title", title.into()));
    }
    if let Some(close) = &args.expected_close {
        changes.push((
            "expected_close",
            day(read_day(close, "expected_close")?).into(),
        ));
    }
    Ok(changes)
}
