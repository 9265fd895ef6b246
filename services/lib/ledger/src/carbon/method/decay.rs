//! First-order decay of waste in a landfill (IPCC 2006, volume 5, chapter 3, equations 3.1 to 3.6), in exact fractions.
//!
//! ```text
//! DDOCm in = W x DOC x DOCf x MCF       stock_T = in_T + stock_(T-1) x e^-k
//! CH4_T    = (stock_(T-1) x (1 - e^-k) x F x 16/12 - R_T) x (1 - OX)
//! ```
//!
//! With nothing recovered (R = 0), what one deposit gives within n years after it is `W x L0 x (1 - e^-kn)`; the sum of the years.

use super::super::exact::{Exact, decay_of};

/// Milligrams of a gram.
const MG_PER_G: i64 = 1_000;

/// Parameters of one material in one kind of landfill, in fractions of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecayParameters {
    /// Degradable organic carbon of wet waste.
    pub doc: Exact,
    /// Share of it that decomposes.
    pub doc_f: Exact,
    /// Methane correction of the landfill.
    pub mcf: Exact,
    /// Methane in the gas by volume.
    pub methane_share: Exact,
    /// Share of the methane that oxidises in the cover.
    pub oxidised: Exact,
    /// Rate of decay by year, at most 1.
    pub rate: Exact,
}

impl DecayParameters {
    /// Grams of CH4 that a gram of waste gives in the end, before oxidation: L0.
    fn potential(&self) -> Option<Exact> {
        self.doc
            .times(self.doc_f)?
            .times(self.mcf)?
            .times(self.methane_share)?
            .times(Exact::fraction(16, 12)?)
    }

    fn emitted_share(&self) -> Option<Exact> {
        self.potential()?.times(self.oxidised.complement()?)
    }
}

/// e^-k to the power of so many years; 12 decimals a step keep every product inside of 128 bits.
fn left_after(rate: Exact, years: u32) -> Option<Exact> {
    let yearly = decay_of(rate)?;
    let mut left = Exact::whole(1);
    for _ in 0..years {
        left = shortened(left.times(yearly)?)?;
    }
    Some(left)
}

fn shortened(value: Exact) -> Option<Exact> {
    const DECIMALS: i64 = 1_000_000_000_000;
    Exact::fraction(
        i128::from(value.times(Exact::whole(DECIMALS))?.rounded()?),
        i128::from(DECIMALS),
    )
}

/// Milligrams of CH4 that grams of waste give within so many years after they were laid down.
pub fn methane_within(parameters: &DecayParameters, grams: i64, years: u32) -> Option<i64> {
    left_after(parameters.rate, years)?
        .complement()?
        .times(parameters.emitted_share()?)?
        .times(Exact::whole(grams))?
        .times(Exact::whole(MG_PER_G))?
        .rounded()
}

/// Milligrams of CH4 of one year from all that was laid down before it: (year, grams) of each deposit, for a park that has a
/// landfill of its own. Decay begins in the year after the deposit.
pub fn methane_of_year(
    parameters: &DecayParameters,
    deposits: &[(i32, i64)],
    year: i32,
) -> Option<i64> {
    let mut grams = Exact::ZERO;
    for (laid_down, weight_g) in deposits {
        let Ok(age) = u32::try_from(year - laid_down) else {
            continue;
        };
        if age == 0 {
            continue;
        }
        let before = left_after(parameters.rate, age - 1)?;
        let after = left_after(parameters.rate, age)?;
        let decayed = before.plus(after.times(Exact::whole(-1))?)?;
        grams = shortened(grams.plus(decayed.times(Exact::whole(*weight_g))?)?)?;
    }
    grams
        .times(parameters.emitted_share()?)?
        .times(Exact::whole(MG_PER_G))?
        .rounded()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn garden() -> DecayParameters {
        let share =
            |numerator, denominator| Exact::fraction(numerator, denominator).expect("a share");
        DecayParameters {
            doc: share(20, 100),
            doc_f: share(1, 2),
            mcf: share(1, 1),
            methane_share: share(1, 2),
            oxidised: share(1, 10),
            rate: share(5, 100),
        }
    }

    /// Carbon accounting note of the project, 5.9: L0 66.7 kg CH4/t; with OX 0.1 and GWP 28 1.67 tCO2e/t over a century, 39 % of it in
    /// ten years.
    #[test]
    fn a_tonne_of_garden_waste_gives_the_methane_of_the_worked_example() {
        let century_mg = methane_within(&garden(), 1_000_000, 100).expect("in range");
        let co2e_t = century_mg as f64 * 28.0 / 1e9;
        assert!((co2e_t - 1.67).abs() < 0.005, "{co2e_t}");
        let ten_mg = methane_within(&garden(), 1_000_000, 10).expect("in range");
        let share = ten_mg as f64 / century_mg as f64;
        assert!((share - 0.39).abs() < 0.01, "{share}");
    }

    #[test]
    fn the_years_of_a_deposit_sum_up_to_what_it_gives() {
        let years: i64 = (2026..=2075)
            .map(|year| methane_of_year(&garden(), &[(2025, 1_000_000)], year).expect("in range"))
            .sum();
        let within = methane_within(&garden(), 1_000_000, 50).expect("in range");
        assert!((years - within).abs() <= 50, "{years} {within}");
        assert_eq!(
            methane_of_year(&garden(), &[(2025, 1_000_000)], 2025),
            Some(0)
        );
        assert_eq!(
            methane_of_year(&garden(), &[(2030, 1_000_000)], 2025),
            Some(0)
        );
    }
}
