//! Who calls, and what it may call. Plain data.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

/// Whoever is at the other end.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is, as the audit names it: a token's `sub`, or `local`.
    pub subject: String,
    /// What it may call; none is everything.
    pub scopes: Option<Vec<String>>,
    /// The `jti` of its token.
    pub token: Option<String>,
    /// The call that was already counted at the door.
    ticket: Option<Arc<Ticket>>,
}

/// One call that the gate has counted: good for one call of that tool.
#[derive(Debug)]
struct Ticket {
    tool: String,
    used: AtomicBool,
}

impl Caller {
    /// Somebody with a name and what it may call.
    pub fn new(subject: impl Into<String>, scopes: Option<Vec<String>>) -> Self {
        Self {
            subject: subject.into(),
            scopes,
            token: None,
            ticket: None,
        }
    }

    /// The one client at the other end of a pipe, or on loopback where nobody asked for tokens.
    pub fn local() -> Arc<Self> {
        static LOCAL: LazyLock<Arc<Caller>> =
            LazyLock::new(|| Arc::new(Caller::new("local", None)));
        LOCAL.clone()
    }

    /// Whether a scope such as `tool:query_database` or `tool:*` permits the tool.
    pub fn may_call(&self, tool: &str) -> bool {
        let Some(scopes) = &self.scopes else {
            return true;
        };
        let mut named = scopes.iter().filter_map(|s| s.strip_prefix("tool:"));
        named.any(|name| name == "*" || name == tool)
    }

    /// Whether the scope `resources` permits to list and read resources.
    pub fn may_read(&self) -> bool {
        self.holds("resources")
    }

    /// Whether the scope `prompts` permits to list and get prompts.
    pub fn may_prompt(&self) -> bool {
        self.holds("prompts")
    }

    fn holds(&self, scope: &str) -> bool {
        self.scopes
            .as_ref()
            .is_none_or(|scopes| scopes.iter().any(|s| s == scope))
    }

    /// The same caller with a call of `tool` counted already.
    pub(super) fn with_ticket(mut self, tool: &str) -> Self {
        self.ticket = Some(Arc::new(Ticket {
            tool: tool.to_owned(),
            used: AtomicBool::new(false),
        }));
        self
    }

    /// Takes the ticket for a call of `tool`, if there is an unused one.
    pub(super) fn take_ticket(&self, tool: &str) -> bool {
        self.ticket
            .as_ref()
            .is_some_and(|t| t.tool == tool && !t.used.swap(true, Ordering::AcqRel))
    }
}
