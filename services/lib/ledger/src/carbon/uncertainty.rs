//! Intervals of totals: error propagation (IPCC 2006, volume 1, chapter 3, approach 1) with what lines share.
//!
//! A line is activity x factors. Lines of one activity of one asset share their meter's error, and lines with one factor share the
//! factor's: a shared factor does not average out over many meters. With normal, independent errors `a` and `f` of relative
//! standard deviation s, the covariance of two lines is exactly `x y (prod over what both share of (1 + s^2) - 1)`, second order
//! included.
//!
//! The floating point here is of estimates: no balance holds it. Only +, x, / and square roots are used, which every
//! machine rounds alike, in one order.

use std::collections::BTreeMap;

use crate::books::{CarbonBook, Detail, Posting};
use crate::gas::{GwpSet, NoPotential};

/// Half of the 95 % interval of a normal distribution in standard deviations.
const HALF_WIDTH_IN_SIGMA: f64 = 1.96;
const PPM: f64 = 1e6;

/// A total and half of its 95 % interval, in milligrams of CO2 equivalent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// The total.
    pub total_mg: i64,
    /// Half of the interval.
    pub half_width_mg: i64,
}

impl Spread {
    /// Whether zero lies inside of the interval.
    pub fn straddles_zero(self) -> bool {
        self.total_mg.abs() < self.half_width_mg
    }

    /// Half of the interval in millionths of the total; `None` of nothing.
    pub fn ppm(self) -> Option<u64> {
        (self.total_mg != 0).then(|| {
            let ppm = i128::from(self.half_width_mg) * 1_000_000 / i128::from(self.total_mg.abs());
            u64::try_from(ppm).unwrap_or(u64::MAX)
        })
    }
}

/// Gross emissions, removals less reversals, and the one less the other, each with its own interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrossRemovalNet {
    /// The emission book.
    pub gross: Spread,
    /// The removal book: what was taken up less what went back.
    pub removal: Spread,
    /// Gross less removal.
    pub net: Spread,
}

/// The interval of a signed sum of lines.
pub fn spread<'a>(
    lines: impl IntoIterator<Item = (i64, &'a Posting)>,
    set: GwpSet,
) -> Result<Spread, NoPotential> {
    let weighed: Vec<(i64, &Posting)> = lines
        .into_iter()
        .map(|(sign, posting)| Ok((sign * posting.gases.co2e_mg(set)?, posting)))
        .collect::<Result<_, NoPotential>>()?;
    Ok(Spread {
        total_mg: weighed.iter().map(|(mg, _)| mg).sum(),
        half_width_mg: half_width(weighed),
    })
}

/// Half of the 95 % interval of a sum of lines, each with what it adds (or takes away), in the unit of those.
pub fn half_width<'a>(parts: impl IntoIterator<Item = (i64, &'a Posting)>) -> i64 {
    // By the factors of the lines, and within them by what shares a meter.
    let mut groups: BTreeMap<FactorKeys<'_>, BTreeMap<StreamKey<'_>, Part>> = BTreeMap::new();
    for (mg, posting) in parts {
        let mut factors: FactorKeys<'_> = posting
            .factors
            .iter()
            .map(|factor| (factor.key.as_str(), factor.u95_ppm))
            .collect();
        factors.sort_unstable();
        factors.dedup();
        let part = groups
            .entry(factors)
            .or_default()
            .entry(stream_of(posting))
            .or_default();
        part.value += mg as f64;
        part.spread += mg as f64 * f64::from(posting.activity_u95_ppm) / PPM / HALF_WIDTH_IN_SIGMA;
    }
    (HALF_WIDTH_IN_SIGMA * variance_of(&groups).max(0.0).sqrt()).round() as i64
}

/// Half of the 95 % interval of one product, from those of its independent factors in millionths.
pub fn half_width_of_product(product: i64, u95_ppm: &[u32]) -> i64 {
    let mut growth = 1.0;
    for u95_ppm in u95_ppm {
        let sigma = f64::from(*u95_ppm) / PPM / HALF_WIDTH_IN_SIGMA;
        growth *= 1.0 + sigma * sigma;
    }
    (HALF_WIDTH_IN_SIGMA * (product as f64).abs() * (growth - 1.0_f64).sqrt()).round() as i64
}

/// Gross, removal and net of a period's lines.
pub fn gross_removal_net(
    postings: &[Posting],
    set: GwpSet,
    counts: impl Fn(&Posting) -> bool,
) -> Result<GrossRemovalNet, NoPotential> {
    let signed = |book: CarbonBook| {
        postings
            .iter()
            .filter(move |posting| posting.book == book)
            .filter(|posting| counts(posting))
            .map(|posting| (removal_sign(posting), posting))
    };
    let gross = spread(signed(CarbonBook::Emission), set)?;
    let removal = spread(signed(CarbonBook::Removal), set)?;
    let net = spread(
        signed(CarbonBook::Emission)
            .chain(signed(CarbonBook::Removal).map(|(sign, posting)| (-sign, posting))),
        set,
    )?;
    Ok(GrossRemovalNet {
        gross,
        removal,
        net,
    })
}

/// -1 for what went back.
fn removal_sign(posting: &Posting) -> i64 {
    match posting.detail {
        Detail::Removal { reversal: true, .. } => -1,
        _ => 1,
    }
}

/// Lines of one stream share their meter, scale or survey.
type StreamKey<'a> = (&'a str, &'a str, &'a str);

fn stream_of(posting: &Posting) -> StreamKey<'_> {
    // Growth and loss of one group come from the same surveys.
    let activity = match posting.detail {
        Detail::Removal { .. } => "trees",
        _ => posting.activity.as_str(),
    };
    (posting.asset.as_str(), activity, posting.party.as_str())
}

/// Sum of lines, and sum of lines x relative standard deviation of their activity.
#[derive(Clone, Copy, Default)]
struct Part {
    value: f64,
    spread: f64,
}

/// Keys of factors with half of their 95 % interval in millionths, in order.
type FactorKeys<'a> = Vec<(&'a str, u32)>;

fn variance_of(groups: &BTreeMap<FactorKeys<'_>, BTreeMap<StreamKey<'_>, Part>>) -> f64 {
    let sums: Vec<(&FactorKeys<'_>, f64)> = groups
        .iter()
        .map(|(factors, streams)| (factors, streams.values().map(|part| part.value).sum()))
        .collect();
    let mut variance = 0.0;
    for (one, one_sum) in &sums {
        for (other, other_sum) in &sums {
            variance += one_sum * other_sum * (growth_of_shared(one, other) - 1.0);
        }
    }
    let mut streams: BTreeMap<StreamKey<'_>, Vec<(&FactorKeys<'_>, Part)>> = BTreeMap::new();
    for (factors, parts) in groups {
        for (stream, part) in parts {
            streams.entry(*stream).or_default().push((factors, *part));
        }
    }
    for parts in streams.values() {
        for (one, one_part) in parts {
            for (other, other_part) in parts {
                variance += one_part.spread * other_part.spread * growth_of_shared(one, other);
            }
        }
    }
    variance
}

/// Product of (1 + s^2) over the factors that both have.
fn growth_of_shared(one: &[(&str, u32)], other: &[(&str, u32)]) -> f64 {
    let mut growth = 1.0;
    for (key, u95_ppm) in one {
        if other.iter().any(|(known, _)| known == key) {
            let sigma = f64::from(*u95_ppm) / PPM / HALF_WIDTH_IN_SIGMA;
            growth *= 1.0 + sigma * sigma;
        }
    }
    growth
}

/// Mean tier of a period's lines in tenths, weighed by what they emit, remove or embody; `None` of nothing.
pub fn data_quality_tenths(postings: &[Posting], set: GwpSet) -> Result<Option<u32>, NoPotential> {
    let (mut weight, mut weighed) = (0_i128, 0_i128);
    for posting in postings {
        let mg = i128::from(posting.gases.co2e_mg(set)?.abs());
        weight += mg;
        weighed += mg * i128::from(posting.tier);
    }
    Ok((weight > 0).then(|| (weighed * 10 / weight) as u32))
}
