//! The formats that a text field can ask for, checked as their standards have them.
//!
//! Pure. A format that is not listed here checks nothing.

use chrono::{DateTime, NaiveDate};
use url::Url;

/// A format of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `name@example.com` (RFC 5321).
    Email,
    /// An absolute URI (RFC 3986).
    Uri,
    /// `2026-07-28` (RFC 3339, full-date).
    Date,
    /// `2026-07-28T09:30:00Z` (RFC 3339, date-time).
    DateTime,
}

impl Format {
    /// The format of this name in a schema.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "email" => Some(Self::Email),
            "uri" => Some(Self::Uri),
            "date" => Some(Self::Date),
            "date-time" => Some(Self::DateTime),
            _ => None,
        }
    }

    /// What is written, with an example.
    pub fn words(self) -> &'static str {
        match self {
            Self::Email => "an e-mail address such as name@example.com",
            Self::Uri => "a whole address such as https://example.com/page",
            Self::Date => "a date such as 2026-07-28",
            Self::DateTime => "a date and time such as 2026-07-28T09:30:00Z",
        }
    }

    /// Whether a text has the format.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Self::Email => is_email(text),
            Self::Uri => is_uri(text),
            Self::Date => is_date(text),
            Self::DateTime => {
                let parted = text.as_bytes().get(10);
                matches!(parted, Some(b'T' | b't'))
                    && text.get(..10).is_some_and(is_date)
                    && DateTime::parse_from_rfc3339(text).is_ok()
            }
        }
    }
}

fn is_date(text: &str) -> bool {
    let digits = |place: usize, byte: u8| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| digits(at, byte))
        && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

fn is_uri(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_graphic() && !"<>\"{}|\\^`".contains(c);
    text.chars().all(allowed) && Url::parse(text).is_ok()
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_local = local.len() <= 64
        && local
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(atom));
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    is_local && domain.len() <= 253 && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_standards_allow_fits_and_what_they_do_not_does_not() {
        let cases = [
            (Format::Email, "a.b+c@x-y.example.com", true),
            (Format::Email, "root@localhost", true),
            (Format::Email, "a@b@c.example", false),
            (Format::Email, ".a@example.com", false),
            (Format::Email, "a@-x.example", false),
            (Format::Email, "anh @example.com", false),
            (Format::Email, "example.com", false),
            (Format::Uri, "https://example.com/a?b=c#d", true),
            (Format::Uri, "urn:isbn:0451450523", true),
            (Format::Uri, "example.com/page", false),
            (Format::Uri, "https://example.com/a b", false),
            (Format::Uri, "https://exämple.com/", false),
            (Format::Date, "2024-02-29", true),
            (Format::Date, "2023-02-29", false),
            (Format::Date, "2024-2-9", false),
            (Format::Date, "+024-02-09", false),
            (Format::DateTime, "2026-07-28T09:30:00Z", true),
            (Format::DateTime, "2026-07-28t09:30:00.5+07:00", true),
            (Format::DateTime, "2026-07-28 09:30:00Z", false),
            (Format::DateTime, "2026-07-28T09:30:00", false),
            (Format::DateTime, "2026-13-28T09:30:00Z", false),
        ];
        for (format, text, fits) in cases {
            assert_eq!(format.fits(text), fits, "{format:?} {text}");
        }
    }
}
