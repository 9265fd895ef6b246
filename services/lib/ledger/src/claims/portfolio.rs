//! Several parks as one. What one park makes and another buys counts once, where it is emitted, if it is named as a transfer;
//! nothing else tells that what stands in two parks' books is the same tonne.

use std::collections::BTreeSet;

use terrarium_model::{AssetId, ParkId};

use crate::books::{Basis, CarbonBook, Posting, Scope};
use crate::carbon::half_width;
use crate::claims::ground::Ground;
use crate::claims::statement::{
    Line, LineRole, Netting, Source, Statement, Treatment, Unit, Verdict, VerdictKind, Words,
    frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal, Scope2Total};

/// As statements name it.
const CLAIM: &str = "portfolio";

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
    #[error("{park}: {refusal}")]
    Refused {
        /// Which one.
        park: ParkId,
        /// Why not.
        refusal: Refusal,
    },
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
    /// The postings that sources name by their place, with the park whose books they stand in.
    pub postings: Vec<(ParkId, Posting)>,
}

impl Portfolio {
    /// The total without what the transfers count twice, mg.
    pub fn total_mg(&self) -> i64 {
        self.sum_mg - self.twice_mg
    }
}

/// Adds up parks, location-based, with what they give each other by these transfers counted once.
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
    let mut postings = Vec::new();
    let mut weighed = Vec::new();
    for question in questions {
        let park = &question.books.park;
        let ground = Ground::of(question).map_err(|refusal| refused(park, refusal))?;
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
        let taken: BTreeSet<usize> = twice.from.iter().filter_map(place_of).collect();
        let own = ground.placed.iter().filter(|placed| {
            ground.in_inventory(Basis::Location)(placed) && !taken.contains(&placed.index)
        });
        weighed.extend(own.map(|placed| (placed.co2e_mg, in_park(park, placed.posting))));
        for source in line.from.iter_mut().chain(&mut twice.from) {
            if let Source::Posting { index, .. } = source {
                *index += postings.len();
            }
        }
        let of_park = question.books.postings.iter();
        postings.extend(of_park.map(|posting| (park.clone(), posting.clone())));
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
        match transfers.is_empty() {
            true => Words::new("Portfolio, parks added up", "组合合计（各园区相加）"),
            false => Words::new("Portfolio, each tonne once", "组合合计（不重复计算）"),
        },
        Some(sum_mg - twice_mg),
        Unit::Co2eMg,
    )
    .half95(half_width(
        weighed.iter().map(|(mg, posting)| (*mg, posting)),
    ))
    .role(LineRole::Result)
    .from_lines(&sources);
    lines.push(total);
    Ok(Portfolio {
        lines,
        sum_mg,
        twice_mg,
        postings,
    })
}

fn place_of(source: &Source) -> Option<usize> {
    match source {
        Source::Posting { index, .. } => Some(*index),
        _ => None,
    }
}

/// Parks share factors and their errors, but no meters.
fn in_park(park: &ParkId, posting: &Posting) -> Posting {
    Posting {
        party: format!("{park}/{}", posting.party),
        ..posting.clone()
    }
}

/// The roll-up as a statement: an inventory, location-based, of several parks. Like every claim it is made over closed periods,
/// or marked as provisional where that is asked for.
pub fn statement(
    whole: Portfolio,
    questions: &[Question<'_>],
    transfers: &BTreeSet<Transfer>,
) -> Result<Statement, UnbalancedTransfer> {
    let mut is_provisional = false;
    for question in questions {
        is_provisional |= super::is_open(CLAIM, question)
            .map_err(|refusal| refused(&question.books.park, refusal))?;
    }
    let first = questions.first().expect("a portfolio has parks");
    let mut statement = frame(
        ClaimKind::GhgpInventory(Scope2Total::Location),
        first.books,
        first.gwp,
        Words::new(
            "Greenhouse gas inventory of a portfolio, location-based",
            "园区组合温室气体清单（基于位置）",
        ),
        Words::new(
            "GHG Protocol Corporate Standard, consolidated",
            "温室气体核算体系企业标准（合并）",
        ),
    );
    statement.claim = CLAIM;
    statement.provisional = is_provisional;
    statement
        .notes
        .extend(is_provisional.then(super::provisional));
    statement
        .notes
        .extend(transfers.is_empty().then(no_transfers));
    statement.netting = transfers
        .iter()
        .map(|transfer| netting(transfer, &whole))
        .collect();
    for question in questions {
        let park = &question.books.park;
        let notes = [
            super::without_factor(question.books),
            super::missing_hours(question.books),
        ];
        statement
            .notes
            .extend(notes.into_iter().flatten().map(|note| {
                Words::new(
                    format!("{park}: {}", note.en),
                    format!("{park}：{}", note.zh),
                )
            }));
    }
    statement.notes.push(super::how_intervals_are_made());
    statement.verdict = verdict(&whole, questions.len(), transfers);
    statement.lines = whole.lines;
    (statement.posting_parks, statement.postings) = whole.postings.into_iter().unzip();
    Ok(statement)
}

/// Says that nothing was looked for that parks take from one another.
fn no_transfers() -> Words {
    Words::new(
        "No transfers were named: the parks are simply added up. What one gives another counts in both; name it as a transfer and it \
         counts once.",
        "未指明园区间转移：各园区直接相加。一园区供给另一园区的部分在两处均计入；指明为转移后只计一次。",
    )
}

fn verdict(whole: &Portfolio, parks: usize, transfers: &BTreeSet<Transfer>) -> Verdict {
    let half = whole.lines.last().and_then(|line| line.half95).unwrap_or(0);
    let [total, half, sum, twice] =
        [whole.total_mg(), half, whole.sum_mg, whole.twice_mg].map(|mg| spoken(mg, Unit::Co2eMg));
    let (en, zh) = match transfers.is_empty() {
        true => (
            format!(
                "{total} ± {half} of {parks} parks, simply added up: no transfers between them were named."
            ),
            format!("{parks} 个园区直接相加，合计 {total} ± {half}：未指明园区间转移。"),
        ),
        false => (
            format!(
                "{total} ± {half} of {parks} parks, each tonne once: their own totals come to {sum}, and {twice} of that are taken \
                 from one another."
            ),
            format!(
                "{parks} 个园区合计 {total} ± {half}，每吨只计一次：各园区合计 {sum}，其中 {twice} 来自组合内其他园区。"
            ),
        ),
    };
    Verdict::new(VerdictKind::Stated, en, zh)
}

fn refused(park: &ParkId, refusal: Refusal) -> UnbalancedTransfer {
    UnbalancedTransfer::Refused {
        park: park.clone(),
        refusal,
    }
}

fn netting(transfer: &Transfer, whole: &Portfolio) -> Netting {
    let Transfer {
        from,
        to,
        asset,
        activity,
    } = transfer;
    let twice = format!("twice-{to}");
    let line = whole.lines.iter().find(|line| line.id == twice);
    Netting {
        flow: Words::new(
            format!("{activity} from {from} to {to} ({asset})"),
            format!("{activity}：{from} 供 {to}（{asset}）"),
        ),
        treatment: Treatment::Netted,
        amount: line.and_then(|line| Some((line.value?, line.unit))),
        why: Words::new(
            "Counted where it is emitted, not again where it is used. The amount is all that the park takes from others here.",
            "在排放处计入，使用处不再重复。数量为该园区自组合内取得的全部。",
        ),
    }
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
