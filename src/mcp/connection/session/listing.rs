//! `tools/list` to its last page. The first listing belongs to the start and ends with the start-up timeout.

use tokio::time::Instant;

use super::Session;
use crate::mcp::connection::messages;
use crate::mcp::connection::pending::{Answer, LIST_TIMEOUT, Pages, Purpose, list_failure};
use crate::mcp::convert;
use crate::mcp::event::ServerEvent;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::tool::Listing;

/// The most pages of one listing, against a server that makes up cursors for ever.
const MOST_PAGES: usize = 1000;

impl Session {
    /// Asks for the first page.
    pub(super) async fn list_tools(&mut self) {
        let startup = self.startup.take();
        let pages = Pages {
            listing: Listing::default(),
            cursors: Vec::new(),
            deadline: startup.unwrap_or_else(|| Instant::now() + LIST_TIMEOUT),
            is_first: startup.is_some(),
        };
        self.list(pages, None).await;
    }

    async fn list(&mut self, pages: Pages, cursor: Option<&str>) {
        let (era, deadline) = (self.era, pages.deadline);
        self.ask(Purpose::List(pages), deadline, |id| {
            messages::list_tools(era, id, cursor)
        })
        .await;
    }

    /// A page has come, or will not come.
    pub(super) async fn page(&mut self, mut pages: Pages, answer: Answer) {
        let next = match answer {
            Answer::Result(page) => {
                convert::tools_page(&page, self.heed_headers, &mut pages.listing)
            }
            // Without its tools it is of no use: it has not started in time.
            Answer::TimedOut if pages.is_first => {
                self.given_up = Some(never_listed());
                return;
            }
            other => Err(list_failure(other)),
        };
        match next {
            Err(why) => self.reporter.event(ServerEvent::ListFailed(why)).await,
            Ok(Some(cursor))
                if !pages.cursors.contains(&cursor) && pages.cursors.len() < MOST_PAGES =>
            {
                pages.cursors.push(cursor.clone());
                Box::pin(self.list(pages, Some(&cursor))).await;
            }
            // The last page, or a cursor that leads in a circle.
            Ok(_) => {
                self.reporter
                    .event(ServerEvent::Listed(pages.listing))
                    .await
            }
        }
    }
}

fn never_listed() -> Failure {
    let hint =
        "raise `startup_timeout_sec` for a slow starter; otherwise look into the server's own log";
    Failure {
        hint: Some(hint.to_owned()),
        ..Failure::new(
            FailureKind::Timeout,
            "the server answered the handshake but did not list its tools within its start-up timeout",
        )
    }
}
