//! Lists to their last page. The first listing of the tools belongs to the start and ends with the start-up timeout.

use tokio::time::Instant;

use super::Session;
use crate::mcp::connection::pending::{Answer, LIST_TIMEOUT, Pages, Purpose, list_failure};
use crate::mcp::convert;
use crate::mcp::event::ServerEvent;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::listing::{ListHints, Listed};
use crate::mcp::request::ListKind;
use crate::mcp::tool::TaskSupport;
use crate::mcp::weight;

/// The most pages of one listing, against a server that makes up cursors for ever.
const MOST_PAGES: usize = 1000;
/// The bytes of one listing, about, after which no further page is asked for.
const MOST_BYTES: usize = 16 << 20;

impl Session {
    /// Asks for the first page.
    pub(super) async fn list(&mut self, kind: ListKind) {
        let startup = match kind {
            ListKind::Tools => self.startup.take(),
            ListKind::Resources | ListKind::Templates | ListKind::Prompts => None,
        };
        let pages = Pages {
            listed: Listed::none(kind),
            cursors: Vec::new(),
            hints: None,
            deadline: startup.unwrap_or_else(|| Instant::now() + LIST_TIMEOUT),
            is_first: startup.is_some(),
            weight: 0,
        };
        self.next_page(pages, None).await;
    }

    async fn next_page(&mut self, pages: Pages, cursor: Option<&str>) {
        let (deadline, kind) = (Some(pages.deadline), pages.listed.kind());
        let voice = self.voice.clone();
        let put = self.put(Purpose::List(pages), deadline, |id| {
            voice.list(id, kind, cursor)
        });
        if let Err(why) = put {
            let why = format!("{} failed: {why}", kind.wire());
            self.list_failed(kind, why).await;
        }
    }

    /// A page has come, or will not come.
    pub(super) async fn page(&mut self, mut pages: Pages, answer: Answer) {
        let next = match answer {
            Answer::Result(page) => {
                let hints = convert::hints(&page);
                pages.hints = Some(pages.hints.map_or(hints, |before| before.and(hints)));
                pages.weight += weight::of_value(&page);
                convert::page(&page, self.heed_headers, &mut pages.listed)
            }
            // Without its tools it is of no use: it has not started in time.
            Answer::TimedOut if pages.is_first => {
                self.given_up = Some(never_listed());
                return;
            }
            // The end of the connection tells why; a list that it took along has not failed.
            Answer::Ended(_) => return,
            other => Err(list_failure(pages.listed.kind(), other)),
        };
        let kind = pages.listed.kind();
        match next {
            Err(why) => self.list_failed(kind, why).await,
            // One page may be long; it is the list that never ends that is refused.
            Ok(Some(_)) if pages.weight > MOST_BYTES => {
                let why = format!("{} goes on beyond {} MiB", kind.wire(), MOST_BYTES >> 20);
                self.list_failed(kind, why).await;
            }
            Ok(Some(cursor))
                if !pages.cursors.contains(&cursor) && pages.cursors.len() < MOST_PAGES =>
            {
                pages.cursors.push(cursor.clone());
                self.next_page(pages, Some(&cursor)).await;
            }
            // The last page, or a cursor that leads in a circle.
            Ok(_) => {
                self.whole(pages.listed, pages.hints.unwrap_or_default())
                    .await
            }
        }
    }

    /// A list has come to its last page.
    async fn whole(&mut self, listed: Listed, hints: ListHints) {
        if let Listed::Tools(tools) = &listed {
            let of = tools.items.iter();
            let required = of.filter(|it| it.task == TaskSupport::Required);
            self.task_tools = required.map(|it| it.name.clone()).collect();
        }
        let kind = listed.kind();
        if hints != ListHints::default() {
            self.reporter.event(ServerEvent::Hints(kind, hints)).await;
        }
        self.reporter.event(ServerEvent::Listed(listed)).await;
        if kind == ListKind::Tools {
            self.relisted(true).await;
        }
    }

    async fn list_failed(&mut self, kind: ListKind, why: String) {
        let failed = ServerEvent::ListFailed(kind, why);
        self.reporter.event(failed).await;
        if kind == ListKind::Tools {
            self.relisted(false).await;
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
