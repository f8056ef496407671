//! What has passed the tap and may still hold secrets: they are taken out by whoever reads it, so that no call waits for that.
//!
//! Nobody gets at what it holds but through [`Passed::seen`], which takes them out first; so it has no `Debug` either. Used by `tap`,
//! which makes it, and by `live` and `file`, which hand it on. Touches nothing outside, but stands with `secrets`, which does.

use crate::mcp::wire::hiding::Hiding;
use crate::mcp::wire::lines::head;
use crate::mcp::wire::record::{Carried, Headers, WireRecord};
use crate::mcp::wire::secrets::masked_url;

/// What is looked through beyond a cut, so that a secret at the cut is still known as one.
pub(super) const BEYOND: usize = 8 * 1024;

/// A record that nobody has seen yet.
pub(super) struct Passed {
    record: WireRecord,
    /// Knows what to take out; absent: it holds no secret any more.
    hiding: Option<Hiding>,
}

impl Passed {
    /// A record as it is on the wire. Its text may be cut, but not nearer than [`BEYOND`] to where a reader will cut it.
    pub(super) fn new(record: WireRecord, hiding: Hiding) -> Self {
        Self {
            record,
            hiding: Some(hiding),
        }
    }

    /// One that holds no secret any more.
    pub(super) fn known(record: WireRecord) -> Self {
        Self {
            record,
            hiding: None,
        }
    }

    /// How long its text is, which is what it weighs.
    pub(super) fn weight(&self) -> usize {
        self.record.text.len()
    }

    /// The record without its secrets and with so many bytes of its text at most.
    pub(super) fn seen(self, most: usize) -> WireRecord {
        let Self { mut record, hiding } = self;
        if let Some(hiding) = hiding {
            let looked_at = head(&record.text, most.saturating_add(BEYOND));
            let redacted = hiding.redact(looked_at).into_owned();
            record.text = redacted;
            let hidden = |carried: Box<Carried>| Box::new(hidden(&hiding, *carried));
            record.carried = record.carried.map(hidden);
        }
        record.text.truncate(head(&record.text, most).len());
        record.text.shrink_to_fit();
        record
    }
}

/// What stands beside a message, without its secrets.
fn hidden(hiding: &Hiding, carried: Carried) -> Carried {
    let hide = |text: String| hiding.redact(&text).into_owned();
    match carried {
        Carried::Request {
            method,
            url,
            headers,
        } => Carried::Request {
            method,
            url: hide(masked_url(&url)),
            headers: hidden_all(hiding, headers),
        },
        Carried::Response {
            request,
            status,
            headers,
        } => Carried::Response {
            request,
            status,
            headers: hidden_all(hiding, headers),
        },
        Carried::Body { .. } => carried,
        Carried::Event {
            request,
            name,
            id,
            retry_ms,
        } => Carried::Event {
            request,
            name: name.map(hide),
            id: id.map(hide),
            retry_ms,
        },
    }
}

fn hidden_all(hiding: &Hiding, headers: Headers) -> Headers {
    let one = |(name, value): (String, String)| {
        let value = match name.eq_ignore_ascii_case("location") {
            true => hiding.redact(&masked_url(&value)).into_owned(),
            false => hiding.header(&name, &value),
        };
        (name, value)
    };
    headers.into_iter().map(one).collect()
}
