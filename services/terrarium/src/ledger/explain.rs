//! The explanation of one entry as a tree for people: kilograms at the top, recorded events at the leaves.

use std::collections::BTreeSet;

use terrarium_proto::ledger::v1::{
    Book, EnergyAccount, EventRef, ExplainResponse, FactorRef, MeterContribution,
};

use super::tables::quality_name;
use crate::output::{kg, kwh, short_enum};

struct Branch {
    text: String,
    below: Vec<Branch>,
}

impl Branch {
    fn new(text: impl Into<String>) -> Branch {
        Branch {
            text: text.into(),
            below: Vec::new(),
        }
    }

    fn with(mut self, below: Branch) -> Branch {
        self.below.push(below);
        self
    }

    fn print(&self, indent: &str, text: &mut String) {
        for (index, branch) in self.below.iter().enumerate() {
            let is_last = index + 1 == self.below.len();
            let (fork, continuation) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            text.push('\n');
            text.push_str(indent);
            text.push_str(fork);
            text.push_str(&branch.text);
            branch.print(&format!("{indent}{continuation}"), text);
        }
    }
}

/// The whole tree, one branch a line.
pub fn tree(answer: &ExplainResponse) -> String {
    let entry = answer.entry.clone().unwrap_or_default();
    let is_energy = entry.book == Book::Energy as i32;
    let result = if is_energy {
        format!("{} kWh ({} Wh)", kwh(entry.energy_wh), entry.energy_wh)
    } else {
        format!("{} kg ({} mg)", kg(entry.mass_mg), entry.mass_mg)
    };
    let what = if is_energy {
        account_name(entry.account)
    } else {
        entry.method.clone()
    };
    let mut root = Branch::new(format!("{result}  {what} of {}", entry.asset))
        .with(Branch::new(format!("entry {}", entry.entry_id)))
        .with(Branch::new(format!(
            "hour {}, {} s",
            entry.interval_start, entry.interval_seconds
        )))
        .with(activity(answer, entry.energy_wh));
    if let Some(factor) = &entry.factor {
        root = root.with(factor_branch(factor));
    }
    if !is_energy {
        root = root.with(result_branch(answer, entry.mass_mg));
    }
    if answer.half_width_mg > 0 {
        root = root.with(Branch::new(format!(
            "95 % within {} mg: energy ± {} %, and the factor",
            answer.half_width_mg,
            f64::from(answer.activity_u95_ppm) / 10_000.0
        )));
    }
    if let Some(place) = &answer.place {
        root = root.with(Branch::new(format!(
            "at {} ({}, {}) in zone {} of park {}; {} answers for it",
            place.asset, place.asset_kind, place.name_en, place.zone, place.park, answer.party
        )));
    }
    for attached in &answer.attached {
        root = root.with(Branch::new(format!("attached {attached}")));
    }
    if !entry.quality.is_empty() {
        let names: Vec<String> = entry
            .quality
            .iter()
            .map(|flag| quality_name(*flag))
            .collect();
        root = root.with(Branch::new(format!("quality: {}", names.join(", "))));
    }
    root = root.with(Branch::new(format!(
        "calculated by {}, as of position {}",
        answer.calculated_by, answer.position
    )));
    let mut text = root.text.clone();
    root.print("", &mut text);
    text
}

fn activity(answer: &ExplainResponse, energy_wh: i64) -> Branch {
    let mut branch = Branch::new(format!(
        "activity {} kWh: {}",
        kwh(energy_wh),
        answer.activity_formula
    ));
    let mut accounts_shown = BTreeSet::new();
    for input in &answer.inputs {
        accounts_shown.insert(input.account);
        let mut account = Branch::new(format!(
            "{} {} kWh",
            account_name(input.account),
            kwh(input.energy_wh)
        ));
        let contributions = answer
            .contributions
            .iter()
            .filter(|contribution| contribution.account == input.account);
        account.below.extend(contributions.map(contribution_branch));
        branch.below.push(account);
    }
    let others = answer
        .contributions
        .iter()
        .filter(|contribution| !accounts_shown.contains(&contribution.account));
    branch.below.extend(others.map(contribution_branch));
    branch
}

fn contribution_branch(contribution: &MeterContribution) -> Branch {
    let MeterContribution {
        meter,
        energy_wh,
        interval_start,
        interval_seconds,
        value,
        unit,
        revision,
        ..
    } = contribution;
    let share = if contribution.reading_wh == *energy_wh {
        String::new()
    } else {
        format!(" ({} kWh of it in this hour)", kwh(*energy_wh))
    };
    let mut branch = Branch::new(format!(
        "meter {meter}: {value} {unit} reported for {interval_start}, {interval_seconds} s, revision {revision}{share}"
    ));
    branch
        .below
        .extend(contribution.events.iter().map(event_branch));
    for replaced in &contribution.corrected {
        let mut older = Branch::new(format!(
            "replaces revision {}: {} kWh",
            replaced.revision,
            kwh(replaced.reading_wh)
        ));
        older.below.extend(replaced.event.iter().map(event_branch));
        branch.below.push(older);
    }
    branch
}

fn factor_branch(factor: &FactorRef) -> Branch {
    let mut branch = Branch::new(format!("factor {} {}", factor.value, factor.unit))
        .with(Branch::new(format!(
            "set {}, version {}, row {}",
            factor.set, factor.version, factor.row
        )))
        .with(Branch::new(format!(
            "valid {} to {}",
            factor.valid_from, factor.valid_to
        )))
        .with(Branch::new(format!(
            "published by {} on {} for region {} ({})",
            factor.publisher, factor.published_on, factor.region, factor.kind
        )))
        .with(Branch::new(format!(
            "source: {} ({}), ± {} %",
            factor.source,
            factor.mark,
            f64::from(factor.u95_ppm) / 10_000.0
        )));
    if !factor.locator.is_empty() {
        branch = branch.with(Branch::new(format!("stands in: {}", factor.locator)));
    }
    branch.below.extend(factor.event.iter().map(event_branch));
    branch
}

fn result_branch(answer: &ExplainResponse, mass_mg: i64) -> Branch {
    Branch::new(format!("result {mass_mg} mg: {}", answer.result_formula))
        .with(Branch::new(format!(
            "exact {} / {} mg",
            answer.exact_numerator, answer.exact_denominator
        )))
        .with(Branch::new(format!("rounding: {}", answer.rounding)))
}

fn event_branch(event: &EventRef) -> Branch {
    let short_type = event.r#type.rsplit('.').next().unwrap_or_default();
    Branch::new(format!(
        "event {} {short_type} at position {}, {}#{}, recorded {} by {}",
        event.event_id,
        event.position,
        event.stream,
        event.revision,
        event.recorded_time,
        event.actor
    ))
}

fn account_name(account: i32) -> String {
    let account = EnergyAccount::try_from(account).unwrap_or_default();
    short_enum(account.as_str_name(), "ENERGY_ACCOUNT_")
}

#[cfg(test)]
mod tests {
    use terrarium_proto::ledger::v1::{AccountAmount, Entry};

    use super::*;

    #[test]
    fn the_tree_goes_from_kilograms_to_the_recorded_events() {
        let event = EventRef {
            position: 77,
            event_id: "0190".into(),
            r#type: "terrarium.energy.v1.IntervalMeteredV1".into(),
            stream: "energy.meter-zne-homes.home-01.load".into(),
            ..Default::default()
        };
        let contribution = MeterContribution {
            meter: "home-01.load".into(),
            account: EnergyAccount::Consumption as i32,
            energy_wh: 2276,
            reading_wh: 2276,
            value: "2.2758".into(),
            unit: "kWh".into(),
            events: vec![event.clone()],
            ..Default::default()
        };
        let factor = FactorRef {
            value: "0.17".into(),
            event: Some(event),
            ..Default::default()
        };
        let answer = ExplainResponse {
            entry: Some(Entry {
                book: Book::Emission as i32,
                asset: "home-01".into(),
                method: "scope2-location/1".into(),
                energy_wh: 2276,
                mass_mg: 386_920,
                factor: Some(factor),
                ..Default::default()
            }),
            activity_formula: "import = max(0, consumption - generation)".into(),
            inputs: vec![AccountAmount {
                account: EnergyAccount::Consumption as i32,
                energy_wh: 2276,
            }],
            contributions: vec![contribution],
            exact_numerator: "38692000".into(),
            exact_denominator: "100".into(),
            rounding: "half to even".into(),
            ..Default::default()
        };
        let text = tree(&answer);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "0.387 kg (386920 mg)  scope2-location/1 of home-01"
        );
        assert!(
            text.contains("├─ activity 2.276 kWh: import = max(0, consumption - generation)"),
            "{text}"
        );
        assert!(text.contains("│  └─ consumption 2.276 kWh"), "{text}");
        assert!(
            text.contains("│     └─ meter home-01.load: 2.2758 kWh reported for"),
            "{text}"
        );
        assert!(
            text.contains("│        └─ event 0190 IntervalMeteredV1 at position 77"),
            "{text}"
        );
        assert!(text.contains("exact 38692000 / 100 mg"), "{text}");
    }
}
