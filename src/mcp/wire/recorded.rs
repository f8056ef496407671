//! The redactor as what takes secrets out of a recording: `record` lies below and knows it as a trait.
//!
//! Pure.

use std::sync::Arc;

use serde_json::Value;

use crate::mcp::wire::redact::Redactor;
use crate::record::Clean;

impl Clean for Arc<Redactor> {
    fn text(&self, text: &str) -> String {
        self.redact(text).into_owned()
    }

    fn value(&self, value: &mut Value) {
        self.json(value);
    }
}
