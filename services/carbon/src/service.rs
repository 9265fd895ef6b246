//! The gRPC shell of the carbon service.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use terrarium_journal::{
    CommitPublisher, Desk, EventStore, ParkClocks, Parks, Provenance, StreamName, Submission,
    field_status, park_definition_stream,
};
use terrarium_model::{ParkDefinition, ParkId};
use terrarium_proto::carbon::v1 as wire;
use terrarium_proto::carbon::v1::carbon_service_server::{CarbonService, CarbonServiceServer};
use terrarium_runtime::{Role, actor};
use tonic::{Code, Request, Response, Status};

use crate::domain::{DefinePark, FactorSetRecord, ParkRecord};
use crate::events::Now;
use crate::intake::take_in;

const MAY_DEFINE: &[Role] = &[Role::Admin];
const MAY_PUBLISH: &[Role] = &[Role::Operator, Role::Admin];

/// The carbon service of any number of parks.
#[derive(Clone)]
pub struct CarbonApi {
    definitions: Arc<Desk<ParkRecord>>,
    factor_sets: Arc<Desk<FactorSetRecord>>,
    parks: Arc<Parks>,
    clock: Arc<ParkClocks>,
}

impl CarbonApi {
    /// The service over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clock: Arc<ParkClocks>,
    ) -> CarbonApi {
        CarbonApi {
            definitions: Desk::new(Arc::clone(&store), publisher.clone()),
            factor_sets: Desk::new(Arc::clone(&store), publisher),
            parks: Arc::new(Parks::new(store)),
            clock,
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> CarbonServiceServer<CarbonApi> {
        CarbonServiceServer::new(self)
            .max_decoding_message_size(terrarium_runtime::MAX_MESSAGE_BYTES)
    }

    /// Puts a definition in force. Gives the park, the position it rests on, and whether it is new.
    pub async fn define(
        &self,
        definition_toml: &str,
        provenance: Provenance,
    ) -> Result<(ParkId, u64, bool), Status> {
        let definition =
            ParkDefinition::parse(definition_toml, "definition_toml").map_err(|problems| {
                field_status(
                    Code::InvalidArgument,
                    "definition_toml",
                    problems.to_string(),
                )
            })?;
        let now = self.clock.now_or_never_set(&definition).await?;
        let submission = Submission {
            stream: park_definition_stream(&definition.id),
            commands: vec![DefinePark {
                park: definition.id.clone(),
                definition_toml: definition_toml.into(),
                sha256: Sha256::digest(definition_toml.as_bytes()).into(),
            }],
            context: Now(now),
            recorded_time: now.to_string(),
            provenance,
        };
        let (results, position) = self
            .definitions
            .submit(submission)
            .await?
            .recorded()
            .await?;
        let mut is_new = false;
        for result in results {
            let events = result.map_err(|refusal| {
                field_status(
                    Code::FailedPrecondition,
                    "definition_toml",
                    refusal.to_string(),
                )
            })?;
            is_new |= !events.is_empty();
        }
        Ok((
            definition.id,
            position.map_or(0, |position| position.0),
            is_new,
        ))
    }
}

#[tonic::async_trait]
impl CarbonService for CarbonApi {
    async fn define_park(
        &self,
        request: Request<wire::DefineParkRequest>,
    ) -> Result<Response<wire::DefineParkResponse>, Status> {
        let caller = actor(&request)?;
        caller.require_role(MAY_DEFINE)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        if let Ok(definition) = ParkDefinition::parse(&request.definition_toml, "definition_toml") {
            caller.require(MAY_DEFINE, definition.id.as_str())?;
        }
        let (park, recorded_position, recorded) =
            self.define(&request.definition_toml, provenance).await?;
        Ok(Response::new(wire::DefineParkResponse {
            park: park.to_string(),
            recorded_position,
            recorded,
        }))
    }

    async fn publish_factor_set(
        &self,
        request: Request<wire::PublishFactorSetRequest>,
    ) -> Result<Response<wire::PublishFactorSetResponse>, Status> {
        actor(&request)?.require(MAY_PUBLISH, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = ParkId::new(&request.park)
            .map_err(|error| field_status(Code::InvalidArgument, "park", error.to_string()))?;
        let park = self.parks.get(&park).await?;
        let now = self.clock.now_or_never_set(&park).await?;
        let park = park.id.clone();
        let sent = request.factor_set.ok_or_else(|| {
            field_status(
                Code::InvalidArgument,
                "factor_set",
                "it is missing; send the set to publish",
            )
        })?;
        let factor_set = take_in(sent).map_err(|refusal| {
            field_status(
                Code::InvalidArgument,
                &format!("factor_set.{}", refusal.field),
                refusal.problem,
            )
        })?;
        let submission = Submission {
            stream: StreamName::new("carbon", "factors", park.as_str(), factor_set.set.as_str()),
            commands: vec![Arc::new(factor_set)],
            context: park,
            recorded_time: now.to_string(),
            provenance,
        };
        let (mut results, position) = self
            .factor_sets
            .submit(submission)
            .await?
            .recorded()
            .await?;
        let events = results
            .pop()
            .expect("one command, one result")
            .map_err(|taken| {
                field_status(Code::AlreadyExists, "factor_set.version", taken.to_string())
            })?;
        Ok(Response::new(wire::PublishFactorSetResponse {
            recorded_position: position.map_or(0, |position| position.0),
            recorded: !events.is_empty(),
        }))
    }
}
