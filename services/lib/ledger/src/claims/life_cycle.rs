//! A park's whole life: what building it emitted, against what it gives back over the years.
//!
//! The founders' own view counts every kWh of the panels as an offset, also those that the park uses itself. Other views of the
//! same events count less. All are worked out here, from the embodied book, the removal book and the energy book; a credit for
//! panels is energy x a factor within the view and never an entry of the avoided book.
//!
//! Trees do not take up the same every year: `uptake(t) = total x (t / years)^p`. `p = 1` is the printed average; 1.4 to 1.9 is
//! like a young stand. The power is a model's, worked out in floating point and rounded to milligrams; no balance holds it.

mod observed;
mod told;

use terrarium_model::{UnixSeconds, round_half_even_div};

use crate::books::CarbonBook;
use crate::claims::ground::Ground;
use crate::claims::statement::{
    Chart, ChartKind, Line, LineRole, Series, Source, Statement, Unit, Words, frame,
};
use crate::claims::{ClaimKind, Question, Refusal};

/// Mean Gregorian year.
const SECONDS_PER_YEAR: i64 = 31_556_952;
/// Longest life of a plan.
pub const MOST_YEARS: u32 = 100;
const MG_PER_T: i64 = 1_000_000_000;
/// How trees grow, as thousandths of the exponent: the printed average, and a young stand.
const CONSTANT: u32 = 1_000;
const YOUNG_LOW: u32 = 1_400;
const YOUNG_MIDDLE: u32 = 1_600;
const YOUNG_HIGH: u32 = 1_900;

/// The plan of a park's life, as its founders gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifeCyclePlan {
    /// When it opened: year 0.
    pub opening: UnixSeconds,
    /// Years of its life.
    pub years: u32,
    /// Planned generation a year, Wh.
    pub generation_wh: i64,
    /// Of it used on site, Wh; the rest is exported.
    pub self_use_wh: i64,
    /// What the founders credit all of the generation with over the life, mg.
    pub generation_credit_mg: i64,
    /// What they credit one year's export with, mg.
    pub export_credit_mg: i64,
    /// A published grid average for the export instead, mg of CO2 per kWh.
    pub grid_mg_per_kwh: i64,
    /// Uptake of the trees over the life, mg.
    pub trees_mg: i64,
    /// Uptake by a default for crown cover instead: mg a year, and for how many years.
    pub crown: (i64, u32),
    /// What low-carbon design saved against a usual building, mg: told, never counted.
    pub design_saving_mg: i64,
    /// The year in which the founders say it is neutral.
    pub stated_year: u32,
    /// Where all this is said.
    pub source: String,
}

/// A way of telling the life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct View {
    id: &'static str,
    en: &'static str,
    zh: &'static str,
    credit: Credit,
    crown: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credit {
    AllGeneration,
    ExportAsStated,
    ExportAtGrid,
    Nothing,
}

const VIEWS: [View; 5] = [
    View {
        id: "founders",
        en: "Founders' view: all generation and the trees",
        zh: "创办方口径：全部发电量与树木",
        credit: Credit::AllGeneration,
        crown: false,
    },
    View {
        id: "export",
        en: "Export only, at the founders' factor, beside removals",
        zh: "仅外送电量（按创办方因子），加清除量",
        credit: Credit::ExportAsStated,
        crown: false,
    },
    View {
        id: "export-grid",
        en: "Export only, at the published grid average",
        zh: "仅外送电量（按公布的电网平均因子）",
        credit: Credit::ExportAtGrid,
        crown: false,
    },
    View {
        id: "removals",
        en: "Inventory and removals, nothing avoided",
        zh: "清单加清除量，不计避免排放",
        credit: Credit::Nothing,
        crown: false,
    },
    View {
        id: "crown",
        en: "The same, trees by the default for crown cover",
        zh: "同上，树木按冠幅默认值",
        credit: Credit::Nothing,
        crown: true,
    },
];

/// The life as one view tells it.
#[derive(Clone, Copy, Debug)]
struct Course<'a> {
    plan: &'a LifeCyclePlan,
    emitted_mg: i64,
    view: View,
    growth_permille: u32,
}

impl Course<'_> {
    fn credit_mg_per_year(&self) -> i64 {
        let plan = self.plan;
        match self.view.credit {
            Credit::AllGeneration => plan.generation_credit_mg / i64::from(plan.years),
            Credit::ExportAsStated => plan.export_credit_mg,
            Credit::ExportAtGrid => round_half_even_div(
                i128::from(plan.generation_wh - plan.self_use_wh)
                    * i128::from(plan.grid_mg_per_kwh),
                1_000,
            ) as i64,
            Credit::Nothing => 0,
        }
    }

    fn credit_mg(&self, seconds: i64) -> i64 {
        let life = i128::from(self.plan.years) * i128::from(SECONDS_PER_YEAR);
        if self.view.credit == Credit::AllGeneration {
            let total = i128::from(self.plan.generation_credit_mg) * i128::from(seconds);
            return round_half_even_div(total, life) as i64;
        }
        let total = i128::from(self.credit_mg_per_year()) * i128::from(seconds);
        round_half_even_div(total, i128::from(SECONDS_PER_YEAR)) as i64
    }

    fn trees_mg(&self, seconds: i64) -> i64 {
        if self.view.crown {
            let (mg, years) = self.plan.crown;
            let counted = seconds.min(i64::from(years) * SECONDS_PER_YEAR);
            return round_half_even_div(
                i128::from(mg) * i128::from(counted),
                i128::from(SECONDS_PER_YEAR),
            ) as i64;
        }
        let life = i64::from(self.plan.years) * SECONDS_PER_YEAR;
        if seconds >= life {
            return self.plan.trees_mg;
        }
        let part = seconds.max(0) as f64 / life as f64;
        let grown = part.powf(f64::from(self.growth_permille) / 1_000.0);
        (self.plan.trees_mg as f64 * grown).round() as i64
    }

    /// Balance so many seconds after the opening: below zero while more was emitted than given back.
    fn balance_mg(&self, seconds: i64) -> i64 {
        self.credit_mg(seconds) + self.trees_mg(seconds) - self.emitted_mg
    }

    /// When the balance comes to zero, in seconds after the opening; `None`: not within the life.
    fn crossing_s(&self) -> Option<i64> {
        let mut high = i64::from(self.plan.years) * SECONDS_PER_YEAR;
        let mut low = 0;
        if self.balance_mg(high) < 0 {
            return None;
        }
        if self.balance_mg(low) >= 0 {
            return Some(0);
        }
        // The balance never falls: what is credited and taken up only grows.
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.balance_mg(middle) >= 0 {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }
}

/// The claim over the books of the park's life so far.
pub fn claim(question: &Question<'_>) -> Result<Statement, Refusal> {
    let Some(decided) = &question.policy.life_cycle else {
        return Err(Refusal::Undecided {
            what: "the park has no plan of its life cycle",
            remedy: "set one (opening, years, planned generation, trees) first",
        });
    };
    let plan = &decided.what;
    let ground = Ground::of(question)?;
    let mut statement = frame(
        ClaimKind::LifeCycleNeutrality,
        question.books,
        question.gwp,
        Words::new("Life-cycle carbon balance", "全生命周期碳平衡"),
        Words::new(
            format!(
                "The park's own rule, and honest readings beside it. Plan: {}",
                plan.source
            ),
            format!("园区自有规则及并列的审慎口径。计划来源：{}", plan.source),
        ),
    );
    let emitted = ground
        .line(
            "embodied",
            Words::new("Emitted by building the park", "建设排放"),
            |placed| placed.posting.book == CarbonBook::Embodied,
        )
        .role(LineRole::Sum);
    let emitted_mg = emitted.value.unwrap_or(0);
    if emitted.from.is_empty() {
        return Err(Refusal::Undecided {
            what: "no embodied carbon is on record within the period",
            remedy: "record what building the park emitted, and ask for a period that holds the opening",
        });
    }
    statement.lines.push(emitted);
    let course = |view: View, growth_permille: u32| Course {
        plan,
        emitted_mg,
        view,
        growth_permille,
    };
    for view in VIEWS {
        view_lines(&mut statement, plan, decided.position, |growth| {
            course(view, growth)
        });
    }
    let checked: Vec<(&str, Course<'_>)> = vec![
        ("founders-checkpoint", course(VIEWS[0], CONSTANT)),
        ("founders-young-checkpoint", course(VIEWS[0], YOUNG_MIDDLE)),
        ("removals-young-checkpoint", course(VIEWS[3], YOUNG_MIDDLE)),
    ];
    checkpoint_lines(&mut statement, plan, &checked);
    observed::side_by_side(&mut statement, question, plan, emitted_mg);
    statement.charts.insert(0, course_chart(plan, &course));
    let removed = ground.removal_lines().pop().and_then(|line| line.value);
    statement.netting = told::netting_list(plan, emitted_mg, removed);
    statement.notes.extend(told::why_they_differ(plan, &course));
    statement.verdict = told::verdict(plan, &course);
    Ok(statement)
}

fn view_lines<'a>(
    statement: &mut Statement,
    plan: &LifeCyclePlan,
    position: u64,
    course: impl Fn(u32) -> Course<'a>,
) {
    let life_s = i64::from(plan.years) * SECONDS_PER_YEAR;
    let constant = course(CONSTANT);
    let view = constant.view;
    let decision = || Source::Decision {
        what: "life-cycle plan",
        position,
    };
    let mut last = Line::new(
        format!("{}-end", view.id),
        Words::new(
            format!("{}: balance in year {}", view.en, plan.years),
            format!("{}：第 {} 年余额", view.zh, plan.years),
        ),
        Some(constant.balance_mg(life_s)),
        Unit::Co2eMg,
    )
    .role(LineRole::Result)
    .from(decision())
    .from_lines(&[("embodied", -1)]);
    if view.id == "founders" {
        statement.lines.push(
            Line::new(
                "founders-start",
                Words::new(
                    "Founders' view: balance in year 0",
                    "创办方口径：第 0 年余额",
                ),
                Some(constant.balance_mg(0)),
                Unit::Co2eMg,
            )
            .from_lines(&[("embodied", -1)]),
        );
        last = last.remark(
            "Counts self-used electricity as an offset although it never was an emission of the park.",
            "把自用电量计为抵销，而它本来就不是园区的排放。",
        );
    }
    statement.lines.push(last);
    let crossings: &[(u32, &str, &str, &str)] = if view.crown {
        &[(CONSTANT, "crossing", "crosses zero", "越过零点")]
    } else {
        &[
            (
                CONSTANT,
                "crossing",
                "crosses zero at average growth",
                "按平均生长越过零点",
            ),
            (
                YOUNG_LOW,
                "crossing-1400",
                "crosses zero at growth t^1.4",
                "按 t^1.4 生长越过零点",
            ),
            (
                YOUNG_HIGH,
                "crossing-1900",
                "crosses zero at growth t^1.9",
                "按 t^1.9 生长越过零点",
            ),
        ]
    };
    for (growth, id, en, zh) in crossings {
        let crossing = course(*growth)
            .crossing_s()
            .map(|seconds| plan.opening.0 + seconds);
        let mut line = Line::new(
            format!("{}-{id}", view.id),
            Words::new(*en, *zh),
            crossing,
            Unit::Date,
        )
        .depth(1)
        .from_lines(&[(&format!("{}-end", view.id), 0)]);
        if crossing.is_none() {
            line = line.remark("Never within the park's life.", "在园区寿命期内不会发生。");
        }
        statement.lines.push(line);
    }
}

fn checkpoint_lines(
    statement: &mut Statement,
    plan: &LifeCyclePlan,
    courses: &[(&str, Course<'_>)],
) {
    for (id, course) in courses {
        let exponent = f64::from(course.growth_permille) / 1_000.0;
        for year in [1, 5, 10, 15, 20, 25] {
            if year > plan.years {
                continue;
            }
            let value = course.balance_mg(i64::from(year) * SECONDS_PER_YEAR);
            statement.lines.push(
                Line::new(
                    format!("{id}-{year}"),
                    Words::new(
                        format!("{}, growth t^{exponent}: year {year}", course.view.en),
                        format!("{}，生长 t^{exponent}：第 {year} 年", course.view.zh),
                    ),
                    Some(value),
                    Unit::Co2eMg,
                )
                .depth(1)
                .role(LineRole::Beside)
                .from_lines(&[(&format!("{}-end", course.view.id), 0)]),
            );
        }
    }
}

fn course_chart<'a>(plan: &LifeCyclePlan, course: &impl Fn(View, u32) -> Course<'a>) -> Chart {
    let rows = [
        (
            VIEWS[0],
            CONSTANT,
            "Founders, average growth",
            "创办方口径，平均生长",
        ),
        (
            VIEWS[0],
            YOUNG_MIDDLE,
            "Founders, growth t^1.6",
            "创办方口径，t^1.6 生长",
        ),
        (VIEWS[1], CONSTANT, "Export only", "仅外送电量"),
        (VIEWS[3], CONSTANT, "Removals only", "仅清除量"),
        (
            VIEWS[3],
            YOUNG_MIDDLE,
            "Removals only, growth t^1.6",
            "仅清除量，t^1.6 生长",
        ),
        (VIEWS[4], CONSTANT, "Crown cover", "冠幅默认值"),
    ];
    let years = 0..=i64::from(plan.years);
    Chart {
        words: Words::new("Balance over the park's life", "园区寿命期内的碳平衡"),
        kind: ChartKind::Lines,
        unit: Unit::Co2eMg,
        labels: years.clone().map(|year| year.to_string()).collect(),
        series: rows
            .into_iter()
            .map(|(view, growth, en, zh)| Series {
                words: Words::new(en, zh),
                values: years
                    .clone()
                    .map(|year| Some(course(view, growth).balance_mg(year * SECONDS_PER_YEAR)))
                    .collect(),
            })
            .collect(),
    }
}

/// Tonnes as milligrams, for plans.
pub const fn tonnes(t: i64) -> i64 {
    t * MG_PER_T
}
