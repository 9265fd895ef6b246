//! The inventory of the GHG Protocol Corporate Standard, with both totals of scope 2 (Scope 2 Guidance, 2015).

use std::collections::BTreeSet;

use crate::activity::GRID_IMPORT_RESOLD;
use crate::books::{Basis, CarbonBook, Scope};
use crate::claims::ground::{Ground, Placed, netting};
use crate::claims::statement::{
    Line, LineRole, Netting, Statement, Treatment, Unit, Verdict, VerdictKind, Words, frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal, Scope2Total};

/// Names of the categories of scope 3.
pub const SCOPE3: [(&str, &str); 15] = [
    ("Purchased goods and services", "外购商品和服务"),
    ("Capital goods", "资本货物"),
    ("Fuel- and energy-related activities", "燃料和能源相关活动"),
    ("Upstream transportation and distribution", "上游运输和配送"),
    ("Waste generated in operations", "运营中产生的废物"),
    ("Business travel", "商务旅行"),
    ("Employee commuting", "员工通勤"),
    ("Upstream leased assets", "上游租赁资产"),
    (
        "Downstream transportation and distribution",
        "下游运输和配送",
    ),
    ("Processing of sold products", "售出产品的加工"),
    ("Use of sold products", "售出产品的使用"),
    (
        "End-of-life treatment of sold products",
        "售出产品的寿命终止处理",
    ),
    ("Downstream leased assets", "下游租赁资产"),
    ("Franchises", "特许经营"),
    ("Investments", "投资"),
];

/// The inventory, with one of the two totals as its result.
pub fn ghgp(question: &Question<'_>, total: Scope2Total) -> Result<Statement, Refusal> {
    let ground = Ground::of(question)?;
    let mut statement = frame(
        ClaimKind::GhgpInventory(total),
        question.books,
        question.gwp,
        match total {
            Scope2Total::Location => Words::new(
                "Greenhouse gas inventory, location-based",
                "温室气体清单（基于位置）",
            ),
            Scope2Total::Market => Words::new(
                "Greenhouse gas inventory, market-based",
                "温室气体清单（基于市场）",
            ),
        },
        Words::new(
            "GHG Protocol Corporate Standard and Scope 2 Guidance",
            "温室气体核算体系企业标准及范围二指南",
        ),
    );
    statement.lines = scope_lines(&ground);
    statement.lines.extend(totals(&ground, total));
    statement.lines.extend(ground.removal_lines());
    statement.lines.extend(ground.beside_lines());
    statement.lines.push(ground.credits_line());
    statement.lines.push(ground.certificates_line());
    statement.netting = netting_list(&statement, &ground);
    statement.verdict = verdict(&statement, total);
    statement.notes = notes(&ground);
    statement.charts.extend(month_chart(&ground, total));
    Ok(statement)
}

/// Lines of the three scopes with their activities.
pub fn scope_lines(ground: &Ground<'_>) -> Vec<Line> {
    let mut lines = vec![
        ground
            .line(
                "scope1",
                Words::new("Scope 1, direct", "范围一（直接排放）"),
                ground.scope(Scope::One, Basis::Both),
            )
            .role(LineRole::Sum),
    ];
    lines.extend(activity_lines(ground, "scope1", |placed| {
        placed.is_emission() && placed.scope == Some(Scope::One)
    }));
    let location = ground.line(
        "scope2-location",
        Words::new("Scope 2, location-based", "范围二（基于位置）"),
        ground.scope(Scope::Two, Basis::Location),
    );
    let mut market = ground.line(
        "scope2-market",
        Words::new("Scope 2, market-based", "范围二（基于市场）"),
        ground.scope(Scope::Two, ground.market),
    );
    if ground.market == Basis::Location {
        market = market.remark(
            "Nothing was posted by contract; the location-based figure stands here too.",
            "无合同依据的记录；此处同为基于位置的数字。",
        );
    }
    lines.push(location.role(LineRole::Sum));
    lines.extend(activity_lines(ground, "scope2-location", |placed| {
        placed.is_emission()
            && placed.scope == Some(Scope::Two)
            && placed.counts_by(Basis::Location)
    }));
    lines.push(market.role(LineRole::Sum));
    lines.push(
        ground
            .line(
                "scope3",
                Words::new("Scope 3, value chain", "范围三（价值链）"),
                |placed| placed.is_emission() && matches!(placed.scope, Some(Scope::Three(_))),
            )
            .role(LineRole::Sum),
    );
    for (category, (en, zh)) in (1_u8..).zip(SCOPE3) {
        let line = ground.line(
            &format!("scope3-{category}"),
            Words::new(format!("{category} {en}"), format!("{category} {zh}")),
            ground.scope(Scope::Three(category), Basis::Both),
        );
        if !line.from.is_empty() {
            lines.push(line.depth(1));
        }
    }
    let resold = ground.line(
        "electricity-resold",
        Words::new(
            "of category 3: electricity sold on to others' cars",
            "其中第 3 类：转售给外来车辆的电力",
        ),
        |placed| placed.is_emission() && placed.posting.activity == GRID_IMPORT_RESOLD,
    );
    if !resold.from.is_empty() {
        lines.push(resold.depth(2));
    }
    lines
}

/// One line for each activity of what a rule picks.
fn activity_lines<'a>(
    ground: &Ground<'a>,
    within: &str,
    pick: impl Fn(&Placed<'a>) -> bool,
) -> Vec<Line> {
    let activities: BTreeSet<&str> = ground
        .placed
        .iter()
        .filter(|placed| pick(placed))
        .map(|placed| placed.posting.activity.as_str())
        .collect();
    activities
        .into_iter()
        .map(|activity| {
            ground
                .line(
                    &format!("{within}-{activity}"),
                    Words::new(activity, activity),
                    |placed| placed.posting.activity == activity && pick(placed),
                )
                .depth(1)
        })
        .collect()
}

fn totals(ground: &Ground<'_>, total: Scope2Total) -> Vec<Line> {
    let location = ground
        .line(
            "total-location",
            Words::new("Total, location-based", "合计（基于位置）"),
            ground.in_inventory(Basis::Location),
        )
        .from_lines(&[("scope1", 1), ("scope2-location", 1), ("scope3", 1)]);
    let market = ground
        .line(
            "total-market",
            Words::new("Total, market-based", "合计（基于市场）"),
            ground.in_inventory(ground.market),
        )
        .from_lines(&[("scope1", 1), ("scope2-market", 1), ("scope3", 1)]);
    match total {
        Scope2Total::Location => vec![
            market.role(LineRole::Beside),
            location.role(LineRole::Result),
        ],
        Scope2Total::Market => vec![
            location.role(LineRole::Beside),
            market.role(LineRole::Result),
        ],
    }
}

fn netting_list(statement: &Statement, ground: &Ground<'_>) -> Vec<Netting> {
    let mut list = vec![
        netting(
            statement,
            Words::new(
                "Direct and purchased energy, value chain",
                "直接排放、外购能源与价值链",
            ),
            Treatment::In,
            "total-location",
            Words::new("Counted gross, each scope by itself.", "按总量分范围计入。"),
        ),
        netting(
            statement,
            Words::new("Tree growth and other removals", "树木生长等清除"),
            Treatment::Beside,
            "removals-net",
            Words::new(
                "Reported as lines of their own, never netted (Land Sector and Removals Standard).",
                "单列报告，不得抵扣（土地部门与清除标准）。",
            ),
        ),
        netting(
            statement,
            Words::new("Exported electricity", "外送电力"),
            Treatment::Beside,
            "avoided",
            Words::new(
                "Helps somebody else's inventory: told as avoided, never taken from one's own.",
                "减少的是他人的排放：作为避免排放单列，不从自身清单扣除。",
            ),
        ),
        netting(
            statement,
            Words::new("Credits", "减排量（碳信用）"),
            Treatment::Beside,
            "credits-retired",
            Words::new("Not part of an inventory.", "不属于清单。"),
        ),
        netting(
            statement,
            Words::new("Green certificates", "绿证"),
            Treatment::In,
            "certificates-retired",
            Words::new(
                "Count in the market-based total of scope 2 only.",
                "仅影响范围二的基于市场合计。",
            ),
        ),
        netting(
            statement,
            Words::new("Biogenic CO2", "生物源二氧化碳"),
            Treatment::Beside,
            "biogenic",
            Words::new("A memo apart from the scopes.", "在各范围之外备查。"),
        ),
    ];
    list.extend(ground.left_out_netting());
    list
}

fn verdict(statement: &Statement, total: Scope2Total) -> Verdict {
    let id = match total {
        Scope2Total::Location => "total-location",
        Scope2Total::Market => "total-market",
    };
    let line = statement.line(id).expect("made above");
    let text = spoken(line.value.unwrap_or(0), Unit::Co2eMg);
    let half = spoken(line.half95.unwrap_or(0), Unit::Co2eMg);
    Verdict::new(
        VerdictKind::Stated,
        format!(
            "{text}, ± {half} at 95 %. This is an inventory: it says what is emitted, not that anything is neutral."
        ),
        format!("{text}，95% 区间 ±{half}。本清单只说明排放量，不构成任何中和声明。"),
    )
}

fn notes(ground: &Ground<'_>) -> Vec<Words> {
    let mut notes = Vec::new();
    let defaults = ground
        .placed
        .iter()
        .filter(|placed| {
            placed
                .posting
                .factors
                .iter()
                .any(|factor| factor.mark == crate::books::FactorMark::Default)
        })
        .count();
    if defaults > 0 {
        notes.push(Words::new(
            format!(
                "{defaults} postings use default factors of the project; a period with such can't become verified."
            ),
            format!("{defaults} 条记录使用了项目默认因子；含默认因子的报告期不能通过核查。"),
        ));
    }
    let assumed = ground
        .placed
        .iter()
        .filter(|placed| placed.posting.tier >= 6)
        .count();
    if assumed > 0 {
        notes.push(Words::new(
            format!("{assumed} postings rest on assumed or filled-in activity (tier 6)."),
            format!("{assumed} 条记录基于假设或补值的活动数据（第 6 级）。"),
        ));
    }
    notes
}

fn month_chart(ground: &Ground<'_>, total: Scope2Total) -> Option<crate::claims::statement::Chart> {
    let basis = match total {
        Scope2Total::Location => Basis::Location,
        Scope2Total::Market => ground.market,
    };
    ground.month_chart(
        Words::new("Emissions by month", "逐月排放"),
        vec![
            (
                Words::new("Scope 1", "范围一"),
                Box::new(ground.scope(Scope::One, basis)),
            ),
            (
                Words::new("Scope 2", "范围二"),
                Box::new(ground.scope(Scope::Two, basis)),
            ),
            (
                Words::new("Scope 3", "范围三"),
                Box::new(|placed: &Placed<'_>| {
                    placed.is_emission()
                        && matches!(placed.scope, Some(Scope::Three(_)))
                        && placed.posting.book != CarbonBook::Embodied
                }),
            ),
            (
                Words::new("Construction", "建设"),
                Box::new(|placed: &Placed<'_>| {
                    placed.is_emission() && placed.posting.book == CarbonBook::Embodied
                }),
            ),
        ],
    )
}
