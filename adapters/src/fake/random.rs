//! Chance, reproducible: integers only, from a seed, with a state that is cloned with the world.

use evenkeel_core::Span;

/// A stream of draws (splitmix64). Each concern of the world has its own, so that one more draw in one place does not
/// change what is drawn in another.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// Stream number `stream` of that seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut first = Self(seed);
        let mixed = first.next();
        let mut second = Self(mixed ^ stream);
        Self(second.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of 0 … `bound` - 1, and 0 where there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// One of `low` … `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True `percent` times in a hundred.
    pub fn percent(&mut self, percent: u8) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// Between half and one and a half of `mean`.
    pub fn around(&mut self, mean: Span) -> Span {
        Span(self.between(mean.0 / 2, mean.0.saturating_add(mean.0 / 2)))
    }

    /// How long until the next of events that come by chance, `count` in `per` on average; at least a millisecond.
    ///
    /// An exponential draw by von Neumann's method, which needs only comparisons: runs of falling draws are counted
    /// until one of odd length is met; its first draw is the fraction.
    pub fn until_next(&mut self, count: u32, per: Span) -> Span {
        let mut whole: u64 = 0;
        let fraction = loop {
            let first = self.next() >> 32;
            let (mut last, mut odd) = (first, true);
            loop {
                let draw = self.next() >> 32;
                if draw >= last {
                    break;
                }
                (last, odd) = (draw, !odd);
            }
            if odd {
                break first;
            }
            whole += 1;
        };
        let scaled = (u128::from(whole) << 32) | u128::from(fraction);
        let wait = (scaled * u128::from(per.0) / u128::from(count.max(1))) >> 32;
        Span(u64::try_from(wait).unwrap_or(u64::MAX).max(1))
    }

    /// A UUID of version 4, as text.
    pub fn uuid(&mut self) -> String {
        let number = u128::from(self.next()) << 64 | u128::from(self.next());
        let fixed = number & !(0xf << 76) | 0x4 << 76;
        let fixed = fixed & !(0x3 << 62) | 0x2 << 62;
        evenkeel_core::Uid::Uuid(fixed).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_have_the_mean_that_was_asked_for() {
        let mut random = Random::new(7, 0);
        let sum: u64 = (0..20_000)
            .map(|_| random.until_next(2, Span::seconds(60)).0)
            .sum();
        let mean = sum / 20_000;
        assert!((29_300..30_700).contains(&mean), "{mean}");
    }

    #[test]
    fn draws_stay_in_their_bounds_and_repeat_with_the_seed() {
        let draws = |seed| {
            let mut random = Random::new(seed, 3);
            (0..1000).map(|_| random.between(5, 9)).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
        assert!((5..=9).all(|n| draws(1).contains(&n)));
        assert!(draws(1).iter().all(|n| (5..=9).contains(n)));
        assert!(matches!(
            evenkeel_core::Uid::from(Random::new(1, 1).uuid().as_str()),
            evenkeel_core::Uid::Uuid(_)
        ));
    }
}
