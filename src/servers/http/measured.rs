//! Counts the tool calls that one process answers, and has its end wait for them.

use futures::future::BoxFuture;
use rmcp::model::CallToolResponse;
use tokio::time::Instant;

use crate::servers::http::Shared;
use crate::servers::served::{Called, Outcome, Watch};

impl Watch for Shared {
    fn around<'a>(&'a self, call: Called<'a>) -> BoxFuture<'a, Outcome<CallToolResponse>> {
        Box::pin(async move {
            let _waited_for = self.stop.calls().token();
            let _under_way = self.metrics.begins();
            let began = Instant::now();
            let outcome = call.run.await;
            let how = match &outcome {
                _ if call.stop.is_cancelled() => "cancelled",
                Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => {
                    "refused"
                }
                Ok(_) => "ok",
                Err(_) => "error",
            };
            // A name that a client made up must not become a label.
            let tool = if call.known { &call.tool } else { "unknown" };
            self.metrics.ended(tool, how, began.elapsed());
            outcome
        })
    }
}
