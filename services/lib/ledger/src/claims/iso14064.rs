//! The inventory of ISO 14064-1:2018 in its six categories.

use crate::books::{Basis, Scope};
use crate::claims::ground::{Ground, Placed, netting};
use crate::claims::inventory::scope_lines;
use crate::claims::statement::{
    LineRole, Statement, Treatment, Unit, Verdict, VerdictKind, Words, frame, spoken,
};
use crate::claims::{ClaimKind, Question, Refusal};

/// Names of the categories.
pub const CATEGORIES: [(&str, &str); 6] = [
    ("Direct emissions", "直接排放"),
    ("Indirect, imported energy", "输入能源的间接排放"),
    ("Indirect, transportation", "运输的间接排放"),
    (
        "Indirect, products and services used",
        "组织使用的产品的间接排放",
    ),
    (
        "Indirect, use of the organisation's products",
        "使用组织产品的间接排放",
    ),
    ("Indirect, other sources", "其他来源的间接排放"),
];

/// Which category a scope belongs to. Upstream of fuels and grid losses (category 3 of scope 3) stand in 4, as in most
/// mappings; some place grid losses in 2.
pub const MAPPING: [(Scope, u8); 17] = [
    (Scope::One, 1),
    (Scope::Two, 2),
    (Scope::Three(1), 4),
    (Scope::Three(2), 4),
    (Scope::Three(3), 4),
    (Scope::Three(4), 3),
    (Scope::Three(5), 4),
    (Scope::Three(6), 3),
    (Scope::Three(7), 3),
    (Scope::Three(8), 4),
    (Scope::Three(9), 3),
    (Scope::Three(10), 5),
    (Scope::Three(11), 5),
    (Scope::Three(12), 5),
    (Scope::Three(13), 5),
    (Scope::Three(14), 5),
    (Scope::Three(15), 5),
];

/// The category of a scope; 6 for what does not fit.
pub fn category_of(scope: Scope) -> u8 {
    MAPPING
        .iter()
        .find(|(known, _)| *known == scope)
        .map_or(6, |(_, category)| *category)
}

/// The inventory.
pub fn inventory(question: &Question<'_>) -> Result<Statement, Refusal> {
    let ground = Ground::of(question)?;
    let mut statement = frame(
        ClaimKind::Iso14064,
        question.books,
        question.gwp,
        Words::new(
            "Greenhouse gas statement in six categories",
            "六类温室气体清单",
        ),
        Words::new("ISO 14064-1:2018", "ISO 14064-1:2018"),
    );
    for (category, (en, zh)) in (1_u8..).zip(CATEGORIES) {
        let line = ground
            .line(
                &format!("iso-{category}"),
                Words::new(
                    format!("Category {category}: {en}"),
                    format!("类别 {category}：{zh}"),
                ),
                |placed: &Placed<'_>| {
                    placed.is_emission()
                        && placed.counts_by(Basis::Location)
                        && placed
                            .scope
                            .is_some_and(|scope| category_of(scope) == category)
                },
            )
            .role(LineRole::Sum);
        statement.lines.push(line);
        if category == 1 {
            statement.lines.extend(gas_lines(&ground));
        }
    }
    statement.lines.push(
        ground
            .line(
                "total-location",
                Words::new("Total, location-based", "合计（基于位置）"),
                ground.in_inventory(Basis::Location),
            )
            .role(LineRole::Result)
            .from_lines(&[
                ("iso-1", 1),
                ("iso-2", 1),
                ("iso-3", 1),
                ("iso-4", 1),
                ("iso-5", 1),
                ("iso-6", 1),
            ]),
    );
    // The same figures by scope, so that a reader of either standard finds their own.
    statement.lines.extend(
        scope_lines(&ground)
            .into_iter()
            .filter_map(|line| (line.depth == 0).then(|| line.role(LineRole::Beside))),
    );
    statement.lines.extend(ground.removal_lines());
    statement.lines.extend(ground.beside_lines());
    statement.lines.push(ground.credits_line());
    statement.netting = vec![
        netting(
            &statement,
            Words::new("Emissions of categories 1 to 6", "类别 1 至 6 的排放"),
            Treatment::In,
            "total-location",
            Words::new("Counted gross.", "按总量计入。"),
        ),
        netting(
            &statement,
            Words::new("Removals", "清除"),
            Treatment::Beside,
            "removals-net",
            Words::new(
                "Belong to category 1, with a line of their own; not taken from emissions.",
                "属于类别 1，单列，不从排放中扣除。",
            ),
        ),
        netting(
            &statement,
            Words::new("Credits and reduction initiatives", "减排量与减排举措"),
            Treatment::Beside,
            "credits-retired",
            Words::new(
                "May be told, are neither added to nor taken from totals.",
                "可以说明，不得计入或扣减合计。",
            ),
        ),
        netting(
            &statement,
            Words::new("Exported electricity", "外送电力"),
            Treatment::Beside,
            "avoided",
            Words::new("Told apart.", "单独说明。"),
        ),
    ];
    statement.netting.extend(ground.left_out_netting());
    let total = statement.line("total-location").expect("made above");
    let text = spoken(total.value.unwrap_or(0), Unit::Co2eMg);
    let half = spoken(total.half95.unwrap_or(0), Unit::Co2eMg);
    statement.verdict = Verdict::new(
        VerdictKind::Stated,
        format!("{text}, ± {half} at 95 %, in six categories; removals beside."),
        format!("{text}，95% 区间 ±{half}，分六类；清除量另列。"),
    );
    statement.notes.push(Words::new(
        "Upstream of fuels and grid losses stand in category 4; the mapping is a table and can be changed.",
        "燃料上游与线损列入类别 4；映射以表格形式给出，可以更改。",
    ));
    Ok(statement)
}

/// Category 1 by gas, as masses weighed by the set.
fn gas_lines(ground: &Ground<'_>) -> Vec<crate::claims::Line> {
    use crate::gas::{Gas, GasMasses};
    Gas::ALL
        .into_iter()
        .filter_map(|gas| {
            let of_gas = |placed: &Placed<'_>| {
                placed.is_emission()
                    && placed.scope == Some(Scope::One)
                    && placed.posting.gases.mg(gas) != 0
            };
            let mg: i64 = ground
                .placed
                .iter()
                .filter(|placed| of_gas(placed))
                .map(|placed| placed.gas_mg(gas))
                .sum();
            let weighed = GasMasses::of(gas, mg).co2e_mg(ground.gwp()).ok()?;
            let mut line = ground.line(
                &format!("iso-1-{}", gas.token()),
                Words::new(format!("of it {gas}"), format!("其中 {gas}")),
                of_gas,
            );
            if line.from.is_empty() {
                return None;
            }
            line.value = Some(weighed);
            line.half95 = None;
            Some(line.depth(1))
        })
        .collect()
}
