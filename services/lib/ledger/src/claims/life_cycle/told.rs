//! A life cycle in words: why the views differ, what they net, what they come to.

use terrarium_model::round_half_even_div;

use super::observed::generation_credit;
use super::{
    CONSTANT, Course, LifeCyclePlan, SECONDS_PER_YEAR, VIEWS, View, YOUNG_HIGH, YOUNG_LOW,
};
use crate::claims::statement::{Netting, Treatment, Unit, Verdict, VerdictKind, Words, spoken};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The month of a crossing: "October 2029", "2029年10月".
fn crossing_words(plan: &LifeCyclePlan, course: Course<'_>) -> Words {
    let Some(seconds) = course.crossing_s() else {
        return Words::new("never", "不会发生");
    };
    let date = spoken(plan.opening.0 + seconds, Unit::Date);
    let (year, month) = (&date[..4], &date[5..7]);
    let number: usize = month.parse().unwrap_or(1);
    Words::new(
        format!("{} {year}", MONTHS[(number - 1) % MONTHS.len()]),
        format!("{year}年{number}月"),
    )
}

pub(super) fn why_they_differ<'a>(
    plan: &LifeCyclePlan,
    course: &impl Fn(View, u32) -> Course<'a>,
) -> Vec<Words> {
    let founders = course(VIEWS[0], CONSTANT);
    let average = founders.credit_mg_per_year()
        + round_half_even_div(i128::from(plan.trees_mg), i128::from(plan.years)) as i64;
    let printed = crossing_words(plan, founders);
    let self_use = generation_credit(plan, plan.self_use_wh);
    vec![
        Words::new(
            format!(
                "The printed averages ({} a year) put the date in {}, not in {}. {} needs trees that grow slowly at first: {} at \
                 growth t^1.4, {} at t^1.9.",
                spoken(average, Unit::Co2eMg),
                printed.en,
                plan.stated_year,
                plan.stated_year,
                crossing_words(plan, course(VIEWS[0], YOUNG_LOW)).en,
                crossing_words(plan, course(VIEWS[0], YOUNG_HIGH)).en,
            ),
            format!(
                "按公布的年均值（每年 {}），越过零点应在 {}，而非 {} 年。{} 年须假定树木前期生长缓慢：t^1.4 时为 {}，t^1.9 时为 {}。",
                spoken(average, Unit::Co2eMg),
                printed.zh,
                plan.stated_year,
                plan.stated_year,
                crossing_words(plan, course(VIEWS[0], YOUNG_LOW)).zh,
                crossing_words(plan, course(VIEWS[0], YOUNG_HIGH)).zh,
            ),
        ),
        Words::new(
            format!(
                "Self-used electricity ({} a year) keeps the park's own scope 2 low; counting it as an offset as well ({} a year) counts it \
                 twice. Without it the date is {}, and without anything avoided {}.",
                spoken(plan.self_use_wh, Unit::Wh),
                spoken(self_use, Unit::Co2eMg),
                crossing_words(plan, course(VIEWS[1], CONSTANT)).en,
                crossing_words(plan, course(VIEWS[3], CONSTANT)).en,
            ),
            format!(
                "自用电量（每年 {}）已降低园区自身范围二；再计为抵销（每年 {}）即重复计算。剔除后为 {}；完全不计避免排放为 {}。",
                spoken(plan.self_use_wh, Unit::Wh),
                spoken(self_use, Unit::Co2eMg),
                crossing_words(plan, course(VIEWS[1], CONSTANT)).zh,
                crossing_words(plan, course(VIEWS[3], CONSTANT)).zh,
            ),
        ),
        Words::new(
            "The founders' figures hold together only if building is one lump, operation adds nothing in all the years, and nothing is \
             ever replaced: inverters, batteries, panels at their end, cleaning, waste and water are not in them.",
            "创办方数字仅在以下条件下自洽：建设排放一次性计入、运营期无新增排放、设备从不更换（逆变器、电池、组件报废、保洁、废弃物与用水均未计入）。",
        ),
    ]
}

pub(super) fn netting_list(
    plan: &LifeCyclePlan,
    emitted_mg: i64,
    removed: Option<i64>,
) -> Vec<Netting> {
    let line = |flow: Words, treatment, amount, en: &str, zh: &str| Netting {
        flow,
        treatment,
        amount,
        why: Words::new(en, zh),
    };
    vec![
        line(
            Words::new("Construction", "建设"),
            Treatment::In,
            Some((emitted_mg, Unit::Co2eMg)),
            "One lump in year 0.",
            "在第 0 年一次性计入。",
        ),
        line(
            Words::new(
                "All generation (founders' view only)",
                "全部发电量（仅创办方口径）",
            ),
            Treatment::Netted,
            Some((plan.generation_credit_mg, Unit::Co2eMg)),
            "Worked out in this view from energy; no entry of the avoided book is used.",
            "在本视图内由电量计算，不引用避免排放账簿。",
        ),
        line(
            Words::new("Trees", "树木"),
            Treatment::Netted,
            Some((plan.trees_mg, Unit::Co2eMg)),
            "Planned uptake over the life; what was surveyed so far stands in the removal book.",
            "寿命期计划吸收量；已监测量见清除账簿。",
        ),
        line(
            Words::new(
                "Low-carbon design against a usual building",
                "低碳设计相对常规建设",
            ),
            Treatment::Out,
            Some((plan.design_saving_mg, Unit::Co2eMg)),
            "Already in the lower construction figure; counting it again would count it twice.",
            "已体现在较低的建设排放中，再计即重复。",
        ),
        line(
            Words::new(
                "Operation: water, waste, fuel, visitors, replacement",
                "运营：用水、废弃物、燃料、访客、更换",
            ),
            Treatment::Out,
            None,
            "The founders' rule leaves it out; the inventories of the years hold it.",
            "创办方规则未包含；见各年度清单。",
        ),
        line(
            Words::new("Removals measured so far", "迄今监测的清除量"),
            Treatment::Beside,
            removed.map(|mg| (mg, Unit::Co2eMg)),
            "In the measured balance beside the plan.",
            "计入与计划并列的实测余额。",
        ),
    ]
}

pub(super) fn verdict<'a>(
    plan: &LifeCyclePlan,
    course: &impl Fn(View, u32) -> Course<'a>,
) -> Verdict {
    let life_s = i64::from(plan.years) * SECONDS_PER_YEAR;
    let founders = course(VIEWS[0], CONSTANT);
    let honest = course(VIEWS[3], CONSTANT);
    let kind = if honest.balance_mg(life_s) >= 0 {
        VerdictKind::HoldsStraddling
    } else {
        VerdictKind::Fails
    };
    let low = course(VIEWS[4], CONSTANT).balance_mg(life_s);
    Verdict::new(
        kind,
        format!(
            "Founders' rule: {} at the opening, {} in year {}, zero in {}. Removals alone: {}, zero in {}; with the default for crown cover \
             {}: the range straddles zero.",
            spoken(founders.balance_mg(0), Unit::Co2eMg),
            spoken(founders.balance_mg(life_s), Unit::Co2eMg),
            plan.years,
            crossing_words(plan, founders).en,
            spoken(honest.balance_mg(life_s), Unit::Co2eMg),
            crossing_words(plan, honest).en,
            spoken(low, Unit::Co2eMg),
        ),
        format!(
            "创办方规则：开园时 {}，第 {} 年 {}，{} 越过零点。仅计清除量：{}，{} 越过零点；按冠幅默认值为 {}，即结果区间跨越零点。",
            spoken(founders.balance_mg(0), Unit::Co2eMg),
            plan.years,
            spoken(founders.balance_mg(life_s), Unit::Co2eMg),
            crossing_words(plan, founders).zh,
            spoken(honest.balance_mg(life_s), Unit::Co2eMg),
            crossing_words(plan, honest).zh,
            spoken(low, Unit::Co2eMg),
        ),
    )
}
