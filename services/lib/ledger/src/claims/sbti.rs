//! Progress towards targets after the Science Based Targets initiative: straight from the base year to the target year, without
//! credits, without avoided emissions.

use terrarium_model::round_half_even_div;

use crate::books::Scope;
use crate::claims::ground::{Ground, netting};
use crate::claims::policy::Target;
use crate::claims::statement::{
    Chart, ChartKind, Line, LineRole, Series, Source, Statement, Treatment, Unit, Verdict,
    VerdictKind, Words, frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal};

const SECONDS_PER_YEAR: i64 = 31_556_952;

/// Progress of every target.
pub fn progress(question: &Question<'_>) -> Result<Statement, Refusal> {
    if question.policy.targets.is_empty() {
        return Err(Refusal::Undecided {
            what: "the park has no target",
            remedy: "set a base year and a target first",
        });
    }
    let Some(base_books) = question.base_year else {
        return Err(Refusal::Undecided {
            what: "the base year has no books",
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
    let of_base = Question {
        books: base_books,
        base_year: None,
        ..*question
    };
    let base_ground = Ground::of(&of_base)?;
    let year = year_of(question.books.period.from.0 + 43_200);
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
            Words::new(
                format!("{id}: base year {}", target.base_year),
                format!("{id}：基准年 {}", target.base_year),
            ),
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
    statement.verdict = if behind.is_empty() {
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

pub(super) fn year_of(unix_s: i64) -> u32 {
    let text = terrarium_model::format_rfc3339_utc(terrarium_model::UnixSeconds(unix_s));
    text[..4]
        .parse()
        .unwrap_or((1970 + unix_s / SECONDS_PER_YEAR) as u32)
}
