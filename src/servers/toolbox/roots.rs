//! The roots of the one client at the other end of a pipe: asked for when a call needs them, answered by a state narrowed to them.
//!
//! Up to 2025-11-25 the server asks with `roots/list` after `initialized` and again after `notifications/roots/list_changed`; in
//! 2026-07-28, where a server asks nothing on its own, the first call is answered with `input_required` and comes again with the
//! roots. No call runs before the question is settled. A client that answers with an error or not within `PATIENCE` leaves things
//! as they were. Only `stdio` uses this: behind HTTP one state serves many clients, and none may change it for the others.

// The protocol has deprecated roots and keeps them; so do its clients.
#![allow(deprecated)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, InputRequest, InputRequiredResult, ListRootsRequest,
    ListRootsResult, ProtocolVersion,
};
use rmcp::service::{NotificationContext, Peer, RequestContext};
use tokio::sync::Mutex;

use crate::servers::toolbox::Toolbox;

/// How long the client may take to name its roots.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the question is called in `inputRequests`.
const KEY: &str = "roots";

/// Makes a state that reaches no more than the given roots (`file://` URIs), from the state that was configured.
pub type Narrow<S> = fn(&S, &[String]) -> S;

/// The state for one client, and whether its roots are known.
pub struct ClientRoots<S> {
    narrow: Narrow<S>,
    configured: Arc<S>,
    /// Counts the times the client's roots became unknown: at the start, and with each change that it tells.
    wanted: AtomicU64,
    now: Mutex<Now<S>>,
}

struct Now<S> {
    state: Arc<S>,
    settled: u64,
}

impl<S: Send + Sync + 'static> ClientRoots<S> {
    /// Nothing is asked yet.
    pub fn new(narrow: Narrow<S>, configured: Arc<S>) -> Self {
        let state = configured.clone();
        Self {
            narrow,
            configured,
            wanted: AtomicU64::new(1),
            now: Mutex::new(Now { state, settled: 0 }),
        }
    }

    /// The client's roots are others than before.
    fn changed(&self) {
        self.wanted.fetch_add(1, Ordering::SeqCst);
    }

    /// The state for a call, after asking the client where that is still to do. Others wait meanwhile.
    async fn settle(&self, peer: &Peer<RoleServer>) -> Arc<S> {
        let mut now = self.now.lock().await;
        loop {
            let wanted = self.wanted.load(Ordering::SeqCst);
            if now.settled >= wanted {
                return now.state.clone();
            }
            let answer = tokio::time::timeout(PATIENCE, peer.list_roots()).await;
            if let Ok(Ok(roots)) = answer {
                self.take(&mut now, roots).await;
            }
            now.settled = wanted;
        }
    }

    /// The state for a call that may bring the roots along; none when they are still to be asked for.
    async fn brought(&self, request: &mut CallToolRequestParams) -> Option<Arc<S>> {
        let mut now = self.now.lock().await;
        if let Some(mut answers) = request.input_responses.take() {
            let roots = answers.remove(KEY).map(serde_json::from_value);
            if let Some(Ok(roots)) = roots {
                self.take(&mut now, roots).await;
            }
            now.settled = self.wanted.load(Ordering::SeqCst);
        }
        (now.settled > 0).then(|| now.state.clone())
    }

    async fn take(&self, now: &mut Now<S>, roots: ListRootsResult) {
        let uris: Vec<String> = roots.roots.into_iter().map(|root| root.uri).collect();
        let (narrow, configured) = (self.narrow, self.configured.clone());
        let narrowed = tokio::task::spawn_blocking(move || narrow(&configured, &uris)).await;
        if let Ok(state) = narrowed {
            now.state = Arc::new(state);
        }
    }
}

impl<S: Send + Sync + 'static> Toolbox<S> {
    /// Narrows the state to the roots of a client that has some. Its tools see the narrowed state; resources and prompts see the
    /// configured one. Without effect where many clients share the state.
    #[must_use]
    pub fn with_roots(mut self, narrow: Narrow<S>) -> Self {
        self.narrow = Some(narrow);
        self
    }

    /// The same server for the one client at the other end of a pipe.
    #[must_use]
    pub fn for_one_client(mut self) -> Self {
        let roots = |narrow| Arc::new(ClientRoots::new(narrow, self.state.clone()));
        self.client_roots = self.narrow.map(roots);
        self
    }

    /// The state that a call may use, or the question that the client has to answer first.
    pub(super) async fn state_for(
        &self,
        request: &mut CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Arc<S>, InputRequiredResult> {
        let roots = self.client_roots.as_ref();
        let Some(roots) = roots.filter(|_| has_roots(context.client_capabilities())) else {
            return Ok(self.state.clone());
        };
        let asks_itself = |version: ProtocolVersion| version < ProtocolVersion::V_2026_07_28;
        if context.protocol_version().is_none_or(asks_itself) {
            return Ok(roots.settle(&context.peer).await);
        }
        let question = || {
            let ask = InputRequest::ListRoots(ListRootsRequest::default());
            InputRequiredResult::from_input_requests([(KEY.to_owned(), ask)].into())
        };
        roots.brought(request).await.ok_or_else(question)
    }

    /// Asks for the roots before the first call needs them.
    pub(super) async fn ask_for_roots(
        &self,
        context: &NotificationContext<RoleServer>,
        changed: bool,
    ) {
        let Some(roots) = &self.client_roots else {
            return;
        };
        if changed {
            roots.changed();
        }
        let client = context.peer.peer_info();
        if has_roots(client.map(|client| client.capabilities.clone())) {
            let _state = roots.settle(&context.peer).await;
        }
    }
}

fn has_roots(capabilities: Option<ClientCapabilities>) -> bool {
    capabilities.is_some_and(|capabilities| capabilities.roots.is_some())
}
