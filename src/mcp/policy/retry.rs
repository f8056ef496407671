//! How long is waited before something is tried once more: a random time below a limit that doubles.
//!
//! Pure: the random number comes as an argument, or from [`Dice`], whose seed the front end gives. Many programs that lost the same
//! server at the same moment do not come back to it at the same moment.

use std::time::Duration;

/// The shortest wait.
pub const SHORTEST: Duration = Duration::from_millis(200);
/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(30);

/// The longest wait before try `attempt`, counted from 1: 0.4 s, 0.8 s, 1.6 s, up to [`LONGEST`].
pub fn ceiling(attempt: u32) -> Duration {
    SHORTEST.saturating_mul(1 << attempt.min(16)).min(LONGEST)
}

/// The wait before try `attempt`, counted from 1: anything from [`SHORTEST`] to [`ceiling`], by a random number.
pub fn wait(attempt: u32, random: u64) -> Duration {
    let span = ceiling(attempt).saturating_sub(SHORTEST).as_micros();
    let span = u64::try_from(span).unwrap_or(u64::MAX - 1);
    SHORTEST + Duration::from_micros(random % (span + 1))
}

/// A seeded source of random numbers (SplitMix64, public domain). Good enough to spread waits, and for nothing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_limit_doubles_to_its_end() {
        let limits: Vec<_> = (1..=10).map(|n| ceiling(n).as_millis()).collect();
        let expected = [
            400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000,
        ];
        assert_eq!(limits, expected);
        assert_eq!(ceiling(u32::MAX), LONGEST);
    }

    #[test]
    fn the_waits_fill_the_whole_span_evenly() {
        let mut dice = Dice::new(7);
        let mut tenths = [0u32; 10];
        for _ in 0..10_000 {
            let over = (wait(3, dice.roll()) - SHORTEST).as_secs_f64();
            let span = (ceiling(3) - SHORTEST).as_secs_f64();
            tenths[((over / span * 10.0) as usize).min(9)] += 1;
        }
        assert!(tenths.iter().all(|n| (850..1150).contains(n)), "{tenths:?}");
    }

    proptest! {
        #[test]
        fn a_wait_stays_within_its_limits(attempt: u32, random: u64) {
            let wait = wait(attempt, random);
            prop_assert!(wait >= SHORTEST && wait <= ceiling(attempt) && wait <= LONGEST);
        }

        #[test]
        fn the_same_seed_falls_the_same_way(seed: u64) {
            let (mut one, mut other) = (Dice::new(seed), Dice::new(seed));
            let mut next = Dice::new(seed.wrapping_add(1));
            let rolled: Vec<_> = (0..8).map(|_| one.roll()).collect();
            prop_assert_eq!(&rolled, &(0..8).map(|_| other.roll()).collect::<Vec<_>>());
            prop_assert_ne!(&rolled, &(0..8).map(|_| next.roll()).collect::<Vec<_>>());
        }
    }
}
