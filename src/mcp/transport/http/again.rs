//! How often and when one request is sent again. Pure.
//!
//! Only a refusal lets a request be sent again: it has not run. Used by `client`.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How often a request is sent again with a new token.
const MOST_TOKENS: u32 = 3;
/// How often a request is sent at all to a server that asks to wait.
const MOST_TRIES: u32 = 3;
/// How long one request waits for that in all.
const MOST_WAITED: Duration = Duration::from_secs(30);

/// What one request has been through.
#[derive(Debug, Default)]
pub struct Again {
    tokens: u32,
    waits: u32,
    waited: Duration,
}

impl Again {
    /// A token was refused: whether another may be tried.
    pub fn with_new_token(&mut self) -> bool {
        self.tokens += 1;
        self.tokens <= MOST_TOKENS
    }

    /// The server asks to wait: whether that is done.
    pub fn after(&mut self, wait: Duration) -> bool {
        self.waits += 1;
        self.waited = self.waited.saturating_add(wait);
        self.waits < MOST_TRIES && self.waited <= MOST_WAITED
    }
}

/// What `Retry-After` says, in seconds or as a date.
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    Some((at.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_both_of_its_spellings() {
        let now = DateTime::parse_from_rfc3339("2026-11-22T08:00:00Z");
        let now = now.unwrap().to_utc();
        for (value, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Sun, 22 Nov 2026 08:00:09 GMT", Some(9)),
            ("Sun, 22 Nov 2026 07:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(value, now), expected, "{value}");
        }
    }

    #[test]
    fn tries_tokens_and_waits_are_bounded() {
        let mut again = Again::default();
        let tokens: Vec<bool> = (0..4).map(|_| again.with_new_token()).collect();
        assert_eq!(tokens, [true, true, true, false]);
        let second = Duration::from_secs(1);
        let waits: Vec<bool> = (0..3).map(|_| again.after(second)).collect();
        assert_eq!(waits, [true, true, false]);
        assert!(!Again::default().after(Duration::from_secs(31)));
        assert!(!Again::default().after(Duration::MAX));
    }
}
