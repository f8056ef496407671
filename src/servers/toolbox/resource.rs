//! The resources of a server: one function lists them, one reads. Called by `handler` off the async threads.

use rmcp::model::{Resource, ResourceContents};
use tokio_util::sync::CancellationToken;

use crate::servers::toolbox::Refusal;

/// One resource as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What reads it.
    pub uri: String,
    /// For programs.
    pub name: String,
    /// For people.
    pub title: String,
    /// For the model.
    pub description: String,
    /// What its text is, such as `application/json`.
    pub mime: &'static str,
}

/// The text of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The text itself.
    pub text: String,
    /// What it is, such as `application/json`.
    pub mime: &'static str,
}

/// What a server has to read beside its tools.
pub struct Resources<S> {
    /// All there are now.
    pub list: fn(&S, &CancellationToken) -> Result<Vec<Listed>, Refusal>,
    /// The text of one; none when there is no such resource.
    pub read: fn(&S, &str, &CancellationToken) -> Result<Option<Page>, Refusal>,
}

impl<S> Clone for Resources<S> {
    fn clone(&self) -> Self {
        Self {
            list: self.list,
            read: self.read,
        }
    }
}

impl From<Listed> for Resource {
    fn from(listed: Listed) -> Self {
        Self::new(listed.uri, listed.name)
            .with_title(listed.title)
            .with_description(listed.description)
            .with_mime_type(listed.mime)
    }
}

/// The text of a resource as the protocol sends it.
pub fn contents(uri: &str, page: Page) -> ResourceContents {
    ResourceContents::text(page.text, uri).with_mime_type(page.mime)
}
