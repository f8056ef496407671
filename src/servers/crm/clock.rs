//! What time it is for the CRM, and times as they are kept: ISO texts in UTC, which sort as they follow each other.
//!
//! `MCPDECK_NOW` sets a fixed time, for tests and for whoever wants to look at yesterday's list.

use chrono::{DateTime, Days, NaiveDate, SecondsFormat, Utc};

use crate::servers::toolbox::Refusal;

/// The time that the tools take for now.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    fixed: Option<DateTime<Utc>>,
}

impl Clock {
    /// The machine's clock, unless `MCPDECK_NOW` says otherwise.
    ///
    /// # Errors
    /// The variable holds something else than a time.
    pub fn from_environment() -> Result<Self, String> {
        let Ok(text) = std::env::var("MCPDECK_NOW") else {
            return Ok(Self { fixed: None });
        };
        let time = DateTime::parse_from_rfc3339(&text).map_err(|_| {
            format!("MCPDECK_NOW is `{text}`; write a time such as 2026-11-22T09:00:00Z")
        })?;
        Ok(Self {
            fixed: Some(time.to_utc()),
        })
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.fixed.unwrap_or_else(Utc::now)
    }

    /// Today, in UTC.
    pub fn today(&self) -> NaiveDate {
        self.now().date_naive()
    }
}

/// A time as it is kept.
pub fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A day as it is kept.
pub fn day(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}

/// The day `days` from `from`, or before it when negative.
///
/// # Errors
/// The calendar ends before that.
pub fn away(from: NaiveDate, days: i64, field: &str) -> Result<NaiveDate, Refusal> {
    let by = Days::new(days.unsigned_abs());
    let found = if days < 0 {
        from.checked_sub_days(by)
    } else {
        from.checked_add_days(by)
    };
    found
        .filter(in_reach)
        .ok_or_else(|| Refusal(format!("`{field}`: {days} days are out of the calendar.")))
}

/// A day that a call gives.
///
/// # Errors
/// Not `YYYY-MM-DD`, or no day of the calendar.
pub fn read_day(text: &str, field: &str) -> Result<NaiveDate, Refusal> {
    let read = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d");
    read.ok().filter(in_reach).ok_or_else(|| {
        Refusal(format!(
            "`{field}`: `{text}` is no date. Write YYYY-MM-DD, such as 2026-11-22."
        ))
    })
}

/// A time that a call gives: a date, which means its noon or now if that is today, or a time with its zone.
///
/// # Errors
/// Neither of them.
pub fn read_time(text: &str, field: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text.trim()) {
        let time = time.to_utc();
        return if in_reach(&time.date_naive()) {
            Ok(time)
        } else {
            Err(Refusal(format!(
                "`{field}`: `{text}` is out of the calendar."
            )))
        };
    }
    let day = read_day(text, field).map_err(|_| {
        Refusal(format!(
            "`{field}`: `{text}` is no time. Write a date such as 2026-11-22, or a time such as 2026-11-22T09:00:00Z."
        ))
    })?;
    let noon = day.and_hms_opt(12, 0, 0).map(|noon| noon.and_utc());
    Ok(if day == now.date_naive() {
        now
    } else {
        noon.unwrap_or(now)
    })
}

/// Years of four digits: others would not sort as texts.
fn in_reach(day: &NaiveDate) -> bool {
    use chrono::Datelike;
    (1900..=9998).contains(&day.year())
}

/// Whole days from a kept time until `today`; none when it is no time.
pub fn days_since(kept: &str, today: NaiveDate) -> Option<i64> {
    let day = NaiveDate::parse_from_str(kept.get(..10)?, "%Y-%m-%d").ok()?;
    Some((today - day).num_days())
}
