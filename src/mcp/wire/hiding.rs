//! Hides the secrets of one connection, and those of the whole program: what is a secret of another server, or of the model,
//! passes here too.
//!
//! Pure. Made by `tap`, one for each connection.

use std::borrow::Cow;
use std::sync::Arc;

use crate::mcp::wire::redact::{Lines, Redactor};

/// Both redactors. Clones share them: what one learns, all know.
#[derive(Debug, Clone)]
pub(super) struct Hiding {
    connection: Arc<Redactor>,
    program: Arc<Redactor>,
}

impl Hiding {
    /// Of a connection whose secrets `connection` knows.
    pub(super) fn new(connection: Redactor, program: Arc<Redactor>) -> Self {
        let connection = Arc::new(connection);
        Self {
            connection,
            program,
        }
    }

    /// Learns a secret.
    pub(super) fn learn(&self, secret: &str) {
        self.connection.learn(secret);
        self.program.learn(secret);
    }

    /// A text without them.
    pub(super) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.of_program(self.connection.redact(text))
    }

    /// The next line of a text that comes in lines.
    pub(super) fn line<'a>(&self, lines: &mut Lines, line: &'a str) -> Cow<'a, str> {
        self.of_program(lines.next(&self.connection, line))
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str, value: &str) -> String {
        let value = self.connection.header(name, value);
        self.of_program(value.into()).into_owned()
    }

    fn of_program<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        let hidden = match self.program.hide(&text) {
            Cow::Owned(hidden) => Some(hidden),
            Cow::Borrowed(_) => None,
        };
        hidden.map_or(text, Cow::Owned)
    }
}
