//! The postings of a period within the boundary, weighed, and lines that sum them.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_model::round_half_even_div;

use crate::activity;
use crate::books::{Basis, CarbonBook, Detail, InstrumentKind, InstrumentState, Posting, Scope};
use crate::carbon::half_width;
use crate::claims::boundary::{Boundary, LeftOut, Place, share};
use crate::claims::statement::{
    Chart, ChartKind, Line, LineRole, Netting, Series, Source, Statement, Treatment, Unit, Words,
};
use crate::claims::{Question, Refusal};
use crate::entry::EnergyAccount;
use crate::entry::amount;
use crate::gas::{Gas, GwpSet};
use crate::node_hour::HourAmounts;

/// A posting within the boundary.
#[derive(Clone, Copy)]
pub struct Placed<'a> {
    /// Its place in the books.
    pub index: usize,
    /// The posting.
    pub posting: &'a Posting,
    /// Where the boundary puts it.
    pub scope: Option<Scope>,
    /// Share that counts.
    pub share_ppm: u32,
    /// The share's weight, milligrams of CO2 equivalent; above zero for a reversal too.
    pub co2e_mg: i64,
}

impl Placed<'_> {
    /// Milligrams of one gas that count.
    pub fn gas_mg(&self, gas: Gas) -> i64 {
        share(self.posting.gases.mg(gas), self.share_ppm)
    }

    /// Whether it stands in the emission inventory: emissions, and what building emits in its year.
    pub fn is_emission(&self) -> bool {
        matches!(
            self.posting.book,
            CarbonBook::Emission | CarbonBook::Embodied
        ) && self.scope.is_some()
    }

    /// Whether it counts in this one of the two totals of scope 2.
    pub fn counts_by(&self, basis: Basis) -> bool {
        self.posting.basis == Basis::Both || self.posting.basis == basis
    }
}

/// A row of a chart: its name, and what it sums.
pub type ChartRow<'a> = (Words, Box<dyn Fn(&Placed<'a>) -> bool + 'a>);

/// The postings of a period, sorted by the boundary.
pub struct Ground<'a> {
    /// What is asked.
    pub question: &'a Question<'a>,
    /// Postings within the boundary, in the order of the books.
    pub placed: Vec<Placed<'a>>,
    /// Of those out of it, grid imports that were sold on: left out with their category of scope 3, but the grid's meter saw them.
    resold: Vec<Placed<'a>>,
    /// Postings out of it.
    pub left_out: Vec<(usize, LeftOut, i64)>,
    /// Which basis is there for the market-based total: the location-based one where nothing was posted by contract.
    pub market: Basis,
}

impl<'a> Ground<'a> {
    /// Sorts the postings of a question.
    pub fn of(question: &'a Question<'a>) -> Result<Ground<'a>, Refusal> {
        let open = Boundary::default();
        let boundary = question
            .policy
            .boundary_at(question.books.period.from)
            .map_or(&open, |decided| &decided.what);
        let mut placed = Vec::new();
        let mut resold = Vec::new();
        let mut left_out = Vec::new();
        for (index, posting) in question.books.postings.iter().enumerate() {
            let co2e_mg = posting.gases.co2e_mg(question.gwp)?;
            let placed_in = |scope, share_ppm| Placed {
                index,
                posting,
                scope,
                share_ppm,
                co2e_mg: share(co2e_mg, share_ppm),
            };
            match boundary.place(posting) {
                Place::In(scope, share_ppm) => placed.push(placed_in(scope, share_ppm)),
                Place::Out(why) => {
                    left_out.push((index, why, co2e_mg));
                    if posting.activity == activity::GRID_IMPORT_RESOLD
                        && let Place::In(scope, share_ppm) = boundary.place_in_any_category(posting)
                    {
                        resold.push(placed_in(scope, share_ppm));
                    }
                }
            }
        }
        let has_market = placed
            .iter()
            .any(|placed| placed.posting.basis == Basis::Market);
        Ok(Ground {
            question,
            placed,
            resold,
            left_out,
            market: if has_market {
                Basis::Market
            } else {
                Basis::Location
            },
        })
    }

    /// Warming potentials.
    pub fn gwp(&self) -> GwpSet {
        self.question.gwp
    }

    /// A line that sums what a rule picks, in CO2 equivalent.
    pub fn line(&self, id: &str, words: Words, pick: impl Fn(&Placed<'a>) -> bool) -> Line {
        let picked = self.placed.iter().filter(|placed| pick(placed));
        self.weighed(id, words, Unit::Co2eMg, picked.collect(), |placed| {
            signed(placed, placed.co2e_mg)
        })
    }

    /// A line that sums the CO2 alone of what a rule picks, by the grid's meter: of what was sold on too, whatever categories of
    /// scope 3 the boundary counts.
    pub fn co2_line(&self, id: &str, words: Words, pick: impl Fn(&Placed<'a>) -> bool) -> Line {
        let picked = self.by_meter().filter(|placed| pick(placed));
        self.weighed(id, words, Unit::Co2Mg, picked.collect(), |placed| {
            signed(placed, placed.gas_mg(Gas::Co2) + placed.gas_mg(Gas::Co2e))
        })
    }

    /// Postings within the boundary, and all grid imports.
    fn by_meter(&self) -> impl Iterator<Item = &Placed<'a>> {
        self.placed.iter().chain(&self.resold)
    }

    fn weighed(
        &self,
        id: &str,
        words: Words,
        unit: Unit,
        picked: Vec<&Placed<'a>>,
        weigh: impl Fn(&Placed<'a>) -> i64,
    ) -> Line {
        let value = picked.iter().map(|placed| weigh(placed)).sum();
        let half95 = half_width(picked.iter().map(|placed| (weigh(placed), placed.posting)));
        let mut line = Line::new(id, words, Some(value), unit).half95(half95);
        line.from = picked
            .iter()
            .map(|placed| Source::Posting {
                index: placed.index,
                share_ppm: if is_reversal(placed.posting) {
                    -i64::from(placed.share_ppm)
                } else {
                    i64::from(placed.share_ppm)
                },
            })
            .collect();
        line
    }

    /// Half of the 95 % interval of what counts in the inventory less removals.
    pub fn net_half95(&self) -> i64 {
        let is_emitted = self.in_inventory(self.market);
        half_width(self.placed.iter().filter_map(|placed| {
            let is_removal = placed.posting.book == CarbonBook::Removal;
            if is_removal {
                Some((-signed(placed, placed.co2e_mg), placed.posting))
            } else {
                is_emitted(placed).then_some((placed.co2e_mg, placed.posting))
            }
        }))
    }

    /// Half of the 95 % interval of the CO2 of several lines together.
    pub fn co2_half95(&self, lines: &[&Line]) -> i64 {
        self.half95_of(lines, |placed| {
            placed.gas_mg(Gas::Co2) + placed.gas_mg(Gas::Co2e)
        })
    }

    /// Half of the 95 % interval of several lines together, in CO2 equivalent.
    pub fn co2e_half95(&self, lines: &[&Line]) -> i64 {
        self.half95_of(lines, |placed| placed.co2e_mg)
    }

    fn half95_of(&self, lines: &[&Line], weigh: impl Fn(&Placed<'a>) -> i64) -> i64 {
        let behind: BTreeSet<usize> = lines
            .iter()
            .flat_map(|line| &line.from)
            .filter_map(|source| match source {
                Source::Posting { index, .. } => Some(*index),
                _ => None,
            })
            .collect();
        half_width(
            self.by_meter()
                .filter(|placed| behind.contains(&placed.index))
                .map(|placed| (signed(placed, weigh(placed)), placed.posting)),
        )
    }

    /// Emissions of a scope; of scope 2 by one basis.
    pub fn scope(&self, scope: Scope, basis: Basis) -> impl Fn(&Placed<'a>) -> bool + use<'a> {
        move |placed| {
            placed.is_emission()
                && placed.scope == Some(scope)
                && (scope != Scope::Two || placed.counts_by(basis))
        }
    }

    /// Whatever counts in the inventory by one basis.
    pub fn in_inventory(&self, basis: Basis) -> impl Fn(&Placed<'a>) -> bool + use<'a> {
        move |placed| placed.is_emission() && placed.counts_by(basis)
    }

    /// Removals: uptake and reversals.
    pub fn removal_lines(&self) -> Vec<Line> {
        let gross = self.line(
            "removals-gross",
            Words::new("Removals, gross", "清除量（总量）"),
            |placed| placed.posting.book == CarbonBook::Removal && !is_reversal(placed.posting),
        );
        let mut reversed = self.line(
            "removals-reversed",
            Words::new("Reversals (carbon that went back)", "逆转（重新释放）"),
            |placed| is_reversal(placed.posting),
        );
        reversed.value = reversed.value.map(|value| -value);
        let net = self
            .line(
                "removals-net",
                Words::new("Removals after reversals", "清除量（扣除逆转）"),
                |placed| placed.posting.book == CarbonBook::Removal,
            )
            .role(LineRole::Beside);
        vec![
            gross.depth(1).role(LineRole::Beside),
            reversed.depth(1).role(LineRole::Beside),
            net,
        ]
    }

    /// Lines that stand beside every inventory: living carbon, avoided.
    pub fn beside_lines(&self) -> Vec<Line> {
        vec![
            self.line(
                "biogenic",
                Words::new("Biogenic CO2 (memo)", "生物源二氧化碳（备查）"),
                |placed| placed.posting.book == CarbonBook::Biogenic,
            )
            .role(LineRole::Beside),
            self.line(
                "avoided",
                Words::new(
                    "Avoided by others, against a stated baseline",
                    "避免排放（相对所述基线）",
                ),
                |placed| placed.posting.book == CarbonBook::Avoided,
            )
            .role(LineRole::Beside),
        ]
    }

    /// Credits retired for the period, in milligrams of CO2 equivalent.
    pub fn credits_line(&self) -> Line {
        let mut line = Line::new(
            "credits-retired",
            Words::new("Credits retired for the period", "为本期注销的减排量"),
            None,
            Unit::Co2eMg,
        )
        .role(LineRole::Beside);
        let mut sum = 0_i64;
        for (index, grams) in self.used(InstrumentKind::Credit) {
            sum += grams * 1_000;
            line.from.push(Source::Instrument(index));
        }
        line.value = Some(sum);
        line
    }

    /// Certificates retired for the period, Wh.
    pub fn certificates_line(&self) -> Line {
        let mut line = Line::new(
            "certificates-retired",
            Words::new(
                "Green certificates retired for the period",
                "为本期注销的绿证",
            ),
            None,
            Unit::Wh,
        )
        .role(LineRole::Beside);
        let mut sum = 0_i64;
        for (index, wh) in self.used(InstrumentKind::Certificate) {
            sum += wh;
            line.from.push(Source::Instrument(index));
        }
        line.value = Some(sum);
        line
    }

    fn used(&self, kind: InstrumentKind) -> impl Iterator<Item = (usize, i64)> + use<'_, 'a> {
        let period = self.question.books.period;
        let name = self
            .question
            .policy
            .period_of(period)
            .map(|(name, _)| name.to_owned());
        let instruments = self.question.books.instruments.iter().enumerate();
        instruments.filter_map(move |(index, instrument)| {
            let for_this = match (&instrument.used_for, &name) {
                (Some(used_for), Some(name)) => used_for == name,
                // Without a named period: what was used within it.
                (Some(_), None) => period.from <= instrument.since && instrument.since < period.to,
                (None, _) => false,
            };
            // Certificates of the park's own plants stand for what the energy book counts already.
            let stands_alone = kind != InstrumentKind::Certificate || !instrument.own_generation;
            (instrument.kind == kind
                && instrument.state == InstrumentState::Retired
                && for_this
                && stands_alone)
                .then_some((index, instrument.amount))
        })
    }

    /// Sum of the energy book.
    pub fn energy(&self) -> HourAmounts {
        energy_of(self.question)
    }

    /// A line of the energy book.
    pub fn energy_line(&self, id: &str, words: Words, account: EnergyAccount) -> Line {
        Line::new(id, words, Some(amount(&self.energy(), account)), Unit::Wh)
            .from(Source::Energy(account))
    }

    /// Milligrams of CO2 per Wh of grid electricity over the period, as (milligrams, Wh); `None` where nothing was priced.
    pub fn grid_factor(&self) -> Option<(i64, i64)> {
        let of = |book: CarbonBook, activity: &str| {
            let mut mg = 0_i64;
            let mut wh = 0_i64;
            for placed in self.by_meter() {
                let posting = placed.posting;
                if posting.book == book
                    && posting.activity.split(':').next() == Some(activity)
                    && posting.unit == "Wh"
                    && posting.basis != Basis::Market
                {
                    mg += posting.gases.mg(Gas::Co2) + posting.gases.mg(Gas::Co2e);
                    wh += posting.amount;
                }
            }
            (wh > 0).then_some((mg, wh))
        };
        of(CarbonBook::Emission, activity::GRID_IMPORT)
            .or_else(|| of(CarbonBook::Avoided, activity::GRID_EXPORT))
    }

    /// Share of the consumption that was not taken from the grid, or is certified, millionths; `None` where nothing was consumed.
    /// What others' cars took at two-way chargers is nobody's consumption here, and no import of the park's either.
    pub fn clean_ppm(&self) -> Option<i64> {
        let energy = self.energy();
        let certified = self.certificates_line().value.unwrap_or(0);
        let import = energy.import - self.question.books.resold_charge_wh;
        let clean = energy.consumption - (import - certified).max(0);
        (energy.consumption > 0).then(|| {
            round_half_even_div(
                i128::from(clean) * 1_000_000,
                i128::from(energy.consumption),
            ) as i64
        })
    }

    /// The netting list's line of what is out of the boundary, by reason.
    pub fn left_out_netting(&self) -> Vec<Netting> {
        self.netting_of_left_out(|_| true)
    }

    /// The same of a statement that goes by the grid's meter.
    pub fn left_out_netting_by_meter(&self) -> Vec<Netting> {
        let is_in = |index| self.resold.iter().any(|placed| placed.index == index);
        self.netting_of_left_out(|index| !is_in(index))
    }

    fn netting_of_left_out(&self, is_out: impl Fn(usize) -> bool) -> Vec<Netting> {
        let mut sums: BTreeMap<LeftOut, i64> = BTreeMap::new();
        for (_, why, co2e_mg) in self.left_out.iter().filter(|(index, ..)| is_out(*index)) {
            *sums.entry(*why).or_default() += co2e_mg;
        }
        let mut netting: Vec<Netting> = sums
            .into_iter()
            .map(|(why, mg)| {
                let (flow, reason) = left_out_words(why);
                Netting {
                    flow,
                    treatment: Treatment::Out,
                    amount: Some((mg, Unit::Co2eMg)),
                    why: reason,
                }
            })
            .collect();
        if let Some(decided) = self
            .question
            .policy
            .boundary_at(self.question.books.period.from)
            && !decided.what.exclusions.is_empty()
        {
            netting.push(Netting {
                flow: Words::new("Exclusions of the park's policy", "园区边界政策中的排除项"),
                treatment: Treatment::Out,
                amount: None,
                why: Words::new(&decided.what.exclusions, &decided.what.exclusions),
            });
        }
        netting
    }

    /// A chart of the months of the period, one series a rule.
    pub fn month_chart(&self, words: Words, rows: Vec<ChartRow<'a>>) -> Option<Chart> {
        let starts: BTreeSet<i64> = self
            .placed
            .iter()
            .map(|placed| placed.posting.interval.start.0)
            .collect();
        if starts.len() < 2 {
            return None;
        }
        let series = rows
            .into_iter()
            .map(|(words, pick)| Series {
                words,
                values: starts
                    .iter()
                    .map(|start| {
                        let of_month = self.placed.iter().filter(|placed| {
                            placed.posting.interval.start.0 == *start && pick(placed)
                        });
                        Some(of_month.map(|placed| signed(placed, placed.co2e_mg)).sum())
                    })
                    .collect(),
            })
            .filter(|series: &Series| series.values.iter().any(|value| *value != Some(0)))
            .collect();
        Some(Chart {
            words,
            kind: ChartKind::StackedBars,
            unit: Unit::Co2eMg,
            labels: starts
                .iter()
                // Months begin at local midnight; half a day on it is that day everywhere.
                .map(|start| month_label(*start + 43_200))
                .collect(),
            series,
        })
    }
}

fn month_label(unix_s: i64) -> String {
    terrarium_model::format_rfc3339_utc(terrarium_model::UnixSeconds(unix_s))[..7].to_owned()
}

/// Whether a posting took carbon out of a pool again.
pub fn is_reversal(posting: &Posting) -> bool {
    matches!(posting.detail, Detail::Removal { reversal: true, .. })
}

fn signed(placed: &Placed<'_>, amount: i64) -> i64 {
    if is_reversal(placed.posting) {
        -amount
    } else {
        amount
    }
}

fn energy_of(question: &Question<'_>) -> HourAmounts {
    total_energy(question.books.energy.values())
}

/// Sum of hours.
pub fn total_energy<'a>(hours: impl IntoIterator<Item = &'a HourAmounts>) -> HourAmounts {
    let mut total = HourAmounts::default();
    for hour in hours {
        total.consumption += hour.consumption;
        total.generation += hour.generation;
        total.import += hour.import;
        total.export += hour.export;
        total.self_use += hour.self_use;
        total.unexplained += hour.unexplained;
        total.charge += hour.charge;
        total.discharge += hour.discharge;
    }
    total
}

fn left_out_words(why: LeftOut) -> (Words, Words) {
    match why {
        LeftOut::Category(category) => (
            Words::new(
                format!("Scope 3, category {category}"),
                format!("范围三第 {category} 类"),
            ),
            Words::new(
                "The boundary policy leaves this category out; its size is told so that a reader can judge.",
                "边界政策不含此类别；列出其数量供读者判断。",
            ),
        ),
        LeftOut::AnotherParty => (
            Words::new("Activities that others control", "由他方控制的活动"),
            Words::new(
                "Who controls, accounts: they stand in the inventory of whoever controls them.",
                "谁控制、谁核算：计入其控制方的清单。",
            ),
        ),
        LeftOut::NoShare => (
            Words::new(
                "Activities without a share of the owner",
                "所有者无权益份额的活动",
            ),
            Words::new(
                "By equity share nothing of them belongs to the owner.",
                "按股权比例，所有者无份额。",
            ),
        ),
    }
}

/// A line of a netting list with the amount of a line of the statement.
pub fn netting(
    statement: &Statement,
    flow: Words,
    treatment: Treatment,
    line: &str,
    why: Words,
) -> Netting {
    let amount = statement
        .line(line)
        .and_then(|line| Some((line.value?, line.unit)));
    Netting {
        flow,
        treatment,
        amount,
        why,
    }
}
