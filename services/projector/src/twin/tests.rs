mod chargers;
mod devices;
mod record;
mod sites;
mod thermal;

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use terrarium_journal::{ContentType, Position, Ticks};
use terrarium_model::ParkId;
use terrarium_proto::carbon::v1::ParkDefinedV1;
use terrarium_twin::{PointName, Quantity, Value};
use uuid::Uuid;

use super::*;
use crate::Projection;

const PARK: &str = "domains";
const DEFINITION: &str = include_str!("../../../../tests/data/domains/park.toml");

/// A projection that is fed with events one after the other.
#[derive(Default)]
struct Feeder {
    projection: Projection,
    revisions: BTreeMap<String, u64>,
    position: u64,
    events: Vec<RecordedEvent>,
}

impl Feeder {
    fn with_park() -> Feeder {
        Feeder::with_definition(DEFINITION)
    }

    fn with_definition(definition: &str) -> Feeder {
        let mut feeder = Feeder::default();
        let defined = ParkDefinedV1 {
            park: PARK.into(),
            definition_toml: definition.into(),
            definition_sha256: Bytes::from_static(&[7; 32]),
        };
        let id = feeder.feed(
            "carbon.park",
            "definition",
            &defined,
            terrarium_journal::PARK_DEFINED_V1,
        );
        assert_eq!(id, Uuid::from_u128(1));
        feeder
    }

    /// Gives the event's id, which is its number.
    fn feed(&mut self, category: &str, id: &str, message: &impl Message, event_type: &str) -> Uuid {
        let stream = format!("{category}-{PARK}.{id}");
        self.feed_as(
            &stream,
            self.position as u128 / 100 + 1,
            message,
            event_type,
        )
    }

    fn feed_as(
        &mut self,
        stream: &str,
        number: u128,
        message: &impl Message,
        event_type: &str,
    ) -> Uuid {
        let revision = self.revisions.entry(stream.to_owned()).or_default();
        let event = RecordedEvent {
            position: Position(self.position),
            stream: stream.into(),
            revision: *revision,
            id: Uuid::from_u128(number),
            event_type: event_type.into(),
            content_type: ContentType::Binary,
            recorded: Ticks::default(),
            data: message.encode_to_vec().into(),
            metadata: Bytes::from_static(
                br#"{"id":"","source":"","specversion":"1.0","type":"","subject":"","time":"2025-08-01T00:00:00Z","recordedtime":"","schemaversion":1,"actor":"t","digest":""}"#,
            ),
        };
        *revision += 1;
        self.position += 100;
        self.projection
            .apply(&event, &mut BTreeMap::new())
            .expect("it folds");
        let id = event.id;
        self.events.push(event);
        id
    }

    fn water(&mut self, id: &str, kind: &str, message: &impl Message, name: &str) -> Uuid {
        let category = format!("water.{kind}");
        self.feed(
            &category,
            id,
            message,
            &format!("terrarium.water.v1.{name}"),
        )
    }

    fn waste(&mut self, message: &impl Message, name: &str) {
        let event_type = format!("terrarium.waste.v1.{name}");
        self.feed("waste.bin", "bin-1", message, &event_type);
    }

    fn charger(&mut self, message: &impl Message, name: &str) -> Uuid {
        let event_type = format!("terrarium.mobility.v1.{name}");
        self.feed("mobility.charger", "charger-1", message, &event_type)
    }

    fn meter(&mut self, message: &impl Message, name: &str) {
        let event_type = format!("terrarium.energy.v1.{name}");
        self.feed("energy.meter", "centre.load", message, &event_type);
    }

    fn twin(&self) -> &Twin {
        let park = ParkId::new(PARK).expect("valid");
        self.projection.twin(&park).expect("it has events").points()
    }

    /// Value and second of a point at a second.
    fn at(&self, asset: &str, quantity: Quantity, moment_s: i64) -> Option<(i64, i64)> {
        let value = self.value_at(&PointName::of_asset(&asset_id(asset), quantity), moment_s)?;
        Some((value.value, value.time_ms.div_euclid(1_000)))
    }

    fn value_at(&self, name: &PointName, moment_s: i64) -> Option<Value> {
        let twin = self.twin();
        let point = twin.point(twin.id(name)?)?;
        point.history.at(moment_s * 1_000).value
    }

    fn newest(&self, asset: &str, quantity: Quantity) -> Option<i64> {
        let name = PointName::of_asset(&asset_id(asset), quantity);
        Some(self.twin().newest(&name)?.value)
    }
}

fn asset_id(id: &str) -> AssetId {
    AssetId::new(id).expect("a valid id")
}
