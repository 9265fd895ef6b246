//! From reported activities, documents, invoices and profiles as sent to what can be decided about. Pure.

use terrarium_journal::{
    Rejection, find_any_asset, take_in_evidence, take_in_instant, take_in_text, take_in_token,
};
use terrarium_ledger::carbon::{ActivityKind, u95_ppm_of_tier};
use terrarium_model::{
    AmountUnit, AssetId, Decimal, MeterId, ParkDefinition, Unit, UnixSeconds, energy_wh,
};
use terrarium_proto::carbon::v1 as wire;

/// Longest interval of a reported activity: a leap year.
const LONGEST_ACTIVITY_S: u32 = 366 * 86_400;
/// Longest name of what an activity was done with, in bytes.
const LONGEST_SUBJECT_BYTES: usize = 64;
/// Half of a 95 % interval is at most 300 %.
const MOST_U95_PPM: u32 = 3_000_000;
const SECONDS_PER_HOUR: i64 = 3_600;

/// Checks a report as sent.
pub fn take_in_activity(
    park: &ParkDefinition,
    sent: &wire::ReportActivityRequest,
) -> Result<(AssetId, wire::ActivityReportedV1), Rejection> {
    let asset = find_any_asset(park, "asset", &sent.asset)?;
    let kind = ActivityKind::parse(&sent.kind)
        .filter(|kind| kind.is_reported())
        .ok_or_else(|| {
            let kinds: Vec<&str> = ActivityKind::ALL
                .iter()
                .filter(|kind| kind.is_reported())
                .map(|kind| kind.token())
                .collect();
            Rejection::invalid(
                "kind",
                format!(
                    "\"{}\" can't be reported; kinds are {}",
                    sent.kind,
                    kinds.join(", ")
                ),
            )
        })?;
    if sent.interval_seconds > LONGEST_ACTIVITY_S {
        return Err(Rejection::invalid(
            "interval_seconds",
            format!(
                "{} s are more than a year; report years one by one",
                sent.interval_seconds
            ),
        ));
    }
    if !(1..=6).contains(&sent.tier) {
        return Err(Rejection::invalid(
            "tier",
            format!(
                "{} is no tier; 1 is metered and calibrated, 2 a sub-meter or scale, 3 an uncalibrated sensor, 4 a model, 5 a proxy, 6 \
                 assumed",
                sent.tier
            ),
        ));
    }
    if sent.u95_ppm > MOST_U95_PPM {
        return Err(Rejection::invalid(
            "u95_ppm",
            format!("{} is more than {MOST_U95_PPM} (300 %)", sent.u95_ppm),
        ));
    }
    let (amount, unit) = take_in_amount(kind, &sent.value, &sent.unit)?;
    let report = wire::ActivityReportedV1 {
        asset: asset.id.to_string(),
        activity: take_in_token("activity", &sent.activity)?.to_string(),
        kind: kind.token().to_owned(),
        subject: take_in_subject(&sent.subject)?,
        interval_start_s: take_in_instant("interval_start", &sent.interval_start)?.0,
        interval_seconds: sent.interval_seconds,
        value: sent.value.clone(),
        unit: sent.unit.clone(),
        amount,
        amount_unit: unit.token().to_owned(),
        revision: sent.revision,
        party: if sent.party.is_empty() {
            "park".to_owned()
        } else {
            take_in_token("party", &sent.party)?.to_string()
        },
        tier: sent.tier,
        u95_ppm: if sent.u95_ppm == 0 {
            u95_ppm_of_tier(sent.tier as u8)
        } else {
            sent.u95_ppm
        },
        source: take_in_text("source", &sent.source)?,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
        reason: if sent.reason.is_empty() {
            String::new()
        } else {
            take_in_text("reason", &sent.reason)?
        },
    };
    Ok((asset.id.clone(), report))
}

fn take_in_subject(text: &str) -> Result<String, Rejection> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    if text.is_empty() || text.len() > LONGEST_SUBJECT_BYTES || !text.bytes().all(is_good) {
        return Err(Rejection::invalid(
            "subject",
            format!(
                "{text:?} is no name of a fuel, gas, mode or material; write 1 to {LONGEST_SUBJECT_BYTES} letters, digits, '.', '_', '-', \
                 '/', as the factors name it"
            ),
        ));
    }
    Ok(text.to_owned())
}

/// Steps of an amount in a unit of a report: (unit, steps, of which kind).
const UNITS: [(&str, i128, AmountUnit); 13] = [
    ("L", 1_000, AmountUnit::Millilitre),
    ("L", 1, AmountUnit::Litre),
    ("m3", 1_000, AmountUnit::Litre),
    ("Nm3", 1_000, AmountUnit::NormalLitre),
    ("g", 1, AmountUnit::Gram),
    ("kg", 1_000, AmountUnit::Gram),
    ("t", 1_000_000, AmountUnit::Gram),
    ("m", 1, AmountUnit::Metre),
    ("km", 1_000, AmountUnit::Metre),
    ("tkm", 1_000_000_000, AmountUnit::GramMetre),
    ("kgkm", 1_000_000, AmountUnit::GramMetre),
    ("pkm", 1_000, AmountUnit::PersonMetre),
    ("Nl", 1, AmountUnit::NormalLitre),
];

/// The amount in whole steps, rounded once.
fn take_in_amount(
    kind: ActivityKind,
    value: &str,
    unit: &str,
) -> Result<(i64, AmountUnit), Rejection> {
    let decimal =
        Decimal::parse(value).map_err(|error| Rejection::invalid("value", error.to_string()))?;
    let allowed = kind.units();
    let out_of_range = || {
        Rejection::invalid(
            "value",
            format!("{value} {unit} is out of range; check value and unit"),
        )
    };
    let (amount, unit) = if let Some((_, steps, unit)) = UNITS
        .iter()
        .find(|(token, _, steps)| *token == unit && allowed.contains(steps))
    {
        (
            decimal
                .to_integer_units(*steps, 1)
                .ok_or_else(out_of_range)?,
            *unit,
        )
    } else if allowed.contains(&AmountUnit::WattHour)
        && let Ok(energy_unit) = Unit::parse(unit)
        && let Ok(energy) = energy_wh(&decimal, energy_unit)
    {
        (energy.0, AmountUnit::WattHour)
    } else {
        let mut tokens: Vec<&str> = UNITS
            .iter()
            .filter(|(_, _, steps)| allowed.contains(steps))
            .map(|(token, ..)| *token)
            .collect();
        if allowed.contains(&AmountUnit::WattHour) {
            tokens.extend(["kWh", "MWh", "MJ", "GJ"]);
        }
        return Err(Rejection::invalid(
            "unit",
            format!(
                "{} is not reported in \"{unit}\"; write one of {}",
                kind.token(),
                tokens.join(", ")
            ),
        ));
    };
    if amount < 0 {
        return Err(Rejection::invalid(
            "value",
            format!(
                "{value} {unit} is below zero; correct the report before with its next revision"
            ),
        ));
    }
    Ok((amount, unit))
}

/// Checks a document as sent. `is_reported` tells whether there is such an activity.
pub fn take_in_document(
    park: &ParkDefinition,
    sent: &wire::AttachEvidenceRequest,
) -> Result<wire::EvidenceAttachedV1, Rejection> {
    if sent.sha256.len() != 32 {
        return Err(Rejection::invalid(
            "sha256",
            format!(
                "it has {} bytes; send the 32 bytes of a SHA-256",
                sent.sha256.len()
            ),
        ));
    }
    let asset = sent.about.split('/').next().unwrap_or_default();
    let is_meter = MeterId::new(&sent.about).is_ok_and(|meter| park.meters.contains_key(&meter));
    let parts = sent.about.split('/').count();
    if !is_meter && (parts == 2 || parts > 3 || find_any_asset(park, "about", asset).is_err()) {
        return Err(Rejection::invalid(
            "about",
            format!(
                "park {} has no meter or asset {:?}; write the id of one, or \"<asset>/<kind>/<activity>\" of a reported activity",
                park.id, sent.about
            ),
        ));
    }
    Ok(wire::EvidenceAttachedV1 {
        sha256: sent.sha256.clone(),
        kind: sent.kind,
        about: sent.about.clone(),
        from_s: take_in_instant("from", &sent.from)?.0,
        to_s: take_in_instant("to", &sent.to)?.0,
        note: take_in_text("note", &sent.note)?,
        time_s: 0,
    })
}

/// Checks an invoice as sent.
pub fn take_in_invoice(
    park: &ParkDefinition,
    sent: &wire::RecordInvoiceRequest,
) -> Result<wire::InvoiceRecordedV1, Rejection> {
    let decimal = Decimal::parse(&sent.value)
        .map_err(|error| Rejection::invalid("value", error.to_string()))?;
    let out_of_range = || Rejection::invalid("value", "it is out of range; check value and unit");
    let mut meters = sent.meters.clone();
    meters.sort();
    if meters.is_empty() || meters.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Rejection::invalid(
            "meters",
            "name the meters that it is about, at least one, each once",
        ));
    }
    let amount = match sent.carrier() {
        wire::InvoiceCarrier::Electricity => {
            for meter in &meters {
                let is_known =
                    MeterId::new(meter).is_ok_and(|meter| park.meters.contains_key(&meter));
                if !is_known {
                    return Err(Rejection::invalid(
                        "meters",
                        format!("park {} has no meter {meter:?}; correct the name", park.id),
                    ));
                }
            }
            let unit = Unit::parse(&sent.unit)
                .map_err(|error| Rejection::invalid("unit", error.to_string()))?;
            energy_wh(&decimal, unit)
                .map_err(|error| Rejection::invalid("value", error.to_string()))?
                .0
        }
        wire::InvoiceCarrier::Water => {
            for asset in &meters {
                find_any_asset(park, "meters", asset)?;
            }
            let steps = match sent.unit.as_str() {
                "L" => 1,
                "m3" => 1_000,
                other => {
                    return Err(Rejection::invalid(
                        "unit",
                        format!("water is not charged in {other:?}; write L or m3"),
                    ));
                }
            };
            decimal
                .to_integer_units(steps, 1)
                .ok_or_else(out_of_range)?
        }
        wire::InvoiceCarrier::Unspecified => {
            return Err(Rejection::invalid(
                "carrier",
                "it is not known; send ELECTRICITY or WATER",
            ));
        }
    };
    Ok(wire::InvoiceRecordedV1 {
        supplier: take_in_token("supplier", &sent.supplier)?.to_string(),
        number: take_in_token("number", &sent.number)?.to_string(),
        revision: sent.revision,
        carrier: sent.carrier,
        meters,
        from_s: full_hour("from", &sent.from)?.0,
        to_s: full_hour("to", &sent.to)?.0,
        amount,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    })
}

fn full_hour(field: &'static str, text: &str) -> Result<UnixSeconds, Rejection> {
    let instant = take_in_instant(field, text)?;
    if instant.0.rem_euclid(SECONDS_PER_HOUR) != 0 {
        return Err(Rejection::invalid(
            field,
            format!("{text} is no full hour; meters are read against it by the hour"),
        ));
    }
    Ok(instant)
}

/// Checks a profile as sent.
pub fn take_in_profile(
    sent: &wire::SetAccountingProfileRequest,
) -> Result<wire::AccountingProfileSetV1, Rejection> {
    Ok(wire::AccountingProfileSetV1 {
        version: 0,
        valid_from_s: take_in_instant("valid_from", &sent.valid_from)?.0,
        landlord: sent.landlord,
        waste_routes: sent.waste_routes.clone(),
        regions: sent
            .regions
            .iter()
            .map(|region| take_in_token("regions", region).map(|region| region.to_string()))
            .collect::<Result<_, _>>()?,
        pinned_sets: sent.pinned_sets.clone(),
        reason: take_in_text("reason", &sent.reason)?,
        time_s: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_whole_steps_of_what_the_activity_is_counted_in() {
        for (kind, value, unit, amount, steps) in [
            (
                ActivityKind::FuelBurnt,
                "120.5",
                "L",
                120_500,
                AmountUnit::Millilitre,
            ),
            (
                ActivityKind::FuelBurnt,
                "2",
                "Nm3",
                2_000,
                AmountUnit::NormalLitre,
            ),
            (
                ActivityKind::FuelBurnt,
                "1",
                "GJ",
                277_778,
                AmountUnit::WattHour,
            ),
            (
                ActivityKind::FuelDriven,
                "0.5",
                "t",
                500_000,
                AmountUnit::Gram,
            ),
            (
                ActivityKind::RefrigerantLost,
                "0.35",
                "kg",
                350,
                AmountUnit::Gram,
            ),
            (
                ActivityKind::Freight,
                "1200",
                "tkm",
                1_200_000_000_000,
                AmountUnit::GramMetre,
            ),
            (
                ActivityKind::Commuting,
                "3",
                "pkm",
                3_000,
                AmountUnit::PersonMetre,
            ),
            (
                ActivityKind::WasteWater,
                "3.5",
                "m3",
                3_500,
                AmountUnit::Litre,
            ),
            (ActivityKind::Material, "2", "m3", 2_000, AmountUnit::Litre),
        ] {
            assert_eq!(
                take_in_amount(kind, value, unit),
                Ok((amount, steps)),
                "{value} {unit}"
            );
        }
        for (kind, value, unit, field) in [
            // A cubic metre of gas is no amount without its pressure.
            (ActivityKind::FuelBurnt, "1", "m3", "unit"),
            (ActivityKind::FuelBurnt, "1", "kVA", "unit"),
            (ActivityKind::Heat, "1", "kg", "unit"),
            (ActivityKind::Freight, "-1", "tkm", "value"),
            (ActivityKind::Freight, "1e3", "tkm", "value"),
        ] {
            let refusal = take_in_amount(kind, value, unit).expect_err(unit);
            assert_eq!(refusal.field, field, "{refusal}");
        }
    }

    #[test]
    fn a_subject_is_a_name_as_the_factors_have_it() {
        assert!(take_in_subject("R-410A/split-air-conditioner").is_ok());
        for text in ["", "diesel fuel", "柴油", &"a".repeat(65)] {
            assert_eq!(take_in_subject(text).expect_err(text).field, "subject");
        }
    }
}
