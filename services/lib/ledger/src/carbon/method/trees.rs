//! Trees: what two surveys differ by was taken up between them, what dies goes back, and a group that was never surveyed takes up a
//! default for at most twenty years.
//!
//! What the first survey finds is what came with the trees, if it lies within 30 days of the first planting; the nursery's
//! uptake is no removal of the park. The stock is never below zero, so that reversals never exceed what was taken up and brought.

use terrarium_model::{AmountUnit, AssetId, Gas, Interval, UnixSeconds};

use super::super::attribution::PARK;
use super::super::exact::Exact;
use super::super::fact::{TreeHappening, TreeMethod, TreeRecord, u95_ppm_of_tier};
use super::super::worked::{Quantity, Step, Worked};
use super::bench::{MG_PER_KG, Workbench};
use crate::books::{Basis, CarbonBook, Detail, MethodId, Pool, Posting};
use crate::fact::Origin;
use crate::factor_book::{FactorKind, FactorRow};
use crate::gas::GasMasses;

const SECONDS_PER_DAY: i64 = 86_400;
/// A survey this soon after the first planting finds what came with the trees.
const OPENING_DAYS: i64 = 30;
/// IPCC 2006, volume 4, chapter 8: the default holds while trees grow, 20 years.
const GROWING_S: i64 = 20 * 31_557_600;
const STOCK: MethodId = MethodId {
    token: "tree-stock",
    version: 1,
};
const DEFAULT: MethodId = MethodId {
    token: "tree-default",
    version: 1,
};

/// A change of a group's stock.
struct Change {
    from: UnixSeconds,
    to: UnixSeconds,
    mg: i64,
    trees: i64,
    reversal: bool,
    tier: u8,
    method: MethodId,
    rows: Vec<FactorRow>,
    told_at: Vec<u64>,
    source: String,
    name: String,
    steps: Vec<Step>,
}

impl Workbench<'_> {
    /// The lines of a tree group, from its history in order of time.
    pub(in crate::carbon) fn tree_lines(
        &self,
        group: &AssetId,
        history: &[(Origin, &TreeRecord)],
    ) -> Vec<Worked> {
        let is_surveyed = history
            .iter()
            .any(|(_, record)| matches!(record.what, TreeHappening::Surveyed { .. }));
        let changes = if is_surveyed {
            self.by_surveys(history)
        } else {
            self.by_default(history)
        };
        changes
            .into_iter()
            .map(|change| tree_line(group, change))
            .collect()
    }

    fn by_surveys(&self, history: &[(Origin, &TreeRecord)]) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut stock_g: Option<i64> = None;
        let mut planted: Option<(UnixSeconds, Origin)> = None;
        let mut since: Option<(UnixSeconds, Origin)> = None;
        let mut tier = 4;
        for (origin, record) in history {
            match &record.what {
                TreeHappening::Planted { .. } => {
                    planted.get_or_insert((record.time, *origin));
                    since.get_or_insert((record.time, *origin));
                }
                TreeHappening::Surveyed {
                    co2_g,
                    method,
                    source,
                    living,
                } => {
                    tier = tier_of(*method);
                    let comes_with_the_trees = planted.is_none_or(|(time, _)| {
                        record.time.0 - time.0 <= OPENING_DAYS * SECONDS_PER_DAY
                    });
                    let before = match stock_g {
                        Some(stock) => stock,
                        None if comes_with_the_trees => *co2_g,
                        None => 0,
                    };
                    let grown = co2_g - before;
                    let (from, first) = since.unwrap_or((record.time, *origin));
                    if grown != 0 {
                        changes.push(Change {
                            from: if grown > 0 { from } else { record.time },
                            to: record.time,
                            mg: grown.abs() * 1_000,
                            trees: i64::from(*living),
                            reversal: grown < 0,
                            tier,
                            method: STOCK,
                            rows: Vec::new(),
                            told_at: vec![first.position, origin.position],
                            source: source.clone(),
                            name: format!("survey-{}", record.time.0),
                            steps: self.difference(before, *co2_g),
                        });
                    }
                    stock_g = Some(*co2_g);
                    since = Some((record.time, *origin));
                }
                TreeHappening::Lost {
                    loss,
                    count,
                    reversed_co2_g,
                } => {
                    let stock = stock_g.unwrap_or(0);
                    let reversed = (*reversed_co2_g).clamp(0, stock);
                    stock_g = stock_g.map(|stock| stock - reversed);
                    if reversed > 0 {
                        changes.push(Change {
                            from: record.time,
                            to: record.time,
                            mg: reversed * 1_000,
                            trees: i64::from(*count),
                            reversal: true,
                            tier,
                            method: STOCK,
                            rows: Vec::new(),
                            told_at: vec![origin.position],
                            source: "share of the stock by count of trees".to_owned(),
                            name: format!("loss-{loss}"),
                            steps: self.difference(stock, stock - reversed),
                        });
                    }
                }
            }
        }
        changes
    }

    /// Stretches of constant count, each with the default rate; losses reverse their share of what was taken up.
    fn by_default(&self, history: &[(Origin, &TreeRecord)]) -> Vec<Change> {
        let Some((first, planted)) = history
            .iter()
            .find(|(_, record)| matches!(record.what, TreeHappening::Planted { .. }))
        else {
            return Vec::new();
        };
        let Some(row) = self.find(FactorKind::Tree, "tree", None, planted.time) else {
            return Vec::new();
        };
        let end = UnixSeconds(planted.time.0 + GROWING_S);
        let mut changes: Vec<Change> = Vec::new();
        let (mut living, mut stock_mg, mut since) = (0_i64, 0_i64, planted.time);
        let grow = |changes: &mut Vec<Change>, living: i64, from: UnixSeconds, to: UnixSeconds| {
            let to = to.min(end);
            if living == 0 || to <= from {
                return 0;
            }
            let tree_seconds = living * (to.0 - from.0);
            let mut steps = Vec::new();
            let Some(mg) = self.default_uptake_mg(tree_seconds, &row, &mut steps) else {
                return 0;
            };
            changes.push(Change {
                from,
                to,
                mg,
                trees: living,
                reversal: false,
                tier: 5,
                method: DEFAULT,
                rows: vec![row.clone()],
                told_at: vec![first.position],
                source: "default rate by tree".to_owned(),
                name: format!("default-{}", from.0),
                steps,
            });
            mg
        };
        for (origin, record) in history {
            stock_mg += grow(&mut changes, living, since, record.time);
            since = record.time.max(since);
            match &record.what {
                TreeHappening::Planted { count, .. } => living += i64::from(*count),
                TreeHappening::Lost { loss, count, .. } => {
                    let count = i64::from(*count).min(living);
                    let reversed = Exact::fraction(i128::from(count), i128::from(living.max(1)))
                        .and_then(|share| share.times(Exact::whole(stock_mg)))
                        .and_then(Exact::rounded)
                        .unwrap_or(0);
                    living -= count;
                    stock_mg -= reversed;
                    if reversed > 0 {
                        changes.push(Change {
                            from: record.time,
                            to: record.time,
                            mg: reversed,
                            trees: count,
                            reversal: true,
                            tier: 5,
                            method: DEFAULT,
                            rows: vec![row.clone()],
                            told_at: vec![origin.position],
                            source: "share of the default uptake by count of trees".to_owned(),
                            name: format!("loss-{loss}"),
                            steps: Vec::new(),
                        });
                    }
                }
                TreeHappening::Surveyed { .. } => {}
            }
        }
        grow(&mut changes, living, since, end);
        changes
    }

    fn default_uptake_mg(
        &self,
        tree_seconds: i64,
        row: &FactorRow,
        steps: &mut Vec<Step>,
    ) -> Option<i64> {
        let (numerator, denominator) = AmountUnit::TreeSecond.in_units_of(row.set.unit.per()?)?;
        let mg = Exact::fraction(numerator, denominator)?
            .times(Exact::whole(tree_seconds))?
            .times(Exact::decimal(row.value())?)?
            .times(Exact::whole(MG_PER_KG))?
            .rounded()?;
        if self.explains {
            steps.push(Step {
                formula: "uptake = round_half_even(trees x time x rate)".to_owned(),
                inputs: vec![
                    Quantity::new("trees x time", tree_seconds, AmountUnit::TreeSecond),
                    Quantity::new(&row.set.key(), row.value(), row.set.unit),
                ],
                output: Quantity::new("mass of CO2", mg, "mg"),
            });
        }
        Some(mg)
    }

    fn difference(&self, before_g: i64, after_g: i64) -> Vec<Step> {
        if !self.explains {
            return Vec::new();
        }
        vec![Step {
            formula: "change = stock after - stock before".to_owned(),
            inputs: vec![
                Quantity::new("stock before", before_g, "g"),
                Quantity::new("stock after", after_g, "g"),
            ],
            output: Quantity::new("change of CO2 held", after_g - before_g, "g"),
        }]
    }
}

fn tier_of(method: TreeMethod) -> u8 {
    match method {
        TreeMethod::Measured => 3,
        TreeMethod::Modelled => 4,
        TreeMethod::Default => 5,
    }
}

fn tree_line(group: &AssetId, change: Change) -> Worked {
    let seconds = u32::try_from(change.to.0 - change.from.0).unwrap_or(u32::MAX);
    Worked {
        posting: Posting {
            book: CarbonBook::Removal,
            asset: group.clone(),
            party: PARK.to_owned(),
            scope: None,
            iso_category: Some(1),
            basis: Basis::Both,
            activity: if change.reversal {
                "tree-loss".to_owned()
            } else {
                "tree-growth".to_owned()
            },
            interval: Interval {
                start: change.from,
                seconds,
            },
            amount: change.trees,
            unit: "count",
            method: change.method,
            factors: change.rows.iter().map(FactorRow::used).collect(),
            gases: GasMasses::of(Gas::Co2, change.mg),
            activity_u95_ppm: u95_ppm_of_tier(change.tier),
            tier: change.tier,
            detail: Detail::Removal {
                pool: Pool::LivingBiomass,
                reversal: change.reversal,
            },
        },
        name: change.name,
        rows: change.rows,
        told_at: change.told_at,
        source: change.source,
        evidence: Vec::new(),
        steps: change.steps,
    }
}
