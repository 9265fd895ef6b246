//! Carbon neutrality after ISO 14068-1:2023: quantify, reduce, remove within the boundary, offset only the residual, and report
//! all four lines.

use crate::claims::base_year::base_line;
use crate::claims::ground::{Ground, netting};
use crate::claims::statement::{
    Line, LineRole, Netting, Statement, Treatment, Unit, Verdict, VerdictKind, Words, frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal};

/// The claim.
pub fn claim(question: &Question<'_>) -> Result<Statement, Refusal> {
    let ground = Ground::of(question)?;
    let mut statement = frame(
        ClaimKind::Iso14068Neutrality,
        question.books,
        question.gwp,
        Words::new("Carbon neutrality", "碳中和声明"),
        Words::new("ISO 14068-1:2023", "ISO 14068-1:2023"),
    );
    let footprint = ground
        .line(
            "total-market",
            Words::new("Footprint, market-based", "碳足迹（基于市场）"),
            ground.in_inventory(ground.market),
        )
        .role(LineRole::Sum);
    let base = base_line(question)?;
    let removals = ground.removal_lines();
    let credits = ground.credits_line();
    let total = footprint.value.unwrap_or(0);
    let removed = removals.last().and_then(|line| line.value).unwrap_or(0);
    let residual = total - removed;
    let residual_half = ground.net_half95();
    let retired = credits.value.unwrap_or(0);
    let reduction = base
        .as_ref()
        .and_then(|base| base.value)
        .map(|base| base - total);
    statement.lines.push(footprint);
    statement.lines.extend(base);
    statement.lines.push(
        Line::new(
            "reduction",
            Words::new("Reduction since the base year", "较基准年的减排"),
            reduction,
            Unit::Co2eMg,
        )
        .role(LineRole::Beside)
        .from_lines(&[("base-year-total", 1), ("total-market", -1)]),
    );
    statement.lines.extend(removals);
    statement.lines.push(
        Line::new(
            "residual",
            Words::new(
                "Residual after removals within the boundary",
                "扣除边界内清除后的剩余排放",
            ),
            Some(residual),
            Unit::Co2eMg,
        )
        .half95(residual_half)
        .role(LineRole::Sum)
        .from_lines(&[("total-market", 1), ("removals-net", -1)]),
    );
    statement.lines.push(credits);
    statement.lines.push(
        Line::new(
            "balance",
            Words::new("Balance after credits", "抵销后余额"),
            Some(residual - retired),
            Unit::Co2eMg,
        )
        .half95(residual_half)
        .role(LineRole::Result)
        .from_lines(&[("residual", 1), ("credits-retired", -1)]),
    );
    statement.netting = netting_list(&statement);
    statement.netting.extend(ground.left_out_netting());
    statement.verdict = verdict(&Case {
        balance: residual - retired,
        half: residual_half,
        residual,
        retired,
        removed,
        reduction,
        has_plan: !question.policy.targets.is_empty(),
    });
    statement.notes.push(Words::new(
        "Organisations, products, buildings and events can be neutral after this standard; territories can't.",
        "该标准适用于组织、产品、建筑和活动，不适用于行政区域。",
    ));
    Ok(statement)
}

struct Case {
    balance: i64,
    half: i64,
    residual: i64,
    retired: i64,
    removed: i64,
    reduction: Option<i64>,
    has_plan: bool,
}

fn verdict(case: &Case) -> Verdict {
    let say = |mg: i64| spoken(mg, Unit::Co2eMg);
    if case.balance > 0 {
        return Verdict::new(
            VerdictKind::Fails,
            format!(
                "Not neutral: {} ± {} are left after removals and retired credits.",
                say(case.balance),
                say(case.half)
            ),
            format!(
                "未达到中和：扣除清除量与已注销减排量后仍余 {} ± {}。",
                say(case.balance),
                say(case.half)
            ),
        );
    }
    let reduced = case.reduction.unwrap_or(0);
    let by_credits = case.retired > 0 && case.residual > 0 && reduced <= 0;
    let mainly_credits = case.retired > reduced.max(0) + case.removed.max(0) && case.residual > 0;
    if by_credits || (mainly_credits && !case.has_plan) {
        return Verdict::new(
            VerdictKind::ByCredits,
            format!(
                "Neutral by credits, not by reduction: {} of credits cover a residual of {}, and {}. ISO 14068-1 does not call this \
                 neutral: reduce first, offset only the residual.",
                say(case.retired),
                say(case.residual),
                match case.reduction {
                    None => "no base year shows any reduction".to_owned(),
                    Some(change) if change <= 0 =>
                        format!("emissions grew by {} since the base year", say(-change)),
                    Some(change) => format!(
                        "only {} were reduced, without a plan on record",
                        say(change)
                    ),
                }
            ),
            format!(
                "靠减排量抵销，而非自身减排：以 {} 减排量抵销 {} 剩余排放。ISO 14068-1 不认可此为碳中和：应先减排，仅抵销剩余部分。",
                say(case.retired),
                say(case.residual)
            ),
        );
    }
    if !case.has_plan {
        return Verdict::new(
            VerdictKind::Unknown,
            "Balanced, but no target is on record: ISO 14068-1 asks for a management plan with a pathway.",
            "数量上平衡，但无减排目标记录：ISO 14068-1 要求有碳中和管理计划与路径。",
        );
    }
    if case.balance + case.half > 0 {
        return Verdict::new(
            VerdictKind::HoldsStraddling,
            format!(
                "Balanced on central values ({} ± {} at 95 %): the interval straddles zero, so emissions may well exceed what balances \
                 them. Not to be called neutral without saying so.",
                say(case.balance),
                say(case.half)
            ),
            format!(
                "按中值平衡（{} ± {}，95%）：区间跨越零点，实际排放可能超过抵销；不加说明不得称为碳中和。",
                say(case.balance),
                say(case.half)
            ),
        );
    }
    Verdict::new(
        VerdictKind::Holds,
        format!(
            "Neutral with the whole interval: {} ± {} at 95 %.",
            say(case.balance),
            say(case.half)
        ),
        format!(
            "整个区间内均达到中和：{} ± {}（95%）。",
            say(case.balance),
            say(case.half)
        ),
    )
}

fn netting_list(statement: &Statement) -> Vec<Netting> {
    vec![
        netting(
            statement,
            Words::new("Emissions", "排放"),
            Treatment::In,
            "total-market",
            Words::new("Quantified after ISO 14064-1.", "按 ISO 14064-1 量化。"),
        ),
        netting(
            statement,
            Words::new("Removals within the boundary", "边界内的清除"),
            Treatment::Netted,
            "removals-net",
            Words::new("Count before any credit.", "先于减排量抵扣。"),
        ),
        netting(
            statement,
            Words::new("Credits", "减排量"),
            Treatment::Netted,
            "credits-retired",
            Words::new("Cover the residual only.", "仅用于抵销剩余排放。"),
        ),
        Netting {
            flow: Words::new("Exported electricity", "外送电力"),
            treatment: Treatment::Out,
            amount: None,
            why: Words::new("No reduction of the footprint.", "不构成碳足迹的减少。"),
        },
    ]
}
