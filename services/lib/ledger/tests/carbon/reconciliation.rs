//! Invoices against meters.

use terrarium_ledger::carbon::{CarbonFact, Carrier, InvoiceRecord, WaterFlow, reconcile};
use terrarium_ledger::{AsOf, Fact};
use terrarium_model::{Interval, UnixSeconds};

use crate::world::{NEW_YEAR, told, water, year};

fn invoice(revision: u32, litres: i64, hours: u32) -> Fact {
    Fact::Carbon(CarbonFact::Invoice(InvoiceRecord {
        supplier: "waterworks".to_owned(),
        number: "2025-01".to_owned(),
        revision,
        meters: vec!["centre".to_owned()],
        carrier: Carrier::Water,
        interval: Interval {
            start: UnixSeconds(NEW_YEAR),
            seconds: hours * 3_600,
        },
        amount: litres,
        evidence: None,
    }))
}

#[test]
fn an_invoice_is_set_against_its_meters_and_the_gap_is_told() {
    let facts = [
        water(WaterFlow::Supply, 0, 1_000),
        water(WaterFlow::Supply, 1, 1_000),
        water(WaterFlow::Supply, 2, 5_000),
        invoice(0, 3_000, 2),
        invoice(1, 2_030, 2),
    ];
    let ledger = told(facts);
    let found = reconcile(
        ledger.activities(),
        |_, _| None,
        year().from,
        year().to,
        AsOf::default(),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(
        (
            found[0].metered,
            found[0].gap,
            found[0].gap_ppm,
            found[0].agrees
        ),
        (Some(2_000), Some(30), Some(15_000), true)
    );
}

#[test]
fn an_invoice_without_readings_does_not_agree() {
    let ledger = told([invoice(0, 3_000, 2)]);
    let found = reconcile(
        ledger.activities(),
        |_, _| None,
        year().from,
        year().to,
        AsOf::default(),
    );
    assert_eq!((found[0].metered, found[0].agrees), (None, false));
}
