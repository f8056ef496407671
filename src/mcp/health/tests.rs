//! Samples in, figures and judgements out; time is made up.

use super::judging::JUDGED;
use super::*;
use proptest::prelude::*;

fn at(seconds: u64) -> Moment {
    Moment::from_start(Duration::from_secs(seconds))
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn good(health: &mut Health, millis: u64, second: u64) {
    health.call("t", ms(millis), Finish::Good, None, at(second));
}

fn lost(health: &mut Health, second: u64) {
    let error = Some("no answer".to_owned());
    health.call("t", ms(9), Finish::Lost, error, at(second));
}

#[test]
fn percentiles_follow_the_nearest_rank() {
    let mut health = Health::default();
    assert_eq!(health.percentile(0.5), None);
    (1..=100).for_each(|n| good(&mut health, n, 0));
    let latency = health.latency().unwrap();
    assert_eq!(
        (latency.p50, latency.p95, latency.p99),
        (ms(50), ms(95), ms(99))
    );
    assert_eq!(health.percentile(1.0), Some(ms(100)));
}

#[test]
fn probes_stand_for_calls_only_where_there_are_none() {
    let mut health = Health::default();
    health.probe(ms(7), at(1));
    assert_eq!(
        (health.percentile(0.5), health.is_of_calls()),
        (Some(ms(7)), false)
    );
    good(&mut health, 80, 2);
    health.probe(ms(7), at(3));
    assert_eq!(
        (health.percentile(0.5), health.is_of_calls()),
        (Some(ms(80)), true)
    );
    assert_eq!(health.error_rate(), Some(0.0));
}

#[test]
fn the_window_forgets_and_the_counters_do_not() {
    let mut health = Health::default();
    health.call("t", ms(9_000), Finish::Error, Some("boom".into()), at(0));
    assert_eq!(health.in_a_row, 1);
    (0..100).for_each(|_| good(&mut health, 1, 1));
    assert_eq!(health.error_rate(), Some(0.0));
    assert_eq!((health.calls, health.errors, health.in_a_row), (101, 1, 0));
    assert_eq!(health.last_error.as_deref(), Some("boom"));
}

#[test]
fn a_quarter_of_an_hour_is_told_by_minutes_and_forgotten() {
    let mut health = Health::default();
    (1..=100).for_each(|n| good(&mut health, n * 10, n));
    lost(&mut health, 100);
    health.exited(at(100));
    health.stderr(40, at(100));
    let quarter = health.quarter(at(200));
    assert_eq!(
        (quarter.calls, quarter.errors, quarter.exits, quarter.stderr),
        (101, 1, 1, 40)
    );
    let latency = quarter.latency.unwrap();
    for (of, exact) in [
        (latency.p50, 500.0),
        (latency.p95, 950.0),
        (latency.p99, 990.0),
    ] {
        let off = (of.as_secs_f64() * 1000.0 - exact).abs() / exact;
        assert!(off < 0.01, "{of:?} is not {exact} ms");
    }
    assert_eq!(health.quarter(at(100 + 20 * 60)), Quarter::default());
}

#[test]
fn slow_is_what_takes_longer_than_the_same_tool_did() {
    let mut health = Health::default();
    for second in 0..30 {
        good(&mut health, 300, second);
        health.call("export", ms(6_000), Finish::Good, None, at(second));
        health.probe(ms(2), at(second));
    }
    assert_eq!(
        health.slowness(false, at(30)),
        None,
        "each as it always was"
    );
    good(&mut health, 4_100, 31);
    assert_eq!(
        health.slowness(false, at(31)),
        None,
        "a single one says nothing"
    );
    let mut health = Health::default();
    (0..30).for_each(|second| good(&mut health, 300, second));
    (31..41).for_each(|second| good(&mut health, 4_100, second));
    let slow = Slowness {
        now: ms(4_100),
        was: ms(300),
    };
    assert_eq!(health.slowness(false, at(41)), Some(slow));
    assert_eq!(health.slowness(false, at(41 + 16 * 60)), None, "long ago");
}

#[test]
fn what_is_quick_is_not_slow_whatever_is_usual() {
    let mut health = Health::default();
    (0..30).for_each(|second| good(&mut health, 3, second));
    (31..51).for_each(|second| good(&mut health, 300, second));
    assert_eq!(health.slowness(false, at(51)), None);
}

#[test]
fn nobody_gets_used_to_a_slow_server_before_half_an_hour_is_over() {
    let mut health = Health::default();
    (0..30).for_each(|second| good(&mut health, 300, second));
    let mut slow_until = 0;
    let mut was = false;
    for minute in 1..120 {
        good(&mut health, 4_000, minute * 60);
        was = health.slowness(was, at(minute * 60)).is_some();
        health.judged(was, at(minute * 60));
        if was {
            slow_until = minute;
        }
    }
    assert!((31..90).contains(&slow_until), "{slow_until}");
}

#[test]
fn failing_is_half_of_the_last_ten_and_takes_three_answers_to_get_over() {
    let mut health = Health::default();
    (0..20).for_each(|second| good(&mut health, 3, second));
    (20..24).for_each(|second| lost(&mut health, second));
    assert_eq!(health.failing(false, at(24)), None, "4 of the last 10");
    (24..26).for_each(|second| lost(&mut health, second));
    let failing = Failing {
        wrong: 6,
        of: 10,
        by_its_word: false,
    };
    assert_eq!(health.failing(false, at(26)), Some(failing));
    (26..28).for_each(|second| good(&mut health, 3, second));
    assert!(health.failing(true, at(28)).is_some(), "two good ones");
    (28..33).for_each(|second| good(&mut health, 3, second));
    assert_eq!(health.failing(true, at(33)), None);
    (33..36).for_each(|second| lost(&mut health, second));
    assert_eq!(health.failing(true, at(36 + 16 * 60)), None, "long ago");
}

#[test]
fn errors_of_tools_prove_that_the_server_lives_and_count_only_when_there_is_little_else() {
    let mut health = Health::default();
    let error = |health: &mut Health, second| {
        health.call("t", ms(3), Finish::Error, Some("no".into()), at(second));
    };
    (0..3).for_each(|second| good(&mut health, 3, second));
    (3..10).for_each(|second| error(&mut health, second));
    assert_eq!(health.failing(false, at(10)), None, "7 of the last 10");
    assert_eq!(health.last_good, Some(at(9)));
    error(&mut health, 10);
    let failing = health.failing(false, at(10)).unwrap();
    assert_eq!(
        (failing.wrong, failing.of, failing.by_its_word),
        (8, 10, true)
    );
}

#[test]
fn silence_means_something_where_probes_were_answered_before() {
    let mut health = Health::default();
    health.connected(at(0));
    health.missed("no".into());
    health.missed("no".into());
    assert!(!health.is_silent(), "it may not know probes");
    good(&mut health, 3, 1);
    (0..9).for_each(|_| health.missed("no".into()));
    assert!(!health.is_silent(), "it answers calls and no probes");
    health.connected(at(2));
    (0..3).for_each(|_| health.missed("no".into()));
    assert!(health.is_silent(), "it answers nothing");
    health.probe(ms(1), at(3));
    assert!(!health.is_silent());
    health.missed("no".into());
    assert!(health.is_silent());
}

proptest! {
    #[test]
    fn it_stays_within_its_bounds(samples in prop::collection::vec((0u64..5_000, 0u8..3, 0u64..100_000_000, any::<u8>()), 0..400)) {
        let mut health = Health::default();
        let mut now = Moment(0);
        for (wait, end, took, tool) in samples {
            now = now.plus(Duration::from_millis(wait));
            let end = [Finish::Good, Finish::Error, Finish::Lost][usize::from(end)];
            let took = Duration::from_micros(took);
            health.call(&tool.to_string(), took, end, None, now);
            health.probe(took, now);
            prop_assert!(health.samples().len() <= WINDOW && health.probes.len() <= PROBES);
            let quarter = health.quarter(now);
            prop_assert!(quarter.errors <= quarter.calls && quarter.calls <= health.calls);
            if let Some(latency) = health.latency() {
                prop_assert!(latency.p50 <= latency.p95 && latency.p95 <= latency.p99);
            }
            let failing = health.failing(false, now);
            prop_assert!(failing.is_none_or(|f| f.wrong <= f.of && f.of <= JUDGED));
            health.judged(health.slowness(false, now).is_some(), now);
        }
    }
}
