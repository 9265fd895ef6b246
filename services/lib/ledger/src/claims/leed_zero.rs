//! LEED Zero Carbon: emitted less avoided over twelve months. Here, unlike in an inventory, exported renewables count.

use terrarium_model::SECONDS_PER_HOUR;

use crate::activity::GRID_EXPORT;
use crate::books::{Basis, CarbonBook, Scope};
use crate::claims::cn_guideline::{at_grid_factor, is_fuel};
use crate::claims::ground::{Ground, netting};
use crate::claims::statement::{
    Line, LineRole, Source, Statement, Treatment, Unit, Verdict, VerdictKind, Words, frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal};
use crate::entry::EnergyAccount;

/// Twelve months, less a leap day.
const TWELVE_MONTHS_S: i64 = 365 * 24 * SECONDS_PER_HOUR;

/// The balance.
pub fn balance(question: &Question<'_>) -> Result<Statement, Refusal> {
    let ground = Ground::of(question)?;
    let mut statement = frame(
        ClaimKind::LeedZero,
        question.books,
        question.gwp,
        Words::new("Carbon balance after LEED Zero", "LEED Zero 碳平衡"),
        Words::new("LEED Zero Carbon", "LEED Zero Carbon"),
    );
    let delivered = ground.line(
        "delivered-energy",
        Words::new("Energy delivered: grid and fuels", "外来能源：电网与燃料"),
        |placed| {
            placed.posting.book == CarbonBook::Emission
                && placed.counts_by(Basis::Location)
                && (placed.scope == Some(Scope::Two)
                    || (placed.scope == Some(Scope::One) && is_fuel(placed.posting)))
        },
    );
    let transport = ground.line(
        "occupants-transport",
        Words::new("Transport of occupants", "使用者交通"),
        |placed| {
            placed.is_emission()
                && matches!(placed.scope, Some(Scope::Three(6 | 7 | 9)))
                && placed.posting.book == CarbonBook::Emission
        },
    );
    let exported = Line::new(
        "exported-renewables",
        Words::new("On-site renewables exported", "外送的场内可再生电力"),
        at_grid_factor(&ground, exported_with_attributes(&ground)),
        Unit::Co2eMg,
    )
    .from(Source::Energy(EnergyAccount::Export))
    .from_lines(&[("delivered-energy", 0)]);
    let certificates = ground.certificates_line();
    let off_site = Line::new(
        "off-site-renewables",
        Words::new(
            "Off-site renewables, certificates retired",
            "场外可再生电力（注销绿证）",
        ),
        at_grid_factor(&ground, certificates.value.unwrap_or(0)),
        Unit::Co2eMg,
    )
    .from_lines(&[("certificates-retired", 0)]);
    let credits = ground.credits_line();
    let emitted = delivered.value.unwrap_or(0) + transport.value.unwrap_or(0);
    let half = ground.co2e_half95(&[&delivered, &transport]);
    let avoided: Option<i64> = [&exported, &off_site, &credits]
        .iter()
        .map(|line| line.value)
        .sum();
    let balance = avoided.map(|avoided| emitted - avoided);
    statement.lines.extend([
        delivered,
        transport,
        exported,
        certificates,
        off_site,
        credits,
    ]);
    statement.lines.push(
        Line::new(
            "leed-balance",
            Words::new("Emitted less avoided", "排放减避免"),
            balance,
            Unit::Co2eMg,
        )
        .half95(half)
        .role(LineRole::Result)
        .from_lines(&[
            ("delivered-energy", 1),
            ("occupants-transport", 1),
            ("exported-renewables", -1),
            ("off-site-renewables", -1),
            ("credits-retired", -1),
        ]),
    );
    for (flow, treatment, line, why) in [
        (
            Words::new("Energy used that was made on site", "场内自发自用"),
            Treatment::In,
            "delivered-energy",
            Words::new(
                "Lowers what is delivered; needs no line of its own.",
                "减少外来能源，无需单列。",
            ),
        ),
        (
            Words::new("Exported renewables", "外送可再生电力"),
            Treatment::Netted,
            "exported-renewables",
            Words::new(
                "The site's own count here, if their certificates stay with the project.",
                "仅计入场内自产且其绿证由项目保留的部分。",
            ),
        ),
        (
            Words::new("Credits", "减排量"),
            Treatment::Netted,
            "credits-retired",
            Words::new("Count here.", "在此计入。"),
        ),
    ] {
        let line = netting(&statement, flow, treatment, line, why);
        statement.netting.push(line);
    }
    statement.netting.push(crate::claims::statement::Netting {
        flow: Words::new(
            "Trees, water, waste, construction",
            "树木、用水、废弃物、建设",
        ),
        treatment: Treatment::Out,
        amount: None,
        why: Words::new("Not in LEED Zero Carbon.", "不在 LEED Zero Carbon 之内。"),
    });
    statement.verdict = verdict(question, balance, half);
    Ok(statement)
}

/// Exported Wh of the park's own generation, less those whose certificates it has sold. What came out of others' cars, or was
/// bought from the grid and stored, is no renewable of the site.
fn exported_with_attributes(ground: &Ground<'_>) -> i64 {
    let own: i64 = ground
        .placed
        .iter()
        .map(|placed| placed.posting)
        .filter(|posting| posting.book == CarbonBook::Avoided && posting.activity == GRID_EXPORT)
        .map(|posting| posting.amount)
        .sum();
    (own - ground.question.books.exports_sold_wh).max(0)
}

fn verdict(question: &Question<'_>, balance: Option<i64>, half: i64) -> Verdict {
    let period = question.books.period;
    if period.to.0 - period.from.0 < TWELVE_MONTHS_S {
        return Verdict::new(
            VerdictKind::NotApplicable,
            "Not applicable: LEED Zero asks for twelve months, and the period is shorter.",
            "不适用：LEED Zero 要求连续十二个月，本期不足。",
        );
    }
    let Some(balance) = balance else {
        return Verdict::new(
            VerdictKind::Unknown,
            "No factor for the exported electricity.",
            "外送电力缺少因子。",
        );
    };
    let (text, half_text) = (spoken(balance, Unit::Co2eMg), spoken(half, Unit::Co2eMg));
    let (kind, en, zh) = if balance > 0 {
        (VerdictKind::Fails, "Not zero", "未达到零碳")
    } else if balance + half > 0 {
        (
            VerdictKind::HoldsStraddling,
            "Zero on central values; the interval straddles zero",
            "按中值为零碳；区间跨越零点",
        )
    } else {
        (VerdictKind::Holds, "Zero", "达到零碳")
    };
    Verdict::new(
        kind,
        format!("{en}: {text} ± {half_text}."),
        format!("{zh}：{text} ± {half_text}。"),
    )
}
