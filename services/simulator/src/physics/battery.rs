//! Energy stores: limits of power and charge, losses either way, self-discharge; whole Wh at the terminals.
//!
//! What goes in is what comes out, what is lost and what stays: exact to the Wh at every step, because the losses'
//! fractions of a Wh are carried.

use terrarium_model::Chemistry;

/// What a store of one chemistry does with energy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatteryTraits {
    /// Alternating current in to alternating current out. Assumed from the usual ranges: LFP 0.85 to 0.90, vanadium flow
    /// 0.65 to 0.75, supercapacitors 0.95.
    pub round_trip: f64,
    /// Lost per day of what is stored. Assumed.
    pub self_discharge_per_day: f64,
    /// Limits of the state of charge, as shares of the capacity. Assumed.
    pub lowest: f64,
    pub highest: f64,
}

impl BatteryTraits {
    /// The usual figures of a chemistry.
    pub fn of(chemistry: Chemistry) -> BatteryTraits {
        match chemistry {
            Chemistry::Lithium => BatteryTraits {
                round_trip: 0.88,
                self_discharge_per_day: 0.0008,
                lowest: 0.10,
                highest: 0.95,
            },
            Chemistry::Flow => BatteryTraits {
                round_trip: 0.70,
                self_discharge_per_day: 0.001,
                lowest: 0.05,
                highest: 0.95,
            },
            Chemistry::Supercapacitor => BatteryTraits {
                round_trip: 0.95,
                self_discharge_per_day: 0.20,
                lowest: 0.05,
                highest: 1.0,
            },
        }
    }
}

/// A store and what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Battery {
    traits: BatteryTraits,
    capacity_wh: i64,
    rated_w: i64,
    stored_wh: i64,
    /// Lost, but not yet a whole Wh; 0 to 1.
    loss_remainder_wh: f64,
}

/// What happened to a store in one interval; `stored_after = stored_before + charged - discharged - lost`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatteryStep {
    pub charged_wh: i64,
    pub discharged_wh: i64,
    pub lost_wh: i64,
}

impl Battery {
    /// A store that is half full.
    pub fn new(traits: BatteryTraits, capacity_wh: i64, rated_w: i64) -> Battery {
        Battery {
            traits,
            capacity_wh,
            rated_w,
            stored_wh: capacity_wh / 2,
            loss_remainder_wh: 0.0,
        }
    }

    /// What is in it.
    pub fn stored_wh(&self) -> i64 {
        self.stored_wh
    }

    /// What it can hold.
    pub fn capacity_wh(&self) -> i64 {
        self.capacity_wh
    }

    /// The most it can take at its terminals in an interval.
    pub fn most_charge_wh(&self, seconds: u32) -> i64 {
        let room_wh = self.capacity_wh as f64 * self.traits.highest - self.stored_wh as f64;
        let at_terminals_wh = (room_wh / self.one_way()).floor() as i64;
        at_terminals_wh.clamp(0, energy_wh(self.rated_w, seconds))
    }

    /// The most it can give at its terminals in an interval.
    pub fn most_discharge_wh(&self, seconds: u32) -> i64 {
        // One Wh less, so that the carried remainder of the losses never takes it below its limit.
        let above_wh = self.stored_wh as f64 - self.capacity_wh as f64 * self.traits.lowest - 1.0;
        let at_terminals_wh = (above_wh * self.one_way()).floor() as i64;
        at_terminals_wh.clamp(0, energy_wh(self.rated_w, seconds))
    }

    /// The most it can give at its terminals in an interval without holding less than a reserve afterwards.
    pub fn most_discharge_above_wh(&self, reserve_wh: i64, seconds: u32) -> i64 {
        // One Wh less for the carried remainder of the losses.
        let above_wh = (self.stored_wh - reserve_wh) as f64 - self.idle_loss_wh(seconds) - 1.0;
        ((above_wh * self.one_way()).floor() as i64).max(0)
    }

    /// Takes (positive) or gives (negative) energy at the terminals, as far as its limits allow.
    pub fn step(&mut self, wanted_wh: i64, seconds: u32) -> BatteryStep {
        let charged_wh = wanted_wh.clamp(0, self.most_charge_wh(seconds));
        let discharged_wh = (-wanted_wh).clamp(0, self.most_discharge_wh(seconds));
        let idle_wh = self.idle_loss_wh(seconds);
        let conversion_wh = charged_wh as f64 * (1.0 - self.one_way())
            + discharged_wh as f64 * (1.0 / self.one_way() - 1.0);
        let exact_wh = self.loss_remainder_wh + idle_wh + conversion_wh;
        let before_loss_wh = self.stored_wh + charged_wh - discharged_wh;
        let lost_wh = (exact_wh.floor() as i64).clamp(0, before_loss_wh);
        self.loss_remainder_wh = (exact_wh - lost_wh as f64).clamp(0.0, 1.0);
        self.stored_wh = before_loss_wh - lost_wh;
        BatteryStep {
            charged_wh,
            discharged_wh,
            lost_wh,
        }
    }

    /// Lost by itself in an interval.
    fn idle_loss_wh(&self, seconds: u32) -> f64 {
        self.stored_wh as f64 * self.traits.self_discharge_per_day * f64::from(seconds) / 86_400.0
    }

    /// Efficiency of one direction: half of the round trip's losses.
    fn one_way(&self) -> f64 {
        self.traits.round_trip.sqrt()
    }
}

/// Energy of a constant power over some seconds, whole Wh, rounded down.
pub fn energy_wh(power_w: i64, seconds: u32) -> i64 {
    power_w * i64::from(seconds) / 3_600
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_round_trip_returns_the_round_trip_efficiency() {
        let mut battery = Battery::new(BatteryTraits::of(Chemistry::Lithium), 100_000, 50_000);
        let start_wh = battery.stored_wh();
        let charged_wh = battery.step(40_000, 3_600).charged_wh;
        assert_eq!(charged_wh, 40_000);
        let mut discharged_wh = 0;
        while battery.stored_wh() > start_wh + 100 {
            let left_wh = battery.stored_wh() - start_wh;
            discharged_wh += battery.step(-(left_wh * 9 / 10), 900).discharged_wh;
        }
        let ratio = discharged_wh as f64 / charged_wh as f64;
        assert!((ratio - 0.88).abs() < 0.01, "{ratio}");
    }

    #[test]
    fn a_supercapacitor_empties_by_itself_and_lithium_hardly() {
        let mut supercapacitor =
            Battery::new(BatteryTraits::of(Chemistry::Supercapacitor), 10_000, 1_000);
        let mut lithium = Battery::new(BatteryTraits::of(Chemistry::Lithium), 10_000, 1_000);
        for _ in 0..24 {
            supercapacitor.step(0, 3_600);
            lithium.step(0, 3_600);
        }
        // 0.2 a day, taken every hour from what is left.
        let expected_wh = 5_000.0 * (1.0 - 0.2_f64 / 24.0).powi(24);
        assert!((supercapacitor.stored_wh() as f64 - expected_wh).abs() < 5.0);
        assert!(lithium.stored_wh() >= 4_995);
    }

    proptest! {
        #[test]
        fn giving_as_much_as_a_reserve_allows_leaves_the_reserve(
            chemistry in prop_oneof![Just(Chemistry::Lithium), Just(Chemistry::Flow), Just(Chemistry::Supercapacitor)],
            capacity_wh in 1_000_i64..500_000,
            charged_wh in 0_i64..100_000,
            reserve_permille in 0_i64..1_000,
            seconds in 60_u32..3_600,
        ) {
            let mut battery = Battery::new(BatteryTraits::of(chemistry), capacity_wh, 1_000_000);
            battery.step(charged_wh, 900);
            let reserve_wh = battery.stored_wh() * reserve_permille / 1_000;
            for _ in 0..20 {
                let most_wh = battery.most_discharge_above_wh(reserve_wh, seconds);
                if most_wh == 0 {
                    break;
                }
                battery.step(-most_wh, seconds);
                prop_assert!(battery.stored_wh() >= reserve_wh, "{} < {reserve_wh}", battery.stored_wh());
            }
        }

        #[test]
        fn every_wh_is_kept_given_or_lost_and_the_limits_hold(
            wishes in proptest::collection::vec((-80_000_i64..80_000, 60_u32..7_200), 1..200),
            chemistry in prop_oneof![Just(Chemistry::Lithium), Just(Chemistry::Flow), Just(Chemistry::Supercapacitor)],
            capacity_wh in 1_000_i64..500_000,
            rated_w in 1_000_i64..100_000,
        ) {
            let mut battery = Battery::new(BatteryTraits::of(chemistry), capacity_wh, rated_w);
            for (wish_wh, seconds) in wishes {
                let before_wh = battery.stored_wh();
                let step = battery.step(wish_wh, seconds);
                prop_assert_eq!(
                    battery.stored_wh(),
                    before_wh + step.charged_wh - step.discharged_wh - step.lost_wh
                );
                prop_assert!(step.lost_wh >= 0);
                prop_assert!(step.charged_wh <= energy_wh(rated_w, seconds));
                prop_assert!(step.discharged_wh <= energy_wh(rated_w, seconds));
                prop_assert!((0..=capacity_wh).contains(&battery.stored_wh()));
            }
        }
    }
}
