//! What the public API says of a year's figures.

use terrarium_proto::ledger::v1 as ledger;
use terrarium_proto::ledger::v1::carbon_books_service_client::CarbonBooksServiceClient;
use terrarium_tests::Clients;
use tonic::Code;

use crate::{BICYCLE, DENSITY, HOUR_UTC, NET_VALUE, NORTH_2023, PARK};

/// Everything that the questions are answered from: as the public API gives it.
pub struct Answers {
    pub diesel: ledger::ExplainPostingResponse,
    pub electricity: ledger::ExplainResponse,
    pub park: ledger::ListPostingsResponse,
    pub tenant: ledger::ListPostingsResponse,
    pub north: ledger::ExplainFactorResponse,
    pub density: ledger::ExplainFactorResponse,
    pub net_value: ledger::ExplainFactorResponse,
    pub bicycle: ledger::ExplainFactorResponse,
}

impl Answers {
    pub async fn ask(clients: &mut Clients) -> Answers {
        let mut books = CarbonBooksServiceClient::new(clients.channel.clone());
        let of_party = |party: &str| ledger::ListPostingsRequest {
            park: PARK.into(),
            period: Some(ledger::Period {
                from: "2023-01-01T00:00:00+08:00".into(),
                to: "2024-01-01T00:00:00+08:00".into(),
            }),
            party: party.into(),
            electricity: true,
            ..Default::default()
        };
        let posting = ledger::ExplainPostingRequest {
            park: PARK.into(),
            posting_id: format!("emission/centre/{HOUR_UTC}/diesel/d-1"),
            ..Default::default()
        };
        let entry = ledger::ExplainRequest {
            park: PARK.into(),
            entry_id: format!("emission/centre/{HOUR_UTC}/scope2-location"),
            as_of: None,
        };
        let factor = |key: &str| ledger::ExplainFactorRequest {
            park: PARK.into(),
            key: key.into(),
            at: String::new(),
        };
        let outside = ledger::ExplainFactorRequest {
            at: "2024-06-01T00:00:00+08:00".into(),
            ..factor(NORTH_2023)
        };
        let refused = books.explain_factor(outside).await.expect_err("over");
        assert_eq!(refused.code(), Code::NotFound, "{refused}");
        let posting = books.explain_posting(posting).await;
        let park = books.list_postings(of_party("park")).await;
        let tenant = books.list_postings(of_party("tenant-a")).await;
        let north = books.explain_factor(factor(NORTH_2023)).await;
        let density = books.explain_factor(factor(DENSITY)).await;
        let net_value = books.explain_factor(factor(NET_VALUE)).await;
        let bicycle = books.explain_factor(factor(BICYCLE)).await;
        let entry = clients.ledger.explain(entry).await;
        Answers {
            diesel: posting.expect("explained").into_inner(),
            electricity: entry.expect("explained").into_inner(),
            park: park.expect("listed").into_inner(),
            tenant: tenant.expect("listed").into_inner(),
            north: north.expect("a factor").into_inner(),
            density: density.expect("a factor").into_inner(),
            net_value: net_value.expect("a factor").into_inner(),
            bicycle: bicycle.expect("a factor").into_inner(),
        }
    }

    pub fn posting(&self) -> &ledger::Posting {
        self.diesel.posting.as_ref().expect("a posting")
    }

    pub fn entry(&self) -> &ledger::Entry {
        self.electricity.entry.as_ref().expect("an entry")
    }

    pub fn grid_factor(&self) -> &ledger::FactorRef {
        self.entry().factor.as_ref().expect("a factor")
    }
}
