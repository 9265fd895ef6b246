//! Several parks as one. What one park makes and another buys is counted once: where it is emitted.

use std::collections::BTreeSet;

use terrarium_model::{AssetId, ParkId};

use crate::books::{Basis, CarbonBook, Scope};
use crate::claims::ground::Ground;
use crate::claims::statement::{Line, LineRole, Source, Unit, Words};
use crate::claims::{Question, Refusal};

/// Energy or goods that one park of the portfolio gives another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transfer {
    /// Who makes it, and accounts for what that emits.
    pub from: ParkId,
    /// Who takes it.
    pub to: ParkId,
    /// Where it comes in there.
    pub asset: AssetId,
    /// What is posted there, such as "heat-import".
    pub activity: String,
}

/// A transfer that can't be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnbalancedTransfer {
    /// A side is no park of the portfolio.
    #[error(
        "transfer of {activity} from {from} to {to}: {missing} is no park of this portfolio; add its books, or drop the transfer"
    )]
    NoSuchPark {
        /// What is transferred.
        activity: String,
        /// From.
        from: ParkId,
        /// To.
        to: ParkId,
        /// Which one.
        missing: ParkId,
    },
    /// To itself.
    #[error("transfer of {activity}: {park} gives it to itself; a transfer has two parks")]
    ToItself {
        /// What is transferred.
        activity: String,
        /// The park.
        park: ParkId,
    },
    /// Nothing is posted where it should come in.
    #[error(
        "transfer of {activity} from {from} to {to}: nothing of it is posted at {asset} there, so one side of it is missing; check asset and \
         activity"
    )]
    NotReceived {
        /// What is transferred.
        activity: String,
        /// From.
        from: ParkId,
        /// To.
        to: ParkId,
        /// Where it should come in.
        asset: AssetId,
    },
    /// The books of the parks are of different periods.
    #[error(
        "the books of {one} and {other} are of different periods; ask for the same period of all parks"
    )]
    OtherPeriod {
        /// A park.
        one: ParkId,
        /// Another.
        other: ParkId,
    },
    /// A claim can't be made of a park.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The sum of several parks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    /// One line for each park, then what is counted twice, then the total.
    pub lines: Vec<Line>,
    /// Sum of the parks' own totals, mg.
    pub sum_mg: i64,
    /// Counted twice by that, mg.
    pub twice_mg: i64,
}

impl Portfolio {
    /// The total without double counting, mg.
    pub fn total_mg(&self) -> i64 {
        self.sum_mg - self.twice_mg
    }
}

/// Adds up parks, location-based, with what they give each other counted once.
pub fn roll_up(
    questions: &[Question<'_>],
    transfers: &BTreeSet<Transfer>,
) -> Result<Portfolio, UnbalancedTransfer> {
    for pair in questions.windows(2) {
        if pair[0].books.period != pair[1].books.period {
            return Err(UnbalancedTransfer::OtherPeriod {
                one: pair[0].books.park.clone(),
                other: pair[1].books.park.clone(),
            });
        }
    }
    check(questions, transfers)?;
    let mut lines = Vec::new();
    let (mut sum_mg, mut twice_mg) = (0, 0);
    let mut received = BTreeSet::new();
    for question in questions {
        let park = &question.books.park;
        let ground = Ground::of(question)?;
        let mut line = ground.line(
            &format!("park-{park}"),
            Words::new(park.as_str(), park.as_str()),
            ground.in_inventory(Basis::Location),
        );
        let mut twice = ground.line(
            &format!("twice-{park}"),
            Words::new(
                format!("Of it taken from parks of the portfolio: {park}"),
                format!("其中来自组合内其他园区：{park}"),
            ),
            |placed| {
                placed.posting.book == CarbonBook::Emission
                    && placed.counts_by(Basis::Location)
                    && matches!(placed.scope, Some(Scope::Two | Scope::Three(_)))
                    && transfers.iter().any(|transfer| {
                        transfer.to == *park
                            && transfer.asset == placed.posting.asset
                            && transfer.activity == placed.posting.activity
                    })
            },
        );
        for source in &twice.from {
            if let Source::Posting { index, .. } = source {
                let posting = &question.books.postings[*index];
                received.insert((
                    park.clone(),
                    posting.asset.clone(),
                    posting.activity.clone(),
                ));
            }
        }
        sum_mg += line.value.unwrap_or(0);
        twice_mg += twice.value.unwrap_or(0);
        line.role = LineRole::Sum;
        twice.depth = 1;
        let has_twice = !twice.from.is_empty();
        lines.push(line);
        if has_twice {
            lines.push(twice);
        }
    }
    for transfer in transfers {
        let place = (
            transfer.to.clone(),
            transfer.asset.clone(),
            transfer.activity.clone(),
        );
        if !received.contains(&place) {
            return Err(UnbalancedTransfer::NotReceived {
                activity: transfer.activity.clone(),
                from: transfer.from.clone(),
                to: transfer.to.clone(),
                asset: transfer.asset.clone(),
            });
        }
    }
    let signs: Vec<(String, i8)> = lines
        .iter()
        .map(|line| (line.id.clone(), if line.depth == 0 { 1 } else { -1 }))
        .collect();
    let sources: Vec<(&str, i8)> = signs
        .iter()
        .map(|(id, sign)| (id.as_str(), *sign))
        .collect();
    let total = Line::new(
        "portfolio-total",
        Words::new("Portfolio, each tonne once", "组合合计（不重复计算）"),
        Some(sum_mg - twice_mg),
        Unit::Co2eMg,
    )
    .role(LineRole::Result)
    .from_lines(&sources);
    lines.push(total);
    Ok(Portfolio {
        lines,
        sum_mg,
        twice_mg,
    })
}

fn check(
    questions: &[Question<'_>],
    transfers: &BTreeSet<Transfer>,
) -> Result<(), UnbalancedTransfer> {
    let parks: BTreeSet<&ParkId> = questions
        .iter()
        .map(|question| &question.books.park)
        .collect();
    for transfer in transfers {
        if transfer.from == transfer.to {
            return Err(UnbalancedTransfer::ToItself {
                activity: transfer.activity.clone(),
                park: transfer.from.clone(),
            });
        }
        for side in [&transfer.from, &transfer.to] {
            if !parks.contains(side) {
                return Err(UnbalancedTransfer::NoSuchPark {
                    activity: transfer.activity.clone(),
                    from: transfer.from.clone(),
                    to: transfer.to.clone(),
                    missing: side.clone(),
                });
            }
        }
    }
    Ok(())
}
