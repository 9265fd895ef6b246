//! Steps of an instrument. A registry's serial number exists once, so each step looks at the same one in all other parks of
//! the record: what another park holds or has used can't be taken up here.

use std::sync::Arc;

use terrarium_journal::{Call, Event, StreamName};
use terrarium_model::ParkId;
use terrarium_proto::RecordedAnswer;
use terrarium_proto::carbon::v1 as wire;
use tonic::{Response, Status};

use super::CarbonApi;
use crate::accounts_intake::InstrumentName;
use crate::domain::{Elsewhere, Instrument, InstrumentContext, InstrumentFact};

/// Streams of park definitions begin so.
const DEFINITIONS: &str = "carbon.park-";

impl CarbonApi {
    /// Decides about one step and answers.
    pub(super) async fn step<R, Answer: RecordedAnswer>(
        &self,
        call: &Call<R>,
        name: &InstrumentName,
        fact: InstrumentFact,
    ) -> Result<Response<Answer>, Status> {
        let context = InstrumentContext {
            park: call.park.id.clone(),
            name: name.shown().into(),
            now: call.now,
            elsewhere: self.elsewhere(&call.park.id, name).await?,
        };
        let step = call.address(&name.id(), context, fact);
        call.answer(&self.instruments, step).await
    }

    /// Where another park holds the instrument or has used it up.
    async fn elsewhere(
        &self,
        here: &ParkId,
        name: &InstrumentName,
    ) -> Result<Option<Elsewhere>, Status> {
        for park in self.parks_on_record().await? {
            if park == *here {
                continue;
            }
            let stream = StreamName::new("carbon", "instrument", park.as_str(), &name.id());
            let mut instrument = Instrument::default();
            for event in self.events_of(stream.as_str()).await? {
                let decoded =
                    Event::<InstrumentFact>::decode(event.id, &event.event_type, &event.data)
                        .map_err(|error| Status::data_loss(error.to_string()))?;
                instrument.evolve(&decoded);
            }
            if let Some(elsewhere) = Elsewhere::of(park, &instrument) {
                return Ok(Some(elsewhere));
            }
        }
        Ok(None)
    }

    async fn parks_on_record(&self) -> Result<Vec<ParkId>, Status> {
        let streams: Vec<Arc<str>> = self
            .store
            .streams_with_prefix(DEFINITIONS)
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(streams
            .into_iter()
            .filter_map(|stream| ParkId::new(StreamName::parse(stream).ok()?.park()).ok())
            .collect())
    }
}

impl CarbonApi {
    /// All instruments of a park, by registry and serial number.
    pub(super) async fn instruments<R>(
        &self,
        call: &Call<R>,
    ) -> Result<Vec<wire::Instrument>, Status> {
        let mut instruments = Vec::new();
        for id in self.shell.ids::<Instrument>(&call.park).await? {
            let listed = call
                .look(&self.instruments, &id, |instrument| {
                    let issued = instrument.issued()?;
                    let (state, since) = instrument.state();
                    Some(wire::Instrument {
                        registry: issued.registry.clone(),
                        serial: issued.serial.clone(),
                        kind: issued.kind,
                        amount: issued.amount,
                        state: state.into(),
                        since: terrarium_model::format_rfc3339_utc(since),
                        period: instrument.period().to_owned(),
                    })
                })
                .await?;
            instruments.extend(listed);
        }
        instruments.sort_by(|one, other| {
            (&one.registry, &one.serial).cmp(&(&other.registry, &other.serial))
        });
        Ok(instruments)
    }
}
