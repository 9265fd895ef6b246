//! A heap of compost: it rots faster the warmer it is, and warms up by rotting.
//!
//! First-order decay with k(T) = k20 x 1.05^(T-20) (Haug 1993 gives 1.05 to 1.07), which stops towards 80 C. The figures
//! are assumed: chosen so that a fresh heap passes 55 C for three weeks and half of it is gone when it is done.

/// Decay of the degradable part per day at 20 C.
const K20_PER_DAY: f64 = 0.0085;
/// Kelvins that the heap would warm up if its whole mass rotted at once.
const HEAT_K: f64 = 600.0;
/// Share of the warmth above the air that is lost per day ...
const COOLING_PER_DAY: f64 = 0.20;
/// ... and by one turning.
const TURNING_LOSS: f64 = 0.25;
/// Share of fresh garden waste that rots away, with the water that leaves with it.
const DEGRADABLE_SHARE: f64 = 0.60;
/// A heap is done when this share of the degradable part is left.
const DONE_SHARE: f64 = 0.20;

/// A heap of garden waste.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heap {
    /// What does not rot, in g.
    stable_g: f64,
    /// What is left of what rots, in g.
    degradable_g: f64,
    /// What has been fed that could rot, in g.
    fed_degradable_g: f64,
    temperature_c: f64,
}

impl Heap {
    /// An empty heap, as warm as the air.
    pub fn new(air_c: f64) -> Heap {
        Heap {
            stable_g: 0.0,
            degradable_g: 0.0,
            fed_degradable_g: 0.0,
            temperature_c: air_c,
        }
    }

    /// Mass in whole g.
    pub fn mass_g(&self) -> i64 {
        (self.stable_g + self.degradable_g).round() as i64
    }

    pub fn temperature_c(&self) -> f64 {
        self.temperature_c
    }

    /// Adds fresh garden waste, as warm as the air.
    pub fn feed(&mut self, fresh_g: i64, air_c: f64) {
        let fresh = fresh_g as f64;
        let before = self.stable_g + self.degradable_g;
        self.temperature_c =
            (self.temperature_c * before + air_c * fresh) / (before + fresh).max(1.0);
        self.stable_g += fresh * (1.0 - DEGRADABLE_SHARE);
        self.degradable_g += fresh * DEGRADABLE_SHARE;
        self.fed_degradable_g += fresh * DEGRADABLE_SHARE;
    }

    /// Turns the heap: air gets in and warmth out.
    pub fn turn(&mut self, air_c: f64) {
        self.temperature_c -= (self.temperature_c - air_c) * TURNING_LOSS;
    }

    /// Lets it rot for a part of a day; at most a few hours at a time.
    pub fn rot(&mut self, days: f64, air_c: f64) {
        let mass_g = self.stable_g + self.degradable_g;
        if mass_g <= 0.0 {
            self.temperature_c = air_c;
            return;
        }
        let too_hot = ((80.0 - self.temperature_c) / 15.0).clamp(0.0, 1.0);
        let frozen = (self.temperature_c / 5.0).clamp(0.05, 1.0);
        let k = K20_PER_DAY * 1.05_f64.powf(self.temperature_c - 20.0) * too_hot * frozen;
        let rotted_g = self.degradable_g * (1.0 - (-k * days).exp());
        self.degradable_g -= rotted_g;
        self.temperature_c += HEAT_K * rotted_g / mass_g;
        self.temperature_c -=
            (self.temperature_c - air_c) * (1.0 - (-COOLING_PER_DAY * days).exp());
    }

    /// Whether it is compost.
    pub fn is_done(&self) -> bool {
        self.fed_degradable_g > 0.0 && self.degradable_g <= DONE_SHARE * self.fed_degradable_g
    }

    /// Takes everything out; its mass in whole g.
    pub fn empty(&mut self, air_c: f64) -> i64 {
        let mass_g = self.mass_g();
        *self = Heap::new(air_c);
        mass_g
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heap_gets_hot_for_three_weeks_and_loses_about_half_of_its_mass() {
        let mut heap = Heap::new(18.0);
        heap.feed(2_000_000, 18.0);
        let mut hot_hours = 0;
        let mut hours = 0;
        let mut hottest_c: f64 = 0.0;
        while !heap.is_done() {
            heap.rot(1.0 / 24.0, 18.0);
            hours += 1;
            hottest_c = hottest_c.max(heap.temperature_c());
            hot_hours += i32::from(heap.temperature_c() > 55.0);
            assert!(hours < 24 * 365, "it never gets done: {heap:?}");
        }
        assert!(hot_hours > 20 * 24, "hot for {hot_hours} h");
        assert!((60.0..80.0).contains(&hottest_c), "{hottest_c} C");
        let loss = 1.0 - heap.empty(18.0) as f64 / 2_000_000.0;
        assert!((0.40..0.60).contains(&loss), "{loss}");
    }

    #[test]
    fn an_empty_heap_is_as_warm_as_the_air() {
        let mut heap = Heap::new(5.0);
        heap.rot(0.1, -3.0);
        assert_eq!(heap.temperature_c(), -3.0);
        assert!(!heap.is_done());
    }
}
