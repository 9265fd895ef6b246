//! Lines of the carbon books as the wire carries them.

use terrarium_ledger::carbon::worked::book_token;
use terrarium_ledger::carbon::{Quantity, Spread, Worked};
use terrarium_ledger::{AsOf, Detail, GwpSet, NoPotential, Origin, ParkLedger, Posting, Scope};
use terrarium_model::TimeZone;
use terrarium_proto::ledger::v1 as wire;

use crate::ledger_wire;

pub(crate) fn spread(of: Spread) -> wire::Spread {
    wire::Spread {
        total_mg: of.total_mg,
        half_width_mg: of.half_width_mg,
    }
}

pub(crate) fn posting(of: &Posting, posting_id: String, zone: &TimeZone) -> wire::Posting {
    let (scope, category) = match of.scope {
        None => (0, 0),
        Some(Scope::One) => (1, 0),
        Some(Scope::Two) => (2, 0),
        Some(Scope::Three(category)) => (3, u32::from(category)),
    };
    let (detail, reversal) = match &of.detail {
        Detail::None => (String::new(), false),
        Detail::Removal { pool, reversal } => (format!("{pool:?}"), *reversal),
        Detail::Avoided { baseline } => (baseline.clone(), false),
        Detail::Embodied { module, item } => (format!("{module:?} {item}"), false),
    };
    wire::Posting {
        posting_id,
        book: book_token(of.book).to_owned(),
        asset: of.asset.to_string(),
        party: of.party.clone(),
        scope,
        category,
        iso_category: of.iso_category.map_or(0, u32::from),
        activity: of.activity.clone(),
        interval_start: zone.format_rfc3339(of.interval.start),
        interval_seconds: of.interval.seconds,
        amount: of.amount,
        unit: of.unit.to_owned(),
        method: format!("{}/{}", of.method.token, of.method.version),
        gases: of
            .gases
            .iter()
            .map(|(gas, mg)| wire::GasMass {
                gas: gas.token().to_owned(),
                mg,
            })
            .collect(),
        factors: of
            .factors
            .iter()
            .map(|factor| wire::FactorUse {
                key: factor.key.clone(),
                mark: ledger_wire::mark(factor.mark).to_owned(),
                u95_ppm: factor.u95_ppm,
            })
            .collect(),
        activity_u95_ppm: of.activity_u95_ppm,
        tier: of.tier.into(),
        reversal,
        detail,
    }
}

pub(crate) fn explanation(
    line: &Worked,
    zone: &TimeZone,
    attached: Vec<String>,
    position: u64,
) -> wire::ExplainPostingResponse {
    let quantity = |of: &Quantity| wire::NamedQuantity {
        name: of.name.clone(),
        value: of.value.clone(),
        unit: of.unit.clone(),
    };
    wire::ExplainPostingResponse {
        posting: Some(posting(&line.posting, line.id(), zone)),
        steps: line
            .steps
            .iter()
            .map(|step| wire::CalculationStep {
                formula: step.formula.clone(),
                inputs: step.inputs.iter().map(quantity).collect(),
                output: Some(quantity(&step.output)),
            })
            .collect(),
        factors: line.rows.iter().map(ledger_wire::factor_ref).collect(),
        events: Vec::new(),
        source: line.source.clone(),
        evidence_sha256: line
            .evidence
            .iter()
            .map(|sha256| sha256.to_vec().into())
            .collect(),
        attached,
        calculated_by: concat!("terrarium ", env!("CARGO_PKG_VERSION")).to_owned(),
        position,
        place: None,
        result: None,
        corrected: Vec::new(),
    }
}

/// The result of one line with its interval; a reversal is below zero.
pub(crate) fn gross_or_removed(posting: &Posting, gwp: GwpSet) -> Result<Spread, NoPotential> {
    let sign = match posting.detail {
        Detail::Removal { reversal: true, .. } => -1,
        _ => 1,
    };
    terrarium_ledger::carbon::spread([(sign, posting)], gwp)
}

/// Reports of an activity that a later revision replaced, as known then.
pub(crate) fn replaced(
    ledger: &ParkLedger,
    line: &Worked,
    as_of: AsOf,
) -> Vec<(wire::ReplacedReport, Origin)> {
    let Some(counted) = line.told_at.first() else {
        return Vec::new();
    };
    let versions = ledger.activities().versions_told_at(*counted);
    versions
        .iter()
        .filter(|(origin, _)| origin.position != *counted && as_of.knows(origin.position))
        .map(|(origin, activity)| {
            let report = wire::ReplacedReport {
                revision: activity.revision,
                amount: activity.amount,
                unit: activity.unit.token().to_owned(),
                source: activity.source.clone(),
                event: None,
            };
            (report, *origin)
        })
        .collect()
}
