//! Trees: diameter by age, biomass by diameter, carbon by biomass, and death.

/// How a species grows. Values are assumed: of the usual size for Beijing's plains, not measured for single species.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// Diameter at breast height of an old tree, cm.
    pub most_cm: f64,
    /// How fast it gets there, per year.
    pub rate: f64,
    /// Shape of the start.
    pub shape: f64,
    /// Above-ground dry biomass in kg is a x D^b.
    pub biomass_a: f64,
    pub biomass_b: f64,
}

/// Roots against what is above ground (IPCC 2006, volume 4, table 4.4: 0.2 to 0.3 for temperate trees).
const ROOT_SHARE: f64 = 0.26;
/// Carbon of dry biomass (IPCC 2006, volume 4, table 4.3: 0.47; 0.48 for temperate broadleaf).
const CARBON_SHARE: f64 = 0.48;
/// CO2 of carbon.
const CO2_PER_CARBON: f64 = 44.0 / 12.0;

impl Growth {
    const BROADLEAF: Growth = Growth {
        most_cm: 38.0,
        rate: 0.055,
        shape: 1.35,
        biomass_a: 0.095,
        biomass_b: 2.40,
    };
    const FAST: Growth = Growth {
        most_cm: 50.0,
        rate: 0.065,
        shape: 1.25,
        biomass_a: 0.075,
        biomass_b: 2.40,
    };
    const CONIFER: Growth = Growth {
        most_cm: 34.0,
        rate: 0.045,
        shape: 1.40,
        biomass_a: 0.085,
        biomass_b: 2.38,
    };
    const SMALL: Growth = Growth {
        most_cm: 20.0,
        rate: 0.080,
        shape: 1.30,
        biomass_a: 0.090,
        biomass_b: 2.35,
    };

    /// The growth of a species by its Latin name; of unknown ones that of a broad-leaved tree.
    pub fn of_species(species: &str) -> Growth {
        match species.split(' ').next().unwrap_or_default() {
            "Pinus" | "Platycladus" | "Juniperus" | "Picea" => Growth::CONIFER,
            "Populus" | "Salix" | "Ulmus" | "Ailanthus" => Growth::FAST,
            "Cotinus" | "Prunus" | "Malus" | "Syringa" => Growth::SMALL,
            _ => Growth::BROADLEAF,
        }
    }

    /// Diameter in cm at an age in years (Richards 1959; Chapman 1961).
    pub fn diameter_cm(&self, age_years: f64) -> f64 {
        self.most_cm * (1.0 - (-self.rate * age_years.max(0.0)).exp()).powf(self.shape)
    }

    /// Carbon dioxide in kg that a tree of an age holds, roots included.
    pub fn stored_co2_kg(&self, age_years: f64) -> f64 {
        let above_kg = self.biomass_a * self.diameter_cm(age_years).powf(self.biomass_b);
        above_kg * (1.0 + ROOT_SHARE) * CARBON_SHARE * CO2_PER_CARBON
    }
}

/// Share of trees that die in a year: more in the first two years after they were planted. Assumed, of the usual size for
/// looked-after plantations.
pub fn mortality_per_year(years_since_planting: f64, settled_mortality: f64) -> f64 {
    const TRANSPLANT_FACTOR: f64 = 3.0;
    if years_since_planting < 2.0 {
        settled_mortality * TRANSPLANT_FACTOR
    } else {
        settled_mortality
    }
}

/// Probability of dying within a part of a year.
pub fn probability_of_death(mortality_per_year: f64, years: f64) -> f64 {
    1.0 - (1.0 - mortality_per_year.clamp(0.0, 1.0)).powf(years)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_grow_slowly_then_fast_then_slowly_again() {
        let growth = Growth::of_species("Quercus variabilis");
        let uptake = |age: f64| growth.stored_co2_kg(age + 1.0) - growth.stored_co2_kg(age);
        assert!(uptake(20.0) > 3.0 * uptake(5.0));
        assert!(uptake(120.0) < 0.2 * uptake(30.0));
        assert!(growth.diameter_cm(500.0) <= growth.most_cm);
        assert_eq!(growth.diameter_cm(-1.0), 0.0);
    }

    #[test]
    fn after_25_years_a_mixed_plantation_holds_what_such_plantations_hold() {
        // Haotian's published 1,237 t of 2,800 trees in 25 years are 442 kg a tree.
        let ages = 31.0;
        let mean = ["Quercus", "Pinus", "Populus", "Malus", "Acer", "Fraxinus"]
            .iter()
            .map(|species| Growth::of_species(species).stored_co2_kg(ages))
            .sum::<f64>()
            / 6.0;
        assert!((250.0..700.0).contains(&mean), "{mean}");
    }

    #[test]
    fn twelve_months_of_death_are_one_year_of_it() {
        let month = probability_of_death(0.02, 1.0 / 12.0);
        assert!((1.0 - (1.0 - month).powi(12) - 0.02).abs() < 1e-12);
        assert!(mortality_per_year(0.5, 0.02) > mortality_per_year(3.0, 0.02));
    }
}
