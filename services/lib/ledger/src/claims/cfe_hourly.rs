//! 24/7: how much of what was used was matched by clean energy of the same hour.
//!
//! `score = sum over hours of min(load, clean) / sum of load`: the surplus of one hour never helps another. Beside it the
//! volumetric share of a whole period, which most "100 % green" claims use.

use std::collections::BTreeMap;

use terrarium_model::{TimeZone, UnixSeconds, round_half_even_div};

use crate::claims::ground::{Ground, total_energy};
use crate::claims::statement::{
    Chart, ChartKind, Line, LineRole, Netting, Series, Source, Statement, Treatment, Unit, Verdict,
    VerdictKind, Words, frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal};
use crate::entry::EnergyAccount;
use crate::node_hour::HourAmounts;

/// Energy of an hour that was matched: what was used and not taken from the grid, at most what was made in that hour.
/// What comes out of a store was made in another hour; it counts where the ledger's lots say so, not here.
pub fn matched(hour: &HourAmounts) -> i64 {
    hour.self_use.min(hour.consumption).max(0)
}

/// The score in millionths; `None` when nothing was used.
pub fn score<'a>(hours: impl IntoIterator<Item = &'a HourAmounts>) -> Option<i64> {
    let (mut load, mut clean) = (0_i128, 0_i128);
    for hour in hours {
        load += i128::from(hour.consumption);
        clean += i128::from(matched(hour));
    }
    (load > 0).then(|| round_half_even_div(clean * 1_000_000, load) as i64)
}

/// The share of a period's generation in its load, millionths, at most all of it.
pub fn volumetric<'a>(
    hours: impl IntoIterator<Item = &'a HourAmounts>,
    certified_wh: i64,
) -> Option<i64> {
    let total = total_energy(hours);
    let clean = (total.generation + certified_wh)
        .min(total.consumption)
        .max(0);
    (total.consumption > 0).then(|| {
        round_half_even_div(i128::from(clean) * 1_000_000, i128::from(total.consumption)) as i64
    })
}

/// The statement.
pub fn matching(question: &Question<'_>) -> Result<Statement, Refusal> {
    let ground = Ground::of(question)?;
    let hours = &question.books.energy;
    let mut statement = frame(
        ClaimKind::CfeHourly,
        question.books,
        question.gwp,
        Words::new("Matching hour by hour (24/7)", "逐小时清洁电力匹配（24/7）"),
        Words::new(
            "EnergyTag Granular Certificate Scheme Standard: same hour",
            "EnergyTag 细粒度证书标准：同小时",
        ),
    );
    let certificates = ground.certificates_line();
    let certified = certificates.value.unwrap_or(0);
    let matched_wh: i64 = hours.values().map(matched).sum();
    statement.lines = vec![
        ground.energy_line(
            "load",
            Words::new("Used", "用电量"),
            EnergyAccount::Consumption,
        ),
        ground.energy_line(
            "generation",
            Words::new("Generated", "发电量"),
            EnergyAccount::Generation,
        ),
        Line::new(
            "matched",
            Words::new("Used and generated in the same hour", "同小时发用电量"),
            Some(matched_wh),
            Unit::Wh,
        )
        .from(Source::Energy(EnergyAccount::SelfUse)),
        certificates,
        Line::new(
            "cfe-volumetric",
            Words::new("Volumetric share over the period", "全期总量占比"),
            volumetric(hours.values(), certified),
            Unit::Ppm,
        )
        .role(LineRole::Beside)
        .from_lines(&[("generation", 0), ("certificates-retired", 0), ("load", 0)]),
        Line::new(
            "cfe-score",
            Words::new("Hourly score", "逐小时匹配率"),
            score(hours.values()),
            Unit::Ppm,
        )
        .role(LineRole::Result)
        .from_lines(&[("matched", 0), ("load", 0)]),
    ];
    statement.netting = vec![
        Netting {
            flow: Words::new("Surplus of an hour", "某小时的富余电量"),
            treatment: Treatment::Out,
            amount: Some((total_energy(hours.values()).export, Unit::Wh)),
            why: Words::new("Never helps another hour.", "不能用于其他小时。"),
        },
        Netting {
            flow: Words::new("Certificates without an hour", "无小时标记的绿证"),
            treatment: Treatment::Out,
            amount: Some((certified, Unit::Wh)),
            why: Words::new(
                "Count in the volumetric share only: they do not say in which hour they were generated.",
                "仅计入总量占比：未载明发电小时。",
            ),
        },
        Netting {
            flow: Words::new("Energy out of stores", "储能放电"),
            treatment: Treatment::Out,
            amount: Some((total_energy(hours.values()).discharge, Unit::Wh)),
            why: Words::new(
                "Made in another hour; told beside.",
                "产生于其他小时，另列。",
            ),
        },
    ];
    statement.charts.push(day_chart(hours, question.zone));
    statement.verdict = match statement.value("cfe-score") {
        Some(score) => {
            let volumetric = statement.value("cfe-volumetric").unwrap_or(0);
            Verdict::new(
                VerdictKind::Stated,
                format!(
                    "{} of the load was matched in its own hour; over the whole period generation and certificates are {} of it.",
                    spoken(score, Unit::Ppm),
                    spoken(volumetric, Unit::Ppm)
                ),
                format!(
                    "{} 的用电在同一小时得到匹配；按全期总量计为 {}。",
                    spoken(score, Unit::Ppm),
                    spoken(volumetric, Unit::Ppm)
                ),
            )
        }
        None => Verdict::new(
            VerdictKind::Unknown,
            "Nothing was used in the period.",
            "本期无用电记录。",
        ),
    };
    Ok(statement)
}

/// Mean hour of the park's day.
fn day_chart(hours: &BTreeMap<UnixSeconds, HourAmounts>, zone: &TimeZone) -> Chart {
    let mut sums = [(0_i64, 0_i64, 0_i64); 24];
    for (start, hour) in hours {
        let local_s = start.0 + i64::from(zone.offset_seconds(*start));
        let place = (local_s.rem_euclid(86_400) / 3_600) as usize;
        sums[place].0 += hour.consumption;
        sums[place].1 += hour.generation;
        sums[place].2 += 1;
    }
    let row = |pick: fn(&(i64, i64, i64)) -> i64| {
        sums.iter()
            .map(|sum| (sum.2 > 0).then(|| pick(sum) / sum.2))
            .collect()
    };
    Chart {
        words: Words::new("Mean day, by hour", "平均日曲线（当地时间）"),
        kind: ChartKind::Lines,
        unit: Unit::Wh,
        labels: (0..24).map(|hour| format!("{hour:02}")).collect(),
        series: vec![
            Series {
                words: Words::new("Used", "用电"),
                values: row(|sum| sum.0),
            },
            Series {
                words: Words::new("Generated", "发电"),
                values: row(|sum| sum.1),
            },
        ],
    }
}
