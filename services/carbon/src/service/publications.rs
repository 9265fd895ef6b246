//! What is published to a park: its definition and its factors.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use terrarium_journal::{Provenance, StreamName, Submission, field_status, park_definition_stream};
use terrarium_model::{ParkDefinition, ParkId};
use terrarium_proto::carbon::v1 as wire;
use tonic::{Code, Status};

use super::CarbonApi;
use crate::domain::{DefinePark, FactorPublication};
use crate::events::Now;
use crate::intake::take_in;
use crate::table_intake::take_in_table;

impl CarbonApi {
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
            recorded_time: now.into(),
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

    /// Publishes factors to a park. Gives the position it rests on, and whether they are new.
    async fn publish(
        &self,
        park: &str,
        publication: FactorPublication,
        version_field: &str,
        provenance: Provenance,
    ) -> Result<(u64, bool), Status> {
        let park = ParkId::new(park)
            .map_err(|error| field_status(Code::InvalidArgument, "park", error.to_string()))?;
        let park = self.parks.get(&park).await?;
        let now = self.clock.now_or_never_set(&park).await?;
        let park = park.id.clone();
        let set = publication.head().set.clone();
        let submission = Submission {
            stream: StreamName::new("carbon", "factors", park.as_str(), set.as_str()),
            commands: vec![publication],
            context: park,
            recorded_time: now.into(),
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
            .map_err(|taken| field_status(Code::AlreadyExists, version_field, taken.to_string()))?;
        Ok((
            position.map_or(0, |position| position.0),
            !events.is_empty(),
        ))
    }

    /// One set of factors.
    pub(super) async fn publish_set(
        &self,
        request: wire::PublishFactorSetRequest,
        provenance: Provenance,
    ) -> Result<(u64, bool), Status> {
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
        let publication = FactorPublication::single(Arc::new(factor_set));
        self.publish(&request.park, publication, "factor_set.version", provenance)
            .await
    }

    /// A table of factors.
    pub(super) async fn publish_table(
        &self,
        request: wire::PublishFactorTableRequest,
        provenance: Provenance,
    ) -> Result<(u64, bool), Status> {
        let sent = request.table.ok_or_else(|| {
            field_status(
                Code::InvalidArgument,
                "table",
                "it is missing; send the table to publish",
            )
        })?;
        let publication = take_in_table(&sent).map_err(|refusal| {
            field_status(
                Code::InvalidArgument,
                &format!("table.{}", refusal.field),
                refusal.problem,
            )
        })?;
        self.publish(&request.park, publication, "table.version", provenance)
            .await
    }
}
