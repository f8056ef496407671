//! `pipeline_report`: count, sum and weighted sum by stage, exact, each currency for itself.
//!
//! The engine adds the upper and the lower digits apart, so that neither sum can overflow or become a float; the rest is `i128`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::crm::Crm;
use crate::servers::crm::check::{self, MAYBE_STATUSES, STATUSES};
use crate::servers::crm::clock::stamp;
use crate::servers::crm::money::{grouped, sum, weighted};
use crate::servers::crm::record::OPPORTUNITIES;
use crate::servers::crm::stage::{STAGES, is_open, place};
use crate::servers::crm::store::{Cell, Fault, Session};
use crate::servers::toolbox::{Answer, Refusal};

/// Arguments of `pipeline_report`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportArgs {
    /// Only opportunities with contacts of this status.
    #[schemars(extend("enum" = MAYBE_STATUSES))]
    contact_status: Option<String>,
}

/// One stage in one currency.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    /// The stage.
    stage: String,
    /// Three letters.
    currency: String,
    /// How many opportunities.
    count: i64,
    /// What they are worth together: an exact decimal.
    sum: String,
    /// The same with each amount times its probability: an exact decimal.
    weighted: String,
}

/// All open opportunities of one currency.
#[derive(Debug, Serialize, JsonSchema)]
struct Total {
    /// Three letters.
    currency: String,
    /// How many opportunities.
    count: i64,
    /// What they are worth together: an exact decimal.
    sum: String,
    /// The same with each amount times its probability: an exact decimal.
    weighted: String,
}

/// The pipeline.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// By stage and currency, the stages in their order.
    stages: Vec<Line>,
    /// What is open (neither won nor lost), by currency.
    open: Vec<Total>,
    /// When this was true (ISO, UTC).
    as_of: String,
}

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    count: i64,
    minor: i128,
    minor_percent: i128,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.minor += other.minor;
        self.minor_percent += other.minor_percent;
    }
}

/// What the engine adds in one piece; a hundredth of it times the most rows is far below 64 bits.
const PIECE: i64 = 1_000_000_000;

/// `pipeline_report`
pub fn pipeline_report(
    crm: &Crm,
    args: ReportArgs,
    stop: &CancellationToken,
) -> Result<Answer<Report>, Refusal> {
    let status = args.contact_status.as_deref();
    let status = status
        .map(|status| check::word("contact_status", status, &STATUSES))
        .transpose()?;
    let sums = crm.store.read(stop, |session| read(session, status))?;
    let mut open: BTreeMap<&str, Sums> = BTreeMap::new();
    for ((at, currency), sums) in &sums {
        if STAGES.get(*at).is_some_and(|stage| is_open(stage)) {
            open.entry(currency).or_default().add(*sums);
        }
    }
    let stages = sums.iter().map(|((at, currency), sums)| Line {
        stage: STAGES
            .get(*at)
            .map_or_else(|| "other".to_owned(), |stage| (*stage).to_owned()),
        currency: currency.clone(),
        count: sums.count,
        sum: sum(sums.minor),
        weighted: weighted(sums.minor_percent),
    });
    let open = open.into_iter().map(|(currency, sums)| Total {
        currency: currency.to_owned(),
        count: sums.count,
        sum: sum(sums.minor),
        weighted: weighted(sums.minor_percent),
    });
    let report = Report {
        stages: stages.collect(),
        open: open.collect(),
        as_of: stamp(crm.clock.now()),
    };
    let text = report.text();
    Ok(Answer::new(report, text))
}

fn read(
    session: &mut dyn Session,
    status: Option<&str>,
) -> Result<BTreeMap<(usize, String), Sums>, Fault> {
    let filter = match status {
        Some(_) => "WHERE c.status = ?1",
        None => "",
    };
    let cells: Vec<Cell> = status.into_iter().map(Cell::from).collect();
    let sql = format!(
        "SELECT o.stage, o.currency, o.probability, count(*), CAST(sum(o.amount_minor / {PIECE}) AS BIGINT), \
         CAST(sum(o.amount_minor % {PIECE}) AS BIGINT) FROM {OPPORTUNITIES} {filter} GROUP BY o.stage, o.currency, o.probability"
    );
    let mut sums: BTreeMap<(usize, String), Sums> = BTreeMap::new();
    for row in session.run(&sql, &cells)? {
        let minor = i128::from(row.int(4)?) * i128::from(PIECE) + i128::from(row.int(5)?);
        let key = (place(&row.text(0)?), row.text(1)?);
        sums.entry(key).or_default().add(Sums {
            count: row.int(3)?,
            minor,
            minor_percent: minor * i128::from(row.int(2)?),
        });
    }
    Ok(sums)
}

impl Report {
    fn text(&self) -> String {
        if self.stages.is_empty() {
            return "There are no opportunities.".to_owned();
        }
        let lines = self.stages.iter().map(|line| {
            let (sum, weighted) = (grouped(&line.sum), grouped(&line.weighted));
            format!(
                "{}: {} worth {sum} {}, weighted {weighted}",
                line.stage, line.count, line.currency
            )
        });
        let open = self.open.iter().map(|total| {
            let (sum, weighted) = (grouped(&total.sum), grouped(&total.weighted));
            format!(
                "Open: {} worth {sum} {}, weighted {weighted}",
                total.count, total.currency
            )
        });
        lines.chain(open).collect::<Vec<_>>().join("\n")
    }
}
