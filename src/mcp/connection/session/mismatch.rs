//! Calls that a server refuses because their headers are not those that its tool wants by now: the tools are listed again, and the
//! call, which was refused and so has not run, is sent once more. Once.

use super::Session;
use super::calls::{Call, Stage};
use crate::ids::CallId;
use crate::mcp::request::{ListKind, Method};
use crate::mcp::result::CallOutcome;

/// The error by which a server of 2026-07-28 says that headers and message differ.
pub(super) const HEADER_MISMATCH: i64 = -32020;

impl Session {
    /// Whether a newer list could help a call that was refused for its headers.
    pub(super) fn may_relist(&self, id: CallId) -> bool {
        let fresh = |call: &Call| call.request.method == Method::Tool && !call.relisted;
        self.heed_headers && self.calls.get(&id).is_some_and(fresh)
    }

    /// Lists the tools for a call that was refused with these words.
    pub(super) async fn relist(&mut self, id: CallId, words: String) {
        let lists = self.calls.values();
        let under_way = lists
            .into_iter()
            .any(|call| matches!(call.stage, Stage::Listing(_)));
        if let Some(call) = self.calls.get_mut(&id) {
            call.relisted = true;
            call.stage = Stage::Listing(words);
        }
        // Many calls may be refused at once for one change.
        if !under_way {
            self.list(ListKind::Tools).await;
        }
    }

    /// A list of the tools has come, or has not.
    pub(super) async fn relisted(&mut self, has_come: bool) {
        let waiting = |(id, call): (&CallId, &Call)| match &call.stage {
            Stage::Listing(words) => Some((*id, words.clone())),
            _ => None,
        };
        let waiting: Vec<(CallId, String)> = self.calls.iter().filter_map(waiting).collect();
        for (id, message) in waiting {
            match has_come {
                true => self.send_call(id).await,
                false => {
                    let code = HEADER_MISMATCH;
                    self.finish(id, CallOutcome::Refused { code, message })
                        .await;
                }
            }
        }
    }
}
