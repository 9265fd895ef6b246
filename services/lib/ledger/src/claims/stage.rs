//! The three stages of a park: low-carbon, near-zero, zero, as predicates over eight measures. A park stands in the highest
//! stage all of whose criteria, and those of the stages below, hold with evidence.
//!
//! Some indicators follow from the books; others are reported with evidence. Cut-offs are the park's decision on record: no
//! standard seen here gives them.

mod criteria;

use terrarium_model::round_half_even_div;

use crate::books::CarbonBook;
use crate::claims::base_year::base_line;
use crate::claims::cfe_hourly;
use crate::claims::forecast::{balances, forecast};
use crate::claims::ground::Ground;
use crate::claims::statement::{
    Line, LineRole, Netting, Source, Statement, Treatment, Unit, Verdict, VerdictKind, Words,
    frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal};
use crate::entry::EnergyAccount;

pub use criteria::{Criterion, Cutoff, Indicator, Measure, Stage, StageCriteria};

/// Indicators that follow from the books, in millionths.
pub const COMPUTED: [(&str, &str, &str); 6] = [
    ("metered-hours", "Hours fully metered", "完整计量小时占比"),
    (
        "clean-share",
        "Electricity not taken from the grid, or certified",
        "清洁电力占比",
    ),
    ("hourly-matched", "Matched in the same hour", "同小时匹配率"),
    (
        "removal-share",
        "Removals against emissions",
        "清除量占排放比例",
    ),
    (
        "reduction",
        "Reduced since the base year",
        "较基准年减排比例",
    ),
    (
        "net-share",
        "Left after removals, against the base year",
        "扣除清除后占基准年比例",
    ),
];

/// Value of a computed indicator; `None`: can't be told from these books.
fn computed(ground: &Ground<'_>, token: &str) -> Result<Option<(i64, Vec<Source>)>, Refusal> {
    let question = ground.question;
    let ratio = |part: i64, whole: i64| {
        (whole > 0)
            .then(|| round_half_even_div(i128::from(part) * 1_000_000, i128::from(whole)) as i64)
    };
    let lines = |ids: &[&str]| {
        ids.iter()
            .map(|id| Source::Line {
                id: (*id).to_owned(),
                sign: 0,
            })
            .collect::<Vec<_>>()
    };
    let total = ground
        .line(
            "total-market",
            Words::default(),
            ground.in_inventory(ground.market),
        )
        .value
        .unwrap_or(0);
    let removed = ground
        .removal_lines()
        .pop()
        .and_then(|line| line.value)
        .unwrap_or(0);
    let base = base_line(question)?.and_then(|line| line.value);
    let of_energy = vec![
        Source::Energy(EnergyAccount::Consumption),
        Source::Energy(EnergyAccount::Import),
    ];
    Ok(match token {
        "metered-hours" => {
            let (expected, complete) = question.books.node_hours;
            ratio(complete as i64, expected as i64).map(|ppm| (ppm, Vec::new()))
        }
        "clean-share" => ground.clean_ppm().map(|ppm| (ppm, of_energy)),
        "hourly-matched" => cfe_hourly::score(question.books.energy.values())
            .map(|ppm| (ppm, vec![Source::Energy(EnergyAccount::SelfUse)])),
        "removal-share" => {
            ratio(removed, total).map(|ppm| (ppm, lines(&["removals-net", "total-market"])))
        }
        "reduction" => base
            .and_then(|base| ratio(base - total, base))
            .map(|ppm| (ppm, lines(&["base-year-total", "total-market"]))),
        "net-share" => base
            .and_then(|base| ratio(total - removed, base))
            .map(|ppm| {
                (
                    ppm,
                    lines(&["base-year-total", "total-market", "removals-net"]),
                )
            }),
        _ => None,
    })
}

/// The claim.
pub fn claim(question: &Question<'_>) -> Result<Statement, Refusal> {
    let Some(decided) = &question.policy.stages else {
        return Err(Refusal::Undecided {
            what: "the park has not decided what its stages ask for",
            remedy: "set the criteria of the stages first: no standard gives the cut-offs",
        });
    };
    let ground = Ground::of(question)?;
    let mut statement = frame(
        ClaimKind::Stage,
        question.books,
        question.gwp,
        Words::new("Stage of the park", "园区所处阶段"),
        Words::new(
            format!("Criteria of the park: {}", decided.what.source),
            format!("园区自定标准：{}", decided.what.source),
        ),
    );
    statement.lines.push(
        ground
            .line(
                "total-market",
                Words::new("Emissions, market-based", "排放（基于市场）"),
                ground.in_inventory(ground.market),
            )
            .role(LineRole::Sum),
    );
    statement.lines.extend(base_line(question)?);
    statement.lines.extend(ground.removal_lines());
    let mut reached = None;
    let mut lacking: Vec<(Stage, Words)> = Vec::new();
    for stage in Stage::ALL {
        let Some(criteria) = decided.what.stages.get(&stage) else {
            break;
        };
        let mut all_hold = true;
        let mut sorted = criteria.clone();
        sorted.sort();
        for (number, criterion) in sorted.iter().enumerate() {
            let line = criterion_line(&ground, stage, number, criterion, decided.position)?;
            let holds = line
                .value
                .is_some_and(|value| criterion.cutoff.holds(value));
            if !holds {
                all_hold = false;
                lacking.push((stage, line.words.clone()));
            }
            statement.lines.push(line);
        }
        if all_hold && lacking.is_empty() {
            reached = Some(stage);
        }
    }
    forecast_line(&mut statement, question)?;
    statement.netting = netting_list(&ground);
    statement.verdict = verdict(reached, &lacking);
    if question
        .policy
        .indicators
        .values()
        .any(|known| known.what.evidence.is_none())
    {
        statement.notes.push(Words::new(
            "Indicators without attached evidence are marked; they count, and a verifier will ask.",
            "无附件证据的指标已标注；仍计入，但核查时会被要求提供。",
        ));
    }
    Ok(statement)
}

fn criterion_line(
    ground: &Ground<'_>,
    stage: Stage,
    number: usize,
    criterion: &Criterion,
    position: u64,
) -> Result<Line, Refusal> {
    let policy = ground.question.policy;
    let measure = criterion.measure.words();
    let named = COMPUTED
        .iter()
        .find(|(token, ..)| *token == criterion.indicator);
    let (en, zh) = named.map_or(
        (criterion.indicator.as_str(), criterion.indicator.as_str()),
        |(_, en, zh)| (en, zh),
    );
    let (sign, cut) = match criterion.cutoff {
        Cutoff::AtLeast(cut) => ("≥", cut),
        Cutoff::AtMost(cut) => ("≤", cut),
    };
    let words = Words::new(
        format!(
            "{} · {}: {en} {sign} {}",
            stage.words().en,
            measure.en,
            spoken(cut, Unit::Ppm)
        ),
        format!(
            "{} · {}：{zh} {sign} {}",
            stage.words().zh,
            measure.zh,
            spoken(cut, Unit::Ppm)
        ),
    );
    let id = format!(
        "{}-{}-{}-{number}",
        stage.token(),
        criterion.measure.token(),
        criterion.indicator
    );
    let decision = Source::Decision {
        what: "stage criteria",
        position,
    };
    let (value, sources, remark) = if named.is_some() {
        match computed(ground, &criterion.indicator)? {
            Some((value, sources)) => (Some(value), sources, None),
            None => (
                None,
                Vec::new(),
                Some(Words::new(
                    "Can't be told from the books of this period.",
                    "本期账簿无法得出。",
                )),
            ),
        }
    } else {
        match policy.indicators.get(&criterion.indicator) {
            Some(known) => {
                let remark = match known.what.evidence {
                    Some(hash) => Words::new(
                        format!(
                            "{} (SHA-256 {}…)",
                            known.what.source,
                            &hex::encode(hash)[..12]
                        ),
                        format!(
                            "{}（SHA-256 {}…）",
                            known.what.source,
                            &hex::encode(hash)[..12]
                        ),
                    ),
                    None => Words::new(
                        format!("{}; no evidence attached", known.what.source),
                        format!("{}；无附件证据", known.what.source),
                    ),
                };
                let source = Source::Decision {
                    what: "reported indicator",
                    position: known.position,
                };
                (Some(known.what.value), vec![source], Some(remark))
            }
            None => (
                None,
                Vec::new(),
                Some(Words::new(
                    "Not reported: report it with evidence.",
                    "未报告：请连同证据报告。",
                )),
            ),
        }
    };
    let holds = value.is_some_and(|value| criterion.cutoff.holds(value));
    let mut line = Line::new(id, words, value, Unit::Ppm).role(LineRole::Part);
    line.from = sources;
    line.from.push(decision);
    let mark = if holds {
        Words::new("holds", "满足")
    } else {
        Words::new("does not hold", "不满足")
    };
    line.remark = Some(match remark {
        Some(remark) => Words::new(
            format!("{}; {}", mark.en, remark.en),
            format!("{}；{}", mark.zh, remark.zh),
        ),
        None => mark,
    });
    Ok(line)
}

/// When emissions less removals are expected to reach zero.
fn forecast_line(statement: &mut Statement, question: &Question<'_>) -> Result<(), Refusal> {
    let years = balances(question)?;
    let Some(forecast) = forecast(&years) else {
        return Ok(());
    };
    let date = |at: Option<i64>| {
        at.map_or_else(
            || Words::new("never at this rate", "按此趋势不会发生"),
            |at| {
                let text = spoken(at, Unit::Date);
                Words::new(text.clone(), text)
            },
        )
    };
    let (earliest, latest) = (date(forecast.earliest_s), date(forecast.latest_s));
    statement.lines.push(
        Line::new(
            "neutral-date",
            Words::new(
                "Emissions less removals expected to reach zero",
                "预计净排放归零日期",
            ),
            forecast.date_s,
            Unit::Date,
        )
        .role(LineRole::Beside)
        .remark(
            format!(
                "Straight line through {} years; between {} and {}.",
                years.len(),
                earliest.en,
                latest.en
            ),
            format!(
                "{} 个年度的线性外推；介于 {} 与 {} 之间。",
                years.len(),
                earliest.zh,
                latest.zh
            ),
        ),
    );
    Ok(())
}

fn netting_list(ground: &Ground<'_>) -> Vec<Netting> {
    let sum = |book: CarbonBook| {
        ground
            .placed
            .iter()
            .filter(|placed| placed.posting.book == book)
            .map(|placed| placed.co2e_mg)
            .sum::<i64>()
    };
    let mut list = vec![
        Netting {
            flow: Words::new("Removals", "清除量"),
            treatment: Treatment::Netted,
            amount: Some((sum(CarbonBook::Removal), Unit::Co2eMg)),
            why: Words::new(
                "Only in the indicators that name them.",
                "仅在相应指标中使用。",
            ),
        },
        Netting {
            flow: Words::new("Avoided emissions, credits", "避免排放、减排量"),
            treatment: Treatment::Out,
            amount: Some((sum(CarbonBook::Avoided), Unit::Co2eMg)),
            why: Words::new("No stage is reached by them.", "不得用于达到任何阶段。"),
        },
    ];
    list.extend(ground.left_out_netting());
    list
}

fn verdict(reached: Option<Stage>, lacking: &[(Stage, Words)]) -> Verdict {
    let next = lacking.first().map(|(stage, _)| *stage);
    let open = |language: fn(&Words) -> &str| {
        lacking
            .iter()
            .filter(|(stage, _)| Some(*stage) == next)
            .map(|(_, words)| language(words))
            .collect::<Vec<_>>()
    };
    let open_en = open(|words| &words.en).join("; ");
    let open_zh = open(|words| &words.zh).join("；");
    match (reached, next) {
        (Some(stage), None) => Verdict::new(
            VerdictKind::Holds,
            format!("Stage: {}.", stage.words().en),
            format!("所处阶段：{}。", stage.words().zh),
        ),
        (Some(stage), Some(next)) => Verdict::new(
            VerdictKind::Holds,
            format!(
                "Stage: {}. For {} there lacks: {open_en}.",
                stage.words().en,
                next.words().en
            ),
            format!(
                "所处阶段：{}。要达到{}尚缺：{open_zh}。",
                stage.words().zh,
                next.words().zh
            ),
        ),
        (None, _) => Verdict::new(
            VerdictKind::Fails,
            format!("No stage is reached. There lacks: {open_en}."),
            format!("未达到任何阶段。尚缺：{open_zh}。"),
        ),
    }
}
