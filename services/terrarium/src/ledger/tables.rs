//! Ledger answers as tables for people.

use terrarium_model::{UnixSeconds, format_rfc3339_utc};
use terrarium_proto::ledger::v1::{
    BalanceLine, BalanceResponse, Book, CompletenessResponse, Entry, Gap, HourBalance, QualityFlag,
};

use super::By;
use crate::output::{count, kg, kwh, per_cent, short_enum, table};

/// Gaps that a completeness table lists for each meter or region.
const LISTED_GAPS: usize = 10;

/// A balance, its total, and what is missing from it.
pub fn balance(answer: &BalanceResponse, by: By) -> String {
    let total = answer.total.clone().unwrap_or_default();
    let lines = || answer.lines.iter().chain([&total]);
    let columns = Columns {
        storage: lines().any(|line| (line.charge_wh, line.discharge_wh) != (0, 0)),
        unexplained: lines().any(|line| line.unexplained_wh != 0),
    };
    let mut headers = vec![
        by.name(),
        "consumption",
        "generation",
        "import",
        "export",
        "self-use",
    ];
    if columns.storage {
        headers.extend(["charge", "discharge"]);
    }
    if columns.unexplained {
        headers.push("unexplained");
    }
    headers.extend([
        "imports kg",
        "exports kg",
        "matched %",
        "hours",
        "no factor",
    ]);
    let mut rows: Vec<Vec<String>> = Vec::new();
    if by != By::Total {
        rows.extend(
            answer
                .lines
                .iter()
                .map(|line| balance_row(&line.key, line, columns)),
        );
    }
    rows.push(balance_row("total", &total, columns));
    let mut text = table(&headers, &[by.name()], rows);
    text.push_str("\n\n");
    text.push_str(&balance_footer(answer, &total));
    text
}

/// Columns that only some parks have.
#[derive(Clone, Copy)]
struct Columns {
    storage: bool,
    unexplained: bool,
}

fn balance_row(key: &str, line: &BalanceLine, columns: Columns) -> Vec<String> {
    let mut row = vec![
        key.to_owned(),
        kwh(line.consumption_wh),
        kwh(line.generation_wh),
        kwh(line.import_wh),
        kwh(line.export_wh),
        kwh(line.self_use_wh),
    ];
    if columns.storage {
        row.extend([kwh(line.charge_wh), kwh(line.discharge_wh)]);
    }
    if columns.unexplained {
        row.push(kwh(line.unexplained_wh));
    }
    row.extend([
        kg(line.scope2_location_mg),
        kg(line.avoided_mg),
        per_cent(line.matched_ppm),
        format!(
            "{}/{}",
            count(line.hours_metered),
            count(line.hours_expected)
        ),
        count(line.hours_without_factor),
    ]);
    row
}

fn balance_footer(answer: &BalanceResponse, total: &BalanceLine) -> String {
    let period = answer.period.clone().unwrap_or_default();
    let mut lines = vec![format!(
        "park {}, {} to {}, as of position {}; energy in kWh, carbon of all imports at the grid's average and of all exports at their \
         baseline; `terrarium report` tells whose they were",
        answer.park, period.from, period.to, answer.position
    )];
    lines.push(match (total.hours_missing, total.hours_expected) {
        (0, expected) => format!("all {} node hours are metered", count(expected)),
        (missing, expected) => format!(
            "{} of {} node hours are missing and count in no total; `terrarium ledger completeness` shows where",
            count(missing),
            count(expected)
        ),
    });
    if total.hours_without_factor > 0 {
        lines.push(format!(
            "{} metered node hours have no emission factor and count in no carbon total",
            count(total.hours_without_factor)
        ));
    }
    if total.hours_estimated > 0 {
        lines.push(format!(
            "{} node hours are estimated: readings longer than an hour, spread evenly",
            count(total.hours_estimated)
        ));
    }
    lines.join("\n")
}

/// Header of [`entry_row`].
pub fn entry_header() -> String {
    format!(
        "{:<72} {:>14} {:>13}  {}",
        "entry", "kWh", "kg", "factor, quality"
    )
}

/// One entry; fixed widths, since entries are printed as they come.
pub fn entry_row(entry: &Entry) -> String {
    let is_energy = entry.book == Book::Energy as i32;
    let mass = if is_energy {
        String::new()
    } else {
        kg(entry.mass_mg)
    };
    let mut notes = Vec::new();
    if let Some(factor) = &entry.factor {
        notes.push(format!(
            "{} {} ({} {})",
            factor.value, factor.unit, factor.set, factor.version
        ));
    }
    notes.extend(entry.quality.iter().map(|flag| quality_name(*flag)));
    let row = format!(
        "{:<72} {:>14} {:>13}  {}",
        entry.entry_id,
        kwh(entry.energy_wh),
        mass,
        notes.join(", ")
    );
    row.trim_end().to_owned()
}

/// A quality flag in words.
pub fn quality_name(flag: i32) -> String {
    let flag = QualityFlag::try_from(flag).unwrap_or_default();
    short_enum(flag.as_str_name(), "QUALITY_FLAG_")
}

/// Header of [`watch_row`].
pub fn watch_header() -> String {
    format!(
        "{:<20} {:<20} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}  {}",
        "hour (UTC)",
        "asset",
        "consumption",
        "generation",
        "import",
        "export",
        "imports kg",
        "exports kg",
        "state"
    )
}

/// One node hour as it stands now.
pub fn watch_row(hour: &HourBalance) -> String {
    let line = hour.line.clone().unwrap_or_default();
    let state = match (hour.complete, line.hours_without_factor) {
        (false, _) => "incomplete",
        (true, 0) => "complete",
        (true, _) => "complete, no factor",
    };
    format!(
        "{:<20} {:<20} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}  {state}",
        format_rfc3339_utc(UnixSeconds(hour.hour_start_s)),
        hour.asset,
        kwh(line.consumption_wh),
        kwh(line.generation_wh),
        kwh(line.import_wh),
        kwh(line.export_wh),
        kg(line.scope2_location_mg),
        kg(line.avoided_mg)
    )
}

/// What is there and what is missing, meter by meter, then the factors.
pub fn completeness(answer: &CompletenessResponse) -> String {
    let headers = [
        "meter",
        "asset",
        "hours",
        "missing",
        "readings",
        "quarantined",
    ];
    let rows = answer.meters.iter().map(|meter| {
        vec![
            meter.meter.clone(),
            meter.asset.clone(),
            format!(
                "{}/{}",
                count(meter.hours_metered),
                count(meter.hours_expected)
            ),
            count(meter.hours_expected.saturating_sub(meter.hours_metered)),
            count(meter.readings),
            count(meter.quarantined),
        ]
    });
    let mut lines = vec![table(&headers, &["meter", "asset"], rows), String::new()];
    for meter in &answer.meters {
        lines.extend(gap_lines(&format!("meter {}", meter.meter), &meter.gaps));
    }
    for factors in &answer.factors {
        let (covered, expected) = (count(factors.hours_covered), count(factors.hours_expected));
        lines.push(format!(
            "factors of region {}: {covered} of {expected} hours",
            factors.region
        ));
        lines.extend(gap_lines(
            &format!("factors of region {}", factors.region),
            &factors.gaps,
        ));
    }
    let period = answer.period.clone().unwrap_or_default();
    lines.push(format!(
        "{} to {}, as of position {}",
        period.from, period.to, answer.position
    ));
    lines.join("\n")
}

fn gap_lines(what: &str, gaps: &[Gap]) -> Vec<String> {
    let mut lines: Vec<String> = gaps
        .iter()
        .take(LISTED_GAPS)
        .map(|gap| format!("{what}: nothing from {} to {}", gap.from, gap.to))
        .collect();
    if gaps.len() > LISTED_GAPS {
        lines.push(format!(
            "{what}: {} more gaps (--format json lists them)",
            gaps.len() - LISTED_GAPS
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use terrarium_proto::ledger::v1::{FactorRef, MeterCompleteness, Period};

    use super::*;

    fn line(key: &str) -> BalanceLine {
        BalanceLine {
            key: key.into(),
            consumption_wh: 10_583_354,
            import_wh: 7_026_812,
            scope2_location_mg: 1_117_622_000,
            matched_ppm: Some(336_051),
            hours_expected: 8760,
            hours_metered: 8758,
            hours_missing: 2,
            ..Default::default()
        }
    }

    fn response(line: BalanceLine) -> BalanceResponse {
        let period = Period {
            from: "2016-07-31T23:00:00-08:00".into(),
            to: "2017-07-31T23:00:00-08:00".into(),
        };
        BalanceResponse {
            park: "zne-homes".into(),
            period: Some(period),
            lines: vec![line.clone()],
            total: Some(line),
            position: 42,
        }
    }

    #[test]
    fn a_balance_tells_what_is_missing_plainly() {
        let text = balance(&response(line("home-01")), By::Asset);
        assert!(text.contains("home-01"), "{text}");
        assert!(
            text.contains("10,583.354") && text.contains("1,117.622") && text.contains("33.61"),
            "{text}"
        );
        assert!(text.contains("8,758/8,760"), "{text}");
        assert!(
            text.contains("2 of 8,760 node hours are missing and count in no total"),
            "{text}"
        );
        assert!(text.contains("as of position 42"), "{text}");
        assert!(!text.contains("unexplained"), "{text}");
    }

    #[test]
    fn unexplained_energy_gets_a_column_when_there_is_some() {
        let text = balance(
            &response(BalanceLine {
                unexplained_wh: -7,
                ..line("home-01")
            }),
            By::Asset,
        );
        assert!(
            text.contains("unexplained") && text.contains("-0.007"),
            "{text}"
        );
    }

    #[test]
    fn a_carbon_entry_shows_its_factor_and_quality() {
        let factor = FactorRef {
            set: "caiso-hourly".into(),
            version: "2017".into(),
            unit: "kgCO2/kWh".into(),
            value: "0.17072440".into(),
            ..Default::default()
        };
        let entry = Entry {
            entry_id: "emission/home-01/2016-08-01T07:00:00Z/scope2-location".into(),
            book: Book::Emission as i32,
            energy_wh: 2276,
            mass_mg: 388_569,
            factor: Some(factor),
            quality: vec![QualityFlag::FromRegister as i32],
            ..Default::default()
        };
        let row = entry_row(&entry);
        assert!(
            row.ends_with(
                "2.276         0.389  0.17072440 kgCO2/kWh (caiso-hourly 2017), from register"
            ),
            "{row}"
        );
    }

    #[test]
    fn gaps_are_listed_with_their_meter() {
        let gap = Gap {
            from: "A".into(),
            to: "B".into(),
        };
        let meter = MeterCompleteness {
            meter: "home-01.load".into(),
            gaps: vec![gap; 12],
            ..Default::default()
        };
        let text = completeness(&CompletenessResponse {
            meters: vec![meter],
            ..Default::default()
        });
        assert!(
            text.contains("meter home-01.load: nothing from A to B"),
            "{text}"
        );
        assert!(text.contains("meter home-01.load: 2 more gaps"), "{text}");
    }
}
