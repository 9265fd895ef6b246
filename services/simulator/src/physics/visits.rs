//! People in a park, and what they throw away. The figures are assumed, but for the mean number of visitors a day.

use crate::chance::Chance;

/// Share of a day's visitors that comes in each hour from 0 to 23; sums to 1.
const HOURLY_SHARES: [f64; 24] = [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.04, 0.07, 0.08, 0.09, 0.09, 0.07, 0.05, 0.05, 0.07, 0.08,
    0.09, 0.08, 0.06, 0.04, 0.02, 0.01, 0.0, 0.0,
];

/// Share of a working day's visitors against the mean day, so that a week with its weekend gives the mean.
const WORKING_DAY: f64 = 0.8;
const WEEKEND_DAY: f64 = 1.5;

/// Expected visitors who enter in an hour of the local day.
pub fn expected_per_hour(
    mean_per_day: f64,
    hour_of_day: usize,
    is_weekend: bool,
    air_c: f64,
    rain_mm_per_hour: f64,
) -> f64 {
    let day = if is_weekend { WEEKEND_DAY } else { WORKING_DAY };
    mean_per_day * day * HOURLY_SHARES[hour_of_day] * comfort(air_c, rain_mm_per_hour)
}

/// How inviting the weather is: 1.25 when it is mild, a fifth in heavy rain, half in hard frost.
fn comfort(air_c: f64, rain_mm_per_hour: f64) -> f64 {
    let warmth = 1.25 - ((air_c - 19.0).abs() / 28.0).powi(2).min(0.75);
    let wet = 1.0 / (1.0 + 2.0 * rain_mm_per_hour.max(0.0));
    warmth * wet.max(0.2)
}

/// Waste of a stream that is thrown into one kind of bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WasteTraits {
    /// Grams of it for each visitor.
    pub per_visit_g: f64,
    /// Loose in the bin.
    pub kg_per_m3: f64,
}

/// The mass of `visitors` of one interval: each throws away something with a chance of 0.3 and then a gamma-distributed
/// mass of shape 2, so that the mean is the traits'.
pub fn thrown_away_g(chance: &mut Chance, visitors: i64, traits: WasteTraits) -> f64 {
    const CHANCE: f64 = 0.3;
    const SHAPE: f64 = 2.0;
    let throwers = chance.binomial(visitors, CHANCE);
    if throwers == 0 {
        return 0.0;
    }
    // A sum of gamma-distributed masses of one scale is gamma-distributed itself.
    let scale_g = traits.per_visit_g / CHANCE / SHAPE;
    chance.gamma(SHAPE * throwers as f64, scale_g)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mild_dry_week_brings_the_mean_number_of_visitors_and_more() {
        let week: f64 = (0..7)
            .flat_map(|day| (0..24).map(move |hour| (day, hour)))
            .map(|(day, hour)| expected_per_hour(1_000.0, hour, day >= 5, 19.0, 0.0))
            .sum();
        assert!((week / 7.0 - 1_250.0).abs() < 1.0, "{week}");
        assert!((HOURLY_SHARES.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn rain_and_frost_keep_people_away() {
        let at = |air_c, rain| expected_per_hour(1_000.0, 10, false, air_c, rain);
        assert!(at(20.0, 5.0) < 0.25 * at(20.0, 0.0));
        assert!(at(-10.0, 0.0) < 0.5 * at(20.0, 0.0));
    }

    #[test]
    fn waste_per_visitor_is_what_the_traits_say() {
        let mut chance = Chance::of(3, "bin", 0, "waste");
        let traits = WasteTraits {
            per_visit_g: 40.0,
            kg_per_m3: 80.0,
        };
        let total_g: f64 = (0..2_000)
            .map(|_| thrown_away_g(&mut chance, 10, traits))
            .sum();
        assert!((total_g / 20_000.0 - 40.0).abs() < 2.0, "{total_g}");
    }
}
