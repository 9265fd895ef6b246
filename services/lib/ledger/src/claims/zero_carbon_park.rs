//! Indicators of the national zero-carbon parks: notice 910 of 2025 of NDRC, MIIT and NEA, with its annex on accounting.
//!
//! Of the annex only a part was seen. Two points are open, and each is worked out both ways and marked as unverified: whether
//! certified green electricity lowers the indirect emission, and whether electricity in the denominator is weighed with
//! 0.1229 (its heat) or 0.30 (the coal that a plant burns for it) kilograms of standard coal per kWh.

use terrarium_model::round_half_even_div;

use crate::activity::{self, Fuel};
use crate::books::CarbonBook;
use crate::claims::base_year::calendar_year;
use crate::claims::cn_guideline::{
    at_grid_factor, direct_lines, electricity_out_line, purchased_lines,
};
use crate::claims::ground::{Ground, netting};
use crate::claims::statement::{
    Line, LineRole, Netting, Source, Statement, Treatment, Unit, Verdict, VerdictKind, Words,
    frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal, per_cent};
use crate::entry::EnergyAccount;

/// GB/T 2589-2020: heat of electricity, grams of standard coal per kWh, in tenths.
const HEAT_TENTHS_GCE_PER_KWH: i64 = 1_229;
/// What plants burn, about 300 g of standard coal per kWh.
const PLANT_TENTHS_GCE_PER_KWH: i64 = 3_000;
/// Smallest park of the scheme.
const SMALLEST_TCE: i64 = 200_000;
/// From here on the looser threshold holds.
const LARGE_TCE: i64 = 1_000_000;
/// Thresholds, milligrams of CO2 per tce.
const STRICT: i64 = 200_000_000;
const LOOSE: i64 = 300_000_000;
/// Share of clean energy that guides.
const CLEAN_PPM: i64 = 900_000;
const G_PER_T: i64 = 1_000_000;

/// The indicators.
pub fn indicators(question: &Question<'_>) -> Result<Statement, Refusal> {
    let ground = Ground::of(question)?;
    let mut statement = frame(
        ClaimKind::NdrcZeroCarbonPark,
        question.books,
        question.gwp,
        Words::new("National zero-carbon park indicators", "国家级零碳园区指标"),
        Words::new(
            "Notice 910 of 2025 (NDRC, MIIT, NEA); accounting annex seen in part: unverified",
            "发改环资〔2025〕910号；核算附件仅见部分内容：未核实",
        ),
    );
    let energy = ground.energy();
    let [fuel, process] = direct_lines(&ground);
    let [electricity_in, heat_in] = purchased_lines(&ground);
    let electricity_out = electricity_out_line(&ground);
    let certificates = ground.certificates_line();
    let received = electricity_in.value.unwrap_or(0) - electricity_out.value.unwrap_or(0);
    let certified = at_grid_factor(&ground, certificates.value.unwrap_or(0)).unwrap_or(0);
    let rest = [&fuel, &process, &heat_in]
        .iter()
        .filter_map(|line| line.value)
        .sum::<i64>();
    // Nothing was seen of a park that gives out more than it receives: it does not go below zero here.
    let without = rest + received.max(0);
    let with = rest + (received - certified).max(0);
    let half = ground.co2_half95(&[&fuel, &process, &heat_in, &electricity_in]);
    statement.lines.extend([
        fuel,
        process,
        electricity_in,
        electricity_out,
        heat_in,
        certificates,
    ]);
    for (id, en, zh, value, certificate_sign) in [
        (
            "park-co2",
            "Park's CO2, certificates not counted",
            "园区碳排放（绿证不计）",
            without,
            0_i8,
        ),
        (
            "park-co2-certified",
            "Park's CO2, certificates counted",
            "园区碳排放（绿证计入）",
            with,
            -1,
        ),
    ] {
        statement.lines.push(
            Line::new(id, Words::new(en, zh), Some(value), Unit::Co2Mg)
                .half95(half)
                .role(LineRole::Sum)
                .from_lines(&[
                    ("co2-fuel", 1),
                    ("co2-process", 1),
                    ("co2-electricity-in", 1),
                    ("co2-electricity-out", -1),
                    ("co2-heat-in", 1),
                    ("certificates-retired", certificate_sign),
                ]),
        );
    }
    let coal = [
        ("energy-heat", "0.1229 kgce/kWh", HEAT_TENTHS_GCE_PER_KWH),
        ("energy-plant", "0.30 kgce/kWh", PLANT_TENTHS_GCE_PER_KWH),
    ];
    for (id, rate, tenths) in coal {
        let tce_g = standard_coal(&ground, energy.consumption, tenths);
        statement.lines.push(
            Line::new(
                id,
                Words::new(
                    format!("Energy consumption, electricity at {rate}"),
                    format!("能源消费量（电力按 {rate}）"),
                ),
                Some(tce_g),
                Unit::StandardCoalG,
            )
            .role(LineRole::Sum)
            .from(Source::Energy(EnergyAccount::Consumption))
            .from(Source::Standard("GB/T 2589-2020, annex A")),
        );
    }
    let readings = readings(&mut statement);
    clean_share(&mut statement, &ground);
    statement.netting = netting_list(&statement);
    statement.netting.extend(ground.left_out_netting_by_meter());
    statement.notes.push(Words::new(
        "The annex's treatment of direct supply, green trade and certificates and of the denominator was not seen: both readings of \
         each are printed and marked as unverified. Waste, water, trees, construction and credits do not enter this indicator.",
        "附件中关于绿电直供、绿电交易、绿证以及分母折算的规定未见原文：两种理解均列出并标注为未核实。废弃物、用水、树木、建设与减排量不计入该指标。",
    ));
    statement.verdict = verdict(question, &statement, &readings);
    Ok(statement)
}

/// Grams of standard coal of all energy used: electricity, fuels, heat.
fn standard_coal(ground: &Ground<'_>, electricity_wh: i64, tenths_gce_per_kwh: i64) -> i64 {
    let electricity = round_half_even_div(
        i128::from(electricity_wh) * i128::from(tenths_gce_per_kwh),
        10_000,
    ) as i64;
    let fuels: i64 = ground
        .placed
        .iter()
        .filter(|placed| placed.posting.book == CarbonBook::Emission)
        .filter_map(|placed| {
            Fuel::of(&placed.posting.activity)?
                .standard_coal_g(placed.posting.amount, placed.posting.unit)
        })
        .sum();
    let heat_wh: i64 = ground
        .placed
        .iter()
        .filter(|placed| {
            placed.posting.activity.starts_with(activity::HEAT_IMPORT)
                && placed.posting.unit == "Wh"
        })
        .map(|placed| placed.posting.amount)
        .sum();
    let heat = round_half_even_div(
        i128::from(heat_wh) * i128::from(activity::MGCE_PER_WH_MILLIONTHS),
        1_000_000_000,
    ) as i64;
    electricity + fuels + heat
}

/// One reading of the indicator.
struct Reading {
    id: String,
    intensity: Option<i64>,
    tce: i64,
}

fn readings(statement: &mut Statement) -> Vec<Reading> {
    let mut readings = Vec::new();
    for (carbon, carbon_en, carbon_zh) in [
        ("park-co2", "certificates not counted", "绿证不计"),
        ("park-co2-certified", "certificates counted", "绿证计入"),
    ] {
        for (energy, energy_words) in [
            ("energy-heat", "0.1229 kgce/kWh"),
            ("energy-plant", "0.30 kgce/kWh"),
        ] {
            let co2_mg = statement.value(carbon).unwrap_or(0);
            let coal_g = statement.value(energy).unwrap_or(0);
            let intensity = (coal_g > 0).then(|| {
                round_half_even_div(i128::from(co2_mg) * i128::from(G_PER_T), i128::from(coal_g))
                    as i64
            });
            let id = format!("core-{carbon}-{energy}");
            statement.lines.push(
                Line::new(
                    id.clone(),
                    Words::new(
                        format!("CO2 per energy: {carbon_en}, electricity at {energy_words} (unverified)"),
                        format!("单位能耗碳排放：{carbon_zh}，电力按 {energy_words}（未核实）"),
                    ),
                    intensity,
                    Unit::Co2MgPerTce,
                )
                .role(LineRole::Result)
                .from_lines(&[(carbon, 0), (energy, 0)]),
            );
            readings.push(Reading {
                id,
                intensity,
                tce: coal_g / G_PER_T,
            });
        }
    }
    for (id, en, zh, limit) in [
        (
            "limit-strict",
            "Threshold, 200,000 to 1,000,000 tce a year",
            "阈值（年能耗 20 万至 100 万吨标准煤）",
            STRICT,
        ),
        (
            "limit-loose",
            "Threshold from 1,000,000 tce a year on",
            "阈值（年能耗 100 万吨标准煤及以上）",
            LOOSE,
        ),
    ] {
        statement.lines.push(
            Line::new(id, Words::new(en, zh), Some(limit), Unit::Co2MgPerTce)
                .role(LineRole::Limit)
                .from(Source::Standard("notice 910 of 2025, core indicator")),
        );
    }
    readings
}

fn clean_share(statement: &mut Statement, ground: &Ground<'_>) {
    statement.lines.push(
        Line::new(
            "clean-share",
            Words::new(
                "Clean share of electricity (guiding: 90 %)",
                "清洁电力占比（引导性指标：90%）",
            ),
            ground.clean_ppm(),
            Unit::Ppm,
        )
        .role(LineRole::Beside)
        .from(Source::Energy(EnergyAccount::Consumption))
        .from(Source::Energy(EnergyAccount::Import))
        .from_lines(&[("certificates-retired", 0)]),
    );
    statement.lines.push(
        Line::new(
            "limit-clean",
            Words::new("Guiding threshold of clean energy", "清洁能源占比引导值"),
            Some(CLEAN_PPM),
            Unit::Ppm,
        )
        .role(LineRole::Limit)
        .from(Source::Standard("notice 910 of 2025, guiding indicator")),
    );
}

fn verdict(question: &Question<'_>, statement: &Statement, readings: &[Reading]) -> Verdict {
    let decided = question.policy.boundary_at(question.books.period.from);
    let zone = decided.is_some_and(|decided| decided.what.development_zone);
    let largest = readings
        .iter()
        .map(|reading| reading.tce)
        .max()
        .unwrap_or(0);
    let mut why_en = Vec::new();
    let mut why_zh = Vec::new();
    if !zone {
        why_en.push(
            "the park is no development zone approved at provincial level or above, nor a bounded part of one"
                .to_owned(),
        );
        why_zh.push("园区不是省级及以上开发区，也不是其中边界清晰的部分".to_owned());
    }
    if !is_calendar_year(question) {
        why_en.push(
            "the annex judges one calendar year, and the period is another stretch of time"
                .to_owned(),
        );
        why_zh.push("附件以一个自然年为核算期，本期并非自然年".to_owned());
    } else if largest < SMALLEST_TCE {
        why_en.push(format!(
            "it uses {largest} tce a year, and the scheme begins at 200,000"
        ));
        why_zh.push(format!("年能耗 {largest} 吨标准煤，低于 20 万吨的起点"));
    }
    if !why_en.is_empty() {
        return Verdict::new(
            VerdictKind::NotApplicable,
            format!(
                "Not applicable: {}. The figures stand here for information.",
                why_en.join("; ")
            ),
            format!("不适用：{}。数字仅供参考。", why_zh.join("；")),
        );
    }
    let met: Vec<bool> = readings
        .iter()
        .filter_map(|reading| {
            let limit = if reading.tce >= LARGE_TCE {
                LOOSE
            } else {
                STRICT
            };
            Some(reading.intensity? <= limit)
        })
        .collect();
    let clean = per_cent(statement.value("clean-share").unwrap_or(0));
    let span = span(statement, readings);
    if met.is_empty() {
        return Verdict::new(
            VerdictKind::Unknown,
            "No energy consumption is on record for the period.",
            "本期没有能源消费记录。",
        );
    }
    if met.iter().all(|met| *met) {
        return Verdict::new(
            VerdictKind::Holds,
            format!(
                "Met in every reading ({span}); clean share {clean}. Unverified: the annex was not seen in full."
            ),
            format!("各种理解下均达标（{span}）；清洁电力占比 {clean}。未核实：附件未见全文。"),
        );
    }
    if met.iter().any(|met| *met) {
        return Verdict::new(
            VerdictKind::Unknown,
            format!(
                "Met in some readings and not in others ({span}); which one holds was not seen."
            ),
            format!("部分理解下达标、部分不达标（{span}）；何者有效未见原文。"),
        );
    }
    Verdict::new(
        VerdictKind::Fails,
        format!("Not met in any reading ({span}); clean share {clean}."),
        format!("任何理解下均未达标（{span}）；清洁电力占比 {clean}。"),
    )
}

/// The annex: "the boundary is one calendar year of energy activity". A part of a year says nothing of tce a year.
fn is_calendar_year(question: &Question<'_>) -> bool {
    let period = question.books.period;
    calendar_year(question.zone.year(period.from), question.zone) == Some(period)
}

fn span(statement: &Statement, readings: &[Reading]) -> String {
    let mut values: Vec<i64> = readings
        .iter()
        .filter_map(|reading| statement.value(&reading.id))
        .collect();
    values.sort_unstable();
    match (values.first(), values.last()) {
        (Some(first), Some(last)) => format!(
            "{} – {}",
            spoken(*first, Unit::Co2MgPerTce),
            spoken(*last, Unit::Co2MgPerTce)
        ),
        _ => "–".to_owned(),
    }
}

fn netting_list(statement: &Statement) -> Vec<Netting> {
    vec![
        netting(
            statement,
            Words::new("Electricity given out", "输出电力"),
            Treatment::Netted,
            "co2-electricity-out",
            Words::new(
                "Lowers the electricity net received; not below zero here (the floor was not seen: unverified).",
                "扣减净受入电力；此处不低于零（下限规定未见：未核实）。",
            ),
        ),
        netting(
            statement,
            Words::new("Green certificates", "绿证"),
            Treatment::Netted,
            "certificates-retired",
            Words::new(
                "Counted in one reading and not in the other: not seen, unverified.",
                "一种理解计入、另一种不计：未见原文，未核实。",
            ),
        ),
        Netting {
            flow: Words::new(
                "Trees, credits, waste, water, construction, other gases",
                "树木、减排量、废弃物、用水、建设、其他气体",
            ),
            treatment: Treatment::Out,
            amount: None,
            why: Words::new(
                "The indicator is CO2 of energy and processes alone.",
                "该指标仅含能源与工业过程的二氧化碳。",
            ),
        },
    ]
}
