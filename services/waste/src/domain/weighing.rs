//! The weighbridge tickets of one collection, beside what its bins weighed themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_journal::{Event, Rejection, facts, refuse_future};
use terrarium_model::{ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::waste::v1::WeighbridgeTicketRecordedV1;

use super::Execution;

facts! {
    /// What happened on the weighbridge.
    pub enum WeighingFact in "terrarium.waste.v1" {
        WeighbridgeTicketRecordedV1 at time_s,
    }
}

/// Everything a decision needs beside the earlier tickets.
#[derive(Clone, Debug)]
pub struct WeighingContext {
    /// Park of the collection.
    pub park: ParkId,
    /// The collection.
    pub collection: Arc<str>,
    /// How it was executed, if it was.
    pub execution: Option<Execution>,
    /// Grams that its bins weighed themselves before they were emptied; `None` if not all had reported.
    pub bins_g: Option<i64>,
    /// The park's time.
    pub now: UnixSeconds,
}

/// The weighbridge tickets of a collection.
#[derive(Default)]
pub struct Weighing {
    tickets: BTreeMap<String, WeighbridgeTicketRecordedV1>,
}

impl Weighing {
    /// Net grams of all tickets.
    pub fn net_g(&self) -> i64 {
        self.tickets.values().map(|ticket| ticket.net_g).sum()
    }

    /// Decides about a ticket. Its net weight and what the bins weighed are worked out here.
    pub fn decide(
        &self,
        context: &WeighingContext,
        sent: &WeighbridgeTicketRecordedV1,
    ) -> Result<Vec<Event<WeighingFact>>, Rejection> {
        let ticket = WeighbridgeTicketRecordedV1 {
            net_g: sent.gross_g.saturating_sub(sent.tare_g),
            bins_g: context.bins_g,
            ..sent.clone()
        };
        match self.tickets.get(&ticket.ticket) {
            Some(recorded) if same_ticket(recorded, &ticket) => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "ticket",
                    format!(
                        "ticket {} of collection {} is recorded with {} g gross and {} g tare; a ticket number is used once",
                        ticket.ticket, context.collection, recorded.gross_g, recorded.tare_g
                    ),
                ));
            }
            None => {}
        }
        let Some(execution) = &context.execution else {
            return Err(Rejection::failed_precondition(
                "collection",
                format!(
                    "collection {} is not executed; report that its bins were emptied first",
                    context.collection
                ),
            ));
        };
        if ticket.tare_g < 0 || ticket.gross_g < ticket.tare_g {
            return Err(Rejection::invalid(
                "gross_g",
                format!(
                    "{} g gross and {} g tare make no load; gross is the loaded vehicle, tare the empty one",
                    ticket.gross_g, ticket.tare_g
                ),
            ));
        }
        if *execution.ticket == *ticket.ticket && execution.weight_g != ticket.net_g {
            return Err(Rejection::failed_precondition(
                "gross_g",
                format!(
                    "collection {} was reported with {} g on ticket {}, and gross less tare is {} g; check the ticket",
                    context.collection, execution.weight_g, ticket.ticket, ticket.net_g
                ),
            ));
        }
        if ticket.time_s < execution.time.0 {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "{} is before the bins were emptied, at {}; a load is weighed after that",
                    format_rfc3339_utc(UnixSeconds(ticket.time_s)),
                    format_rfc3339_utc(execution.time)
                ),
            ));
        }
        refuse_future("time", UnixSeconds(ticket.time_s), context.now)?;
        Ok(vec![Event::of(&context.park, ticket)])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<WeighingFact>) {
        let WeighingFact::WeighbridgeTicketRecordedV1(ticket) = &event.fact;
        self.tickets.insert(ticket.ticket.clone(), ticket.clone());
    }
}

/// What the bins weighed may have become known since.
fn same_ticket(recorded: &WeighbridgeTicketRecordedV1, sent: &WeighbridgeTicketRecordedV1) -> bool {
    let sent = WeighbridgeTicketRecordedV1 {
        bins_g: recorded.bins_g,
        ..sent.clone()
    };
    *recorded == sent
}

#[cfg(test)]
mod tests {
    use terrarium_journal::RejectionCode;

    use super::*;

    fn context() -> WeighingContext {
        WeighingContext {
            park: ParkId::new("haotian").expect("valid"),
            collection: "round-1".into(),
            execution: Some(Execution {
                time: UnixSeconds(100),
                ticket: "T-1".into(),
                weight_g: 52_000,
                evidence_sha256: None,
            }),
            bins_g: Some(51_200),
            now: UnixSeconds(1_000),
        }
    }

    fn ticket(number: &str, time_s: i64, gross_g: i64, tare_g: i64) -> WeighbridgeTicketRecordedV1 {
        WeighbridgeTicketRecordedV1 {
            collection: "round-1".into(),
            ticket: number.into(),
            time_s,
            gross_g,
            tare_g,
            ..WeighbridgeTicketRecordedV1::default()
        }
    }

    #[test]
    fn a_ticket_shows_the_bridge_beside_the_bins() {
        let mut weighing = Weighing::default();
        let sent = ticket("T-1", 200, 7_552_000, 7_500_000);
        let events = weighing.decide(&context(), &sent).expect("a ticket");
        let WeighingFact::WeighbridgeTicketRecordedV1(recorded) = &events[0].fact;
        assert_eq!((recorded.net_g, recorded.bins_g), (52_000, Some(51_200)));
        weighing.evolve(&events[0]);
        assert_eq!(weighing.net_g(), 52_000);
        assert_eq!(weighing.decide(&context(), &sent), Ok(Vec::new()));
    }

    #[test]
    fn a_ticket_that_does_not_fit_its_collection_is_refused() {
        use RejectionCode::{AlreadyExists, FailedPrecondition, InvalidArgument};
        let mut weighing = Weighing::default();
        let first = weighing
            .decide(&context(), &ticket("T-1", 200, 7_552_000, 7_500_000))
            .expect("a ticket");
        weighing.evolve(&first[0]);
        for (sent, expected) in [
            (
                ticket("T-1", 200, 7_552_001, 7_500_000),
                (AlreadyExists, "ticket"),
            ),
            (
                ticket("T-2", 200, 7_000_000, 7_500_000),
                (InvalidArgument, "gross_g"),
            ),
            (
                ticket("T-2", 99, 7_552_000, 7_500_000),
                (FailedPrecondition, "time"),
            ),
            (
                ticket("T-2", 1_061, 7_552_000, 7_500_000),
                (FailedPrecondition, "time"),
            ),
        ] {
            let refusal = weighing.decide(&context(), &sent).expect_err("refused");
            assert_eq!((refusal.code, refusal.field), expected, "{refusal}");
        }
        let mismatch = Weighing::default()
            .decide(&context(), &ticket("T-1", 200, 7_553_000, 7_500_000))
            .expect_err("another weight than the collection's");
        assert_eq!(mismatch.field, "gross_g");
        let open = WeighingContext {
            execution: None,
            ..context()
        };
        let refusal = weighing
            .decide(&open, &ticket("T-3", 200, 7_552_000, 7_500_000))
            .expect_err("nothing collected");
        assert_eq!(refusal.field, "collection");
    }
}
