//! From requests about trees, instruments, embodied carbon and policy as sent to what can be decided about. Pure.

use sha2::{Digest, Sha256};
use terrarium_journal::{
    Rejection, find_any_asset, find_asset, take_in_evidence, take_in_instant, take_in_text,
    take_in_token,
};
use terrarium_model::{AssetId, AssetKind, AssetParameters, ParkDefinition};
use terrarium_proto::carbon::v1 as wire;

use crate::domain::InstrumentFact;

/// Longest serial number in bytes.
const LONGEST_SERIAL_BYTES: usize = 128;
/// An instrument's stream is named by so many bytes of a hash: 128 bits have no collisions.
const INSTRUMENT_ID_BYTES: usize = 16;

/// A tree group of the park definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeGroupDefinition {
    /// The group.
    pub id: AssetId,
    /// Trees it has room for.
    pub most: u32,
    /// Botanical name.
    pub species: String,
}

/// Finds a tree group.
pub fn find_group(park: &ParkDefinition, id: &str) -> Result<TreeGroupDefinition, Rejection> {
    let asset = find_asset(park, "group", id, AssetKind::TreeGroup)?;
    let AssetParameters::TreeGroup { count, species } = &asset.parameters else {
        unreachable!("the parameters follow from the kind");
    };
    Ok(TreeGroupDefinition {
        id: asset.id.clone(),
        most: u32::try_from(*count).unwrap_or(u32::MAX),
        species: species.clone(),
    })
}

/// Checks a planting as sent.
pub fn take_in_planting(
    group: &TreeGroupDefinition,
    sent: &wire::PlantTreesRequest,
) -> Result<wire::TreesPlantedV1, Rejection> {
    Ok(wire::TreesPlantedV1 {
        group: group.id.to_string(),
        planting: take_in_token("planting", &sent.planting)?.to_string(),
        time_s: take_in_instant("time", &sent.time)?.0,
        count: sent.count,
        first_number: 0,
        species: group.species.clone(),
        mean_diameter_mm: sent.mean_diameter_mm,
        mean_height_cm: sent.mean_height_cm,
    })
}

/// Checks a survey as sent.
pub fn take_in_survey(
    group: &TreeGroupDefinition,
    sent: &wire::MonitorTreesRequest,
) -> Result<wire::TreesMonitoredV1, Rejection> {
    if sent.method() == wire::TreeCarbonMethod::Unspecified {
        return Err(Rejection::invalid(
            "method",
            "it is not known; send MEASURED, MODELLED or DEFAULT",
        ));
    }
    Ok(wire::TreesMonitoredV1 {
        group: group.id.to_string(),
        time_s: take_in_instant("time", &sent.time)?.0,
        living: sent.living,
        mean_diameter_mm: sent.mean_diameter_mm,
        mean_height_cm: sent.mean_height_cm,
        co2_g: sent.co2_g,
        method: sent.method,
        source: take_in_text("source", &sent.source)?,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    })
}

/// Checks a loss as sent; what it reverses is worked out later.
pub fn take_in_loss(
    group: &TreeGroupDefinition,
    sent: &wire::ReportTreesDiedRequest,
) -> Result<wire::TreesDiedV1, Rejection> {
    if sent.cause() == wire::TreeLossCause::Unspecified {
        return Err(Rejection::invalid(
            "cause",
            "it is not known; send FELLED, DROUGHT, PEST, STORM, FIRE or OTHER",
        ));
    }
    Ok(wire::TreesDiedV1 {
        group: group.id.to_string(),
        loss: take_in_token("loss", &sent.loss)?.to_string(),
        time_s: take_in_instant("time", &sent.time)?.0,
        count: sent.count,
        numbers: sent.numbers.clone(),
        cause: sent.cause,
        reversed_co2_g: 0,
        living: 0,
        co2_g: 0,
    })
}

/// Checks embodied carbon as sent.
pub fn take_in_embodied(
    park: &ParkDefinition,
    sent: &wire::RecordEmbodiedCarbonRequest,
) -> Result<(AssetId, wire::EmbodiedCarbonRecordedV1), Rejection> {
    let asset = find_any_asset(park, "asset", &sent.asset)?;
    let record = wire::EmbodiedCarbonRecordedV1 {
        asset: asset.id.to_string(),
        module: sent.module,
        item: take_in_token("item", &sent.item)?.to_string(),
        revision: sent.revision,
        time_s: take_in_instant("time", &sent.time)?.0,
        co2e_mg: sent.co2e_mg,
        source: take_in_text("source", &sent.source)?,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    };
    Ok((asset.id.clone(), record))
}

/// Registry and serial number, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentName {
    /// Registry.
    pub registry: String,
    /// Serial number in it.
    pub serial: String,
}

impl InstrumentName {
    /// Checks registry and serial number as sent.
    pub fn take_in(registry: &str, serial: &str) -> Result<InstrumentName, Rejection> {
        let is_printable = serial.bytes().all(|byte| byte.is_ascii_graphic());
        if serial.is_empty() || serial.len() > LONGEST_SERIAL_BYTES || !is_printable {
            return Err(Rejection::invalid(
                "serial",
                format!(
                    "it has {} bytes; write 1 to {LONGEST_SERIAL_BYTES} printable ASCII characters without spaces",
                    serial.len()
                ),
            ));
        }
        Ok(InstrumentName {
            registry: take_in_token("registry", registry)?.to_string(),
            serial: serial.to_owned(),
        })
    }

    /// Id of the instrument's stream: serial numbers have characters that streams don't.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(format!("{}\n{}", self.registry, self.serial));
        hex::encode(&digest[..INSTRUMENT_ID_BYTES])
    }

    /// For messages.
    pub fn shown(&self) -> String {
        format!("{} {}", self.registry, self.serial)
    }
}

/// Checks an issue as sent.
pub fn take_in_issue(
    name: &InstrumentName,
    sent: &wire::IssueInstrumentRequest,
) -> Result<InstrumentFact, Rejection> {
    let issued = wire::InstrumentIssuedV1 {
        registry: name.registry.clone(),
        serial: name.serial.clone(),
        kind: sent.kind,
        amount: sent.amount,
        vintage_from_s: take_in_instant("vintage_from", &sent.vintage_from)?.0,
        vintage_to_s: take_in_instant("vintage_to", &sent.vintage_to)?.0,
        time_s: take_in_instant("time", &sent.time)?.0,
        project: take_in_text("project", &sent.project)?,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    };
    Ok(issued.into())
}

/// Checks that an instrument came to be held, as sent.
pub fn take_in_hold(
    name: &InstrumentName,
    sent: &wire::HoldInstrumentRequest,
) -> Result<InstrumentFact, Rejection> {
    let held = wire::InstrumentHeldV1 {
        registry: name.registry.clone(),
        serial: name.serial.clone(),
        time_s: take_in_instant("time", &sent.time)?.0,
        acquired_from: take_in_token("acquired_from", &sent.acquired_from)?.to_string(),
    };
    Ok(held.into())
}

/// Checks a retirement as sent.
pub fn take_in_retirement(
    name: &InstrumentName,
    sent: &wire::RetireInstrumentRequest,
) -> Result<InstrumentFact, Rejection> {
    let retired = wire::InstrumentRetiredV1 {
        registry: name.registry.clone(),
        serial: name.serial.clone(),
        time_s: take_in_instant("time", &sent.time)?.0,
        period: take_in_token("period", &sent.period)?.to_string(),
        purpose: take_in_text("purpose", &sent.purpose)?,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    };
    Ok(retired.into())
}

/// Checks a sale as sent.
pub fn take_in_sale(
    name: &InstrumentName,
    sent: &wire::SellInstrumentRequest,
) -> Result<InstrumentFact, Rejection> {
    let sold = wire::InstrumentSoldV1 {
        registry: name.registry.clone(),
        serial: name.serial.clone(),
        time_s: take_in_instant("time", &sent.time)?.0,
        buyer: take_in_token("buyer", &sent.buyer)?.to_string(),
    };
    Ok(sold.into())
}

/// Checks a surrender as sent.
pub fn take_in_surrender(
    name: &InstrumentName,
    sent: &wire::SurrenderInstrumentRequest,
) -> Result<InstrumentFact, Rejection> {
    let surrendered = wire::InstrumentSurrenderedV1 {
        registry: name.registry.clone(),
        serial: name.serial.clone(),
        time_s: take_in_instant("time", &sent.time)?.0,
        period: take_in_token("period", &sent.period)?.to_string(),
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    };
    Ok(surrendered.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instrument_is_known_by_registry_and_serial_number_together() {
        let name = |registry: &str, serial: &str| InstrumentName::take_in(registry, serial);
        let first = name("ccer", "CN/11-2025:0001").expect("a good name");
        assert_eq!(
            first.id(),
            name("ccer", "CN/11-2025:0001").expect("good").id()
        );
        assert_ne!(
            first.id(),
            name("cger", "CN/11-2025:0001").expect("good").id()
        );
        assert_ne!(
            first.id(),
            name("ccer", "CN/11-2025:0002").expect("good").id()
        );
        for (registry, serial, field) in [
            ("CCER", "1", "registry"),
            ("ccer", "", "serial"),
            ("ccer", "a b", "serial"),
            ("ccer", "证书", "serial"),
        ] {
            assert_eq!(name(registry, serial).expect_err(field).field, field);
        }
    }
}
