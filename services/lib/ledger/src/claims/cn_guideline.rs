//! The domestic view: GB/T 32150-2015 and the industry guidelines of 2013 to 2015, of which the 24th ("other industrial
//! enterprises") is the usual one for parks. Fuels, processes, and *net* electricity and heat; CO2 alone.

use terrarium_model::round_half_even_div;

use crate::activity::{self, Fuel};
use crate::books::{Basis, CarbonBook, Posting, Scope};
use crate::claims::ground::{Ground, Placed, netting};
use crate::claims::statement::{
    Line, LineRole, Netting, Source, Statement, Treatment, Unit, Verdict, VerdictKind, Words,
    frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal};
use crate::entry::EnergyAccount;

/// Whether a posting burns fuel.
pub fn is_fuel(posting: &Posting) -> bool {
    Fuel::of(&posting.activity).is_some()
}

/// Fuel and process lines, CO2 alone: shared with the notice of 2025.
pub(super) fn direct_lines(ground: &Ground<'_>) -> [Line; 2] {
    let direct = |placed: &Placed<'_>| {
        placed.posting.book == CarbonBook::Emission && placed.scope == Some(Scope::One)
    };
    [
        ground.co2_line(
            "co2-fuel",
            Words::new("Fuel burnt", "化石燃料燃烧"),
            move |placed| direct(placed) && is_fuel(placed.posting),
        ),
        ground.co2_line(
            "co2-process",
            Words::new("Industrial processes", "工业生产过程"),
            move |placed| direct(placed) && placed.posting.activity.starts_with(activity::PROCESS),
        ),
    ]
}

/// Purchased electricity and heat, CO2 alone.
pub(super) fn purchased_lines(ground: &Ground<'_>) -> [Line; 2] {
    // By the grid's meter: what was sold on to cars was bought too, and what came out of cars did not come from the grid.
    let purchased = |placed: &Placed<'_>| {
        let done = placed.posting.activity.as_str();
        placed.posting.book == CarbonBook::Emission
            && (placed.scope == Some(Scope::Two) || done == activity::GRID_IMPORT_RESOLD)
            && done != activity::CAR_DISCHARGE
            && placed.counts_by(Basis::Location)
    };
    let is_heat = |posting: &Posting| {
        [activity::HEAT_IMPORT, activity::COOLING_IMPORT]
            .iter()
            .any(|token| posting.activity.starts_with(token))
    };
    [
        ground.co2_line(
            "co2-electricity-in",
            Words::new("Electricity bought", "购入电力"),
            move |placed| purchased(placed) && !is_heat(placed.posting),
        ),
        ground.co2_line(
            "co2-heat-in",
            Words::new("Heat and cooling bought", "购入热力与冷量"),
            move |placed| purchased(placed) && is_heat(placed.posting),
        ),
    ]
}

/// Electricity given away, at the factor of what is bought.
pub(super) fn electricity_out_line(ground: &Ground<'_>) -> Line {
    let energy = ground.energy();
    let mut line = Line::new(
        "co2-electricity-out",
        Words::new(
            "Electricity given out, at the same factor",
            "输出电力（同一因子）",
        ),
        at_grid_factor(ground, energy.export),
        Unit::Co2Mg,
    )
    .from(Source::Energy(EnergyAccount::Export))
    .from_lines(&[("co2-electricity-in", 0)]);
    if line.value.is_none() {
        line = line.remark(
            "No electricity of the period is priced, so no factor is known for what was given out.",
            "本期没有可定价的电量，输出电力无因子可用。",
        );
    }
    line
}

/// Wh at the period's grid factor, milligrams; `None` without one. Nothing at all needs no factor.
pub(super) fn at_grid_factor(ground: &Ground<'_>, wh: i64) -> Option<i64> {
    if wh == 0 {
        return Some(0);
    }
    let (mg, of_wh) = ground.grid_factor()?;
    Some(round_half_even_div(i128::from(wh) * i128::from(mg), i128::from(of_wh)) as i64)
}

/// The enterprise's emissions.
pub fn emissions(question: &Question<'_>) -> Result<Statement, Refusal> {
    let ground = Ground::of(question)?;
    let mut statement = frame(
        ClaimKind::CnGuideline,
        question.books,
        question.gwp,
        Words::new(
            "Emissions after the national guideline",
            "按国家核算指南的排放量",
        ),
        Words::new(
            "GB/T 32150-2015 and guideline 24 (other industrial enterprises)",
            "GB/T 32150-2015 及第 24 号指南（工业其他行业企业）",
        ),
    );
    let [fuel, process] = direct_lines(&ground);
    let [electricity_in, heat_in] = purchased_lines(&ground);
    let electricity_out = electricity_out_line(&ground);
    let parts = [&fuel, &process, &electricity_in, &heat_in];
    let sum: i64 = parts.iter().filter_map(|line| line.value).sum();
    let total = electricity_out.value.map(|out| sum - out);
    let half95 = ground.co2_half95(&parts);
    statement.lines = vec![fuel, process, electricity_in, electricity_out, heat_in];
    statement.lines.push(
        Line::new(
            "cn-total",
            Words::new(
                "Total, net of electricity given out",
                "合计（扣除输出电力）",
            ),
            total,
            Unit::Co2Mg,
        )
        .half95(half95)
        .role(LineRole::Result)
        .from_lines(&[
            ("co2-fuel", 1),
            ("co2-process", 1),
            ("co2-electricity-in", 1),
            ("co2-electricity-out", -1),
            ("co2-heat-in", 1),
        ]),
    );
    statement.netting = netting_list(&statement);
    statement.netting.extend(ground.left_out_netting_by_meter());
    statement.verdict = match total {
        Some(total) => Verdict::new(
            VerdictKind::Stated,
            format!(
                "{} in this view; scope 3, sinks and credits are not in it.",
                spoken(total, Unit::Co2Mg)
            ),
            format!(
                "本视角下为 {}；不含范围三、碳汇和减排量。",
                spoken(total, Unit::Co2Mg)
            ),
        ),
        None => Verdict::new(
            VerdictKind::Unknown,
            "No factor for the electricity given out; publish one for the park's region.",
            "输出电力缺少因子；请先发布园区所在电网的因子。",
        ),
    };
    Ok(statement)
}

fn netting_list(statement: &Statement) -> Vec<Netting> {
    let never = |flow: Words, en: &str, zh: &str| Netting {
        flow,
        treatment: Treatment::Out,
        amount: None,
        why: Words::new(en, zh),
    };
    vec![
        netting(
            statement,
            Words::new("Electricity given out", "输出电力"),
            Treatment::Netted,
            "co2-electricity-out",
            Words::new(
                "Taken away at the factor of what is bought: net purchased electricity. The GHG Protocol does not do this.",
                "按购入电力的同一因子扣减，即净购入电力；温室气体核算体系不允许此做法。",
            ),
        ),
        never(
            Words::new("Scope 3", "范围三"),
            "Not in the guidelines.",
            "指南不含此项。",
        ),
        never(
            Words::new("Sinks, credits, certificates", "碳汇、减排量、绿证"),
            "Not in the guidelines.",
            "指南不含此项。",
        ),
        never(
            Words::new(
                "Methane, nitrous oxide, refrigerants",
                "甲烷、氧化亚氮、制冷剂",
            ),
            "This view is CO2 alone.",
            "本视角仅计二氧化碳。",
        ),
    ]
}
