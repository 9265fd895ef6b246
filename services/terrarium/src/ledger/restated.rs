//! A reporting period and its restatements as tables for people.

use terrarium_proto::ledger::v1::{
    ChangeReason, PeriodFigures, ReportingState, Restatement, RestatementsResponse,
};

use crate::output::{count, kg, short_enum, table};

/// Where the period stands, what was reported, and each change since.
pub fn table_of(answer: &RestatementsResponse) -> String {
    let state = short_enum(answer.state().as_str_name(), "REPORTING_STATE_");
    let time = answer.time.clone().unwrap_or_default();
    let mut text = format!(
        "period {} ({} to {}): {state}\n\n",
        answer.period, time.from, time.to
    );
    let figures = [
        ("reported", &answer.reported),
        ("as known", &answer.current),
    ];
    let rows: Vec<Vec<String>> = figures
        .into_iter()
        .filter_map(|(name, figures)| figures.as_ref().map(|figures| figures_row(name, figures)))
        .collect();
    text.push_str(&table(
        &[
            "figures",
            "location kg",
            "market kg",
            "avoided kg",
            "removed kg",
            "embodied kg",
            "position",
            "books",
        ],
        &["figures", "books"],
        rows,
    ));
    if answer.state() == ReportingState::Live {
        text.push_str("\n\nit is live: its figures move by themselves, and nothing restates it");
        return text;
    }
    if !answer.restatements.is_empty() {
        text.push_str("\n\n");
        text.push_str(&table(
            &[
                "no.",
                "reason",
                "facts",
                "location kg",
                "to",
                "market kg",
                "to",
                "avoided kg",
                "to",
                "moved",
                "taken over",
            ],
            &["reason", "moved", "taken over"],
            answer
                .restatements
                .iter()
                .map(restatement_row)
                .collect::<Vec<_>>(),
        ));
    }
    if !answer.unchecked_factors.is_empty() {
        text.push_str(&format!(
            "\n\n{} factors were not checked against their source, so nobody can verify the period: {}",
            answer.unchecked_factors.len(),
            answer.unchecked_factors.join(", ")
        ));
    }
    text
}

fn figures_row(name: &str, figures: &PeriodFigures) -> Vec<String> {
    let known = match figures.known_at_position {
        u64::MAX => "now".to_owned(),
        position => count(position),
    };
    vec![
        name.to_owned(),
        kg(figures.location_mg),
        kg(figures.market_mg),
        kg(figures.avoided_mg),
        kg(figures.removal_mg),
        kg(figures.embodied_mg),
        known,
        short_hash(&figures.books_sha256),
    ]
}

fn restatement_row(entry: &Restatement) -> Vec<String> {
    let before = entry.before.clone().unwrap_or_default();
    let after = entry.after.clone().unwrap_or_default();
    let reason = ChangeReason::try_from(entry.reason).unwrap_or_default();
    vec![
        entry.number.to_string(),
        short_enum(reason.as_str_name(), "CHANGE_REASON_"),
        count(entry.facts),
        kg(before.location_mg),
        kg(after.location_mg),
        kg(before.market_mg),
        kg(after.market_mg),
        kg(before.avoided_mg),
        kg(after.avoided_mg),
        if entry.material {
            format!("past {:.1} %", f64::from(entry.materiality_permille) / 10.0)
        } else {
            "less".to_owned()
        },
        entry
            .taken_over_position
            .map_or_else(|| "not yet".to_owned(), |position| format!("at {position}")),
    ]
}

fn short_hash(hash: &[u8]) -> String {
    hex::encode(&hash[..hash.len().min(6)])
}
