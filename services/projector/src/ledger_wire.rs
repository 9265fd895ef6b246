//! The ledger's values as the wire carries them.

use terrarium_ledger::entry::{EnergyAccount, EntryLine};
use terrarium_ledger::{BalanceLine, Book, Entry, FactorMark, FactorRow, Gap, NodeHour, Quality};
use terrarium_model::{
    Asset, AssetId, ParkDefinition, SECONDS_PER_HOUR, TimeZone, UnixSeconds, format_rfc3339_utc,
};
use terrarium_proto::ledger::v1 as wire;

pub(crate) fn hour_balance(
    asset: &AssetId,
    hour_start: UnixSeconds,
    hour: &NodeHour,
) -> wire::HourBalance {
    let mut line = BalanceLine::of(asset.as_str());
    line.add_hour(hour);
    wire::HourBalance {
        asset: asset.to_string(),
        hour_start_s: hour_start.0,
        complete: hour.complete,
        line: Some(balance_line(line)),
    }
}

pub(crate) fn balance_line(line: BalanceLine) -> wire::BalanceLine {
    wire::BalanceLine {
        matched_ppm: line.matched_ppm(),
        key: line.key,
        consumption_wh: line.consumption_wh,
        generation_wh: line.generation_wh,
        import_wh: line.import_wh,
        export_wh: line.export_wh,
        self_use_wh: line.self_use_wh,
        unexplained_wh: line.unexplained_wh,
        scope2_location_mg: line.scope2_location_mg,
        avoided_mg: line.avoided_mg,
        hours_expected: line.hours_expected,
        hours_metered: line.hours_metered,
        hours_missing: line.hours_missing,
        hours_without_factor: line.hours_without_factor,
        hours_estimated: line.hours_estimated,
        charge_wh: line.charge_wh,
        discharge_wh: line.discharge_wh,
    }
}

pub(crate) fn book(book: Book) -> wire::Book {
    match book {
        Book::Energy => wire::Book::Energy,
        Book::Emission => wire::Book::Emission,
        Book::Avoided => wire::Book::Avoided,
    }
}

pub(crate) fn account(account: EnergyAccount) -> wire::EnergyAccount {
    match account {
        EnergyAccount::Consumption => wire::EnergyAccount::Consumption,
        EnergyAccount::Generation => wire::EnergyAccount::Generation,
        EnergyAccount::Import => wire::EnergyAccount::Import,
        EnergyAccount::Export => wire::EnergyAccount::Export,
        EnergyAccount::SelfUse => wire::EnergyAccount::SelfUse,
        EnergyAccount::Unexplained => wire::EnergyAccount::Unexplained,
        EnergyAccount::Charge => wire::EnergyAccount::Charge,
        EnergyAccount::Discharge => wire::EnergyAccount::Discharge,
    }
}

pub(crate) fn entry(entry: &Entry, zone: &TimeZone) -> wire::Entry {
    wire::Entry {
        entry_id: entry.id.to_string(),
        book: book(entry.id.line.book()).into(),
        asset: entry.id.asset.to_string(),
        interval_start: zone.format_rfc3339(entry.id.hour_start),
        interval_seconds: SECONDS_PER_HOUR as u32,
        account: match entry.id.line {
            EntryLine::Energy(of) => account(of).into(),
            _ => wire::EnergyAccount::Unspecified.into(),
        },
        energy_wh: entry.energy.0,
        mass_mg: entry.mass.map_or(0, |mass| mass.0),
        factor: entry.factor.as_ref().map(factor_ref),
        method: entry.id.line.method().to_string(),
        quality: quality(entry.quality),
    }
}

/// The factor row; who published it when is filled in where the event is at hand.
pub(crate) fn factor_ref(row: &FactorRow) -> wire::FactorRef {
    let set = &row.set;
    let (valid_from, valid_to) = set.row_validity(row.row);
    wire::FactorRef {
        set: set.set.to_string(),
        version: set.version.clone(),
        publisher: set.publisher.clone(),
        region: set.region.clone(),
        kind: set.kind.token().to_owned(),
        unit: set.unit.token(),
        published_on: set.published_on.clone(),
        source: set.source.clone(),
        row: row.row as u32,
        valid_from: format_rfc3339_utc(valid_from),
        valid_to: format_rfc3339_utc(valid_to),
        value: row.value().to_string(),
        event: Some(wire::EventRef {
            position: row.origin.position,
            event_id: row.origin.event.to_string(),
            ..wire::EventRef::default()
        }),
        row_id: set.detail.row.clone(),
        subject: set.detail.subject.clone(),
        locator: set.detail.locator.clone(),
        mark: mark(set.detail.mark).to_owned(),
        u95_ppm: set.detail.u95_ppm,
    }
}

/// How sure the source of a factor is.
pub(crate) fn mark(of: FactorMark) -> &'static str {
    match of {
        FactorMark::Verified => "verified",
        FactorMark::Secondary => "secondary",
        FactorMark::Default => "default",
    }
}

/// Where an asset stands.
pub(crate) fn place(definition: &ParkDefinition, asset: &AssetId) -> wire::Place {
    let known = definition.assets.get(asset);
    let text = |of: fn(&Asset) -> String| known.map_or_else(String::new, of);
    wire::Place {
        park: definition.id.to_string(),
        asset: asset.to_string(),
        asset_kind: text(|asset| asset.kind.token().to_owned()),
        name_en: text(|asset| asset.name.en.clone()),
        name_zh: text(|asset| asset.name.zh.clone()),
        zone: text(|asset| asset.zone.to_string()),
        grid_region: definition.grid_region.clone(),
    }
}

pub(crate) fn quality(quality: Quality) -> Vec<i32> {
    [
        (Quality::SPREAD, wire::QualityFlag::Spread),
        (Quality::CORRECTED, wire::QualityFlag::Corrected),
        (Quality::RELEASED, wire::QualityFlag::Released),
        (Quality::FROM_REGISTER, wire::QualityFlag::FromRegister),
        (Quality::WIDER_REGION, wire::QualityFlag::WiderRegion),
    ]
    .into_iter()
    .filter(|(flag, _)| quality.has(*flag))
    .map(|(_, flag)| flag.into())
    .collect()
}

pub(crate) fn gaps(gaps: &[Gap], zone: &TimeZone) -> Vec<wire::Gap> {
    gaps.iter()
        .map(|gap| wire::Gap {
            from: zone.format_rfc3339(gap.from),
            to: zone.format_rfc3339(gap.to),
        })
        .collect()
}
