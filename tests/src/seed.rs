//! Random choices that can be made again.

use std::time::{SystemTime, UNIX_EPOCH};

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same numbers everywhere.
#[derive(Clone, Debug)]
pub struct Seed(u64);

impl Seed {
    /// The same choices for the same number.
    pub fn of(number: u64) -> Seed {
        Seed(number)
    }

    /// From `TERRARIUM_TEST_SEED`, or another one each time. Prints how to repeat the run.
    pub fn from_environment(suite: &str) -> Seed {
        let given = std::env::var("TERRARIUM_TEST_SEED").ok();
        let number = match given {
            Some(text) => text
                .parse()
                .unwrap_or_else(|_| panic!("TERRARIUM_TEST_SEED is {text:?}; give a whole number")),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .expect("the clock is after 1970")
                .subsec_nanos()
                .into(),
        };
        println!("{suite}: seed {number} (TERRARIUM_TEST_SEED={number} repeats it)");
        Seed(number)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `end`, which is excluded and not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64() % end
    }

    /// A number from `from` to `to`, which is excluded.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from)
    }

    /// Fisher-Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }

    /// An independent sequence for a part of the work.
    pub fn split(&mut self) -> Seed {
        Seed(self.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_choices_again() {
        let choices = |number| {
            let mut seed = Seed::of(number);
            let mut items: Vec<u32> = (0..20).collect();
            seed.shuffle(&mut items);
            (items, seed.below(1000))
        };
        assert_eq!(choices(7), choices(7));
        assert_ne!(choices(7), choices(8));
        // First output of SplitMix64 for seed 0, as its authors publish it.
        assert_eq!(Seed::of(0).next_u64(), 0xE220_A839_7B1D_CDAF);
    }
}
