//! Reports of bins, the crew and compost.

use terrarium_model::format_rfc3339_utc;
use terrarium_proto::waste::v1 as waste;

use super::{Bundle, Command, WasteReport, add_to_last};
use crate::park::{CompostWork, Fact};

impl Bundle {
    pub(super) fn add_waste(&mut self, fact: Fact) {
        match fact {
            Fact::BinMeasured {
                bin,
                at,
                fill_l,
                weight_g,
            } => {
                let measurement = waste::BinMeasurement {
                    bin: bin.to_string(),
                    time: self.time(at),
                    fill_l,
                    weight_g,
                };
                add_to_last(
                    &mut self.waste,
                    measurement,
                    WasteReport::bins,
                    WasteReport::Bins,
                );
            }
            Fact::Collected {
                collection,
                at,
                ticket,
                weight_g,
            } => {
                let request = waste::ReportCollectionRequest {
                    park: self.park.clone(),
                    client_request_id: format!("crew-{collection}"),
                    collection,
                    time: format_rfc3339_utc(at),
                    ticket,
                    weight_g,
                    ..waste::ReportCollectionRequest::default()
                };
                self.waste.push(WasteReport::Collected(request));
            }
            Fact::CollectionOrdered {
                collection,
                bins,
                due,
                ..
            } => self
                .commands
                .push(Command::Order(waste::OrderCollectionRequest {
                    park: self.park.clone(),
                    client_request_id: format!("order-{collection}"),
                    collection,
                    bins: bins.iter().map(ToString::to_string).collect(),
                    assignee: "crew-1".to_owned(),
                    due: format_rfc3339_utc(due),
                    ..waste::OrderCollectionRequest::default()
                })),
            Fact::CollectionAcknowledged { collection, .. } => {
                let request = waste::AcknowledgeCollectionRequest {
                    park: self.park.clone(),
                    client_request_id: format!("seen-{collection}"),
                    collection,
                };
                self.commands.push(Command::Acknowledge(request));
            }
            Fact::Compost {
                bay,
                batch,
                at,
                work,
            } => {
                let time = self.time(at);
                self.compost.push(waste::CompostReport {
                    bay: bay.to_string(),
                    batch,
                    time,
                    what: Some(compost_work(work)),
                });
            }
            _ => unreachable!("only reports of the waste domain come here"),
        }
    }
}

fn compost_work(work: CompostWork) -> waste::compost_report::What {
    use waste::compost_report::What;
    match work {
        CompostWork::Fed { weight_g, source } => {
            What::Feed(waste::CompostFeed { weight_g, source })
        }
        CompostWork::Turned => What::Turning(waste::CompostTurning {}),
        CompostWork::Measured { temperature_mc } => What::Measurement(waste::CompostMeasurement {
            temperature_mc,
            moisture_permille: None,
        }),
        CompostWork::TakenOut { weight_g } => What::Product(waste::CompostProduct { weight_g }),
        CompostWork::Ended => What::End(waste::CompostEnd {}),
    }
}
