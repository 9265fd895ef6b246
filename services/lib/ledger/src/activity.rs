//! Words for what was done, as postings carry them, and what some claims have to know of them.

/// Bought from the grid, Wh: scope 2.
pub const GRID_IMPORT: &str = "grid-import";
/// Bought from the grid and sold on to others' cars, Wh: scope 3, category 3. An import too, before the colon.
pub const GRID_IMPORT_RESOLD: &str = "grid-import:resold";
/// Bought out of others' cars, Wh: scope 2.
pub const CAR_DISCHARGE: &str = "car-discharge";
/// Bought out of others' cars and sold on, Wh: scope 3, category 3.
pub const CAR_DISCHARGE_RESOLD: &str = "car-discharge:resold";
/// Given to the grid, Wh: avoided book.
pub const GRID_EXPORT: &str = "grid-export";
/// Heat or steam bought, Wh: scope 2.
pub const HEAT_IMPORT: &str = "heat-import";
/// Cooling bought, Wh: scope 2.
pub const COOLING_IMPORT: &str = "cooling-import";
/// Transport and distribution losses of bought electricity, Wh: scope 3, category 3.
pub const ELECTRICITY_LOSSES: &str = "electricity-losses";
/// What the fuels of bought energy emitted before, in the unit of that energy: scope 3, category 3.
pub const ENERGY_UPSTREAM: &str = "energy-upstream";
/// Lost refrigerant, g; which one stands behind a colon.
pub const REFRIGERANT: &str = "refrigerant-loss";
/// CO2 of an industrial process that burns nothing for heat, g; which one stands behind a colon.
pub const PROCESS: &str = "industrial-process";
/// Trees grew, mg of CO2.
pub const TREE_GROWTH: &str = "tree-growth";
/// Trees died or were felled, mg of CO2: a reversal.
pub const TREE_LOSS: &str = "tree-loss";
/// Staff on their way to work, m.
pub const COMMUTING: &str = "commuting";
/// Visitors on their way, m.
pub const VISITOR_TRAVEL: &str = "visitor-travel";

/// Heat of a Wh: 3.6 kJ of 29.3076 MJ/kg, millionths of a milligram of standard coal.
pub const MGCE_PER_WH_MILLIONTHS: i64 = 122_835_033;

/// A fuel that is burnt for its energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fuel {
    /// As in [`crate::books::Posting::activity`].
    pub token: &'static str,
    /// Milligrams of standard coal (29.3076 MJ/kg) per litre.
    pub mgce_per_litre: Option<i64>,
    /// Milligrams of standard coal per gram.
    pub mgce_per_gram: Option<i64>,
}

/// Fuels by their name. Standard coal: GB/T 2589-2020 annex A, from memory; litres with the densities 0.84 (diesel), 0.74
/// (petrol) and 0.51 kg/l (LPG), assumed; gas at normal conditions. Kinds of coal: their net calorific values in the Chinese
/// enterprise guidelines (24.515, 23.204 and 14.449 GJ/t, `deploy/factors/library/fuels-china-guidelines.toml`) / 29.3076.
pub const FUELS: [Fuel; 11] = [
    fuel("diesel", Some(1_223_964), Some(1_457)),
    fuel("petrol", Some(1_088_836), Some(1_471)),
    fuel("lpg", Some(874_293), Some(1_714)),
    fuel("kerosene", None, Some(1_471)),
    fuel("fuel-oil", None, Some(1_429)),
    fuel("natural-gas", Some(1_330), None),
    fuel("coal", None, Some(714)),
    fuel("anthracite", None, Some(836)),
    fuel("bituminous", None, Some(792)),
    fuel("lignite", None, Some(493)),
    fuel("biomass", None, Some(500)),
];

const fn fuel(
    token: &'static str,
    mgce_per_litre: Option<i64>,
    mgce_per_gram: Option<i64>,
) -> Fuel {
    Fuel {
        token,
        mgce_per_litre,
        mgce_per_gram,
    }
}

impl Fuel {
    /// The fuel of an activity: its token, or its token with a purpose behind a colon ("diesel:mower").
    pub fn of(activity: &str) -> Option<Fuel> {
        let token = activity.split(':').next().unwrap_or(activity);
        FUELS.into_iter().find(|fuel| fuel.token == token)
    }

    /// Grams of standard coal in an amount; `None` where the unit has no conversion.
    pub fn standard_coal_g(self, amount: i64, unit: &str) -> Option<i64> {
        let (rate, steps_per_unit) = match unit {
            // Litres of gas at normal conditions ("Nl") are what its row says.
            "l" | "Nl" => (self.mgce_per_litre?, 1),
            "ml" => (self.mgce_per_litre?, 1_000),
            "g" => (self.mgce_per_gram?, 1),
            "Wh" => (MGCE_PER_WH_MILLIONTHS, 1_000_000),
            _ => return None,
        };
        let mgce = i128::from(amount) * i128::from(rate);
        Some(terrarium_model::round_half_even_div(mgce, 1_000 * steps_per_unit) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_litre_of_diesel_is_about_one_and_a_quarter_kilograms_of_standard_coal() {
        let diesel = Fuel::of("diesel:mower").expect("known");
        assert_eq!(diesel.standard_coal_g(1_000, "l"), Some(1_223_964));
        assert_eq!(diesel.standard_coal_g(1_000_000, "ml"), Some(1_223_964));
        assert_eq!(diesel.standard_coal_g(1_000, "Wh"), Some(123));
        assert_eq!(diesel.standard_coal_g(1, "count"), None);
        assert_eq!(Fuel::of("dieselgate"), None);
    }
}
