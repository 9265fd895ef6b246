//! Greenhouse gases, their masses, and the sets of warming potentials that a view weighs them with.

use std::fmt;

pub use terrarium_model::Gas;

/// Masses in milligrams, by gas; gases of no mass are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GasMasses {
    /// In the order of [`Gas::ALL`].
    masses: Vec<(Gas, i64)>,
}

impl GasMasses {
    /// Nothing.
    pub const NONE: GasMasses = GasMasses { masses: Vec::new() };

    /// One gas.
    pub fn of(gas: Gas, mg: i64) -> GasMasses {
        let mut masses = GasMasses::NONE;
        masses.add(gas, mg);
        masses
    }

    /// Adds milligrams of one gas. Sums stay far inside of 64 bits: they hold nine billion tonnes.
    pub fn add(&mut self, gas: Gas, mg: i64) {
        match self.masses.binary_search_by_key(&gas, |(known, _)| *known) {
            Ok(place) => {
                self.masses[place].1 += mg;
                if self.masses[place].1 == 0 {
                    self.masses.remove(place);
                }
            }
            Err(_) if mg == 0 => {}
            Err(place) => self.masses.insert(place, (gas, mg)),
        }
    }

    /// Adds all of another.
    pub fn add_all(&mut self, other: &GasMasses) {
        for (gas, mg) in other.iter() {
            self.add(gas, mg);
        }
    }

    /// Milligrams of one gas.
    pub fn mg(&self, gas: Gas) -> i64 {
        self.masses
            .binary_search_by_key(&gas, |(known, _)| *known)
            .map_or(0, |place| self.masses[place].1)
    }

    /// Gases and milligrams, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Gas, i64)> + '_ {
        self.masses.iter().copied()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.masses.is_empty()
    }

    /// Weighed by a set: milligrams of CO2 equivalent, rounded once, half to even.
    pub fn co2e_mg(&self, set: GwpSet) -> Result<i64, NoPotential> {
        let mut tenths = 0_i128;
        for (gas, mg) in self.iter() {
            let potential = set.tenths(gas).ok_or(NoPotential { gas, set })?;
            tenths += i128::from(mg) * i128::from(potential);
        }
        Ok(terrarium_model::round_half_even_div(tenths, 10) as i64)
    }
}

/// A set knows no potential of a gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{set} has no warming potential for {gas}; choose another set (see `terrarium report --help`)"
)]
pub struct NoPotential {
    /// The gas.
    pub gas: Gas,
    /// The set.
    pub set: GwpSet,
}

/// Global warming potentials of an IPCC assessment report over 100 years, or over 20 where said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GwpSet {
    /// Second assessment report.
    Sar,
    /// Fourth.
    Ar4,
    /// Fifth, without climate-carbon feedbacks.
    Ar5,
    /// Sixth.
    Ar6,
    /// Sixth, over 20 years.
    Ar6Over20Years,
}

impl GwpSet {
    /// All sets.
    pub const ALL: [GwpSet; 5] = [
        GwpSet::Sar,
        GwpSet::Ar4,
        GwpSet::Ar5,
        GwpSet::Ar6,
        GwpSet::Ar6Over20Years,
    ];

    /// As in requests: "sar", "ar4", "ar5", "ar6", "ar6-20".
    pub fn token(self) -> &'static str {
        match self {
            GwpSet::Sar => "sar",
            GwpSet::Ar4 => "ar4",
            GwpSet::Ar5 => "ar5",
            GwpSet::Ar6 => "ar6",
            GwpSet::Ar6Over20Years => "ar6-20",
        }
    }

    /// From its token.
    pub fn parse(token: &str) -> Option<GwpSet> {
        GwpSet::ALL.into_iter().find(|set| set.token() == token)
    }

    /// Tenths of a kilogram CO2 equivalent per kilogram; `None` where the report gives none.
    ///
    /// Source: IPCC tables as collected in github.com/openclimatedata/globalwarmingpotentials (commit fc4e6f4, CC0). The split
    /// of methane in the sixth report (29.8 fossil, 27.0 other) is from memory of its table 7.15.
    pub fn tenths(self, gas: Gas) -> Option<i64> {
        let [sar, ar4, ar5, ar6, ar6_20]: [Option<i64>; 5] = match gas {
            Gas::Co2 | Gas::Co2e => [Some(10); 5],
            Gas::Ch4 => [Some(210), Some(250), Some(280), Some(279), Some(812)],
            Gas::Ch4Fossil => [Some(210), Some(250), Some(280), Some(298), Some(825)],
            Gas::Ch4Biogenic => [Some(210), Some(250), Some(280), Some(270), Some(797)],
            Gas::N2o => [
                Some(3_100),
                Some(2_980),
                Some(2_650),
                Some(2_730),
                Some(2_730),
            ],
            Gas::Sf6 => [
                Some(239_000),
                Some(228_000),
                Some(235_000),
                Some(252_000),
                Some(183_000),
            ],
            Gas::Nf3 => [
                None,
                Some(172_000),
                Some(161_000),
                Some(174_000),
                Some(134_000),
            ],
            Gas::Cf4 => [Some(65_000), Some(73_900), Some(66_300), Some(73_800), None],
            Gas::Hfc23 => [
                Some(117_000),
                Some(148_000),
                Some(124_000),
                Some(146_000),
                Some(124_000),
            ],
            Gas::Hfc32 => [
                Some(6_500),
                Some(6_750),
                Some(6_770),
                Some(7_710),
                Some(26_900),
            ],
            Gas::Hfc125 => [
                Some(28_000),
                Some(35_000),
                Some(31_700),
                Some(37_400),
                Some(67_400),
            ],
            Gas::Hfc134a => [
                Some(13_000),
                Some(14_300),
                Some(13_000),
                Some(15_300),
                Some(41_400),
            ],
            Gas::Hfc143a => [
                Some(38_000),
                Some(44_700),
                Some(48_000),
                Some(58_100),
                Some(78_400),
            ],
            Gas::Hfc152a => [
                Some(1_400),
                Some(1_240),
                Some(1_380),
                Some(1_640),
                Some(5_910),
            ],
            Gas::Hcfc22 => [
                Some(15_000),
                Some(18_100),
                Some(17_600),
                Some(19_600),
                Some(56_900),
            ],
        };
        match self {
            GwpSet::Sar => sar,
            GwpSet::Ar4 => ar4,
            GwpSet::Ar5 => ar5,
            GwpSet::Ar6 => ar6,
            GwpSet::Ar6Over20Years => ar6_20,
        }
    }
}

impl fmt::Display for GwpSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_are_weighed_by_the_set_that_the_view_chooses() {
        let mut masses = GasMasses::of(Gas::Co2, 1_000);
        masses.add(Gas::Ch4, 10);
        assert_eq!(masses.co2e_mg(GwpSet::Ar4), Ok(1_250));
        assert_eq!(masses.co2e_mg(GwpSet::Ar5), Ok(1_280));
        assert_eq!(masses.co2e_mg(GwpSet::Ar6), Ok(1_279));
    }

    #[test]
    fn a_gas_without_a_potential_is_named() {
        let refused = GasMasses::of(Gas::Nf3, 1).co2e_mg(GwpSet::Sar);
        assert!(
            refused
                .expect_err("no potential")
                .to_string()
                .contains("NF3")
        );
    }

    #[test]
    fn what_cancels_out_leaves_nothing() {
        let mut masses = GasMasses::of(Gas::N2o, 5);
        masses.add(Gas::N2o, -5);
        assert_eq!(masses, GasMasses::NONE);
    }

    /// R-410A and R-404A by mass, sixth report: 2,256 and 4,728 (carbon accounting note of the project, computed there).
    #[test]
    fn blends_have_the_potential_of_their_parts() {
        let mut r410a = GasMasses::of(Gas::Hfc32, 500);
        r410a.add(Gas::Hfc125, 500);
        assert_eq!(r410a.co2e_mg(GwpSet::Ar6), Ok(2_255_500));
        let mut r404a = GasMasses::of(Gas::Hfc125, 440);
        r404a.add(Gas::Hfc143a, 520);
        r404a.add(Gas::Hfc134a, 40);
        assert_eq!(r404a.co2e_mg(GwpSet::Ar6), Ok(4_728_000));
    }
}
