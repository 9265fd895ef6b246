//! Progress towards targets after the Science Based Targets initiative: straight from the base year to the target year, without
//! credits, without avoided emissions. Targets are met by whole years; a part of a year is shown beside the same months of the
//! base year, and promises nothing.

use terrarium_model::round_half_even_div;

use crate::books::Scope;
use crate::claims::base_year::base_year;
use crate::claims::ground::{Ground, netting};
use crate::claims::policy::Target;
use crate::claims::statement::{
    Chart, ChartKind, Line, LineRole, Series, Source, Statement, Treatment, Unit, Verdict,
    VerdictKind, Words, frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal};

/// Progress of every target.
pub fn progress(question: &Question<'_>) -> Result<Statement, Refusal> {
    if question.policy.targets.is_empty() {
        return Err(Refusal::Undecided {
            what: "the park has no target",
            remedy: "set a base year and a target first",
        });
    }
    let Some(base_of) = base_year(question)? else {
        return Err(Refusal::Undecided {
            what: "nothing of the base year is on record",
            remedy: "report the base year's activity, or set another base year",
        });
    };
    let mut statement = frame(
        ClaimKind::Sbti,
        question.books,
        question.gwp,
        Words::new("Progress towards targets", "减排目标进展"),
        Words::new(
            "Science Based Targets initiative, Corporate Net-Zero Standard",
            "科学碳目标倡议 企业净零标准",
        ),
    );
    let ground = Ground::of(question)?;
    if let Some(decided) = question
        .policy
        .targets
        .values()
        .find(|decided| decided.what.base_year != base_of.year)
    {
        return Err(Refusal::OtherBaseYear {
            target: decided.what.base_year,
            base_year: base_of.year,
        });
    }
    let base_ground = Ground::of(&base_of.question)?;
    let year = u32::try_from(question.zone.year(question.books.period.from)).unwrap_or(0);
    let which = base_of.words();
    let mut behind = Vec::new();
    for (id, decided) in &question.policy.targets {
        let target = &decided.what;
        let covered = |ground: &Ground<'_>, line: &str, words: Words| {
            let market = ground.market;
            ground.line(line, words, |placed| {
                placed.is_emission()
                    && placed.counts_by(market)
                    && placed.scope.is_some_and(|scope| target.covers(scope))
            })
        };
        let actual = covered(
            &ground,
            &format!("target-{id}-actual"),
            Words::new(
                format!("{id}: emissions covered"),
                format!("{id}：覆盖的排放"),
            ),
        )
        .role(LineRole::Sum);
        let mut base = covered(
            &base_ground,
            &format!("target-{id}-base"),
            Words::new(format!("{id}: {}", which.en), format!("{id}：{}", which.zh)),
        );
        base.from = vec![Source::Decision {
            what: "target",
            position: decided.position,
        }];
        let allowed = path(base.value.unwrap_or(0), target, year);
        let is_behind = actual.value.unwrap_or(0) > allowed;
        if is_behind {
            behind.push(id.clone());
        }
        statement.charts.push(chart(
            id,
            target,
            base.value.unwrap_or(0),
            year,
            actual.value,
        ));
        let base_id = base.id.clone();
        statement.lines.push(base);
        statement.lines.push(
            Line::new(
                format!("target-{id}-path"),
                Words::new(
                    format!(
                        "{id}: allowed in {year} on the straight path to {}",
                        target.target_year
                    ),
                    format!(
                        "{id}：直线路径下 {year} 年允许量（目标年 {}）",
                        target.target_year
                    ),
                ),
                Some(allowed),
                Unit::Co2eMg,
            )
            .role(LineRole::Limit)
            .from_lines(&[(&base_id, 0)]),
        );
        statement.lines.push(actual);
    }
    statement.lines.push(ground.credits_line());
    for (flow, line, en, zh) in [
        (
            Words::new("Credits", "减排量"),
            "credits-retired",
            "Do not count towards a target.",
            "不计入目标。",
        ),
        (
            Words::new("Avoided emissions", "避免排放"),
            "",
            "Do not count towards a target.",
            "不计入目标。",
        ),
    ] {
        let line = netting(&statement, flow, Treatment::Out, line, Words::new(en, zh));
        statement.netting.push(line);
    }
    statement.notes.push(coverage(
        &ground,
        &question
            .policy
            .targets
            .values()
            .map(|d| &d.what)
            .collect::<Vec<_>>(),
    ));
    statement.verdict = if !base_of.is_whole_year {
        in_these_months(year, base_of.year, &behind)
    } else if behind.is_empty() {
        Verdict::new(
            VerdictKind::Holds,
            format!("On the path in {year}: every target."),
            format!("{year} 年所有目标均在路径之内。"),
        )
    } else {
        Verdict::new(
            VerdictKind::Fails,
            format!("Above the path in {year}: {}.", behind.join(", ")),
            format!("{year} 年高于路径：{}。", behind.join("、")),
        )
    };
    Ok(statement)
}

/// A part of a year stands on the path or above it; a target is met by whole years.
fn in_these_months(year: u32, base_year: u32, behind: &[String]) -> Verdict {
    let (en, zh) = if behind.is_empty() {
        (
            "on the path: every target".to_owned(),
            "均在路径之内".to_owned(),
        )
    } else {
        (
            format!("above the path: {}", behind.join(", ")),
            format!("高于路径：{}", behind.join("、")),
        )
    };
    Verdict::new(
        VerdictKind::Stated,
        format!(
            "In these months of {year}, against the same months of {base_year}, {en}. Targets are met by whole years: nothing is \
             claimed of {year} yet."
        ),
        format!(
            "{year} 年本期与 {base_year} 年同期相比，{zh}。目标按整年考核：尚不作 {year} 年结论。"
        ),
    )
}

/// What a straight path allows in a year.
fn path(base_mg: i64, target: &Target, year: u32) -> i64 {
    let span = i128::from(target.target_year.saturating_sub(target.base_year).max(1));
    let gone = i128::from(year.saturating_sub(target.base_year)).min(span);
    let cut = round_half_even_div(
        i128::from(base_mg) * i128::from(target.reduction_permille) * gone,
        1_000 * span,
    ) as i64;
    base_mg - cut
}

fn chart(id: &str, target: &Target, base_mg: i64, year: u32, actual: Option<i64>) -> Chart {
    let years: Vec<u32> = (target.base_year..=target.target_year).collect();
    Chart {
        words: Words::new(
            format!("Target {id}: path and where it stands"),
            format!("目标 {id}：路径与现状"),
        ),
        kind: ChartKind::Lines,
        unit: Unit::Co2eMg,
        labels: years.iter().map(u32::to_string).collect(),
        series: vec![
            Series {
                words: Words::new("Allowed", "允许量"),
                values: years
                    .iter()
                    .map(|year| Some(path(base_mg, target, *year)))
                    .collect(),
            },
            Series {
                words: Words::new("Emitted", "实际"),
                values: years
                    .iter()
                    .map(|of| match *of {
                        of if of == target.base_year => Some(base_mg),
                        of if of == year => actual,
                        _ => None,
                    })
                    .collect(),
            },
        ],
    }
}

/// Long-term targets have to cover 95 % of scopes 1 and 2 and 90 % of scope 3.
fn coverage(ground: &Ground<'_>, targets: &[&Target]) -> Words {
    let share = |within: &dyn Fn(Scope) -> bool| {
        let mut all = 0_i128;
        let mut covered = 0_i128;
        for placed in &ground.placed {
            let Some(scope) = placed.scope else { continue };
            if placed.is_emission() && placed.counts_by(ground.market) && within(scope) {
                all += i128::from(placed.co2e_mg);
                if targets.iter().any(|target| target.covers(scope)) {
                    covered += i128::from(placed.co2e_mg);
                }
            }
        }
        if all == 0 {
            1_000_000
        } else {
            round_half_even_div(covered * 1_000_000, all) as i64
        }
    };
    let direct = spoken(share(&|scope| !matches!(scope, Scope::Three(_))), Unit::Ppm);
    let chain = spoken(share(&|scope| matches!(scope, Scope::Three(_))), Unit::Ppm);
    Words::new(
        format!(
            "Targets cover {direct} of scopes 1 and 2 (95 % asked for in the long term) and {chain} of scope 3 (90 %)."
        ),
        format!("目标覆盖范围一与二的 {direct}（长期要求 95%）、范围三的 {chain}（要求 90%）。"),
    )
}
