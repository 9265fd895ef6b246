//! Plan, measured and simulated beside each other.

use terrarium_model::round_half_even_div;

use super::{LifeCyclePlan, SECONDS_PER_YEAR};
use crate::books::Books;
use crate::claims::ground::{Ground, total_energy};
use crate::claims::statement::{Line, LineRole, Source, Statement, Unit, Words, spoken};
use crate::claims::{Question, Refusal};
use crate::entry::EnergyAccount;
use crate::node_hour::HourAmounts;

/// What books say of a park's years: energy a year, uptake so far.
struct Observed {
    id: &'static str,
    en: &'static str,
    zh: &'static str,
    energy: HourAmounts,
    hours: i64,
    removed_mg: i64,
}

fn observe(
    id: &'static str,
    en: &'static str,
    zh: &'static str,
    books: &Books,
    question: &Question<'_>,
) -> Result<Observed, Refusal> {
    let of = Question {
        books,
        base_year: None,
        beside: None,
        ..*question
    };
    let ground = Ground::of(&of)?;
    let removed = ground.removal_lines().pop().and_then(|line| line.value);
    Ok(Observed {
        id,
        en,
        zh,
        energy: total_energy(books.energy.values()),
        hours: books.energy.len() as i64,
        removed_mg: removed.unwrap_or(0),
    })
}

/// Wh of some hours as Wh a year.
fn yearly(wh: i64, hours: i64) -> Option<i64> {
    (hours > 0).then(|| {
        round_half_even_div(
            i128::from(wh) * i128::from(SECONDS_PER_YEAR),
            i128::from(hours) * i128::from(terrarium_model::SECONDS_PER_HOUR),
        ) as i64
    })
}

/// Plan, measured and simulated: the same figures of each.
pub(super) fn side_by_side(
    statement: &mut Statement,
    question: &Question<'_>,
    plan: &LifeCyclePlan,
    emitted_mg: i64,
) {
    let mut observed = Vec::new();
    observed.extend(observe("measured", "measured", "实测", question.books, question).ok());
    if let Some(beside) = question.beside {
        observed.extend(observe("simulated", "simulated", "模拟", beside, question).ok());
    }
    let planned = [
        (
            "generation",
            "Generation a year",
            "年发电量",
            plan.generation_wh,
        ),
        (
            "self-use",
            "Used on site a year",
            "年自用电量",
            plan.self_use_wh,
        ),
        (
            "export",
            "Exported a year",
            "年外送电量",
            plan.generation_wh - plan.self_use_wh,
        ),
    ];
    for (id, en, zh, wh) in planned {
        statement.lines.push(
            Line::new(
                format!("plan-{id}"),
                Words::new(format!("{en}: planned"), format!("{zh}：计划")),
                Some(wh),
                Unit::Wh,
            )
            .role(LineRole::Beside),
        );
        for of in &observed {
            let (total, account) = match id {
                "generation" => (of.energy.generation, EnergyAccount::Generation),
                "self-use" => (
                    of.energy.generation - of.energy.export,
                    EnergyAccount::SelfUse,
                ),
                _ => (of.energy.export, EnergyAccount::Export),
            };
            let mut line = Line::new(
                format!("{}-{id}", of.id),
                Words::new(format!("{en}: {}", of.en), format!("{zh}：{}", of.zh)),
                yearly(total, of.hours),
                Unit::Wh,
            )
            .depth(1)
            .role(LineRole::Beside)
            .from(Source::Energy(account));
            // A park that exported all it generated shows what is exported, not what its panels made.
            let lacks_generation =
                of.energy.export > 0 && of.energy.generation <= of.energy.export && id != "export";
            if line.value.is_none() {
                line = line.remark("Nothing is metered.", "无计量数据。");
            } else if lacks_generation {
                line.value = None;
                line = line.remark("Only what was exported is metered.", "仅计量了外送电量。");
            }
            statement.lines.push(line);
        }
    }
    let export = plan.generation_wh - plan.self_use_wh;
    for of in &observed {
        // What was exported was generated, whether or not that was metered.
        let given = generation_credit(plan, of.energy.generation.max(of.energy.export));
        statement.lines.push(
            Line::new(
                format!("{}-credit", of.id),
                Words::new(
                    format!(
                        "Credit of all generation so far, founders' factor: {}",
                        of.en
                    ),
                    format!("迄今全部发电量抵扣（创办方因子）：{}", of.zh),
                ),
                Some(given),
                Unit::Co2eMg,
            )
            .role(LineRole::Beside)
            .from(Source::Energy(EnergyAccount::Generation)),
        );
        statement.lines.push(
            Line::new(
                format!("{}-balance", of.id),
                Words::new(
                    format!("Founders' balance so far: {}", of.en),
                    format!("创办方口径迄今余额：{}", of.zh),
                ),
                Some(given + of.removed_mg - emitted_mg),
                Unit::Co2eMg,
            )
            .role(LineRole::Beside)
            .from_lines(&[(&format!("{}-credit", of.id), 1), ("embodied", -1)]),
        );
        let actual = yearly(of.energy.export, of.hours);
        if let Some(actual) = actual
            && export > 0
            && (actual - export).abs() * 10 > export
        {
            let ratio = figure_ratio(actual, export);
            statement.notes.push(Words::new(
                format!(
                    "The {} export is {ratio} times the planned one ({} a year against {}): it drives the {} figures, and the plan stays \
                     what it is, a forecast.",
                    of.en,
                    spoken(actual, Unit::Wh),
                    spoken(export, Unit::Wh),
                    of.en
                ),
                format!(
                    "{}外送电量为计划的 {ratio} 倍（每年 {} 对 {}）：账目以其为准，计划仅作预测保留。",
                    of.zh,
                    spoken(actual, Unit::Wh),
                    spoken(export, Unit::Wh)
                ),
            ));
        }
    }
}

/// Generation at the factor that the founders' figures come to.
pub(super) fn generation_credit(plan: &LifeCyclePlan, generation_wh: i64) -> i64 {
    let planned = i128::from(plan.generation_wh) * i128::from(plan.years);
    if planned == 0 {
        return 0;
    }
    round_half_even_div(
        i128::from(generation_wh) * i128::from(plan.generation_credit_mg),
        planned,
    ) as i64
}

fn figure_ratio(actual: i64, planned: i64) -> String {
    let hundredths = round_half_even_div(i128::from(actual) * 100, i128::from(planned)) as i64;
    crate::claims::statement::figure(hundredths, 2, 2)
}
