//! Rates by a clock that only the test moves.

use std::time::Duration;

use governor::clock::FakeRelativeClock;
use mcpdeck::servers::guard::{Limiter, Rate, tool_rate};

fn limiter(rate: &str, most: usize) -> (FakeRelativeClock, Limiter<FakeRelativeClock>) {
    let clock = FakeRelativeClock::default();
    let limiter = Limiter::new(rate.parse().unwrap(), clock.clone(), most);
    (clock, limiter)
}

#[test]
fn so_many_at_once_and_then_one_by_one() {
    let (clock, limiter) = limiter("6/min", 100);
    for _ in 0..6 {
        assert_eq!(limiter.count("ann"), Ok(()));
    }
    assert_eq!(limiter.count("ann"), Err(Duration::from_secs(10)));
    assert_eq!(limiter.count("bob"), Ok(()), "each has its own");
    clock.advance(Duration::from_millis(9_999));
    assert_eq!(limiter.count("ann"), Err(Duration::from_millis(1)));
    clock.advance(Duration::from_millis(1));
    assert_eq!(limiter.count("ann"), Ok(()));
    assert!(limiter.count("ann").is_err());
}

#[test]
fn a_flood_of_subjects_grows_nothing_and_shuts_nobody_out() {
    let (clock, limiter) = limiter("2/min", 50);
    for number in 0..10_000 {
        let _ = limiter.count(&format!("subject {number}"));
    }
    assert!(limiter.len() <= 50 + 256, "{}", limiter.len());
    clock.advance(Duration::from_secs(120));
    assert_eq!(limiter.count("ann"), Ok(()));
    assert!(limiter.len() <= 2, "{}", limiter.len());
}

#[test]
fn rates_are_written_in_words() {
    let rate = |calls, seconds| Rate {
        calls,
        per: Duration::from_secs(seconds),
    };
    for (text, good) in [
        ("60/min", rate(60, 60)),
        ("1/s", rate(1, 1)),
        ("5/hour", rate(5, 3_600)),
        ("9/day", rate(9, 86_400)),
    ] {
        assert_eq!(text.parse(), Ok(good), "{text}");
    }
    for bad in [
        "",
        "60",
        "/min",
        "0/min",
        "-1/min",
        "1/week",
        "9999999/s",
        "1.5/s",
    ] {
        assert!(bad.parse::<Rate>().is_err(), "{bad}");
    }
    assert_eq!(tool_rate("x=5/s"), Ok(("x".to_owned(), rate(5, 1))));
    assert!(tool_rate("=5/s").is_err() && tool_rate("5/s").is_err());
}
