//! From reports as sent to ones that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use std::sync::Arc;

use terrarium_journal::{
    Rejection, find_asset, take_in_evidence, take_in_instant, take_in_optional_token, take_in_token,
};
use terrarium_model::{AssetId, AssetKind, AssetParameters, ParkDefinition, WasteStream};
use terrarium_proto::waste::v1 as wire;
use terrarium_proto::waste::v1::compost_report::What;

use crate::domain::{BinMeasurement, CollectionOrder, CompostCommand, CompostStep, Execution};

/// Longest ticket number in bytes.
const LONGEST_TICKET_BYTES: usize = 64;

/// A bin of the park definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinDefinition {
    /// The bin.
    pub id: AssetId,
    /// Litres it holds.
    pub capacity_l: i64,
    /// Grams it may hold.
    pub limit_g: i64,
    /// What belongs into it.
    pub waste: WasteStream,
}

/// Finds a bin.
pub fn find_bin(
    park: &ParkDefinition,
    field: &'static str,
    id: &str,
) -> Result<BinDefinition, Rejection> {
    let asset = find_asset(park, field, id, AssetKind::Bin)?;
    let AssetParameters::Bin {
        capacity_l,
        limit_g,
        waste,
    } = &asset.parameters
    else {
        unreachable!("the parameters follow from the kind");
    };
    Ok(BinDefinition {
        id: asset.id.clone(),
        capacity_l: *capacity_l,
        limit_g: *limit_g,
        waste: *waste,
    })
}

/// Finds a compost bay, and how many grams it takes.
pub fn find_bay(park: &ParkDefinition, id: &str) -> Result<(AssetId, i64), Rejection> {
    let asset = find_asset(park, "bay", id, AssetKind::CompostBay)?;
    let AssetParameters::CompostBay { capacity_kg } = asset.parameters else {
        unreachable!("the parameters follow from the kind");
    };
    Ok((asset.id.clone(), capacity_kg.saturating_mul(1_000)))
}

/// Checks a compost report as sent.
pub fn take_in_compost(sent: &wire::CompostReport) -> Result<CompostCommand, Rejection> {
    let step = match &sent.what {
        Some(What::Feed(feed)) => CompostStep::Feed {
            weight_g: feed.weight_g,
            source: take_in_token("feed.source", &feed.source)?,
        },
        Some(What::Turning(_)) => CompostStep::Turn,
        Some(What::Measurement(measurement)) => CompostStep::Measure {
            temperature_mc: measurement.temperature_mc,
            moisture_permille: measurement.moisture_permille,
        },
        Some(What::Product(product)) => CompostStep::TakeProduct {
            weight_g: product.weight_g,
        },
        Some(What::End(_)) => CompostStep::Close,
        None => {
            return Err(Rejection::invalid(
                "what",
                "it is missing; send a feed, turning, measurement, product or end",
            ));
        }
    };
    Ok(CompostCommand {
        batch: take_in_token("batch", &sent.batch)?,
        time: take_in_instant("time", &sent.time)?,
        step,
    })
}

/// Checks a consignment as sent.
pub fn take_in_consignment(
    park: &ParkDefinition,
    sent: &wire::ConsignHazardousRequest,
) -> Result<wire::HazardousConsignedV1, Rejection> {
    let bin = find_bin(park, "bin", &sent.bin)?;
    if bin.waste != WasteStream::Hazardous {
        return Err(Rejection::invalid(
            "bin",
            format!(
                "bin {} is for {} waste; hazardous waste comes from a bin of that stream",
                bin.id, bin.waste
            ),
        ));
    }
    let is_code = sent
        .waste_code
        .split('-')
        .map(|part| (part.len(), part.bytes().all(|byte| byte.is_ascii_digit())))
        .eq([(3, true), (3, true), (2, true)]);
    if !is_code {
        return Err(Rejection::invalid(
            "waste_code",
            "it is no code of the National Catalogue of Hazardous Wastes; send one such as 900-023-29",
        ));
    }
    Ok(wire::HazardousConsignedV1 {
        manifest: take_in_token("manifest", &sent.manifest)?.to_string(),
        bin: bin.id.to_string(),
        waste_code: sent.waste_code.clone(),
        holder: take_in_token("holder", &sent.holder)?.to_string(),
        weight_g: sent.weight_g,
        time_s: take_in_instant("time", &sent.time)?.0,
    })
}

/// Checks a handover as sent.
pub fn take_in_handover(
    sent: &wire::HandOverCustodyRequest,
) -> Result<wire::CustodyHandedOverV1, Rejection> {
    Ok(wire::CustodyHandedOverV1 {
        manifest: take_in_token("manifest", &sent.manifest)?.to_string(),
        from: take_in_token("from", &sent.from)?.to_string(),
        to: take_in_token("to", &sent.to)?.to_string(),
        weight_g: sent.weight_g,
        time_s: take_in_instant("time", &sent.time)?.0,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    })
}

/// Checks a treatment as sent; the weight is what is held.
pub fn take_in_treatment(
    sent: &wire::ReportHazardousTreatedRequest,
) -> Result<wire::HazardousTreatedV1, Rejection> {
    if sent.treatment() == wire::HazardousTreatment::Unspecified {
        return Err(Rejection::invalid(
            "treatment",
            "it is not known; send RECYCLED, INCINERATED, LANDFILLED or NEUTRALISED",
        ));
    }
    Ok(wire::HazardousTreatedV1 {
        manifest: take_in_token("manifest", &sent.manifest)?.to_string(),
        holder: take_in_token("holder", &sent.holder)?.to_string(),
        weight_g: 0,
        treatment: sent.treatment,
        time_s: take_in_instant("time", &sent.time)?.0,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    })
}

/// Checks a weighbridge ticket as sent; net and bins are worked out later.
pub fn take_in_ticket(
    sent: &wire::ReportWeighbridgeTicketRequest,
) -> Result<wire::WeighbridgeTicketRecordedV1, Rejection> {
    Ok(wire::WeighbridgeTicketRecordedV1 {
        collection: take_in_token("collection", &sent.collection)?.to_string(),
        ticket: take_in_ticket_number(&sent.ticket)?,
        time_s: take_in_instant("time", &sent.time)?.0,
        gross_g: sent.gross_g,
        tare_g: sent.tare_g,
        net_g: 0,
        bins_g: None,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    })
}

/// Checks a contamination as sent.
pub fn take_in_contamination(
    bin: &BinDefinition,
    sent: &wire::ReportContaminationRequest,
) -> Result<wire::ContaminationFoundV1, Rejection> {
    Ok(wire::ContaminationFoundV1 {
        bin: bin.id.to_string(),
        time_s: take_in_instant("time", &sent.time)?.0,
        foreign_stream: sent.foreign_stream,
        share_permille: sent.share_permille,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    })
}

fn take_in_ticket_number(sent: &str) -> Result<String, Rejection> {
    let ticket = sent.trim();
    if ticket.is_empty()
        || ticket.len() > LONGEST_TICKET_BYTES
        || ticket.chars().any(char::is_control)
    {
        return Err(Rejection::invalid(
            "ticket",
            format!(
                "it has {} bytes; write the number on the weighbridge ticket, 1 to {LONGEST_TICKET_BYTES} bytes in one line",
                ticket.len()
            ),
        ));
    }
    Ok(ticket.to_owned())
}

/// Checks a measurement as sent.
pub fn take_in_measurement(
    park: &ParkDefinition,
    sent: &wire::BinMeasurement,
) -> Result<(BinDefinition, BinMeasurement), Rejection> {
    let measurement = BinMeasurement {
        time: take_in_instant("time", &sent.time)?,
        fill_l: sent.fill_l,
        weight_g: sent.weight_g,
    };
    Ok((find_bin(park, "bin", &sent.bin)?, measurement))
}

/// Checks an order as sent. Gives the collection's id and the order, its bins in order.
pub fn take_in_order(
    park: &ParkDefinition,
    sent: &wire::OrderCollectionRequest,
) -> Result<(Arc<str>, CollectionOrder), Rejection> {
    let mut bins = Vec::with_capacity(sent.bins.len());
    for bin in &sent.bins {
        bins.push(find_bin(park, "bins", bin)?.id);
    }
    bins.sort();
    let order = CollectionOrder {
        bins,
        assignee: take_in_token("assignee", &sent.assignee)?,
        due: take_in_instant("due", &sent.due)?,
        route: take_in_optional_token("route", &sent.route)?.into(),
    };
    Ok((take_in_token("collection", &sent.collection)?, order))
}

/// Checks an execution as sent.
pub fn take_in_execution(sent: &wire::ReportCollectionRequest) -> Result<Execution, Rejection> {
    let evidence_sha256 = take_in_evidence("evidence_sha256", &sent.evidence_sha256)?;
    Ok(Execution {
        time: take_in_instant("time", &sent.time)?,
        ticket: take_in_ticket_number(&sent.ticket)?.into(),
        weight_g: sent.weight_g,
        evidence_sha256: evidence_sha256.as_ref().try_into().ok(),
    })
}

#[cfg(test)]
mod tests;
