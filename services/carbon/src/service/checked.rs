//! A period is verified only on factors whose source somebody checked.

use std::sync::Arc;

use terrarium_journal::{Event, RecordedEvent, StreamName, field_status};
use terrarium_ledger::carbon::attribution::grid_regions;
use terrarium_ledger::{FactorBook, FactorKind, FactorMark, Origin};
use terrarium_model::{ParkDefinition, SECONDS_PER_HOUR, UnixSeconds};
use tonic::{Code, Status};

use super::CarbonApi;
use crate::domain::{PeriodFact, Periods};
use crate::events::decode_factor_set;

/// Events of a stream that are read at once.
const READ_EVENTS: usize = 256;
/// What prices electricity.
const PRICES: [FactorKind; 7] = [
    FactorKind::GridAverage,
    FactorKind::GridMarginal,
    FactorKind::ResidualMix,
    FactorKind::Contract,
    FactorKind::Supplier,
    FactorKind::GridLosses,
    FactorKind::ElectricityUpstream,
];

impl CarbonApi {
    /// Refuses while a factor that prices an hour of the period has a source that nobody checked.
    pub(super) async fn refuse_unchecked_factors(
        &self,
        park: &ParkDefinition,
        period: &str,
    ) -> Result<(), Status> {
        let stream = StreamName::new(
            "carbon",
            "period",
            park.id.as_str(),
            super::accounts::WHOLE_PARK,
        );
        let mut periods = Periods::default();
        for event in self.events_of(stream.as_str()).await? {
            let decoded = Event::<PeriodFact>::decode(event.id, &event.event_type, &event.data)
                .map_err(|error| Status::data_loss(error.to_string()))?;
            periods.evolve(&decoded);
        }
        let Some(period) = periods.get(period) else {
            // What is not there is refused where it is decided.
            return Ok(());
        };
        let factors = self.factors_of(park).await?;
        let regions = grid_regions(park);
        let mut unchecked: Vec<String> = Vec::new();
        for hour_start in (period.from.0..period.to.0)
            .step_by(SECONDS_PER_HOUR as usize)
            .map(UnixSeconds)
        {
            for kind in PRICES {
                let row = regions
                    .iter()
                    .find_map(|region| factors.row(region, kind, hour_start));
                if let Some(used) = row.map(|row| row.used())
                    && used.mark == FactorMark::Default
                    && !unchecked.contains(&used.key)
                {
                    unchecked.push(used.key);
                }
            }
        }
        if unchecked.is_empty() {
            return Ok(());
        }
        Err(field_status(
            Code::FailedPrecondition,
            "period",
            format!(
                "the sources of these factors were not checked: {}; publish them again marked \"verified\" or \"secondary\", with the \
                 table and row that the figure stands in",
                unchecked.join(", ")
            ),
        ))
    }

    async fn factors_of(&self, park: &ParkDefinition) -> Result<FactorBook, Status> {
        let prefix = format!("carbon.factors-{}.", park.id);
        let streams = self
            .store
            .streams_with_prefix(&prefix)
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let mut factors = FactorBook::default();
        for stream in streams {
            for event in self.events_of(&stream).await? {
                let published = decode_factor_set(event.id, &event.event_type, &event.data)
                    .map_err(|error| Status::data_loss(error.to_string()))?;
                let origin = Origin {
                    position: event.position.0,
                    event: event.id,
                };
                for set in published.publication.rows() {
                    factors.publish(Arc::clone(set), origin);
                }
            }
        }
        Ok(factors)
    }

    pub(super) async fn events_of(&self, stream: &str) -> Result<Vec<RecordedEvent>, Status> {
        let mut events: Vec<RecordedEvent> = Vec::new();
        loop {
            let next = events.last().map_or(0, |last| last.revision + 1);
            let more = self
                .store
                .read_stream(stream, next, READ_EVENTS)
                .await
                .map_err(|error| Status::unavailable(error.to_string()))?;
            if more.is_empty() {
                return Ok(events);
            }
            events.extend(more);
        }
    }
}
