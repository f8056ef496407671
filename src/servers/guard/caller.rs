//! Who calls, and what it may call. Plain data.

use std::sync::{Arc, LazyLock};

/// Whoever is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is, as the audit names it: a token's `sub`, or `local`.
    pub subject: String,
    /// What it may call; none is everything.
    pub scopes: Option<Vec<String>>,
}

impl Caller {
    /// The one client at the other end of a pipe, or on loopback where nobody asked for tokens.
    pub fn local() -> Arc<Self> {
        static LOCAL: LazyLock<Arc<Caller>> = LazyLock::new(|| {
            Arc::new(Caller {
                subject: "local".to_owned(),
                scopes: None,
            })
        });
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
}
