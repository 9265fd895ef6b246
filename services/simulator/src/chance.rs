//! Random draws that follow from what they are for, so that no order of steps changes them.
//!
//! A stream of numbers belongs to (seed, device, day, purpose) and starts anew for each: ChaCha with 8 rounds, keyed by the
//! SHA-256 of the four. Two devices, two days or two purposes never share a number.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// The random numbers of one device on one day for one purpose.
pub struct Chance {
    numbers: ChaCha8Rng,
}

impl Chance {
    /// The stream of (seed, device, day, purpose), from its start. `day` counts from 1970-01-01.
    pub fn of(seed: u64, device: &str, day: i64, purpose: &str) -> Chance {
        let key = Sha256::new()
            .chain_update(seed.to_le_bytes())
            .chain_update((device.len() as u64).to_le_bytes())
            .chain_update(device)
            .chain_update(day.to_le_bytes())
            .chain_update(purpose)
            .finalize();
        Chance {
            numbers: ChaCha8Rng::from_seed(key.into()),
        }
    }

    /// Evenly from 0 (inclusive) to 1 (exclusive).
    pub fn uniform(&mut self) -> f64 {
        const STEPS: f64 = (1_u64 << 53) as f64;
        (self.numbers.next_u64() >> 11) as f64 / STEPS
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// From a normal distribution of mean 0 and deviation 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let (radius, turn) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()
    }

    /// From a log-normal distribution with this median and deviation of the logarithm.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    /// From an exponential distribution with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    /// From a gamma distribution (Marsaglia and Tsang 2000).
    pub fn gamma(&mut self, shape: f64, scale: f64) -> f64 {
        if shape < 1.0 {
            let boost = (1.0 - self.uniform()).powf(1.0 / shape);
            return self.gamma(shape + 1.0, scale) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            let u = 1.0 - self.uniform();
            if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v * scale;
            }
        }
    }

    /// From a Poisson distribution. Means above 60 are drawn as a sum of smaller ones.
    pub fn poisson(&mut self, mean: f64) -> i64 {
        const MOST_AT_ONCE: f64 = 60.0;
        let mut left = mean.max(0.0);
        let mut count = 0;
        while left > MOST_AT_ONCE {
            count += self.poisson_at_most_60(MOST_AT_ONCE);
            left -= MOST_AT_ONCE;
        }
        count + self.poisson_at_most_60(left)
    }

    /// Knuth's product of uniforms.
    fn poisson_at_most_60(&mut self, mean: f64) -> i64 {
        let limit = (-mean).exp();
        let mut product = self.uniform();
        let mut count = 0;
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }

    /// How many of `trials` come true, each with this probability.
    pub fn binomial(&mut self, trials: i64, probability: f64) -> i64 {
        (0..trials).filter(|_| self.happens(probability)).count() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(draws: impl Iterator<Item = f64>) -> f64 {
        let (sum, count) = draws.fold((0.0, 0.0), |(sum, count), draw| (sum + draw, count + 1.0));
        sum / count
    }

    #[test]
    fn a_stream_is_the_same_whenever_it_is_asked_and_differs_from_every_other() {
        let first = |seed, device, day, purpose| Chance::of(seed, device, day, purpose).uniform();
        assert_eq!(
            first(7, "pv", 20_000, "noise"),
            first(7, "pv", 20_000, "noise")
        );
        let others = [
            first(8, "pv", 20_000, "noise"),
            first(7, "pw", 20_000, "noise"),
            first(7, "pv", 20_001, "noise"),
            first(7, "pv", 20_000, "drift"),
        ];
        assert!(!others.contains(&first(7, "pv", 20_000, "noise")));
    }

    #[test]
    fn the_distributions_have_the_means_they_should() {
        let mut chance = Chance::of(1, "test", 0, "means");
        let near = |mean: f64, expected: f64| {
            assert!(
                (mean - expected).abs() < 0.03 * expected.max(1.0),
                "{mean} {expected}"
            );
        };
        near(mean_of((0..20_000).map(|_| chance.normal())), 0.0);
        near(
            mean_of((0..20_000).map(|_| chance.poisson(3.7) as f64)),
            3.7,
        );
        near(
            mean_of((0..2_000).map(|_| chance.poisson(150.0) as f64)),
            150.0,
        );
        near(mean_of((0..20_000).map(|_| chance.gamma(2.0, 1.5))), 3.0);
        near(mean_of((0..20_000).map(|_| chance.gamma(0.6, 5.0))), 3.0);
        near(mean_of((0..20_000).map(|_| chance.exponential(4.0))), 4.0);
        near(
            mean_of((0..2_000).map(|_| chance.binomial(300, 0.02) as f64)),
            6.0,
        );
    }
}
