//! From reports as sent to ones that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use std::sync::Arc;

use terrarium_journal::{Rejection, take_in_instant, take_in_token};
use terrarium_model::{AssetId, AssetParameters, ParkDefinition};
use terrarium_proto::waste::v1 as wire;

use crate::domain::{BinMeasurement, CollectionOrder, Execution};
use crate::events::evidence_from_wire;

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
}

/// Finds a bin.
pub fn find_bin(
    park: &ParkDefinition,
    field: &'static str,
    id: &str,
) -> Result<BinDefinition, Rejection> {
    let id = AssetId::new(id).map_err(|error| Rejection::invalid(field, error.to_string()))?;
    match park.assets.get(&id).map(|asset| &asset.parameters) {
        Some(AssetParameters::Bin {
            capacity_l,
            limit_g,
            ..
        }) => Ok(BinDefinition {
            id,
            capacity_l: *capacity_l,
            limit_g: *limit_g,
        }),
        Some(_) => Err(Rejection::invalid(
            field,
            format!(
                "{id} of park {} is no bin; name an asset of kind bin",
                park.id
            ),
        )),
        None => Err(Rejection::invalid(
            field,
            format!(
                "park {} has no bin \"{id}\"; add it to the park definition, or correct the name",
                park.id
            ),
        )),
    }
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
    };
    Ok((take_in_token("collection", &sent.collection)?, order))
}

/// Checks an execution as sent.
pub fn take_in_execution(sent: &wire::ReportCollectionRequest) -> Result<Execution, Rejection> {
    let ticket = sent.ticket.trim();
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
    let evidence_sha256 = evidence_from_wire(&sent.evidence_sha256).ok_or_else(|| {
        Rejection::invalid(
            "evidence_sha256",
            format!(
                "it has {} bytes; send the 32 bytes of a SHA-256, or nothing",
                sent.evidence_sha256.len()
            ),
        )
    })?;
    Ok(Execution {
        time: take_in_instant("time", &sent.time)?,
        ticket: ticket.into(),
        weight_g: sent.weight_g,
        evidence_sha256,
    })
}

#[cfg(test)]
mod tests {
    use terrarium_journal::RejectionCode;

    use super::*;

    const PARK: &str = r#"
[park]
id = "demo"
name = { en = "Demo", zh = "演示" }
time_zone = "Asia/Shanghai"
clock = "wall"
grid_region = "north-china"

[[zones]]
id = "yard"
name = { en = "Yard", zh = "院子" }

[[assets]]
id = "bin-1"
kind = "bin"
zone = "yard"
name = { en = "Bin 1", zh = "一号桶" }
capacity_l = 240
limit_g = 80000
waste = "residual"

[[assets]]
id = "bin-2"
kind = "bin"
zone = "yard"
name = { en = "Bin 2", zh = "二号桶" }
capacity_l = 240
limit_g = 80000
waste = "kitchen"

[[assets]]
id = "shed"
kind = "building"
zone = "yard"
name = { en = "Shed", zh = "棚" }

[[connections]]
kind = "electric"
from = "grid"
to = "shed"

[[meters]]
id = "shed.load"
asset = "shed"
measures = "consumption"
reports = "interval"
rated_kw = 10.0
"#;

    fn park() -> ParkDefinition {
        ParkDefinition::parse(PARK, "demo.toml").expect("a good park")
    }

    #[test]
    fn an_order_names_its_bins_in_order_however_they_were_sent() {
        let sent = wire::OrderCollectionRequest {
            collection: "round-1".into(),
            bins: vec!["bin-2".into(), "bin-1".into()],
            assignee: "crew-3".into(),
            due: "2025-08-01T18:00:00+08:00".into(),
            ..wire::OrderCollectionRequest::default()
        };
        let (_, order) = take_in_order(&park(), &sent).expect("a good order");
        assert_eq!(
            order.bins.iter().map(AssetId::as_str).collect::<Vec<_>>(),
            ["bin-1", "bin-2"]
        );
        for (change, field) in [
            (
                (|sent| sent.bins[0] = "bin-9".into()) as fn(&mut wire::OrderCollectionRequest),
                "bins",
            ),
            (|sent| sent.bins[0] = "shed".into(), "bins"),
            (|sent| sent.assignee = "王伟".into(), "assignee"),
            (|sent| sent.due = "2025-08-01".into(), "due"),
            (|sent| sent.collection.clear(), "collection"),
        ] {
            let mut changed = sent.clone();
            change(&mut changed);
            let refusal = take_in_order(&park(), &changed).expect_err(field);
            assert_eq!(
                (refusal.code, refusal.field),
                (RejectionCode::InvalidArgument, field),
                "{refusal}"
            );
        }
    }

    #[test]
    fn a_bin_that_does_not_exist_can_not_be_weighed() {
        let sent = wire::BinMeasurement {
            bin: "bin-9".into(),
            time: "2025-08-01T18:00:00+08:00".into(),
            fill_l: 1,
            weight_g: 1,
        };
        let refusal = take_in_measurement(&park(), &sent).expect_err("no such bin");
        assert_eq!(
            (refusal.code, refusal.field),
            (RejectionCode::InvalidArgument, "bin")
        );
        assert!(
            refusal.message.contains("has no bin \"bin-9\"; add it"),
            "{refusal}"
        );
    }

    #[test]
    fn an_execution_needs_a_ticket_and_whole_evidence() {
        let sent = wire::ReportCollectionRequest {
            time: "2025-08-01T18:00:00+08:00".into(),
            ticket: " T-1 ".into(),
            weight_g: 5,
            ..wire::ReportCollectionRequest::default()
        };
        assert_eq!(&*take_in_execution(&sent).expect("good").ticket, "T-1");
        for (change, field) in [
            (
                (|sent| sent.ticket = "  ".into()) as fn(&mut wire::ReportCollectionRequest),
                "ticket",
            ),
            (|sent| sent.ticket = "a\nb".into(), "ticket"),
            (
                |sent| sent.evidence_sha256 = vec![1; 31].into(),
                "evidence_sha256",
            ),
            (|sent| sent.time.clear(), "time"),
        ] {
            let mut changed = sent.clone();
            change(&mut changed);
            let refusal = take_in_execution(&changed).expect_err(field);
            assert_eq!(
                (refusal.code, refusal.field),
                (RejectionCode::InvalidArgument, field),
                "{refusal}"
            );
        }
    }
}
