//! What a prompt does when there is no model: SQL runs on the database server, anything else gets a hint.
//!
//! Pure.

use serde_json::json;

use crate::agent::transcript::{Entry, Level};
use crate::host::effect::Effect;
use crate::host::server::Server;
use crate::host::state::{Host, ModelState};
use crate::ids::Moment;

/// The tool that runs a query.
const QUERY_TOOL: &str = "query_database";
/// The first words of a read in SQL.
const SQL_WORDS: [&str; 6] = ["select", "with", "explain", "values", "pragma", "table"];

impl Host {
    /// Handles a prompt without a model.
    pub(super) fn submit_offline(&mut self, text: String, now: Moment) -> Vec<Effect> {
        self.transcript.push(Entry::User {
            text: text.clone(),
            at: now,
            sent: false,
        });
        let first = text
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_lowercase();
        let database = self
            .servers
            .iter()
            .find(|server| runs_sql(server))
            .map(|server| server.name.clone());
        match database {
            Some(server) if SQL_WORDS.contains(&first.as_str()) => self.call_by_hand(
                &server,
                QUERY_TOOL,
                &json!({ "sql": text }).to_string(),
                now,
            ),
            _ => {
                let (text, hint) = no_model(&self.model, database.is_some());
                self.transcript.note(Level::Warning, text, Some(hint));
                Vec::new()
            }
        }
    }
}

fn runs_sql(server: &Server) -> bool {
    server.status.is_ready() && server.tool(QUERY_TOOL).is_some()
}

fn no_model(model: &ModelState, has_database: bool) -> (String, String) {
    let text = match model {
        ModelState::Searching { .. } => "Still looking for a model; this was not sent".to_owned(),
        ModelState::Absent { .. } | ModelState::Ready { .. } => {
            "There is no model to answer this".to_owned()
        }
    };
    let hint = if has_database {
        "SQL typed here runs on the database server; /tools lists the tools, /call runs one"
    } else {
        "/tools lists the tools, /call SERVER TOOL runs one"
    };
    (text, hint.to_owned())
}
