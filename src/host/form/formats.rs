//! The four formats that a text of a form may have, checked as strictly as a person can be told.
//!
//! Pure. Lenient where the standards are odd (quoted local parts, leap seconds are fine); a format that is unknown checks nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// What sort of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// An address for mail.
    Email,
    /// An absolute URI.
    Uri,
    /// `2026-11-22`.
    Date,
    /// `2026-11-22T17:30:00Z`, or with an offset.
    DateTime,
}

impl Format {
    pub(super) fn of(name: &Value) -> Option<Self> {
        match name.as_str()? {
            "email" => Some(Self::Email),
            "uri" => Some(Self::Uri),
            "date" => Some(Self::Date),
            "date-time" => Some(Self::DateTime),
            _ => None,
        }
    }

    /// Whether a text has it.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn check(self, text: &str) -> Result<(), String> {
        let (fits, expected) = match self {
            Self::Email => (
                is_email(text),
                "an address for mail, such as `me@example.org`",
            ),
            Self::Uri => (
                Url::parse(text).is_ok(),
                "an absolute URI, such as `https://example.org/`",
            ),
            Self::Date => (is_date(text), "a date, such as `2026-11-22`"),
            Self::DateTime => (
                is_date_time(text),
                "a date and time with a zone, such as `2026-11-22T17:30:00Z`",
            ),
        };
        if fits {
            Ok(())
        } else {
            Err(format!("must be {expected}"))
        }
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let quoted = local.starts_with('"') && local.ends_with('"') && local.len() > 2;
    let plain = !local.contains(['@', '"', '<', '>', '(', ')', ',', ';', ':', '\\']);
    let local_fits = quoted
        || plain && !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    !local.is_empty()
        && local_fits
        && !text.contains(odd)
        && (domain.split('.').all(label) || domain.starts_with('[') && domain.ends_with(']'))
}

/// Digits alone, of this count; `None` for anything else.
fn number(text: &str, digits: usize) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_once(['T', 't']) else {
        return false;
    };
    let zone_at = rest.find(['Z', 'z', '+', '-']);
    let Some((time, zone)) = zone_at.map(|at| rest.split_at(at)) else {
        return false;
    };
    let zone_fits =
        matches!(zone, "Z" | "z") || zone.get(1..).is_some_and(|offset| is_clock(offset, 23));
    is_date(date) && is_time(time) && zone_fits
}

fn is_time(text: &str) -> bool {
    let (clock, fraction) = text
        .split_once('.')
        .map_or((text, None), |(clock, part)| (clock, Some(part)));
    let fraction_fits = fraction
        .is_none_or(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let Some((rest, seconds)) = clock.rsplit_once(':') else {
        return false;
    };
    fraction_fits && is_clock(rest, 23) && number(seconds, 2).is_some_and(|seconds| seconds <= 60)
}

fn is_clock(text: &str, last_hour: u32) -> bool {
    let Some((hours, minutes)) = text.split_once(':') else {
        return false;
    };
    number(hours, 2).is_some_and(|hours| hours <= last_hour)
        && number(minutes, 2).is_some_and(|minutes| minutes < 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(format: Format, text: &str) -> bool {
        format.check(text).is_ok()
    }

    #[test]
    fn each_format_takes_what_it_should_and_nothing_else() {
        let good = [
            (Format::Email, "a.b+c@example.org"),
            (Format::Email, "đ@ví-dụ.vn"),
            (Format::Email, "me@localhost"),
            (Format::Uri, "https://example.org/a?b#c"),
            (Format::Uri, "urn:isbn:1"),
            (Format::Date, "2024-02-29"),
            (Format::DateTime, "2026-11-22T17:30:00Z"),
            (Format::DateTime, "2026-11-22t17:30:60.25-05:30"),
        ];
        let bad = [
            (Format::Email, "a@b@c"),
            (Format::Email, "@b"),
            (Format::Email, "a b@c"),
            (Format::Email, "a@b..c"),
            (Format::Uri, "example.org"),
            (Format::Uri, ""),
            (Format::Date, "2023-02-29"),
            (Format::Date, "2023-2-9"),
            (Format::Date, "2023-13-01"),
            (Format::DateTime, "2026-11-22T17:30:00"),
            (Format::DateTime, "2026-11-22 17:30:00Z"),
            (Format::DateTime, "2026-11-22T24:00:00Z"),
            (Format::DateTime, "2026-11-22T17:30:00.Z"),
            (Format::DateTime, "2026-11-22T17:30:00+1:00"),
        ];
        for (format, text) in good {
            assert!(fits(format, text), "{format:?} {text}");
        }
        for (format, text) in bad {
            assert!(!fits(format, text), "{format:?} {text}");
        }
    }
}
