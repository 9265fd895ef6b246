//! Decisions of people about quarantined readings.

use terrarium_journal::{Provenance, StreamName, Submission, field_status};
use terrarium_model::{Decimal, MeterId, ParkDefinition, Unit};
use terrarium_proto::energy::v1 as wire;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::domain::{MeterCommand, MeterRejection, RejectionCode};
use crate::events::{reading_to_wire, reason_to_wire};
use crate::intake::take_in_reason;
use crate::service::EnergyApi;

const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1_000;

impl EnergyApi {
    pub(crate) async fn list_quarantine(
        &self,
        request: &wire::ListQuarantinedRequest,
    ) -> Result<wire::ListQuarantinedResponse, Status> {
        let park = self.park(&request.park).await?;
        let page_size = match request.page_size as usize {
            0 => DEFAULT_PAGE,
            size @ 1..=LARGEST_PAGE => size,
            size => {
                return Err(field_status(
                    Code::InvalidArgument,
                    "page_size",
                    format!("{size} is over the limit; ask for 1 to {LARGEST_PAGE}"),
                ));
            }
        };
        let after = parse_page_token(&request.page_token)?;
        let mut readings = Vec::new();
        for meter in self.recorded_meters(&park).await? {
            if after
                .as_ref()
                .is_some_and(|(after_meter, _)| meter < *after_meter)
            {
                continue;
            }
            let stream = meter_stream(&park, &meter);
            let found = self
                .desk
                .look(&stream, |aggregate| {
                    aggregate
                        .undecided()
                        .iter()
                        .filter(|(id, _)| {
                            after.as_ref().is_none_or(|(after_meter, after_id)| {
                                meter != *after_meter || **id > *after_id
                            })
                        })
                        .map(|(id, undecided)| (*id, undecided.clone()))
                        .collect::<Vec<_>>()
                })
                .await?;
            for (id, undecided) in found {
                if readings.len() == page_size {
                    let last: &wire::QuarantinedReading =
                        readings.last().expect("a page holds at least one");
                    let next_page_token = format!(
                        "{}/{}",
                        last.reading
                            .as_ref()
                            .map_or("", |reading| reading.meter.as_str()),
                        last.quarantine_id
                    );
                    return Ok(wire::ListQuarantinedResponse {
                        readings,
                        next_page_token,
                    });
                }
                readings.push(wire::QuarantinedReading {
                    quarantine_id: id.to_string(),
                    reading: Some(reading_to_wire(&undecided.reading)),
                    reason: reason_to_wire(undecided.reason).into(),
                    finding: undecided.finding,
                });
            }
        }
        Ok(wire::ListQuarantinedResponse {
            readings,
            next_page_token: String::new(),
        })
    }

    pub(crate) async fn release(
        &self,
        request: &wire::ReleaseQuarantinedRequest,
        provenance: Provenance,
    ) -> Result<u64, Status> {
        let park = self.park(&request.park).await?;
        let quarantine_id = parse_quarantine_id(&request.quarantine_id)?;
        let reason = take_in_reason("reason", &request.reason).map_err(rejection_status)?;
        let command = MeterCommand::Release {
            quarantine_id,
            reason,
        };
        self.decide_quarantined(&park, quarantine_id, command, provenance)
            .await
    }

    pub(crate) async fn correct(
        &self,
        request: &wire::CorrectQuarantinedRequest,
        provenance: Provenance,
    ) -> Result<u64, Status> {
        let park = self.park(&request.park).await?;
        let quarantine_id = parse_quarantine_id(&request.quarantine_id)?;
        let value = Decimal::parse(&request.value)
            .map_err(|error| field_status(Code::InvalidArgument, "value", error.to_string()))?;
        let unit = Unit::parse(&request.unit)
            .map_err(|error| field_status(Code::InvalidArgument, "unit", error.to_string()))?;
        let command = MeterCommand::CorrectQuarantined {
            quarantine_id,
            value,
            unit,
            reason: take_in_reason("reason", &request.reason).map_err(rejection_status)?,
        };
        self.decide_quarantined(&park, quarantine_id, command, provenance)
            .await
    }

    async fn decide_quarantined(
        &self,
        park: &ParkDefinition,
        quarantine_id: Uuid,
        command: MeterCommand,
        provenance: Provenance,
    ) -> Result<u64, Status> {
        for meter in self.recorded_meters(park).await? {
            let stream = meter_stream(park, &meter);
            let knows = self
                .desk
                .look(&stream, |aggregate| {
                    aggregate.knows_quarantine(&quarantine_id)
                })
                .await?;
            if !knows {
                continue;
            }
            let now = self.now(park).await?;
            let Some(context) = self.context(park, &meter, now) else {
                return Err(field_status(
                    Code::FailedPrecondition,
                    "quarantine_id",
                    format!(
                        "meter {meter} is no longer part of the park definition; add it again to decide about it"
                    ),
                ));
            };
            let submission = Submission {
                stream,
                commands: vec![command],
                context,
                recorded_time: now.into(),
                provenance,
            };
            let pending = self.desk.submit(submission).await?;
            let (mut results, position) = pending.recorded().await?;
            results
                .pop()
                .expect("one command, one result")
                .map_err(rejection_status)?;
            return Ok(position.map_or(0, |position| position.0));
        }
        Err(field_status(
            Code::NotFound,
            "quarantine_id",
            format!(
                "park {} has no quarantined reading {quarantine_id}; `terrarium quarantine list` shows what there is",
                park.id
            ),
        ))
    }

    /// Meters of the park that have events, in order.
    async fn recorded_meters(&self, park: &ParkDefinition) -> Result<Vec<MeterId>, Status> {
        let prefix = format!("energy.meter-{}.", park.id);
        let streams = self
            .store
            .streams_with_prefix(&prefix)
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let mut meters: Vec<MeterId> = streams
            .iter()
            .filter_map(|stream| MeterId::new(&stream[prefix.len()..]).ok())
            .collect();
        meters.sort();
        Ok(meters)
    }
}

pub(crate) fn meter_stream(park: &ParkDefinition, meter: &MeterId) -> StreamName {
    StreamName::new("energy", "meter", park.id.as_str(), meter.as_str())
}

fn parse_quarantine_id(text: &str) -> Result<Uuid, Status> {
    Uuid::parse_str(text).map_err(|_| {
        field_status(
            Code::InvalidArgument,
            "quarantine_id",
            format!("\"{text}\" is no id; `terrarium quarantine list` shows them"),
        )
    })
}

fn parse_page_token(token: &str) -> Result<Option<(MeterId, Uuid)>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    token
        .split_once('/')
        .and_then(|(meter, id)| Some((MeterId::new(meter).ok()?, Uuid::parse_str(id).ok()?)))
        .map(Some)
        .ok_or_else(|| {
            field_status(
                Code::InvalidArgument,
                "page_token",
                "it is none of ours; pass the last answer's next_page_token, or nothing for the first page",
            )
        })
}

pub(crate) fn rejection_status(rejection: MeterRejection) -> Status {
    let code = match rejection.code {
        RejectionCode::InvalidArgument => Code::InvalidArgument,
        RejectionCode::NotFound => Code::NotFound,
        RejectionCode::AlreadyExists => Code::AlreadyExists,
        RejectionCode::FailedPrecondition => Code::FailedPrecondition,
    };
    field_status(code, rejection.field, rejection.message)
}
