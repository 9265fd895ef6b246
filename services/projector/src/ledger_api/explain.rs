//! From an entry's kilograms down to the reading events.

use std::collections::BTreeMap;

use terrarium_energy::MeterFact;
use terrarium_energy::events as energy_events;
use terrarium_journal::{Metadata, Position, RecordedEvent, field_status, read_status};
use terrarium_ledger::books::PARK;
use terrarium_ledger::carbon::uncertainty::half_width_of_product;
use terrarium_ledger::energy::purchased::METER_U95_PPM;
use terrarium_ledger::entry::amount;
use terrarium_ledger::entry::{EnergyAccount, EntryLine};
use terrarium_ledger::{AsOf, Contribution, CountedReading, Entry, EntryId, HourAmounts, View};
use terrarium_model::{Measures, MeterId, NodeMetering, ParkDefinition, emission_fraction_mg};
use terrarium_proto::ledger::v1 as wire;
use tonic::{Code, Status};

use super::{LedgerApi, on_park};
use crate::ledger_wire;

/// What one reading gave, and the readings that it replaced.
struct Part {
    meter: MeterId,
    measures: Measures,
    contribution: Contribution,
    replaced: Vec<CountedReading>,
}

/// What is taken from the books under the lock; the events are read afterwards.
struct Parts {
    entry: Entry,
    metering: NodeMetering,
    has_storage_meters: bool,
    amounts: HourAmounts,
    contributions: Vec<Part>,
    attached: Vec<String>,
    definition: std::sync::Arc<ParkDefinition>,
    position: u64,
}

impl Parts {
    /// Positions of all events behind the entry.
    fn positions(&self) -> Vec<u64> {
        let mut positions = Vec::new();
        for part in &self.contributions {
            positions.extend(part.contribution.opening_read.map(|read| read.position));
            positions.push(part.contribution.reading.position);
            positions.extend(part.replaced.iter().map(|reading| reading.position));
        }
        let factor = self.entry.factor.as_ref();
        positions.extend(factor.map(|row| row.origin.position));
        positions
    }
}

impl LedgerApi {
    pub(super) async fn explain_entry(
        &self,
        request: &wire::ExplainRequest,
    ) -> Result<wire::ExplainResponse, Status> {
        let id = EntryId::parse(&request.entry_id)
            .map_err(|error| field_status(Code::InvalidArgument, "entry_id", error.to_string()))?;
        let as_of = self.as_of(&request.park, request.as_of.as_ref()).await?;
        let parts = self.parts(&request.park, as_of, &id)?;

        let mut events: BTreeMap<u64, RecordedEvent> = BTreeMap::new();
        for position in parts.positions() {
            let event = self
                .projector
                .store
                .event_at(Position(position))
                .await
                .map_err(|error| read_status(&error))?;
            events.insert(position, event);
        }

        let zone = &parts.definition.time_zone;
        let mut entry = ledger_wire::entry(&parts.entry, zone);
        if let (Some(factor), Some(row)) = (&mut entry.factor, &parts.entry.factor) {
            factor.event = Some(event_ref(&events[&row.origin.position])?);
        }
        let contributions = parts
            .contributions
            .iter()
            .map(|part| meter_contribution(part, &events, zone))
            .collect::<Result<Vec<_>, Status>>()?;

        let activity = match parts.entry.id.line {
            EntryLine::Energy(account) => account,
            EntryLine::Scope2Location => EnergyAccount::Import,
            EntryLine::AvoidedExport => EnergyAccount::Export,
        };
        let storage_accounts = [EnergyAccount::Charge, EnergyAccount::Discharge];
        let inputs = [
            EnergyAccount::Consumption,
            EnergyAccount::Generation,
            EnergyAccount::Import,
            EnergyAccount::Export,
        ]
        .into_iter()
        .chain(
            storage_accounts
                .into_iter()
                .filter(|_| parts.has_storage_meters),
        )
        .map(|account| wire::AccountAmount {
            account: ledger_wire::account(account).into(),
            energy_wh: amount(&parts.amounts, account),
        })
        .collect();
        let fraction = parts
            .entry
            .factor
            .as_ref()
            .and_then(|row| emission_fraction_mg(parts.entry.energy, row.value()));
        Ok(wire::ExplainResponse {
            entry: Some(entry),
            activity_formula: HourAmounts::formula(
                parts.metering,
                parts.has_storage_meters,
                activity,
            )
            .to_owned(),
            contributions,
            inputs,
            result_formula: match fraction {
                Some(_) => {
                    "mass_mg = round_half_even(energy_wh x factor_in_kg_per_kwh x 1000)".to_owned()
                }
                None => "energy_wh, no further step".to_owned(),
            },
            exact_numerator: fraction
                .map_or_else(String::new, |(numerator, _)| numerator.to_string()),
            exact_denominator: fraction
                .map_or_else(String::new, |(_, denominator)| denominator.to_string()),
            rounding: match fraction {
                Some(_) => "once, to whole milligrams, half to even".to_owned(),
                None => "each reading once, to whole Wh, half to even".to_owned(),
            },
            calculated_by: concat!("terrarium ", env!("CARGO_PKG_VERSION")).to_owned(),
            position: parts.position,
            party: PARK.to_owned(),
            place: Some(ledger_wire::place(&parts.definition, &parts.entry.id.asset)),
            activity_u95_ppm: METER_U95_PPM,
            half_width_mg: half_width_mg(&parts.entry),
            attached: parts.attached,
        })
    }

    fn parts(&self, park: &str, as_of: AsOf, id: &EntryId) -> Result<Parts, Status> {
        on_park(self, park, as_of, |view, definition, position| {
            let entry = view.entry(id).ok_or_else(|| {
                field_status(
                    Code::NotFound,
                    "entry_id",
                    format!(
                        "the books of park {} hold no entry {id}: the hour is incomplete, has no factor, or nothing flowed; see \
                         `terrarium ledger completeness` and `terrarium ledger entries`",
                        definition.id
                    ),
                )
            })?;
            let node = &definition.nodes[&id.asset];
            let contributions = node
                .meters
                .iter()
                .flat_map(|meter| {
                    view.contributions(meter, id.hour_start)
                        .into_iter()
                        .map(|contribution| Part {
                            meter: meter.clone(),
                            measures: definition.meters[meter].measures,
                            replaced: replaced(view, meter, &contribution),
                            contribution,
                        })
                })
                .collect();
            let meters = node.meters.iter().map(MeterId::as_str);
            let attached = std::iter::once(id.asset.as_str())
                .chain(meters)
                .flat_map(|about| view.ledger().activities().evidence_about(about, as_of))
                .map(|(_, record)| format!("{}: {}", record.kind, record.note))
                .collect();
            Ok(Parts {
                entry,
                metering: node.metering,
                has_storage_meters: node.has_storage_meters,
                amounts: view.node_hour(&id.asset, id.hour_start).amounts,
                contributions,
                attached,
                definition: std::sync::Arc::clone(definition),
                position,
            })
        })
    }
}

/// Half of the 95 % interval of an entry's mass.
fn half_width_mg(entry: &Entry) -> i64 {
    match (entry.mass, &entry.factor) {
        (Some(mass), Some(row)) => {
            half_width_of_product(mass.0, &[METER_U95_PPM, row.set.detail.u95_ppm])
        }
        _ => 0,
    }
}

/// Readings that the one behind a contribution replaced, of what is seen, oldest first.
fn replaced(view: &View<'_>, meter: &MeterId, contribution: &Contribution) -> Vec<CountedReading> {
    // A register's read is named by its moment, which ends the stretch that it closes.
    let start = match contribution.opening_read {
        Some(_) => contribution.interval.end(),
        None => contribution.interval.start,
    };
    let known_at = view.sight().known_at;
    view.ledger()
        .meter(meter)
        .into_iter()
        .flat_map(|book| book.superseded().range((start, 0)..=(start, known_at)))
        .map(|(_, superseded)| superseded)
        .filter(|superseded| superseded.replaced_at <= known_at)
        .map(|superseded| superseded.reading)
        .collect()
}

fn meter_contribution(
    part: &Part,
    events: &BTreeMap<u64, RecordedEvent>,
    zone: &terrarium_model::TimeZone,
) -> Result<wire::MeterContribution, Status> {
    let Part {
        meter,
        measures,
        contribution,
        replaced,
    } = part;
    let closing = &events[&contribution.reading.position];
    let (value, unit) = reported(closing)?;
    let opening = contribution
        .opening_read
        .map(|read| event_ref(&events[&read.position]))
        .transpose()?;
    let account = match measures {
        Measures::Consumption => EnergyAccount::Consumption,
        Measures::Generation => EnergyAccount::Generation,
        Measures::GridImport => EnergyAccount::Import,
        Measures::GridExport => EnergyAccount::Export,
        Measures::StorageCharge => EnergyAccount::Charge,
        Measures::StorageDischarge => EnergyAccount::Discharge,
        Measures::HeatSupply | Measures::HeatUse | Measures::ColdSupply | Measures::ColdUse => {
            unreachable!("no meter of heat or cold counts in a node of electricity")
        }
    };
    Ok(wire::MeterContribution {
        meter: meter.to_string(),
        account: ledger_wire::account(account).into(),
        energy_wh: contribution.energy.0,
        interval_start: zone.format_rfc3339(contribution.interval.start),
        interval_seconds: contribution.interval.seconds,
        value,
        unit,
        revision: contribution.reading.revision,
        reading_wh: contribution.interval_energy.0,
        events: opening.into_iter().chain([event_ref(closing)?]).collect(),
        corrected: replaced
            .iter()
            .map(|reading| {
                Ok(wire::ReplacedReading {
                    revision: reading.revision,
                    reading_wh: reading.energy.0,
                    event: Some(event_ref(&events[&reading.position])?),
                })
            })
            .collect::<Result<_, Status>>()?,
    })
}

/// The decimal and unit as reported.
fn reported(event: &RecordedEvent) -> Result<(String, String), Status> {
    let fact = energy_events::decode(event.id, &event.event_type, &event.data)
        .map_err(|error| Status::data_loss(error.to_string()))?
        .fact;
    let (MeterFact::IntervalMetered(reading)
    | MeterFact::RegisterRead(reading)
    | MeterFact::RegisterContinued { reading, .. }
    | MeterFact::Swapped { last: reading, .. }
    | MeterFact::Corrected { reading, .. }
    | MeterFact::Quarantined { reading, .. }
    | MeterFact::QuarantineDecided { reading, .. }) = fact;
    Ok((reading.value.to_string(), reading.unit.token().to_owned()))
}

fn event_ref(event: &RecordedEvent) -> Result<wire::EventRef, Status> {
    let metadata =
        Metadata::parse(&event.metadata).map_err(|error| Status::data_loss(error.to_string()))?;
    Ok(wire::EventRef {
        position: event.position.0,
        event_id: event.id.to_string(),
        r#type: event.event_type.to_string(),
        stream: event.stream.to_string(),
        revision: event.revision,
        recorded_time: metadata.recordedtime,
        actor: metadata.actor,
    })
}
