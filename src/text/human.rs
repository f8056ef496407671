//! Times, sizes and counts as people read them. Short enough for a column of a table.

use std::time::Duration;

/// `340 ms`, `1.2 s`, `42 s`, `2 min 05 s`, `3 h 12 min`.
pub fn duration(time: Duration) -> String {
    let millis = time.as_millis();
    let seconds = time.as_secs();
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// What is left of a wait: `8 s`, whole seconds that never say 0 too early; `2 min 05 s`.
pub fn countdown(left: Duration) -> String {
    let seconds = left.as_millis().div_ceil(1000);
    match seconds {
        0..60 => format!("{seconds} s"),
        _ => duration(left),
    }
}

/// `just now`, `5 min ago`, `3 h ago`, `2 days ago`.
pub fn ago(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1_440 => format!("{} h ago", minutes / 60),
        1_440..2_880 => "1 day ago".to_owned(),
        _ => format!("{} days ago", minutes / 1_440),
    }
}

/// `512 B`, `3.4 kB`, `120 MB`: powers of a thousand.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if size < 1000 {
        return format!("{size} B");
    }
    // Tenths of the unit, so that everything stays in whole numbers; cut, not rounded, so that 999,999 is not "1000.0 kB".
    let mut tenths = size / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    let name = UNITS[unit];
    if tenths < 1000 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", tenths / 10)
    }
}

/// `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 call`, `12,345 calls`.
pub fn plural(number: usize, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        _ => format!("{} {word}s", count(number as u64)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ago, bytes, count, duration, plural};

    #[test]
    fn one_is_one_and_all_others_are_many() {
        let told = [0, 1, 2, 12_345].map(|number| plural(number, "call"));
        assert_eq!(told, ["0 calls", "1 call", "2 calls", "12,345 calls"]);
    }

    #[test]
    fn what_is_long_ago_is_told_in_one_unit() {
        let cases = [
            (59, "just now"),
            (60, "1 min ago"),
            (3_600, "1 h ago"),
            (86_400, "1 day ago"),
            (200_000, "2 days ago"),
        ];
        for (seconds, text) in cases {
            assert_eq!(ago(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn times_read_at_a_glance() {
        let cases = [
            (0, "0 ms"),
            (340, "340 ms"),
            (1_250, "1.2 s"),
            (42_900, "42 s"),
            (125_000, "2 min 05 s"),
            (11_520_000, "3 h 12 min"),
        ];
        for (millis, text) in cases {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        assert!(duration(Duration::MAX).ends_with("min"));
    }

    #[test]
    fn sizes_read_at_a_glance() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (3_400, "3.4 kB"),
            (999_999, "999 kB"),
            (1_000_000, "1.0 MB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn counts_have_their_commas() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(12_345), "12,345");
        assert_eq!(count(1_000_000), "1,000,000");
    }
}
