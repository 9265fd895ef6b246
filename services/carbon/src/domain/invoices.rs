//! Invoices of one supplier: recorded by number, corrected by revisions.

use std::collections::BTreeMap;

use terrarium_journal::{Event, Rejection, facts};
use terrarium_model::ParkId;
use terrarium_proto::carbon::v1::InvoiceRecordedV1;

facts! {
    /// What was recorded of a supplier's invoices.
    pub enum InvoiceFact in "terrarium.carbon.v1" {
        InvoiceRecordedV1 at from_s,
    }
}

/// Everything a decision needs beside what is recorded.
#[derive(Clone, Debug)]
pub struct InvoicesContext {
    /// The park.
    pub park: ParkId,
}

/// The invoices of one supplier.
#[derive(Default)]
pub struct Invoices {
    /// By number: all revisions in order.
    invoices: BTreeMap<String, Vec<InvoiceRecordedV1>>,
}

impl Invoices {
    /// The newest revision of each, in the order of their numbers.
    pub fn newest(&self) -> impl Iterator<Item = &InvoiceRecordedV1> {
        self.invoices
            .values()
            .filter_map(|revisions| revisions.last())
    }

    /// Decides about an invoice.
    pub fn decide(
        &self,
        context: &InvoicesContext,
        sent: &InvoiceRecordedV1,
    ) -> Result<Vec<Event<InvoiceFact>>, Rejection> {
        let revisions = self
            .invoices
            .get(&sent.number)
            .map_or(&[][..], Vec::as_slice);
        if revisions.get(sent.revision as usize) == Some(sent) {
            return Ok(Vec::new());
        }
        let next = revisions.len();
        if (sent.revision as usize) < next {
            return Err(Rejection::already_exists(
                "revision",
                format!(
                    "invoice {} of {} is recorded with {}; send another amount as revision {next}",
                    sent.number,
                    sent.supplier,
                    revisions[next - 1].amount
                ),
            ));
        }
        if sent.revision as usize > next {
            return Err(Rejection::failed_precondition(
                "revision",
                format!(
                    "invoice {} of {} has {next} revisions; the next one is {next}, not {}",
                    sent.number, sent.supplier, sent.revision
                ),
            ));
        }
        if sent.to_s <= sent.from_s {
            return Err(Rejection::invalid("to", "it is not after from"));
        }
        if sent.amount < 0 {
            return Err(Rejection::invalid(
                "value",
                "it is below zero; record a credit note as a correction of the invoice",
            ));
        }
        Ok(vec![Event::of(&context.park, sent.clone())])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<InvoiceFact>) {
        let InvoiceFact::InvoiceRecordedV1(invoice) = &event.fact;
        self.invoices
            .entry(invoice.number.clone())
            .or_default()
            .push(invoice.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_is_corrected_by_its_next_revision() {
        let context = InvoicesContext {
            park: ParkId::new("haotian").expect("valid"),
        };
        let invoice = |revision, amount| InvoiceRecordedV1 {
            supplier: "state-grid".into(),
            number: "2025-08".into(),
            revision,
            meters: vec!["grid.import".into()],
            to_s: 3_600,
            amount,
            ..InvoiceRecordedV1::default()
        };
        let mut invoices = Invoices::default();
        for sent in [invoice(0, 100), invoice(1, 90)] {
            let events = invoices.decide(&context, &sent).expect("in order");
            invoices.evolve(&events[0]);
            assert_eq!(invoices.decide(&context, &sent), Ok(Vec::new()));
        }
        for (sent, field) in [
            (invoice(0, 80), "revision"),
            (invoice(3, 80), "revision"),
            (invoice(2, -1), "value"),
            (
                InvoiceRecordedV1 {
                    to_s: 0,
                    ..invoice(2, 1)
                },
                "to",
            ),
        ] {
            assert_eq!(
                invoices.decide(&context, &sent).expect_err(field).field,
                field
            );
        }
    }
}
