//! Trees by group: they grow, are surveyed four times a year, and some die.

use terrarium_model::{AssetId, AssetKind, AssetParameters, Interval, ParkDefinition, UnixSeconds};

use super::fact::{Fact, TreeSurvey};
use super::plan;
use crate::calendar::{Date, LocalTime};
use crate::chance::Chance;
use crate::physics::trees::{self, Growth};

/// Seedlings came from the nursery at this age, in years. Assumed.
const NURSERY_YEARS: f64 = 5.0;
/// Hour of the last day of a month at which losses are counted, and of every third month at which trees are measured.
const SURVEY_S: i64 = 10 * 3_600;

struct Group {
    id: AssetId,
    growth: Growth,
    living: i64,
}

/// All trees of a park.
pub struct Groves {
    seed: u64,
    groups: Vec<Group>,
    planted_on: UnixSeconds,
    mortality_per_year: f64,
    is_planted: bool,
}

impl Groves {
    pub fn new(
        park: &ParkDefinition,
        seed: u64,
        planted_on: UnixSeconds,
        mortality_per_year: f64,
    ) -> Groves {
        let groups = plan::of_kind(park, AssetKind::TreeGroup)
            .filter_map(|asset| match &asset.parameters {
                AssetParameters::TreeGroup { count, species } => Some(Group {
                    id: asset.id.clone(),
                    growth: Growth::of_species(species),
                    living: *count,
                }),
                _ => None,
            })
            .collect();
        Groves {
            seed,
            groups,
            planted_on,
            mortality_per_year,
            is_planted: false,
        }
    }

    /// Lets one interval pass.
    pub fn step(&mut self, local: LocalTime, interval: Interval, facts: &mut Vec<Fact>) {
        if !self.is_planted {
            self.is_planted = true;
            self.plant(interval.start, facts);
        }
        let ends_s = local.second_of_day + i64::from(interval.seconds);
        let date = Date::of_day(local.day);
        let is_survey = Date::of_day(local.day + 1).day == 1
            && local.second_of_day < SURVEY_S
            && ends_s >= SURVEY_S;
        if !is_survey {
            return;
        }
        let age_years = self.age_years(interval.end());
        let mortality =
            trees::mortality_per_year(age_years - NURSERY_YEARS, self.mortality_per_year);
        let probability = trees::probability_of_death(mortality, 1.0 / 12.0);
        for group in &mut self.groups {
            let mut chance = Chance::of(self.seed, group.id.as_str(), local.day, "death");
            let died = chance.binomial(group.living, probability);
            if died > 0 {
                group.living -= died;
                facts.push(Fact::TreesDied {
                    group: group.id.clone(),
                    loss: format!("l{:04}{:02}", date.year, date.month),
                    at: interval.end(),
                    count: died as u32,
                });
            }
            if date.month.is_multiple_of(3) && group.living > 0 {
                facts.push(Fact::TreesSurveyed {
                    group: group.id.clone(),
                    at: interval.end(),
                    survey: group.survey(age_years),
                });
            }
        }
    }

    fn plant(&self, at: UnixSeconds, facts: &mut Vec<Fact>) {
        let age_years = self.age_years(at);
        for group in &self.groups {
            facts.push(Fact::TreesPlanted {
                group: group.id.clone(),
                planting: "first".to_owned(),
                at,
                survey: group.survey(age_years),
            });
            // What stood there when the record began is no uptake of the record's time.
            facts.push(Fact::TreesSurveyed {
                group: group.id.clone(),
                at,
                survey: group.survey(age_years),
            });
        }
    }

    fn age_years(&self, at: UnixSeconds) -> f64 {
        const SECONDS_PER_YEAR: f64 = 365.25 * 86_400.0;
        NURSERY_YEARS + (at.0 - self.planted_on.0) as f64 / SECONDS_PER_YEAR
    }

    /// Trees that live.
    pub fn living(&self) -> i64 {
        self.groups.iter().map(|group| group.living).sum()
    }

    /// CO2 held by all that live, g.
    pub fn co2_g(&self, at: UnixSeconds) -> i64 {
        let age_years = self.age_years(at);
        self.groups
            .iter()
            .map(|group| group.survey(age_years).co2_g)
            .sum()
    }
}

impl Group {
    fn survey(&self, age_years: f64) -> TreeSurvey {
        let diameter_cm = self.growth.diameter_cm(age_years);
        // Height by diameter, of the usual slenderness of park trees (assumed).
        let height_m = 1.3 + 14.0 * (1.0 - (-0.065 * diameter_cm).exp());
        TreeSurvey {
            living: self.living as u32,
            mean_diameter_mm: (diameter_cm * 10.0).round() as u32,
            mean_height_cm: (height_m * 100.0).round() as u32,
            co2_g: (self.growth.stored_co2_kg(age_years) * 1_000.0).round() as i64 * self.living,
        }
    }
}
